/* SPDX-License-Identifier: MIT */
/*
 * The "decoder" of a tokenizer.json as a chain of streaming stages. Each stage takes tokens in
 * parts: text, then an end mark; and hands tokens on in the same way. A stage holds back only
 * what later tokens could still change, so that streaming and decoding at once are the same code.
 */
#ifndef ANM_HF_TOK_DECODE_H
#define ANM_HF_TOK_DECODE_H

#include "src/base/vec.h"
#include "src/hf/tok_pattern.h"

typedef enum anm_decode_kind {
    ANM_DECODE_BYTE_LEVEL,
    ANM_DECODE_METASPACE,
    ANM_DECODE_WORDPIECE,
    ANM_DECODE_BPE,
    ANM_DECODE_BYTE_FALLBACK,
    ANM_DECODE_FUSE,
    ANM_DECODE_STRIP,
    ANM_DECODE_REPLACE,
    ANM_DECODE_JOIN /* no decoder: a space between tokens */
} anm_decode_kind;

typedef struct anm_decode_spec {
    anm_decode_kind kind;
    anm_pattern pattern; /* REPLACE */
    anm_sv
        text; /* METASPACE: replacement; WORDPIECE: prefix; BPE: suffix; STRIP, REPLACE: content */
    bool cleanup;       /* WORDPIECE */
    bool drop_first;    /* METASPACE: no space in the first token */
    size_t start, stop; /* STRIP */
} anm_decode_spec;

typedef struct anm_decode_chain {
    ANM_VEC(anm_decode_spec) specs;
} anm_decode_chain;

ANM_MUST_CHECK anm_status anm_decode_load(const json_t *value, anm_arena *arena, const char *where,
                                          anm_decode_chain *out, anm_error *err);
void anm_decode_chain_free(anm_decode_chain *chain);

/* What one stage remembers between tokens. */
typedef struct anm_decode_stage {
    anm_strbuf held; /* a token that is not complete, or text that may still change */
    anm_strbuf made; /* scratch for what is handed on */
    size_t tokens;   /* that ended so far */
    size_t counter;  /* STRIP: characters stripped at the token's start */
    bool waiting;    /* BPE: `held` is a complete token; JOIN: a separator is due */
} anm_decode_stage;

typedef struct anm_decode_state {
    const anm_decode_chain *chain;
    anm_decode_stage *stages;
    anm_strbuf out; /* decoded text that was not taken yet */
    anm_regex_scratch regex;
} anm_decode_state;

ANM_MUST_CHECK anm_status anm_decode_start(anm_decode_state *state, const anm_decode_chain *chain,
                                           anm_error *err);
void anm_decode_free(anm_decode_state *state);
/* Forgets all tokens; state->out keeps its text. */
void anm_decode_reset(anm_decode_state *state);
/* The text of one token of the vocabulary; decoded text is appended to state->out. */
ANM_MUST_CHECK anm_status anm_decode_token(anm_decode_state *state, anm_sv text, anm_error *err);
/* No more tokens: appends what was held back, then resets. */
ANM_MUST_CHECK anm_status anm_decode_finish(anm_decode_state *state, anm_error *err);

/* The byte that a token of byte fallback ("<0x0A>") stands for, or -1. */
int anm_byte_token(anm_sv token);

#endif
