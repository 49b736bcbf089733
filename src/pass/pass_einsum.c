/* SPDX-License-Identifier: MIT */
/*
 * einsum of two tensors, each letter once in each of them, is a product of matrices: letters of all
 * three are its batches, those of both factors alone are summed over, the others are rows and
 * columns. Letters of one factor alone, and dimensions of 1 that broadcast, are left.
 */
#include <ctype.h>
#include <string.h>

#include "src/pass/pass.h"

enum { LEFT, RIGHT, OUT, TERMS };

typedef struct equation {
    char term[TERMS][ANM_MAX_RANK + 1];
} equation;

static const char *read_term(const char *p, char *term) {
    int n = 0;
    for (; *p == ' ' || isalpha((unsigned char)*p); p++) {
        if (*p == ' ') continue;
        if (n == ANM_MAX_RANK || memchr(term, *p, (size_t)n)) return "?";
        term[n++] = *p;
    }
    return p;
}

static bool parse(const char *p, equation *e) {
    *e = (equation){0};
    p = read_term(p, e->term[LEFT]);
    if (*p++ != ',') return false;
    p = read_term(p, e->term[RIGHT]);
    if (*p++ != '-' || *p++ != '>') return false;
    return *read_term(p, e->term[OUT]) == '\0';
}

static bool has(const equation *e, int term, char letter) {
    return strchr(e->term[term], letter) != NULL;
}

/* Letters of `from` that the two other terms have, or have not, in its order. */
static void letters_of(const equation *e, int from, int a, bool in_a, int b, bool in_b,
                       char *out) {
    for (const char *c = e->term[from]; *c; c++)
        if (has(e, a, *c) == in_a && has(e, b, *c) == in_b) *out++ = *c;
    *out = '\0';
}

static int64_t size_of(const equation *e, int term, const anm_mil_value *value, char letter) {
    return value->type->shape[strchr(e->term[term], letter) - e->term[term]];
}

typedef struct product {
    equation e;
    anm_mil_value *factor[2];
    char batch[ANM_MAX_RANK + 1], rows[ANM_MAX_RANK + 1], columns[ANM_MAX_RANK + 1];
    char summed[ANM_MAX_RANK + 1];
    int64_t sizes[4]; /* of these */
} product;

/* Every letter has its part, and one size. */
static bool is_product(const product *p) {
    for (int f = 0; f < 2; f++) {
        if ((int)strlen(p->e.term[f]) != p->factor[f]->type->rank) return false;
        for (const char *c = p->e.term[f]; *c; c++) {
            bool other = has(&p->e, 1 - f, *c);
            if (!other && !has(&p->e, OUT, *c)) return false;
            if (other && size_of(&p->e, 0, p->factor[0], *c) != size_of(&p->e, 1, p->factor[1], *c))
                return false;
        }
    }
    for (const char *c = p->e.term[OUT]; *c; c++)
        if (!has(&p->e, LEFT, *c) && !has(&p->e, RIGHT, *c)) return false;
    return true;
}

static int64_t volume(const product *p, int factor, const char *letters) {
    int64_t n = 1;
    for (; *letters; letters++) n *= size_of(&p->e, factor, p->factor[factor], *letters);
    return n;
}

static bool read_product(const anm_mil_op *op, product *p) {
    const char *text;
    if (op->arg_count < 1 || !anm_mil_op_get_string(op, "equation", &text)) return false;
    for (size_t i = 0; i < op->arg_count; i++) {
        if (strcmp(op->args[i].name, "values") != 0) continue;
        if (op->args[i].count != 2) return false;
        for (int f = 0; f < 2; f++) p->factor[f] = op->args[i].operands[f].value;
    }
    if (!p->factor[0] || !p->factor[1] || !parse(text, &p->e) || !is_product(p)) return false;
    letters_of(&p->e, OUT, LEFT, true, RIGHT, true, p->batch);
    letters_of(&p->e, OUT, LEFT, true, RIGHT, false, p->rows);
    letters_of(&p->e, OUT, LEFT, false, RIGHT, true, p->columns);
    letters_of(&p->e, LEFT, RIGHT, true, OUT, false, p->summed);
    p->sizes[0] = volume(p, 0, p->batch);
    p->sizes[1] = volume(p, 0, p->rows);
    p->sizes[2] = volume(p, 1, p->columns);
    p->sizes[3] = volume(p, 0, p->summed);
    return true;
}

/* Dimensions in the order of `to`, given in that of `from`. */
static anm_mil_value *reorder(anm_flow *g, anm_mil_value *value, const char *from,
                              const char *to) {
    int64_t perm[ANM_MAX_RANK];
    bool moves = false;
    for (int i = 0; to[i]; i++) {
        perm[i] = strchr(from, to[i]) - from;
        moves = moves || perm[i] != i;
    }
    return moves ? anm_flow_transpose(g, value, perm) : value;
}

static anm_mil_value *matrices(anm_flow *g, const product *p, int factor, const char *first,
                               const char *second, int64_t rows, int64_t columns) {
    char order[3 * ANM_MAX_RANK + 3];
    int64_t shape[3] = {p->sizes[0], rows, columns};
    strcpy(order, p->batch);
    strcat(order, first);
    strcat(order, second);
    anm_mil_value *v = reorder(g, p->factor[factor], p->e.term[factor], order);
    return anm_flow_reshape(g, v, 3, shape);
}

/* The product's dimensions taken apart, and in the order of the output. */
static anm_mil_value *unfold(anm_flow *g, const product *p, anm_mil_value *y) {
    char order[3 * ANM_MAX_RANK + 3];
    int64_t shape[ANM_MAX_RANK];
    strcpy(order, p->batch);
    strcat(order, p->rows);
    strcat(order, p->columns);
    for (int i = 0; order[i]; i++) {
        int f = has(&p->e, LEFT, order[i]) ? 0 : 1;
        shape[i] = size_of(&p->e, f, p->factor[f], order[i]);
    }
    return reorder(g, anm_flow_reshape(g, y, (int)strlen(order), shape), order, p->e.term[OUT]);
}

static bool visit(anm_flow *g, anm_mil_op *op) {
    product p = {0};
    if (!anm_is_op(op, "einsum") || !read_product(op, &p)) return true;
    anm_mil_value *x = matrices(g, &p, 0, p.rows, p.summed, p.sizes[1], p.sizes[3]);
    anm_mil_value *y = matrices(g, &p, 1, p.summed, p.columns, p.sizes[3], p.sizes[2]);
    if (!x || !y) return g->builder.status == ANM_OK;
    anm_mil_value *z = anm_flow_emit(g, "matmul", op->outputs[0]->name, {"x", x}, {"y", y},
                                     {"transpose_x", anm_flow_bool(g, "transpose_x", false)},
                                     {"transpose_y", anm_flow_bool(g, "transpose_y", false)});
    if (z) anm_flow_replace_op(g, op, unfold(g, &p, z));
    return g->builder.status == ANM_OK;
}

anm_status anm_pass_einsum(anm_flow *g, anm_error *err) {
    return anm_flow_walk(g, visit, err);
}
