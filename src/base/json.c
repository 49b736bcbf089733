/* SPDX-License-Identifier: MIT */
#include "src/base/json.h"

#include "src/base/file.h"

static const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL;

anm_status anm_json_parse(const char *text, size_t size, const char *where, json_t **out,
                          anm_error *err) {
    json_error_t problem;
    *out = json_loadb(text, size, flags, &problem);
    if (*out) return ANM_OK;
    return anm_fail_at(err, ANM_ERROR_FORMAT, where, (uint64_t)problem.position,
                       "invalid JSON in line %d, column %d: %s", problem.line, problem.column,
                       problem.text);
}

anm_status anm_json_load(const char *path, json_t **out, anm_error *err) {
    anm_mapping file;
    *out = NULL;
    ANM_TRY(anm_mapping_open(path, &file, err));
    anm_status status = anm_json_parse((const char *)file.data, file.size, path, out, err);
    anm_mapping_close(&file);
    return status;
}

static anm_status wrong_type(const char *where, const char *key, const char *wanted,
                             anm_error *err) {
    return anm_fail(err, ANM_ERROR_FORMAT, where, "key \"%s\" is not %s", key, wanted);
}

/* NULL for an absent key and for null: configuration files use both for "not set". */
static const json_t *lookup(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

anm_status anm_json_get_int(const json_t *object, const char *key, int64_t absent, int64_t *out,
                            const char *where, anm_error *err) {
    const json_t *value = lookup(object, key);
    *out = absent;
    if (!value) return ANM_OK;
    if (!json_is_integer(value)) return wrong_type(where, key, "an integer", err);
    *out = (int64_t)json_integer_value(value);
    return ANM_OK;
}

anm_status anm_json_get_double(const json_t *object, const char *key, double absent, double *out,
                               const char *where, anm_error *err) {
    const json_t *value = lookup(object, key);
    *out = absent;
    if (!value) return ANM_OK;
    if (!json_is_number(value)) return wrong_type(where, key, "a number", err);
    *out = json_number_value(value);
    return ANM_OK;
}

anm_status anm_json_get_bool(const json_t *object, const char *key, bool absent, bool *out,
                             const char *where, anm_error *err) {
    const json_t *value = lookup(object, key);
    *out = absent;
    if (!value) return ANM_OK;
    if (!json_is_boolean(value)) return wrong_type(where, key, "true or false", err);
    *out = json_is_true(value);
    return ANM_OK;
}

anm_status anm_json_get_string(const json_t *object, const char *key, const char *absent,
                               const char **out, const char *where, anm_error *err) {
    const json_t *value = lookup(object, key);
    *out = absent;
    if (!value) return ANM_OK;
    if (!json_is_string(value)) return wrong_type(where, key, "a string", err);
    *out = json_string_value(value);
    return ANM_OK;
}
