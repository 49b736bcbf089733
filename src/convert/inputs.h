/* SPDX-License-Identifier: MIT */
/*
 * Whether a checkpoint's data is the same as at another time, without reading all of it: of a file
 * its name, size, time of change and header; of a tensor its place and a few samples.
 */
#ifndef ANM_CONVERT_INPUTS_H
#define ANM_CONVERT_INPUTS_H

#include "src/base/sha256.h"
#include "src/hf/checkpoint.h"

typedef struct anm_inputs anm_inputs;

/* Looks at every file; with `contents` all of their bytes are hashed, on all cores. */
ANM_MUST_CHECK anm_status anm_inputs_make(anm_arena *arena, const anm_checkpoint *checkpoint,
                                          bool contents, anm_inputs **out, anm_error *err);
/* Adds a tensor and its file. */
void anm_inputs_add(const anm_inputs *inputs, const anm_weight *weight, anm_sha256 *hash);
/* Adds the hash of all bytes of the tensor's file, which anm_inputs_make() was asked for. */
void anm_inputs_add_contents(const anm_inputs *inputs, const anm_weight *weight, anm_sha256 *hash);

#endif
