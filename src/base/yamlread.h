/* SPDX-License-Identifier: MIT */
/* A YAML document of nested mappings, as meta.yaml and the head of a model card are. */
#ifndef ANM_BASE_YAMLREAD_H
#define ANM_BASE_YAMLREAD_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/status.h"

typedef struct anm_yaml anm_yaml;

/* The first document in the text; `where` is for messages. ANM_ERROR_FORMAT with the byte. */
ANM_MUST_CHECK anm_status anm_yaml_parse(const char *text, size_t size, const char *where,
                                         anm_yaml **out, anm_error *err);
void anm_yaml_free(anm_yaml *yaml); /* NULL is fine */

/* The scalar at "model_info/parameters/batch_size"; NULL if there is none. */
const char *anm_yaml_scalar(const anm_yaml *yaml, const char *path);
/* Whether there is anything at the path. */
bool anm_yaml_has(const anm_yaml *yaml, const char *path);

#endif
