/* SPDX-License-Identifier: MIT */
/* ggml's numbering of element types, with the sizes of those that we read. */
#include "src/hf/gguf_types.h"

#define PLAIN(name, bytes, dtype) {name, 1, bytes, dtype, NULL}
#define BLOCKS(name, values, bytes, coding) {name, values, bytes, ANM_DTYPE_NONE, coding}
/* Known by name only, so that a refusal can say what was met. */
#define NAMED(name) {name, 0, 0, ANM_DTYPE_NONE, NULL}

static const anm_gguf_type table[] = {
    [0] = PLAIN("F32", 4, ANM_DTYPE_FP32),
    [1] = PLAIN("F16", 2, ANM_DTYPE_FP16),
    [2] = BLOCKS("Q4_0", 32, 18, &anm_gguf_q4_0),
    [3] = NAMED("Q4_1"),
    [6] = NAMED("Q5_0"),
    [7] = NAMED("Q5_1"),
    [8] = BLOCKS("Q8_0", 32, 34, &anm_gguf_q8_0),
    [9] = NAMED("Q8_1"),
    [10] = NAMED("Q2_K"),
    [11] = NAMED("Q3_K"),
    [12] = BLOCKS("Q4_K", 256, 144, &anm_gguf_q4_k),
    [13] = NAMED("Q5_K"),
    [14] = BLOCKS("Q6_K", 256, 210, &anm_gguf_q6_k),
    [15] = NAMED("Q8_K"),
    [16] = NAMED("IQ2_XXS"),
    [17] = NAMED("IQ2_XS"),
    [18] = NAMED("IQ3_XXS"),
    [19] = NAMED("IQ1_S"),
    [20] = NAMED("IQ4_NL"),
    [21] = NAMED("IQ3_S"),
    [22] = NAMED("IQ2_S"),
    [23] = NAMED("IQ4_XS"),
    [24] = NAMED("I8"),
    [25] = NAMED("I16"),
    [26] = NAMED("I32"),
    [27] = NAMED("I64"),
    [28] = NAMED("F64"),
    [29] = NAMED("IQ1_M"),
    [30] = PLAIN("BF16", 2, ANM_DTYPE_BF16),
    [31] = NAMED("Q4_0_4_4"),
    [32] = NAMED("Q4_0_4_8"),
    [33] = NAMED("Q4_0_8_8"),
    [34] = NAMED("TQ1_0"),
    [35] = NAMED("TQ2_0"),
    [36] = NAMED("IQ4_NL_4_4"),
    [37] = NAMED("IQ4_NL_4_8"),
    [38] = NAMED("IQ4_NL_8_8"),
    [39] = NAMED("MXFP4"),
    [40] = NAMED("NVFP4"),
    [41] = NAMED("Q1_0"),
    [42] = NAMED("Q2_0"),
};

const anm_gguf_type *anm_gguf_type_get(uint32_t number) {
    if (number >= sizeof table / sizeof table[0] || !table[number].name) return NULL;
    return &table[number];
}

bool anm_gguf_type_is_readable(const anm_gguf_type *type) {
    return type->block != 0;
}
