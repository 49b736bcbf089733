/* SPDX-License-Identifier: MIT */
/*
 * A GGUF model's tokenizer as tokenizer.json and tokenizer_config.json: byte-level BPE ("gpt2")
 * with the pre-tokenizers of our families, and SentencePiece BPE ("llama"). Others are refused.
 */
#ifndef ANM_HF_GGUF_TOKENIZER_H
#define ANM_HF_GGUF_TOKENIZER_H

#include "src/hf/gguf.h"

/* What GGUF's token types mean. */
typedef enum anm_gguf_token_type {
    ANM_GGUF_TOKEN_NORMAL = 1,
    ANM_GGUF_TOKEN_UNKNOWN,
    ANM_GGUF_TOKEN_CONTROL,
    ANM_GGUF_TOKEN_USER_DEFINED,
    ANM_GGUF_TOKEN_UNUSED,
    ANM_GGUF_TOKEN_BYTE
} anm_gguf_token_type;

/* How texts are cut before BPE, by the name in "tokenizer.ggml.pre". */
typedef struct anm_gguf_pre {
    const char *const *names; /* ends with NULL */
    const char *normalizer;   /* JSON */
    const char *pretokenizer; /* JSON */
    bool ignore_merges;       /* a word that is a token is one, whatever the merges say */
    bool add_bos;             /* unless the file says otherwise */
} anm_gguf_pre;

typedef struct anm_gguf_vocab {
    const anm_gguf *gguf;
    const anm_gguf_pre *pre;      /* NULL: SentencePiece */
    anm_sv *tokens;               /* in the arena; the texts lie in the file */
    size_t count;
    const anm_gguf_value *types;  /* NULL: all normal */
    const anm_gguf_value *scores; /* of SentencePiece */
    const anm_gguf_value *merges; /* of byte-level BPE */
    size_t tail;                  /* from here on there are only added tokens, without a gap */
    int64_t bos, eos, unknown, padding; /* ids; -1: none */
    bool add_bos, add_eos, space_prefix;
} anm_gguf_vocab;

/*
 * Reads and checks the vocabulary. *has is false if the file has no tokenizer. Everything lives in
 * the arena and in the file.
 */
ANM_MUST_CHECK anm_status anm_gguf_vocab_read(const anm_gguf *gguf, anm_arena *arena,
                                              anm_gguf_vocab *out, bool *has, anm_error *err);
anm_gguf_token_type anm_gguf_vocab_type(const anm_gguf_vocab *vocab, size_t id);
/* Whether the text is one that stands for itself in any input: special, or defined by the user. */
bool anm_gguf_vocab_is_added(const anm_gguf_vocab *vocab, size_t id);
/* Whether the model's vocabulary, and not only the list of added tokens, has it. */
bool anm_gguf_vocab_in_model(const anm_gguf_vocab *vocab, size_t id);

/* Appends the "merges" of SentencePiece's scores, as a JSON array. */
ANM_MUST_CHECK anm_status anm_gguf_spm_merges(const anm_gguf_vocab *vocab, anm_strbuf *out,
                                              anm_error *err);

/* The files' texts. */
ANM_MUST_CHECK anm_status anm_gguf_tokenizer_json(const anm_gguf_vocab *vocab, anm_strbuf *out,
                                                  anm_error *err);
ANM_MUST_CHECK anm_status anm_gguf_tokenizer_config(const anm_gguf_vocab *vocab, anm_strbuf *out,
                                                    anm_error *err);
/* A JSON string. */
void anm_gguf_put_json(anm_strbuf *out, anm_sv text);

#endif
