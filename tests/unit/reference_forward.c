/* SPDX-License-Identifier: MIT */
#include "tests/unit/reference_forward.h"

#include <math.h>
#include <string.h>

#include "anemone/safetensors.h"
#include "src/base/dtype.h"
#include "src/hf/config.h"
#include "tests/unit/testing.h"

typedef struct model {
    anm_safetensors *file;
    anm_hf_config c;
    int64_t tokens;
    double *k, *v; /* [layers][tokens][kv_heads * head_dim] */
} model;

static const anm_tensor *find(const model *m, const char *fmt, int64_t layer, const char *what) {
    char name[200];
    snprintf(name, sizeof name, fmt, (int)layer, what);
    return anm_safetensors_find(m->file, name);
}

static double at(const anm_tensor *t, int64_t i) {
    return anm_element_get(t->dtype, t->data, i);
}

static double *zeros(int64_t n) {
    double *p = calloc((size_t)n, sizeof *p);
    assert_non_null(p);
    return p;
}

/* y = W x + b for the layer's projection `what`; the bias is used if the checkpoint has it. */
static void linear(const model *m, int64_t layer, const char *what, const double *x, double *y) {
    const anm_tensor *w = find(m, "model.layers.%d.%s.weight", layer, what);
    const anm_tensor *b = find(m, "model.layers.%d.%s.bias", layer, what);
    assert_non_null(w);
    for (int64_t o = 0; o < w->shape[0]; o++) {
        double sum = b ? at(b, o) : 0;
        for (int64_t i = 0; i < w->shape[1]; i++) sum += at(w, o * w->shape[1] + i) * x[i];
        y[o] = sum;
    }
}

static void rms_norm(const model *m, const anm_tensor *w, const double *x, int64_t n, double *y) {
    double squares = 0;
    assert_non_null(w);
    for (int64_t i = 0; i < n; i++) squares += x[i] * x[i];
    double scale = 1 / sqrt(squares / (double)n + m->c.rms_norm_eps);
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * scale * at(w, i);
}

/* transformers' _compute_llama3_parameters, in its own terms: wavelengths. */
/*
 * YaRN told from the waves: how often each turns over the original context decides, but the ramp
 * between "kept" and "stretched" is straight in the index of the dimension.
 */
static double yarn_frequency(const anm_hf_rope *r, int64_t i, int64_t d) {
    double context = (double)r->original_max_position_embeddings,
           per_step = 2 * log(r->theta) / (double)d;
    double inv = exp(-per_step * (double)i);
    double first = floor(log(context / (2 * M_PI * r->beta_fast)) / per_step);
    double last = ceil(log(context / (2 * M_PI * r->beta_slow)) / per_step);
    if (first < 0) first = 0;
    if (last > (double)(d - 1)) last = (double)(d - 1);
    if ((double)i <= first) return inv;
    if ((double)i >= last) return inv / r->factor;
    double t = ((double)i - first) / (last - first);
    return inv * (1 - t + t / r->factor);
}

static double inverse_frequency(const anm_hf_rope *r, int64_t i, int64_t head_dim) {
    double inv = 1 / pow(r->theta, 2.0 * (double)i / (double)head_dim);
    if (r->type == ANM_ROPE_LINEAR) return inv / r->factor;
    if (r->type == ANM_ROPE_YARN) return yarn_frequency(r, i, head_dim);
    if (r->type != ANM_ROPE_LLAMA3) return inv;
    double old = (double)r->original_max_position_embeddings, wave = 2 * M_PI / inv;
    double low_wave = old / r->low_freq_factor, high_wave = old / r->high_freq_factor;
    if (wave < high_wave) return inv;
    if (wave > low_wave) return inv / r->factor;
    double smooth = (old / wave - r->low_freq_factor) / (r->high_freq_factor - r->low_freq_factor);
    return (1 - smooth) * inv / r->factor + smooth * inv;
}

/* Normalises (if the model does) and rotates each head of x in place. */
static void finish_heads(const model *m, int64_t layer, const char *norm, double *x, int64_t heads,
                         int64_t position) {
    int64_t d = m->c.head_dim, half = d / 2;
    const anm_tensor *w = find(m, "model.layers.%d.self_attn.%s.weight", layer, norm);
    for (double *h = x; h < x + heads * d; h += d) {
        if (w) rms_norm(m, w, h, d, h);
        for (int64_t i = 0; i < half; i++) {
            double angle = (double)position * inverse_frequency(&m->c.rope, i, d);
            /* YaRN's default attention factor, on cos and sin of queries and keys alike. */
            double gain = m->c.rope.type == ANM_ROPE_YARN ? 1 + 0.1 * log(m->c.rope.factor) : 1;
            double a = h[i], b = h[i + half];
            h[i] = gain * (a * cos(angle) - b * sin(angle));
            h[i + half] = gain * (b * cos(angle) + a * sin(angle));
        }
    }
}

static double dot(const double *a, const double *b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* out = softmax(q K / sqrt(d)) V of one head over positions 0 .. position. */
static void attend(const model *m, const double *q, const double *k, const double *v,
                   int64_t position, double *out) {
    int64_t d = m->c.head_dim, row = m->c.num_key_value_heads * d;
    double *p = zeros(position + 1), top = -INFINITY, sum = 0;
    for (int64_t t = 0; t <= position; t++) {
        p[t] = dot(q, k + t * row, d) / sqrt((double)d);
        if (p[t] > top) top = p[t];
    }
    for (int64_t t = 0; t <= position; t++) sum += p[t] = exp(p[t] - top);
    memset(out, 0, (size_t)d * sizeof *out);
    for (int64_t t = 0; t <= position; t++)
        for (int64_t i = 0; i < d; i++) out[i] += p[t] / sum * v[t * row + i];
    free(p);
}

static void attention(model *m, int64_t layer, int64_t position, double *hidden) {
    const anm_hf_config *c = &m->c;
    int64_t d = c->head_dim, row = c->num_key_value_heads * d, first = layer * m->tokens * row;
    int64_t group = c->num_attention_heads / c->num_key_value_heads;
    double *x = zeros(c->hidden_size), *q = zeros(c->num_attention_heads * d);
    double *mixed = zeros(c->num_attention_heads * d);
    double *k = m->k + first, *v = m->v + first;
    const anm_tensor *norm = find(m, "model.layers.%d.%s", layer, "input_layernorm.weight");
    rms_norm(m, norm, hidden, c->hidden_size, x);
    linear(m, layer, "self_attn.q_proj", x, q);
    linear(m, layer, "self_attn.k_proj", x, k + position * row);
    linear(m, layer, "self_attn.v_proj", x, v + position * row);
    finish_heads(m, layer, "q_norm", q, c->num_attention_heads, position);
    finish_heads(m, layer, "k_norm", k + position * row, c->num_key_value_heads, position);
    for (int64_t h = 0; h < c->num_attention_heads; h++)
        attend(m, q + h * d, k + h / group * d, v + h / group * d, position, mixed + h * d);
    linear(m, layer, "self_attn.o_proj", mixed, x);
    for (int64_t i = 0; i < c->hidden_size; i++) hidden[i] += x[i];
    free(x);
    free(q);
    free(mixed);
}

static void mlp(const model *m, int64_t layer, double *hidden) {
    const anm_hf_config *c = &m->c;
    double *x = zeros(c->hidden_size), *gate = zeros(c->intermediate_size);
    double *up = zeros(c->intermediate_size);
    const anm_tensor *norm =
        find(m, "model.layers.%d.%s", layer, "post_attention_layernorm.weight");
    rms_norm(m, norm, hidden, c->hidden_size, x);
    linear(m, layer, "mlp.gate_proj", x, gate);
    linear(m, layer, "mlp.up_proj", x, up);
    for (int64_t i = 0; i < c->intermediate_size; i++) gate[i] *= up[i] / (1 + exp(-gate[i]));
    linear(m, layer, "mlp.down_proj", gate, x);
    for (int64_t i = 0; i < c->hidden_size; i++) hidden[i] += x[i];
    free(x);
    free(gate);
    free(up);
}

static void head(const model *m, const double *hidden, double *logits) {
    int64_t n = m->c.hidden_size;
    double *x = zeros(n);
    const char *name = m->c.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
    const anm_tensor *w = anm_safetensors_find(m->file, name);
    assert_non_null(w);
    rms_norm(m, anm_safetensors_find(m->file, "model.norm.weight"), hidden, n, x);
    for (int64_t o = 0; o < m->c.vocab_size; o++) {
        logits[o] = 0;
        for (int64_t i = 0; i < n; i++) logits[o] += at(w, o * n + i) * x[i];
    }
    free(x);
}

static void step(model *m, int32_t token, int64_t position, double *logits) {
    int64_t n = m->c.hidden_size;
    const anm_tensor *embedding = anm_safetensors_find(m->file, "model.embed_tokens.weight");
    double *hidden = zeros(n);
    for (int64_t i = 0; i < n; i++) hidden[i] = at(embedding, token * n + i);
    for (int64_t layer = 0; layer < m->c.num_hidden_layers; layer++) {
        attention(m, layer, position, hidden);
        mlp(m, layer, hidden);
    }
    head(m, hidden, logits);
    free(hidden);
}

void reference_forward(const char *dir, const int32_t *tokens, int64_t count, double *logits) {
    char path[1024];
    anm_error err;
    model m = {.tokens = count};
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    assert_ok(anm_hf_config_read(dir, &m.c, &err), &err);
    assert_ok(anm_safetensors_open(path, &m.file, &err), &err);
    int64_t cache = m.c.num_hidden_layers * count * m.c.num_key_value_heads * m.c.head_dim;
    m.k = zeros(cache);
    m.v = zeros(cache);
    for (int64_t t = 0; t < count; t++) step(&m, tokens[t], t, logits + t * m.c.vocab_size);
    free(m.k);
    free(m.v);
    anm_safetensors_close(m.file);
}
