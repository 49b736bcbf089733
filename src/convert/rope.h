/* SPDX-License-Identifier: MIT */
/* Rotary position embedding: inverse frequencies, and the tables that packages carry. */
#ifndef ANM_CONVERT_ROPE_H
#define ANM_CONVERT_ROPE_H

#include "src/hf/config.h"
#include "src/package/blobfile.h"

/*
 * The head_dim / 2 inverse frequencies (radians per position) of transformers'
 * modeling_rope_utils.py: "default", "linear", "llama3" and "yarn". The config passed the recipe's
 * check.
 */
void anm_rope_frequencies(const anm_hf_rope *rope, int64_t head_dim, double *out);

/* What cos and sin are multiplied by: 1 but for YaRN, which sharpens attention by it. */
double anm_rope_attention_factor(const anm_hf_rope *rope);

typedef enum anm_rope_function { ANM_ROPE_COS, ANM_ROPE_SIN } anm_rope_function;

/*
 * Appends the fp16 table [1, rows, width] of cos or sin(position * frequency), times the
 * attention factor, computed in double and rounded once. `width` is head_dim / 2, or head_dim: then
 * the values stand twice in a row.
 */
ANM_MUST_CHECK anm_status anm_rope_store(const anm_hf_rope *rope, int64_t head_dim, int64_t width,
                                         int64_t rows, anm_rope_function function,
                                         anm_blob_writer *blobs,
                                         uint64_t *offset, anm_error *err);

#endif
