/* SPDX-License-Identifier: MIT */
/* What the files about ModelConfig share. */
#ifndef ANM_LLM_MODELCONFIG_H
#define ANM_LLM_MODELCONFIG_H

#include <jansson.h>

#include "anemone/model_config.h"
#include "src/base/arena.h"
#include "src/llm/role.h"

struct anm_model_config {
    anm_arena *arena;
    json_t *root;
    const char *where; /* the JSON file, or the directory it was generated from */
    const char *base;  /* directory that relative paths start from, if model_info.path is no help */
    anm_model_config_info info;
    anm_config_component *components;
    size_t component_count;
};

/* Takes over `root`. */
ANM_MUST_CHECK anm_status anm_model_config_parse(json_t *root, const char *where, const char *base,
                                                 anm_model_config **out, anm_error *err);
/* Finds files, by path or pattern, and info.directory; none is no error. */
ANM_MUST_CHECK anm_status anm_model_config_locate(anm_model_config *config, anm_error *err);

/* What a component's name says: the chunk of "ffn_infer_chunk_02" is 2, that of "ffn_infer" 1. */
typedef struct anm_config_role {
    anm_llm_step step; /* ANY: not of the FFN */
    size_t chunk;
} anm_config_role;
anm_config_role anm_config_role_of(const char *component);
/* NULL if there is none. */
const anm_config_component *anm_config_find(const anm_model_config *config, anm_llm_step step,
                                            size_t chunk);
size_t anm_config_chunks(const anm_model_config *config);

/* The packages, for opening a model. `config` must outlive them. */
ANM_MUST_CHECK anm_status anm_model_config_sources(const anm_model_config *config,
                                                   anm_arena *arena, anm_llm_sources *out,
                                                   anm_error *err);

/* "FLOAT16" of a type; never NULL. */
const char *anm_config_type_name(anm_dtype dtype);

#endif
