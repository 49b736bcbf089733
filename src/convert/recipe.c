/* SPDX-License-Identifier: MIT */
/* Reading a config as a recipe, or refusing it. */
#include "src/convert/recipe.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/file.h"
#include "src/hf/gguf.h"
#include "src/convert/palettize.h"

static anm_status check_family(const char *where, anm_recipe *r, anm_error *err) {
    const anm_hf_config *c = &r->config;
    r->family = anm_family_find(c->model_type);
    if (!r->family)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                        "model_type \"%s\" is not supported; these are:\n%s", c->model_type,
                        anm_convert_supported());
    if (*c->architecture && !anm_family_has_architecture(r->family, c->architecture))
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                        "architecture \"%s\" is not supported; these are:\n%s", c->architecture,
                        anm_convert_supported());
    return ANM_OK;
}

static anm_status check_rope_set(const char *where, const anm_recipe *r, const anm_hf_rope *rope,
                                 anm_error *err) {
    if (!(r->family->ropes >> rope->type & 1))
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                        "RoPE scaling \"%s\" is not supported; default, linear, llama3 and "
                        "yarn are",
                        rope->type_name);
    if (rope->partial_rotary_factor != 1)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                        "partial_rotary_factor %g is not supported: only whole heads are rotated",
                        rope->partial_rotary_factor);
    return ANM_OK;
}

static anm_status check_rope(const char *where, const anm_recipe *r, anm_error *err) {
    ANM_TRY(check_rope_set(where, r, &r->config.rope, err));
    if (r->family->windows) return check_rope_set(where, r, &r->config.local_rope, err);
    if (r->config.has_local_rope)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                        "RoPE parameters per layer type are not supported for %s", r->family->name);
    return ANM_OK;
}

static anm_status set_activation(const char *where, anm_recipe *r, anm_error *err) {
    static const struct {
        const char *name;
        anm_activation activation;
    } known[] = {{"silu", ANM_ACTIVATION_SILU},
                 {"swish", ANM_ACTIVATION_SILU},
                 {"gelu_pytorch_tanh", ANM_ACTIVATION_GELU_TANH}};
    const char *name = r->config.hidden_act;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(name, known[i].name) != 0) continue;
        r->activation = known[i].activation;
        return ANM_OK;
    }
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                    "hidden_act \"%s\" is not supported; silu and gelu_pytorch_tanh are", name);
}

static anm_status check_supported(const char *where, anm_recipe *r, anm_error *err) {
    const anm_hf_config *c = &r->config;
    if (*c->quant.method && !c->quant.fp8)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                        "the checkpoint is quantized (quant_method \"%s\"%s%s); of such ones FP8 "
                        "is dequantised: convert that, a GGUF file, or the original in bf16, fp16 "
                        "or fp32", c->quant.method, *c->quant.format ? ", format " : "",
                        c->quant.format);
    ANM_TRY(set_activation(where, r, err));
    return check_rope(where, r, err);
}

static anm_status bad_option(anm_error *err, const char *name, int64_t value, const char *why) {
    return anm_fail(err, ANM_ERROR_ARGUMENT, name, "%lld %s", (long long)value, why);
}

static int64_t default_context(const anm_hf_config *c) {
    int64_t most = c->max_position_embeddings;
    return most > 0 && most < 512 ? most : 512;
}

/* It divides the context, and the window if that is shorter. */
static int64_t default_batch(const anm_recipe *r) {
    int64_t batch = r->context < 64 ? r->context : 64, window = r->config.sliding_window;
    bool slides = r->family->windows && r->config.other_layer_types && window < r->context;
    if (!slides || window < 1) window = r->context;
    while (r->context % batch || window % batch) batch--;
    return batch;
}

static anm_status set_state(const anm_convert_options *o, anm_recipe *r, anm_error *err) {
    int64_t state = o->state_length ? o->state_length : r->config.state_length;
    if (state < 0 || state > ANM_MAX_CONTEXT)
        return bad_option(err, "state_length", state, "is not between the context and 1048576");
    if (o->state_length && state < r->context)
        return bad_option(err, "state_length", state, "is below the context length");
    r->state = state > r->context ? state : r->context;
    return ANM_OK;
}

static anm_status set_lengths(const anm_convert_options *o, anm_recipe *r, anm_error *err) {
    int64_t context = o->context_length, batch = o->batch_size;
    if (context < 0 || context > ANM_MAX_CONTEXT)
        return bad_option(err, "context_length", context, "is not between 1 and 1048576");
    r->context = context ? context : default_context(&r->config);
    if (batch < 0 || batch > r->context)
        return bad_option(err, "batch_size", batch, "is not between 1 and the context length");
    r->batch = batch ? batch : default_batch(r);
    if (r->context % r->batch)
        return bad_option(err, "batch_size", r->batch,
                          "does not divide the context length: the last batch would overrun it");
    return set_state(o, r, err);
}

static anm_status set_lut(const char *name, const anm_convert_lut *given, anm_convert_lut *out,
                          anm_error *err) {
    *out = *given;
    if (given->bits && !anm_palette_bits_valid(given->bits))
        return bad_option(err, name, given->bits,
                          "bits per weight: there are 1, 2, 3, 4, 6 and 8, and 0 for fp16");
    if (given->group < ANM_CONVERT_PER_TENSOR)
        return bad_option(err, name, given->group, "rows cannot share a table");
    if (given->group == 0) out->group = ANM_PALETTE_GROUP;
    return ANM_OK;
}

static anm_status set_luts(const anm_convert_options *o, anm_recipe *r, anm_error *err) {
    ANM_TRY(set_lut("lut_embeddings", &o->lut_embeddings, &r->lut_embeddings, err));
    ANM_TRY(set_lut("lut_ffn", &o->lut_ffn, &r->lut_ffn, err));
    ANM_TRY(set_lut("lut_head", &o->lut_head, &r->lut_head, err));
    if (o->lut_axis < 0 || o->lut_axis > 1)
        return bad_option(err, "lut_axis", o->lut_axis, "is neither 0 (rows) nor 1 (columns)");
    r->lut_axis = o->lut_axis;
    r->lut_scaled = o->lut_channel_scale != 0;
    return ANM_OK;
}

static anm_status set_splits(const char *where, const anm_convert_options *o, anm_recipe *r,
                             anm_error *err) {
    if (o->head_splits < 0 || o->head_splits > ANM_MAX_SPLITS)
        return bad_option(err, "head_splits", o->head_splits, "is not between 1 and 64");
    r->splits = o->head_splits ? o->head_splits : r->family->head_splits;
    r->argmax = o->argmax != 0;
    if (r->vocab >= r->splits) return ANM_OK;
    return anm_fail(err, o->head_splits ? ANM_ERROR_ARGUMENT : ANM_ERROR_UNSUPPORTED, where,
                    "vocab_size %lld is below the LM head's %lld outputs", (long long)r->vocab,
                    (long long)r->splits);
}

static anm_status set_chunks(const anm_convert_options *o, anm_recipe *r, anm_error *err) {
    const int64_t gigabyte = 1000000000;
    r->chunks = o->chunks ? o->chunks : 1;
    r->monolithic = o->monolithic || (o->only && strcmp(o->only, "monolithic") == 0);
    if (r->monolithic && r->chunks != 1)
        return bad_option(err, "chunks", r->chunks, "and a monolithic package exclude each other");
    if (r->chunks < ANM_CONVERT_CHUNKS_AUTO || r->chunks > ANM_MAX_CHUNKS)
        return bad_option(err, "chunks", r->chunks, "is not between 1 and 99");
    if (r->chunks > r->layers)
        return bad_option(err, "chunks", r->chunks, "is more than the model has layers");
    if (o->max_chunk_bytes < 0)
        return bad_option(err, "max_chunk_bytes", o->max_chunk_bytes, "is negative");
    r->max_chunk_bytes = o->target_os == ANM_CONVERT_IOS ? gigabyte : 2 * gigabyte;
    if (o->max_chunk_bytes) r->max_chunk_bytes = o->max_chunk_bytes;
    return ANM_OK;
}

static anm_status set_iso(const char *where, const anm_convert_options *o, anm_recipe *r,
                          anm_error *err) {
    if (!o->iso_anemll) return ANM_OK;
    if (!r->family->iso)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                        "ANEMLL's exact graph (iso_anemll) is not known for %s; it is for Qwen 3, "
                        "Qwen 2 and 2.5, and Llama", r->family->name);
    if (r->monolithic)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                        "ANEMLL's exact graph (iso_anemll) is not known for monolithic packages");
    r->iso = r->family->iso;
    return ANM_OK;
}

static anm_status set_prefill(const anm_convert_options *o, anm_recipe *r, anm_error *err) {
    r->prefill_all = o->prefill_all != 0;
    if (!r->prefill_all || (!r->monolithic && !r->iso)) return ANM_OK;
    return anm_fail(err, ANM_ERROR_ARGUMENT, "prefill_all",
                    "a prefill that gives every token is not known for %s",
                    r->iso ? "ANEMLL's exact graph" : "monolithic packages");
}

static bool trait(anm_trait t, bool by_config) {
    return t == ANM_TRAIT_ALWAYS || (t == ANM_TRAIT_BY_CONFIG && by_config);
}

static void set_slots(anm_recipe *r) {
    static const anm_slot qkv[] = {ANM_SLOT_Q_BIAS, ANM_SLOT_K_BIAS, ANM_SLOT_V_BIAS};
    static const anm_slot mlp[] = {ANM_SLOT_GATE_BIAS, ANM_SLOT_UP_BIAS, ANM_SLOT_DOWN_BIAS};
    const anm_family *f = r->family;
    for (int slot = 0; slot < ANM_SLOT_COUNT; slot++) r->has[slot] = true;
    for (int i = 0; i < 3; i++) {
        r->has[qkv[i]] = trait(f->qkv_bias, r->config.attention_bias);
        r->has[mlp[i]] = trait(f->mlp_bias, r->config.mlp_bias);
    }
    r->has[ANM_SLOT_O_BIAS] = trait(f->out_bias, r->config.attention_bias);
    r->has[ANM_SLOT_Q_NORM] = r->has[ANM_SLOT_K_NORM] = f->qk_norm;
    r->has[ANM_SLOT_POST_ATTENTION_NORM] = r->has[ANM_SLOT_POST_MLP_NORM] = f->post_norms;
    r->tied = r->config.tie_word_embeddings;
    r->has[ANM_SLOT_HEAD] = !r->tied;
}

static anm_status set_sizes(const char *where, anm_recipe *r, anm_error *err) {
    const anm_hf_config *c = &r->config;
    r->layers = c->num_hidden_layers;
    r->hidden = c->hidden_size;
    r->heads = c->num_attention_heads;
    r->kv_heads = c->num_key_value_heads;
    r->groups = r->heads / r->kv_heads;
    r->inner = c->intermediate_size;
    r->vocab = c->vocab_size;
    r->head_dim = c->head_dim;
    if (!c->has_head_dim && r->family->default_head_dim) r->head_dim = r->family->default_head_dim;
    return ANM_OK;
}

static void set_attention(anm_recipe *r) {
    const anm_hf_config *c = &r->config;
    double scalar = (double)r->head_dim;
    r->residual_scale = 1;
    if (r->family->score_keys) {
        if (c->query_pre_attn_scalar > 0) scalar = c->query_pre_attn_scalar;
        r->score_cap = c->attn_logit_softcapping;
        r->logit_cap = c->final_logit_softcapping;
    }
    r->query_scale = 1 / sqrt(scalar);
}

/* The state has a row for each head and position: the one size that a config can make absurd. */
static anm_status check_state_size(const char *where, const anm_recipe *r, anm_error *err) {
    const int64_t shape[4] = {2 * r->layers, r->kv_heads, r->state, r->head_dim};
    int64_t elements = anm_shape_elements(shape, 4);
    if (elements > 0 && elements <= (int64_t)1 << 40) return ANM_OK;
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                    "the KV cache would have more than 2^40 elements");
}

static bool is_prefix(const char *text) {
    if (!*text || *text == '.' || *text == '-') return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("._-", *text)) return false;
    return true;
}

/* Without ".gguf", and without "-00001-of-00003" if the file is one of several. */
static const char *file_name(anm_arena *arena, const char *path) {
    static const char mark[] = "-of-";
    enum { DIGITS = 5, PART = sizeof "-00001-of-00003" - 1 };
    const char *base = anm_path_base(arena, path);
    size_t length = base ? strlen(base) - strlen(".gguf") : 0;
    if (length > PART && memcmp(base + length - DIGITS - 4, mark, 4) == 0) length -= PART;
    return base ? anm_arena_strndup(arena, base, length) : NULL;
}

/*
 * The directory's name; for a snapshot in the Hugging Face cache, ".../models--ORG--NAME/
 * snapshots/HASH", it is "ORG-NAME" as in ANEMLL's scripts.
 */
static const char *model_name(anm_arena *arena, const char *dir) {
    char *real = realpath(dir, NULL);
    char *path = anm_arena_strdup(arena, real ? real : dir);
    free(real);
    if (!path) return NULL;
    if (anm_str_ends(path, ".gguf")) return file_name(arena, path);
    char *cache = strstr(path, "/models--"), *end = cache ? strstr(cache + 1, "/snapshots/") : NULL;
    if (!end) return anm_path_base(arena, path);
    *end = '\0';
    char *name = cache + strlen("/models--"), *split = strstr(name, "--");
    if (split) {
        *split = '-';
        memmove(split + 1, split + 2, strlen(split + 2) + 1);
    }
    return name;
}

/* The name goes into text files, line by line. */
static char *one_line(anm_arena *arena, const char *text) {
    char *copy = text ? anm_arena_strdup(arena, text) : NULL;
    for (char *p = copy; p && *p; p++)
        if (iscntrl((unsigned char)*p)) *p = '_';
    return copy;
}

static anm_status set_names(anm_arena *arena, const char *dir, const anm_convert_options *o,
                            anm_recipe *r, anm_error *err) {
    const char *prefix = o->prefix ? o->prefix : r->family->prefix;
    if (!is_prefix(prefix))
        return anm_fail(err, ANM_ERROR_ARGUMENT, "prefix",
                        "\"%s\" cannot begin a file name: use letters, digits, \"_\", \"-\", \".\"",
                        prefix);
    r->prefix = anm_arena_strdup(arena, prefix);
    r->name = one_line(arena, o->name ? o->name : model_name(arena, dir));
    return r->prefix && r->name ? ANM_OK : anm_fail_memory(err);
}

anm_status anm_recipe_make(anm_arena *arena, const char *model_dir,
                           const anm_convert_options *options, anm_recipe *out, anm_error *err) {
    anm_recipe *r = out;
    *r = (anm_recipe){0};
    const char *where;
    ANM_TRY(anm_gguf_locate(arena, model_dir, &where, err));
    if (!where) where = anm_path_join(arena, model_dir, "config.json");
    if (!where) return anm_fail_memory(err);
    ANM_TRY(anm_hf_config_read(model_dir, &r->config, err));
    ANM_TRY(check_family(where, r, err));
    ANM_TRY(set_lengths(options, r, err));
    ANM_TRY(set_luts(options, r, err));
    ANM_TRY(check_supported(where, r, err));
    ANM_TRY(set_sizes(where, r, err));
    ANM_TRY(anm_recipe_set_layers(arena, where, r, err));
    set_attention(r);
    ANM_TRY(check_state_size(where, r, err));
    ANM_TRY(set_splits(where, options, r, err));
    ANM_TRY(set_chunks(options, r, err));
    ANM_TRY(set_iso(where, options, r, err));
    ANM_TRY(set_prefill(options, r, err));
    set_slots(r);
    return set_names(arena, model_dir, options, r, err);
}

static int one(int64_t *shape, int64_t size) {
    shape[0] = size;
    return 1;
}

static int two(int64_t *shape, int64_t rows, int64_t columns) {
    shape[0] = rows;
    shape[1] = columns;
    return 2;
}

int64_t anm_recipe_rope_width(const anm_recipe *r) {
    return r->iso ? r->head_dim : r->head_dim / 2;
}

int anm_recipe_shape(const anm_recipe *r, anm_slot slot, int64_t shape[2]) {
    int64_t query = r->heads * r->head_dim, key = r->kv_heads * r->head_dim;
    switch (slot) {
    case ANM_SLOT_EMBEDDING:
    case ANM_SLOT_HEAD: return two(shape, r->vocab, r->hidden);
    case ANM_SLOT_FINAL_NORM:
    case ANM_SLOT_INPUT_NORM:
    case ANM_SLOT_MLP_NORM:
    case ANM_SLOT_POST_ATTENTION_NORM:
    case ANM_SLOT_POST_MLP_NORM:
    case ANM_SLOT_O_BIAS:
    case ANM_SLOT_DOWN_BIAS: return one(shape, r->hidden);
    case ANM_SLOT_Q: return two(shape, query, r->hidden);
    case ANM_SLOT_Q_BIAS: return one(shape, query);
    case ANM_SLOT_K:
    case ANM_SLOT_V: return two(shape, key, r->hidden);
    case ANM_SLOT_K_BIAS:
    case ANM_SLOT_V_BIAS: return one(shape, key);
    case ANM_SLOT_Q_NORM:
    case ANM_SLOT_K_NORM: return one(shape, r->head_dim);
    case ANM_SLOT_O: return two(shape, r->hidden, query);
    case ANM_SLOT_GATE:
    case ANM_SLOT_UP: return two(shape, r->inner, r->hidden);
    case ANM_SLOT_GATE_BIAS:
    case ANM_SLOT_UP_BIAS: return one(shape, r->inner);
    case ANM_SLOT_DOWN: return two(shape, r->hidden, r->inner);
    case ANM_SLOT_COUNT: break;
    }
    return 0;
}

const anm_convert_lut *anm_recipe_lut_of(const anm_recipe *r, anm_slot slot) {
    if (slot == ANM_SLOT_EMBEDDING) return &r->lut_embeddings;
    return slot == ANM_SLOT_HEAD ? &r->lut_head : &r->lut_ffn;
}

double anm_recipe_mean_bits(const anm_recipe *r, anm_slot slot) {
    if (slot == ANM_SLOT_EMBEDDING) return r->mean_bits[0];
    return r->mean_bits[slot == ANM_SLOT_HEAD ? 2 : 1];
}

const char *anm_recipe_lut_suffix(const anm_recipe *r, anm_slot slot, char *buffer, size_t size) {
    int bits = anm_recipe_lut_of(r, slot)->bits;
    if (bits) snprintf(buffer, size, "_lut%d", bits);
    else *buffer = '\0';
    return buffer;
}

int64_t anm_recipe_split(const anm_recipe *r, int64_t split, int64_t *first) {
    int64_t rows = r->vocab / r->splits, longer = r->vocab % r->splits;
    *first = split * rows + (split < longer ? split : longer);
    return rows + (split < longer);
}
