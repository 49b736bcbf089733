/* SPDX-License-Identifier: MIT */
/*
 * Run-time values: tensors (and lists of tensors) while a program runs.
 *
 * Floats are held as float whatever type is declared, already rounded to it under
 * ANM_PRECISION_FP16; integers and bools as int32. Big constants stay in the packed form of the
 * mapping (`raw`) and are converted piecewise by whoever reads them.
 *
 * Memory is in reference-counted buffers. A buffer belongs to one run and one thread; constant
 * memory has no buffer and is never written.
 */
#ifndef ANM_INTERP_VALUE_H
#define ANM_INTERP_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "anemone/tensor.h"
#include "src/mil/ir.h"

/* A 4-byte element of either kind, for ops that only move data. */
typedef uint32_t __attribute__((may_alias)) anm_word;

/*
 * Beyond these a value or a run is refused (ANM_ERROR_LIMIT) before memory is asked for. Sizes and
 * steps within them cannot overflow 64 bits when two are multiplied. Constants may be larger: they
 * are read where they lie.
 */
#define ANM_VALUE_MAX_ELEMENTS ((int64_t)1 << 30)
#define ANM_RUN_MAX_BYTES ((size_t)1 << 34)

/* Elements of a shape; -1 if it is invalid or beyond the limit (a dimension 0 counting as 1). */
int64_t anm_value_count(int rank, const int64_t *shape);

/* What a run holds; buffers are charged to it. */
typedef struct anm_account {
    size_t live, peak;
} anm_account;

typedef struct anm_buffer {
    int refs;
    anm_dtype rounded; /* floats are already of this precision; NONE: unknown */
    size_t bytes;
    anm_account *account;
} anm_buffer;

typedef struct anm_rlist anm_rlist;

typedef struct anm_rvalue {
    anm_dtype dtype; /* declared; NONE and no list: empty */
    int rank;
    int64_t shape[ANM_MAX_RANK];
    int64_t count;
    /* Exactly one is set for a tensor. */
    float *f;
    int32_t *i;
    const void *raw;
    anm_buffer *buffer; /* owner of f or i; NULL: constant memory */
    anm_rlist *list;
} anm_rvalue;

struct anm_rlist {
    int refs;
    int64_t length;
    anm_rvalue *items; /* empty: never written */
};

/* Memory for `count` 4-byte elements. NULL when memory is out or the run's limit is passed. */
anm_buffer *anm_buffer_create(anm_account *account, int64_t count);
void *anm_buffer_data(anm_buffer *buffer);

static inline bool anm_rvalue_is_empty(const anm_rvalue *v) {
    return v->dtype == ANM_DTYPE_NONE && !v->list;
}
/* Another reference to the same data. */
void anm_rvalue_copy(anm_rvalue *to, const anm_rvalue *from);
/* Drops the reference and empties the value. */
void anm_rvalue_clear(anm_rvalue *v);

anm_rlist *anm_rlist_create(int64_t length);
/* An own list with references to the same elements; NULL when memory is out. */
anm_rlist *anm_rlist_clone(const anm_rlist *list);
/* Lengthens with unwritten elements; false when memory is out. */
bool anm_rlist_grow(anm_rlist *list, int64_t length);

/* A constant as a value that reads the tensor's own memory. */
void anm_rvalue_wrap(anm_rvalue *v, const anm_tensor *tensor);

/*
 * Elements [offset, offset + n) as floats: a pointer into the value where it holds floats, else
 * converted into `scratch`.
 */
const float *anm_rvalue_row(const anm_rvalue *v, int64_t offset, int64_t n, float *scratch);
/* The same elements copied, as floats. */
void anm_rvalue_read_floats(const anm_rvalue *v, int64_t offset, int64_t n, float *out);
/* The same elements copied as 4-byte elements of the value's kind. */
void anm_rvalue_read_words(const anm_rvalue *v, int64_t offset, int64_t n, anm_word *out);

/* Packed data of any numeric type to and from the forms that runs use. */
void anm_unpack_floats(anm_dtype dtype, const void *data, int64_t offset, int64_t n, float *out);
void anm_unpack_ints(anm_dtype dtype, const void *data, int64_t offset, int64_t n, int32_t *out);
void anm_pack_floats(anm_dtype dtype, const float *in, int64_t n, void *data);
void anm_pack_ints(anm_dtype dtype, const int32_t *in, int64_t n, void *data);

/* Rounds to what `dtype` can hold: floats to nearest even, integers wrap, bools to 0 and 1. */
void anm_round_floats(anm_dtype dtype, float *data, int64_t n);
void anm_round_ints(anm_dtype dtype, int32_t *data, int64_t n);

#endif
