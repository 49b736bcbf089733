/* SPDX-License-Identifier: MIT */
/*
 * The "pre_tokenizer" of a tokenizer.json: a list of steps, each of which cuts a piece of text
 * into smaller ones. Pieces run through all steps one after the other, so that no list of pieces
 * is ever held.
 */
#ifndef ANM_HF_TOK_PRETOK_H
#define ANM_HF_TOK_PRETOK_H

#include "src/base/vec.h"
#include "src/hf/tok_pattern.h"

typedef enum anm_pretok_kind {
    ANM_PRETOK_SPLIT,       /* pattern, behavior, invert */
    ANM_PRETOK_BYTE_LEVEL,  /* prefix; pattern.regex unless use_regex is off; maps to alphabet */
    ANM_PRETOK_METASPACE,   /* replacement, prepend, split */
    ANM_PRETOK_DIGITS,      /* behavior */
    ANM_PRETOK_PUNCTUATION, /* behavior */
    ANM_PRETOK_SPACES,      /* cut at white space and drop it */
    ANM_PRETOK_WORDS        /* runs of \w, runs of neither \w nor white space */
} anm_pretok_kind;

typedef enum anm_prepend_scheme {
    ANM_PREPEND_ALWAYS,
    ANM_PREPEND_FIRST,
    ANM_PREPEND_NEVER
} anm_prepend_scheme;

typedef struct anm_pretok_step {
    anm_pretok_kind kind;
    anm_pattern pattern;
    anm_split_behavior behavior;
    bool invert, split, prefix_space;
    bool raw; /* BYTE_LEVEL, last: pieces stay raw bytes and the model knows */
    anm_prepend_scheme prepend;
    anm_sv replacement;
} anm_pretok_step;

typedef struct anm_pretok {
    ANM_VEC(anm_pretok_step) steps;
    bool raw_bytes; /* the model gets raw bytes that stand for the byte alphabet */
} anm_pretok;

ANM_MUST_CHECK anm_status anm_pretok_load(const json_t *value, anm_arena *arena,
                                          const char *where, anm_pretok *out, anm_error *err);
void anm_pretok_free(anm_pretok *pretok);
/* For a model that takes text: raw_bytes off, the byte alphabet is written after all. */
void anm_pretok_write_alphabet(anm_pretok *pretok);

/* Takes a final piece, which is never empty. */
typedef anm_status (*anm_piece_fn)(void *context, anm_sv piece, anm_error *err);

typedef struct anm_pretok_scratch {
    ANM_VEC(anm_strbuf) rewritten; /* one buffer per step */
} anm_pretok_scratch;
void anm_pretok_scratch_free(anm_pretok_scratch *scratch);

typedef struct anm_pretok_run {
    const anm_pretok *pretok;
    anm_pretok_scratch *scratch;
    anm_regex_scratch *regex;
    anm_piece_fn emit;
    void *context;
} anm_pretok_run;
/* `at_start`: the text begins where the whole input begins. */
ANM_MUST_CHECK anm_status anm_pretok_apply(anm_pretok_run *run, anm_sv text, bool at_start,
                                           anm_error *err);

#endif
