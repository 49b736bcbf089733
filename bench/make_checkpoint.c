/* SPDX-License-Identifier: MIT */
/*
 * Makes a Hugging Face checkpoint of random weights, of any size, for timing the converter and the
 * engine without a download: config.json, generation_config.json and safetensors shards, no
 * tokenizer. Each tensor's numbers depend on the seed and its name only, so that the number of
 * shards does not change the model. Weights are streamed: memory stays at a few MB.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/base/half.h"
#include "src/base/json.h"
#include "src/base/map.h"
#include "src/base/vec.h"
#include "src/hf/checkpoint.h"
#include "src/hf/config.h"
#include "src/hf/safetensors_internal.h"

typedef enum family { QWEN3, QWEN2, LLAMA, GEMMA3, FAMILIES } family;

typedef struct spec {
    const char *preset;
    int family;
    int64_t hidden, layers, heads, kv_heads, head_dim, intermediate, vocab, positions;
    int tied;
    double theta, eps;
    double llama3_factor; /* 0: no RoPE scaling */
    int64_t window;       /* GEMMA3: of 5 layers in 6 */
    int dtype;
    int64_t seed, shards;
    int force;
    const char *out;
} spec;

/* Sizes of the published models. */
static const spec presets[] = {
    {"tiny", QWEN3, 64, 2, 4, 2, 16, 96, 128, 256, 1, 1e6, 1e-6, 0},
    {"qwen3-0.6b", QWEN3, 1024, 28, 16, 8, 128, 3072, 151936, 40960, 1, 1e6, 1e-6, 0},
    {"qwen3-1.7b", QWEN3, 2048, 28, 16, 8, 128, 6144, 151936, 40960, 1, 1e6, 1e-6, 0},
    {"qwen3-4b", QWEN3, 2560, 36, 32, 8, 128, 9728, 151936, 40960, 1, 1e6, 1e-6, 0},
    {"qwen3-8b", QWEN3, 4096, 36, 32, 8, 128, 12288, 151936, 40960, 0, 1e6, 1e-6, 0},
    {"qwen2.5-0.5b", QWEN2, 896, 24, 14, 2, 64, 4864, 151936, 32768, 1, 1e6, 1e-6, 0},
    {"qwen2.5-1.5b", QWEN2, 1536, 28, 12, 2, 128, 8960, 151936, 32768, 1, 1e6, 1e-6, 0},
    {"qwen2.5-3b", QWEN2, 2048, 36, 16, 2, 128, 11008, 151936, 32768, 1, 1e6, 1e-6, 0},
    {"llama-3.2-1b", LLAMA, 2048, 16, 32, 8, 64, 8192, 128256, 131072, 1, 5e5, 1e-5, 32},
    {"llama-3.2-3b", LLAMA, 3072, 28, 24, 8, 128, 8192, 128256, 131072, 1, 5e5, 1e-5, 32},
    {"llama-3.1-8b", LLAMA, 4096, 32, 32, 8, 128, 14336, 128256, 131072, 0, 5e5, 1e-5, 8},
    {"tinyllama-1.1b", LLAMA, 2048, 22, 32, 4, 64, 5632, 32000, 2048, 0, 1e4, 1e-5, 0},
    {"gemma3-270m", GEMMA3, 640, 18, 4, 1, 256, 2048, 262144, 32768, 1, 1e6, 1e-6, 0, 512},
    {"gemma3-1b", GEMMA3, 1152, 26, 4, 1, 256, 6912, 262144, 32768, 1, 1e6, 1e-6, 0, 512},
};
enum { PRESETS = sizeof presets / sizeof presets[0] };

static const struct {
    const char *name, *model_type, *architecture;
} families[] = {
    [QWEN3] = {"qwen3", "qwen3", "Qwen3ForCausalLM"},
    [QWEN2] = {"qwen2", "qwen2", "Qwen2ForCausalLM"},
    [LLAMA] = {"llama", "llama", "LlamaForCausalLM"},
    [GEMMA3] = {"gemma3", "gemma3_text", "Gemma3ForCausalLM"},
};

static const struct {
    const char *name, *torch;
    anm_dtype dtype;
} dtypes[] = {
    {"bf16", "bfloat16", ANM_DTYPE_BF16},
    {"f16", "float16", ANM_DTYPE_FP16},
    {"f32", "float32", ANM_DTYPE_FP32},
};

/* ---- the tensors of a model ---- */

typedef ANM_VEC(anm_tensor) tensor_list;

typedef struct plan {
    const spec *s;
    anm_arena *arena;
    tensor_list tensors;
    bool failed;
} plan;

/* A matrix, or a vector if columns is 0. */
static void add(plan *p, const char *name, int64_t rows, int64_t columns) {
    anm_tensor t = {.name = name, .dtype = dtypes[p->s->dtype].dtype, .rank = columns ? 2 : 1};
    t.shape[0] = rows;
    t.shape[1] = columns;
    int64_t elements = anm_shape_elements(t.shape, t.rank);
    if (!name || !anm_dtype_bytes(t.dtype, elements, &t.bytes) || !anm_vec_push(&p->tensors, t))
        p->failed = true;
}

static void add_layer(plan *p, int64_t layer) {
    const spec *s = p->s;
    int64_t q = s->heads * s->head_dim, kv = s->kv_heads * s->head_dim;
#define LAYER(name, rows, columns)                                                                 \
    add(p, anm_arena_printf(p->arena, "model.layers.%d." name, (int)layer), (rows), (columns))
    LAYER("input_layernorm.weight", s->hidden, 0);
    LAYER("self_attn.q_proj.weight", q, s->hidden);
    LAYER("self_attn.k_proj.weight", kv, s->hidden);
    LAYER("self_attn.v_proj.weight", kv, s->hidden);
    LAYER("self_attn.o_proj.weight", s->hidden, q);
    if (s->family == QWEN2) {
        LAYER("self_attn.q_proj.bias", q, 0);
        LAYER("self_attn.k_proj.bias", kv, 0);
        LAYER("self_attn.v_proj.bias", kv, 0);
    }
    if (s->family == QWEN3 || s->family == GEMMA3) {
        LAYER("self_attn.q_norm.weight", s->head_dim, 0);
        LAYER("self_attn.k_norm.weight", s->head_dim, 0);
    }
    LAYER("post_attention_layernorm.weight", s->hidden, 0);
    if (s->family == GEMMA3) {
        LAYER("pre_feedforward_layernorm.weight", s->hidden, 0);
        LAYER("post_feedforward_layernorm.weight", s->hidden, 0);
    }
    LAYER("mlp.gate_proj.weight", s->intermediate, s->hidden);
    LAYER("mlp.up_proj.weight", s->intermediate, s->hidden);
    LAYER("mlp.down_proj.weight", s->hidden, s->intermediate);
#undef LAYER
}

static void add_model(plan *p) {
    const spec *s = p->s;
    add(p, "model.embed_tokens.weight", s->vocab, s->hidden);
    for (int64_t i = 0; i < s->layers; i++) add_layer(p, i);
    add(p, "model.norm.weight", s->hidden, 0);
    if (!s->tied) add(p, "lm_head.weight", s->vocab, s->hidden);
}

/* ---- random numbers ---- */

enum { SAMPLES = 1 << 16, CHUNK = 1 << 18 };

/*
 * Normal-like samples in the file's element type, drawn once: a weight is a random entry, which
 * takes 16 random bits and no arithmetic.
 */
typedef struct samples {
    unsigned char weight[SAMPLES * 4], norm[SAMPLES * 4];
    unsigned char chunk[CHUNK * 4];
} samples;

/* xorshift64*, Vigna 2016, "An experimental exploration of Marsaglia's xorshift generators". */
static uint64_t next_random(uint64_t *state) {
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(2685821657736338717);
}

/* Sum of four uniforms on [-1/2, 1/2], scaled to variance 1. */
static double next_normal(uint64_t *state) {
    uint64_t r = next_random(state);
    double sum = 0;
    for (int i = 0; i < 4; i++, r >>= 16) sum += ((double)(r & 0xffff) + 0.5) / 65536 - 0.5;
    return sum * sqrt(3);
}

/* Gains are around 1; Gemma's norms add the 1. */
static void fill_samples(samples *s, anm_dtype dtype, double gain) {
    uint64_t state = 88172645463325252;
    for (int i = 0; i < SAMPLES; i++) {
        double z = next_normal(&state);
        anm_element_set(dtype, s->weight, i, 0.02 * z);
        anm_element_set(dtype, s->norm, i, gain + 0.1 * z);
    }
}

static void draw16(uint16_t *out, const uint16_t *table, size_t count, uint64_t *state) {
    for (size_t i = 0; i < count;) {
        uint64_t r = next_random(state);
        for (int j = 0; j < 4 && i < count; j++, r >>= 16) out[i++] = table[r & 0xffff];
    }
}

static void draw32(uint32_t *out, const uint32_t *table, size_t count, uint64_t *state) {
    for (size_t i = 0; i < count;) {
        uint64_t r = next_random(state);
        for (int j = 0; j < 4 && i < count; j++, r >>= 16) out[i++] = table[r & 0xffff];
    }
}

static anm_status write_tensor(anm_writer *w, samples *s, const anm_tensor *t, uint64_t seed,
                               anm_error *err) {
    size_t element = (size_t)anm_dtype_bits(t->dtype) / 8, left = t->bytes / element;
    const void *table = strstr(t->name, "norm.weight") ? s->norm : s->weight;
    uint64_t state = anm_hash_bytes(t->name, strlen(t->name)) ^ seed * 0x9e3779b97f4a7c15;
    state |= 1; /* from zero the generator would never leave */
    for (int i = 0; i < 8; i++) next_random(&state);
    while (left) {
        size_t count = left < CHUNK ? left : CHUNK;
        if (element == 2)
            draw16((uint16_t *)(void *)s->chunk, table, count, &state);
        else
            draw32((uint32_t *)(void *)s->chunk, table, count, &state);
        ANM_TRY(anm_writer_write(w, s->chunk, count * element, err));
        left -= count;
    }
    return ANM_OK;
}

/* ---- files ---- */

typedef struct output {
    const spec *s;
    const char *dir;
    plan plan;
    samples *samples;
    uint64_t total;
} output;

static anm_status write_json(output *o, const char *name, json_t *root, anm_error *err) {
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    const char *path = anm_path_join(o->plan.arena, o->dir, name);
    json_decref(root);
    anm_status status =
        text && path ? anm_file_write(path, text, strlen(text), err) : anm_fail_memory(err);
    free(text);
    return status;
}

static json_t *rope_scaling(const spec *s) {
    if (s->llama3_factor <= 0) return json_null();
    return json_pack("{s:s, s:f, s:f, s:f, s:i}", "rope_type", "llama3", "factor",
                     s->llama3_factor, "low_freq_factor", 1.0, "high_freq_factor", 4.0,
                     "original_max_position_embeddings", 8192);
}

/* The family's own ids where the vocabulary has them. */
static void special_ids(const spec *s, json_int_t *bos, json_int_t *eos) {
    *bos = s->family == LLAMA ? 128000 : s->family == GEMMA3 ? 2 : 151643;
    *eos = s->family == LLAMA ? 128001 : s->family == GEMMA3 ? 1 : 151645;
    if (*eos < s->vocab) return;
    *bos = 0;
    *eos = s->vocab > 1 ? 1 : 0;
}

static int add_gemma_keys(const spec *s, json_t *config) {
    int64_t window = s->window ? s->window : 512;
    json_t *keys = json_pack("{s:s, s:I, s:i, s:I, s:f, s:n, s:n}", "hidden_activation",
                             "gelu_pytorch_tanh", "sliding_window", (json_int_t)window,
                             "_sliding_window_pattern", 6, "query_pre_attn_scalar",
                             (json_int_t)s->head_dim, "rope_local_base_freq", 1e4,
                             "attn_logit_softcapping", "final_logit_softcapping");
    int failed = !keys || json_object_update(config, keys);
    json_decref(keys);
    return failed;
}

static anm_status write_configs(output *o, anm_error *err) {
    const spec *s = o->s;
    json_int_t bos, eos;
    special_ids(s, &bos, &eos);
    json_t *config = json_pack(
        "{s:[s], s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o, s:b, s:s, s:s, s:I,"
        " s:I}",
        "architectures", families[s->family].architecture, "model_type",
        families[s->family].model_type, "hidden_size", (json_int_t)s->hidden, "num_hidden_layers",
        (json_int_t)s->layers, "num_attention_heads", (json_int_t)s->heads, "num_key_value_heads",
        (json_int_t)s->kv_heads, "head_dim", (json_int_t)s->head_dim, "intermediate_size",
        (json_int_t)s->intermediate, "vocab_size", (json_int_t)s->vocab, "max_position_embeddings",
        (json_int_t)s->positions, "rope_theta", s->theta, "rms_norm_eps", s->eps, "rope_scaling",
        rope_scaling(s), "tie_word_embeddings", s->tied, "hidden_act", "silu",
        "torch_dtype", dtypes[s->dtype].torch, "bos_token_id", bos, "eos_token_id", eos);
    /* Qwen 2 always has these biases and no key for them. */
    if (config && s->family != QWEN2) json_object_set_new(config, "attention_bias", json_false());
    if (config && s->family == GEMMA3 && add_gemma_keys(s, config)) {
        json_decref(config);
        return anm_fail_memory(err);
    }
    ANM_TRY(write_json(o, "config.json", config, err));
    return write_json(o, "generation_config.json",
                      json_pack("{s:I, s:[I]}", "bos_token_id", bos, "eos_token_id", eos), err);
}

static anm_status write_stream(output *o, anm_writer *w, const char *path,
                               const anm_tensor *tensors, size_t count, size_t *order,
                               anm_error *err) {
    static const char *const metadata[] = {"format", "pt", NULL};
    anm_strbuf header = {0};
    anm_status status =
        anm_safetensors_build_header(path, tensors, count, metadata, order, &header, err);
    if (status == ANM_OK) status = anm_writer_write(w, header.data, header.len, err);
    anm_strbuf_free(&header);
    for (size_t i = 0; i < count && status == ANM_OK; i++)
        status = write_tensor(w, o->samples, &tensors[order[i]], (uint64_t)o->s->seed, err);
    return status;
}

static anm_status write_shard(output *o, const char *name, const anm_tensor *tensors, size_t count,
                              anm_error *err) {
    anm_writer *w;
    const char *path = anm_path_join(o->plan.arena, o->dir, name);
    size_t *order = ANM_ARENA_ARRAY(o->plan.arena, size_t, count);
    if (!path || !order) return anm_fail_memory(err);
    ANM_TRY(anm_writer_open(path, &w, err));
    anm_status status = write_stream(o, w, path, tensors, count, order, err);
    if (status == ANM_OK) return anm_writer_commit(w, err);
    anm_writer_abort(w);
    return status;
}

/* Where shard `index` ends: tensors are dealt out in order, by equal shares of the bytes. */
static size_t shard_end(const output *o, size_t begin, int64_t index, uint64_t *done) {
    const tensor_list *all = &o->plan.tensors;
    int64_t later = o->s->shards - 1 - index; /* each later shard needs a tensor of its own */
    size_t end = begin, limit = all->len - (size_t)later;
    double target = (double)o->total * (double)(index + 1) / (double)o->s->shards;
    if (!later) return all->len;
    do {
        *done += all->data[end++].bytes;
    } while (end < limit && (double)*done < target);
    return end;
}

static anm_status write_shards(output *o, json_t *map, anm_error *err) {
    uint64_t done = 0;
    size_t begin = 0;
    for (int64_t i = 0; i < o->s->shards; i++) {
        size_t end = shard_end(o, begin, i, &done);
        const char *name = anm_arena_printf(o->plan.arena, "model-%05d-of-%05d.safetensors",
                                            (int)i + 1, (int)o->s->shards);
        if (!name) return anm_fail_memory(err);
        ANM_TRY(write_shard(o, name, o->plan.tensors.data + begin, end - begin, err));
        for (; begin < end; begin++)
            if (json_object_set_new(map, o->plan.tensors.data[begin].name, json_string(name)))
                return anm_fail_memory(err);
    }
    return ANM_OK;
}

static anm_status write_weights(output *o, anm_error *err) {
    const tensor_list *all = &o->plan.tensors;
    if (o->s->shards == 1)
        return write_shard(o, "model.safetensors", all->data, all->len, err);
    json_t *map = json_object();
    anm_status status = map ? write_shards(o, map, err) : anm_fail_memory(err);
    if (status != ANM_OK) {
        json_decref(map);
        return status;
    }
    return write_json(o, "model.safetensors.index.json",
                      json_pack("{s:{s:I}, s:o}", "metadata", "total_size", (json_int_t)o->total,
                                "weight_map", map), err);
}

/* What was written must be a checkpoint for our own reader too. */
static anm_status verify(const output *o, anm_error *err) {
    anm_checkpoint *c;
    ANM_TRY(anm_checkpoint_open(o->dir, &c, err));
    size_t count = anm_checkpoint_count(c);
    anm_checkpoint_close(c);
    if (count == o->plan.tensors.len) return ANM_OK;
    return anm_fail(err, ANM_ERROR_INTERNAL, o->dir, "%zu tensors were read back, not %zu", count,
                    o->plan.tensors.len);
}

static anm_status fill_dir(output *o, anm_error *err) {
    anm_hf_config config;
    ANM_TRY(write_configs(o, err));
    ANM_TRY(anm_hf_config_read(o->dir, &config, err)); /* checks the sizes that were asked for */
    fill_samples(o->samples, dtypes[o->s->dtype].dtype, o->s->family == GEMMA3 ? 0 : 1);
    add_model(&o->plan);
    if (o->plan.failed) return anm_fail(err, ANM_ERROR_LIMIT, NULL, "the model is too large");
    if (o->s->shards > (int64_t)o->plan.tensors.len)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "--shards", "there are only %zu tensors",
                        o->plan.tensors.len);
    for (size_t i = 0; i < o->plan.tensors.len; i++) o->total += o->plan.tensors.data[i].bytes;
    ANM_TRY(write_weights(o, err));
    return verify(o, err);
}

static anm_status make(const spec *s, uint64_t *total, anm_error *err) {
    anm_staged_dir *staged;
    if (!s->force && anm_path_exists(s->out))
        return anm_fail(err, ANM_ERROR_ARGUMENT, s->out, "exists; --force replaces it");
    ANM_TRY(anm_staged_dir_open(s->out, &staged, err));
    output o = {.s = s, .dir = anm_staged_dir_path(staged)};
    o.plan.s = s;
    o.plan.arena = anm_arena_create();
    o.samples = anm_malloc_aligned(sizeof *o.samples);
    anm_status status =
        o.plan.arena && o.samples ? fill_dir(&o, err) : anm_fail_memory(err);
    anm_free(o.samples);
    anm_vec_free(&o.plan.tensors);
    if (o.plan.arena) anm_arena_destroy(o.plan.arena);
    *total = o.total;
    if (status == ANM_OK) return anm_staged_dir_commit(staged, err);
    anm_staged_dir_abort(staged);
    return status;
}

/* ---- the command line ---- */

static const struct int_option {
    const char *name;
    size_t field;
    int64_t min, max;
} int_options[] = {
    {"--hidden", offsetof(spec, hidden), 1, 1 << 20},
    {"--layers", offsetof(spec, layers), 1, 1 << 12},
    {"--heads", offsetof(spec, heads), 1, 1 << 14},
    {"--kv-heads", offsetof(spec, kv_heads), 1, 1 << 14},
    {"--head-dim", offsetof(spec, head_dim), 2, 1 << 14},
    {"--intermediate", offsetof(spec, intermediate), 1, 1 << 22},
    {"--vocab", offsetof(spec, vocab), 1, 1 << 24},
    {"--positions", offsetof(spec, positions), 1, 1 << 30},
    {"--window", offsetof(spec, window), 1, 1 << 30},
    {"--shards", offsetof(spec, shards), 1, 99999},
    {"--seed", offsetof(spec, seed), 0, INT64_MAX},
};

static const struct double_option {
    const char *name;
    size_t field;
} double_options[] = {
    {"--rope-theta", offsetof(spec, theta)},
    {"--eps", offsetof(spec, eps)},
    {"--llama3-factor", offsetof(spec, llama3_factor)},
};

static void usage(FILE *to) {
    fprintf(to,
            "usage: make_checkpoint OUT_DIR [--preset NAME] [--family qwen3|qwen2|llama|gemma3]\n"
            "  [--hidden N] [--layers N] [--heads N] [--kv-heads N] [--head-dim N]\n"
            "  [--intermediate N] [--vocab N] [--positions N] [--tied | --untied]\n"
            "  [--rope-theta X] [--eps X] [--llama3-factor X] [--dtype bf16|f16|f32]\n"
            "  [--window N] [--seed N] [--shards N] [--force]\n"
            "The first preset is the default; options after it change it. Presets:");
    for (int i = 0; i < PRESETS; i++) fprintf(to, " %s", presets[i].preset);
    fputc('\n', to);
}

static bool set_preset(spec *s, const char *name) {
    for (int i = 0; i < PRESETS; i++) {
        if (strcmp(presets[i].preset, name) != 0) continue;
        spec old = *s;
        *s = presets[i];
        s->out = old.out;
        s->seed = old.seed;
        s->shards = old.shards;
        s->dtype = old.dtype;
        s->force = old.force;
        return true;
    }
    return false;
}

static bool set_number(spec *s, const char *option, const char *value) {
    char *end;
    for (size_t i = 0; i < sizeof int_options / sizeof int_options[0]; i++) {
        const struct int_option *o = &int_options[i];
        if (strcmp(o->name, option) != 0) continue;
        long long number = strtoll(value, &end, 10);
        *(int64_t *)((char *)s + o->field) = number;
        return end != value && !*end && number >= o->min && number <= o->max;
    }
    for (size_t i = 0; i < sizeof double_options / sizeof double_options[0]; i++) {
        if (strcmp(double_options[i].name, option) != 0) continue;
        double number = strtod(value, &end);
        *(double *)((char *)s + double_options[i].field) = number;
        return end != value && !*end && number >= 0 && isfinite(number);
    }
    return false;
}

static bool set_value(spec *s, const char *option, const char *value) {
    if (strcmp(option, "--preset") == 0) return set_preset(s, value);
    if (strcmp(option, "--family") == 0) {
        for (int i = 0; i < FAMILIES; i++) {
            if (strcmp(families[i].name, value) != 0) continue;
            s->family = i;
            return true;
        }
        return false;
    }
    if (strcmp(option, "--dtype") == 0) {
        for (int i = 0; i < 3; i++) {
            if (strcmp(dtypes[i].name, value) != 0) continue;
            s->dtype = i;
            return true;
        }
        return false;
    }
    return set_number(s, option, value);
}

static bool set_flag(spec *s, const char *option) {
    if (strcmp(option, "--tied") == 0) return s->tied = 1, true;
    if (strcmp(option, "--untied") == 0) return s->tied = 0, true;
    if (strcmp(option, "--force") == 0) return s->force = 1, true;
    return false;
}

static bool parse_arguments(spec *s, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-' && !s->out) {
            s->out = argv[i];
        } else if (!set_flag(s, argv[i])) {
            const char *value = i + 1 < argc ? argv[i + 1] : NULL;
            if (!value || !set_value(s, argv[i], value)) {
                fprintf(stderr, "make_checkpoint: bad argument %s %s\n", argv[i],
                        value ? value : "");
                return false;
            }
            i++;
        }
    }
    return s->out != NULL;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
    spec s = presets[0];
    anm_error err = {0};
    uint64_t total = 0;
    double start = now();
    s.shards = 1;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        usage(stdout);
        return 0;
    }
    if (!parse_arguments(&s, argc, argv)) {
        usage(stderr);
        return 2;
    }
    anm_status status = make(&s, &total, &err);
    if (status != ANM_OK) {
        char text[900];
        anm_error_format(&err, text, sizeof text);
        fprintf(stderr, "make_checkpoint: %s\n", text);
        return 1;
    }
    printf("%s: %.1f MB of weights in %.2f s\n", s.out, (double)total / 1e6, now() - start);
    return 0;
}
