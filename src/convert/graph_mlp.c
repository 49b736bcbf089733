/* SPDX-License-Identifier: MIT */
/* The gated MLP of a layer. */
#include "src/convert/graph.h"

static anm_mil_value *active(anm_graph *g, anm_mil_value *gate) {
    const char *name = anm_graph_name(g, "gate_active");
    if (g->r->activation == ANM_ACTIVATION_GELU_TANH)
        return anm_mil_emit(g->b, "gelu", name, {"x", gate},
                            {"mode", anm_graph_string(g, "TANH_APPROXIMATION")});
    return anm_mil_emit(g->b, "silu", name, {"x", gate});
}

/* hidden + down(act(gate(n)) * up(n)), where n is the normalised input; down's maybe too. */
anm_mil_value *anm_graph_mlp(anm_graph *g, anm_mil_value *hidden) {
    anm_mil_value *x = anm_graph_norm(g, "mlp_normal", hidden, ANM_SLOT_MLP_NORM, g->r->hidden);
    x = anm_graph_to_channels(g, "mlp_input", x);
    anm_mil_value *gate = anm_graph_project(g, "gate", x, ANM_SLOT_GATE, ANM_SLOT_GATE_BIAS);
    anm_mil_value *up = anm_graph_project(g, "up", x, ANM_SLOT_UP, ANM_SLOT_UP_BIAS);
    x = anm_mil_emit(g->b, "mul", anm_graph_name(g, "gated"), {"x", active(g, gate)}, {"y", up});
    x = anm_graph_project(g, "down", x, ANM_SLOT_DOWN, ANM_SLOT_DOWN_BIAS);
    x = anm_graph_from_channels(g, "mlp_output", x);
    if (g->r->has[ANM_SLOT_POST_MLP_NORM])
        x = anm_graph_norm(g, "mlp_added", x, ANM_SLOT_POST_MLP_NORM, g->r->hidden);
    return anm_mil_emit(g->b, "add", anm_graph_name(g, "mlp_residual"), {"x", hidden}, {"y", x});
}
