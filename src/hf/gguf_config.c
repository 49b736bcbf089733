/* SPDX-License-Identifier: MIT */
/*
 * config.json and generation_config.json out of GGUF metadata. Values are checked where config.json
 * is read; here only what would be misread there is refused.
 */
#include "src/hf/gguf_arch.h"

typedef struct reader {
    const anm_gguf *gguf;
    const anm_gguf_arch *arch;
    json_t *config;
    anm_error *err;
} reader;

static anm_status put(reader *r, const char *key, json_t *value) {
    return json_object_set_new(r->config, key, value) == 0 ? ANM_OK : anm_fail_memory(r->err);
}

static anm_status missing(reader *r, const char *key) {
    return anm_fail(r->err, ANM_ERROR_FORMAT, anm_gguf_path(r->gguf), "key \"%s.%s\" is missing",
                    r->arch->name, key);
}

static anm_status get_int(reader *r, const char *key, int64_t absent, int64_t *out) {
    char full[ANM_GGUF_KEY];
    return anm_gguf_get_int(r->gguf, anm_gguf_arch_key(r->arch, key, full), absent, out, r->err);
}

/* The file's `key` as config.json's `name`; an absent one is left out, or an error. */
static anm_status copy_int(reader *r, const char *key, const char *name, bool required) {
    int64_t value;
    ANM_TRY(get_int(r, key, -1, &value));
    if (value == -1) return required ? missing(r, key) : ANM_OK;
    return put(r, name, json_integer(value));
}

static anm_status copy_sizes(reader *r) {
    ANM_TRY(copy_int(r, "embedding_length", "hidden_size", true));
    ANM_TRY(copy_int(r, "block_count", "num_hidden_layers", true));
    ANM_TRY(copy_int(r, "attention.head_count", "num_attention_heads", true));
    ANM_TRY(copy_int(r, "attention.head_count_kv", "num_key_value_heads", false));
    ANM_TRY(copy_int(r, "feed_forward_length", "intermediate_size", true));
    return copy_int(r, "context_length", "max_position_embeddings", false);
}

static anm_status refuse(reader *r, const char *key, int64_t value, const char *why) {
    return anm_fail(r->err, ANM_ERROR_UNSUPPORTED, anm_gguf_path(r->gguf),
                    "key \"%s.%s\" is %lld: %s", r->arch->name, key, (long long)value, why);
}

/* The format's default is the quotient, as llama.cpp takes it. */
static anm_status copy_head_dim(reader *r, int64_t *head_dim) {
    int64_t value_dim, hidden = 0, heads = 0, rotated;
    ANM_TRY(get_int(r, "embedding_length", 0, &hidden));
    ANM_TRY(get_int(r, "attention.head_count", 0, &heads));
    ANM_TRY(get_int(r, "attention.key_length", heads > 0 ? hidden / heads : 0, head_dim));
    ANM_TRY(get_int(r, "attention.value_length", *head_dim, &value_dim));
    ANM_TRY(get_int(r, "rope.dimension_count", *head_dim, &rotated));
    if (*head_dim < 2 || *head_dim > 1 << 14)
        return refuse(r, "attention.key_length", *head_dim, "no size of a head");
    if (value_dim != *head_dim)
        return refuse(r, "attention.value_length", value_dim, "values as long as keys are needed");
    if (rotated != *head_dim)
        return refuse(r, "rope.dimension_count", rotated, "only whole heads are rotated");
    return put(r, "head_dim", json_integer(*head_dim));
}

static anm_status copy_eps(reader *r) {
    static const char key[] = "attention.layer_norm_rms_epsilon";
    char full[ANM_GGUF_KEY];
    double eps;
    ANM_TRY(anm_gguf_get_number(r->gguf, anm_gguf_arch_key(r->arch, key, full), 0, &eps, r->err));
    return eps > 0 ? put(r, "rms_norm_eps", json_real(eps)) : missing(r, key);
}

static bool has(const reader *r, const char *tensor) {
    return anm_gguf_tensor_find(r->gguf, tensor) != NULL;
}

/* The embedding's rows count, whatever llama.vocab_size says. */
static anm_status copy_tensor_facts(reader *r) {
    const anm_gguf_tensor *embedding = anm_gguf_tensor_find(r->gguf, "token_embd.weight");
    if (!embedding || embedding->tensor.rank != 2)
        return anm_fail(r->err, ANM_ERROR_FORMAT, anm_gguf_path(r->gguf),
                        "there is no tensor \"token_embd.weight\" of two dimensions");
    ANM_TRY(put(r, "vocab_size", json_integer(embedding->tensor.shape[0])));
    ANM_TRY(put(r, "tie_word_embeddings", json_boolean(!has(r, "output.weight"))));
    if (strcmp(r->arch->model_type, "qwen2") != 0) /* which always has them, and no such key */
        ANM_TRY(put(r, "attention_bias", json_boolean(has(r, "blk.0.attn_q.bias"))));
    return put(r, "mlp_bias", json_boolean(has(r, "blk.0.ffn_gate.bias")));
}

static anm_status copy_window(reader *r) {
    int64_t window, experts;
    ANM_TRY(get_int(r, "expert_count", 0, &experts));
    if (experts) return refuse(r, "expert_count", experts, "mixtures of experts are not supported");
    if (strcmp(r->arch->name, "gemma3") == 0)
        return anm_gguf_config_gemma3(r->gguf, r->arch, r->config, r->err);
    ANM_TRY(get_int(r, "attention.sliding_window", 0, &window));
    if (window <= 0) return ANM_OK;
    ANM_TRY(put(r, "sliding_window", json_integer(window)));
    return put(r, "use_sliding_window", json_true());
}

static anm_status fill(reader *r) {
    int64_t head_dim;
    ANM_TRY(put(r, "architectures", json_pack("[s]", r->arch->class_name)));
    ANM_TRY(put(r, "model_type", json_string(r->arch->model_type)));
    ANM_TRY(copy_sizes(r));
    ANM_TRY(copy_head_dim(r, &head_dim));
    ANM_TRY(copy_eps(r));
    ANM_TRY(copy_tensor_facts(r));
    ANM_TRY(copy_window(r));
    ANM_TRY(put(r, "hidden_act", json_string(r->arch->activation)));
    return anm_gguf_config_rope(r->gguf, r->arch, head_dim, r->config, r->err);
}

anm_status anm_gguf_config(const anm_gguf *g, json_t **out, anm_error *err) {
    reader r = {.gguf = g, .err = err};
    *out = NULL;
    ANM_TRY(anm_gguf_arch_of(g, &r.arch, err));
    r.config = json_object();
    anm_status status = r.config ? fill(&r) : anm_fail_memory(err);
    if (status == ANM_OK) *out = r.config;
    else json_decref(r.config);
    return status;
}

/* End of text, of a turn and of a message: generation stops at any. */
static anm_status put_ids(const anm_gguf *g, json_t *root, anm_error *err) {
    static const char *const ends[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                       "tokenizer.ggml.eom_token_id"};
    int64_t seen[3], bos;
    ANM_TRY(anm_gguf_get_int(g, "tokenizer.ggml.bos_token_id", -1, &bos, err));
    if (bos >= 0) json_object_set_new(root, "bos_token_id", json_integer(bos));
    json_t *list = json_array();
    json_object_set_new(root, "eos_token_id", list);
    for (int i = 0; i < 3; i++) {
        ANM_TRY(anm_gguf_get_int(g, ends[i], -1, &seen[i], err));
        bool known = seen[i] < 0;
        for (int k = 0; k < i; k++) known |= seen[k] == seen[i];
        if (!known && json_array_append_new(list, json_integer(seen[i])) != 0)
            return anm_fail_memory(err);
    }
    return list ? ANM_OK : anm_fail_memory(err);
}

anm_status anm_gguf_generation(const anm_gguf *g, json_t **out, anm_error *err) {
    *out = json_object();
    if (!*out) return anm_fail_memory(err);
    anm_status status = put_ids(g, *out, err);
    if (status == ANM_OK) return ANM_OK;
    json_decref(*out);
    *out = NULL;
    return status;
}
