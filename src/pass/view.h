/* SPDX-License-Identifier: MIT */
/*
 * A view: how a tensor's elements lie in the memory of another. Ops that only move data compose
 * into one, as far as strides can say it.
 */
#ifndef ANM_PASS_VIEW_H
#define ANM_PASS_VIEW_H

#include "src/mil/ir.h"

typedef struct anm_view {
    int rank;
    int64_t shape[ANM_MAX_RANK], stride[ANM_MAX_RANK]; /* in elements */
    int64_t offset;
} anm_view;

anm_view anm_view_dense(int rank, const int64_t *shape);
anm_view anm_view_of_type(const anm_mil_type *type);
/* In row-major order without gaps, whatever the offset. */
bool anm_view_is_dense(const anm_view *v);
bool anm_view_equal(const anm_view *a, const anm_view *b);
int64_t anm_view_elements(const anm_view *v);

/* Each changes the view; false, changing nothing, where strides cannot say it. */
bool anm_view_transpose(anm_view *v, const int64_t *perm);
bool anm_view_reshape(anm_view *v, int rank, const int64_t *shape);
bool anm_view_slice(anm_view *v, int axis, int64_t begin, int64_t size, int64_t step);

/*
 * Applies what `op` does to its argument x; `op` is transpose, reshape, expand_dims, squeeze,
 * identity, or slice_by_index or slice_by_size with constant bounds. False for all others.
 */
bool anm_view_apply(anm_view *v, const anm_mil_op *op);
/* Like that, for ops that change neither order nor number of elements. */
bool anm_op_keeps_order(const anm_mil_op *op);

#endif
