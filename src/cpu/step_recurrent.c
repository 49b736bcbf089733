/* SPDX-License-Identifier: MIT */
/*
 * lstm, gru and rnn over [sequence, batch, features]. What the inputs give to the gates is one
 * product for the whole sequence; then, time by time, what the hidden state gives. A thread has
 * hidden units of its own, and a barrier follows each time.
 */
#include "src/cpu/step_recurrent.h"

#include <string.h>

#include "src/base/dtype.h"
#include "src/pass/constants.h"

enum { UNITS_SHARED = 32 }; /* fewer hidden units are one thread's */

/* Gates, and what a thread does at one time with its hidden units [from, to). */
static void apply(const anm_row_kernels *k, anm_recurrent_act a, float *x, int64_t n) {
    if (a.parametric) k->parametric(a.kind, a.a, a.b, x, n, x);
    else if (a.kind != ANM_UNARY_KINDS) k->unary(a.kind, x, n, x);
}

typedef struct moment {
    const anm_recurrent *r;
    const anm_row_kernels *k;
    anm_team *team;
    const float *inputs;  /* of this time: [batch, gates hidden] */
    const float *weights; /* [hidden, gates hidden] */
    const float *bias;    /* of the recurrent part, or NULL */
    const float *peephole;
    float *gates;         /* [batch, gates hidden] */
    float *h, *next, *c;  /* [batch, hidden]; c: memory, or what gru multiplies */
    int64_t from, to;
} moment;

/* Gate g of the hidden state `h`, with its bias. */
static void gate_of(const moment *m, const float *h, int g) {
    const anm_recurrent *r = m->r;
    int64_t n = r->hidden, width = r->gates * n, at = g * n + m->from;
    anm_product p = {.a = h, .b = m->weights + at, .c = m->gates + at, .m = r->batch,
                     .n = m->to - m->from, .k = n, .a_row = n, .a_step = 1, .b_row = width,
                     .c_row = width};
    m->k->product(&p);
    for (int64_t b = 0; m->bias && b < r->batch; b++)
        m->k->binary(ANM_BINARY_ADD, p.c + b * width, 1, m->bias + at, 1, p.n, p.c + b * width);
}

static void add_inputs(const moment *m, int64_t b, int g) {
    int64_t n = m->r->hidden, at = (b * m->r->gates + g) * n + m->from;
    m->k->binary(ANM_BINARY_ADD, m->gates + at, 1, m->inputs + at, 1, m->to - m->from,
                 m->gates + at);
}

/* What gate `g` sees of the memory. */
static void peep(const moment *m, int g, const float *c, float *gate, int64_t count) {
    if (!m->peephole) return;
    const float *p = m->peephole + g * m->r->hidden + m->from;
    for (int64_t u = 0; u < count; u++) gate[u] += p[u] * c[u];
}

static void clip(const moment *m, float *c, int64_t count) {
    float most = m->r->clip;
    for (int64_t u = 0; most > 0 && u < count; u++)
        c[u] = c[u] > most ? most : c[u] < -most ? -most : c[u];
}

/* Gates i, f, o, z. Gate o sees the new memory, the others that of the time before. */
static void lstm_units(const moment *m) {
    int64_t n = m->r->hidden, count = m->to - m->from;
    for (int g = 0; g < 4; g++) gate_of(m, m->h, g);
    for (int64_t b = 0; b < m->r->batch; b++) {
        float *i = m->gates + b * 4 * n + m->from, *f = i + n, *o = f + n, *z = o + n;
        float *c = m->c + b * n + m->from, *h = m->next + b * n + m->from;
        for (int g = 0; g < 4; g++) add_inputs(m, b, g);
        peep(m, 0, c, i, count);
        peep(m, 1, c, f, count);
        apply(m->k, m->r->gate, i, count);
        apply(m->k, m->r->gate, f, count);
        apply(m->k, m->r->cell, z, count);
        for (int64_t u = 0; u < count; u++) c[u] = f[u] * c[u] + i[u] * z[u];
        clip(m, c, count);
        peep(m, 2, c, o, count);
        apply(m->k, m->r->gate, o, count);
        memcpy(h, c, (size_t)count * sizeof *h);
        apply(m->k, m->r->out, h, count);
        m->k->binary(ANM_BINARY_MUL, h, 1, o, 1, count, h);
    }
}

/* Gates r, o, z; without reset_after the state is scaled before the product of o. */
static void gru_units(const moment *m) {
    int64_t n = m->r->hidden, count = m->to - m->from;
    gate_of(m, m->h, 0);
    gate_of(m, m->h, 2);
    for (int64_t b = 0; b < m->r->batch; b++) {
        float *r = m->gates + b * 3 * n + m->from, *scaled = m->c + b * n + m->from;
        add_inputs(m, b, 0);
        add_inputs(m, b, 2);
        apply(m->k, m->r->gate, r, count);
        apply(m->k, m->r->gate, r + 2 * n, count);
        m->k->binary(ANM_BINARY_MUL, r, 1, m->h + b * n + m->from, 1, count, scaled);
    }
    if (!m->r->reset_after && m->team) anm_team_barrier(m->team);
    gate_of(m, m->r->reset_after ? m->h : m->c, 1);
    for (int64_t b = 0; b < m->r->batch; b++) {
        float *r = m->gates + b * 3 * n + m->from, *o = r + n, *z = o + n;
        const float *h = m->h + b * n + m->from;
        float *next = m->next + b * n + m->from;
        if (m->r->reset_after) m->k->binary(ANM_BINARY_MUL, o, 1, r, 1, count, o);
        add_inputs(m, b, 1);
        apply(m->k, m->r->out, o, count);
        for (int64_t u = 0; u < count; u++) next[u] = (1 - z[u]) * o[u] + z[u] * h[u];
    }
}

static void rnn_units(const moment *m) {
    int64_t n = m->r->hidden, count = m->to - m->from;
    gate_of(m, m->h, 0);
    for (int64_t b = 0; b < m->r->batch; b++) {
        float *sum = m->gates + b * n + m->from;
        add_inputs(m, b, 0);
        apply(m->k, m->r->out, sum, count);
        memcpy(m->next + b * n + m->from, sum, (size_t)count * sizeof *sum);
    }
}

/* Where the hidden units of one time go. */
static void put(const moment *m, anm_exec *e, int way, int64_t step, int64_t position) {
    const anm_recurrent *r = m->r;
    int64_t n = r->hidden, width = n * r->ways;
    size_t bytes = (size_t)(m->to - m->from) * sizeof(float);
    bool last = step == r->steps - 1;
    float *all = anm_exec_at(e, &r->all), *final = anm_exec_at(e, &r->final);
    float *memory = r->memory.block >= 0 ? anm_exec_at(e, &r->memory) : NULL;
    for (int64_t b = 0; b < r->batch; b++) {
        int64_t from = b * n + m->from, to = b * width + way * n + m->from;
        if (r->sequence) memcpy(all + position * r->batch * width + to, m->next + from, bytes);
        else if (last) memcpy(all + to, m->next + from, bytes);
        if (last) memcpy(final + to, m->next + from, bytes);
        if (last && memory) memcpy(memory + to, m->c + from, bytes);
    }
}

/* The initial state of a way, of a thread's units. */
static void begin(const moment *m, anm_exec *e, const anm_lie *initial, int way, float *to) {
    int64_t n = m->r->hidden, width = n * m->r->ways;
    if (initial->block < 0) return;
    const float *from = anm_exec_at(e, initial);
    for (int64_t b = 0; b < m->r->batch; b++)
        memcpy(to + b * n + m->from, from + b * width + way * n + m->from,
               (size_t)(m->to - m->from) * sizeof *to);
}

static void run_way(const anm_recurrent *r, anm_exec *e, moment *m, int way) {
    int64_t state = r->batch * r->hidden, sums = r->batch * r->gates * r->hidden;
    float *memory = anm_exec_at(e, &r->states);
    const float *inputs = (const float *)anm_exec_at(e, &r->sums) + way * r->steps * sums;
    bool back = r->reverse || way == 1;
    m->h = memory, m->next = memory + state, m->c = memory + 2 * state;
    m->gates = memory + 3 * state;
    m->weights = r->way[way].hh;
    m->bias = r->way[way].h_bias;
    m->peephole = r->way[way].peephole;
    begin(m, e, &r->initial_h, way, m->h);
    begin(m, e, &r->initial_c, way, m->c);
    for (int64_t t = 0; t < r->steps; t++) {
        int64_t time = back ? r->steps - 1 - t : t;
        if (m->team) anm_team_barrier(m->team);
        m->inputs = inputs + time * sums;
        (r->kind == ANM_RECURRENT_LSTM  ? lstm_units
         : r->kind == ANM_RECURRENT_GRU ? gru_units
                                        : rnn_units)(m);
        put(m, e, way, t, way == 1 ? time : t);
        float *other = m->h;
        m->h = m->next, m->next = other;
    }
    if (m->team) anm_team_barrier(m->team);
}

static void run_times(const anm_step *s, anm_exec *e, int thread, int threads) {
    const anm_recurrent *r = s->data;
    moment m = {.r = r, .k = e->plan->rows, .to = r->hidden};
    if (r->hidden >= UNITS_SHARED && threads > 1) {
        m.team = atomic_load_explicit(&e->team, memory_order_relaxed);
        anm_share(r->hidden, 16, thread, threads, &m.from, &m.to);
    } else if (thread != 0) {
        return;
    }
    for (int way = 0; way < r->ways; way++) run_way(r, e, &m, way);
}

/* What the inputs give to all gates at all times, with their bias; a thread has some gates. */
static void run_sums(const anm_step *s, anm_exec *e, int thread, int threads) {
    const anm_recurrent *r = s->data;
    int64_t width = r->gates * r->hidden, rows = r->steps * r->batch, from, to;
    anm_share(width, 16, thread, threads, &from, &to);
    for (int way = 0; way < r->ways && from < to; way++) {
        float *sums = (float *)anm_exec_at(e, &r->sums) + way * rows * width + from;
        anm_product p = {.a = anm_exec_at(e, &r->x), .b = r->way[way].ih + from, .c = sums,
                         .m = rows, .n = to - from, .k = r->input, .a_row = r->input, .a_step = 1,
                         .b_row = width, .c_row = width};
        e->plan->rows->product(&p);
        for (int64_t i = 0; r->way[way].x_bias && i < rows; i++)
            e->plan->rows->binary(ANM_BINARY_ADD, sums + i * width, 1,
                                  r->way[way].x_bias + from, 1, to - from, sums + i * width);
    }
}

void anm_recurrent_add(anm_planner *p, const anm_mil_op *op, anm_recurrent *r) {
    int reads[5] = {r->sums.block, -1, -1, -1, -1}, writes[5] = {r->states.block, -1, -1, -1, -1};
    int n = 1, w = 1;
    if (r->initial_h.block >= 0) reads[n++] = r->initial_h.block;
    if (r->initial_c.block >= 0) reads[n++] = r->initial_c.block;
    writes[w++] = r->all.block;
    writes[w++] = r->final.block;
    if (r->memory.block >= 0) writes[w++] = r->memory.block;
    anm_step_add(p, run_sums, op->type, r, ANM_BLOCKS(r->x.block), ANM_BLOCKS(r->sums.block));
    anm_step *s = anm_step_add(p, run_times, op->type, r, reads, writes);
    uint64_t weights = (uint64_t)(r->ways * r->gates * r->hidden * (r->hidden + r->input));
    s->flops = 2 * weights * (uint64_t)(r->steps * r->batch);
}

const float *anm_recurrent_turned(anm_planner *p, anm_mil_operand operand, int64_t rows,
                                  int64_t columns) {
    anm_flow *g = &p->plan->flow;
    const anm_tensor *have =
        operand.value ? anm_constants_find(g, operand.value, ANM_CONSTANT_TURNED) : NULL;
    if (have && have->dtype == ANM_DTYPE_FP32) return have->data;
    anm_lie lie = anm_lie_constant_floats(p, operand);
    if (lie.block < 0 || anm_view_elements(&lie.view) != rows * columns) return NULL;
    bool shared = operand.value && !have;
    size_t bytes = (size_t)(rows * columns) * sizeof(float);
    float *to = anm_arena_alloc(shared ? anm_constants_arena(g, operand.value) : p->plan->arena,
                                bytes + 1);
    if (!to) return NULL;
    const float *from = p->blocks.data[lie.block].data;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < columns; k++) to[k * rows + i] = from[i * columns + k];
    anm_tensor made = {.dtype = ANM_DTYPE_FP32, .data = to, .bytes = bytes};
    if (shared && !anm_constants_keep(g, operand.value, ANM_CONSTANT_TURNED, &made)) return NULL;
    return to;
}
