/* SPDX-License-Identifier: MIT */
/* linear, matmul, einsum. Each output element is one inner product (see dot.h). */
#include <string.h>

#include "src/base/dtype.h"
#include "src/interp/dot.h"

static void linear(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *w = anm_k_arg(k, "weight");
    const anm_rvalue *b = anm_k_opt(k, "bias");
    int64_t shape[ANM_MAX_RANK];
    anm_rows rows;
    if (!x || !w) return;
    if (x->rank < 1 || w->rank != 2 || x->shape[x->rank - 1] != w->shape[1] ||
        (b && b->count != w->shape[0])) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "x, weight and bias do not fit each other");
        return;
    }
    const float *in = anm_k_floats(k, x), *bias = b ? anm_k_floats(k, b) : NULL;
    memcpy(shape, x->shape, sizeof shape);
    shape[x->rank - 1] = w->shape[0];
    float *out = anm_k_out_floats(k, 0, x->rank, shape);
    int64_t M = out ? anm_shape_product(x->shape, 0, x->rank - 1) : 0;
    if (!out || !anm_rows_init(k, &rows, w, w->shape[1], M)) return;
    anm_product(in, M, &rows, w->shape[0], bias, out, w->shape[0], 1);
}

/* A batch of matrices, as matmul sees its arguments. */
typedef struct matrices {
    const anm_rvalue *v;
    int64_t rows, columns; /* after the transposition that was asked for */
    bool transposed;       /* in memory: columns are contiguous */
} matrices;

/* A vector counts as a matrix of one row (x) or one column (y). */
static void view_matrices(const anm_rvalue *v, bool transpose, bool left, matrices *m) {
    int64_t last = v->shape[v->rank - 1];
    int64_t before = v->rank > 1 ? v->shape[v->rank - 2] : 1;
    *m = (matrices){v, before, last, false};
    if (v->rank == 1) *m = left ? (matrices){v, 1, last, false} : (matrices){v, last, 1, true};
    else if (transpose) *m = (matrices){v, last, before, true};
}

/* Rows of one matrix as dense floats: the matrix itself, or a transposed copy. */
static const float *dense_rows(const matrices *m, int64_t start, float *scratch) {
    int64_t n = m->rows * m->columns;
    const float *in = anm_rvalue_row(m->v, start, n, scratch + n);
    if (!m->transposed) return in;
    for (int64_t r = 0; r < m->rows; r++)
        for (int64_t c = 0; c < m->columns; c++) scratch[r * m->columns + c] = in[c * m->rows + r];
    return scratch;
}

enum { TILE = 64 }; /* columns of y taken together */

/* `x` [M, K] times columns [first, first + count) of y, whose rows are contiguous. */
static void product_tile(const float *x, int64_t M, const matrices *y, int64_t start, int64_t first,
                         int64_t count, float *tile, float *out) {
    int64_t K = y->rows, N = y->columns;
    for (int64_t k = 0; k < K; k++)
        anm_rvalue_read_floats(y->v, start + k * N + first, count, tile + k * TILE);
    for (int64_t m = 0; m < M; m++) {
        float acc[TILE] = {0};
        for (int64_t k = 0; k < K; k++)
            for (int64_t n = 0; n < count; n++) acc[n] += x[m * K + k] * tile[k * TILE + n];
        for (int64_t n = 0; n < count; n++) out[m * N + first + n] = acc[n];
    }
}

typedef struct product {
    matrices x, y;
    float *x_scratch, *tile;
    anm_rows rows; /* of y, when its columns are contiguous */
} product;

static void one_product(product *p, int64_t x_start, int64_t y_start, float *out) {
    const float *x = dense_rows(&p->x, x_start, p->x_scratch);
    int64_t M = p->x.rows, N = p->y.columns;
    p->rows.start = y_start;
    if (p->y.transposed) anm_product(x, M, &p->rows, N, NULL, out, N, 1);
    else
        for (int64_t n = 0; n < N; n += TILE)
            product_tile(x, M, &p->y, y_start, n, N - n < TILE ? N - n : TILE, p->tile, out);
}

static bool prepare_product(anm_kcall *k, product *p) {
    if (p->x.columns != p->y.rows) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "inner dimensions are %lld and %lld",
                   (long long)p->x.columns, (long long)p->y.rows);
        return false;
    }
    p->x_scratch = anm_k_scratch(k, 2 * p->x.rows * p->x.columns, sizeof *p->x_scratch);
    p->tile = anm_k_scratch(k, TILE * p->y.rows, sizeof *p->tile);
    return p->x_scratch && p->tile && anm_rows_init(k, &p->rows, p->y.v, p->y.rows, p->x.rows);
}

/* Shape and walk over the broadcast batch dimensions. */
static bool batch_walk(anm_kcall *k, const product *p, int *rank, int64_t *shape, anm_walk *w) {
    anm_rvalue x = *p->x.v, y = *p->y.v;
    int64_t stride[ANM_MAX_RANK];
    x.rank = x.rank > 2 ? x.rank - 2 : 0;
    y.rank = y.rank > 2 ? y.rank - 2 : 0;
    if (!anm_k_broadcast(k, &x, &y, rank, shape)) return false;
    anm_walk_init(w, *rank, shape);
    anm_broadcast_strides(x.rank, x.shape, *rank, stride);
    for (int i = 0; i < *rank; i++) stride[i] *= p->x.rows * p->x.columns;
    anm_walk_add(w, stride, 0);
    anm_broadcast_strides(y.rank, y.shape, *rank, stride);
    for (int i = 0; i < *rank; i++) stride[i] *= p->y.rows * p->y.columns;
    anm_walk_add(w, stride, 0);
    return true;
}

static void matmul(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *y = anm_k_arg(k, "y");
    bool transpose_x = anm_k_bool(k, "transpose_x"), transpose_y = anm_k_bool(k, "transpose_y");
    product p;
    anm_walk w;
    int rank;
    int64_t shape[ANM_MAX_RANK];
    if (!x || !y || k->status != ANM_OK) return;
    if (x->rank < 1 || y->rank < 1 || x->list || y->list) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "x and y must have at least rank 1");
        return;
    }
    view_matrices(x, transpose_x, true, &p.x);
    view_matrices(y, transpose_y, false, &p.y);
    if (!prepare_product(k, &p) || !batch_walk(k, &p, &rank, shape, &w)) return;
    if (x->rank > 1) shape[rank++] = p.x.rows;
    if (y->rank > 1) shape[rank++] = p.y.columns;
    float *out = anm_k_out_floats(k, 0, rank, shape);
    if (!out) return;
    for (bool more = anm_walk_begin(&w); more; more = anm_walk_next(&w))
        for (int64_t i = 0; i < w.length; i++, out += p.x.rows * p.y.columns)
            one_product(&p, w.at[0] + i * w.step[0], w.at[1] + i * w.step[1], out);
}

/* einsum over two tensors, any letters once per tensor: output letters, then summed ones. */

typedef struct einsum_terms {
    char x[ANM_MAX_RANK + 1], y[ANM_MAX_RANK + 1], out[ANM_MAX_RANK + 1];
} einsum_terms;

static const char *read_term(const char *p, char *term) {
    int n = 0;
    for (; *p && *p != ',' && *p != '-' && n < ANM_MAX_RANK; p++)
        if (*p != ' ') term[n++] = *p;
    term[n] = '\0';
    return p;
}

static bool parse_equation(const char *p, einsum_terms *t) {
    p = read_term(p, t->x);
    if (*p++ != ',') return false;
    p = read_term(p, t->y);
    if (*p++ != '-' || *p++ != '>') return false;
    return *read_term(p, t->out) == '\0';
}

/* Distinct letters, all of the output's known. */
static bool valid_term(const char *term, const char *within_a, const char *within_b) {
    for (const char *c = term; *c; c++) {
        if (strchr(c + 1, *c)) return false;
        if (within_a && !strchr(within_a, *c) && !strchr(within_b, *c)) return false;
    }
    return true;
}

/* Letters in loop order: the output's, then those that are summed over. */
static bool loop_letters(const einsum_terms *t, char *letters) {
    int n = (int)strlen(t->out);
    strcpy(letters, t->out);
    const char *terms[2] = {t->x, t->y};
    for (int i = 0; i < 2; i++)
        for (const char *c = terms[i]; *c; c++)
            if (!strchr(letters, *c)) {
                if (n == ANM_MAX_RANK) return false;
                letters[n++] = *c;
                letters[n] = '\0';
            }
    return true;
}

/* Strides of an operand over the loop; a dimension of 1 is broadcast. */
static bool loop_operand(const char *letters, const char *term, const anm_rvalue *v, int64_t *size,
                         int64_t *stride) {
    int64_t dense[ANM_MAX_RANK];
    if ((int)strlen(term) != v->rank) return false;
    anm_dense_strides(v->rank, v->shape, dense);
    for (int i = 0; letters[i]; i++) {
        const char *c = strchr(term, letters[i]);
        int64_t dim = c ? v->shape[c - term] : 1;
        stride[i] = dim == 1 ? 0 : dense[c - term];
        if (dim != 1 && size[i] != 1 && size[i] != dim) return false;
        if (dim != 1) size[i] = dim;
    }
    return true;
}

static void einsum_loop(anm_walk *outer, const anm_walk *inner, const float *x, const float *y,
                        float *out) {
    for (bool more = anm_walk_begin(outer); more; more = anm_walk_next(outer))
        for (int64_t i = 0; i < outer->length; i++) {
            anm_walk w = *inner;
            double sum = 0;
            w.at[0] = outer->at[0] + i * outer->step[0];
            w.at[1] = outer->at[1] + i * outer->step[1];
            for (bool go = anm_walk_begin(&w); go; go = anm_walk_next(&w))
                for (int64_t n = 0; n < w.length; n++)
                    sum += (double)x[w.at[0] + n * w.step[0]] * y[w.at[1] + n * w.step[1]];
            *out++ = (float)sum;
        }
}

static void einsum(anm_kcall *k) {
    einsum_terms t;
    char letters[2 * ANM_MAX_RANK + 1];
    int64_t size[ANM_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1}, sx[ANM_MAX_RANK], sy[ANM_MAX_RANK];
    const char *equation = anm_k_string(k, "equation");
    if (k->status != ANM_OK || anm_k_arg_count(k, "values") != 2 || !parse_equation(equation, &t) ||
        !valid_term(t.x, NULL, NULL) || !valid_term(t.y, NULL, NULL) ||
        !valid_term(t.out, t.x, t.y) || !loop_letters(&t, letters)) {
        anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "equation \"%s\" is not supported", equation);
        return;
    }
    const anm_rvalue *x = anm_k_arg_at(k, "values", 0), *y = anm_k_arg_at(k, "values", 1);
    if (!x || !y) return;
    if (!loop_operand(letters, t.x, x, size, sx) || !loop_operand(letters, t.y, y, size, sy)) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "the tensors do not fit the equation \"%s\"", equation);
        return;
    }
    int rank = (int)strlen(t.out), all = (int)strlen(letters);
    const float *fx = anm_k_floats(k, x), *fy = anm_k_floats(k, y);
    float *out = anm_k_out_floats(k, 0, rank, size);
    if (!out) return;
    anm_walk outer, inner;
    anm_walk_init(&outer, rank, size);
    anm_walk_add(&outer, sx, 0);
    anm_walk_add(&outer, sy, 0);
    anm_walk_init(&inner, all - rank, size + rank);
    anm_walk_add(&inner, sx + rank, 0);
    anm_walk_add(&inner, sy + rank, 0);
    einsum_loop(&outer, &inner, fx, fy, out);
}

const anm_kernel anm_kernels_matmul[] = {
    {"einsum", einsum, 0, NULL},
    {"linear", linear, 0, NULL},
    {"matmul", matmul, 0, NULL},
    {NULL, NULL, 0, NULL},
};
