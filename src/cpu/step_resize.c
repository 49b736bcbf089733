/* SPDX-License-Identifier: MIT */
/*
 * Resizing of the last axes. To the nearest element: a pick. Linear, over one or two axes: rows of
 * the input are mixed into scratch memory, then elements of that row. Of more axes the ones in
 * front are a step each before that.
 */
#include <math.h>
#include <string.h>

#include "src/cpu/step_pick.h"
#include "src/interp/grid.h"

typedef struct resize_form {
    bool nearest, grid_known; /* without a grid: floor(i * from / to) */
    anm_grid grid;
    int axes;
} resize_form;

static bool read_grid(const anm_mil_op *op, resize_form *f) {
    const char *name;
    return anm_mil_op_get_string(op, "sampling_mode", &name) && anm_grid_find(name, &f->grid);
}

static bool read_bilinear(const anm_mil_op *op, resize_form *f) {
    bool corners = false, centers;
    if (!anm_mil_op_get_bool(op, "align_corners", &corners)) return false;
    centers = !corners;
    if (anm_mil_operand_present(anm_mil_op_operand(op, "half_pixel_centers")) &&
        !anm_mil_op_get_bool(op, "half_pixel_centers", &centers))
        return false;
    f->grid = corners   ? ANM_GRID_STRICT_ALIGN_CORNERS
              : centers ? ANM_GRID_UNALIGN_CORNERS
                        : ANM_GRID_DEFAULT;
    return !(corners && centers);
}

static bool read_resize(const anm_mil_op *op, resize_form *f) {
    const char *mode;
    int64_t axes;
    if (!anm_mil_op_get_string(op, "interpolation_mode", &mode) || !read_grid(op, f) ||
        !anm_mil_op_get_int(op, "resized_dims", &axes))
        return false;
    f->axes = (int)axes;
    f->nearest = strcmp(mode, "NEAREST_NEIGHBOR") == 0;
    f->grid_known = f->grid != ANM_GRID_DEFAULT;
    return axes >= 1 && axes <= op->outputs[0]->type->rank &&
           (f->nearest || strcmp(mode, "LINEAR") == 0);
}

/* The sizes are those of the output's type. */
static bool read_form(const anm_mil_op *op, resize_form *f) {
    *f = (resize_form){.axes = 2};
    if (anm_is_op(op, "upsample_nearest_neighbor") || anm_is_op(op, "resize_nearest_neighbor"))
        return f->nearest = true;
    if (anm_is_op(op, "upsample_bilinear")) return read_bilinear(op, f);
    if (anm_is_op(op, "resize_bilinear")) return read_grid(op, f);
    return anm_is_op(op, "resize") && read_resize(op, f);
}

static int64_t nearest(const resize_form *f, int64_t i, int64_t from, int64_t to) {
    if (!f->grid_known) return i * from / to;
    return anm_tap_at(ceil(anm_grid_point(f->grid, i, to, (double)from) - 0.5), from).low;
}

static bool build_nearest(anm_planner *p, const anm_mil_op *op, const resize_form *f) {
    anm_pick *k = anm_pick_new(p, op);
    if (!k) return p->status != ANM_OK;
    const anm_mil_type *out = op->outputs[0]->type;
    for (int i = 0; i < out->rank; i++) {
        bool resized = i >= out->rank - f->axes;
        int64_t from = k->x.view.shape[i];
        for (int64_t o = 0; o < out->shape[i]; o++) {
            int64_t at = resized ? nearest(f, o, from, out->shape[i]) : o;
            k->from[i][o] = at * k->x.view.stride[i];
        }
    }
    return anm_pick_add(p, op, k);
}

/* [planes, rows, columns], dense. */
typedef struct linear_step {
    anm_lie x, out;
    const anm_tap *down, *across; /* of the output's rows and columns */
    int64_t planes, rows, columns, out_rows, out_columns;
} linear_step;

/* A weight of 0 takes no part, so that infinities do not spread. */
static void mix_rows(const float *a, const float *b, float weight, int64_t n, float *out) {
    if (weight == 0) {
        memcpy(out, a, (size_t)n * sizeof *out);
        return;
    }
    for (int64_t i = 0; i < n; i++) out[i] = a[i] + (b[i] - a[i]) * weight;
}

static void mix_columns(const float *in, const anm_tap *taps, int64_t n, float *out) {
    for (int64_t i = 0; i < n; i++) {
        float a = in[taps[i].low], b = in[taps[i].high];
        out[i] = taps[i].weight == 0 ? a : a + (b - a) * taps[i].weight;
    }
}

static void run_linear(const anm_step *s, anm_exec *e, int thread, int threads) {
    const linear_step *l = s->data;
    const float *x = anm_exec_at(e, &l->x);
    float *out = anm_exec_at(e, &l->out), *row = anm_exec_scratch(e, thread);
    int64_t from, to;
    anm_share(l->planes * l->out_rows, 1, thread, threads, &from, &to);
    for (int64_t i = from; i < to; i++) {
        const float *plane = x + i / l->out_rows * l->rows * l->columns;
        const anm_tap *tap = &l->down[i % l->out_rows];
        mix_rows(plane + tap->low * l->columns, plane + tap->high * l->columns, tap->weight,
                 l->columns, row);
        mix_columns(row, l->across, l->out_columns, out + i * l->out_columns);
    }
}

static const anm_tap *make_taps(anm_planner *p, anm_grid grid, int64_t from, int64_t to) {
    anm_tap *taps = anm_plan_alloc(p, (size_t)to * sizeof *taps);
    for (int64_t i = 0; taps && i < to; i++)
        taps[i] = anm_tap_at(anm_grid_point(grid, i, to, (double)from), from);
    return taps;
}

/* One axis of a dense tensor [outer, n, inner]. */
typedef struct axis_step {
    anm_lie x, out;
    const anm_tap *taps;
    int64_t from, to, inner;
} axis_step;

static void run_axis(const anm_step *s, anm_exec *e, int thread, int threads) {
    const axis_step *a = s->data;
    const float *x = anm_exec_at(e, &a->x);
    float *out = anm_exec_at(e, &a->out);
    int64_t first, end;
    anm_share(anm_view_elements(&a->out.view) / a->inner, 1, thread, threads, &first, &end);
    for (int64_t i = first; i < end; i++) {
        const float *line = x + i / a->to * a->from * a->inner;
        const anm_tap *tap = &a->taps[i % a->to];
        mix_rows(line + tap->low * a->inner, line + tap->high * a->inner, tap->weight, a->inner,
                 out + i * a->inner);
    }
}

/* x with one axis resized; block -1 after a failure. */
static anm_lie resize_axis(anm_planner *p, const anm_mil_op *op, anm_grid grid, anm_lie x,
                           int axis) {
    anm_lie out = {.block = -1};
    axis_step *a = anm_plan_alloc(p, sizeof *a);
    if (!a) return out;
    int64_t shape[ANM_MAX_RANK];
    memcpy(shape, x.view.shape, sizeof shape);
    *a = (axis_step){.x = x, .from = shape[axis], .to = op->outputs[0]->type->shape[axis],
                     .inner = 1};
    for (int i = axis + 1; i < x.view.rank; i++) a->inner *= shape[i];
    shape[axis] = a->to;
    a->taps = make_taps(p, grid, a->from, a->to);
    out = a->out = anm_lie_new(p, ANM_DTYPE_FP32, x.view.rank, shape);
    if (!a->taps || out.block < 0) return (anm_lie){.block = -1};
    anm_step_add(p, run_axis, op->type, a, ANM_BLOCKS(x.block), ANM_BLOCKS(out.block));
    return out;
}

static const anm_tap no_tap[1]; /* the only row, as it is */

static bool build_linear(anm_planner *p, const anm_mil_op *op, const resize_form *f) {
    const anm_mil_type *out = op->outputs[0]->type;
    linear_step *l = anm_plan_alloc(p, sizeof *l);
    if (!l) return true;
    l->x = anm_lie_dense(p, anm_arg_lie(p, op, "x"));
    if (l->x.block < 0 || l->x.dtype != ANM_DTYPE_FP32) return p->status != ANM_OK;
    for (int axis = out->rank - f->axes; axis < out->rank - 2; axis++) {
        l->x = resize_axis(p, op, f->grid, l->x, axis);
        if (l->x.block < 0) return true;
    }
    const int64_t *in = l->x.view.shape;
    int last = out->rank - 1;
    bool two = f->axes >= 2;
    l->rows = two ? in[last - 1] : 1;
    l->columns = in[last];
    l->out_rows = two ? out->shape[last - 1] : 1;
    l->out_columns = out->shape[last];
    l->planes = anm_type_elements(out) / (l->out_rows * l->out_columns);
    l->down = two ? make_taps(p, f->grid, l->rows, l->out_rows) : no_tap;
    l->across = make_taps(p, f->grid, l->columns, l->out_columns);
    l->out = anm_lie_new(p, ANM_DTYPE_FP32, out->rank, out->shape);
    if (!l->down || !l->across || l->out.block < 0) return true;
    anm_step_scratch(p, (size_t)l->columns * sizeof(float));
    anm_step_add(p, run_linear, op->type, l, ANM_BLOCKS(l->x.block), ANM_BLOCKS(l->out.block));
    anm_lie_set(p, op->outputs[0], l->out);
    return true;
}

bool anm_build_resize(anm_planner *p, const anm_mil_op *op) {
    resize_form f;
    if (!read_form(op, &f) || anm_type_elements(op->outputs[0]->type) < 1) return false;
    return f.nearest ? build_nearest(p, op, &f) : build_linear(p, op, &f);
}
