/* SPDX-License-Identifier: MIT */
/*
 * What the files of the text parser share: the cursor over the text with its errors (text_lex.c),
 * and the readers of types and literals (text_value.c). Used by text_*.c only.
 */
#ifndef ANM_MIL_TEXT_READER_H
#define ANM_MIL_TEXT_READER_H

#include "src/base/map.h"
#include "src/base/vec.h"
#include "src/mil/ir.h"

enum {
    ANM_MIL_TEXT_MAX_TYPE_DEPTH = 32,  /* dict<string, list<...>> */
    ANM_MIL_TEXT_MAX_BLOCK_DEPTH = 64, /* an op's block in an op's block ... */
    ANM_MIL_TEXT_MAX_NAMED = 256       /* arguments of an op, attributes in one list */
};

typedef struct anm_mil_reader {
    const char *text, *end, *at;
    const char *where;
    anm_arena *arena; /* the program's */
    anm_error *err;
    anm_map names;                      /* identifier -> its one copy in the arena */
    anm_map values;                     /* name -> visible anm_mil_value, 0 when out of scope */
    ANM_VEC(const char *) scope;        /* names defined so far, innermost block last */
    ANM_VEC(const void *) stack;        /* lists under construction */
    ANM_VEC(unsigned char) bytes;       /* the tensor under construction */
    anm_mil_function *function;         /* being read */
} anm_mil_reader;

void anm_mil_reader_free(anm_mil_reader *r);

/* Fails at a place in the text: offset, and line and column put before the message. */
anm_status anm_mil_reader_fail(anm_mil_reader *r, anm_status status, const char *at,
                               const char *fmt, ...) ANM_PRINTF(4, 5);
/* "expected WHAT, found ...", at the cursor. */
anm_status anm_mil_reader_expected(anm_mil_reader *r, const char *what);

/* White space and comments. All readers below do it first. */
void anm_mil_reader_skip(anm_mil_reader *r);
/* Whether the text goes on with `token`: punctuation, or the whole of an identifier. */
bool anm_mil_reader_at(anm_mil_reader *r, const char *token);
bool anm_mil_reader_take(anm_mil_reader *r, const char *token);
ANM_MUST_CHECK anm_status anm_mil_reader_expect(anm_mil_reader *r, const char *token);
/* After an item of a list: takes a comma (*more), or what closes the list. */
ANM_MUST_CHECK anm_status anm_mil_reader_next_item(anm_mil_reader *r, const char *closing,
                                                   bool *more);

/* The identifier at the cursor, without taking it; len 0 if there is none. */
anm_sv anm_mil_reader_peek_word(anm_mil_reader *r);
/* The first character behind that identifier and white space; '\0' at the end of the text. */
char anm_mil_reader_peek_after_word(anm_mil_reader *r);
/* `what` names it in the error. The copy is the arena's, one per spelling. */
ANM_MUST_CHECK anm_status anm_mil_reader_word(anm_mil_reader *r, const char *what,
                                              const char **out);
/* Digits. */
ANM_MUST_CHECK anm_status anm_mil_reader_int(anm_mil_reader *r, const char *what, int64_t *out);
/* What stands where a number, true or false should: everything up to space or punctuation. */
anm_sv anm_mil_reader_peek_number(anm_mil_reader *r);
/* A quoted string with C escapes; the copy is zero-terminated. */
ANM_MUST_CHECK anm_status anm_mil_reader_string(anm_mil_reader *r, anm_sv *out);

/* Lists: push items, then take those above `base` away as an arena array of pointers. */
ANM_MUST_CHECK anm_status anm_mil_reader_push(anm_mil_reader *r, const void *item);
ANM_MUST_CHECK anm_status anm_mil_reader_pop_all(anm_mil_reader *r, size_t base, void *array,
                                                 size_t *count);

ANM_MUST_CHECK anm_status anm_mil_reader_type(anm_mil_reader *r, const anm_mil_type **out);
/* A type followed by its value in parentheses. */
ANM_MUST_CHECK anm_status anm_mil_reader_value(anm_mil_reader *r, const anm_mil_literal **out);

#endif
