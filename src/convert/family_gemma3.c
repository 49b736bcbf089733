/* SPDX-License-Identifier: MIT */
/* Gemma 3, and the text part of its larger models: transformers' modeling_gemma3.py. */
#include "src/convert/family.h"

static const char *const model_types[] = {"gemma3_text", "gemma3", NULL};
static const char *const architectures[] = {"Gemma3ForCausalLM", "Gemma3ForConditionalGeneration",
                                            NULL};
static const char *const other_parts[] = {
    "vision_tower.",       "multi_modal_projector.",
    "model.vision_tower.", "model.multi_modal_projector.",
    NULL,
};

/* As Llama, but that post_attention_layernorm is what its name says. */
static const char *const names[ANM_SLOT_COUNT] = {
    ANM_NAMES_OF_ATTENTION,
    [ANM_SLOT_POST_ATTENTION_NORM] = "model.layers.{}.post_attention_layernorm.weight",
    [ANM_SLOT_MLP_NORM] = "model.layers.{}.pre_feedforward_layernorm.weight",
    [ANM_SLOT_GATE] = "model.layers.{}.mlp.gate_proj.weight",
    [ANM_SLOT_UP] = "model.layers.{}.mlp.up_proj.weight",
    [ANM_SLOT_DOWN] = "model.layers.{}.mlp.down_proj.weight",
    [ANM_SLOT_POST_MLP_NORM] = "model.layers.{}.post_feedforward_layernorm.weight",
};

const anm_family anm_family_gemma3 = {
    .name = "Gemma 3",
    .model_types = model_types,
    .architectures = architectures,
    .prefix = "gemma3",
    .head_splits = 16,
    .default_head_dim = 256,
    .qk_norm = true,
    .post_norms = true,
    .norm_adds_one = true,
    .scaled_embedding = true,
    .windows = true,
    .score_keys = true,
    .qkv_bias = ANM_TRAIT_BY_CONFIG,
    .out_bias = ANM_TRAIT_BY_CONFIG,
    .mlp_bias = ANM_TRAIT_NEVER,
    .ropes = 1u << ANM_ROPE_DEFAULT | 1u << ANM_ROPE_LINEAR | 1u << ANM_ROPE_LLAMA3 |
             1u << ANM_ROPE_YARN,
    .names = names,
    .harmless = anm_harmless_buffers,
    .other_parts = other_parts,
};
