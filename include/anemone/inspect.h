/* SPDX-License-Identifier: MIT */
/* Looking into programs: what `anemone inspect` shows. */
#ifndef ANEMONE_INSPECT_H
#define ANEMONE_INSPECT_H

#include "anemone/program.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * As anm_program_open(), but for looking at: weight files may be absent and the program may be
 * invalid; see anm_program_problem(). Predicting with it needs both to be right and fails
 * otherwise.
 */
ANM_API ANM_MUST_CHECK anm_status anm_program_open_to_inspect(const char *path, anm_program **out,
                                                              anm_error *err);
/* What the validator, or a missing weight file, has to say; NULL past the end. */
ANM_API const char *anm_program_problem(const anm_program *program, size_t index);

/* How often an op occurs in a function, nested blocks included. */
typedef struct anm_op_count {
    const char *op;
    size_t count;
} anm_op_count;
/* Most frequent first, then by name; const ops are last. NULL past the end. */
ANM_API const anm_op_count *anm_function_op(const anm_function *function, size_t index);

/* The blobs of one element type; a blob that several ops name counts once. */
typedef struct anm_weight_count {
    anm_dtype dtype;
    size_t blobs;
    uint64_t elements, bytes;
    size_t uses; /* constants and arguments that name them, over all functions */
} anm_weight_count;
/* Largest first; NULL past the end. */
ANM_API const anm_weight_count *anm_program_weights(const anm_program *program, size_t index);

/*
 * The program in the text form of model.mil, for reading: immediate tensors above `elide`
 * elements are cut (0: never), and problems stand as comments beside their ops. `write` is called
 * with pieces of text; non-zero stops with ANM_ERROR_CANCELLED.
 */
typedef int (*anm_text_fn)(void *context, const char *text, size_t length);
ANM_API ANM_MUST_CHECK anm_status anm_program_print_mil(const anm_program *program, size_t elide,
                                                        anm_text_fn write, void *context,
                                                        anm_error *err);

/* The passes of the fast engine, in the order in which they run. */
typedef struct anm_pass_info {
    const char *name;
    const char *doc; /* what it does, one line */
} anm_pass_info;
/* Zero past the end. */
ANM_API int anm_pass_info_at(size_t index, anm_pass_info *info);
/*
 * The function, for inputs of their default shapes, as each of the passes leaves it that `passes`
 * names (separated by commas; "all"), a comment telling which. ANM_ERROR_ARGUMENT for a name that
 * is no pass's; ANM_ERROR_UNSUPPORTED if the function is one for the interpreter. The rest is as in
 * anm_program_print_mil().
 */
ANM_API ANM_MUST_CHECK anm_status anm_function_print_passes(const anm_function *function,
                                                            const char *passes, size_t elide,
                                                            anm_text_fn write, void *context,
                                                            anm_error *err);

#ifdef __cplusplus
}
#endif

#endif
