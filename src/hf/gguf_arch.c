/* SPDX-License-Identifier: MIT */
/* The architectures of GGUF files that we convert, and their tensors' names. */
#include "src/hf/gguf_arch.h"

#include <ctype.h>
#include <stdio.h>

const char anm_gguf_rope_factors[] = "rope_freqs.weight";

static const anm_gguf_name names_llama[] = {
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"attn_output", "self_attn.o_proj"},
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
    {NULL, NULL},
};

static const anm_gguf_name names_gemma3[] = {
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"attn_output", "self_attn.o_proj"},
    {"post_attention_norm", "post_attention_layernorm"},
    {"ffn_norm", "pre_feedforward_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
    {"post_ffw_norm", "post_feedforward_layernorm"},
    {NULL, NULL},
};

static const anm_gguf_name names_model[] = {
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.norm.weight"},
    {"output.weight", "lm_head.weight"},
    {NULL, NULL},
};

static const anm_gguf_arch table[] = {
    {"llama", "llama", "LlamaForCausalLM", true, false, "silu", names_llama},
    {"qwen2", "qwen2", "Qwen2ForCausalLM", false, false, "silu", names_llama},
    {"qwen3", "qwen3", "Qwen3ForCausalLM", false, false, "silu", names_llama},
    {"gemma3", "gemma3_text", "Gemma3ForCausalLM", false, true, "gelu_pytorch_tanh", names_gemma3},
};
enum { COUNT = sizeof table / sizeof table[0] };

anm_status anm_gguf_arch_of(const anm_gguf *g, const anm_gguf_arch **out, anm_error *err) {
    anm_sv name;
    *out = NULL;
    ANM_TRY(anm_gguf_get_text(g, "general.architecture", &name, err));
    if (!name.data)
        return anm_fail(err, ANM_ERROR_FORMAT, anm_gguf_path(g),
                        "key \"general.architecture\" is missing");
    for (int i = 0; i < COUNT; i++)
        if (anm_sv_is(name, table[i].name)) *out = &table[i];
    if (*out) return ANM_OK;
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, anm_gguf_path(g),
                    "GGUF architecture \"%.*s\" is not supported; llama, qwen2, qwen3 and gemma3 "
                    "are",
                    (int)(name.len < 60 ? name.len : 60), name.data);
}

const char *anm_gguf_arch_key(const anm_gguf_arch *arch, const char *key, char *buffer) {
    snprintf(buffer, ANM_GGUF_KEY, "%s.%s", arch->name, key);
    return buffer;
}

static const char *find(const anm_gguf_name *list, anm_sv name) {
    for (; list->gguf; list++)
        if (anm_sv_is(name, list->gguf)) return list->hf;
    return NULL;
}

/* "blk.12.attn_q.weight" */
const char *anm_gguf_arch_tensor(const anm_gguf_arch *arch, anm_arena *arena, const char *name) {
    static const char prefix[] = "blk.";
    const char *model = find(names_model, anm_sv_from(name));
    if (model) return model;
    if (!anm_str_starts(name, prefix)) return anm_arena_strdup(arena, name);
    const char *number = name + sizeof prefix - 1, *what = number;
    while (isdigit((unsigned char)*what)) what++;
    const char *kind = strrchr(what, '.');
    if (what == number || *what != '.' || kind == what) return anm_arena_strdup(arena, name);
    const char *hf = find(arch->layer, (anm_sv){what + 1, (size_t)(kind - what - 1)});
    if (!hf) return anm_arena_strdup(arena, name);
    return anm_arena_printf(arena, "model.layers.%.*s.%s%s", (int)(what - number), number, hf,
                            kind);
}
