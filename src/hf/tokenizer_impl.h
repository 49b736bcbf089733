/* SPDX-License-Identifier: MIT */
/* What an open tokenizer holds, and the working memory of one call. */
#ifndef ANM_HF_TOKENIZER_IMPL_H
#define ANM_HF_TOKENIZER_IMPL_H

#include <pthread.h>

#include "anemone/tokenizer.h"
#include "src/hf/tok_added.h"
#include "src/hf/tok_decode.h"
#include "src/hf/tok_model.h"
#include "src/hf/tok_normalizer.h"
#include "src/hf/tok_post.h"
#include "src/hf/tok_pretok.h"

enum { ANM_SPECIAL_KINDS = 4, ANM_SCRATCH_POOL = 16 };

/* Working memory of an encode call. Kept between calls, so that the word cache stays warm. */
typedef struct anm_encode_scratch {
    anm_strbuf repaired;
    anm_norm_scratch norm;
    anm_pretok_scratch pretok;
    anm_model_scratch model;
    anm_regex_scratch regex;
} anm_encode_scratch;
void anm_encode_scratch_free(anm_encode_scratch *scratch);

struct anm_tokenizer {
    anm_arena *arena;
    anm_normalizer normalizer;
    anm_pretok pretok;
    anm_model model;
    anm_added added;
    anm_post post;
    anm_decode_chain decoder;
    int32_t special[ANM_SPECIAL_KINDS]; /* -1: none */
    /* What changes after opening, under the lock: idle scratch, and the trie, made when needed. */
    pthread_mutex_t lock;
    struct anm_byte_trie *byte_trie;
    anm_encode_scratch *idle[ANM_SCRATCH_POOL];
    int idle_count;
};

/* The content of a tokenizer.json into `tokenizer`, whose arena exists; the text may go after. */
ANM_MUST_CHECK anm_status anm_tokenizer_load_text(anm_tokenizer *tokenizer, anm_sv text,
                                                  const char *where, anm_error *err);
/* anm_tokenizer_open for a tokenizer.json in memory; `where` stands for its name in errors. */
ANM_MUST_CHECK anm_status anm_tokenizer_open_text(anm_sv text, const char *where,
                                                  anm_tokenizer **out, anm_error *err);
/* tokenizer.json of a directory, with its configuration files. */
ANM_MUST_CHECK anm_status anm_tokenizer_load_dir(anm_tokenizer *tokenizer, const char *dir,
                                                 anm_error *err);
/* The tokenizer of a GGUF file. */
ANM_MUST_CHECK anm_status anm_tokenizer_load_gguf(anm_tokenizer *tokenizer, const char *path,
                                                  anm_error *err);
/* The configuration files in a directory: special tokens, and what a Llama class puts around. */
ANM_MUST_CHECK anm_status anm_tokenizer_load_config(anm_tokenizer *tokenizer, const char *dir,
                                                    anm_error *err);

/* Text of an id, added tokens first; data NULL when there is none. */
anm_sv anm_tokenizer_text_of(const anm_tokenizer *tokenizer, int32_t id);
int32_t anm_tokenizer_id_of(const anm_tokenizer *tokenizer, anm_sv text);

#endif
