/* SPDX-License-Identifier: MIT */
/* RMSNorm, of hidden states and of single heads. */
#include "src/convert/graph.h"
#include "src/convert/residual.h"

/*
 * x / sqrt(mean(x^2) + eps) * w. CoreML has no such op, and computing it from parts squares x in
 * fp16, which overflows at 256. ANEMLL's way: [x, -x] has mean zero and variance mean(x^2), so the
 * first half of its layer_norm, which the hardware computes with care, is the result.
 */
anm_mil_value *anm_graph_norm(anm_graph *g, const char *what, anm_mil_value *x, anm_slot slot,
                              int64_t size) {
    static const int32_t last[1] = {-1};
    anm_mil_value *negative = anm_mil_emit(g->b, "mul", anm_graph_name(g, "negative"), {"x", x},
                                           {"y", anm_graph_half(g, -1)});
    anm_mil_value *both[2] = {x, negative};
    anm_mil_value *doubled = anm_graph_concat(g, "doubled", both, 2, -1);
    anm_mil_value *normal = anm_mil_emit(
        g->b, "layer_norm", anm_graph_name(g, "normal"), {"x", doubled},
        {"axes", anm_graph_ints(g, 1, last)},
        {"epsilon", anm_graph_half(g, anm_residual_epsilon(g->r, slot))});
    return anm_mil_emit(g->b, "mul", anm_graph_name(g, what),
                        {"x", anm_graph_columns(g, "half", normal, 0, size)},
                        {"y", anm_graph_weight(g, slot, 1)});
}
