/* SPDX-License-Identifier: MIT */
/* Messages made in an arena: ANM_PROTO_NEW(arena, Pb__Value, pb__value); NULL: memory is out. */
#ifndef ANM_PACKAGE_PROTONEW_H
#define ANM_PACKAGE_PROTONEW_H

#include <protobuf-c/protobuf-c.h>

#include "src/base/arena.h"

static inline void *anm_proto_new(anm_arena *arena, size_t size,
                                  const ProtobufCMessageDescriptor *descriptor) {
    void *message = anm_arena_alloc(arena, size);
    if (message) protobuf_c_message_init(descriptor, message);
    return message;
}

#define ANM_PROTO_NEW(arena, type, lower)                                                          \
    ((type *)anm_proto_new((arena), sizeof(type), &lower##__descriptor))

#endif
