/* SPDX-License-Identifier: MIT */
/*
 * The output directory. Parts are made in OUT/.anemone-convert and put in place together, meta.yaml
 * (by which runners find the rest) last. What is finished is recorded, so that a conversion
 * that was stopped at any moment goes on where it was: docs/conversion.md tells how. One conversion
 * at a time has the directory: it holds a lock for as long as it lives.
 */
#ifndef ANM_CONVERT_OUTPUT_H
#define ANM_CONVERT_OUTPUT_H

#include "src/convert/record.h"

#define ANM_OUTPUT_STAGE ".anemone-convert"

typedef struct anm_output anm_output;

/*
 * Creates the directory if need be and takes its lock. ANM_ERROR_ARGUMENT if `path` is the model's
 * own directory, or a file; ANM_ERROR_IO if another conversion has it.
 */
ANM_MUST_CHECK anm_status anm_output_open(anm_arena *arena, const char *path,
                                          const char *model_dir, anm_output **out, anm_error *err);
/* Where to make the outputs. */
const char *anm_output_dir(const anm_output *output);

typedef enum anm_output_state {
    ANM_OUTPUT_MISSING,
    ANM_OUTPUT_STAGED,  /* made from the same, waiting */
    ANM_OUTPUT_PLACED,  /* made from the same, in place */
    ANM_OUTPUT_STALE,   /* in place, made by us from something else */
    ANM_OUTPUT_FOREIGN, /* in place, of unknown origin */
} anm_output_state;

/* `entry`: of a STAGED or PLACED part, else NULL. It lives until the record changes. */
anm_output_state anm_output_look(const anm_output *output, const char *file,
                                 const anm_identity *identity, const json_t **entry);
/* Path of a name in the directory itself, in the arena; NULL: memory is out. */
const char *anm_output_place(const anm_output *output, const char *name);
/* ANM_ERROR_ARGUMENT if the checkpoint lies in what has this name, and would go with it. */
ANM_MUST_CHECK anm_status anm_output_check_source(const anm_output *output, const char *name,
                                                  const char *model_dir, anm_error *err);

/* Before a part is made: what is staged by its name is forgotten and removed. */
ANM_MUST_CHECK anm_status anm_output_clear(anm_output *output, const char *file, anm_error *err);
/* When it is finished: records it, with what was reported since `mark`. */
ANM_MUST_CHECK anm_status anm_output_finish(anm_output *output, const char *file,
                                            const anm_identity *identity,
                                            const anm_convert_report *report, anm_report_mark mark,
                                            anm_error *err);

/*
 * Puts what is staged of these names in place. `last` goes first if anything is replaced, and comes
 * last if it is staged. ANM_ERROR_IO, with nothing done, if something is in the way unless it may
 * be replaced.
 */
ANM_MUST_CHECK anm_status anm_output_commit(anm_output *output, const char *const *names,
                                            size_t count, const char *last, bool replace,
                                            anm_error *err);
/*
 * Releases the lock, and removes what is not worth keeping; gives how many parts are kept for
 * another run. NULL is fine.
 */
size_t anm_output_close(anm_output *output);

/* Bytes of a file, or of all files in a directory; symbolic links are not followed. */
ANM_MUST_CHECK anm_status anm_output_size(anm_arena *arena, const char *path, uint64_t *out,
                                          anm_error *err);

#endif
