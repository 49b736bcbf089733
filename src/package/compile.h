/* SPDX-License-Identifier: MIT */
/*
 * The parts of the compiler from .mlpackage to .mlmodelc. Each makes one file of the result, or
 * prepares the program for it; anm_compile() puts them together. docs/compile.md is the format.
 */
#ifndef ANM_PACKAGE_COMPILE_H
#define ANM_PACKAGE_COMPILE_H

#include <jansson.h>

#include "anemone/compile.h"
#include "src/base/vec.h"
#include "src/package/package.h"

struct anm_compile_report {
    anm_arena *arena;
    const char *path;
    uint64_t bytes;
    ANM_VEC(const char *) warnings;
};
/* Keeps the warning and logs it. */
ANM_MUST_CHECK anm_status anm_compile_warn(anm_compile_report *report, anm_error *err,
                                           const char *fmt, ...) ANM_PRINTF(3, 4);

/* Refuses programs whose compiled form is not known, or that do not fit their interface. */
ANM_MUST_CHECK anm_status anm_compile_check(const anm_package *package, anm_compile_report *report,
                                            anm_error *err);

/*
 * Adds what a compiled program says beyond its package: the compiler's keys in buildInfo, and
 * FlexibleShapeInformation. New parts live in the program's arena.
 */
ANM_MUST_CHECK anm_status anm_compile_build_info(anm_mil_program *program, anm_error *err);
ANM_MUST_CHECK anm_status anm_compile_flexible(anm_mil_program *program,
                                               const anm_description *description,
                                               anm_compile_report *report, anm_error *err);

/* Sets or replaces an attribute in a list that lives in the arena; false: memory is out. */
bool anm_compile_set_attr(anm_arena *arena, anm_mil_attr **attrs, size_t *count, const char *name,
                          const anm_mil_literal *literal);
/* A list, tuple or dict in the arena; NULL when memory is out or a part is NULL. */
const anm_mil_literal *anm_compile_compound(anm_arena *arena, const anm_mil_type *type,
                                            const anm_mil_literal *const *items, size_t count);

/* The bytes of a ModelDescription within a model file. */
typedef struct anm_model_payload {
    const uint8_t *data; /* NULL: there is none */
    size_t size;
} anm_model_payload;
ANM_MUST_CHECK anm_status anm_compile_find_payload(const uint8_t *model, size_t size,
                                                   const char *where, anm_model_payload *out,
                                                   anm_error *err);

/* coremldata.bin: archive header, description as it stands in the package, trailers. */
void anm_compile_archive(anm_strbuf *out, int spec_version, anm_model_payload payload,
                         const Pb__ModelDescription *description);
/* analytics/coremldata.bin: hash and name of the model file. */
ANM_MUST_CHECK anm_status anm_compile_analytics(anm_strbuf *out, const uint8_t *model, size_t size,
                                                const char *name, anm_error *err);

/* metadata.json as a value; NULL: memory is out. */
json_t *anm_compile_metadata(const anm_mil_program *program,
                             const Pb__ModelDescription *description, const char *stem);
/* A feature as metadata.json shows it. */
json_t *anm_compile_feature(const Pb__FeatureDescription *feature);
/* Whether it can be shown (arrays, states, images of fixed size). */
bool anm_compile_feature_known(const Pb__FeatureDescription *feature);

/* Of one function: op counts by versioned name, types computed in, types stored. */
json_t *anm_compile_histogram(const anm_mil_function *function);
json_t *anm_compile_compute_precision(const anm_mil_function *function); /* JSON null: none */
json_t *anm_compile_storage_precision(const anm_mil_function *function); /* JSON null: none */
/* "Ios18.reduceMean": the op as the histogram of a function of that opset names it. */
void anm_compile_op_name(anm_strbuf *out, const char *type, int opset);

/* JSON in the layout of Apple's serializer: `"key" : value`, escaped slashes. */
void anm_compile_print_json(const json_t *value, anm_strbuf *out);

#endif
