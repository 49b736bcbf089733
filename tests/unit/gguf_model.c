/* SPDX-License-Identifier: MIT */
#include "tests/unit/gguf_model.h"

#include <math.h>
#include <string.h>

#include "anemone/safetensors.h"
#include "src/base/arena.h"
#include "src/base/file.h"
#include "src/base/half.h"
#include "tests/unit/testing.h"
#include "tests/unit/tiny_model.h"

/* ---- types, value by value ---- */

static const struct {
    uint32_t type;
    int64_t block, bytes;
} types[] = {{GGUF_F32, 1, 4},     {GGUF_F16, 1, 2},      {GGUF_BF16, 1, 2},    {GGUF_Q8_0, 32, 34},
             {GGUF_Q4_0, 32, 18}, {GGUF_Q4_K, 256, 144}, {GGUF_Q6_K, 256, 210}};

static void sizes(uint32_t type, int64_t *block, int64_t *bytes) {
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        *block = types[i].block;
        *bytes = types[i].bytes;
        if (types[i].type == type) return;
    }
    fail_msg("no type %u", type);
}

static double half_at(const uint8_t *p) {
    uint16_t h;
    memcpy(&h, p, 2);
    return (double)anm_half_to_float(h);
}

static int q4_k_six_bits(const uint8_t *scales, int i, bool least) {
    if (i < 4) return scales[i + (least ? 4 : 0)] & 63;
    int low = least ? scales[i + 4] >> 4 : scales[i + 4] & 15;
    return low + 16 * (scales[least ? i : i - 4] >> 6);
}

static double q4_k(const uint8_t *b, int i) {
    int sub = i / 32, byte = b[16 + 32 * (sub / 2) + i % 32];
    int nibble = sub % 2 ? byte >> 4 : byte & 15;
    return half_at(b) * q4_k_six_bits(b + 4, sub, false) * nibble -
           half_at(b + 2) * q4_k_six_bits(b + 4, sub, true);
}

static double q6_k(const uint8_t *b, int i) {
    int half = i / 128, quarter = i % 128 / 32, k = i % 32;
    int low = b[64 * half + 32 * (quarter % 2) + k] >> (quarter / 2 * 4) & 15;
    int high = b[128 + 32 * half + k] >> (2 * quarter) & 3;
    return half_at(b + 208) * (int8_t)b[192 + i / 16] * (low + 16 * high - 32);
}

float gguf_value(uint32_t type, const uint8_t *data, int64_t index) {
    int64_t block, bytes;
    uint16_t word;
    float single;
    sizes(type, &block, &bytes);
    const uint8_t *b = data + index / block * bytes;
    int i = (int)(index % block);
    switch (type) {
    case GGUF_F32: memcpy(&single, b, 4); return single;
    case GGUF_F16: return (float)half_at(b);
    case GGUF_BF16: memcpy(&word, b, 2); return anm_bf16_to_float(word);
    case GGUF_Q8_0: return (float)(half_at(b) * (int8_t)b[2 + i]);
    case GGUF_Q4_0: return (float)(half_at(b) * ((b[2 + i % 16] >> (i / 16 * 4) & 15) - 8));
    case GGUF_Q4_K: return (float)q4_k(b, i);
    default: return (float)q6_k(b, i);
    }
}

static uint64_t draw(uint64_t *seed) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static void put_half(uint8_t *p, double value) {
    uint16_t h = anm_half_from_double(value);
    memcpy(p, &h, 2);
}

/* In [1, 2) times `size`. */
static double scale(uint64_t *seed, double size) {
    return size * (1 + (double)(draw(seed) % 1000) / 1000);
}

static void random_block(uint32_t type, uint8_t *b, int64_t bytes, uint64_t *seed) {
    float uniform = ((float)(draw(seed) % 20001) - 10000) * 1e-5f;
    uint16_t word = anm_bf16_from_float(uniform);
    for (int64_t i = 0; i < bytes; i++) b[i] = (uint8_t)draw(seed);
    switch (type) {
    case GGUF_F32: memcpy(b, &uniform, 4); break;
    case GGUF_F16: put_half(b, (double)uniform); break;
    case GGUF_BF16: memcpy(b, &word, 2); break;
    case GGUF_Q8_0: put_half(b, scale(seed, 5e-4)); break;
    case GGUF_Q4_0: put_half(b, scale(seed, 8e-3)); break;
    case GGUF_Q4_K:
        put_half(b, scale(seed, 2e-4));
        put_half(b + 2, scale(seed, 1.5e-3));
        break;
    default: put_half(b + 208, scale(seed, 2e-5)); break;
    }
}

size_t gguf_random(uint32_t type, uint8_t *data, int64_t count, uint64_t *seed) {
    int64_t block, bytes;
    sizes(type, &block, &bytes);
    for (int64_t i = 0; i < count / block; i++) random_block(type, data + i * bytes, bytes, seed);
    return (size_t)(count / block * bytes);
}

/* ---- the model ---- */

enum { HIDDEN = 256, LAYERS = 2, HEADS = 4, KV_HEADS = 2, HEAD_DIM = 64, INNER = 512, VOCAB = 96,
       MOST = 40 };

typedef struct maker {
    const gguf_model *m;
    anm_arena *arena;
    gguf_writer files[8];
    anm_tensor tensors[MOST];
    int count, part;
    uint64_t seed;
} maker;

static bool is_gemma(const maker *k) {
    return strcmp(k->m->arch, "gemma3") == 0;
}

/* The file keeps row 2i + t of a head where the model has row half * t + i. */
static int64_t stored_row(int64_t row, int64_t heads, int64_t rows) {
    int64_t head_dim = rows / heads, half = head_dim / 2;
    for (int64_t h = 0; h < heads; h++)
        for (int64_t t = 0; t < 2; t++)
            for (int64_t i = 0; i < half; i++)
                if (h * head_dim + t * half + i == row) return h * head_dim + 2 * i + t;
    return -1;
}

static void add_dequantised(maker *k, const char *hf, uint32_t type, int rank,
                            const int64_t *shape, const uint8_t *data, int64_t heads) {
    anm_tensor *t = &k->tensors[k->count++];
    int64_t columns = rank == 2 ? shape[1] : 1;
    float plus = is_gemma(k) && rank == 1 ? 1 : 0; /* the file's norms are the model's plus one */
    *t = (anm_tensor){hf, ANM_DTYPE_FP32, rank, {shape[0], columns}, NULL, 0};
    t->bytes = (size_t)(shape[0] * columns) * sizeof(float);
    float *values = t->data = anm_arena_alloc(k->arena, t->bytes);
    for (int64_t row = 0; row < shape[0]; row++) {
        int64_t from = heads ? stored_row(row, heads, shape[0]) : row;
        for (int64_t c = 0; c < columns; c++)
            values[row * columns + c] = gguf_value(type, data, from * columns + c) - plus;
    }
}

/* heads: of a query or key projection of an architecture that keeps them in pairs, else 0. */
static void add(maker *k, const char *gguf, const char *hf, uint32_t type, int64_t rows,
                int64_t columns, int64_t heads) {
    int64_t shape[2] = {rows, columns}, count = columns ? rows * columns : rows;
    uint8_t *data = anm_arena_alloc(k->arena, (size_t)count * 4);
    size_t bytes = gguf_random(type, data, count, &k->seed);
    for (int64_t i = 0; is_gemma(k) && !columns && i < count; i++) {
        float norm = 1 + gguf_value(type, data, i);
        memcpy(data + 4 * i, &norm, 4);
    }
    int parts = k->m->files ? k->m->files : 1;
    assert_true(k->count < MOST);
    gguf_put_tensor(&k->files[k->part++ % parts], gguf, type, columns ? 2 : 1, shape, data, bytes);
    add_dequantised(k, hf, type, columns ? 2 : 1, shape, data, heads);
}

static char *text(maker *k, const char *pattern, int layer, const char *ending) {
    char *base = anm_arena_printf(k->arena, "%s%d.", pattern, layer);
    return anm_arena_printf(k->arena, "%s%s", base, ending);
}

static void add_norm(maker *k, int layer, const char *gguf, const char *hf, int64_t size) {
    add(k, text(k, "blk.", layer, gguf), text(k, "model.layers.", layer, hf), GGUF_F32, size, 0, 0);
}

static void add_matrix(maker *k, int layer, const char *gguf, const char *hf, int64_t rows,
                       int64_t columns, int64_t heads) {
    add(k, text(k, "blk.", layer, gguf), text(k, "model.layers.", layer, hf), k->m->type, rows,
        columns, heads);
}

static void add_layer(maker *k, int layer) {
    bool paired = strcmp(k->m->arch, "llama") == 0;
    int64_t q = HEADS * HEAD_DIM, kv = KV_HEADS * HEAD_DIM;
    add_norm(k, layer, "attn_norm.weight", "input_layernorm.weight", HIDDEN);
    add_matrix(k, layer, "attn_q.weight", "self_attn.q_proj.weight", q, HIDDEN,
               paired ? HEADS : 0);
    add_matrix(k, layer, "attn_k.weight", "self_attn.k_proj.weight", kv, HIDDEN,
               paired ? KV_HEADS : 0);
    add_matrix(k, layer, "attn_v.weight", "self_attn.v_proj.weight", kv, HIDDEN, 0);
    if (strcmp(k->m->arch, "qwen2") == 0) {
        add_norm(k, layer, "attn_q.bias", "self_attn.q_proj.bias", q);
        add_norm(k, layer, "attn_k.bias", "self_attn.k_proj.bias", kv);
        add_norm(k, layer, "attn_v.bias", "self_attn.v_proj.bias", kv);
    }
    if (strcmp(k->m->arch, "qwen3") == 0 || is_gemma(k)) {
        add_norm(k, layer, "attn_q_norm.weight", "self_attn.q_norm.weight", HEAD_DIM);
        add_norm(k, layer, "attn_k_norm.weight", "self_attn.k_norm.weight", HEAD_DIM);
    }
    add_matrix(k, layer, "attn_output.weight", "self_attn.o_proj.weight", HIDDEN, q, 0);
    if (is_gemma(k)) {
        add_norm(k, layer, "post_attention_norm.weight", "post_attention_layernorm.weight", HIDDEN);
        add_norm(k, layer, "ffn_norm.weight", "pre_feedforward_layernorm.weight", HIDDEN);
        add_norm(k, layer, "post_ffw_norm.weight", "post_feedforward_layernorm.weight", HIDDEN);
    } else {
        add_norm(k, layer, "ffn_norm.weight", "post_attention_layernorm.weight", HIDDEN);
    }
    add_matrix(k, layer, "ffn_gate.weight", "mlp.gate_proj.weight", INNER, HIDDEN, 0);
    add_matrix(k, layer, "ffn_up.weight", "mlp.up_proj.weight", INNER, HIDDEN, 0);
    add_matrix(k, layer, "ffn_down.weight", "mlp.down_proj.weight", HIDDEN, INNER, 0);
}

/* Computed in fp32 as the tool that writes such files does. */
static void add_factors(maker *k) {
    float factors[HEAD_DIM / 2];
    int64_t shape = HEAD_DIM / 2;
    for (int i = 0; i < HEAD_DIM / 2; i++) {
        float frequency = 1.0f / powf(500000.0f, (float)(2 * i) / HEAD_DIM);
        float wave = 6.2831853f / frequency, smooth = (8192 / wave - 1) / 3;
        factors[i] = wave < 2048 ? 1 : wave > 8192 ? 32 : 1 / ((1 - smooth) / 32 + smooth);
    }
    gguf_put_tensor(&k->files[0], "rope_freqs.weight", GGUF_F32, 1, &shape, factors,
                    sizeof factors);
}

static void put_size(gguf_writer *w, const char *arch, const char *key, uint32_t value) {
    char full[100];
    snprintf(full, sizeof full, "%s.%s", arch, key);
    gguf_put_u32(w, full, value);
}

static void put_metadata(maker *k) {
    const char *arch = k->m->arch;
    gguf_writer *w = &k->files[0];
    char key[100];
    gguf_put_text(w, "general.architecture", arch);
    gguf_put_u32(w, "general.file_type", 7);
    put_size(w, arch, "block_count", LAYERS);
    put_size(w, arch, "embedding_length", HIDDEN);
    put_size(w, arch, "feed_forward_length", INNER);
    put_size(w, arch, "attention.head_count", HEADS);
    put_size(w, arch, "attention.head_count_kv", KV_HEADS);
    put_size(w, arch, "context_length", 4096);
    snprintf(key, sizeof key, "%s.attention.layer_norm_rms_epsilon", arch);
    gguf_put_f32(w, key, 1e-5f);
    snprintf(key, sizeof key, "%s.rope.freq_base", arch);
    gguf_put_f32(w, key, 500000);
    if (is_gemma(k)) put_size(w, arch, "attention.sliding_window", 32);
    if (k->m->more) k->m->more(w);
}

static void write_config(maker *k, const char *dir) {
    static const char scaling[] =
        ", \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 32, \"low_freq_factor\": 1, "
        "\"high_freq_factor\": 4, \"original_max_position_embeddings\": 8192}";
    static const char gemma[] =
        ", \"hidden_activation\": \"gelu_pytorch_tanh\", \"sliding_window\": 32, "
        "\"query_pre_attn_scalar\": 64, \"rope_local_base_freq\": 10000.0";
    const char *type = k->m->arch, *more = k->m->llama3 ? scaling : is_gemma(k) ? gemma : "";
    anm_error err;
    char *config = anm_arena_printf(
        k->arena,
        "{\"model_type\": \"%s%s\", \"architectures\": [\"%c%sForCausalLM\"], \"hidden_size\": %d, "
        "\"num_hidden_layers\": %d, \"num_attention_heads\": %d, \"num_key_value_heads\": %d, "
        "\"head_dim\": %d, \"intermediate_size\": %d, \"vocab_size\": %d, "
        "\"max_position_embeddings\": 4096, \"rms_norm_eps\": 1e-5, \"rope_theta\": 500000.0, "
        "\"tie_word_embeddings\": %s%s}", type, is_gemma(k) ? "_text" : "", *type - 32, type + 1,
        HIDDEN, LAYERS, HEADS, KV_HEADS, HEAD_DIM, INNER, VOCAB, k->m->tied ? "true" : "false",
        more);
    const char *path = anm_path_join(k->arena, dir, "config.json");
    assert_ok(anm_file_write(path, config, strlen(config), &err), &err);
}

static void write_files(maker *k, const char *path) {
    int files = k->m->files;
    if (files <= 1) {
        gguf_write(&k->files[0], path);
        return;
    }
    for (int i = 0; i < files; i++) {
        gguf_put_u16(&k->files[i], "split.no", (uint16_t)i);
        gguf_put_u16(&k->files[i], "split.count", (uint16_t)files);
        gguf_put_i32(&k->files[i], "split.tensors.count", k->count + k->m->llama3);
        gguf_write(&k->files[i], anm_arena_printf(k->arena, "%s-%05d-of-%05d.gguf", path, i + 1,
                                                  files));
    }
}

void gguf_model_write(const gguf_model *m, const char *path, const char *hf_dir) {
    anm_error err;
    maker *k = calloc(1, sizeof *k);
    assert_non_null(k);
    *k = (maker){.m = m, .arena = anm_arena_create(), .seed = 4711};
    put_metadata(k);
    add(k, "token_embd.weight", "model.embed_tokens.weight", m->type, VOCAB, HIDDEN, 0);
    for (int layer = 0; layer < LAYERS; layer++) add_layer(k, layer);
    add(k, "output_norm.weight", "model.norm.weight", GGUF_F32, HIDDEN, 0, 0);
    if (!m->tied) add(k, "output.weight", "lm_head.weight", m->type, VOCAB, HIDDEN, 0);
    if (m->llama3) add_factors(k);
    fresh_directory(hf_dir);
    write_config(k, hf_dir);
    const char *weights = anm_path_join(k->arena, hf_dir, "model.safetensors");
    assert_ok(anm_safetensors_write(weights, k->tensors, (size_t)k->count, NULL, &err), &err);
    write_files(k, path);
    anm_arena_destroy(k->arena);
    free(k);
}
