/* SPDX-License-Identifier: MIT */
/*
 * Compiling packages: an ML Program .mlpackage becomes the .mlmodelc that Apple's
 * `coremlcompiler compile` makes of it, without a Mac. docs/compile.md says what is certain of the
 * format, what is chosen, and what is refused.
 */
#ifndef ANEMONE_COMPILE_H
#define ANEMONE_COMPILE_H

#include <stddef.h>
#include <stdint.h>

#include "anemone/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct anm_compile_options {
    size_t struct_size;
    int overwrite; /* replace a compiled model of that name */
} anm_compile_options;

ANM_API void anm_compile_options_init(anm_compile_options *options);

typedef struct anm_compile_report anm_compile_report;

/*
 * Compiles the package "X.mlpackage" into "out_dir/X.mlmodelc"; `out_dir` NULL means beside the
 * package, otherwise it is created. The program's meaning, order and names do not change, weight
 * files are copied byte for byte. The result appears under its name only when it is whole.
 * `options` and `report` may be NULL; on failure *report is NULL.
 *
 * ANM_ERROR_UNSUPPORTED for what the compiled form is not known for: control flow with nested
 * blocks, classifiers, strings that would need escapes, newer specifications; naming the function
 * and op. ANM_ERROR_ARGUMENT if `package` is no .mlpackage or the output exists (see overwrite);
 * ANM_ERROR_NOT_FOUND, ANM_ERROR_FORMAT and ANM_ERROR_MISMATCH for packages that are incomplete,
 * damaged, or whose interface does not fit their program; ANM_ERROR_LIMIT for shapes beyond 32
 * bits; ANM_ERROR_IO.
 */
ANM_API ANM_MUST_CHECK anm_status anm_compile(const char *package, const char *out_dir,
                                              const anm_compile_options *options,
                                              anm_compile_report **report, anm_error *err);

/* Path of the compiled model. Everything lives until the report is freed. */
ANM_API const char *anm_compile_report_path(const anm_compile_report *report);
/* Bytes of all its files. */
ANM_API uint64_t anm_compile_report_bytes(const anm_compile_report *report);
/* What was chosen without knowing Apple's way (these also go to the log); NULL past the end. */
ANM_API const char *anm_compile_report_warning(const anm_compile_report *report, size_t index);
ANM_API void anm_compile_report_free(anm_compile_report *report); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif
