/* SPDX-License-Identifier: MIT */
/*
 * What each token adds to a text, as bytes, and all tokens as a trie over these bytes: for
 * deciding about a whole vocabulary byte by byte. Immutable once built.
 */
#ifndef ANM_HF_TOK_BYTETRIE_H
#define ANM_HF_TOK_BYTETRIE_H

#include <stdbool.h>
#include <stdint.h>

#include "anemone/tokenizer.h"
#include "src/base/str.h"

/* In the order of a depth-first walk: a node's subtree follows it and ends at `skip`. */
typedef struct anm_byte_node {
    uint32_t skip;
    int32_t token; /* whose bytes end here; -1: none. More of them through `same`. */
    uint16_t depth; /* bytes, this one counted */
    uint8_t byte;
} anm_byte_node;

typedef struct anm_byte_trie {
    anm_byte_node *nodes;
    size_t count, depth; /* nodes; the longest token in bytes */
    int32_t vocab;
    int32_t *same;      /* by token: another one with the same bytes, or -1 */
    uint32_t *starts;   /* by token, one more at the end: its bytes */
    char *bytes;
    bool drops_space; /* the first token of a text loses a leading space */
} anm_byte_trie;

/*
 * Special tokens, those without text and those beyond 1024 bytes are in no node and have no
 * bytes. Made at the first call and kept by the tokenizer; any thread may call.
 */
ANM_MUST_CHECK anm_status anm_tokenizer_byte_trie(const anm_tokenizer *tokenizer,
                                                  const anm_byte_trie **out, anm_error *err);
void anm_byte_trie_destroy(anm_byte_trie *trie); /* NULL is fine */

static inline anm_sv anm_byte_trie_token(const anm_byte_trie *trie, int32_t id) {
    uint32_t start = trie->starts[id];
    return (anm_sv){trie->bytes + start, trie->starts[id + 1] - start};
}

#endif
