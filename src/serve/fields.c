/* SPDX-License-Identifier: MIT */
#include "src/serve/fields.h"

#include <string.h>

const json_t *anm_field(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    return json_is_null(value) ? NULL : value;
}

static anm_status refuse(const char *name, const char *wanted, anm_error *err) {
    return anm_fail(err, ANM_ERROR_ARGUMENT, name, "'%s' must be %s", name, wanted);
}

anm_status anm_field_bool(const json_t *object, const char *name, bool *out, anm_error *err) {
    const json_t *value = anm_field(object, name);
    if (!value) return ANM_OK;
    if (!json_is_boolean(value)) return refuse(name, "true or false", err);
    *out = json_is_true(value);
    return ANM_OK;
}

anm_status anm_field_int(const json_t *object, const char *name, int64_t least, int64_t most,
                         int64_t *out, anm_error *err) {
    const json_t *value = anm_field(object, name);
    if (!value) return ANM_OK;
    if (!json_is_integer(value)) return refuse(name, "a whole number", err);
    json_int_t number = json_integer_value(value);
    if (number < least || number > most)
        return anm_fail(err, ANM_ERROR_ARGUMENT, name, "'%s' must be %lld to %lld, not %lld", name,
                        (long long)least, (long long)most, (long long)number);
    *out = number;
    return ANM_OK;
}

anm_status anm_field_number(const json_t *object, const char *name, double least, double most,
                            double *out, anm_error *err) {
    const json_t *value = anm_field(object, name);
    if (!value) return ANM_OK;
    if (!json_is_number(value)) return refuse(name, "a number", err);
    double number = json_number_value(value);
    if (!(number >= least && number <= most))
        return anm_fail(err, ANM_ERROR_ARGUMENT, name, "'%s' must be %g to %g, not %g", name, least,
                        most, number);
    *out = number;
    return ANM_OK;
}

anm_status anm_field_float(const json_t *object, const char *name, double least, double most,
                           float *out, anm_error *err) {
    double number = *out;
    ANM_TRY(anm_field_number(object, name, least, most, &number, err));
    *out = (float)number;
    return ANM_OK;
}

anm_status anm_field_text(const json_t *object, const char *name, const char **out,
                          anm_error *err) {
    const json_t *value = anm_field(object, name);
    if (!value) return ANM_OK;
    if (!json_is_string(value)) return refuse(name, "a string", err);
    if (strlen(json_string_value(value)) != json_string_length(value))
        return refuse(name, "a string without NUL characters", err);
    *out = json_string_value(value);
    return ANM_OK;
}
