/* SPDX-License-Identifier: MIT */
/* Tokens of a template. Internal to the Jinja engine. */
#ifndef ANM_HF_JINJA_LEX_H
#define ANM_HF_JINJA_LEX_H

#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/str.h"
#include "src/base/vec.h"

typedef enum jinja_token_kind {
    JINJA_T_EOF,
    JINJA_T_DATA, /* text between tags, whitespace control already applied */
    JINJA_T_PRINT_BEGIN,
    JINJA_T_PRINT_END,
    JINJA_T_BLOCK_BEGIN,
    JINJA_T_BLOCK_END,
    JINJA_T_NAME,
    JINJA_T_STRING, /* `text` is the decoded value */
    JINJA_T_INT,
    JINJA_T_FLOAT,
    JINJA_T_OP /* `text` is the operator as written */
} jinja_token_kind;

typedef struct jinja_token {
    jinja_token_kind kind;
    uint32_t pos; /* byte offset in the source */
    anm_sv text;
} jinja_token;

typedef ANM_VEC(jinja_token) jinja_tokens;

/* The text that tokens and nodes point into: newlines are all \n, one at the end is dropped. */
typedef struct jinja_source {
    const char *name;
    anm_sv text;
    bool exact; /* positions are byte offsets of the caller's text too */
} jinja_source;

/* Fills an error that names the place; the message becomes "line 3, column 7: ...". */
#define anm_jinja_fail(err, status, source, pos, ...)                                              \
    anm_jinja_fail_impl((err), (status), ANM_SOURCE_HERE, (source), (pos), __VA_ARGS__)
anm_status anm_jinja_fail_impl(anm_error *err, anm_status status, const char *code,
                               const jinja_source *source, uint32_t pos, const char *fmt, ...)
    ANM_PRINTF(6, 7);

/* Copies the caller's text into the arena; checks its size and that it is UTF-8. */
ANM_MUST_CHECK anm_status anm_jinja_source_init(anm_arena *arena, const char *name,
                                                const char *text, size_t len,
                                                jinja_source *source, anm_error *err);

/* Decoded strings go to the arena; release the tokens with anm_vec_free in every case. */
ANM_MUST_CHECK anm_status anm_jinja_lex(anm_arena *arena, const jinja_source *source,
                                        jinja_tokens *tokens, anm_error *err);

#endif
