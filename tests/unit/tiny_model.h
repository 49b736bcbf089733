/* SPDX-License-Identifier: MIT */
/* Tiny checkpoints of random weights, right or with one thing wrong. */
#ifndef ANM_TESTS_TINY_MODEL_H
#define ANM_TESTS_TINY_MODEL_H

#include <stdbool.h>

#include "anemone/tensor.h"

typedef struct tiny_model {
    const char *model_type, *architecture;
    int64_t hidden, layers, heads, kv_heads, head_dim, inner, vocab;
    bool tied, qk_norm, qkv_bias, out_bias, mlp_bias;
    anm_dtype dtype;
    const char *config; /* more of config.json: "\"rope_theta\": 1e6, ..." ; may be NULL */
    /* Names of tensors to spoil; NULL: none. */
    const char *missing;
    const char *reshaped; /* one row more */
    const char *surplus;  /* added, [4] */
    const char *retyped;  /* written as fp64 */
    const char *huge;     /* two values of 1e5 and -2e6 */
} tiny_model;

/* Writes DIR/config.json and DIR/model.safetensors; fails the running test if it cannot. */
void tiny_model_write(const tiny_model *model, const char *dir);

/* A fresh directory of the test, removed and made again. Relative to the working directory. */
void fresh_directory(const char *dir);

#endif
