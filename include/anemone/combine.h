/* SPDX-License-Identifier: MIT */
/*
 * Combining packages: functions of several into one package whose equal constants are stored
 * once, and back.
 *
 *     anm_combine_source parts[2] = {{"chunk.mlpackage", NULL, "infer"},
 *                                    {"chunk_pf.mlpackage", NULL, "prefill"}};
 *     if (anm_combine(parts, 2, "combined.mlpackage", NULL, &error)) ...
 *     if (anm_split("combined.mlpackage", "parts", NULL, &error)) ...
 *
 * What a function computes does not change: its ops, names, opset and constants are copied as
 * they are. Weights are streamed; memory in use does not grow with them.
 */
#ifndef ANEMONE_COMBINE_H
#define ANEMONE_COMBINE_H

#include <stddef.h>

#include "anemone/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A function to take. The strings are the caller's.
 *
 * function  name
 * NULL      NULL  the package's default (or only) function, under its own name
 * F         NULL  function F; if the package has one function and it is not called F, that
 *                 function, renamed F
 * NULL      N     the default (or only) function, renamed N
 * F         N     function F, renamed N
 */
typedef struct anm_combine_source {
    const char *path;     /* .mlpackage or ML Program .mlmodelc */
    const char *function; /* may be NULL */
    const char *name;     /* may be NULL; an identifier: letters, digits, '_' */
} anm_combine_source;

typedef struct anm_combine_options {
    size_t struct_size;
    const char *default_function; /* by its name in the result; NULL: the first source's */
    int overwrite;                /* replace a package that stands at the output */
} anm_combine_options;

ANM_API void anm_combine_options_init(anm_combine_options *options);

/*
 * Writes the package `out`, whose name ends in ".mlpackage", with one function per source, in
 * their order. Constants of equal element type, element count and bytes share one blob, across
 * functions and within one. `options` may be NULL. The package appears when it is whole; on
 * failure nothing at `out` has changed. `out` may be one of the sources if it is to be
 * overwritten.
 *
 * The specification version is the highest of the sources, at least 9 (iOS 18), which packages
 * with several functions need. Author, version, license and description come from the first
 * source that has them, userDefined keys from all; where two sources say different things the
 * first wins and a warning goes to the log (anm_log_set).
 *
 * ANM_ERROR_ARGUMENT: no sources, two functions of one name, a name that is no identifier, an
 * output that exists or has another ending. ANM_ERROR_NOT_FOUND: no such package, function or
 * default function. ANM_ERROR_MISMATCH: two functions have a state of one name and different
 * types, which one model cannot hold. ANM_ERROR_UNSUPPORTED: an interface with images,
 * dictionaries or strings. Errors of reading and writing as in anm_program_open().
 */
ANM_API ANM_MUST_CHECK anm_status anm_combine(const anm_combine_source *sources, size_t count,
                                              const char *out,
                                              const anm_combine_options *options, anm_error *err);

typedef struct anm_split_options {
    size_t struct_size;
    int overwrite; /* replace packages of the same names in out_dir */
} anm_split_options;

ANM_API void anm_split_options_init(anm_split_options *options);

/*
 * Writes each function NAME of the package at `path` as the package out_dir/NAME.mlpackage: one
 * function "main", and of the weights those that it uses. out_dir is created. The packages
 * appear when all of them are whole. `options` may be NULL.
 *
 * ANM_ERROR_ARGUMENT: a package of that name is there. ANM_ERROR_UNSUPPORTED: as above, and
 * function names that make no file names. Other errors as in anm_combine().
 */
ANM_API ANM_MUST_CHECK anm_status anm_split(const char *path, const char *out_dir,
                                            const anm_split_options *options, anm_error *err);

#ifdef __cplusplus
}
#endif

#endif
