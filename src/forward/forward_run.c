/* SPDX-License-Identifier: MIT */
/* A run: embeddings, the layers over groups of sequences, the head. */
#include <stdio.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/forward/forward_internal.h"

enum {
    GROUP_TOKENS = 1024,      /* enough that converting the weights does not count */
    LOGIT_VALUES = 16 << 20,  /* logits in memory: 64 MB */
};

typedef struct run {
    const anm_forward *forward;
    const anm_forward_sequence *sequences;
    size_t count;
    const anm_forward_hooks *hooks;
    int threads;
    anm_error *err;
    int64_t tokens, longest;
    float *hidden; /* [tokens, hidden_size] */
    float *space;  /* of the group in work */
    float *cosines[2], *sines[2]; /* of global layers, and of those that see a window */
} run;

static anm_status check_sequences(run *r) {
    for (size_t s = 0; s < r->count; s++) {
        const anm_forward_sequence *q = &r->sequences[s];
        for (size_t i = 0; i < q->count; i++)
            if (q->tokens[i] < 0 || q->tokens[i] >= r->forward->config.vocab_size)
                return anm_fail(r->err, ANM_ERROR_ARGUMENT, "tokens",
                                "token %zu of sequence %zu is %d, outside the vocabulary of %lld",
                                i, s, q->tokens[i], (long long)r->forward->config.vocab_size);
        r->tokens += (int64_t)q->count;
        if ((int64_t)q->count > r->longest) r->longest = (int64_t)q->count;
    }
    return ANM_OK;
}

/* How many sequences from `first` on go together: at least one. */
static size_t group_count(const run *r, size_t first, int64_t *rows) {
    size_t n = 0;
    *rows = 0;
    while (first + n < r->count) {
        int64_t more = (int64_t)r->sequences[first + n].count;
        if (n && *rows + more > GROUP_TOKENS) break;
        *rows += more;
        n++;
    }
    return n;
}

static int64_t largest_group(const run *r) {
    int64_t largest = 0, rows;
    for (size_t s = 0; s < r->count; s += group_count(r, s, &rows)) {
        group_count(r, s, &rows);
        if (rows > largest) largest = rows;
    }
    return largest;
}

/* Hands out the parts of one allocation; with `space` NULL it only counts them. */
static float *take(float *space, size_t *used, int64_t count) {
    float *part = space ? space + *used : NULL;
    *used += (size_t)count;
    return part;
}

static size_t lay_out(anm_forward_group *g, float *space, int64_t rows) {
    const anm_hf_config *c = &g->forward->config;
    int64_t d = g->forward->head_dim;
    size_t used = 0;
    g->x = take(space, &used, rows * c->hidden_size);
    g->q = take(space, &used, rows * c->num_attention_heads * d);
    g->k = take(space, &used, rows * c->num_key_value_heads * d);
    g->v = take(space, &used, rows * c->num_key_value_heads * d);
    g->mixed = take(space, &used, rows * c->num_attention_heads * d);
    g->scores = take(space, &used, rows * c->num_attention_heads);
    g->gate = take(space, &used, rows * c->intermediate_size);
    g->up = take(space, &used, rows * c->intermediate_size);
    return used;
}

static anm_forward_group make_group(const run *r, size_t first, size_t count, int64_t row,
                                    int64_t rows) {
    anm_forward_group g = {.forward = r->forward,
                           .hooks = r->hooks,
                           .sequences = r->sequences + first,
                           .count = count,
                           .rows = rows,
                           .hidden = r->hidden + row * r->forward->config.hidden_size,
                           .threads = r->threads,
                           .err = r->err};
    lay_out(&g, r->space, rows);
    return g;
}

static anm_status prepare(run *r) {
    const anm_forward *f = r->forward;
    ANM_TRY(check_sequences(r));
    anm_forward_group measured = {.forward = f};
    size_t table = (size_t)(r->longest * (f->head_dim / 2));
    size_t space = lay_out(&measured, NULL, largest_group(r));
    r->hidden = anm_calloc((size_t)r->tokens, (size_t)f->config.hidden_size * sizeof *r->hidden);
    r->space = anm_calloc(space, sizeof *r->space);
    if (!r->hidden || !r->space) return anm_fail_memory(r->err);
    for (int local = 0; local <= f->windows; local++) {
        const anm_hf_rope *rope = local ? &f->config.local_rope : &f->config.rope;
        float *c = r->cosines[local] = anm_calloc(table, sizeof *c);
        float *s = r->sines[local] = anm_calloc(table, sizeof *s);
        if (!c || !s) return anm_fail_memory(r->err);
        anm_forward_rope_tables(rope, f->head_dim, r->longest, c, s);
    }
    return ANM_OK;
}

static anm_status show(const run *r, const char *name, const float *x, int64_t rows) {
    if (!r->hooks->value) return ANM_OK;
    return r->hooks->value(r->hooks->context, name, x, rows, r->forward->config.hidden_size,
                           r->err);
}

static anm_status embed(const run *r) {
    int64_t n = r->forward->config.hidden_size;
    float *x = r->hidden;
    for (size_t s = 0; s < r->count; s++)
        for (size_t i = 0; i < r->sequences[s].count; i++, x += n)
            anm_forward_read(r->forward->embedding, r->sequences[s].tokens[i] * n, n, x);
    for (int64_t i = 0; i < r->tokens * n; i++) r->hidden[i] *= r->forward->embedding_scale;
    return show(r, "embedding", r->hidden, r->tokens);
}

static void drop_layer(const anm_forward_layer *layer) {
    for (int slot = 0; slot < ANM_FORWARD_SLOTS; slot++)
        if (layer->weights[slot]) anm_forward_drop(layer->weights[slot]);
}

static anm_status run_layer(const run *r, int64_t layer) {
    bool local = anm_forward_is_local(r->forward, layer);
    int64_t row = 0, rows;
    for (size_t s = 0, count; s < r->count; s += count, row += rows) {
        count = group_count(r, s, &rows);
        anm_forward_group g = make_group(r, s, count, row, rows);
        g.window = local ? r->forward->config.sliding_window : 0;
        g.cosines = r->cosines[local];
        g.sines = r->sines[local];
        ANM_TRY(anm_forward_layer_run(&g, layer));
    }
    drop_layer(&r->forward->layers[layer]);
    return ANM_OK;
}

/* Moves the rows that logits are wanted for to the front; returns how many. */
static int64_t keep_wanted(const run *r) {
    size_t n = (size_t)r->forward->config.hidden_size;
    const float *from = r->hidden;
    float *to = r->hidden;
    int64_t kept = 0;
    for (size_t s = 0; s < r->count; s++)
        for (size_t i = 0; i < r->sequences[s].count; i++, from += n) {
            if (i < r->sequences[s].first) continue;
            memmove(to, from, n * sizeof *to);
            to += n;
            kept++;
        }
    return kept;
}

/* Which position the wanted rows belong to, one after the other. */
typedef struct cursor {
    size_t sequence, position;
} cursor;

static void settle(const run *r, cursor *at) {
    while (at->sequence < r->count && at->position >= r->sequences[at->sequence].count) {
        at->sequence++;
        at->position = at->sequence < r->count ? r->sequences[at->sequence].first : 0;
    }
}

static anm_status give_logits(const run *r, cursor *at, const float *logits, int64_t rows) {
    size_t vocab = (size_t)r->forward->config.vocab_size;
    for (int64_t i = 0; i < rows; i++, at->position++) {
        settle(r, at);
        ANM_TRY(r->hooks->logits(r->hooks->context, at->sequence, at->position,
                                 logits + (size_t)i * vocab, vocab, r->err));
    }
    return ANM_OK;
}

static anm_status run_head_blocks(const run *r, int64_t rows, int64_t block, float *logits) {
    int64_t n = r->forward->config.hidden_size;
    cursor at = {0, r->sequences[0].first};
    /* The hook has seen the input already. */
    anm_forward_hooks hooks = *r->hooks;
    hooks.linear = NULL;
    for (int64_t row = 0; row < rows; row += block) {
        anm_forward_group g = {.forward = r->forward, .hooks = &hooks, .threads = r->threads,
                               .rows = rows - row < block ? rows - row : block, .err = r->err};
        ANM_TRY(anm_forward_linear(&g, r->forward->head, NULL, r->hidden + row * n, logits));
        if (r->forward->logit_cap > 0)
            anm_forward_cap(logits, g.rows * r->forward->config.vocab_size, r->forward->logit_cap);
        ANM_TRY(give_logits(r, &at, logits, g.rows));
    }
    anm_forward_drop(r->forward->head);
    return ANM_OK;
}

static anm_status run_logits(const run *r, int64_t rows) {
    int64_t vocab = r->forward->config.vocab_size, block = LOGIT_VALUES / vocab;
    if (block < 16) block = 16;
    if (block > rows) block = rows;
    float *logits = anm_calloc((size_t)block, (size_t)vocab * sizeof *logits);
    if (!logits) return anm_fail_memory(r->err);
    anm_status status = run_head_blocks(r, rows, block, logits);
    anm_free(logits);
    return status;
}

static anm_status run_head(const run *r) {
    int64_t rows = keep_wanted(r), n = r->forward->config.hidden_size;
    anm_forward_group g = {.forward = r->forward, .hooks = r->hooks, .rows = rows, .err = r->err};
    if (!rows) return ANM_OK;
    ANM_TRY(anm_forward_norm(&g, r->forward->norm, r->hidden, rows, n, r->hidden));
    ANM_TRY(show(r, "norm", r->hidden, rows));
    ANM_TRY(anm_forward_show_input(&g, r->forward->head, r->hidden));
    return r->hooks->logits ? run_logits(r, rows) : ANM_OK;
}

static anm_status run_all(run *r) {
    ANM_TRY(prepare(r));
    ANM_TRY(embed(r));
    anm_forward_drop(r->forward->embedding);
    for (int64_t i = 0; i < r->forward->config.num_hidden_layers; i++) ANM_TRY(run_layer(r, i));
    return run_head(r);
}

anm_status anm_forward_run(const anm_forward *forward, const anm_forward_sequence *sequences,
                           size_t count, const anm_forward_hooks *hooks, int threads,
                           anm_error *err) {
    run r = {.forward = forward, .sequences = sequences, .count = count, .hooks = hooks,
             .threads = threads, .err = err};
    anm_status status = count ? run_all(&r) : ANM_OK;
    anm_free(r.hidden);
    anm_free(r.space);
    for (int i = 0; i < 2; i++) {
        anm_free(r.cosines[i]);
        anm_free(r.sines[i]);
    }
    return status;
}
