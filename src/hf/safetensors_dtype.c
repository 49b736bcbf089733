/* SPDX-License-Identifier: MIT */
/* The format's element type names. */
#include "src/hf/safetensors_internal.h"

/* In the order of the reference implementation, by which its writer sorts. */
static const struct {
    const char *name;
    anm_dtype dtype; /* ANM_DTYPE_NONE: in the format, but not in anm_dtype */
} table[] = {
    {"BOOL", ANM_DTYPE_BOOL},      {"F4", ANM_DTYPE_NONE},
    {"F6_E2M3", ANM_DTYPE_NONE},   {"F6_E3M2", ANM_DTYPE_NONE},
    {"U8", ANM_DTYPE_UINT8},       {"I8", ANM_DTYPE_INT8},
    {"F8_E5M2", ANM_DTYPE_FP8E5M2}, {"F8_E4M3", ANM_DTYPE_FP8E4M3FN},
    {"F8_E8M0", ANM_DTYPE_NONE},   {"I16", ANM_DTYPE_INT16},
    {"U16", ANM_DTYPE_UINT16},     {"F16", ANM_DTYPE_FP16},
    {"BF16", ANM_DTYPE_BF16},      {"I32", ANM_DTYPE_INT32},
    {"U32", ANM_DTYPE_UINT32},     {"F32", ANM_DTYPE_FP32},
    {"C64", ANM_DTYPE_NONE},       {"F64", ANM_DTYPE_FP64},
    {"I64", ANM_DTYPE_INT64},      {"U64", ANM_DTYPE_UINT64},
};
enum { COUNT = sizeof table / sizeof table[0] };

int anm_safetensors_dtype_rank(anm_dtype dtype) {
    for (int i = 0; i < COUNT; i++)
        if (table[i].dtype == dtype && dtype != ANM_DTYPE_NONE) return i;
    return -1;
}

const char *anm_safetensors_dtype_name(anm_dtype dtype) {
    int i = anm_safetensors_dtype_rank(dtype);
    return i < 0 ? NULL : table[i].name;
}

bool anm_safetensors_dtype_parse(anm_sv name, anm_dtype *out) {
    *out = ANM_DTYPE_NONE;
    for (int i = 0; i < COUNT; i++) {
        if (!anm_sv_is(name, table[i].name)) continue;
        *out = table[i].dtype;
        return true;
    }
    return false;
}
