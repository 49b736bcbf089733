/* SPDX-License-Identifier: MIT */
/* The list of families, and what several of them share. */
#include "src/convert/family.h"

#include <stdio.h>

#include "anemone/convert.h"

static const anm_family *const families[] = {
    &anm_family_qwen3,
    &anm_family_qwen2,
    &anm_family_llama,
    &anm_family_gemma3,
};
enum { FAMILIES = sizeof families / sizeof families[0] };

const char *const anm_names_llama[ANM_SLOT_COUNT] = {
    ANM_NAMES_OF_ATTENTION,
    [ANM_SLOT_MLP_NORM] = "model.layers.{}.post_attention_layernorm.weight",
    [ANM_SLOT_GATE] = "model.layers.{}.mlp.gate_proj.weight",
    [ANM_SLOT_GATE_BIAS] = "model.layers.{}.mlp.gate_proj.bias",
    [ANM_SLOT_UP] = "model.layers.{}.mlp.up_proj.weight",
    [ANM_SLOT_UP_BIAS] = "model.layers.{}.mlp.up_proj.bias",
    [ANM_SLOT_DOWN] = "model.layers.{}.mlp.down_proj.weight",
    [ANM_SLOT_DOWN_BIAS] = "model.layers.{}.mlp.down_proj.bias",
};

const char *const anm_harmless_buffers[] = {
    ".rotary_emb.inv_freq", ".rotary_emb.cos_cached", ".rotary_emb.sin_cached",
    ".self_attn.bias",      ".self_attn.masked_bias", NULL,
};

static bool listed(const char *const *list, const char *text) {
    for (; *list; list++)
        if (strcmp(*list, text) == 0) return true;
    return false;
}

const anm_family *anm_family_find(const char *model_type) {
    for (int i = 0; i < FAMILIES; i++)
        if (listed(families[i]->model_types, model_type)) return families[i];
    return NULL;
}

bool anm_family_has_architecture(const anm_family *family, const char *architecture) {
    return listed(family->architectures, architecture);
}

const char *anm_family_tensor(const anm_family *family, anm_slot slot, int64_t layer, char *buffer,
                              size_t size) {
    const char *pattern = family->names[slot], *mark = strstr(pattern, "{}");
    if (mark)
        snprintf(buffer, size, "%.*s%lld%s", (int)(mark - pattern), pattern, (long long)layer,
                 mark + 2);
    else
        snprintf(buffer, size, "%s", pattern);
    return buffer;
}

const char *anm_convert_supported(void) {
    /* Spelled out so that it is a constant; a unit test holds it against the families. */
    return "Qwen 3 (model_type qwen3; Qwen3ForCausalLM)\n"
           "Qwen 2 and 2.5 (model_type qwen2; Qwen2ForCausalLM)\n"
           "Llama (model_type llama; LlamaForCausalLM)\n"
           "Gemma 3 (model_type gemma3_text, gemma3; Gemma3ForCausalLM, "
           "Gemma3ForConditionalGeneration)";
}
