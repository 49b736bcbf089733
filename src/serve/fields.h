/* SPDX-License-Identifier: MIT */
/*
 * Fields of a request, checked: a field of the wrong type or beyond its range is
 * ANM_ERROR_ARGUMENT whose `where` is the field's name. Null counts as absent, and then the target
 * stays as it is.
 */
#ifndef ANM_SERVE_FIELDS_H
#define ANM_SERVE_FIELDS_H

#include <jansson.h>
#include <stdbool.h>

#include "src/base/status.h"

/* NULL for null as well. */
const json_t *anm_field(const json_t *object, const char *name);
ANM_MUST_CHECK anm_status anm_field_bool(const json_t *object, const char *name, bool *out,
                                         anm_error *err);
ANM_MUST_CHECK anm_status anm_field_int(const json_t *object, const char *name, int64_t least,
                                        int64_t most, int64_t *out, anm_error *err);
ANM_MUST_CHECK anm_status anm_field_number(const json_t *object, const char *name, double least,
                                           double most, double *out, anm_error *err);
/* The same into a float. */
ANM_MUST_CHECK anm_status anm_field_float(const json_t *object, const char *name, double least,
                                          double most, float *out, anm_error *err);
/* The text belongs to the object; one with a NUL character is refused. */
ANM_MUST_CHECK anm_status anm_field_text(const json_t *object, const char *name, const char **out,
                                         anm_error *err);

#endif
