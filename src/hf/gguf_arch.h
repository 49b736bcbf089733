/* SPDX-License-Identifier: MIT */
/* What GGUF's general.architecture stands for: the Hugging Face class and its tensor names. */
#ifndef ANM_HF_GGUF_ARCH_H
#define ANM_HF_GGUF_ARCH_H

#include <jansson.h>

#include "src/hf/gguf.h"

typedef struct anm_gguf_name {
    const char *gguf, *hf; /* within a layer; without ".weight" and ".bias" */
} anm_gguf_name;

typedef struct anm_gguf_arch {
    const char *name;        /* general.architecture, and the prefix of its keys */
    const char *model_type;  /* of config.json */
    const char *class_name;  /* "LlamaForCausalLM" */
    bool paired;             /* query and key rows lie in rotary pairs */
    bool norms_plus_one;     /* the model's norms multiply by 1 + weight, which the file holds */
    const char *activation;  /* hidden_act */
    const anm_gguf_name *layer; /* ends with NULL */
} anm_gguf_arch;

/* ANM_ERROR_UNSUPPORTED, naming it, for an architecture that we do not know. */
ANM_MUST_CHECK anm_status anm_gguf_arch_of(const anm_gguf *gguf, const anm_gguf_arch **out,
                                           anm_error *err);
/* The architecture's key: "llama.block_count"; returns `buffer`. */
const char *anm_gguf_arch_key(const anm_gguf_arch *arch, const char *key, char *buffer);
enum { ANM_GGUF_KEY = 128 };

/*
 * The Hugging Face name of a tensor, in the arena or static; the GGUF name itself if there is none.
 * NULL when memory is out.
 */
const char *anm_gguf_arch_tensor(const anm_gguf_arch *arch, anm_arena *arena, const char *name);

/* "rope_freqs.weight": Llama 3's frequency factors, part of the configuration. */
extern const char anm_gguf_rope_factors[];

/* config.json's and generation_config.json's objects, from the metadata. */
ANM_MUST_CHECK anm_status anm_gguf_config(const anm_gguf *gguf, json_t **out, anm_error *err);
ANM_MUST_CHECK anm_status anm_gguf_generation(const anm_gguf *gguf, json_t **out, anm_error *err);
/* Adds what Gemma 3 has beside the common keys. */
ANM_MUST_CHECK anm_status anm_gguf_config_gemma3(const anm_gguf *gguf, const anm_gguf_arch *arch,
                                                 json_t *config, anm_error *err);
/* Adds rope_theta and rope_scaling; head_dim is that of the config. */
ANM_MUST_CHECK anm_status anm_gguf_config_rope(const anm_gguf *gguf, const anm_gguf_arch *arch,
                                               int64_t head_dim, json_t *config, anm_error *err);

#endif
