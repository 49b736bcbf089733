/* SPDX-License-Identifier: MIT */
/* The "model" of a tokenizer.json: BPE, WordPiece or WordLevel. One piece of text to ids. */
#ifndef ANM_HF_TOK_MODEL_H
#define ANM_HF_TOK_MODEL_H

#include "src/base/json.h"
#include "src/hf/tok_bpe.h"
#include "src/hf/tok_wordcache.h"

typedef enum anm_model_kind {
    ANM_MODEL_BPE,
    ANM_MODEL_WORDPIECE,
    ANM_MODEL_WORDLEVEL
} anm_model_kind;

typedef struct anm_model {
    anm_model_kind kind;
    anm_vocab vocab;
    anm_bpe bpe;      /* BPE only */
    anm_sv unk_token; /* data NULL: none */
    int32_t unk_id;   /* -1 when the vocabulary lacks it */
    anm_sv prefix;    /* WordPiece: before subwords that continue a word */
    size_t max_chars; /* WordPiece: longer words are unknown */
} anm_model;

/* Where the two large tables stand in the file; size 0: absent. */
typedef struct anm_model_tables {
    anm_sv vocab, merges;
} anm_model_tables;

/*
 * `value` is the "model" object without its tables; `file` is the whole text, for byte offsets.
 * `raw_bytes` as in anm_pretok.
 */
ANM_MUST_CHECK anm_status anm_model_load(const json_t *value, const anm_model_tables *tables,
                                         anm_sv file, bool raw_bytes, anm_arena *arena,
                                         const char *where, anm_model *out, anm_error *err);
void anm_model_free(anm_model *model);

typedef struct anm_model_scratch {
    anm_bpe_scratch bpe; /* its ids are the result for every kind */
    anm_wordcache cache;
} anm_model_scratch;
void anm_model_scratch_free(anm_model_scratch *scratch);

/* Appends the ids of a piece, which is not empty. */
ANM_MUST_CHECK anm_status anm_model_encode(const anm_model *model, anm_model_scratch *scratch,
                                           anm_sv piece, anm_id_vec *out, anm_error *err);

/* WordPiece: the longest known prefix, again and again; the word is unknown when none is. */
ANM_MUST_CHECK anm_status anm_wordpiece_encode(const anm_model *model, anm_bpe_scratch *scratch,
                                               anm_sv word, anm_error *err);

#endif
