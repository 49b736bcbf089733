/* SPDX-License-Identifier: MIT */
/* Shared by the config files only: checked reading of one key. */
#ifndef ANM_HF_CONFIG_INTERNAL_H
#define ANM_HF_CONFIG_INTERNAL_H

#include <jansson.h>

#include "src/base/arena.h"
#include "src/hf/config.h"

/* A JSON object and the file it comes from. */
typedef struct anm_config_source {
    const json_t *object;
    const char *path;
    anm_error *err;
} anm_config_source;

/* The objects that a config is read from, and the files they come from. */
typedef struct anm_config_files {
    json_t *config, *generation; /* generation: NULL if there is none */
    const char *config_path, *generation_path;
} anm_config_files;

/*
 * config.json and generation_config.json of a directory, or what a GGUF model's metadata says in
 * their place. Paths are in the arena; the caller releases the objects, on failure too.
 */
ANM_MUST_CHECK anm_status anm_config_load(anm_arena *arena, const char *model,
                                          anm_config_files *out, anm_error *err);

/* The value must lie in [min, max]; `absent` need not. */
ANM_MUST_CHECK anm_status anm_config_int(const anm_config_source *s, const char *key,
                                         int64_t absent, int64_t min, int64_t max, int64_t *out);
/* The value must be positive (or zero if `absent` is) and finite. */
ANM_MUST_CHECK anm_status anm_config_number(const anm_config_source *s, const char *key,
                                            double absent, double *out);
ANM_MUST_CHECK anm_status anm_config_name(const anm_config_source *s, const char *key,
                                          const char *absent, char out[ANM_HF_NAME]);

ANM_MUST_CHECK anm_status anm_config_read_rope(const anm_config_source *s, anm_hf_config *c);
/* All zero without a quantization_config. */
ANM_MUST_CHECK anm_status anm_config_read_quant(const anm_config_source *s, anm_hf_quant *quant);
ANM_MUST_CHECK anm_status anm_config_read_layers(const anm_config_source *s, anm_hf_config *c);
/*
 * Makes `root` the config of a text model: the keys of text_config for a model of several parts,
 * and what the model's class in transformers has for keys that the file leaves out. Models that are
 * not known here stay as they are.
 */
ANM_MUST_CHECK anm_status anm_config_complete(json_t *root, const char *path, anm_error *err);

#endif
