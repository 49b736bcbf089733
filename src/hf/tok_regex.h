/* SPDX-License-Identifier: MIT */
/*
 * Regular expressions of a tokenizer.json. They are written for Oniguruma; anm_regex_translate
 * rewrites what PCRE2 reads differently, PCRE2's JIT runs them.
 */
#ifndef ANM_HF_TOK_REGEX_H
#define ANM_HF_TOK_REGEX_H

#include <stdbool.h>

#include "src/base/arena.h"
#include "src/base/str.h"

typedef struct anm_regex anm_regex; /* immutable, shared between threads */

/* What one thread needs for matching. */
typedef struct anm_regex_scratch {
    void *match_data, *match_context, *jit_stack;
} anm_regex_scratch;
void anm_regex_scratch_free(anm_regex_scratch *scratch);

/* Where a pattern stands, for errors: file and component. */
ANM_MUST_CHECK anm_status anm_regex_compile(anm_sv pattern, const char *where, anm_regex **out,
                                            anm_error *err);
void anm_regex_free(anm_regex *regex);

/* The first match beginning at `from` or later in valid UTF-8; *found false when there is none. */
ANM_MUST_CHECK anm_status anm_regex_find(const anm_regex *regex, anm_regex_scratch *scratch,
                                         anm_sv text, size_t from, bool *found, size_t *start,
                                         size_t *end, anm_error *err);

/* Oniguruma syntax to PCRE2 syntax. ANM_ERROR_UNSUPPORTED for what has no counterpart. */
ANM_MUST_CHECK anm_status anm_regex_translate(anm_sv pattern, const char *where, anm_strbuf *out,
                                              anm_error *err);

#endif
