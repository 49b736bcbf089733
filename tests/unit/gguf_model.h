/* SPDX-License-Identifier: MIT */
/*
 * A tiny random model as a GGUF file, and the same model dequantised as a Hugging Face directory in
 * fp32: what both are converted into must be equal byte for byte.
 */
#ifndef ANM_TESTS_GGUF_MODEL_H
#define ANM_TESTS_GGUF_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/unit/gguf_writer.h"

typedef struct gguf_model {
    const char *arch;       /* "llama", "qwen2", "qwen3", "gemma3" */
    uint32_t type;          /* of the matrices: ggml's number */
    bool tied;
    bool llama3;            /* with Llama 3.1's frequency factors */
    int files;              /* the number of splits; 0 and 1: one file */
    void (*more)(gguf_writer *w); /* adds metadata; may be NULL */
} gguf_model;

enum { GGUF_F32 = 0, GGUF_F16 = 1, GGUF_Q4_0 = 2, GGUF_Q8_0 = 8, GGUF_Q4_K = 12, GGUF_Q6_K = 14,
       GGUF_BF16 = 30 };

/* `path` is that of the file, or for splits what stands before "-00001-of-0000N.gguf". */
void gguf_model_write(const gguf_model *model, const char *path, const char *hf_dir);

/* Value `index` of packed data, by the definition of the type, one value at a time. */
float gguf_value(uint32_t type, const uint8_t *data, int64_t index);
/* Fills packed data of `count` values with random blocks of reasonable scale; gives its size. */
size_t gguf_random(uint32_t type, uint8_t *data, int64_t count, uint64_t *seed);

#endif
