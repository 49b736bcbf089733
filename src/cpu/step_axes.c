/* SPDX-License-Identifier: MIT */
/* Bringing the axes of a reduction last, where they are contiguous. */
#include "src/cpu/step_axes.h"

#include <string.h>

anm_axes_last anm_axes_move_last(anm_planner *p, anm_lie x, const bool *marked) {
    anm_axes_last a = {.x = x, .outer = 1, .inner = 1};
    int n = 0;
    for (int last = 0; last < 2; last++)
        for (int i = 0; i < x.view.rank; i++) {
            if (marked[i] != (bool)last) continue;
            a.perm[n++] = i;
            if (last) a.inner *= x.view.shape[i];
            else a.outer *= x.view.shape[i];
        }
    anm_view_transpose(&a.x.view, a.perm);
    a.x = anm_lie_dense(p, a.x);
    return a;
}

bool anm_axes_read(const anm_mil_op *op, const char *name, int rank, bool absent_is_all,
                   bool *marked) {
    int64_t axes[ANM_MAX_RANK];
    int count = ANM_MAX_RANK;
    memset(marked, 0, ANM_MAX_RANK * sizeof *marked);
    if (!anm_mil_operand_present(anm_mil_op_operand(op, name))) {
        for (int i = 0; i < rank; i++) marked[i] = absent_is_all;
        return absent_is_all;
    }
    if (!anm_mil_op_get_ints(op, name, axes, ANM_MAX_RANK, &count)) return false;
    for (int i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank) return false;
        marked[axis] = true;
    }
    return true;
}

bool anm_axis_read(const anm_mil_op *op, int rank, int64_t *axis) {
    if (!anm_mil_op_get_int(op, "axis", axis)) return false;
    if (*axis < 0) *axis += rank;
    return *axis >= 0 && *axis < rank;
}

anm_view anm_axes_view_back(const anm_axes_last *a, const anm_view *dense) {
    anm_view v = *dense;
    for (int i = 0; i < dense->rank; i++) {
        v.shape[a->perm[i]] = dense->shape[i];
        v.stride[a->perm[i]] = dense->stride[i];
    }
    return v;
}
