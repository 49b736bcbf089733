/* SPDX-License-Identifier: MIT */
/*
 * A text encoder: one package from token ids (and a mask) to an embedding, such as the BERT family
 * for retrieval, with its tokenizer beside it.
 */
#ifndef ANM_SERVE_ENCODER_H
#define ANM_SERVE_ENCODER_H

#include <stdbool.h>

#include "anemone/llm.h"

typedef struct anm_encoder anm_encoder;

/*
 * `path` is a package, or a directory that holds one package and no other. *found is false, and
 * the status ANM_OK, where that is no encoder: no input_ids, or a state.
 */
ANM_MUST_CHECK anm_status anm_encoder_open(const char *path, const anm_llm_options *options,
                                           anm_encoder **out, bool *found, anm_error *err);
void anm_encoder_close(anm_encoder *encoder); /* NULL is fine */

const anm_tokenizer *anm_encoder_tokenizer(const anm_encoder *encoder);
size_t anm_encoder_most(const anm_encoder *encoder); /* tokens of a text */
/*
 * The embedding of a text of 1 to `most` tokens, of length one. *values has *size entries and is
 * released with anm_free.
 */
ANM_MUST_CHECK anm_status anm_encoder_run(const anm_encoder *encoder, const int32_t *tokens,
                                          size_t count, float **values, size_t *size,
                                          anm_error *err);

#endif
