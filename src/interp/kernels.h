/* SPDX-License-Identifier: MIT */
/*
 * What a kernel is and what it may call. A kernel computes one op: it reads arguments, asks for
 * its outputs' memory and fills it. It works on floats in fp32 and does not round: the caller
 * rounds every result to its declared type, in one place.
 *
 * Failure is sticky: accessors record the first one and give 0 or NULL, and nothing that a kernel
 * wrote counts then. So a kernel reads all it needs, asks for its output, and leaves when that is
 * NULL.
 */
#ifndef ANM_INTERP_KERNELS_H
#define ANM_INTERP_KERNELS_H

#include "src/base/status.h"
#include "src/interp/value.h"
#include "src/interp/walk.h"

typedef struct anm_kcall anm_kcall;
typedef void (*anm_kernel_fn)(anm_kcall *k);

typedef struct anm_kernel {
    const char *op;
    anm_kernel_fn run;
    int variant;              /* tells apart the ops that share a function */
    double (*scalar)(double); /* of elementwise ops */
} anm_kernel;

typedef struct anm_scratch anm_scratch; /* memory of one kernel call */

struct anm_kcall {
    struct anm_run *run;
    const struct anm_plan_step *step;
    const anm_mil_op *op;
    const anm_kernel *kernel;
    anm_rvalue *outputs; /* op->output_count */
    anm_scratch *scratch;
    anm_status status;
    anm_error *err;
};

/* The kernel of an op; NULL if there is none. */
const anm_kernel *anm_kernel_find(const char *op);

/* One table per subject, ended by an entry without a name. */
extern const anm_kernel anm_kernels_unary[], anm_kernels_binary[], anm_kernels_activation[],
    anm_kernels_reduce[], anm_kernels_sort[], anm_kernels_matmul[], anm_kernels_attention[],
    anm_kernels_conv[], anm_kernels_pool[], anm_kernels_norm[], anm_kernels_shape[],
    anm_kernels_join[], anm_kernels_slice[], anm_kernels_pad[], anm_kernels_gather[],
    anm_kernels_scatter[], anm_kernels_space[], anm_kernels_resize[], anm_kernels_sample[],
    anm_kernels_generate[], anm_kernels_quantize[], anm_kernels_recurrent[], anm_kernels_state[],
    anm_kernels_list[], anm_kernels_control[], anm_kernels_nms[], anm_kernels_random[],
    anm_kernels_fused[];

/* Records a failure, naming function and op. */
void anm_k_fail(anm_kcall *k, anm_status status, const char *fmt, ...) ANM_PRINTF(3, 4);

/* Arguments. NULL when absent, which is a failure for anm_k_arg. */
bool anm_k_has(const anm_kcall *k, const char *name);
const anm_rvalue *anm_k_arg(anm_kcall *k, const char *name);
const anm_rvalue *anm_k_opt(anm_kcall *k, const char *name);
/* A variadic argument: how many values, and each of them. */
size_t anm_k_arg_count(const anm_kcall *k, const char *name);
const anm_rvalue *anm_k_arg_at(anm_kcall *k, const char *name, size_t index);
/*
 * The argument as something to overwrite: the value itself if this op is its last use and nobody
 * else sees its memory, else a copy. False after a failure. Release with anm_rvalue_clear, or
 * pass on with anm_k_give. Who writes elements that are not rounded yet says so by
 * anm_k_unrounded.
 */
bool anm_k_take(anm_kcall *k, const char *name, anm_rvalue *out);
static inline void anm_k_unrounded(anm_rvalue *v) {
    if (v->buffer) v->buffer->rounded = ANM_DTYPE_NONE;
}

/* Scalars, with the op table's default when absent. */
int64_t anm_k_int(anm_kcall *k, const char *name);
double anm_k_float(anm_kcall *k, const char *name);
bool anm_k_bool(anm_kcall *k, const char *name);
const char *anm_k_string(anm_kcall *k, const char *name); /* never NULL */
/* Exactly n integers (or bools); an absent argument gives its default n times. */
bool anm_k_ints(anm_kcall *k, const char *name, int64_t *out, int n);
/* As many as there are, at most `capacity`; -1 after a failure. */
int anm_k_int_list(anm_kcall *k, const char *name, int64_t *out, int capacity);
/* 0 .. rank-1 from -rank .. rank-1; a failure, and 0, beyond. */
int anm_k_axis(anm_kcall *k, int64_t axis, int rank);
/* Marks the axes in a list argument; all of them when it is absent. */
bool anm_k_axes(anm_kcall *k, const char *name, int rank, bool *marked);

/* All elements of a value, converted if need be; valid until the kernel returns. */
const float *anm_k_floats(anm_kcall *k, const anm_rvalue *v);
const int32_t *anm_k_int32s(anm_kcall *k, const anm_rvalue *v);
const anm_word *anm_k_words(anm_kcall *k, const anm_rvalue *v);
bool anm_k_is_float(const anm_rvalue *v);

/* Memory until the kernel returns, not zeroed; NULL (a failure) when there is too little. */
void *anm_k_scratch(anm_kcall *k, int64_t count, size_t size);

/* Output `index` with a shape of its own, not zeroed. NULL after any failure. */
float *anm_k_out_floats(anm_kcall *k, size_t index, int rank, const int64_t *shape);
int32_t *anm_k_out_ints(anm_kcall *k, size_t index, int rank, const int64_t *shape);
/* Of the kind that `like` has. */
anm_word *anm_k_out_words(anm_kcall *k, size_t index, const anm_rvalue *like, int rank,
                          const int64_t *shape);
/* Output `index` is the same data under another shape with as many elements. */
void anm_k_share(anm_kcall *k, size_t index, const anm_rvalue *v, int rank, const int64_t *shape);
/* Output `index` becomes `v`, whose reference is handed over. */
void anm_k_give(anm_kcall *k, size_t index, anm_rvalue *v);

/* Product of dimensions [from, to). */
int64_t anm_shape_product(const int64_t *shape, int from, int to);
/* NumPy broadcasting of run-time shapes into shape[]; false, with a failure, if they differ. */
bool anm_k_broadcast(anm_kcall *k, const anm_rvalue *a, const anm_rvalue *b, int *rank,
                     int64_t *shape);

#endif
