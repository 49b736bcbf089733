/* SPDX-License-Identifier: MIT */
/* gather_along_axis and gather_nd: elements, or what lies behind places, that indices name. */
#include <string.h>

#include "src/cpu/step_axes.h"

typedef struct pickby_step {
    anm_lie x, indices, out; /* dense */
    bool along;              /* an index for each element; else places of `width` indices */
    int64_t size, inner, each;
    int64_t width, per_batch; /* indices of places; places of one batch */
    int batch;
    int64_t dims[ANM_MAX_RANK];
} pickby_step;

static int64_t wrapped(int64_t index, int64_t size) {
    return index < 0 ? index + size : index;
}

static int64_t size_of(const pickby_step *s, int64_t i) {
    return s->along ? s->size : s->dims[i % s->width];
}

static bool all_inside(const anm_step *step, anm_exec *e) {
    const pickby_step *s = step->data;
    const int32_t *indices = anm_exec_at(e, &s->indices);
    int64_t n = anm_view_elements(&s->indices.view);
    for (int64_t i = 0; i < n; i++) {
        int64_t size = size_of(s, i), at = wrapped(indices[i], size);
        if (at >= 0 && at < size) continue;
        anm_exec_fail(e, step, ANM_ERROR_MISMATCH, "index %d is outside the %lld there are",
                      (int)indices[i], (long long)size);
        return false;
    }
    return true;
}

static void pick_along(const pickby_step *s, const int32_t *indices, const char *x, char *out,
                       int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) {
        int64_t at = wrapped(indices[i], s->size);
        if (at < 0 || at >= s->size) continue;
        int64_t row = i / s->inner / s->each * s->size + at;
        memcpy(out + 4 * i, x + 4 * (row * s->inner + i % s->inner), 4);
    }
}

static void pick_places(const pickby_step *s, const int32_t *indices, const char *x, char *out,
                        int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) {
        int64_t row = i / s->per_batch;
        bool inside = true;
        for (int64_t n = 0; n < s->width; n++) {
            int64_t at = wrapped(indices[i * s->width + n], s->dims[n]);
            inside = inside && at >= 0 && at < s->dims[n];
            row = row * s->dims[n] + at;
        }
        if (inside)
            memcpy(out + 4 * i * s->inner, x + 4 * row * s->inner, (size_t)s->inner * 4);
    }
}

/* Thread 0 looks at all indices: an error is its to report. */
static void run_pickby(const anm_step *step, anm_exec *e, int thread, int threads) {
    const pickby_step *s = step->data;
    const int32_t *indices = anm_exec_at(e, &s->indices);
    int64_t items = anm_view_elements(&s->indices.view) / (s->along ? 1 : s->width), from, to;
    if (thread == 0 && !all_inside(step, e)) return;
    anm_share(items, 16, thread, threads, &from, &to);
    (s->along ? pick_along : pick_places)(s, indices, anm_exec_at(e, &s->x),
                                          anm_exec_at(e, &s->out), from, to);
}

static bool read_along(const anm_mil_op *op, pickby_step *s) {
    const anm_view *v = &s->x.view, *indices = &s->indices.view;
    int64_t axis;
    if (!anm_axis_read(op, v->rank, &axis) || indices->rank != v->rank) return false;
    s->inner = 1;
    for (int i = 0; i < v->rank; i++) {
        if (i != axis && v->shape[i] != indices->shape[i]) return false;
        if (i > axis) s->inner *= v->shape[i];
    }
    s->size = v->shape[axis];
    s->each = indices->shape[axis];
    return true;
}

static bool read_places(const anm_mil_op *op, pickby_step *s) {
    const anm_view *v = &s->x.view, *indices = &s->indices.view;
    int64_t batch = 0;
    if (anm_mil_operand_present(anm_mil_op_operand(op, "batch_dims")) &&
        !anm_mil_op_get_int(op, "batch_dims", &batch))
        return false;
    s->width = indices->rank ? indices->shape[indices->rank - 1] : 0;
    if (s->width < 1 || batch < 0 || batch + s->width > v->rank || batch > indices->rank - 1)
        return false;
    s->per_batch = s->inner = 1;
    for (int i = (int)batch; i < indices->rank - 1; i++) s->per_batch *= indices->shape[i];
    for (int i = 0; i < s->width; i++) s->dims[i] = v->shape[batch + i];
    for (int i = (int)(batch + s->width); i < v->rank; i++) s->inner *= v->shape[i];
    for (int i = 0; i < batch; i++)
        if (v->shape[i] != indices->shape[i]) return false;
    return true;
}

bool anm_build_pickby(anm_planner *p, const anm_mil_op *op) {
    bool along = anm_is_op(op, "gather_along_axis");
    const anm_mil_type *type = op->outputs[0]->type;
    if ((!along && !anm_is_op(op, "gather_nd")) || anm_type_elements(type) < 1) return false;
    pickby_step *s = anm_plan_alloc(p, sizeof *s);
    if (!s) return true;
    s->along = along;
    s->x = anm_lie_dense(p, anm_arg_lie(p, op, "x"));
    s->indices = anm_lie_dense(p, anm_arg_lie(p, op, "indices"));
    if (s->x.block < 0 || s->indices.block < 0 || s->indices.dtype != ANM_DTYPE_INT32 ||
        !(along ? read_along(op, s) : read_places(op, s)))
        return p->status != ANM_OK;
    int64_t items = anm_view_elements(&s->indices.view) / (along ? 1 : s->width);
    if (anm_type_elements(type) != items * (along ? 1 : s->inner)) return false;
    s->out = anm_lie_new(p, s->x.dtype, type->rank, type->shape);
    if (s->out.block < 0) return true;
    anm_step_add(p, run_pickby, op->type, s, ANM_BLOCKS(s->x.block, s->indices.block),
                 ANM_BLOCKS(s->out.block));
    anm_lie_set(p, op->outputs[0], s->out);
    return true;
}
