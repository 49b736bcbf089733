/* SPDX-License-Identifier: MIT */
/* From the protobuf messages of a model file to the IR. */
#ifndef ANM_PACKAGE_PROTOREAD_H
#define ANM_PACKAGE_PROTOREAD_H

#include "src/mil/ir.h"
#include "src/proto/model.pb-c.h"

/*
 * Parses the bytes of a model.mlmodel. The message keeps unknown fields. Release with
 * pb__model__free_unpacked(model, NULL).
 */
ANM_MUST_CHECK anm_status anm_proto_parse_model(const void *data, size_t size, const char *where,
                                                Pb__Model **out, anm_error *err);
/* The same for a bare ModelDescription, as in coremldata.bin. */
ANM_MUST_CHECK anm_status anm_proto_parse_description(const void *data, size_t size,
                                                      const char *where, Pb__ModelDescription **out,
                                                      anm_error *err);

/*
 * Copies a program into an IR of its own. References are resolved: an undefined value or one used
 * before its definition is an error naming function and op. Blob literals keep path and offset and
 * have no data yet.
 */
ANM_MUST_CHECK anm_status anm_proto_read_program(const Pb__Program *message, const char *where,
                                                 anm_mil_program **out, anm_error *err);

#endif
