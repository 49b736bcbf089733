/* SPDX-License-Identifier: MIT */
#ifndef ANM_GRAMMAR_GBNF_H
#define ANM_GRAMMAR_GBNF_H

#include "src/grammar/grammar_expr.h"

/* Adds the rules of a text in GBNF to the book; `where` names it in errors. */
ANM_MUST_CHECK anm_status anm_gbnf_read(anm_grammar_book *book, anm_sv text, const char *where,
                                        anm_error *err);

#endif
