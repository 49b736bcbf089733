/* SPDX-License-Identifier: MIT */
/* What every part of the graph is made of. */
#include <stdio.h>

#include "src/base/half.h"
#include "src/convert/graph.h"
#include "src/convert/palettize_store.h"
#include "src/package/package.h"

void anm_graph_begin(anm_graph *g, anm_mil_builder *b, const anm_graph_source *from,
                     const char *function, int64_t tokens) {
    *g = (anm_graph){.b = b, .r = from->recipe, .contents = from->contents,
                     .stored = from->stored, .layer = -1, .tokens = tokens};
    anm_mil_builder_function(b, function, ANM_OPSET);
}

void anm_graph_end(anm_graph *g, anm_mil_value *const *outputs, size_t count) {
    anm_mil_builder_outputs(g->b, outputs, count);
    anm_map_free(&g->constants);
}

static anm_mil_value *make_constant(anm_graph *g, anm_dtype dtype, int rank, const int64_t *shape,
                                    const void *data) {
    if (dtype == ANM_DTYPE_STRING) return anm_mil_builder_string(g->b, data, data);
    return anm_mil_builder_tensor(g->b, "const", dtype, rank, shape, data);
}

/* A constant that the function has already is used again: most are masks and axes. */
static anm_mil_value *constant(anm_graph *g, anm_dtype dtype, int rank, int64_t count,
                               const void *data, size_t size) {
    char key[64];
    uint64_t found;
    int head = snprintf(key, sizeof key, "%d %d ", (int)dtype, rank);
    if ((size_t)head + size > sizeof key) return make_constant(g, dtype, rank, &count, data);
    memcpy(key + head, data, size);
    anm_sv sv = {key, (size_t)head + size};
    if (anm_map_get(&g->constants, sv, &found)) return (anm_mil_value *)(uintptr_t)found;
    anm_mil_value *value = make_constant(g, dtype, rank, &count, data);
    sv.data = value ? anm_arena_copy(g->b->program->arena, key, sv.len) : NULL;
    if (sv.data) anm_map_put(&g->constants, sv, (uintptr_t)value);
    return value;
}

anm_mil_value *anm_graph_int(anm_graph *g, int32_t value) {
    return constant(g, ANM_DTYPE_INT32, 0, 1, &value, sizeof value);
}

anm_mil_value *anm_graph_ints(anm_graph *g, int count, const int32_t *values) {
    return constant(g, ANM_DTYPE_INT32, 1, count, values, (size_t)count * sizeof *values);
}

anm_mil_value *anm_graph_bool(anm_graph *g, bool value) {
    return constant(g, ANM_DTYPE_BOOL, 0, 1, &value, sizeof value);
}

anm_mil_value *anm_graph_bools(anm_graph *g, int count, const bool *values) {
    return constant(g, ANM_DTYPE_BOOL, 1, count, values, (size_t)count * sizeof *values);
}

anm_mil_value *anm_graph_half(anm_graph *g, double value) {
    uint16_t half = anm_half_from_double(value);
    return constant(g, ANM_DTYPE_FP16, 0, 1, &half, sizeof half);
}

anm_mil_value *anm_graph_string(anm_graph *g, const char *text) {
    return constant(g, ANM_DTYPE_STRING, 0, 1, text, strlen(text) + 1);
}

const char *anm_graph_name(anm_graph *g, const char *what) {
    const char *name = what;
    if (g->layer >= 0)
        name = anm_arena_printf(g->b->program->arena, "layer_%lld_%s", (long long)g->layer, what);
    return name ? name : what;
}

anm_mil_value *anm_graph_stored(anm_graph *g, const char *name, int rank, const int64_t *shape,
                                anm_place place) {
    char palettized[ANM_TENSOR_NAME + 32];
    int64_t stored[4] = {1, 1, 1, 1}, tables[6] = {1, 1, 1, 1, 1, 1};
    if (!place.lut)
        return anm_mil_builder_blob(g->b, name, ANM_DTYPE_FP16, rank, shape, ANM_WEIGHT_PATH,
                                    place.data, NULL);
    stored[0] = place.form.rows;
    stored[1] = place.form.columns;
    tables[place.form.axis] = anm_palette_form_groups(&place.form);
    tables[rank] = (int64_t)1 << place.form.bits;
    const anm_mil_literal *indices = anm_mil_builder_blob_literal(
        g->b, anm_palette_dtype(place.form.bits), rank, stored, ANM_WEIGHT_PATH, place.data);
    const anm_mil_literal *table = anm_mil_builder_blob_literal(g->b, ANM_DTYPE_FP16, rank + 2,
                                                                tables, ANM_WEIGHT_PATH, place.lut);
    snprintf(palettized, sizeof palettized, "%s_palettized", name);
    anm_mil_value *value = anm_mil_emit(g->b, "constexpr_lut_to_dense", palettized,
                                        {"indices", .literal = indices}, {"lut", .literal = table});
    if (!place.scale) return value;
    stored[1] = 1;
    const anm_mil_literal *scale = anm_mil_builder_blob_literal(
        g->b, ANM_DTYPE_FP16, rank, stored, ANM_WEIGHT_PATH, place.scale);
    snprintf(palettized, sizeof palettized, "%s_scaled", name);
    return anm_mil_emit(g->b, "constexpr_blockwise_shift_scale", palettized, {"data", value},
                        {"scale", .literal = scale});
}

anm_mil_value *anm_graph_weight(anm_graph *g, anm_slot slot, int rank) {
    char name[ANM_TENSOR_NAME], full[ANM_TENSOR_NAME + 8];
    int64_t shape[4] = {1, 1, 1, 1};
    bool per_layer = slot >= ANM_SLOT_LAYER_FIRST;
    anm_recipe_shape(g->r, slot, shape);
    anm_place place = per_layer ? g->stored->layers[g->layer][slot] : g->stored->model[slot];
    /* ANEMLL's modules hold the model as `model`, hence the second "model_" in its packages. */
    anm_family_tensor(g->r->family, slot, g->layer, name, sizeof name);
    snprintf(full, sizeof full, "model.%s", name);
    return anm_graph_stored(g, full, rank, shape, place);
}

anm_mil_value *anm_graph_reshape(anm_graph *g, const char *what, anm_mil_value *x, int rank,
                                 const int64_t *shape) {
    int32_t dims[5];
    for (int i = 0; i < rank; i++) dims[i] = (int32_t)shape[i];
    return anm_mil_emit(g->b, "reshape", anm_graph_name(g, what), {"x", x},
                        {"shape", anm_graph_ints(g, rank, dims)});
}

anm_mil_value *anm_graph_transpose(anm_graph *g, const char *what, anm_mil_value *x, int rank,
                                   const int32_t *perm) {
    return anm_mil_emit(g->b, "transpose", anm_graph_name(g, what), {"x", x},
                        {"perm", anm_graph_ints(g, rank, perm)});
}

anm_mil_value *anm_graph_columns(anm_graph *g, const char *what, anm_mil_value *x, int64_t from,
                                 int64_t to) {
    int32_t begin[5] = {0}, end[5] = {0};
    bool whole[5] = {true, true, true, true, true};
    if (!x) return NULL;
    int last = x->type->rank - 1;
    for (int i = 0; i < last; i++) end[i] = (int32_t)x->type->shape[i];
    begin[last] = (int32_t)from;
    end[last] = (int32_t)to;
    whole[last] = false;
    return anm_mil_emit(g->b, "slice_by_index", anm_graph_name(g, what), {"x", x},
                        {"begin", anm_graph_ints(g, last + 1, begin)},
                        {"end", anm_graph_ints(g, last + 1, end)},
                        {"end_mask", anm_graph_bools(g, last + 1, whole)});
}

anm_mil_value *anm_graph_concat(anm_graph *g, const char *what, anm_mil_value *const *values,
                                size_t count, int32_t axis) {
    return anm_mil_emit(g->b, "concat", anm_graph_name(g, what),
                        {"values", .values = values, .count = count},
                        {"axis", anm_graph_int(g, axis)}, {"interleave", anm_graph_bool(g, false)});
}

anm_mil_value *anm_graph_to_channels(anm_graph *g, const char *what, anm_mil_value *x) {
    static const int32_t perm[3] = {0, 2, 1}, axis[1] = {2};
    return anm_mil_emit(g->b, "expand_dims", anm_graph_name(g, what),
                        {"x", anm_graph_transpose(g, "transposed", x, 3, perm)},
                        {"axes", anm_graph_ints(g, 1, axis)});
}

anm_mil_value *anm_graph_from_channels(anm_graph *g, const char *what, anm_mil_value *x) {
    static const int32_t perm[3] = {0, 2, 1}, axis[1] = {2};
    anm_mil_value *flat = anm_mil_emit(g->b, "squeeze", anm_graph_name(g, "squeezed"), {"x", x},
                                       {"axes", anm_graph_ints(g, 1, axis)});
    return anm_graph_transpose(g, what, flat, 3, perm);
}

static anm_mil_value *conv(anm_graph *g, const char *what, anm_mil_value *x, anm_mil_value *weight,
                           anm_mil_value *bias) {
    static const int32_t ones[2] = {1, 1}, zeros[4] = {0};
    return anm_mil_emit(g->b, "conv", anm_graph_name(g, what), {"x", x}, {"weight", weight},
                        {"bias", bias}, {"strides", anm_graph_ints(g, 2, ones)},
                        {"pad_type", anm_graph_string(g, "valid")},
                        {"pad", anm_graph_ints(g, 4, zeros)},
                        {"dilations", anm_graph_ints(g, 2, ones)}, {"groups", anm_graph_int(g, 1)});
}

/* The first channels of [1, C, 1, T], plus a bias. */
static anm_mil_value *cut(anm_graph *g, const char *what, anm_mil_value *x, int64_t channels,
                          anm_mil_value *bias) {
    static const int32_t begin[4] = {0};
    const int32_t end[4] = {1, (int32_t)channels, 1, 0};
    const bool whole[4] = {true, false, true, true};
    const int64_t spread[4] = {1, channels, 1, 1};
    x = anm_mil_emit(g->b, "slice_by_index", anm_graph_name(g, bias ? "cut" : what), {"x", x},
                     {"begin", anm_graph_ints(g, 4, begin)}, {"end", anm_graph_ints(g, 4, end)},
                     {"end_mask", anm_graph_bools(g, 4, whole)});
    if (!bias) return x;
    return anm_mil_emit(g->b, "add", anm_graph_name(g, what), {"x", x},
                        {"y", anm_graph_reshape(g, "bias", bias, 4, spread)});
}

anm_mil_value *anm_graph_conv(anm_graph *g, const char *what, anm_mil_value *x,
                              anm_mil_value *weight, anm_mil_value *bias, int64_t channels) {
    if (!weight || weight->type->shape[0] == channels) return conv(g, what, x, weight, bias);
    return cut(g, what, conv(g, "padded", x, weight, NULL), channels, bias);
}

anm_mil_value *anm_graph_project(anm_graph *g, const char *what, anm_mil_value *x, anm_slot weight,
                                 anm_slot bias) {
    anm_mil_value *w = anm_graph_weight(g, weight, 4); /* before the bias, whatever the compiler */
    anm_mil_value *b = g->r->has[bias] ? anm_graph_weight(g, bias, 1) : NULL;
    int64_t shape[2] = {0};
    anm_recipe_shape(g->r, weight, shape);
    return anm_graph_conv(g, what, x, w, b, shape[0]);
}

anm_mil_value *anm_graph_cap(anm_graph *g, anm_mil_value *x, double cap) {
    if (cap == 0) return x;
    x = anm_mil_emit(g->b, "real_div", anm_graph_name(g, "in_caps"), {"x", x},
                     {"y", anm_graph_half(g, cap)});
    x = anm_mil_emit(g->b, "tanh", anm_graph_name(g, "bent"), {"x", x});
    return anm_mil_emit(g->b, "mul", anm_graph_name(g, "capped"), {"x", x},
                        {"y", anm_graph_half(g, cap)});
}
