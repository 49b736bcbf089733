/* SPDX-License-Identifier: MIT */
/*
 * lstm, gru, rnn over [sequence, batch, features]. Gate sums are inner products in fp32 (dot.h),
 * the rest of a step is in double and its states are kept as fp32.
 *
 * With direction "reverse" steps run from the end and outputs are in the order of the steps; the
 * backward half of a bidirectional lstm lies at the time it belongs to.
 */
#include <string.h>

#include "src/interp/activation.h"
#include "src/interp/dot.h"

typedef struct act {
    anm_activation kind;
    double alpha, beta;
} act;

static act named_act(anm_kcall *k, const char *name) {
    static const struct {
        const char *name;
        act act;
    } known[] = {{"sigmoid", {ANM_ACT_SIGMOID, 0, 0}},
                 {"tanh", {ANM_ACT_TANH, 0, 0}},
                 {"relu", {ANM_ACT_RELU, 0, 0}},
                 {"linear", {ANM_ACT_LINEAR, 1, 0}},
                 {"scaled_tanh", {ANM_ACT_SCALED_TANH, 1, 1}},
                 {"hard_sigmoid", {ANM_ACT_HARD_SIGMOID, 0.2, 0.5}},
                 {"sigmoid_hard", {ANM_ACT_HARD_SIGMOID, 0.2, 0.5}}};
    const char *text = anm_k_string(k, name);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(text, known[i].name) == 0) return known[i].act;
    anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "%s \"%s\" is unknown", name, text);
    return known[0].act;
}

static double apply(act a, double x) {
    return anm_activate(a.kind, x, a.alpha, a.beta);
}

/* What the three ops share: sizes, sequence, weights of one direction. */
typedef struct cell {
    int64_t steps, batch, input, hidden;
    int gates;
    const float *x, *w_ih, *w_hh, *bias; /* bias may be NULL */
    float *h, *c;                        /* [hidden], of the batch element at hand */
    float *sums, *other;                 /* [gates * hidden] */
} cell;

static const float *weight(anm_kcall *k, const char *name, int64_t rows, int64_t columns) {
    const anm_rvalue *v = anm_k_opt(k, name);
    if (!v) return NULL;
    if (v->count != rows * columns)
        anm_k_fail(k, ANM_ERROR_MISMATCH, "%s has %lld elements instead of %lld", name,
                   (long long)v->count, (long long)(rows * columns));
    return anm_k_floats(k, v);
}

static bool setup(anm_kcall *k, int gates, cell *c) {
    const anm_rvalue *x = anm_k_arg(k, "x"), *hh = anm_k_arg(k, "weight_hh");
    if (!x || !hh) return false;
    if (x->rank != 3 || hh->rank != 2) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "x must have rank 3 and weight_hh rank 2");
        return false;
    }
    *c = (cell){.steps = x->shape[0],
                .batch = x->shape[1],
                .input = x->shape[2],
                .hidden = hh->shape[1],
                .gates = gates};
    c->x = anm_k_floats(k, x);
    int64_t rows = gates * c->hidden;
    if (!anm_k_has(k, "weight_ih")) anm_k_arg(k, "weight_ih");
    c->w_ih = weight(k, "weight_ih", rows, c->input);
    c->w_hh = weight(k, "weight_hh", rows, c->hidden);
    c->bias = weight(k, "bias", rows, 1);
    c->h = anm_k_scratch(k, c->hidden, sizeof *c->h);
    c->c = anm_k_scratch(k, c->hidden, sizeof *c->c);
    c->sums = anm_k_scratch(k, rows, sizeof *c->sums);
    c->other = anm_k_scratch(k, rows, sizeof *c->other);
    return k->status == ANM_OK;
}

/* out = rows of `w` [n, length] times v, plus bias. */
static void times(const float *w, int64_t n, int64_t length, const float *v, const float *bias,
                  float *out) {
    for (int64_t i = 0; i < n; i++)
        out[i] = anm_dot(w + i * length, v, length) + (bias ? bias[i] : 0);
}

static bool is_reverse(anm_kcall *k) {
    const char *direction = anm_k_string(k, "direction");
    bool reverse = strcmp(direction, "reverse") == 0;
    if (!reverse && strcmp(direction, "forward") != 0 && strcmp(direction, "bidirectional") != 0)
        anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "direction \"%s\" is unknown", direction);
    return reverse;
}

/* Where hidden states go: the sequence (or its last step), and the final state. */
typedef struct sink {
    float *all, *final, *memory;
    int64_t width, offset; /* of a batch row; of this direction in it */
    bool sequence;
} sink;

static bool open_sink(anm_kcall *k, const cell *c, int directions, sink *s) {
    *s = (sink){.width = c->hidden * directions, .sequence = anm_k_bool(k, "output_sequence")};
    int64_t shape[3] = {s->sequence ? c->steps : 1, c->batch, s->width};
    if (c->steps == 0) anm_k_fail(k, ANM_ERROR_MISMATCH, "the sequence is empty");
    s->all = anm_k_out_floats(k, 0, 3, shape);
    s->final = anm_k_out_floats(k, 1, 2, shape + 1);
    if (k->op->output_count > 2) s->memory = anm_k_out_floats(k, 2, 2, shape + 1);
    return k->status == ANM_OK;
}

static void put(const sink *s, const cell *c, int64_t step, int64_t position, int64_t b) {
    size_t bytes = (size_t)c->hidden * sizeof(float);
    int64_t row = b * s->width + s->offset;
    bool last = step == c->steps - 1;
    if (s->sequence) memcpy(s->all + position * c->batch * s->width + row, c->h, bytes);
    else if (last) memcpy(s->all + row, c->h, bytes);
    if (last) memcpy(s->final + row, c->h, bytes);
    if (last && s->memory) memcpy(s->memory + row, c->c, bytes);
}

static const float *initial(anm_kcall *k, const char *name, const cell *c, int directions) {
    if (!anm_k_has(k, name)) anm_k_arg(k, name);
    return weight(k, name, c->batch, c->hidden * directions);
}

/* lstm: gates i, f, o, z. */

typedef struct lstm_options {
    act gate, cell, out;
    const float *peephole; /* i, f, o; or NULL */
    double clip;           /* 0: none */
} lstm_options;

static void lstm_step(const cell *c, const lstm_options *o, const float *x) {
    int64_t n = c->hidden;
    const float *p = o->peephole;
    times(c->w_ih, 4 * n, c->input, x, c->bias, c->sums);
    times(c->w_hh, 4 * n, n, c->h, NULL, c->other);
    for (int64_t i = 0; i < n; i++) {
        double sum[4];
        for (int g = 0; g < 4; g++) sum[g] = (double)c->sums[g * n + i] + c->other[g * n + i];
        double memory = c->c[i];
        double in = apply(o->gate, sum[0] + (p ? p[i] * memory : 0));
        double forget = apply(o->gate, sum[1] + (p ? p[n + i] * memory : 0));
        memory = forget * memory + in * apply(o->cell, sum[3]);
        if (o->clip > 0)
            memory = memory > o->clip ? o->clip : memory < -o->clip ? -o->clip : memory;
        double out = apply(o->gate, sum[2] + (p ? p[2 * n + i] * memory : 0));
        c->c[i] = (float)memory;
        c->h[i] = (float)(out * apply(o->out, memory));
    }
}

static void lstm_direction(const cell *c, const lstm_options *o, const float *h0, const float *c0,
                           bool reverse, bool at_time, const sink *s) {
    size_t bytes = (size_t)c->hidden * sizeof(float);
    for (int64_t b = 0; b < c->batch; b++) {
        memcpy(c->h, h0 + b * s->width + s->offset, bytes);
        memcpy(c->c, c0 + b * s->width + s->offset, bytes);
        for (int64_t t = 0; t < c->steps; t++) {
            int64_t time = reverse ? c->steps - 1 - t : t;
            lstm_step(c, o, c->x + (time * c->batch + b) * c->input);
            put(s, c, t, at_time ? time : t, b);
        }
    }
}

static bool lstm_arguments(anm_kcall *k, const cell *c, lstm_options *o) {
    o->gate = named_act(k, "recurrent_activation");
    o->cell = named_act(k, "cell_activation");
    o->out = named_act(k, "activation");
    o->clip = anm_k_has(k, "clip") ? anm_k_float(k, "clip") : 0;
    o->peephole = weight(k, "peephole", 3, c->hidden);
    return k->status == ANM_OK;
}

static void lstm_back(anm_kcall *k, cell *c, lstm_options *o, const float *h0, const float *c0,
                      sink *s) {
    c->w_ih = weight(k, "weight_ih_back", 4 * c->hidden, c->input);
    c->w_hh = weight(k, "weight_hh_back", 4 * c->hidden, c->hidden);
    c->bias = weight(k, "bias_back", 4 * c->hidden, 1);
    o->peephole = weight(k, "peephole_back", 3, c->hidden);
    if (!c->w_ih || !c->w_hh)
        anm_k_fail(k, ANM_ERROR_FORMAT, "a bidirectional lstm needs weights for its way back");
    s->offset = c->hidden;
    if (k->status == ANM_OK) lstm_direction(c, o, h0, c0, true, true, s);
}

static void lstm(anm_kcall *k) {
    cell c;
    lstm_options o;
    sink s;
    if (!setup(k, 4, &c) || !lstm_arguments(k, &c, &o)) return;
    bool reverse = is_reverse(k);
    bool both = strcmp(anm_k_string(k, "direction"), "bidirectional") == 0;
    const float *h0 = initial(k, "initial_h", &c, both ? 2 : 1);
    const float *c0 = initial(k, "initial_c", &c, both ? 2 : 1);
    if (k->status != ANM_OK || !open_sink(k, &c, both ? 2 : 1, &s)) return;
    lstm_direction(&c, &o, h0, c0, reverse, false, &s);
    if (both) lstm_back(k, &c, &o, h0, c0, &s);
}

/* gru: gates r, o, z. With reset_after the reset gate scales the recurrent sum, and input_bias
 * joins the input's sums; else it scales the state before the product. */

typedef struct gru_options {
    act gate, out;
    const float *input_bias;
    bool reset_after;
} gru_options;

static void gru_step(const cell *c, const gru_options *o, const float *x) {
    int64_t n = c->hidden;
    float *r = c->other;
    times(c->w_ih, 3 * n, c->input, x, o->input_bias, c->sums);
    times(c->w_hh, n, n, c->h, c->bias, r);
    times(c->w_hh + 2 * n * n, n, n, c->h, c->bias ? c->bias + 2 * n : NULL, r + 2 * n);
    for (int64_t i = 0; i < n; i++) {
        r[i] = (float)apply(o->gate, (double)c->sums[i] + r[i]);
        c->c[i] = o->reset_after ? c->h[i] : r[i] * c->h[i];
    }
    times(c->w_hh + n * n, n, n, c->c, c->bias ? c->bias + n : NULL, r + n);
    for (int64_t i = 0; i < n; i++) {
        double z = apply(o->gate, (double)c->sums[2 * n + i] + r[2 * n + i]);
        double recurrent = o->reset_after ? (double)r[i] * r[n + i] : r[n + i];
        double out = apply(o->out, c->sums[n + i] + recurrent);
        c->h[i] = (float)((1 - z) * out + z * c->h[i]);
    }
}

static void gru(anm_kcall *k) {
    cell c;
    sink s;
    if (!setup(k, 3, &c)) return;
    gru_options o = {.gate = named_act(k, "recurrent_activation"),
                     .out = named_act(k, "activation"),
                     .reset_after = anm_k_has(k, "reset_after") && anm_k_bool(k, "reset_after")};
    o.input_bias = weight(k, "input_bias", 3, c.hidden);
    bool reverse = is_reverse(k);
    const float *h0 = initial(k, "initial_h", &c, 1);
    if (k->status != ANM_OK || !open_sink(k, &c, 1, &s)) return;
    for (int64_t b = 0; b < c.batch; b++) {
        memcpy(c.h, h0 + b * c.hidden, (size_t)c.hidden * sizeof *c.h);
        for (int64_t t = 0; t < c.steps; t++) {
            int64_t time = reverse ? c.steps - 1 - t : t;
            gru_step(&c, &o, c.x + (time * c.batch + b) * c.input);
            put(&s, &c, t, t, b);
        }
    }
}

static void rnn_step(const cell *c, act a, const float *x) {
    times(c->w_ih, c->hidden, c->input, x, c->bias, c->sums);
    times(c->w_hh, c->hidden, c->hidden, c->h, NULL, c->other);
    for (int64_t i = 0; i < c->hidden; i++)
        c->h[i] = (float)apply(a, (double)c->sums[i] + c->other[i]);
}

static void rnn(anm_kcall *k) {
    cell c;
    sink s;
    if (!setup(k, 1, &c)) return;
    act a = named_act(k, "activation");
    bool reverse = is_reverse(k);
    const float *h0 = initial(k, "initial_h", &c, 1);
    if (k->status != ANM_OK || !open_sink(k, &c, 1, &s)) return;
    for (int64_t b = 0; b < c.batch; b++) {
        memcpy(c.h, h0 + b * c.hidden, (size_t)c.hidden * sizeof *c.h);
        for (int64_t t = 0; t < c.steps; t++) {
            int64_t time = reverse ? c.steps - 1 - t : t;
            rnn_step(&c, a, c.x + (time * c.batch + b) * c.input);
            put(&s, &c, t, t, b);
        }
    }
}

const anm_kernel anm_kernels_recurrent[] = {
    {"gru", gru, 0, NULL},
    {"lstm", lstm, 0, NULL},
    {"rnn", rnn, 0, NULL},
    {NULL, NULL, 0, NULL},
};
