/* SPDX-License-Identifier: MIT */
/* The "post_processor" of a tokenizer.json, boiled down to the ids around a single text. */
#ifndef ANM_HF_TOK_POST_H
#define ANM_HF_TOK_POST_H

#include "src/base/json.h"
#include "src/hf/tok_bpe.h"

typedef struct anm_post {
    anm_id_vec before, after;
} anm_post;

/* `value` may be NULL or null: nothing around the text. */
ANM_MUST_CHECK anm_status anm_post_load(const json_t *value, const char *where, anm_post *out,
                                        anm_error *err);
void anm_post_free(anm_post *post);

#endif
