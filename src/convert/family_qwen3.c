/* SPDX-License-Identifier: MIT */
/* Qwen 3, dense models: transformers' modeling_qwen3.py. */
#include "src/convert/family.h"

static const char *const model_types[] = {"qwen3", NULL};
static const char *const architectures[] = {"Qwen3ForCausalLM", NULL};

const anm_family anm_family_qwen3 = {
    .name = "Qwen 3",
    .model_types = model_types,
    .architectures = architectures,
    .prefix = "qwen",
    .head_splits = 16,
    .default_head_dim = 128,
    .qk_norm = true,
    .qkv_bias = ANM_TRAIT_BY_CONFIG,
    .out_bias = ANM_TRAIT_BY_CONFIG,
    .mlp_bias = ANM_TRAIT_NEVER,
    .iso = ANM_ISO_QWEN,
    .ropes = 1u << ANM_ROPE_DEFAULT | 1u << ANM_ROPE_LINEAR | 1u << ANM_ROPE_LLAMA3 |
             1u << ANM_ROPE_YARN,
    .names = anm_names_llama,
    .harmless = anm_harmless_buffers,
};
