/* SPDX-License-Identifier: MIT */
/* Rotary position embedding: table rows by position, and the rotation. */
#include "src/convert/graph.h"

#include "src/package/package.h"

/* Rows of a table [1, S, D/2] as [1, 1, T, D/2], to be multiplied with every head. */
static anm_mil_value *fetch(anm_graph *g, const char *what, uint64_t offset,
                            anm_mil_value *indices) {
    static const int32_t axis[1] = {1};
    const int64_t shape[3] = {1, g->r->state, g->r->head_dim / 2};
    anm_mil_value *table =
        anm_mil_builder_blob(g->b, what, ANM_DTYPE_FP16, 3, shape, ANM_WEIGHT_PATH, offset, NULL);
    anm_mil_value *rows = anm_mil_emit(
        g->b, "gather", what, {"x", table}, {"indices", indices}, {"axis", anm_graph_int(g, 1)},
        {"batch_dims", anm_graph_int(g, 0)}, {"validate_indices", anm_graph_bool(g, false)});
    return anm_mil_emit(g->b, "expand_dims", what, {"x", rows},
                        {"axes", anm_graph_ints(g, 1, axis)});
}

void anm_graph_rope_tables(anm_graph *g, anm_mil_value *positions) {
    /* The Neural Engine gathers by 16-bit indices only; coremltools inserts the same cast. */
    if (g->r->state <= INT16_MAX)
        positions = anm_mil_emit(g->b, "cast", "positions", {"x", positions},
                                 {"dtype", anm_graph_string(g, "int16")});
    for (int i = 0; i < 2; i++) {
        if (!anm_contents_has(g->r, g->contents, i == ANM_SIDE_LOCAL)) continue;
        g->sides[i].cos = fetch(g, "cos", g->stored->cos[i], positions);
        g->sides[i].sin = fetch(g, "sin", g->stored->sin[i], positions);
    }
}

static anm_mil_value *binary(anm_graph *g, const char *op, const char *what, anm_mil_value *x,
                             anm_mil_value *y) {
    return anm_mil_emit(g->b, op, anm_graph_name(g, what), {"x", x}, {"y", y});
}

/* Element i of the first half of a head and of the second are the coordinates of one rotation. */
anm_mil_value *anm_graph_rotate(anm_graph *g, const char *what, anm_mil_value *x) {
    int64_t half = g->r->head_dim / 2;
    anm_mil_value *a = anm_graph_columns(g, "first", x, 0, half);
    anm_mil_value *b = anm_graph_columns(g, "second", x, half, 2 * half);
    /* One op a statement: C leaves the order open in which arguments are evaluated, and with it
     * the order of the ops. */
    anm_mil_value *first_cos = binary(g, "mul", "first_cos", a, g->side->cos);
    anm_mil_value *second_sin = binary(g, "mul", "second_sin", b, g->side->sin);
    anm_mil_value *second_cos = binary(g, "mul", "second_cos", b, g->side->cos);
    anm_mil_value *first_sin = binary(g, "mul", "first_sin", a, g->side->sin);
    anm_mil_value *turned[2];
    turned[0] = binary(g, "sub", "turned_first", first_cos, second_sin);
    turned[1] = binary(g, "add", "turned_second", second_cos, first_sin);
    return anm_graph_concat(g, what, turned, 2, -1);
}
