/* SPDX-License-Identifier: MIT */
/* pad, reverse, crop, and blocks between channels and space, as tables of where elements are. */
#include <string.h>

#include "src/cpu/step_axes.h"
#include "src/cpu/step_pick.h"

typedef enum pad_mode { PAD_CONSTANT, PAD_REFLECT, PAD_REPLICATE } pad_mode;

static bool read_mode(const anm_mil_op *op, pad_mode *mode) {
    const char *name;
    if (!anm_mil_op_get_string(op, "mode", &name)) return false;
    *mode = strcmp(name, "constant") == 0  ? PAD_CONSTANT
            : strcmp(name, "reflect") == 0 ? PAD_REFLECT
                                           : PAD_REPLICATE;
    return *mode != PAD_REPLICATE || strcmp(name, "replicate") == 0 || strcmp(name, "edge") == 0;
}

/* The element of `n` that stands at position i, which may be outside. */
static int64_t padded_from(pad_mode mode, int64_t i, int64_t n) {
    if (i >= 0 && i < n) return i;
    if (mode == PAD_CONSTANT) return -1;
    if (mode == PAD_REPLICATE || n == 1) return i < 0 ? 0 : n - 1;
    int64_t period = 2 * n - 2, at = i % period;
    if (at < 0) at += period;
    return at < n ? at : period - at;
}

static bool read_fill(const anm_mil_op *op, anm_dtype dtype, uint32_t *fill) {
    double number;
    if (!anm_mil_op_get_float(op, "constant_val", &number)) return false;
    float f = (float)number;
    int32_t i = f >= 2147483647.0f ? INT32_MAX : f > -2147483648.0f ? (int32_t)f : INT32_MIN;
    memcpy(fill, dtype == ANM_DTYPE_FP32 ? (const void *)&f : (const void *)&i, sizeof *fill);
    return true;
}

static bool pad(const anm_mil_op *op, anm_pick *k) {
    int64_t pads[2 * ANM_MAX_RANK];
    int count = 2 * ANM_MAX_RANK, rank = op->outputs[0]->type->rank;
    pad_mode mode;
    if (!read_mode(op, &mode) || !anm_mil_op_get_ints(op, "pad", pads, count, &count) ||
        count % 2 || (mode == PAD_CONSTANT && !read_fill(op, k->x.dtype, &k->fill)))
        return false;
    for (int i = 0; i < rank; i++) {
        int at = i - (rank - count / 2);
        int64_t before = at < 0 ? 0 : pads[2 * at], n = k->x.view.shape[i];
        if (before < 0 || n < 1) return false;
        for (int64_t o = 0; o < op->outputs[0]->type->shape[i]; o++) {
            int64_t from = padded_from(mode, o - before, n);
            k->from[i][o] = from < 0 ? ANM_PICK_NOTHING : from * k->x.view.stride[i];
        }
    }
    return true;
}

static bool reverse(const anm_mil_op *op, anm_pick *k) {
    bool marked[ANM_MAX_RANK];
    const anm_view *v = &k->x.view;
    if (!anm_axes_read(op, "axes", v->rank, true, marked)) return false;
    for (int i = 0; i < v->rank; i++)
        for (int64_t o = 0; o < v->shape[i]; o++)
            k->from[i][o] = (marked[i] ? v->shape[i] - 1 - o : o) * v->stride[i];
    return true;
}

static bool crop(const anm_mil_op *op, anm_pick *k) {
    const anm_mil_type *type = op->outputs[0]->type;
    int64_t cut[2][2];
    int two = 2, also = 2;
    if (type->rank < 2 || !anm_mil_op_get_ints(op, "crop_height", cut[0], 2, &two) || two != 2 ||
        !anm_mil_op_get_ints(op, "crop_width", cut[1], 2, &also) || also != 2)
        return false;
    for (int i = 0; i < type->rank; i++) {
        int axis = i - (type->rank - 2);
        int64_t first = axis < 0 ? 0 : cut[axis][0];
        for (int64_t o = 0; o < type->shape[i]; o++)
            k->from[i][o] = (first + o) * k->x.view.stride[i];
    }
    return true;
}

/* An axis becomes two: which window, and where in it. */
static bool sliding_windows(const anm_mil_op *op, anm_pick *k) {
    const anm_mil_type *out = op->outputs[0]->type;
    int64_t axis, step;
    if (!anm_axis_read(op, k->x.view.rank, &axis) || !anm_mil_op_get_int(op, "stride", &step) ||
        out->rank != k->x.view.rank + 1)
        return false;
    for (int i = 0; i < out->rank; i++) {
        int64_t each = k->x.view.stride[i <= axis ? i : i - 1] * (i == axis ? step : 1);
        for (int64_t o = 0; o < out->shape[i]; o++) k->from[i][o] = o * each;
    }
    return true;
}

/*
 * Channel c of the smaller side, row and column i and j of a block: the bigger side's channel is
 * c * per_channel + i * per_row + j * per_column.
 */
typedef struct blocks {
    int64_t size, per_channel, per_row, per_column;
} blocks;

static bool read_blocks(const anm_mil_op *op, const char *name, bool block_last, int64_t channels,
                        blocks *b) {
    if (!anm_mil_op_get_int(op, name, &b->size) || b->size < 1) return false;
    b->per_channel = block_last ? b->size * b->size : 1;
    b->per_column = block_last ? 1 : channels;
    b->per_row = b->per_column * b->size;
    return true;
}

/* Space from channels: out [n, c, h b, w b]. */
static void fill_space(const anm_mil_type *out, const blocks *b, anm_pick *k) {
    const int64_t *stride = k->x.view.stride;
    for (int64_t n = 0; n < out->shape[0]; n++) k->from[0][n] = n * stride[0];
    for (int64_t c = 0; c < out->shape[1]; c++) k->from[1][c] = c * b->per_channel * stride[1];
    for (int64_t y = 0; y < out->shape[2]; y++)
        k->from[2][y] = y % b->size * b->per_row * stride[1] + y / b->size * stride[2];
    for (int64_t x = 0; x < out->shape[3]; x++)
        k->from[3][x] = x % b->size * b->per_column * stride[1] + x / b->size * stride[3];
}

/* Channels from space: x [n, c, h b, w b]. */
static void fill_channels(const anm_mil_type *out, const blocks *b, anm_pick *k) {
    const anm_view *v = &k->x.view;
    for (int64_t n = 0; n < out->shape[0]; n++) k->from[0][n] = n * v->stride[0];
    for (int64_t o = 0; o < out->shape[1]; o++)
        k->from[1][o] = o / b->per_channel % v->shape[1] * v->stride[1] +
                        o / b->per_row % b->size * v->stride[2] +
                        o / b->per_column % b->size * v->stride[3];
    for (int i = 2; i < 4; i++)
        for (int64_t o = 0; o < out->shape[i]; o++) k->from[i][o] = o * b->size * v->stride[i];
}

static bool to_space(const anm_mil_op *op, anm_pick *k, const char *name, bool block_last) {
    const anm_mil_type *out = op->outputs[0]->type;
    blocks b;
    if (out->rank != 4 || !read_blocks(op, name, block_last, out->shape[1], &b)) return false;
    fill_space(out, &b, k);
    return true;
}

static bool to_channels(const anm_mil_op *op, anm_pick *k, const char *name, bool block_last) {
    const anm_mil_type *out = op->outputs[0]->type;
    blocks b;
    if (out->rank != 4 || !read_blocks(op, name, block_last, k->x.view.shape[1], &b)) return false;
    fill_channels(out, &b, k);
    return true;
}

static bool depth_to_space(const anm_mil_op *op, anm_pick *k) {
    return to_space(op, k, "block_size", false);
}
static bool pixel_shuffle(const anm_mil_op *op, anm_pick *k) {
    return to_space(op, k, "upscale_factor", true);
}
static bool space_to_depth(const anm_mil_op *op, anm_pick *k) {
    return to_channels(op, k, "block_size", false);
}
static bool pixel_unshuffle(const anm_mil_op *op, anm_pick *k) {
    return to_channels(op, k, "downscale_factor", true);
}

bool anm_build_rearrange(anm_planner *p, const anm_mil_op *op) {
    static const struct {
        const char *op;
        bool (*fill)(const anm_mil_op *op, anm_pick *k);
    } forms[] = {{"pad", pad},
                 {"reverse", reverse},
                 {"crop", crop},
                 {"sliding_windows", sliding_windows},
                 {"depth_to_space", depth_to_space},
                 {"pixel_shuffle", pixel_shuffle},
                 {"space_to_depth", space_to_depth},
                 {"pixel_unshuffle", pixel_unshuffle}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (!anm_is_op(op, forms[i].op)) continue;
        anm_pick *k = anm_pick_new(p, op);
        if (!k || !forms[i].fill(op, k)) return p->status != ANM_OK;
        return anm_pick_add(p, op, k);
    }
    return false;
}
