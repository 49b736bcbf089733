/* SPDX-License-Identifier: MIT */
/*
 * Added tokens: strings that are cut out of the text before anything else looks at it, the
 * special ones among them. Those with "normalized" are looked for in the normalized text.
 */
#ifndef ANM_HF_TOK_ADDED_H
#define ANM_HF_TOK_ADDED_H

#include "src/base/map.h"
#include "src/hf/tok_normalizer.h"
#include "src/hf/tok_trie.h"
#include "src/hf/tok_vocab.h"

/* A longer added token is refused, which bounds the scan at each place of the text. */
enum { ANM_ADDED_MAX_LENGTH = 1024 };

typedef struct anm_added_token {
    anm_sv content;
    int32_t id;
    bool single_word, lstrip, rstrip, normalized, special;
} anm_added_token;

typedef struct anm_added {
    ANM_VEC(anm_added_token) tokens;
    anm_map by_text; /* index into tokens */
    anm_map by_id;   /* keys are the `id` fields inside `tokens` */
    anm_trie plain, normalized;
    int32_t id_limit; /* one more than the largest id, vocabulary included */
} anm_added;

/* `value` is the "added_tokens" array, or NULL. Texts are copied to the arena. */
ANM_MUST_CHECK anm_status anm_added_load(const json_t *value, anm_arena *arena, const char *where,
                                         const anm_vocab *vocab, const anm_normalizer *normalizer,
                                         anm_added *out, anm_error *err);
void anm_added_free(anm_added *added);

/* NULL when there is none. */
const anm_added_token *anm_added_by_text(const anm_added *added, anm_sv text);
const anm_added_token *anm_added_by_id(const anm_added *added, int32_t id);

/* One stretch of a text: an added token (with the white space it swallows), or other text. */
typedef struct anm_added_span {
    size_t start, end;
    const anm_added_token *token; /* NULL: other text */
} anm_added_span;

/* Iterates over the spans of a text; all of it is covered. */
typedef struct anm_added_finder {
    const anm_added *added;
    const anm_trie *trie;
    anm_sv text;
    bool parse_special;
    size_t covered, search;
    bool held;
    anm_added_span token;
} anm_added_finder;
void anm_added_start(anm_added_finder *f, const anm_added *added, bool normalized,
                     bool parse_special, anm_sv text);
bool anm_added_next(anm_added_finder *f, anm_added_span *out);

#endif
