/* SPDX-License-Identifier: MIT */
/* Getters for component objects, with errors that name the key. */
#include "src/hf/tok_component.h"

#include "src/hf/tok_unicode.h"

anm_status anm_component_type(const json_t *value, const char *where, const char **type,
                              anm_error *err) {
    if (!json_is_object(value))
        return anm_fail(err, ANM_ERROR_FORMAT, where, "a component must be an object");
    ANM_TRY(anm_json_get_string(value, "type", NULL, type, where, err));
    return *type ? ANM_OK
                 : anm_fail(err, ANM_ERROR_FORMAT, where, "a component has no \"type\"");
}

anm_status anm_component_array(const json_t *value, const char *key, const char *where,
                               const json_t **out, anm_error *err) {
    *out = json_object_get(value, key);
    if (!json_is_array(*out))
        return anm_fail(err, ANM_ERROR_FORMAT, where, "key \"%s\" must be an array", key);
    return ANM_OK;
}

anm_status anm_component_unsupported(const char *role, const char *type, const char *supported,
                                     const char *where, anm_error *err) {
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                    "%s \"%.60s\" is not supported; supported are %s", role, type, supported);
}

anm_status anm_component_text(const json_t *value, const char *key, const char *absent,
                              anm_arena *arena, const char *where, anm_sv *out, anm_error *err) {
    const json_t *text = json_object_get(value, key);
    const char *data = absent;
    size_t len = absent ? strlen(absent) : 0;
    if (text && !json_is_null(text)) {
        data = json_string_value(text);
        len = json_string_length(text);
    }
    if (!data) return anm_fail(err, ANM_ERROR_FORMAT, where, "key \"%s\" must be a string", key);
    *out = (anm_sv){anm_arena_strndup(arena, data, len), len};
    return out->data ? ANM_OK : anm_fail_memory(err);
}

anm_status anm_component_char(const json_t *value, const char *key, const char *absent,
                              anm_arena *arena, const char *where, anm_sv *out, anm_error *err) {
    ANM_TRY(anm_component_text(value, key, absent, arena, where, out, err));
    if (anm_utf8_count(out->data, out->len) == 1) return ANM_OK;
    return anm_fail(err, ANM_ERROR_FORMAT, where, "key \"%s\" must be one character", key);
}
