/* SPDX-License-Identifier: MIT */
/* The element types of GGUF files, by number: what they are called, how large, whether read. */
#ifndef ANM_HF_GGUF_TYPES_H
#define ANM_HF_GGUF_TYPES_H

#include "src/hf/checkpoint.h"

typedef struct anm_gguf_type {
    const char *name;         /* "Q4_K" */
    size_t block, bytes;      /* values per block and its size */
    anm_dtype dtype;          /* of plain elements; else ANM_DTYPE_NONE */
    const anm_coding *coding; /* of blocks that are read; else NULL */
} anm_gguf_type;

/* NULL for a number that the format does not define. */
const anm_gguf_type *anm_gguf_type_get(uint32_t number);
/* Whether weights of this type can be read. */
bool anm_gguf_type_is_readable(const anm_gguf_type *type);

extern const anm_coding anm_gguf_q8_0, anm_gguf_q4_0, anm_gguf_q4_k, anm_gguf_q6_k;

#endif
