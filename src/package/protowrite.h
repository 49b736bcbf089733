/* SPDX-License-Identifier: MIT */
/* From the IR to the protobuf messages of a model file. */
#ifndef ANM_PACKAGE_PROTOWRITE_H
#define ANM_PACKAGE_PROTOWRITE_H

#include "src/base/file.h"
#include "src/mil/ir.h"
#include "src/proto/model.pb-c.h"

/* The message in the arena, sharing strings and data with the IR; NULL when memory is out. */
Pb__Program *anm_proto_write_program(anm_arena *arena, const anm_mil_program *program);

/* Packs a message straight into a file, without a copy in memory. */
ANM_MUST_CHECK anm_status anm_proto_pack(const ProtobufCMessage *message, anm_writer *file,
                                         anm_error *err);

#endif
