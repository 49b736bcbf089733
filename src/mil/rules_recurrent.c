/* SPDX-License-Identifier: MIT */
/* Type rules of recurrent layers over [steps, batch, features]. */
#include <string.h>

#include "src/base/dtype.h"
#include "src/mil/rules.h"

/* A dimension that must be `wanted`; unknown ones pass. */
static bool is_dim(anm_mil_infer *infer, const anm_mil_type *t, const char *name, int i,
                   int64_t wanted) {
    return t->shape[i] < 0 || wanted < 0 || t->shape[i] == wanted ||
           anm_mil_refuse(infer, "dimension %d of %s is %lld instead of %lld", i, name,
                          (long long)t->shape[i], (long long)wanted);
}

/* An argument of a known shape, if it is there. */
static bool check(const anm_mil_op *op, anm_mil_infer *infer, const char *name, int rank,
                  int64_t first, int64_t second) {
    const anm_mil_type *t = anm_mil_type_of(op, name);
    if (!t || t->rank < 0) return true;
    if (t->rank != rank)
        return anm_mil_refuse(infer, "%s has rank %d instead of %d", name, t->rank, rank);
    return is_dim(infer, t, name, 0, first) && (rank < 2 || is_dim(infer, t, name, 1, second));
}

/* 1, or 2 for "bidirectional", which only some ops can do; 0 after a refusal. */
static int directions(const anm_mil_op *op, anm_mil_infer *infer, bool both) {
    const char *direction = "";
    if (!anm_mil_op_get_string(op, "direction", &direction)) direction = "(not constant)";
    if (strcmp(direction, "forward") == 0 || strcmp(direction, "reverse") == 0) return 1;
    if (both && strcmp(direction, "bidirectional") == 0) return 2;
    anm_mil_refuse(infer, "there is no direction \"%s\"", direction);
    return 0;
}

static bool check_back(const anm_mil_op *op, anm_mil_infer *infer, int64_t rows, int64_t features,
                       int64_t hidden) {
    if (!anm_mil_type_of(op, "weight_ih_back") || !anm_mil_type_of(op, "weight_hh_back"))
        return anm_mil_refuse(infer, "both directions need weights for the way back");
    return check(op, infer, "weight_ih_back", 2, rows, features) &&
           check(op, infer, "weight_hh_back", 2, rows, hidden) &&
           check(op, infer, "bias_back", 1, rows, 0);
}

static bool recurrent(const anm_mil_op *op, anm_mil_infer *infer, int gates, bool both) {
    const anm_mil_type *x = anm_mil_type_of(op, "x"), *hh = anm_mil_type_of(op, "weight_hh");
    bool sequence = false;
    int ways = directions(op, infer, both);
    if (ways == 0) return false;
    if (x->rank != 3 || hh->rank != 2)
        return anm_mil_refuse(infer, "x needs rank 3 and weight_hh rank 2");
    if (!anm_mil_op_get_bool(op, "output_sequence", &sequence))
        return anm_mil_refuse(infer, "output_sequence is not constant");
    int64_t hidden = hh->shape[1], rows = hidden < 0 ? ANM_DIM_UNKNOWN : gates * hidden;
    int64_t width = hidden < 0 ? ANM_DIM_UNKNOWN : ways * hidden, batch = x->shape[1];
    if (!check(op, infer, "weight_hh", 2, rows, hidden) ||
        !check(op, infer, "weight_ih", 2, rows, x->shape[2]) ||
        !check(op, infer, "bias", 1, rows, 0) ||
        !check(op, infer, "initial_h", 2, batch, width) ||
        !check(op, infer, "initial_c", 2, batch, width) ||
        (ways == 2 && !check_back(op, infer, rows, x->shape[2], hidden)))
        return false;
    int64_t all[3] = {sequence ? x->shape[0] : 1, batch, width};
    if (!anm_mil_give(infer, 0, x->dtype, 3, all)) return false;
    for (size_t i = 1; i < infer->output_count; i++)
        if (!anm_mil_give(infer, i, x->dtype, 2, all + 1)) return false;
    return true;
}

bool anm_mil_rule_lstm(const anm_mil_op *op, anm_mil_infer *infer) {
    return recurrent(op, infer, 4, true);
}

bool anm_mil_rule_gru(const anm_mil_op *op, anm_mil_infer *infer) {
    return recurrent(op, infer, 3, false);
}

bool anm_mil_rule_rnn(const anm_mil_op *op, anm_mil_infer *infer) {
    return recurrent(op, infer, 1, false);
}
