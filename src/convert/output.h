/* SPDX-License-Identifier: MIT */
/*
 * The output directory. Everything is made in a staging directory and put in place at the end, so
 * that a conversion that fails changes nothing: a new directory appears by one rename; in an
 * existing one the entries are renamed one by one, meta.yaml (by which runners find the rest) last.
 */
#ifndef ANM_CONVERT_OUTPUT_H
#define ANM_CONVERT_OUTPUT_H

#include "src/base/file.h"

typedef struct anm_output anm_output;

/*
 * `names`: what will be written. ANM_ERROR_ARGUMENT if one of them is there and `overwrite` is
 * not set, if `path` is the model's own directory, or a file.
 */
ANM_MUST_CHECK anm_status anm_output_open(anm_arena *arena, const char *path,
                                          const char *model_dir, const char *const *names,
                                          size_t count, bool overwrite, anm_output **out,
                                          anm_error *err);
/* Where to make the outputs. */
const char *anm_output_dir(const anm_output *output);
/* Puts everything in place; releases `output` in every case. `last` is the entry to move last. */
ANM_MUST_CHECK anm_status anm_output_commit(anm_output *output, const char *last, anm_error *err);
void anm_output_abort(anm_output *output); /* NULL is fine */

/* Bytes of a file, or of all files in a directory; symbolic links are not followed. */
ANM_MUST_CHECK anm_status anm_output_size(anm_arena *arena, const char *path, uint64_t *out,
                                          anm_error *err);

#endif
