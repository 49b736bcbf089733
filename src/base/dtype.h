/* SPDX-License-Identifier: MIT */
/* What the library needs to know of element types beyond the public names and sizes. */
#ifndef ANM_BASE_DTYPE_H
#define ANM_BASE_DTYPE_H

#include <stdbool.h>

#include "anemone/tensor.h"
#include "src/base/str.h"

bool anm_dtype_is_float(anm_dtype dtype); /* fp16, fp32, fp64, bf16, fp8 */
bool anm_dtype_is_int(anm_dtype dtype);   /* signed and unsigned, sub-byte too; not bool */
bool anm_dtype_is_subbyte(anm_dtype dtype);
bool anm_dtype_is_signed(anm_dtype dtype);
/* ANM_DTYPE_NONE when the name is unknown. */
anm_dtype anm_dtype_from_name(anm_sv name);

/*
 * Bytes of `elements` packed elements: ceil(elements * bits / 8). False on overflow, on a
 * negative count, and for types without a size.
 */
bool anm_dtype_bytes(anm_dtype dtype, int64_t elements, size_t *bytes);

/*
 * One element of packed data as a number. The integer form is exact for every integer type and
 * bool; the double form is exact for every type but 64-bit integers beyond 2^53.
 */
double anm_element_get(anm_dtype dtype, const void *data, int64_t index);
int64_t anm_element_get_int(anm_dtype dtype, const void *data, int64_t index);
/* Stores with the type's rounding (nearest even for floats); integers are truncated and wrap. */
void anm_element_set(anm_dtype dtype, void *data, int64_t index, double value);
void anm_element_set_int(anm_dtype dtype, void *data, int64_t index, int64_t value);

/* Converts elements between numeric types as the accessors above do, with fast common cases. */
void anm_elements_convert(anm_dtype to, void *out, anm_dtype from, const void *in, int64_t count);

/* "[1, 64, ?]" with -1 shown as "?"; returns `buffer`. */
const char *anm_shape_format(const int64_t *shape, int rank, char *buffer, size_t size);
enum { ANM_SHAPE_TEXT = 192 };

#endif
