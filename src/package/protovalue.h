/* SPDX-License-Identifier: MIT */
/* MIL types and literal values between protobuf and the IR. */
#ifndef ANM_PACKAGE_PROTOVALUE_H
#define ANM_PACKAGE_PROTOVALUE_H

#include "src/mil/ir.h"
#include "src/proto/mil.pb-c.h"

typedef struct anm_value_context {
    anm_arena *arena;
    const char *where; /* file */
    const char *owner; /* value or op, for messages */
} anm_value_context;

ANM_MUST_CHECK anm_status anm_proto_read_type(const anm_value_context *context,
                                              const Pb__ValueType *message,
                                              const anm_mil_type **out, anm_error *err);
ANM_MUST_CHECK anm_status anm_proto_read_value(const anm_value_context *context,
                                               const Pb__Value *message,
                                               const anm_mil_literal **out, anm_error *err);

/* The other way; messages live in the arena, sharing the IR's strings. NULL: memory is out. */
Pb__ValueType *anm_proto_make_type(anm_arena *arena, const anm_mil_type *type);
Pb__Value *anm_proto_make_value(anm_arena *arena, const anm_mil_literal *literal);

#endif
