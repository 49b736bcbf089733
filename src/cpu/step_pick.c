/* SPDX-License-Identifier: MIT */
#include "src/cpu/step_pick.h"

#include <string.h>

/* Elements [from, to) of a row that begins at `in`; 4-byte elements of either kind. */
static void pick_few(const anm_pick *k, const char *in, const int64_t *table, int64_t from,
                     int64_t to, char *out) {
    for (int64_t i = from; i < to; i++) {
        bool nothing = table[i] == ANM_PICK_NOTHING;
        memcpy(out + 4 * i, nothing ? (const char *)&k->fill : in + 4 * table[i], 4);
    }
}

static void pick_row(const anm_pick *k, const char *in, const int64_t *table, int64_t n,
                     char *out) {
    pick_few(k, in, table, 0, k->run_from, out);
    if (k->run_to > k->run_from)
        memcpy(out + 4 * k->run_from, in + 4 * table[k->run_from],
               (size_t)(k->run_to - k->run_from) * 4);
    pick_few(k, in, table, k->run_to, n, out);
}

/* Where row `row` of the output begins in x. */
static int64_t row_offset(const anm_pick *k, int64_t row) {
    int64_t offset = 0;
    for (int i = k->out.view.rank - 2; i >= 0; i--) {
        int64_t at = k->from[i][row % k->out.view.shape[i]];
        row /= k->out.view.shape[i];
        if (at == ANM_PICK_NOTHING) return at;
        offset += at;
    }
    return offset;
}

static void run_pick(const anm_step *s, anm_exec *x, int thread, int threads) {
    const anm_pick *k = s->data;
    const char *in = anm_exec_at(x, &k->x);
    char *out = anm_exec_at(x, &k->out);
    int last = k->out.view.rank - 1;
    int64_t n = k->out.view.shape[last], rows = anm_view_elements(&k->out.view) / n, from, to;
    int64_t before = ANM_PICK_NOTHING;
    anm_share(rows, 1, thread, threads, &from, &to);
    for (int64_t row = from; row < to; row++) {
        int64_t offset = row_offset(k, row);
        char *to_row = out + 4 * row * n;
        if (offset == ANM_PICK_NOTHING)
            for (int64_t i = 0; i < n; i++) memcpy(to_row + 4 * i, &k->fill, 4);
        else if (offset == before) memcpy(to_row, to_row - 4 * n, (size_t)n * 4);
        else pick_row(k, in + 4 * offset, k->from[last], n, to_row);
        before = offset;
    }
}

anm_pick *anm_pick_new(anm_planner *p, const anm_mil_op *op) {
    const anm_mil_type *type = op->outputs[0]->type;
    if (type->rank < 1 || anm_type_elements(type) < 1) return NULL;
    anm_pick *k = anm_plan_alloc(p, sizeof *k);
    if (!k) return NULL;
    k->x = anm_lie_plain(p, anm_arg_lie(p, op, "x"));
    if (k->x.block < 0) return NULL;
    for (int i = 0; i < type->rank; i++) {
        k->from[i] = anm_plan_alloc(p, (size_t)type->shape[i] * sizeof *k->from[i]);
        if (!k->from[i]) return NULL;
    }
    return k;
}

/* The longest stretch of the last axis that lies in one piece. */
static void find_run(anm_pick *k, int64_t n) {
    const int64_t *table = k->from[k->out.view.rank - 1];
    for (int64_t i = 0, start = 0; i < n; i++) {
        bool goes_on = i > start && table[i] != ANM_PICK_NOTHING && table[i] == table[i - 1] + 1;
        if (!goes_on) start = i;
        if (table[i] != ANM_PICK_NOTHING && i + 1 - start > k->run_to - k->run_from) {
            k->run_from = start;
            k->run_to = i + 1;
        }
    }
}

typedef struct extent {
    int64_t least, most;
} extent;

static extent extent_of_view(const anm_view *v) {
    extent e = {0, 0};
    for (int i = 0; i < v->rank; i++)
        *(v->stride[i] < 0 ? &e.least : &e.most) += (v->shape[i] - 1) * v->stride[i];
    return e;
}

/* Of all offsets; an axis that gives nothing adds nothing. */
static extent extent_of_tables(const anm_pick *k, const anm_mil_type *type) {
    extent e = {0, 0};
    for (int i = 0; i < type->rank; i++) {
        extent axis = {INT64_MAX, INT64_MIN};
        for (int64_t o = 0; o < type->shape[i]; o++) {
            int64_t at = k->from[i][o];
            if (at == ANM_PICK_NOTHING) continue;
            if (at < axis.least) axis.least = at;
            if (at > axis.most) axis.most = at;
        }
        if (axis.least > axis.most) continue;
        e.least += axis.least;
        e.most += axis.most;
    }
    return e;
}

bool anm_pick_add(anm_planner *p, const anm_mil_op *op, anm_pick *k) {
    const anm_mil_type *type = op->outputs[0]->type;
    extent room = extent_of_view(&k->x.view), used = extent_of_tables(k, type);
    if (used.least < room.least || used.most > room.most) return false;
    k->out = anm_lie_new(p, k->x.dtype, type->rank, type->shape);
    if (k->out.block < 0) return true;
    find_run(k, type->shape[type->rank - 1]);
    anm_step_add(p, run_pick, op->type, k, ANM_BLOCKS(k->x.block), ANM_BLOCKS(k->out.block));
    anm_lie_set(p, op->outputs[0], k->out);
    return true;
}
