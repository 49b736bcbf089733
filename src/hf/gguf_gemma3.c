/* SPDX-License-Identifier: MIT */
/*
 * Gemma 3's configuration. Two facts are not in the metadata; they are those that llama.cpp knows:
 * every sixth layer sees everything, and the scale of the scores, which only the 27B model, of 62
 * layers, does not take from the size of its heads.
 */
#include "src/hf/gguf_arch.h"

enum { PATTERN = 6, LAYERS_27B = 62 };

typedef struct reader {
    const anm_gguf *gguf;
    const anm_gguf_arch *arch;
    json_t *config;
    anm_error *err;
} reader;

static anm_status get_number(const reader *r, const char *key, double absent, double *out) {
    char full[ANM_GGUF_KEY];
    return anm_gguf_get_number(r->gguf, anm_gguf_arch_key(r->arch, key, full), absent, out, r->err);
}

static anm_status put(const reader *r, const char *key, json_t *value) {
    return json_object_set_new(r->config, key, value) == 0 ? ANM_OK : anm_fail_memory(r->err);
}

static json_int_t config_int(const reader *r, const char *key) {
    return json_integer_value(json_object_get(r->config, key));
}

static anm_status put_windows(const reader *r) {
    double window, local;
    ANM_TRY(get_number(r, "attention.sliding_window", 0, &window));
    ANM_TRY(get_number(r, "rope.freq_base_swa", 10000, &local));
    ANM_TRY(put(r, "rope_local_base_freq", json_real(local)));
    if (window >= 1 && window <= 1 << 30)
        ANM_TRY(put(r, "sliding_window", json_integer((json_int_t)window)));
    return put(r, "sliding_window_pattern", json_integer(window >= 1 ? PATTERN : 1));
}

anm_status anm_gguf_config_gemma3(const anm_gguf *g, const anm_gguf_arch *arch, json_t *config,
                                  anm_error *err) {
    reader r = {g, arch, config, err};
    double cap;
    bool large = config_int(&r, "num_hidden_layers") == LAYERS_27B;
    json_int_t heads = config_int(&r, "num_attention_heads"), size = config_int(&r, "head_dim");
    if (large && heads > 0) size = config_int(&r, "hidden_size") / heads;
    ANM_TRY(put(&r, "query_pre_attn_scalar", json_integer(size)));
    ANM_TRY(get_number(&r, "final_logit_softcapping", 0, &cap));
    if (cap > 0) ANM_TRY(put(&r, "final_logit_softcapping", json_real(cap)));
    return put_windows(&r);
}
