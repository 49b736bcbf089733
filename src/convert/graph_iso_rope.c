/* SPDX-License-Identifier: MIT */
/*
 * RoPE as ANEMLL's graphs have it: tables as wide as a head, fetched with indices that may count
 * from the end, and turned and cut when a layer first needs them. Qwen rotates by x * cos +
 * [-x2, x1] * sin, Llama by halves of x and of the tables.
 */
#include "src/convert/graph_iso.h"

#include "src/package/package.h"

static anm_mil_value *cast(anm_graph *g, anm_mil_value *x, const char *dtype) {
    return anm_mil_emit(g->b, "cast", "indices", {"x", x}, {"dtype", anm_graph_string(g, dtype)});
}

static anm_mil_value *wrap(anm_graph *g, anm_mil_value *x, int64_t rows) {
    anm_mil_value *inside = anm_mil_emit(g->b, "greater_equal", "inside", {"x", x},
                                         {"y", anm_graph_int(g, 0)});
    anm_mil_value *wrapped = anm_mil_emit(g->b, "add", "wrapped", {"x", x},
                                          {"y", anm_graph_int(g, (int32_t)rows)});
    return anm_mil_emit(g->b, "select", "indices", {"cond", inside}, {"a", x}, {"b", wrapped});
}

/*
 * torch counts negative indices from the end, and coremltools gathers by 16 bits where it can. Its
 * second pass wraps what is in range already, and leaves that in 32 bits.
 */
anm_mil_value *anm_graph_iso_indices(anm_graph *g, anm_mil_value *x, int64_t rows, anm_slot slot) {
    bool small = rows <= INT16_MAX;
    if (small) x = cast(g, cast(g, x, "int16"), "int32");
    x = wrap(g, x, rows);
    if (small) x = cast(g, x, "int16");
    if (!anm_graph_iso_again(g, slot)) return x;
    return wrap(g, small ? cast(g, x, "int32") : x, rows);
}

/* Rows of a table [1, S, D] as [1, T, 1, D]. */
static anm_mil_value *fetch(anm_graph *g, const char *what, uint64_t offset,
                            anm_mil_value *indices) {
    const anm_recipe *r = g->r;
    const int64_t shape[3] = {1, r->state, r->head_dim};
    const int64_t rows[4] = {1, g->tokens, 1, r->head_dim};
    anm_mil_value *table =
        anm_mil_builder_blob(g->b, what, ANM_DTYPE_FP16, 3, shape, ANM_WEIGHT_PATH, offset, NULL);
    anm_mil_value *found = anm_mil_emit(
        g->b, "gather", what, {"x", table}, {"indices", indices}, {"axis", anm_graph_int(g, 1)},
        {"batch_dims", anm_graph_int(g, 0)}, {"validate_indices", anm_graph_bool(g, false)});
    return anm_graph_reshape(g, what, found, 4, rows);
}

void anm_graph_iso_tables(anm_graph *g, anm_mil_value *positions, bool sine_first) {
    anm_graph_side *side = &g->sides[ANM_SIDE_GLOBAL];
    positions = anm_graph_iso_indices(g, positions, g->r->state, ANM_SLOT_Q);
    if (sine_first) side->sin = fetch(g, "sin", g->stored->sin[ANM_SIDE_GLOBAL], positions);
    side->cos = fetch(g, "cos", g->stored->cos[ANM_SIDE_GLOBAL], positions);
    if (!sine_first) side->sin = fetch(g, "sin", g->stored->sin[ANM_SIDE_GLOBAL], positions);
}

/* A table as heads are multiplied with it, [1, 1, T, D], for Llama its first half: made once. */
static anm_mil_value *ready(anm_graph *g, const char *what, anm_mil_value **table) {
    static const int32_t perm[4] = {0, 2, 1, 3};
    if (*table && (*table)->type->shape[1] > 1)
        *table = anm_mil_emit(g->b, "transpose", what, {"x", *table},
                              {"perm", anm_graph_ints(g, 4, perm)});
    if (*table && g->r->iso == ANM_ISO_LLAMA && (*table)->type->shape[3] == g->r->head_dim)
        *table = anm_graph_columns(g, what, *table, 0, g->r->head_dim / 2);
    return *table;
}

static anm_mil_value *binary(anm_graph *g, const char *op, const char *what, anm_mil_value *x,
                             anm_mil_value *y) {
    return anm_mil_emit(g->b, op, anm_graph_name(g, what), {"x", x}, {"y", y});
}

static anm_mil_value *whole(anm_graph *g, const char *what, anm_mil_value *x, bool normal) {
    int64_t size = g->r->head_dim;
    anm_mil_value *cosine, *turned[2];
    bool head_first = anm_graph_iso_again(g, ANM_SLOT_Q);
    if (!normal && head_first) x = anm_graph_iso_head(g, what, x);
    cosine = ready(g, "cos", &g->side->cos);
    if (!normal && !head_first) x = anm_graph_iso_head(g, what, x);
    anm_mil_value *kept = binary(g, "mul", "kept", x, cosine);
    turned[1] = anm_graph_columns(g, "first", x, 0, size / 2);
    turned[0] = anm_graph_columns(g, "second", x, size / 2, size);
    turned[0] = binary(g, "mul", "negative", turned[0], anm_graph_half(g, -1));
    anm_mil_value *half = anm_graph_concat(g, "turned", turned, 2, -1);
    anm_mil_value *sine = ready(g, "sin", &g->side->sin);
    half = binary(g, "mul", "turned", half, sine);
    return binary(g, "add", what, kept, half);
}

static anm_mil_value *halves(anm_graph *g, const char *what, anm_mil_value *x, bool normal) {
    int64_t size = g->r->head_dim;
    if (!normal) x = anm_graph_iso_head(g, what, x);
    anm_mil_value *a = anm_graph_columns(g, "first", x, 0, size / 2), *turned[2];
    anm_mil_value *b = anm_graph_columns(g, "second", x, size / 2, size);
    anm_mil_value *cosine = ready(g, "cos", &g->side->cos);
    anm_mil_value *sine = ready(g, "sin", &g->side->sin);
    anm_mil_value *first_cos = binary(g, "mul", "first_cos", a, cosine);
    anm_mil_value *second_sin = binary(g, "mul", "second_sin", b, sine);
    turned[0] = binary(g, "sub", "turned_first", first_cos, second_sin);
    anm_mil_value *second_cos = binary(g, "mul", "second_cos", b, cosine);
    anm_mil_value *first_sin = binary(g, "mul", "first_sin", a, sine);
    turned[1] = binary(g, "add", "turned_second", second_cos, first_sin);
    return anm_graph_concat(g, what, turned, 2, -1);
}

anm_mil_value *anm_graph_iso_rotate(anm_graph *g, const char *what, anm_mil_value *x, bool normal) {
    return g->r->iso == ANM_ISO_LLAMA ? halves(g, what, x, normal) : whole(g, what, x, normal);
}
