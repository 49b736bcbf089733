/* SPDX-License-Identifier: MIT */
/*
 * A decoder-only model computed from its checkpoint in plain double precision, one obvious loop
 * after the other. It shares nothing with the converter but the reading of files.
 */
#ifndef ANM_TESTS_REFERENCE_FORWARD_H
#define ANM_TESTS_REFERENCE_FORWARD_H

#include <stdint.h>

/*
 * logits [count, vocab] of the tokens, under transformers' rules for Qwen 2, Qwen 3 and Llama.
 * Reads config.json and model.safetensors of `dir`; fails the running test if it cannot.
 */
void reference_forward(const char *dir, const int32_t *tokens, int64_t count, double *logits);

#endif
