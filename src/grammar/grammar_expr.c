/* SPDX-License-Identifier: MIT */
/* Constructors of expressions. They simplify what is obvious: parts that are empty or never. */
#include "src/grammar/grammar_expr.h"

#include <stdlib.h>

static const anm_expr never = {.kind = ANM_EXPR_NEVER};
static const anm_expr empty = {.kind = ANM_EXPR_EMPTY};

bool anm_book_init(anm_grammar_book *book) {
    *book = (anm_grammar_book){.arena = anm_arena_create()};
    return book->arena != NULL;
}

void anm_book_free(anm_grammar_book *book) {
    anm_vec_free(&book->rules);
    anm_vec_free(&book->scratch);
    anm_map_free(&book->by_name);
    anm_arena_destroy(book->arena);
}

const anm_expr *anm_expr_never(void) {
    return &never;
}

const anm_expr *anm_expr_empty(void) {
    return &empty;
}

static const anm_expr *keep(anm_grammar_book *book, anm_expr content) {
    anm_expr *expr = ANM_ARENA_NEW(book->arena, anm_expr);
    if (!expr) {
        book->failed = true;
        return &never;
    }
    *expr = content;
    return expr;
}

const anm_expr *anm_expr_literal(anm_grammar_book *book, const char *text, size_t len) {
    if (!len) return &empty;
    const char *copy = anm_arena_strndup(book->arena, text, len);
    if (!copy) book->failed = true;
    if (!copy) return &never;
    return keep(book, (anm_expr){.kind = ANM_EXPR_LITERAL, .text = {copy, len}});
}

static int by_first(const void *a, const void *b) {
    const anm_char_range *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Sorted, and joined where they touch. */
static size_t tidy(anm_char_range *ranges, size_t count) {
    size_t kept = 0;
    if (count) qsort(ranges, count, sizeof *ranges, by_first);
    for (size_t i = 0; i < count; i++) {
        if (kept && ranges[i].first <= ranges[kept - 1].last + 1) {
            if (ranges[i].last > ranges[kept - 1].last) ranges[kept - 1].last = ranges[i].last;
        } else {
            ranges[kept++] = ranges[i];
        }
    }
    return kept;
}

/* Into `out` what lies between tidy ranges. */
static bool complement(const anm_char_range *ranges, size_t count, anm_char_ranges *out) {
    uint32_t next = 0;
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].first > next &&
            !anm_vec_push(out, ((anm_char_range){next, ranges[i].first - 1})))
            return false;
        next = ranges[i].last + 1;
    }
    return next > ANM_CHAR_LAST || anm_vec_push(out, ((anm_char_range){next, ANM_CHAR_LAST}));
}

/* Surrogates cannot be written in UTF-8; a range over them falls in two. */
static bool drop_surrogates(const anm_char_range *ranges, size_t count, anm_char_ranges *out) {
    for (size_t i = 0; i < count; i++) {
        anm_char_range low = ranges[i], high = ranges[i];
        if (low.last > 0xD7FF) low.last = 0xD7FF;
        if (high.first < 0xE000) high.first = 0xE000;
        if (low.first <= low.last && !anm_vec_push(out, low)) return false;
        if (high.first <= high.last && !anm_vec_push(out, high)) return false;
    }
    return true;
}

static bool normalise(anm_char_ranges *work, const anm_char_range *ranges, size_t count,
                      bool negate, anm_char_ranges *out) {
    work->len = 0;
    for (size_t i = 0; i < count; i++)
        if (!anm_vec_push(work, ranges[i])) return false;
    work->len = tidy(work->data, work->len);
    if (!negate) return drop_surrogates(work->data, work->len, out);
    anm_char_ranges rest = {0};
    bool ok = complement(work->data, work->len, &rest) &&
              drop_surrogates(rest.data, rest.len, out);
    anm_vec_free(&rest);
    return ok;
}

const anm_expr *anm_expr_chars(anm_grammar_book *book, const anm_char_range *ranges, size_t count,
                               bool negate) {
    anm_char_ranges out = {0};
    const anm_expr *expr = &never;
    const anm_char_range *kept = NULL;
    if (!normalise(&book->scratch, ranges, count, negate, &out)) book->failed = true;
    if (out.len) kept = anm_arena_copy(book->arena, out.data, out.len * sizeof *out.data);
    if (out.len && !kept) book->failed = true;
    if (kept)
        expr = keep(book, (anm_expr){.kind = ANM_EXPR_CHARS, .ranges = kept,
                                     .range_count = out.len});
    anm_vec_free(&out);
    return expr;
}

const anm_expr *anm_expr_seq(anm_grammar_book *book, const anm_expr *left, const anm_expr *right) {
    if (left->kind == ANM_EXPR_NEVER || right->kind == ANM_EXPR_NEVER) return &never;
    if (left->kind == ANM_EXPR_EMPTY) return right;
    if (right->kind == ANM_EXPR_EMPTY) return left;
    return keep(book, (anm_expr){.kind = ANM_EXPR_SEQ, .left = left, .right = right});
}

const anm_expr *anm_expr_alt(anm_grammar_book *book, const anm_expr *left, const anm_expr *right) {
    if (left->kind == ANM_EXPR_NEVER) return right;
    if (right->kind == ANM_EXPR_NEVER) return left;
    return keep(book, (anm_expr){.kind = ANM_EXPR_ALT, .left = left, .right = right});
}

const anm_expr *anm_expr_repeat(anm_grammar_book *book, const anm_expr *item, int32_t min,
                                int32_t max) {
    if (max == 0 || item->kind == ANM_EXPR_EMPTY) return &empty;
    if (item->kind == ANM_EXPR_NEVER) return min ? &never : &empty;
    if (min == 1 && max == 1) return item;
    return keep(book,
                (anm_expr){.kind = ANM_EXPR_REPEAT, .left = item, .min = min, .max = max});
}

const anm_expr *anm_expr_rule(anm_grammar_book *book, uint32_t rule) {
    return keep(book, (anm_expr){.kind = ANM_EXPR_RULE, .rule = rule});
}

uint32_t anm_book_new_rule(anm_grammar_book *book) {
    if (!anm_vec_push(&book->rules, ((anm_grammar_rule){0}))) {
        book->failed = true;
        return 0;
    }
    return (uint32_t)book->rules.len - 1;
}

uint32_t anm_book_rule(anm_grammar_book *book, anm_sv name, size_t at) {
    uint64_t known;
    if (anm_map_get(&book->by_name, name, &known)) return (uint32_t)known;
    uint32_t rule = anm_book_new_rule(book);
    char *copy = anm_arena_strndup(book->arena, name.data, name.len);
    if (!copy || book->failed || !anm_map_put(&book->by_name, (anm_sv){copy, name.len}, rule)) {
        book->failed = true;
        return 0;
    }
    book->rules.data[rule].name = (anm_sv){copy, name.len};
    book->rules.data[rule].used_at = at;
    return rule;
}

void anm_book_define(anm_grammar_book *book, uint32_t rule, const anm_expr *body) {
    if (rule < book->rules.len) book->rules.data[rule].body = body;
}
