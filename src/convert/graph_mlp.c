/* SPDX-License-Identifier: MIT */
/* The gated MLP of a layer. */
#include "src/convert/graph.h"

/* hidden + down(silu(gate(n)) * up(n)), where n is the normalised input. */
anm_mil_value *anm_graph_mlp(anm_graph *g, anm_mil_value *hidden) {
    anm_mil_value *x = anm_graph_norm(g, "mlp_normal", hidden, ANM_SLOT_MLP_NORM, g->r->hidden);
    x = anm_graph_to_channels(g, "mlp_input", x);
    anm_mil_value *gate = anm_graph_project(g, "gate", x, ANM_SLOT_GATE, ANM_SLOT_GATE_BIAS);
    anm_mil_value *up = anm_graph_project(g, "up", x, ANM_SLOT_UP, ANM_SLOT_UP_BIAS);
    anm_mil_value *active = anm_mil_emit(g->b, "silu", anm_graph_name(g, "gate_active"),
                                         {"x", gate});
    x = anm_mil_emit(g->b, "mul", anm_graph_name(g, "gated"), {"x", active}, {"y", up});
    x = anm_graph_project(g, "down", x, ANM_SLOT_DOWN, ANM_SLOT_DOWN_BIAS);
    x = anm_graph_from_channels(g, "mlp_output", x);
    return anm_mil_emit(g->b, "add", anm_graph_name(g, "mlp_residual"), {"x", hidden}, {"y", x});
}
