/* SPDX-License-Identifier: MIT */
/* What a function of a package is for, by its interface, and which packages make a model. */
#ifndef ANM_LLM_ROLE_H
#define ANM_LLM_ROLE_H

#include <stdbool.h>

#include "src/llm/llm.h"

typedef enum anm_llm_kind {
    ANM_LLM_UNKNOWN,
    ANM_LLM_EMBEDDINGS, /* input_ids to hidden states */
    ANM_LLM_CHUNK,      /* hidden_states and causal_mask to hidden states */
    ANM_LLM_HEAD,       /* hidden_states to logits or winners */
    ANM_LLM_WHOLE       /* input_ids and causal_mask to logits or winners */
} anm_llm_kind;

anm_llm_kind anm_llm_kind_of(const anm_function *f);
/* NULL if there is none. */
const anm_feature *anm_llm_find_input(const anm_function *f, const char *name);
const anm_feature *anm_llm_find_state(const anm_function *f, const char *name);
/* Tokens that a chunk, or everything in one, takes at a time; 0 if its input has another rank. */
int64_t anm_llm_tokens_of(const anm_function *f);
/*
 * Whether it is for prompts: by its tokens and its name; where neither tells (one token, "main"),
 * by the file's name.
 */
bool anm_llm_is_prefill(const anm_function *f, const char *file);
/* 1-based numbers of "..._chunk_02of04.mlpackage"; a name without them is chunk 1 of 1. */
void anm_llm_chunk_numbers(const char *file, size_t *number, size_t *total);

/* What a source's chunks are used for. */
typedef enum anm_llm_step {
    ANM_LLM_STEP_ANY,
    ANM_LLM_STEP_PREFILL,
    ANM_LLM_STEP_INFER
} anm_llm_step;

/* A package of the model, or some functions of one. */
typedef struct anm_llm_source {
    const char *path, *file;      /* `file` is for messages */
    anm_llm_step step;            /* of a chunk; ANY: by its functions */
    size_t chunk, chunks;         /* 0: by the file's name */
    const char *const *functions; /* those taken; none: all */
    size_t function_count;
} anm_llm_source;

typedef struct anm_llm_sources {
    anm_llm_source *items;
    size_t count;
} anm_llm_sources;

/*
 * The packages of llm->dir: those that meta.yaml names if all of them are there, else all in the
 * directory, or in its subdirectory "coreml". ANM_ERROR_NOT_FOUND if there are none.
 */
ANM_MUST_CHECK anm_status anm_llm_list_sources(anm_llm *llm, anm_llm_sources *out, anm_error *err);

#endif
