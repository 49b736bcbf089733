/* SPDX-License-Identifier: MIT */
/*
 * The text form of MIL, as in the `model.mil` of a compiled model, read and written in both
 * dialects. docs/mil-text.md is the grammar and says which parts of it are our own.
 *
 * What Apple's compiler wrote comes back byte for byte; other spacing and order become canonical.
 */
#ifndef ANM_MIL_TEXT_H
#define ANM_MIL_TEXT_H

#include "src/base/str.h"
#include "src/mil/ir.h"

/*
 * Reads a program into an arena of its own; release it with anm_mil_program_destroy(). `where`
 * names the text in errors, which carry the byte offset and, in the message, line and column.
 *
 * Names are resolved: a value used before its definition, or defined twice in one scope, is an
 * error. Types are not checked against the op table; anm_mil_validate() does that. Opset tags
 * become protobuf names ("ios16": "CoreML6"). Blob literals stay unresolved: blob_path and
 * blob_offset are set and data is NULL.
 */
ANM_MUST_CHECK anm_status anm_mil_text_parse(const char *text, size_t size, const char *where,
                                             anm_mil_program **out, anm_error *err);

typedef enum anm_mil_text_dialect {
    ANM_MIL_TEXT_AUTO, /* as it was read, else by spec_version, else by the functions' opsets */
    ANM_MIL_TEXT_1_0,  /* program(1.0): a scalar is tensor<int32, []>(2) */
    ANM_MIL_TEXT_1_3   /* program(1.3): a scalar is int32(2) */
} anm_mil_text_dialect;

/*
 * Appends what there is to say of an op (NULL: of the function as a whole); each line of it is
 * printed as a comment before the op. Appending nothing prints nothing.
 */
typedef void (*anm_mil_text_note_fn)(void *context, const anm_mil_function *function,
                                     const anm_mil_op *op, anm_strbuf *note);

/* All zero is what the compiler does. */
typedef struct anm_mil_text_options {
    anm_mil_text_dialect dialect;
    bool keep_order; /* functions, inputs, arguments, attributes, dicts as the program has them */
    /* Immediate tensors with more elements than this are cut: "[0x1p+0, ... 4096 values]". Such a
     * text is for reading, it does not parse. 0: never cut. */
    size_t elide_above;
    anm_mil_text_note_fn note; /* may be NULL */
    void *note_context;
} anm_mil_text_options;

/*
 * Appends the program's text to `out`, without a final newline, as the compiler does. Memory
 * failure shows as out->failed. `options` may be NULL.
 */
void anm_mil_text_print(const anm_mil_program *program, const anm_mil_text_options *options,
                        anm_strbuf *out);

/* One op with its nested blocks, not indented, without a final newline. AUTO means 1.3 here. */
void anm_mil_text_print_op(const anm_mil_op *op, const anm_mil_text_options *options,
                           anm_strbuf *out);

#endif
