/* SPDX-License-Identifier: MIT */
/*
 * The model's vocabulary: token texts by id, and ids by text. Texts are stored zero-terminated
 * in memory that the arena owns.
 */
#ifndef ANM_HF_TOK_VOCAB_H
#define ANM_HF_TOK_VOCAB_H

#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/str.h"
#include "src/hf/tok_scan.h"

/* Ids from here on are refused: a table by id must stay small. */
enum { ANM_VOCAB_MAX_ID = 1 << 24 };

typedef struct anm_vocab_slot {
    uint32_t tag; /* high half of the hash */
    int32_t id;   /* -1: free */
} anm_vocab_slot;

typedef struct anm_vocab {
    anm_sv *texts; /* by id; data NULL where no token has the id */
    size_t id_limit; /* one more than the largest id */
    size_t count;    /* tokens */
    size_t longest;  /* bytes */
    anm_vocab_slot *slots;
    size_t mask;
} anm_vocab;

/* Reads {"text": id, ...} at the reader's place. */
ANM_MUST_CHECK anm_status anm_vocab_read(anm_vocab *vocab, anm_arena *arena, anm_scan *scan,
                                         anm_error *err);
void anm_vocab_free(anm_vocab *vocab);

/* -1 when absent. */
int32_t anm_vocab_find(const anm_vocab *vocab, anm_sv text);
/* data NULL when absent. */
static inline anm_sv anm_vocab_text(const anm_vocab *vocab, int32_t id) {
    if (id < 0 || (size_t)id >= vocab->id_limit) return (anm_sv){0};
    return vocab->texts[id];
}

#endif
