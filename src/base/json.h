/* SPDX-License-Identifier: MIT */
/*
 * JSON files through jansson, with our errors. Getters take a default for an absent (or null)
 * key and fail, naming file and key, when the value has another type.
 */
#ifndef ANM_BASE_JSON_H
#define ANM_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/base/status.h"

/* Release with json_decref. Duplicate keys, invalid UTF-8 and trailing text are errors. */
ANM_MUST_CHECK anm_status anm_json_load(const char *path, json_t **out, anm_error *err);
ANM_MUST_CHECK anm_status anm_json_parse(const char *text, size_t size, const char *where,
                                         json_t **out, anm_error *err);

ANM_MUST_CHECK anm_status anm_json_get_int(const json_t *object, const char *key, int64_t absent,
                                           int64_t *out, const char *where, anm_error *err);
ANM_MUST_CHECK anm_status anm_json_get_double(const json_t *object, const char *key, double absent,
                                              double *out, const char *where, anm_error *err);
ANM_MUST_CHECK anm_status anm_json_get_bool(const json_t *object, const char *key, bool absent,
                                            bool *out, const char *where, anm_error *err);
/* The string belongs to the JSON value. */
ANM_MUST_CHECK anm_status anm_json_get_string(const json_t *object, const char *key,
                                              const char *absent, const char **out,
                                              const char *where, anm_error *err);

#endif
