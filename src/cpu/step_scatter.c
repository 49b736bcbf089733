/* SPDX-License-Identifier: MIT */
/*
 * scatter, scatter_along_axis, scatter_nd. Every thread walks all updates in their order and
 * applies those to elements of its own; what they are applied to is copied in a step before.
 */
#include <string.h>

#include "src/cpu/step_axes.h"
#include "src/cpu/step_copy.h"

typedef enum scatter_mode {
    MODE_UPDATE,
    MODE_ADD,
    MODE_SUB,
    MODE_MUL,
    MODE_DIV,
    MODE_MAX,
    MODE_MIN,
    MODE_COUNT
} scatter_mode;
typedef enum scatter_kind { SCATTER_ROWS, SCATTER_ALONG, SCATTER_PLACES } scatter_kind;

typedef struct scatter_step {
    anm_lie indices, updates, out; /* dense */
    scatter_kind kind;
    scatter_mode mode;
    int64_t outer, size, inner; /* of the data around the axis; ROWS and ALONG */
    int64_t each;               /* indices along it */
    int64_t width, count;       /* of a place; how many updates of `inner` elements; PLACES */
    int64_t dims[ANM_MAX_RANK];
} scatter_step;

static float combine(scatter_mode mode, float a, float b) {
    switch (mode) {
    case MODE_ADD: return a + b;
    case MODE_SUB: return a - b;
    case MODE_MUL: return a * b;
    case MODE_DIV: return a / b;
    case MODE_MAX: return a > b ? a : b;
    case MODE_MIN: return a < b ? a : b;
    default: return b;
    }
}

/* Integers wrap; nothing divided by 0 gives 0. */
static int32_t combine_ints(scatter_mode mode, int32_t a, int32_t b) {
    uint32_t x = (uint32_t)a, y = (uint32_t)b;
    switch (mode) {
    case MODE_ADD: return (int32_t)(x + y);
    case MODE_SUB: return (int32_t)(x - y);
    case MODE_MUL: return (int32_t)(x * y);
    case MODE_DIV: return b ? (int32_t)(uint32_t)((int64_t)a / b) : 0;
    case MODE_MAX: return a > b ? a : b;
    case MODE_MIN: return a < b ? a : b;
    default: return b;
    }
}

static void apply(const scatter_step *s, char *to, const char *from, int64_t n) {
    if (s->mode == MODE_UPDATE) {
        memcpy(to, from, (size_t)n * 4);
    } else if (s->out.dtype == ANM_DTYPE_FP32) {
        float *t = (float *)to;
        const float *f = (const float *)from;
        for (int64_t i = 0; i < n; i++) t[i] = combine(s->mode, t[i], f[i]);
    } else {
        int32_t *t = (int32_t *)to;
        const int32_t *f = (const int32_t *)from;
        for (int64_t i = 0; i < n; i++) t[i] = combine_ints(s->mode, t[i], f[i]);
    }
}

/* -1: outside. */
static int64_t place(int64_t index, int64_t size) {
    if (index < 0) index += size;
    return index >= 0 && index < size ? index : -1;
}

/* Update u of `inner` elements: which row of the output it is for; -1: outside. */
static int64_t row_of(const scatter_step *s, const int32_t *indices, int64_t u) {
    if (s->kind == SCATTER_ROWS) {
        int64_t at = place(indices[u % s->each], s->size);
        return at < 0 ? at : u / s->each * s->size + at;
    }
    int64_t row = 0;
    for (int64_t n = 0; n < s->width; n++) {
        int64_t at = place(indices[u * s->width + n], s->dims[n]);
        if (at < 0) return -1;
        row = row * s->dims[n] + at;
    }
    return row;
}

/* Whole updates, of which a thread has columns [from, to) of every row. */
static void run_rows(const scatter_step *s, anm_exec *e, int thread, int threads) {
    const int32_t *indices = anm_exec_at(e, &s->indices);
    const char *updates = anm_exec_at(e, &s->updates);
    char *out = anm_exec_at(e, &s->out);
    int64_t from, to;
    anm_share(s->inner, 64, thread, threads, &from, &to);
    for (int64_t u = 0; u < s->count && from < to; u++) {
        int64_t row = row_of(s, indices, u);
        if (row < 0) continue;
        apply(s, out + 4 * (row * s->inner + from), updates + 4 * (u * s->inner + from), to - from);
    }
}

/* An index for each element; a thread has some of the outer and inner places. */
static void run_along(const scatter_step *s, anm_exec *e, int thread, int threads) {
    const int32_t *indices = anm_exec_at(e, &s->indices);
    const char *updates = anm_exec_at(e, &s->updates);
    char *out = anm_exec_at(e, &s->out);
    int64_t from, to;
    anm_share(s->outer * s->inner, 16, thread, threads, &from, &to);
    for (int64_t line = from; line < to; line++)
        for (int64_t i = 0; i < s->each; i++) {
            int64_t outer = line / s->inner, inner = line % s->inner;
            int64_t u = (outer * s->each + i) * s->inner + inner;
            int64_t at = place(indices[u], s->size);
            if (at >= 0)
                apply(s, out + 4 * ((outer * s->size + at) * s->inner + inner), updates + 4 * u, 1);
        }
}

/* Thread 0 looks at all indices: an error is its to report. */
static void run_scatter(const anm_step *step, anm_exec *e, int thread, int threads) {
    const scatter_step *s = step->data;
    const int32_t *indices = anm_exec_at(e, &s->indices);
    int64_t n = anm_view_elements(&s->indices.view);
    for (int64_t i = 0; thread == 0 && i < n; i++) {
        int64_t size = s->kind == SCATTER_PLACES ? s->dims[i % s->width] : s->size;
        if (place(indices[i], size) < 0)
            anm_exec_fail(e, step, ANM_ERROR_MISMATCH, "index %d is outside the %lld there are",
                          (int)indices[i], (long long)size);
    }
    if (s->kind == SCATTER_ALONG) run_along(s, e, thread, threads);
    else run_rows(s, e, thread, threads);
}

static bool read_mode(const anm_mil_op *op, scatter_mode *mode) {
    static const char *const names[] = {"update", "add", "sub", "mul", "div", "max", "min"};
    const char *name;
    int k = 0;
    if (!anm_mil_op_get_string(op, "mode", &name)) return false;
    while (k < MODE_COUNT && strcmp(name, names[k]) != 0) k++;
    *mode = (scatter_mode)k;
    return k < MODE_COUNT;
}

static bool read_axis(const anm_mil_op *op, const anm_view *data, scatter_step *s) {
    int64_t axis;
    if (!anm_axis_read(op, data->rank, &axis)) return false;
    s->outer = anm_shape_elements(data->shape, (int)axis);
    s->inner = anm_shape_elements(data->shape + axis + 1, data->rank - (int)axis - 1);
    s->size = data->shape[axis];
    const anm_view *indices = &s->indices.view;
    s->each = s->kind == SCATTER_ALONG ? indices->shape[axis] : anm_view_elements(indices);
    s->count = s->outer * s->each;
    return true;
}

static bool read_places(const anm_view *data, scatter_step *s) {
    const anm_view *indices = &s->indices.view;
    s->width = indices->rank ? indices->shape[indices->rank - 1] : 0;
    if (s->width < 1 || s->width > data->rank) return false;
    s->inner = 1;
    for (int i = 0; i < data->rank; i++) {
        if (i < s->width) s->dims[i] = data->shape[i];
        else s->inner *= data->shape[i];
    }
    s->count = anm_view_elements(indices) / s->width;
    return true;
}

static bool has_room(const scatter_step *s) {
    int64_t updates = anm_view_elements(&s->updates.view);
    if (s->kind == SCATTER_ALONG && anm_view_elements(&s->indices.view) != updates) return false;
    return updates == s->count * s->inner && anm_view_elements(&s->indices.view) > 0;
}

bool anm_build_scatter(anm_planner *p, const anm_mil_op *op) {
    static const char *const names[] = {"scatter", "scatter_along_axis", "scatter_nd"};
    int kind = 0;
    while (kind < 3 && !anm_is_op(op, names[kind])) kind++;
    scatter_step *s = kind < 3 ? anm_plan_alloc(p, sizeof *s) : NULL;
    if (!s) return p->status != ANM_OK;
    anm_lie data = anm_arg_lie(p, op, "data");
    s->kind = (scatter_kind)kind;
    s->indices = anm_lie_dense(p, anm_arg_lie(p, op, "indices"));
    s->updates = anm_lie_dense(p, anm_arg_lie(p, op, "updates"));
    if (data.block < 0 || s->indices.block < 0 || s->updates.block < 0 || !read_mode(op, &s->mode))
        return p->status != ANM_OK;
    bool known = s->kind == SCATTER_PLACES ? read_places(&data.view, s)
                                           : read_axis(op, &data.view, s);
    if (!known || !has_room(s) || s->indices.dtype != ANM_DTYPE_INT32) return p->status != ANM_OK;
    s->out = anm_step_copy(p, data, anm_view_dense(data.view.rank, data.view.shape));
    if (s->out.block < 0 || s->out.dtype != s->updates.dtype) return p->status != ANM_OK;
    anm_step_add(p, run_scatter, op->type, s, ANM_BLOCKS(s->indices.block, s->updates.block),
                 ANM_BLOCKS(s->out.block));
    anm_lie_set(p, op->outputs[0], s->out);
    return true;
}
