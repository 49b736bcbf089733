/* SPDX-License-Identifier: MIT */
/*
 * Model families as data: the facts in which one decoder-only model differs from another. The
 * graph builder and the tensor check read them; no family has code of its own. Adding one:
 * docs/adding-a-family.md.
 */
#ifndef ANM_CONVERT_FAMILY_H
#define ANM_CONVERT_FAMILY_H

#include <stdbool.h>

#include "src/base/str.h"
#include "src/hf/config.h"

/* What a weight is for. The order is that of the tensors in an error message. */
typedef enum anm_slot {
    ANM_SLOT_EMBEDDING,
    ANM_SLOT_FINAL_NORM,
    ANM_SLOT_HEAD,
    ANM_SLOT_LAYER_FIRST, /* from here on: one per layer */
    ANM_SLOT_INPUT_NORM = ANM_SLOT_LAYER_FIRST,
    ANM_SLOT_Q,
    ANM_SLOT_Q_BIAS,
    ANM_SLOT_K,
    ANM_SLOT_K_BIAS,
    ANM_SLOT_V,
    ANM_SLOT_V_BIAS,
    ANM_SLOT_Q_NORM,
    ANM_SLOT_K_NORM,
    ANM_SLOT_O,
    ANM_SLOT_O_BIAS,
    ANM_SLOT_POST_ATTENTION_NORM,
    ANM_SLOT_MLP_NORM,
    ANM_SLOT_GATE,
    ANM_SLOT_GATE_BIAS,
    ANM_SLOT_UP,
    ANM_SLOT_UP_BIAS,
    ANM_SLOT_DOWN,
    ANM_SLOT_DOWN_BIAS,
    ANM_SLOT_POST_MLP_NORM,
    ANM_SLOT_COUNT
} anm_slot;

/* Whether a family has something: config.json may be what decides. */
typedef enum anm_trait { ANM_TRAIT_NEVER, ANM_TRAIT_ALWAYS, ANM_TRAIT_BY_CONFIG } anm_trait;

/* The form of ANEMLL's graphs for a family: it has a model of its own for each. */
typedef enum anm_iso { ANM_ISO_NONE, ANM_ISO_QWEN, ANM_ISO_LLAMA } anm_iso;

typedef struct anm_family {
    const char *name;                 /* for people: "Qwen 3" */
    const char *const *model_types;   /* config.json's model_type; ends with NULL */
    const char *const *architectures; /* config.json's architectures[0]; ends with NULL */
    const char *prefix;               /* of file names, as ANEMLL's scripts choose it */
    int head_splits;                  /* the LM head's outputs; at most ANM_MAX_SPLITS */
    int64_t default_head_dim;         /* 0: hidden_size / num_attention_heads */
    bool qk_norm;                     /* RMSNorm of every query and key head */
    bool post_norms;                  /* RMSNorm of what attention and MLP add, each */
    bool norm_adds_one;               /* norms multiply by 1 + weight */
    bool scaled_embedding;            /* embeddings are multiplied by sqrt(hidden_size) */
    bool windows;                     /* layers may see a sliding window only: layer_types */
    bool score_keys; /* query_pre_attn_scalar and the soft caps of config.json are in force */
    anm_trait qkv_bias, out_bias;     /* BY_CONFIG: attention_bias */
    anm_trait mlp_bias;               /* BY_CONFIG: mlp_bias */
    anm_iso iso;                      /* NONE: not known op for op */
    unsigned ropes;                   /* 1 << anm_rope_type, or-ed */
    const char *const *names;         /* by slot; "{}" stands for the layer's number */
    const char *const *harmless;      /* endings of tensors that may be ignored; ends with NULL */
    const char *const *other_parts;   /* beginnings of those of a larger model; or NULL */
} anm_family;

extern const anm_family anm_family_gemma3;
extern const anm_family anm_family_qwen3;
extern const anm_family anm_family_qwen2;
extern const anm_family anm_family_llama;

/* What Llama calls its tensors up to the MLP, as do those who follow it. */
#define ANM_NAMES_OF_ATTENTION                                                                     \
    [ANM_SLOT_EMBEDDING] = "model.embed_tokens.weight",                                            \
    [ANM_SLOT_FINAL_NORM] = "model.norm.weight",                                                   \
    [ANM_SLOT_HEAD] = "lm_head.weight",                                                            \
    [ANM_SLOT_INPUT_NORM] = "model.layers.{}.input_layernorm.weight",                              \
    [ANM_SLOT_Q] = "model.layers.{}.self_attn.q_proj.weight",                                      \
    [ANM_SLOT_Q_BIAS] = "model.layers.{}.self_attn.q_proj.bias",                                   \
    [ANM_SLOT_K] = "model.layers.{}.self_attn.k_proj.weight",                                      \
    [ANM_SLOT_K_BIAS] = "model.layers.{}.self_attn.k_proj.bias",                                   \
    [ANM_SLOT_V] = "model.layers.{}.self_attn.v_proj.weight",                                      \
    [ANM_SLOT_V_BIAS] = "model.layers.{}.self_attn.v_proj.bias",                                   \
    [ANM_SLOT_Q_NORM] = "model.layers.{}.self_attn.q_norm.weight",                                 \
    [ANM_SLOT_K_NORM] = "model.layers.{}.self_attn.k_norm.weight",                                 \
    [ANM_SLOT_O] = "model.layers.{}.self_attn.o_proj.weight",                                      \
    [ANM_SLOT_O_BIAS] = "model.layers.{}.self_attn.o_proj.bias"
/* Tensor names of transformers' LlamaForCausalLM, which most families share. */
extern const char *const anm_names_llama[ANM_SLOT_COUNT];
/* Buffers that older checkpoints saved; the values follow from config.json. */
extern const char *const anm_harmless_buffers[];

/* The family of a model_type, or NULL. */
const anm_family *anm_family_find(const char *model_type);
bool anm_family_has_architecture(const anm_family *family, const char *architecture);
/* The name of a slot's tensor in layer `layer`; returns `buffer`. */
const char *anm_family_tensor(const anm_family *family, anm_slot slot, int64_t layer, char *buffer,
                              size_t size);
enum { ANM_TENSOR_NAME = 256, ANM_MAX_SPLITS = 64 };

#endif
