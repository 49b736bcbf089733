/* SPDX-License-Identifier: MIT */
/* Element types and the tensor view that the whole public API shares. */
#ifndef ANEMONE_TENSOR_H
#define ANEMONE_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "anemone/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* MIL allows rank 5 for values; lookup tables add two dimensions to a weight's rank. */
#define ANM_MAX_RANK 8

/* The values are pinned. Names are MIL's: see anm_dtype_name(). */
typedef enum anm_dtype {
    ANM_DTYPE_NONE = 0,
    ANM_DTYPE_BOOL = 1, /* one byte, 0 or 1 */
    ANM_DTYPE_STRING = 2,
    ANM_DTYPE_FP16 = 10,
    ANM_DTYPE_FP32 = 11,
    ANM_DTYPE_FP64 = 12,
    ANM_DTYPE_BF16 = 13,
    ANM_DTYPE_INT8 = 21,
    ANM_DTYPE_INT16 = 22,
    ANM_DTYPE_INT32 = 23,
    ANM_DTYPE_INT64 = 24,
    ANM_DTYPE_INT4 = 25,
    ANM_DTYPE_UINT8 = 31,
    ANM_DTYPE_UINT16 = 32,
    ANM_DTYPE_UINT32 = 33,
    ANM_DTYPE_UINT64 = 34,
    ANM_DTYPE_UINT4 = 35,
    ANM_DTYPE_UINT2 = 36,
    ANM_DTYPE_UINT1 = 37,
    ANM_DTYPE_UINT6 = 38,
    ANM_DTYPE_UINT3 = 39,
    ANM_DTYPE_FP8E4M3FN = 40,
    ANM_DTYPE_FP8E5M2 = 41
} anm_dtype;

/* MIL's name ("fp16", "int32", "uint4"); "none" for ANM_DTYPE_NONE and unknown values. */
ANM_API const char *anm_dtype_name(anm_dtype dtype);

/* Bits an element takes when packed (uint4: 4, bool: 8); 0 for string and none. */
ANM_API int anm_dtype_bits(anm_dtype dtype);

/*
 * A view of dense row-major data. It owns nothing: who fills it says who owns `data`.
 * Elements of sub-byte types are packed, low bits first.
 */
typedef struct anm_tensor {
    const char *name;
    anm_dtype dtype;
    int rank; /* 0 for a scalar */
    int64_t shape[ANM_MAX_RANK];
    void *data;
    size_t bytes; /* size of `data`; for an output buffer its capacity */
} anm_tensor;

/* Number of elements, or -1 if a dimension is negative or the product overflows. */
ANM_API int64_t anm_shape_elements(const int64_t *shape, int rank);

#ifdef __cplusplus
}
#endif

#endif
