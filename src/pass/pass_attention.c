/* SPDX-License-Identifier: MIT */
/*
 * matmul(softmax(matmul(q, k^T) * scale + mask), v), or iOS 18's op for it, becomes anm_attention,
 * with the repetition of keys and values for grouped heads taken back: heads of a group read the
 * same key head.
 */
#include <math.h>

#include "src/pass/pass.h"
#include "src/pass/view.h"

typedef struct pattern {
    anm_mil_value *q, *k, *v, *mask;
    double scale;
    int64_t heads, kv_heads, rows, columns, dim, width;
} pattern;

/* Back through ops that only reshape. */
static anm_mil_value *plain(anm_mil_value *value) {
    while (value && value->def && anm_op_keeps_order(value->def) && anm_arg_value(value->def, "x"))
        value = anm_arg_value(value->def, "x");
    return value;
}

static int64_t dim_back(const anm_mil_value *value, int back) {
    const anm_mil_type *type = value->type;
    return type->rank > back ? type->shape[type->rank - 1 - back] : 1;
}

/* Back through reshapes and factors that are numbers. */
static anm_mil_value *scaled(anm_mil_value *value, double *scale) {
    for (;;) {
        double factor;
        value = plain(value);
        const anm_mil_op *mul = anm_value_def(value, "mul");
        const anm_mil_op *div = anm_value_def(value, "real_div");
        anm_mil_value *x = mul ? anm_other_operand(mul, &factor) : NULL;
        if (!x && div && anm_operand_number(anm_mil_op_operand(div, "y"), &factor)) {
            x = anm_arg_value(div, "x");
            factor = 1 / factor;
        }
        if (!x || !isfinite(factor) || anm_type_elements(x->type) != anm_type_elements(value->type))
            return value;
        *scale *= factor;
        value = x;
    }
}

/* Without the repetition of each head: the value whose dense form is [kv heads, columns, dim]. */
static anm_mil_value *unrepeated(anm_mil_value *value, int64_t inner) {
    anm_mil_value *repeated = plain(value);
    const anm_mil_op *tile = anm_value_def(repeated, "tile");
    int64_t reps[ANM_MAX_RANK];
    int n = ANM_MAX_RANK;
    if (!tile || !anm_mil_op_get_ints(tile, "reps", reps, ANM_MAX_RANK, &n)) return value;
    anm_mil_value *x = anm_arg_value(tile, "x");
    int64_t behind = 1;
    if (!x || n != x->type->rank) return value;
    for (int i = n - 1; i >= 0; i--) {
        if (reps[i] != 1) {
            for (int k = 0; k < i; k++)
                if (reps[k] != 1) return value;
            return x->type->shape[i] == 1 && behind == inner ? x : value;
        }
        behind *= x->type->shape[i];
    }
    return x;
}

/*
 * A mask that is the same for all heads: [.., rows, columns] with ones before. One row for several
 * of the scores means that these are heads too.
 */
static bool is_mask(const anm_mil_value *mask, const anm_mil_value *scores) {
    return mask && !anm_is_constant(mask) && mask->type->rank >= 2 &&
           anm_type_elements(mask->type) == dim_back(mask, 0) * dim_back(mask, 1) &&
           dim_back(mask, 0) == dim_back(scores, 0) &&
           (dim_back(mask, 1) == dim_back(scores, 1) || dim_back(mask, 1) == 1);
}

/* From the mixing product back to the scores; `out` is the value of the scores' product. */
static const anm_mil_op *find_scores(const anm_mil_op *mix, pattern *p) {
    const anm_mil_op *softmax = anm_value_def(plain(anm_arg_value(mix, "x")), "softmax");
    int64_t axis;
    if (!softmax || !anm_mil_op_get_int(softmax, "axis", &axis)) return NULL;
    anm_mil_value *scores = anm_arg_value(softmax, "x");
    if (!scores || (axis != -1 && axis != scores->type->rank - 1)) return NULL;
    p->rows = dim_back(scores, 1);
    p->columns = dim_back(scores, 0);
    const anm_mil_op *add = anm_value_def(scores, "add");
    if (add) {
        anm_mil_value *x = anm_arg_value(add, "x"), *y = anm_arg_value(add, "y");
        if (!x || !y) return NULL;
        if (is_mask(y, scores)) p->mask = y, scores = x;
        else if (is_mask(x, scores)) p->mask = x, scores = y;
        else return NULL;
        if (anm_type_elements(scores->type) != anm_type_elements(add->outputs[0]->type))
            return NULL;
        p->rows = dim_back(p->mask, 1);
    }
    return anm_value_def(scaled(scores, &p->scale), "matmul");
}

static bool flag(const anm_mil_op *op, const char *name) {
    bool value = false;
    return anm_mil_op_get_bool(op, name, &value) && value;
}

/* The value before a transpose that only exchanges its last two dimensions. */
static anm_mil_value *before_turn(const anm_mil_value *k) {
    const anm_mil_op *turn = anm_value_def(k, "transpose");
    int64_t perm[ANM_MAX_RANK];
    int n = k->type->rank, r = n;
    if (!turn || !anm_mil_op_get_ints(turn, "perm", perm, ANM_MAX_RANK, &n) || r < 2) return NULL;
    for (int i = 0; i < r - 2; i++)
        if (perm[i] != i) return NULL;
    return anm_arg_value(turn, "x");
}

/* Keys that lie turned are turned back: with the transpose that made them so this is one. */
static anm_mil_value *turned_back(anm_flow *g, anm_mil_value *k) {
    int64_t perm[ANM_MAX_RANK];
    int rank = k->type->rank;
    anm_mil_value *before = before_turn(k);
    if (before || rank < 2) return before;
    for (int i = 0; i < rank; i++) perm[i] = i;
    perm[rank - 1] = rank - 2;
    perm[rank - 2] = rank - 1;
    return anm_flow_transpose(g, k, perm);
}

static bool read_keys(anm_flow *g, const anm_mil_op *product, pattern *p) {
    anm_mil_value *q = anm_arg_value(product, "x"), *k = anm_arg_value(product, "y");
    if (!q || !k || flag(product, "transpose_x")) return false;
    if (!flag(product, "transpose_y")) k = turned_back(g, k);
    if (!k) return false;
    p->dim = dim_back(k, 0);
    if (dim_back(k, 1) != p->columns || dim_back(q, 0) != p->dim) return false;
    p->heads = anm_type_elements(product->outputs[0]->type) / (p->rows * p->columns);
    p->k = unrepeated(k, p->columns * p->dim);
    p->q = scaled(q, &p->scale);
    return anm_type_elements(q->type) == p->heads * p->rows * p->dim;
}

static bool read_values(const anm_mil_op *mix, pattern *p) {
    anm_mil_value *v = anm_arg_value(mix, "y");
    if (!v || flag(mix, "transpose_x") || flag(mix, "transpose_y")) return false;
    p->width = dim_back(v, 0);
    if (dim_back(v, 1) != p->columns) return false;
    p->v = unrepeated(v, p->columns * p->width);
    p->kv_heads = anm_type_elements(p->k->type) / (p->columns * p->dim);
    return p->kv_heads > 0 && p->heads % p->kv_heads == 0 &&
           anm_type_elements(p->v->type) == p->kv_heads * p->columns * p->width;
}

static anm_mil_value *emit(anm_flow *g, const anm_mil_op *mix, const pattern *p) {
    const anm_mil_type *type = mix->outputs[0]->type;
    int64_t q[] = {1, p->heads, p->rows, p->dim}, k[] = {1, p->kv_heads, p->columns, p->dim};
    int64_t v[] = {1, p->kv_heads, p->columns, p->width}, mask[] = {p->rows, p->columns};
    anm_mil_value *y = anm_flow_emit(
        g, "anm_attention", mix->outputs[0]->name, {"query", anm_flow_reshape(g, p->q, 4, q)},
        {"key", anm_flow_reshape(g, p->k, 4, k)}, {"value", anm_flow_reshape(g, p->v, 4, v)},
        {"mask", p->mask ? anm_flow_reshape(g, p->mask, 2, mask) : NULL},
        {"scale", anm_flow_float(g, "scale", p->scale)});
    return y ? anm_flow_reshape(g, y, type->rank, type->shape) : NULL;
}

/* The batch dimensions of both products are the heads, in order. */
static anm_mil_value *match(anm_flow *g, const anm_mil_op *mix) {
    pattern p = {.scale = 1};
    const anm_mil_op *product = find_scores(mix, &p);
    if (!product || !read_keys(g, product, &p) || !read_values(mix, &p)) return NULL;
    if (anm_type_elements(mix->outputs[0]->type) != p.heads * p.rows * p.width) return NULL;
    return emit(g, mix, &p);
}

static int64_t heads_of(const anm_mil_value *value) {
    return anm_type_elements(value->type) / (dim_back(value, 0) * dim_back(value, 1));
}

/* A mask of bools says what is seen: what is not gets minus infinity added. */
static anm_mil_value *added_mask(anm_flow *g, anm_mil_value *mask) {
    if (!mask || mask->type->dtype != ANM_DTYPE_BOOL) return mask;
    return anm_flow_emit(g, "select", mask->name, {"cond", mask},
                         {"a", anm_flow_float(g, "seen", 0)},
                         {"b", anm_flow_float(g, "hidden", -INFINITY)});
}

/* scaled_dot_product_attention whose batches are heads, none of them broadcast. */
static anm_mil_value *match_op(anm_flow *g, const anm_mil_op *op) {
    anm_mil_value *q = anm_arg_value(op, "query"), *k = anm_arg_value(op, "key");
    anm_mil_value *v = anm_arg_value(op, "value"), *mask = anm_arg_value(op, "attn_mask");
    if (!q || !k || !v || q->type->rank < 3) return NULL;
    pattern p = {.q = q, .mask = mask, .heads = heads_of(q), .rows = dim_back(q, 1),
                 .columns = dim_back(k, 1), .dim = dim_back(q, 0), .width = dim_back(v, 0)};
    if (heads_of(k) != p.heads || heads_of(v) != p.heads) return NULL;
    bool masked = anm_mil_operand_present(anm_mil_op_operand(op, "attn_mask"));
    if (masked && (!mask || anm_is_constant(mask) || mask->type->rank < 2 ||
                   dim_back(mask, 0) != p.columns || dim_back(mask, 1) != p.rows ||
                   anm_type_elements(mask->type) != p.rows * p.columns))
        return NULL;
    p.scale = 1 / sqrt((double)p.dim);
    p.k = unrepeated(k, p.columns * p.dim);
    p.v = unrepeated(v, p.columns * p.width);
    p.kv_heads = anm_type_elements(p.k->type) / (p.columns * p.dim);
    if (anm_type_elements(p.v->type) != p.kv_heads * p.columns * p.width) return NULL;
    p.mask = added_mask(g, mask);
    return masked && !p.mask ? NULL : emit(g, op, &p);
}

static bool visit(anm_flow *g, anm_mil_op *op) {
    anm_mil_value *by = NULL;
    if (anm_is_op(op, "matmul")) by = match(g, op);
    else if (anm_is_op(op, "scaled_dot_product_attention")) by = match_op(g, op);
    if (by) anm_flow_replace_op(g, op, by);
    return g->builder.status == ANM_OK;
}

anm_status anm_pass_attention(anm_flow *g, anm_error *err) {
    ANM_TRY(anm_flow_walk(g, visit, err));
    g->at = NULL;
    anm_flow_sweep(g);
    return anm_pass_join_moves(g, err);
}
