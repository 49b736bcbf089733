/* SPDX-License-Identifier: MIT */
/*
 * Rotary position embeddings: x * cos + (-x2, x1) * sin with tables of full width, as Hugging Face
 * writes them, and (x1 cos - x2 sin, x2 cos + x1 sin) with tables of half width.
 */
#include "src/pass/pass.h"
#include "src/pass/view.h"

/* The value of which `value` is the first (0) or second (1) half of the last dimension. */
static anm_mil_value *half_of(const anm_mil_value *value, int which) {
    const anm_mil_op *slice = anm_value_def(value, "slice_by_index");
    anm_mil_value *x = anm_arg_value(slice, "x");
    if (!x || x->type->shape[x->type->rank - 1] % 2) return NULL;
    anm_view v = anm_view_of_type(x->type), want = v;
    int64_t half = want.shape[want.rank - 1] /= 2;
    want.offset = which * half;
    return anm_view_apply(&v, slice) && anm_view_equal(&v, &want) ? x : NULL;
}

static bool two_values(const anm_mil_op *concat, anm_mil_value *out[2]) {
    const anm_mil_arg *values = concat ? anm_mil_op_arg(concat, "values") : NULL;
    int64_t axis;
    bool interleave = false;
    if (!values || values->count != 2 || !anm_mil_op_get_int(concat, "axis", &axis)) return false;
    if (anm_mil_op_get_bool(concat, "interleave", &interleave) && interleave) return false;
    out[0] = values->operands[0].value;
    out[1] = values->operands[1].value;
    return (axis == -1 || axis == concat->outputs[0]->type->rank - 1) && out[0] && out[1];
}

/* The x of (-x2, x1). */
static anm_mil_value *rotated(const anm_mil_value *value) {
    anm_mil_value *parts[2];
    double factor;
    if (!two_values(anm_value_def(value, "concat"), parts)) return NULL;
    const anm_mil_op *negative = anm_value_def(parts[0], "mul");
    anm_mil_value *second = negative ? anm_other_operand(negative, &factor) : NULL;
    anm_mil_value *x = second && factor == -1 ? half_of(second, 1) : NULL;
    return x && half_of(parts[1], 0) == x ? x : NULL;
}

/* Of a product: the factor that is not `x`, or NULL. */
static anm_mil_value *factor_beside(const anm_mil_op *mul, const anm_mil_value *x) {
    anm_mil_value *a = anm_arg_value(mul, "x"), *b = anm_arg_value(mul, "y");
    if (!a || !b) return NULL;
    return a == x ? b : b == x ? a : NULL;
}

static anm_mil_value *emit(anm_flow *g, const anm_mil_op *op, anm_mil_value *x,
                           anm_mil_value *cosine, anm_mil_value *sine) {
    if (!x || !cosine || !sine || !anm_same_shape(x->type, op->outputs[0]->type)) return NULL;
    return anm_flow_emit(g, "anm_rope", op->outputs[0]->name, {"x", x}, {"cos", cosine},
                          {"sin", sine});
}

/* x cos + rotated(x) sin, in either order. */
static anm_mil_value *whole_width(anm_flow *g, const anm_mil_op *add) {
    const anm_mil_op *a = anm_arg_def(add, "x", "mul"), *b = anm_arg_def(add, "y", "mul");
    if (!a || !b) return NULL;
    for (int turn = 0; turn < 2; turn++) {
        const anm_mil_op *plain = turn ? b : a, *other = turn ? a : b;
        const char *const names[] = {"x", "y"};
        for (int i = 0; i < 2; i++) {
            anm_mil_value *x = rotated(anm_arg_value(other, names[i]));
            if (!x) continue;
            return emit(g, add, x, factor_beside(plain, x), anm_arg_value(other, names[!i]));
        }
    }
    return NULL;
}

typedef struct turned {
    anm_mil_value *x[2], *table[2]; /* of each product: the half's owner, the table */
} turned;

/* mul(half `h0` of x, table 0) op mul(half `h1` of x, table 1). */
static bool read_turned(const anm_mil_op *op, int h0, int h1, turned *t) {
    const char *const names[] = {"x", "y"};
    if (!op) return false;
    for (int i = 0; i < 2; i++) {
        const anm_mil_op *mul = anm_arg_def(op, names[i], "mul");
        t->x[i] = NULL;
        for (int k = 0; mul && k < 2 && !t->x[i]; k++) {
            t->x[i] = half_of(anm_arg_value(mul, names[k]), i ? h1 : h0);
            t->table[i] = anm_arg_value(mul, names[!k]);
        }
        if (!t->x[i] || !t->table[i]) return false;
    }
    return t->x[0] == t->x[1];
}

static anm_mil_value *half_width(anm_flow *g, const anm_mil_op *concat) {
    anm_mil_value *parts[2];
    turned first, second;
    if (!two_values(concat, parts) || !read_turned(anm_value_def(parts[0], "sub"), 0, 1, &first))
        return NULL;
    const anm_mil_op *sum = anm_value_def(parts[1], "add");
    bool swapped = !read_turned(sum, 1, 0, &second);
    if (swapped && !read_turned(sum, 0, 1, &second)) return NULL;
    if (first.x[0] != second.x[0] || first.table[0] != second.table[swapped] ||
        first.table[1] != second.table[!swapped])
        return NULL;
    return emit(g, concat, first.x[0], first.table[0], first.table[1]);
}

static bool visit(anm_flow *g, anm_mil_op *op) {
    anm_mil_value *by = NULL;
    if (anm_is_op(op, "add")) by = whole_width(g, op);
    else if (anm_is_op(op, "concat")) by = half_width(g, op);
    if (by) anm_flow_replace_op(g, op, by);
    return g->builder.status == ANM_OK;
}

anm_status anm_pass_rope(anm_flow *g, anm_error *err) {
    return anm_flow_walk(g, visit, err);
}
