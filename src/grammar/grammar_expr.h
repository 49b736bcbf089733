/* SPDX-License-Identifier: MIT */
/*
 * A grammar while it is being written down: rules whose bodies are expressions. The notation
 * reader and the schema translator build these, grammar_compile.c turns them into a graph.
 *
 * Expressions are immutable, live in the book's arena and may be used in several places.
 * Memory failure is sticky in the book: constructors then give some valid expression, and one
 * check at the end is enough.
 */
#ifndef ANM_GRAMMAR_EXPR_H
#define ANM_GRAMMAR_EXPR_H

#include "src/base/arena.h"
#include "src/base/map.h"
#include "src/base/vec.h"

enum {
    ANM_CHAR_LAST = 0x10FFFF,
    ANM_EXPR_MAX_REPEAT = 100000, /* in {m,n}; copies are made, so it must be bounded */
    ANM_EXPR_UNBOUNDED = INT32_MAX
};

typedef struct anm_char_range {
    uint32_t first, last;
} anm_char_range;

typedef enum anm_expr_kind {
    ANM_EXPR_NEVER,   /* matches nothing at all */
    ANM_EXPR_EMPTY,   /* the empty text */
    ANM_EXPR_LITERAL, /* `text` */
    ANM_EXPR_CHARS,   /* one character of the ranges */
    ANM_EXPR_SEQ,     /* left, then right; long ones lean to the left */
    ANM_EXPR_ALT,     /* left or right; the same */
    ANM_EXPR_REPEAT,  /* left, min to max times */
    ANM_EXPR_RULE     /* what the rule matches */
} anm_expr_kind;

typedef struct anm_expr anm_expr;
struct anm_expr {
    anm_expr_kind kind;
    const anm_expr *left, *right;
    anm_sv text;
    const anm_char_range *ranges; /* sorted, apart from each other */
    size_t range_count;
    int32_t min, max; /* ANM_EXPR_UNBOUNDED: no end */
    uint32_t rule;
};

typedef struct anm_grammar_rule {
    anm_sv name;
    const anm_expr *body; /* NULL: used, not defined (yet) */
    size_t used_at, defined_at; /* byte offsets, for errors */
} anm_grammar_rule;

typedef ANM_VEC(anm_char_range) anm_char_ranges;

typedef struct anm_grammar_book {
    anm_arena *arena;
    ANM_VEC(anm_grammar_rule) rules;
    anm_map by_name;
    anm_char_ranges scratch;
    bool failed; /* memory ran out */
} anm_grammar_book;

bool anm_book_init(anm_grammar_book *book); /* false when memory is out */
void anm_book_free(anm_grammar_book *book);

const anm_expr *anm_expr_never(void);
const anm_expr *anm_expr_empty(void);
const anm_expr *anm_expr_literal(anm_grammar_book *book, const char *text, size_t len); /* copied */
/* Ranges in any order; `negate` for all characters but these. Surrogates are no characters. */
const anm_expr *anm_expr_chars(anm_grammar_book *book, const anm_char_range *ranges, size_t count,
                               bool negate);
const anm_expr *anm_expr_seq(anm_grammar_book *book, const anm_expr *left, const anm_expr *right);
const anm_expr *anm_expr_alt(anm_grammar_book *book, const anm_expr *left, const anm_expr *right);
const anm_expr *anm_expr_repeat(anm_grammar_book *book, const anm_expr *item, int32_t min,
                                int32_t max);
const anm_expr *anm_expr_rule(anm_grammar_book *book, uint32_t rule);

/* The rule of this name, made when it is new; `at` is where it is used. */
uint32_t anm_book_rule(anm_grammar_book *book, anm_sv name, size_t at);
/* A rule without a name that others could use. */
uint32_t anm_book_new_rule(anm_grammar_book *book);
void anm_book_define(anm_grammar_book *book, uint32_t rule, const anm_expr *body);

#endif
