/* SPDX-License-Identifier: MIT */
/*
 * What config.json and generation_config.json say of a decoder-only language model, in one plain
 * struct. Names follow the files. Whether a family is supported is decided elsewhere; here the
 * values only have to be present, of the right type and sane.
 */
#ifndef ANM_HF_CONFIG_H
#define ANM_HF_CONFIG_H

#include <stdbool.h>

#include "anemone/tensor.h"
#include "src/base/status.h"

enum { ANM_HF_MAX_IDS = 32, ANM_HF_NAME = 64, ANM_HF_MAX_LAYERS = 1 << 12 };

typedef enum anm_rope_type {
    ANM_ROPE_DEFAULT, /* no scaling; also spelled "none" or absent */
    ANM_ROPE_LINEAR,
    ANM_ROPE_DYNAMIC,
    ANM_ROPE_YARN,
    ANM_ROPE_LONGROPE,
    ANM_ROPE_LLAMA3,
    ANM_ROPE_OTHER
} anm_rope_type;

/* From rope_parameters (newer files), or rope_scaling and the top level's rope_theta. */
typedef struct anm_hf_rope {
    anm_rope_type type;
    char type_name[ANM_HF_NAME];
    double theta;
    double factor;                            /* 1 if absent */
    double low_freq_factor, high_freq_factor; /* llama3 */
    double attention_factor;                  /* yarn; 0: not given, to be computed */
    double beta_fast, beta_slow;              /* yarn; default 32 and 1 */
    double mscale, mscale_all_dim;            /* yarn; 0: not given */
    bool truncate;                            /* yarn; default true */
    double partial_rotary_factor;             /* share of head_dim that is rotated; default 1 */
    /* max_position_embeddings if absent, as the formulas take it */
    int64_t original_max_position_embeddings;
} anm_hf_rope;

/* quantization_config; all zero if the checkpoint is not quantized. */
typedef struct anm_hf_quant {
    char method[ANM_HF_NAME]; /* quant_method */
    char format[ANM_HF_NAME]; /* "format" or "fmt"; "" if absent */
    bool fp8;                 /* FP8 values and scales, which are read; else it is not supported */
    int64_t block[2];         /* rows and columns that share a scale; 0: none were named */
} anm_hf_quant;

typedef struct anm_hf_config {
    char model_type[ANM_HF_NAME];
    char architecture[ANM_HF_NAME]; /* the first of `architectures`, or "" */
    int64_t hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, vocab_size;
    int64_t num_key_value_heads; /* num_attention_heads if absent */
    int64_t head_dim;            /* hidden_size / num_attention_heads if absent */
    bool has_head_dim;           /* head_dim was given; families differ in their default */
    int64_t max_position_embeddings; /* 0 if absent */
    double rms_norm_eps;             /* 1e-6 if absent */
    anm_hf_rope rope;
    anm_hf_rope local_rope;     /* of sliding_attention layers; `rope` again if not given apart */
    bool has_local_rope;        /* it was given apart */
    bool tie_word_embeddings, attention_bias, mlp_bias; /* false if absent */
    int64_t sliding_window;                             /* 0: none */
    bool use_sliding_window, has_use_sliding_window;
    bool other_layer_types;   /* layer_types has something other than "full_attention" */
    bool unknown_layer_types; /* ... or "sliding_attention" */
    /* Bit i % 64 of word i / 64: layer i is sliding_attention, by layer_types or the pattern. */
    uint64_t sliding_layers[ANM_HF_MAX_LAYERS / 64];
    bool bidirectional; /* use_bidirectional_attention */
    double query_pre_attn_scalar, attn_logit_softcapping, final_logit_softcapping; /* 0: none */
    char hidden_act[ANM_HF_NAME]; /* hidden_activation, else hidden_act; "silu" if absent */
    anm_dtype dtype;              /* torch_dtype or dtype; ANM_DTYPE_NONE if absent or unknown */
    anm_hf_quant quant;
    int64_t state_length;           /* ANEMLL's KV length; 0 if absent */
    /* Token ids without repetition: generation_config.json's first, then config.json's. */
    int64_t bos_ids[ANM_HF_MAX_IDS], eos_ids[ANM_HF_MAX_IDS];
    int bos_count, eos_count;
} anm_hf_config;

static inline bool anm_hf_config_is_sliding(const anm_hf_config *config, int64_t layer) {
    return config->sliding_layers[layer / 64] >> layer % 64 & 1;
}

/*
 * Reads dir/config.json, and dir/generation_config.json if there is one; of a GGUF model (see
 * anm_gguf_locate()) the metadata that stands for them. Errors name the file and
 * the key. ANM_ERROR_NOT_FOUND without a config.json; ANM_ERROR_FORMAT for a missing key, a wrong
 * type or an impossible value; ANM_ERROR_UNSUPPORTED for a multi-part model (text_config) whose
 * text part is not known here, and for RoPE parameters of other layer types. *out is all zero on
 * failure.
 */
ANM_MUST_CHECK anm_status anm_hf_config_read(const char *dir, anm_hf_config *out, anm_error *err);

#endif
