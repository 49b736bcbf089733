/* SPDX-License-Identifier: MIT */
/* Llama 2, 3, 3.1, 3.2 and what shares their class: transformers' modeling_llama.py. */
#include "src/convert/family.h"

static const char *const model_types[] = {"llama", NULL};
static const char *const architectures[] = {"LlamaForCausalLM", NULL};

const anm_family anm_family_llama = {
    .name = "Llama",
    .model_types = model_types,
    .architectures = architectures,
    .prefix = "llama",
    .head_splits = 8,
    .qkv_bias = ANM_TRAIT_BY_CONFIG,
    .out_bias = ANM_TRAIT_BY_CONFIG,
    .mlp_bias = ANM_TRAIT_BY_CONFIG,
    .iso = ANM_ISO_LLAMA,
    .ropes = 1u << ANM_ROPE_DEFAULT | 1u << ANM_ROPE_LINEAR | 1u << ANM_ROPE_LLAMA3 |
             1u << ANM_ROPE_YARN,
    .names = anm_names_llama,
    .harmless = anm_harmless_buffers,
};
