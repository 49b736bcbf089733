/* SPDX-License-Identifier: MIT */
#include "tests/unit/tiny_model.h"

#include <math.h>
#include <string.h>

#include "anemone/safetensors.h"
#include "src/base/dtype.h"
#include "src/base/file.h"
#include "tests/unit/testing.h"

enum { MOST = 128 };

typedef struct writer {
    const tiny_model *m;
    anm_arena *arena;
    anm_tensor tensors[MOST];
    size_t count;
    uint64_t seed;
} writer;

/* Uniform in [-1, 1). */
static double draw(writer *w) {
    w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(int64_t)(w->seed >> 11) / 0x1p52 - 1;
}

static bool is(const char *a, const char *b) {
    return a && strcmp(a, b) == 0;
}

/* Values of `center` + `spread` * uniform. */
static void add(writer *w, const char *name, int64_t rows, int64_t columns, double center,
                double spread) {
    const tiny_model *m = w->m;
    if (is(m->missing, name)) return;
    assert_true(w->count < MOST);
    anm_tensor *t = &w->tensors[w->count++];
    t->name = anm_arena_strdup(w->arena, name);
    t->dtype = is(m->retyped, name) ? ANM_DTYPE_FP64 : m->dtype;
    t->rank = columns ? 2 : 1;
    t->shape[0] = rows + is(m->reshaped, name);
    t->shape[1] = columns;
    int64_t n = anm_shape_elements(t->shape, t->rank);
    assert_true(anm_dtype_bytes(t->dtype, n, &t->bytes));
    t->data = anm_arena_alloc(w->arena, t->bytes);
    for (int64_t i = 0; i < n; i++)
        anm_element_set(t->dtype, t->data, i, center + spread * draw(w));
    if (!is(m->huge, name)) return;
    anm_element_set(t->dtype, t->data, 1, 1e5);
    anm_element_set(t->dtype, t->data, n - 1, -2e6);
}

/* Rows of variance 1 / columns: activations keep their size. */
static void add_matrix(writer *w, const char *name, int64_t rows, int64_t columns) {
    add(w, name, rows, columns, 0, sqrt(3.0 / (double)columns));
}

static void add_projection(writer *w, int64_t layer, const char *what, int64_t rows,
                           int64_t columns, bool bias) {
    char name[200];
    snprintf(name, sizeof name, "model.layers.%d.%s.weight", (int)layer, what);
    add_matrix(w, name, rows, columns);
    snprintf(name, sizeof name, "model.layers.%d.%s.bias", (int)layer, what);
    if (bias) add(w, name, rows, 0, 0, 0.5);
}

static void add_norm(writer *w, int64_t layer, const char *what, int64_t size) {
    char name[200];
    snprintf(name, sizeof name, "model.layers.%d.%s.weight", (int)layer, what);
    add(w, name, size, 0, 1, 0.3);
}

static void add_layer(writer *w, int64_t layer) {
    const tiny_model *m = w->m;
    int64_t q = m->heads * m->head_dim, kv = m->kv_heads * m->head_dim;
    add_norm(w, layer, "input_layernorm", m->hidden);
    add_projection(w, layer, "self_attn.q_proj", q, m->hidden, m->qkv_bias);
    add_projection(w, layer, "self_attn.k_proj", kv, m->hidden, m->qkv_bias);
    add_projection(w, layer, "self_attn.v_proj", kv, m->hidden, m->qkv_bias);
    if (m->qk_norm) {
        add_norm(w, layer, "self_attn.q_norm", m->head_dim);
        add_norm(w, layer, "self_attn.k_norm", m->head_dim);
    }
    add_projection(w, layer, "self_attn.o_proj", m->hidden, q, m->out_bias);
    add_norm(w, layer, "post_attention_layernorm", m->hidden);
    add_projection(w, layer, "mlp.gate_proj", m->inner, m->hidden, m->mlp_bias);
    add_projection(w, layer, "mlp.up_proj", m->inner, m->hidden, m->mlp_bias);
    add_projection(w, layer, "mlp.down_proj", m->hidden, m->inner, m->mlp_bias);
}

static void write_config(const tiny_model *m, const char *dir) {
    char path[300], text[2000];
    anm_error err;
    snprintf(text, sizeof text,
             "{\"model_type\": \"%s\", \"architectures\": [\"%s\"], \"hidden_size\": %d, "
             "\"num_hidden_layers\": %d, \"num_attention_heads\": %d, "
             "\"num_key_value_heads\": %d, \"head_dim\": %d, \"intermediate_size\": %d, "
             "\"vocab_size\": %d, \"tie_word_embeddings\": %s, \"attention_bias\": %s, "
             "\"mlp_bias\": %s%s%s}\n",
             m->model_type, m->architecture, (int)m->hidden, (int)m->layers, (int)m->heads,
             (int)m->kv_heads, (int)m->head_dim, (int)m->inner, (int)m->vocab,
             m->tied ? "true" : "false", m->out_bias ? "true" : "false",
             m->mlp_bias ? "true" : "false", m->config ? ", " : "", m->config ? m->config : "");
    snprintf(path, sizeof path, "%s/config.json", dir);
    assert_ok(anm_file_write(path, text, strlen(text), &err), &err);
}

void fresh_directory(const char *dir) {
    anm_error err;
    assert_ok(anm_path_remove(dir, &err), &err);
    assert_ok(anm_dir_create(dir, &err), &err);
}

void tiny_model_write(const tiny_model *m, const char *dir) {
    char path[300];
    anm_error err;
    writer *w = calloc(1, sizeof *w);
    assert_non_null(w);
    *w = (writer){.m = m, .arena = anm_arena_create(), .seed = 20250701};
    fresh_directory(dir);
    write_config(m, dir);
    add(w, "model.embed_tokens.weight", m->vocab, m->hidden, 0, 1);
    for (int64_t layer = 0; layer < m->layers; layer++) add_layer(w, layer);
    add(w, "model.norm.weight", m->hidden, 0, 1, 0.3);
    if (!m->tied) add_matrix(w, "lm_head.weight", m->vocab, m->hidden);
    if (m->surplus) add(w, m->surplus, 4, 0, 0, 1);
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    assert_ok(anm_safetensors_write(path, w->tensors, w->count, NULL, &err), &err);
    anm_arena_destroy(w->arena);
    free(w);
}
