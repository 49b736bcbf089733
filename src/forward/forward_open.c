/* SPDX-License-Identifier: MIT */
/* Opening a checkpoint for the plain forward pass: which models, and which tensors they have. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/base/half.h"
#include "src/forward/forward_internal.h"

/* Sizes that tensors are made of. */
typedef enum extent { NONE, HIDDEN, QUERY, KEY, HEAD, INNER, VOCAB } extent;

/* When a model has a tensor: always, or if the switch of the family or of the config is on. */
typedef enum presence { ALWAYS, QKV_BIAS, OUT_BIAS, MLP_BIAS, QK_NORM, POST_NORMS } presence;

static const struct tensor_row {
    const char *name;
    extent rows, columns;
    presence presence;
} layer_tensors[ANM_FORWARD_SLOTS] = {
    [ANM_FORWARD_INPUT_NORM] = {"input_layernorm.weight", HIDDEN, NONE, ALWAYS},
    [ANM_FORWARD_Q] = {"self_attn.q_proj.weight", QUERY, HIDDEN, ALWAYS},
    [ANM_FORWARD_Q_BIAS] = {"self_attn.q_proj.bias", QUERY, NONE, QKV_BIAS},
    [ANM_FORWARD_K] = {"self_attn.k_proj.weight", KEY, HIDDEN, ALWAYS},
    [ANM_FORWARD_K_BIAS] = {"self_attn.k_proj.bias", KEY, NONE, QKV_BIAS},
    [ANM_FORWARD_V] = {"self_attn.v_proj.weight", KEY, HIDDEN, ALWAYS},
    [ANM_FORWARD_V_BIAS] = {"self_attn.v_proj.bias", KEY, NONE, QKV_BIAS},
    [ANM_FORWARD_Q_NORM] = {"self_attn.q_norm.weight", HEAD, NONE, QK_NORM},
    [ANM_FORWARD_K_NORM] = {"self_attn.k_norm.weight", HEAD, NONE, QK_NORM},
    [ANM_FORWARD_O] = {"self_attn.o_proj.weight", HIDDEN, QUERY, ALWAYS},
    [ANM_FORWARD_O_BIAS] = {"self_attn.o_proj.bias", HIDDEN, NONE, OUT_BIAS},
    [ANM_FORWARD_POST_ATTENTION_NORM] = {"post_attention_layernorm.weight", HIDDEN, NONE,
                                         POST_NORMS},
    [ANM_FORWARD_MLP_NORM] = {"post_attention_layernorm.weight", HIDDEN, NONE, ALWAYS},
    [ANM_FORWARD_GATE] = {"mlp.gate_proj.weight", INNER, HIDDEN, ALWAYS},
    [ANM_FORWARD_GATE_BIAS] = {"mlp.gate_proj.bias", INNER, NONE, MLP_BIAS},
    [ANM_FORWARD_UP] = {"mlp.up_proj.weight", INNER, HIDDEN, ALWAYS},
    [ANM_FORWARD_UP_BIAS] = {"mlp.up_proj.bias", INNER, NONE, MLP_BIAS},
    [ANM_FORWARD_DOWN] = {"mlp.down_proj.weight", HIDDEN, INNER, ALWAYS},
    [ANM_FORWARD_DOWN_BIAS] = {"mlp.down_proj.bias", HIDDEN, NONE, MLP_BIAS},
    [ANM_FORWARD_POST_MLP_NORM] = {"post_feedforward_layernorm.weight", HIDDEN, NONE, POST_NORMS},
};

typedef enum rule { NO, YES, AS_CONFIGURED } rule;

/* What transformers' modeling_*.py hold fixed, or take from attention_bias and mlp_bias. */
static const struct family {
    const char *model_type;
    rule qkv_bias, out_bias, mlp_bias;
    bool qk_norm;
    int64_t head_dim; /* if config.json does not say; 0: hidden_size / heads */
    /* Gemma's ways: four norms a layer that multiply by 1 + w, scaled embeddings, windows, caps. */
    bool gemma;
} families[] = {
    {"llama", AS_CONFIGURED, AS_CONFIGURED, AS_CONFIGURED, false, 0, false},
    {"qwen2", YES, NO, NO, false, 0, false},
    {"qwen3", AS_CONFIGURED, AS_CONFIGURED, NO, true, 128, false},
    {"gemma3_text", AS_CONFIGURED, AS_CONFIGURED, NO, true, 256, true},
    {"gemma3", AS_CONFIGURED, AS_CONFIGURED, NO, true, 256, true},
};

static const struct family *find_family(const char *model_type) {
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (strcmp(families[i].model_type, model_type) == 0) return &families[i];
    return NULL;
}

static anm_status check_rope(const anm_hf_rope *r, const char *dir, anm_error *err) {
    bool known = r->type == ANM_ROPE_DEFAULT || r->type == ANM_ROPE_LINEAR ||
                 r->type == ANM_ROPE_LLAMA3 || r->type == ANM_ROPE_YARN;
    if (known && r->partial_rotary_factor == 1) return ANM_OK;
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, dir,
                    "the plain forward pass does not know RoPE scaling \"%s\" with a rotary share "
                    "of %g", r->type_name, r->partial_rotary_factor);
}

static anm_status check_layers(const anm_hf_config *c, const char *dir, anm_error *err) {
    bool gemma = find_family(c->model_type)->gemma, slides = c->other_layer_types;
    if (gemma && !c->unknown_layer_types && !c->bidirectional && (!slides || c->sliding_window > 0))
        return ANM_OK;
    if (!gemma && !slides && !(c->use_sliding_window && c->sliding_window > 0)) return ANM_OK;
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, dir,
                    "the plain forward pass knows full attention, and for Gemma 3 windows of what "
                    "was before; not what config.json asks for");
}

static const char gelu_name[] = "gelu_pytorch_tanh";

static anm_status check_config(const anm_hf_config *c, const char *dir, anm_error *err) {
    if (!find_family(c->model_type))
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, dir,
                        "model_type \"%s\" has no plain forward pass; llama, qwen2, qwen3 and "
                        "gemma3_text have",
                        c->model_type);
    if (strcmp(c->hidden_act, "silu") != 0 && strcmp(c->hidden_act, "swish") != 0 &&
        strcmp(c->hidden_act, gelu_name) != 0)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, dir,
                        "the plain forward pass knows hidden_act \"silu\" and \"%s\", not \"%s\"",
                        gelu_name, c->hidden_act);
    ANM_TRY(check_rope(&c->rope, dir, err));
    ANM_TRY(check_rope(&c->local_rope, dir, err));
    return check_layers(c, dir, err);
}

static int64_t size_of(const anm_forward *f, extent e) {
    const anm_hf_config *c = &f->config;
    switch (e) {
    case HIDDEN: return c->hidden_size;
    case QUERY: return c->num_attention_heads * f->head_dim;
    case KEY: return c->num_key_value_heads * f->head_dim;
    case HEAD: return f->head_dim;
    case INNER: return c->intermediate_size;
    case VOCAB: return c->vocab_size;
    default: return 0;
    }
}

static bool decide(rule r, bool configured) {
    return r == YES || (r == AS_CONFIGURED && configured);
}

static bool is_present(const anm_forward *f, presence p) {
    const struct family *family = find_family(f->config.model_type);
    switch (p) {
    case QKV_BIAS: return decide(family->qkv_bias, f->config.attention_bias);
    case OUT_BIAS: return decide(family->out_bias, f->config.attention_bias);
    case MLP_BIAS: return decide(family->mlp_bias, f->config.mlp_bias);
    case QK_NORM: return family->qk_norm;
    case POST_NORMS: return family->gemma;
    default: return true;
    }
}

static anm_status find(const anm_forward *f, const char *name, extent rows, extent columns,
                       const anm_weight **out, anm_error *err) {
    char have[ANM_SHAPE_TEXT], want[ANM_SHAPE_TEXT];
    int64_t shape[2] = {size_of(f, rows), size_of(f, columns)};
    int rank = columns == NONE ? 1 : 2;
    ANM_TRY(anm_checkpoint_require(f->checkpoint, name, out, err));
    const anm_tensor *t = (*out)->tensor;
    if (!anm_weight_is_readable(*out))
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, name, "nothing here reads values of type %s",
                        anm_weight_form(*out));
    if (t->rank == rank && memcmp(t->shape, shape, (size_t)rank * sizeof *shape) == 0)
        return ANM_OK;
    return anm_fail(err, ANM_ERROR_MISMATCH, name, "its shape is %s, config.json implies %s",
                    anm_shape_format(t->shape, t->rank, have, sizeof have),
                    anm_shape_format(shape, rank, want, sizeof want));
}

/* In Gemma post_attention_layernorm is what it says, and not the MLP's. */
static const char *tensor_name(const anm_forward *f, int slot) {
    if (slot == ANM_FORWARD_MLP_NORM && find_family(f->config.model_type)->gemma)
        return "pre_feedforward_layernorm.weight";
    return layer_tensors[slot].name;
}

static anm_status find_layer(anm_forward *f, int64_t layer, anm_error *err) {
    char name[128];
    for (int slot = 0; slot < ANM_FORWARD_SLOTS; slot++) {
        const struct tensor_row *row = &layer_tensors[slot];
        if (!is_present(f, row->presence)) continue;
        snprintf(name, sizeof name, "model.layers.%lld.%s", (long long)layer,
                 tensor_name(f, slot));
        ANM_TRY(find(f, name, row->rows, row->columns, &f->layers[layer].weights[slot], err));
    }
    return ANM_OK;
}

static anm_status find_tensors(anm_forward *f, anm_error *err) {
    f->layers = anm_calloc((size_t)f->config.num_hidden_layers, sizeof *f->layers);
    if (!f->layers) return anm_fail_memory(err);
    ANM_TRY(find(f, "model.embed_tokens.weight", VOCAB, HIDDEN, &f->embedding, err));
    ANM_TRY(find(f, "model.norm.weight", HIDDEN, NONE, &f->norm, err));
    if (f->config.tie_word_embeddings) f->head = f->embedding;
    else ANM_TRY(find(f, "lm_head.weight", VOCAB, HIDDEN, &f->head, err));
    for (int64_t i = 0; i < f->config.num_hidden_layers; i++) ANM_TRY(find_layer(f, i, err));
    return ANM_OK;
}

/* sqrt(hidden_size) as a tensor of the embeddings' type holds it. */
static float root_in(const anm_weight *embedding, double root) {
    if (embedding->coding) return (float)root;
    if (embedding->tensor->dtype == ANM_DTYPE_BF16)
        return anm_bf16_to_float(anm_bf16_from_float((float)root));
    if (embedding->tensor->dtype == ANM_DTYPE_FP16)
        return anm_half_to_float(anm_half_from_double(root));
    return (float)root;
}

static void set_ways(anm_forward *f) {
    const anm_hf_config *c = &f->config;
    double scalar = (double)f->head_dim;
    f->embedding_scale = 1;
    f->gelu = strcmp(c->hidden_act, gelu_name) == 0;
    if (find_family(c->model_type)->gemma) {
        f->windows = true;
        f->gain_offset = 1;
        f->embedding_scale = root_in(f->embedding, sqrt((double)c->hidden_size));
        if (c->query_pre_attn_scalar > 0) scalar = c->query_pre_attn_scalar;
        f->score_cap = (float)c->attn_logit_softcapping;
        f->logit_cap = (float)c->final_logit_softcapping;
    }
    f->score_scale = (float)(1 / sqrt(scalar));
}

static anm_status open_in(anm_forward *f, const char *dir, anm_error *err) {
    ANM_TRY(anm_hf_config_read(dir, &f->config, err));
    ANM_TRY(check_config(&f->config, dir, err));
    int64_t usual = find_family(f->config.model_type)->head_dim;
    f->head_dim = f->config.has_head_dim || !usual ? f->config.head_dim : usual;
    ANM_TRY(anm_checkpoint_open(dir, &f->checkpoint, err));
    anm_status status = find_tensors(f, err);
    if (status != ANM_OK) return anm_fail_prefix(err, "%s", dir);
    set_ways(f);
    return ANM_OK;
}

anm_status anm_forward_open(const char *dir, anm_forward **out, anm_error *err) {
    *out = NULL;
    anm_forward *f = anm_calloc(1, sizeof *f);
    if (!f) return anm_fail_memory(err);
    anm_status status = open_in(f, dir, err);
    if (status == ANM_OK) *out = f;
    else anm_forward_close(f);
    return status;
}

void anm_forward_close(anm_forward *f) {
    if (!f) return;
    anm_checkpoint_close(f->checkpoint);
    anm_free(f->layers);
    anm_free(f);
}

const anm_hf_config *anm_forward_config(const anm_forward *f) {
    return &f->config;
}

const anm_checkpoint *anm_forward_checkpoint(const anm_forward *f) {
    return f->checkpoint;
}

size_t anm_forward_vocab_size(const anm_forward *f) {
    return (size_t)f->config.vocab_size;
}
