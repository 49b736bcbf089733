/* SPDX-License-Identifier: MIT */
/*
 * The LLM tier: a directory of packages in ANEMLL's form (embeddings, FFN chunks with the
 * functions infer and prefill over the KV cache, and infer_rotate and prefill_rotate for sliding
 * windows, LM head) used as one language model.
 *
 * A model is immutable and may be shared between threads; a session is one timeline of tokens
 * with its KV cache, for one thread at a time.
 */
#ifndef ANEMONE_LLM_H
#define ANEMONE_LLM_H

#include "anemone/chat_template.h"
#include "anemone/program.h"
#include "anemone/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct anm_llm anm_llm;
typedef struct anm_session anm_session;
typedef struct anm_sampler anm_sampler;

typedef struct anm_llm_options {
    size_t struct_size;
    anm_precision precision;
    anm_engine_kind engine; /* these three as in anm_predict_options; `cpu` is copied */
    int threads;
    const char *cpu;
} anm_llm_options;
ANM_API void anm_llm_options_init(anm_llm_options *options);

/*
 * Opens the packages of a directory, decides by their interfaces which is which, and checks that
 * they fit together: hidden size, context, states, complete chunks. Tokenizer and chat template
 * are read if they are there. `options` may be NULL.
 */
ANM_API ANM_MUST_CHECK anm_status anm_llm_open(const char *dir, const anm_llm_options *options,
                                               anm_llm **out, anm_error *err);
ANM_API void anm_llm_close(anm_llm *llm); /* NULL is fine */

ANM_API const char *anm_llm_name(const anm_llm *llm);           /* from meta.yaml, else the path */
ANM_API size_t anm_llm_context_length(const anm_llm *llm);      /* positions of the KV cache */
ANM_API size_t anm_llm_batch_size(const anm_llm *llm);          /* rows of prefill; 1: no prefill */
ANM_API size_t anm_llm_vocab_size(const anm_llm *llm);          /* logits */
/* 0: the LM head gives the most likely token only (`--argmax`): no logits, greedy decoding. */
ANM_API int anm_llm_gives_logits(const anm_llm *llm);
ANM_API const anm_tokenizer *anm_llm_tokenizer(const anm_llm *llm);         /* NULL: none */
ANM_API const anm_chat_template *anm_llm_chat_template(const anm_llm *llm); /* NULL: none */
/* A function that the model runs, and the part it belongs to. */
typedef struct anm_llm_part {
    const char *component; /* "embeddings", "FFN", "LM head", "monolithic" */
    size_t chunk;          /* of the FFN: from 1 */
    const anm_function *function;
} anm_llm_part;
/* Zero past the end. */
ANM_API int anm_llm_part_at(const anm_llm *llm, size_t index, anm_llm_part *part);
/*
 * Ids that end an answer: every eos_token_id of generation_config.json and config.json, and the
 * tokenizer's eos token.
 */
ANM_API const int32_t *anm_llm_stop_ids(const anm_llm *llm, size_t *count);

/* A fresh, empty timeline. The model must outlive it. */
ANM_API ANM_MUST_CHECK anm_status anm_session_create(const anm_llm *llm, anm_session **out,
                                                     anm_error *err);
ANM_API void anm_session_destroy(anm_session *session);
/*
 * Makes the timeline equal to these tokens, reusing what matches from the start: batched prefill
 * for what is new, then one step for the last token, which leaves its logits. At least one token;
 * more than the context length is ANM_ERROR_LIMIT, an id outside the vocabulary
 * ANM_ERROR_ARGUMENT. After an error the timeline is what was evaluated before it.
 */
ANM_API ANM_MUST_CHECK anm_status anm_session_sync(anm_session *session, const int32_t *tokens,
                                                   size_t count, anm_error *err);
/* Appends one token: one decode step. */
ANM_API ANM_MUST_CHECK anm_status anm_session_append(anm_session *session, int32_t token,
                                                     anm_error *err);
/*
 * Shortens the timeline to `length` tokens; the logits are gone until the next step. That costs
 * nothing, unless the model has layers that see a sliding window and the timeline had outgrown it:
 * then the next step evaluates the shorter timeline again.
 */
ANM_API void anm_session_rewind(anm_session *session, size_t length);
ANM_API const int32_t *anm_session_tokens(const anm_session *session, size_t *count);
/*
 * Of the last token: vocab_size floats, valid until the next call; NULL before the first step, and
 * where the model gives none.
 */
ANM_API const float *anm_session_logits(const anm_session *session);
/* The most likely token to come; ties go to the lowest id; -1 before the first step. */
ANM_API int32_t anm_session_greedy(const anm_session *session);
/* The KV cache and other states, for inspection and tests. */
ANM_API anm_state *anm_session_state(anm_session *session);

typedef struct anm_sampling_options {
    size_t struct_size;
    float temperature; /* 0 (default): greedy; ties go to the lowest id */
    int top_k;         /* keep the k most likely; 0: all */
    float top_p;       /* then the fewest whose probabilities reach p; 1: all */
    uint64_t seed;     /* the same seed, logits and options give the same tokens everywhere */
} anm_sampling_options;
ANM_API void anm_sampling_options_init(anm_sampling_options *options);
/* ANM_ERROR_ARGUMENT for a negative temperature or top_k, or top_p outside (0, 1]. */
ANM_API ANM_MUST_CHECK anm_status anm_sampler_create(const anm_sampling_options *options,
                                                     anm_sampler **out, anm_error *err);
ANM_API void anm_sampler_destroy(anm_sampler *sampler);
/* Chooses a token id; NaN logits are never chosen. -1 if every logit is NaN or memory is out. */
ANM_API int32_t anm_sampler_pick(anm_sampler *sampler, const float *logits, size_t count);

typedef enum anm_stop_reason {
    ANM_STOP_TOKEN = 0,     /* the model ended its answer */
    ANM_STOP_LENGTH = 1,    /* max_tokens */
    ANM_STOP_CONTEXT = 2,   /* the context is full */
    ANM_STOP_CALLBACK = 3   /* the callback asked */
} anm_stop_reason;

/*
 * Called for every generated token with the text that it completes: whole UTF-8 characters, so
 * it may be empty. `token` is -1 for text that was held back at the end. Non-zero stops.
 */
typedef int (*anm_token_fn)(void *context, int32_t token, const char *text, size_t length);

typedef struct anm_generate_options {
    size_t struct_size;
    int64_t max_tokens;     /* -1 (default): until the context is full */
    int ignore_stop;        /* non-zero: go on after stop ids */
    anm_token_fn on_token;  /* may be NULL */
    void *context;
    anm_sampling_options sampling; /* last: it may grow */
} anm_generate_options;
ANM_API void anm_generate_options_init(anm_generate_options *options);

typedef struct anm_generate_result {
    size_t prompt_tokens, reused_tokens, generated_tokens;
    double prefill_seconds;     /* until the first token was chosen */
    double decode_seconds;      /* for all tokens after the first */
    anm_stop_reason stop_reason;
} anm_generate_result;

/*
 * Syncs the session to the prompt and generates from there. Generated tokens join the timeline as
 * they are fed back; a stop token does not. `result` may be NULL. ANM_ERROR_UNSUPPORTED for a
 * temperature other than 0 where the model gives no logits.
 */
ANM_API ANM_MUST_CHECK anm_status anm_generate(anm_session *session, const int32_t *prompt,
                                               size_t count, const anm_generate_options *options,
                                               anm_generate_result *result, anm_error *err);

#ifdef __cplusplus
}
#endif

#endif
