/* SPDX-License-Identifier: MIT */
/* Type rules of the optimiser's own ops. All shapes are known where these are made. */
#include "src/mil/rules.h"

static int64_t product(const anm_mil_type *type, int from) {
    int64_t n = 1;
    for (int i = from; i < type->rank; i++) n *= type->shape[i];
    return n;
}

/* [rows, columns], or with further dimensions of 1 as in a 1x1 convolution's weight. */
static bool matrix_fits(const anm_mil_type *x, const anm_mil_type *weight) {
    return x->rank >= 1 && weight->rank >= 2 && product(weight, 2) == 1 &&
           weight->shape[1] == x->shape[x->rank - 1];
}

/* An output like x with another last dimension. */
static bool give_last(const anm_mil_op *op, anm_mil_infer *infer, size_t output, anm_dtype dtype,
                      int64_t last) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    int64_t shape[ANM_MAX_RANK];
    for (int i = 0; i < x->rank; i++) shape[i] = x->shape[i];
    shape[x->rank - 1] = last;
    return anm_mil_give(infer, output, dtype, x->rank, shape);
}

static bool give_rows(const anm_mil_op *op, anm_mil_infer *infer, const anm_mil_type *weight) {
    return give_last(op, infer, 0, anm_mil_type_of(op, "x")->dtype, weight->shape[0]);
}

static bool bias_fits(const anm_mil_op *op, const anm_mil_type *weight) {
    const anm_mil_type *bias = anm_mil_type_of(op, "bias");
    return !bias || product(bias, 0) == weight->shape[0];
}

bool anm_mil_rule_fused_linear(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *weight = anm_mil_type_of(op, "weight");
    const anm_mil_type *residual = anm_mil_type_of(op, "residual");
    if (!matrix_fits(anm_mil_type_of(op, "x"), weight))
        return anm_mil_refuse(infer, "weight is no matrix for the last dimension of x");
    if (!bias_fits(op, weight))
        return anm_mil_refuse(infer, "bias needs an element for each row of weight");
    if (!give_rows(op, infer, weight)) return false;
    return !residual || product(residual, 0) == product(infer->outputs[0], 0) ||
           anm_mil_refuse(infer, "residual needs as many elements as the result");
}

bool anm_mil_rule_linear_topk(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *weight = anm_mil_type_of(op, "weight");
    int64_t k;
    if (!matrix_fits(anm_mil_type_of(op, "x"), weight))
        return anm_mil_refuse(infer, "weight is no matrix for the last dimension of x");
    if (!bias_fits(op, weight))
        return anm_mil_refuse(infer, "bias needs an element for each row of weight");
    if (!anm_mil_op_get_int(op, "k", &k) || k < 1 || k > weight->shape[0])
        return anm_mil_refuse(infer, "k is not within 1 to the rows of weight");
    return give_last(op, infer, 0, anm_mil_type_of(op, "x")->dtype, k) &&
           give_last(op, infer, 1, ANM_DTYPE_INT32, k);
}

bool anm_mil_rule_gated_linear(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    const anm_mil_type *gate = anm_mil_type_of(op, "gate"), *up = anm_mil_type_of(op, "up");
    if (!matrix_fits(x, gate) || !matrix_fits(x, up) || gate->shape[0] != up->shape[0])
        return anm_mil_refuse(infer, "gate and up are no equal matrices for x");
    return give_rows(op, infer, gate);
}

static bool broadcasts_to(const anm_mil_type *from, const anm_mil_type *to) {
    if (from->rank > to->rank) return false;
    for (int i = 1; i < from->rank; i++) {
        int64_t dim = from->shape[from->rank - 1 - i];
        if (dim != 1 && dim != to->shape[to->rank - 1 - i]) return false;
    }
    return true;
}

bool anm_mil_rule_rope(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *x = anm_mil_type_of(op, "x");
    const char *const names[] = {"cos", "sin"};
    for (int i = 0; i < 2; i++) {
        const anm_mil_type *t = anm_mil_type_of(op, names[i]);
        int64_t width = t->rank ? t->shape[t->rank - 1] : 0, whole = x->shape[x->rank - 1];
        if (whole % 2 || (width != whole && width != whole / 2) || !broadcasts_to(t, x))
            return anm_mil_refuse(infer, "%s does not fit x", names[i]);
    }
    infer->outputs[0] = x;
    return true;
}

bool anm_mil_rule_cache_update(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *state = anm_mil_type_of(op, "input")->items[0];
    const anm_mil_type *update = anm_mil_type_of(op, "update");
    int64_t begin[ANM_MAX_RANK], axis;
    int count = state->rank;
    if (!anm_mil_op_get_ints(op, "begin", begin, ANM_MAX_RANK, &count) || count != state->rank ||
        update->rank != state->rank)
        return anm_mil_refuse(infer, "begin and update need the rank of the state");
    if (!anm_mil_op_get_int(op, "axis", &axis) || axis < 0 || axis >= state->rank)
        return anm_mil_refuse(infer, "axis is outside the state");
    for (int i = 0; i < state->rank; i++)
        if (begin[i] < 0 || begin[i] + update->shape[i] > state->shape[i])
            return anm_mil_refuse(infer, "update does not fit in the state");
    return true;
}

bool anm_mil_rule_fused_attention(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *q = anm_mil_type_of(op, "query"), *k = anm_mil_type_of(op, "key");
    const anm_mil_type *v = anm_mil_type_of(op, "value"), *mask = anm_mil_type_of(op, "mask");
    if (q->rank != 4 || k->rank != 4 || v->rank != 4)
        return anm_mil_refuse(infer, "query, key and value need rank 4");
    if (q->shape[0] != 1 || k->shape[0] != 1 || v->shape[0] != 1 || k->shape[1] < 1 ||
        q->shape[1] % k->shape[1] || v->shape[1] != k->shape[1] || k->shape[2] != v->shape[2] ||
        q->shape[3] != k->shape[3])
        return anm_mil_refuse(infer, "shapes of query, key and value do not fit");
    if (mask && (mask->rank != 2 || mask->shape[0] != q->shape[2] || mask->shape[1] != k->shape[2]))
        return anm_mil_refuse(infer, "mask needs a row for each query, a column for each key");
    int64_t shape[4] = {1, q->shape[1], q->shape[2], v->shape[3]};
    return anm_mil_give(infer, 0, q->dtype, 4, shape);
}
