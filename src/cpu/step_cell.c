/* SPDX-License-Identifier: MIT */
/* lstm, gru and rnn, read for step_recurrent.c. */
#include <string.h>

#include "src/cpu/step_recurrent.h"

static bool read_act(const anm_mil_op *op, const char *name, anm_recurrent_act *out) {
    static const struct {
        const char *name;
        anm_recurrent_act act;
    } known[] = {{"sigmoid", {ANM_UNARY_SIGMOID, false, 0, 0}},
                 {"tanh", {ANM_UNARY_TANH, false, 0, 0}},
                 {"relu", {ANM_UNARY_RELU, false, 0, 0}},
                 {"linear", {ANM_UNARY_KINDS, false, 0, 0}},
                 {"scaled_tanh", {ANM_UNARY_SCALED_TANH, true, 1, 1}},
                 {"hard_sigmoid", {ANM_UNARY_HARD, true, 0.2f, 0.5f}},
                 {"sigmoid_hard", {ANM_UNARY_HARD, true, 0.2f, 0.5f}}};
    const char *text;
    if (!anm_mil_op_get_string(op, name, &text)) return false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(text, known[i].name) != 0) continue;
        *out = known[i].act;
        return true;
    }
    return false;
}

static bool is_present(const anm_mil_op *op, const char *name) {
    return anm_mil_operand_present(anm_mil_op_operand(op, name));
}

static bool read_kind(const anm_mil_op *op, anm_recurrent *r) {
    static const char *const names[] = {"lstm", "gru", "rnn"};
    static const int gates[] = {4, 3, 1};
    int k = 0;
    while (k < 3 && !anm_is_op(op, names[k])) k++;
    if (k == 3) return false;
    r->kind = (anm_recurrent_kind)k;
    r->gates = gates[k];
    return true;
}

static bool read_options(const anm_mil_op *op, anm_recurrent *r) {
    const char *direction;
    double clip = 0;
    if (is_present(op, "clip") && !anm_mil_op_get_float(op, "clip", &clip)) return false;
    r->clip = (float)clip;
    if (!anm_mil_op_get_string(op, "direction", &direction) ||
        !anm_mil_op_get_bool(op, "output_sequence", &r->sequence) ||
        !read_act(op, "activation", &r->out))
        return false;
    if (r->kind != ANM_RECURRENT_RNN && !read_act(op, "recurrent_activation", &r->gate))
        return false;
    if (r->kind == ANM_RECURRENT_LSTM && !read_act(op, "cell_activation", &r->cell)) return false;
    if (is_present(op, "reset_after") && !anm_mil_op_get_bool(op, "reset_after", &r->reset_after))
        return false;
    r->reverse = strcmp(direction, "reverse") == 0;
    r->ways = strcmp(direction, "bidirectional") == 0 ? 2 : 1;
    return r->ways == 1 ? r->reverse || strcmp(direction, "forward") == 0
                        : r->kind == ANM_RECURRENT_LSTM;
}

static bool read_sizes(const anm_mil_op *op, anm_recurrent *r) {
    const anm_mil_type *x = anm_mil_operand_type(anm_mil_op_operand(op, "x"));
    const anm_mil_type *hh = anm_mil_operand_type(anm_mil_op_operand(op, "weight_hh"));
    if (!x || !hh || x->rank != 3 || hh->rank != 2) return false;
    r->steps = x->shape[0];
    r->batch = x->shape[1];
    r->input = x->shape[2];
    r->hidden = hh->shape[1];
    return r->steps > 0 && r->batch > 0 && r->input > 0 && r->hidden > 0;
}

static bool read_bias(anm_planner *p, const anm_mil_op *op, const char *name, int64_t count,
                      const float **out) {
    *out = NULL;
    if (!is_present(op, name)) return true;
    anm_lie lie = anm_lie_constant_floats(p, anm_mil_op_operand(op, name));
    if (lie.block < 0 || anm_view_elements(&lie.view) != count) return false;
    *out = p->blocks.data[lie.block].data;
    return true;
}

static bool read_way(anm_planner *p, const anm_mil_op *op, const char *const *names,
                     anm_recurrent *r, anm_recurrent_way *way) {
    int64_t rows = r->gates * r->hidden;
    const float *bias;
    way->ih = anm_recurrent_turned(p, anm_mil_op_operand(op, names[0]), rows, r->input);
    way->hh = anm_recurrent_turned(p, anm_mil_op_operand(op, names[1]), rows, r->hidden);
    if (!way->ih || !way->hh || !read_bias(p, op, names[2], rows, &bias)) return false;
    if (r->kind == ANM_RECURRENT_LSTM &&
        !read_bias(p, op, names[3], 3 * r->hidden, &way->peephole))
        return false;
    /* A gru scales some of what the state gives, its bias included; inputs have their own. */
    if (r->kind != ANM_RECURRENT_GRU) way->x_bias = bias;
    else way->h_bias = bias;
    return r->kind != ANM_RECURRENT_GRU || read_bias(p, op, "input_bias", rows, &way->x_bias);
}

static bool read_ways(anm_planner *p, const anm_mil_op *op, anm_recurrent *r) {
    static const char *const forth[] = {"weight_ih", "weight_hh", "bias", "peephole"};
    static const char *const back[] = {"weight_ih_back", "weight_hh_back", "bias_back",
                                       "peephole_back"};
    return read_way(p, op, forth, r, &r->way[0]) &&
           (r->ways == 1 || read_way(p, op, back, r, &r->way[1]));
}

static bool read_state(anm_planner *p, const anm_mil_op *op, const char *name,
                       const anm_recurrent *r, anm_lie *out) {
    *out = anm_lie_dense(p, anm_arg_lie(p, op, name));
    return out->block >= 0 && out->dtype == ANM_DTYPE_FP32 &&
           anm_view_elements(&out->view) == r->batch * r->hidden * r->ways;
}

static bool read_values(anm_planner *p, const anm_mil_op *op, anm_recurrent *r) {
    r->x = anm_lie_dense(p, anm_arg_lie(p, op, "x"));
    r->initial_c.block = r->memory.block = -1;
    if (r->x.block < 0 || r->x.dtype != ANM_DTYPE_FP32) return false;
    return read_state(p, op, "initial_h", r, &r->initial_h) &&
           (r->kind != ANM_RECURRENT_LSTM || read_state(p, op, "initial_c", r, &r->initial_c));
}

static anm_lie place_output(anm_planner *p, const anm_mil_op *op, size_t index) {
    const anm_mil_type *type = op->outputs[index]->type;
    anm_lie lie = anm_lie_new(p, ANM_DTYPE_FP32, type->rank, type->shape);
    if (lie.block >= 0) anm_lie_set(p, op->outputs[index], lie);
    return lie;
}

static bool has_room(const anm_mil_op *op, const anm_recurrent *r) {
    int64_t state = r->batch * r->hidden * r->ways;
    if (op->output_count < 2) return false;
    for (size_t i = 1; i < op->output_count; i++)
        if (anm_type_elements(op->outputs[i]->type) != state) return false;
    return anm_type_elements(op->outputs[0]->type) == (r->sequence ? r->steps : 1) * state;
}

static void place(anm_planner *p, const anm_mil_op *op, anm_recurrent *r) {
    int64_t state = r->batch * r->hidden, sums = state * r->gates;
    int64_t all = r->ways * r->steps * sums, own = 3 * state + sums;
    r->sums = anm_lie_new(p, ANM_DTYPE_FP32, 1, &all);
    r->states = anm_lie_new(p, ANM_DTYPE_FP32, 1, &own);
    r->all = place_output(p, op, 0);
    r->final = place_output(p, op, 1);
    if (op->output_count > 2) r->memory = place_output(p, op, 2);
}

bool anm_build_recurrent(anm_planner *p, const anm_mil_op *op) {
    anm_recurrent read = {0};
    if (!read_kind(op, &read) || !read_options(op, &read) || !read_sizes(op, &read)) return false;
    anm_recurrent *r = anm_plan_alloc(p, sizeof *r);
    if (!r) return true;
    *r = read;
    if (!has_room(op, r)) return false;
    if (!read_ways(p, op, r) || !read_values(p, op, r)) return p->status != ANM_OK;
    place(p, op, r);
    if (p->status == ANM_OK) anm_recurrent_add(p, op, r);
    return true;
}
