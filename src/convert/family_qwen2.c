/* SPDX-License-Identifier: MIT */
/* Qwen 2 and 2.5, and what was distilled into them: transformers' modeling_qwen2.py. */
#include "src/convert/family.h"

static const char *const model_types[] = {"qwen2", NULL};
static const char *const architectures[] = {"Qwen2ForCausalLM", NULL};

const anm_family anm_family_qwen2 = {
    .name = "Qwen 2 and 2.5",
    .model_types = model_types,
    .architectures = architectures,
    .prefix = "qwen25",
    .head_splits = 16,
    .qkv_bias = ANM_TRAIT_ALWAYS, /* whatever config.json says */
    .out_bias = ANM_TRAIT_NEVER,
    .mlp_bias = ANM_TRAIT_NEVER,
    .iso = ANM_ISO_QWEN,
    .ropes = 1u << ANM_ROPE_DEFAULT | 1u << ANM_ROPE_LINEAR | 1u << ANM_ROPE_LLAMA3 |
             1u << ANM_ROPE_YARN,
    .names = anm_names_llama,
    .harmless = anm_harmless_buffers,
};
