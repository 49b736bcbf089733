/* SPDX-License-Identifier: MIT */
/* Byte-pair encoding: the merge table, and one word to ids. */
#ifndef ANM_HF_TOK_BPE_H
#define ANM_HF_TOK_BPE_H

#include "src/base/vec.h"
#include "src/hf/tok_vocab.h"

typedef ANM_VEC(int32_t) anm_id_vec;

typedef struct anm_pair_slot {
    uint64_t key;  /* left id << 32 | right id; all ones: free */
    uint32_t rank; /* the smaller, the earlier it is merged */
} anm_pair_slot;

typedef struct anm_bpe {
    const anm_vocab *vocab;
    anm_pair_slot *pairs;
    size_t pair_mask;
    int32_t *merged; /* by rank: the id a pair becomes */
    size_t merge_count;
    anm_sv unk_token; /* data NULL: unknown characters vanish */
    int32_t unk_id;   /* -1 when the vocabulary lacks it */
    anm_sv prefix, suffix;
    bool fuse_unk, byte_fallback, ignore_merges;
    bool raw_bytes;        /* words are bytes that stand for the byte alphabet */
    bool cut_at_metaspace; /* no merge joins U+2581 to another character before it */
    int32_t char_ids[256]; /* ids of single bytes (raw) or ASCII characters; -1: none */
    int32_t byte_ids[256]; /* "<0x00>" to "<0xFF>"; -1: none */
} anm_bpe;

/* Reads the array of merges, "a b" strings or ["a", "b"] pairs; prefix and vocab must be set. */
ANM_MUST_CHECK anm_status anm_bpe_read_merges(anm_bpe *bpe, anm_scan *scan, anm_error *err);
/* After the merges and all options are set: the derived tables. */
void anm_bpe_prepare(anm_bpe *bpe);
void anm_bpe_free(anm_bpe *bpe);

typedef struct anm_symbol {
    int32_t id, prev, next; /* next and prev: -1 at the ends; id -1: absorbed */
    uint32_t rank;          /* of the pair with the next symbol */
} anm_symbol;

typedef struct anm_bpe_scratch {
    anm_id_vec ids;
    anm_strbuf text;
    ANM_VEC(anm_symbol) symbols;
    ANM_VEC(uint64_t) heap; /* rank << 32 | position */
} anm_bpe_scratch;
void anm_bpe_scratch_free(anm_bpe_scratch *scratch);

/* The ids of one word, in scratch->ids. */
ANM_MUST_CHECK anm_status anm_bpe_encode(const anm_bpe *bpe, anm_bpe_scratch *scratch,
                                         anm_sv word, anm_error *err);

#endif
