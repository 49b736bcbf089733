/* SPDX-License-Identifier: MIT */
/* Widening ops that compute: element by element, over a dimension, and products. */
#include <string.h>

#include "src/pass/widen_rules.h"

/* Elementwise. */

/* The first of the operands that holds rows says where the result's are. */
static bool align_rows(widener *w, const anm_mil_value *value, int rank, wide_fact *f, bool *found,
                       wide_fact *out) {
    f->axis += rank - value->type->rank;
    bool same = f->axis == out->axis && f->outer == out->outer;
    if (*found && !same) return widen_refuse(w, "holds the rows in two ways");
    out->axis = f->axis;
    out->outer = f->outer;
    *found = true;
    return true;
}

/* A value without rows beside rows: the same for all of them. */
static bool is_shared(const anm_mil_value *value, int rank, int axis) {
    int own = axis - (rank - value->type->rank);
    return own < 0 || value->type->shape[own] == 1;
}

/* The mask hides columns by a sum; nothing else may touch them before, and little after. */
static bool join_columns(widener *w, const anm_mil_op *op, wide_columns other, wide_fact *out) {
    wide_columns a = out->columns, b = other;
    bool sum = anm_is_op(op, "add");
    if (sum && ((a == WIDE_OPEN && b == WIDE_MASK) || (a == WIDE_MASK && b == WIDE_OPEN)))
        out->columns = WIDE_MASKED;
    else if (a != b || a == WIDE_MASK || a == WIDE_OPEN)
        return widen_refuse(w, "mixes what the mask hides with something else");
    return true;
}

/* Ops that leave a hidden column hidden: exp() of it 0, and any number of zeros no difference. */
static bool keeps_hidden(const anm_mil_op *op, wide_columns columns, bool alone) {
    static const char *const open[] = {"mul", "real_div", "add", "sub", "cast", "tanh", NULL};
    static const char *const masked[] = {"sub", "exp", "real_div", "cast", NULL};
    const char *const *list = columns == WIDE_OPEN ? open : masked;
    if (columns == WIDE_PLAIN) return true;
    if (columns == WIDE_MASK) return anm_is_op(op, "cast");
    if (columns == WIDE_MASKED && anm_is_op(op, "add")) return !alone;
    for (; *list; list++)
        if (strcmp(*list, op->type) == 0) return true;
    return false;
}

typedef struct joined {
    wide_fact out;
    bool any, rows;
} joined;

static bool join_operand(widener *w, const anm_mil_op *op, const anm_mil_value *value, joined *j) {
    wide_fact f = widen_fact(w, value);
    if (f.kind == ANM_WIDE_FIXED) return true;
    if (f.kind > ANM_WIDE_FIRST && f.kind != ANM_WIDE_STATE)
        return widen_refuse(w, "computes with a position");
    if (f.kind == ANM_WIDE_ROWS &&
        !align_rows(w, value, op->outputs[0]->type->rank, &f, &j->rows, &j->out))
        return false;
    if (f.raw && !widen_reads(w, f, NULL, NULL)) return false;
    if (j->any && f.kind != j->out.kind)
        return widen_refuse(w, "mixes rows with something else");
    bool other = f.state != j->out.state || f.moment != j->out.moment;
    if (j->any && f.kind == ANM_WIDE_STATE && other)
        return widen_refuse(w, "mixes two states");
    if (j->any) return join_columns(w, op, f.columns, &j->out);
    int axis = j->out.axis;
    int64_t outer = j->out.outer;
    j->out = f;
    j->out.raw = j->out.positions = false;
    if (j->rows) j->out.axis = axis, j->out.outer = outer;
    j->any = true;
    return true;
}

static bool elementwise(widener *w, anm_mil_op *op, wide_fact *out) {
    joined j = {.any = false};
    int rank = op->outputs[0]->type->rank;
    size_t kinds = 0;
    for (size_t i = 0; i < op->arg_count; i++)
        for (size_t n = 0; n < op->args[i].count; n++) {
            const anm_mil_value *value = op->args[i].operands[n].value;
            if (!value) continue;
            if (!join_operand(w, op, value, &j)) return false;
            kinds += widen_fact(w, value).columns != WIDE_PLAIN;
        }
    *out = j.out;
    if (!keeps_hidden(op, out->columns, kinds < 2))
        return widen_refuse(w, "may uncover what the mask hides");
    for (size_t i = 0; j.rows && i < op->arg_count; i++)
        for (size_t n = 0; n < op->args[i].count; n++) {
            const anm_mil_value *value = op->args[i].operands[n].value;
            if (value && value->type->kind == ANM_MIL_TENSOR &&
                widen_fact(w, value).kind == ANM_WIDE_FIXED && !is_shared(value, rank, out->axis))
                return widen_refuse(w, "has a constant for each row");
        }
    return true;
}

/* A position stays one through a cast, and through a sum with a number; see also offset(). */
static bool cast(widener *w, anm_mil_op *op, wide_fact *out) {
    *out = widen_arg(w, op, "x");
    if (out->kind != ANM_WIDE_ROWS && out->kind != ANM_WIDE_STATE) return true;
    return elementwise(w, op, out);
}

/* The index of the last row: the highest position less the first. */
static bool is_index(const wide_fact *x, const wide_fact *y) {
    return x->kind == ANM_WIDE_HIGHEST && ((y->kind == ANM_WIDE_POSITION && y->exact) ||
                                           (y->kind == ANM_WIDE_FIRST && y->positions));
}

static bool offset(widener *w, anm_mil_op *op, wide_fact *out) {
    wide_fact x = widen_arg(w, op, "x"), y = widen_arg(w, op, "y");
    if (anm_is_op(op, "sub") && is_index(&x, &y)) {
        out->kind = ANM_WIDE_INDEX;
        return true;
    }
    bool either = x.kind == ANM_WIDE_POSITION || y.kind == ANM_WIDE_POSITION;
    if (!either) return elementwise(w, op, out);
    if (x.kind != ANM_WIDE_FIXED && y.kind != ANM_WIDE_FIXED)
        return widen_refuse(w, "computes with the position");
    out->kind = ANM_WIDE_POSITION;
    return true;
}

/* Over a dimension. */

/* The rows' dimension is none of those; how many of them come before it. */
static bool apart(widener *w, const anm_mil_op *op, const char *name, int rank, int axis,
                  int *before) {
    int64_t axes[ANM_MAX_RANK];
    int n = 1;
    *before = 0;
    if (!anm_mil_operand_present(anm_mil_op_operand(op, name)) ||
        !anm_mil_op_get_ints(op, name, axes, ANM_MAX_RANK, &n))
        return widen_refuse(w, "works along dimensions that are not constant");
    for (int i = 0; i < n; i++) {
        if (axes[i] < 0) axes[i] += rank;
        if (axes[i] == axis) return widen_refuse(w, "computes rows from each other");
        *before += axes[i] < axis;
    }
    return true;
}

static bool softmax(widener *w, anm_mil_op *op, wide_fact *out) {
    int before, rank = op->outputs[0]->type->rank;
    *out = widen_arg(w, op, "x");
    if (out->columns != WIDE_PLAIN && out->columns != WIDE_MASKED)
        return widen_refuse(w, "sees columns that the mask should hide");
    if (out->kind == ANM_WIDE_LAST || out->kind == ANM_WIDE_FIRST) return true;
    if (out->kind != ANM_WIDE_ROWS) return widen_refuse(w, "is not of rows");
    return apart(w, op, "axis", rank, out->axis, &before);
}

static bool layer_norm(widener *w, anm_mil_op *op, wide_fact *out) {
    int before, rank = op->outputs[0]->type->rank;
    *out = widen_arg(w, op, "x");
    if (out->kind != ANM_WIDE_ROWS || out->columns != WIDE_PLAIN)
        return widen_refuse(w, "is not of rows");
    return apart(w, op, "axes", rank, out->axis, &before);
}

static bool reduce(widener *w, anm_mil_op *op, wide_fact *out) {
    const anm_mil_value *x = anm_arg_value(op, "x");
    bool keep = false;
    int before;
    *out = widen_fact(w, x);
    if (out->kind == ANM_WIDE_ROWS && out->positions && anm_is_op(op, "reduce_max")) {
        *out = (wide_fact){.kind = ANM_WIDE_HIGHEST};
        return true;
    }
    bool sees = out->columns == WIDE_PLAIN ||
                (out->columns == WIDE_MASKED &&
                 (anm_is_op(op, "reduce_max") || anm_is_op(op, "reduce_sum")));
    if (!sees) return widen_refuse(w, "sees columns that the mask should hide");
    if (out->kind == ANM_WIDE_LAST || out->kind == ANM_WIDE_FIRST) return true;
    if (out->kind != ANM_WIDE_ROWS) return widen_refuse(w, "is not of rows");
    if (!anm_mil_op_get_bool(op, "keep_dims", &keep) ||
        !apart(w, op, "axes", x->type->rank, out->axis, &before))
        return w->why ? false : widen_refuse(w, "keeps dimensions or does not");
    if (!keep) out->axis -= before;
    return true;
}

/* Products. */

/* Scores with a state, or its rows mixed by masked weights. */
static bool state_product(widener *w, const anm_mil_op *op, wide_fact x, wide_fact y,
                          wide_fact *out) {
    bool turned = false;
    if (y.raw && !widen_reads(w, y, NULL, NULL)) return false;
    anm_mil_op_get_bool(op, "transpose_x", &turned);
    if (turned || (x.columns != WIDE_PLAIN && x.columns != WIDE_MASKED))
        return widen_refuse(w, "sees columns that the mask should hide");
    *out = x;
    out->columns = x.columns == WIDE_MASKED ? WIDE_PLAIN : WIDE_OPEN;
    return true;
}

/* Where rows at dimension `axis` of `rank` go: to one of the product's, or into its sums. */
static bool place_rows(widener *w, const anm_mil_op *op, const char *flag, int kept, int rank,
                       wide_fact *out) {
    int wide = op->outputs[0]->type->rank;
    bool turned = false;
    anm_mil_op_get_bool(op, flag, &turned);
    int back = rank - out->axis; /* 1: the last dimension */
    if (back > 2) {
        out->axis += wide - rank;
        return true;
    }
    if (turned) back = 3 - back;
    if (back != kept) return widen_refuse(w, "sums up over the rows");
    out->axis = wide - kept;
    return true;
}

static bool matmul(widener *w, anm_mil_op *op, wide_fact *out) {
    const anm_mil_value *xv = anm_arg_value(op, "x"), *yv = anm_arg_value(op, "y");
    if (!xv || !yv || xv->type->rank < 2 || yv->type->rank < 2)
        return widen_refuse(w, "multiplies vectors");
    wide_fact x = widen_fact(w, xv), y = widen_fact(w, yv);
    bool left = x.kind == ANM_WIDE_ROWS, right = y.kind == ANM_WIDE_ROWS;
    if (y.kind == ANM_WIDE_STATE && (left || x.kind == ANM_WIDE_LAST)) {
        if (!state_product(w, op, x, y, out)) return false;
        return !left || place_rows(w, op, "transpose_x", 2, xv->type->rank, out);
    }
    bool plain = x.columns == WIDE_PLAIN && y.columns == WIDE_PLAIN;
    bool one = (left && y.kind == ANM_WIDE_FIXED) || (right && x.kind == ANM_WIDE_FIXED);
    if (!one || !plain) return widen_refuse(w, "multiplies rows with something else");
    *out = left ? x : y;
    if (left) return place_rows(w, op, "transpose_x", 2, xv->type->rank, out);
    return place_rows(w, op, "transpose_y", 1, yv->type->rank, out);
}

static bool only_x(widener *w, const anm_mil_op *op, wide_fact *out) {
    *out = widen_arg(w, op, "x");
    bool fixed = widen_arg(w, op, "weight").kind == ANM_WIDE_FIXED &&
                 widen_arg(w, op, "bias").kind == ANM_WIDE_FIXED;
    if (out->kind != ANM_WIDE_ROWS || out->columns != WIDE_PLAIN || !fixed)
        return widen_refuse(w, "multiplies rows with something else");
    out->positions = false;
    return true;
}

static bool linear(widener *w, anm_mil_op *op, wide_fact *out) {
    if (!only_x(w, op, out)) return false;
    if (out->axis == op->outputs[0]->type->rank - 1)
        return widen_refuse(w, "sums up over the rows");
    return true;
}

static bool all_are(const anm_mil_op *op, const char *name, int64_t wanted) {
    int64_t values[2 * ANM_MAX_RANK];
    int n = ANM_MAX_RANK;
    if (!anm_mil_operand_present(anm_mil_op_operand(op, name))) return true;
    if (!anm_mil_op_get_ints(op, name, values, ANM_MAX_RANK, &n)) return false;
    for (int i = 0; i < n; i++)
        if (values[i] != wanted) return false;
    return true;
}

/* A kernel of one element along the rows, without steps or padding. */
static bool conv(widener *w, anm_mil_op *op, wide_fact *out) {
    const anm_mil_type *weight = anm_mil_operand_type(anm_mil_op_operand(op, "weight"));
    if (!only_x(w, op, out)) return false;
    if (out->axis == 0) return true;
    if (out->axis == 1 || !weight || weight->shape[out->axis] != 1 || !all_are(op, "strides", 1) ||
        !all_are(op, "pad", 0))
        return widen_refuse(w, "computes rows from each other");
    return true;
}

const widen_rule_of widen_rules_of_math[] = {
    {"cast", cast}, {"add", offset}, {"sub", offset},
    {"mul", elementwise}, {"real_div", elementwise}, {"floor_div", elementwise},
    {"mod", elementwise}, {"maximum", elementwise}, {"minimum", elementwise},
    {"pow", elementwise}, {"greater", elementwise}, {"greater_equal", elementwise},
    {"less", elementwise}, {"less_equal", elementwise}, {"equal", elementwise},
    {"not_equal", elementwise}, {"logical_and", elementwise}, {"logical_or", elementwise},
    {"logical_not", elementwise}, {"select", elementwise}, {"clip", elementwise},
    {"abs", elementwise}, {"cos", elementwise}, {"erf", elementwise}, {"exp", elementwise},
    {"gelu", elementwise}, {"inverse", elementwise}, {"log", elementwise}, {"relu", elementwise},
    {"rsqrt", elementwise}, {"sigmoid", elementwise}, {"silu", elementwise},
    {"sin", elementwise}, {"sqrt", elementwise}, {"square", elementwise}, {"tanh", elementwise},
    {"softmax", softmax}, {"layer_norm", layer_norm}, {"reduce_max", reduce},
    {"reduce_mean", reduce}, {"reduce_min", reduce}, {"reduce_sum", reduce},
    {"reduce_sum_square", reduce}, {"reduce_l2_norm", reduce}, {"matmul", matmul},
    {"linear", linear}, {"conv", conv}, {NULL, NULL},
};
