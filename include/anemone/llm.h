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
#include "anemone/grammar.h"
#include "anemone/program.h"
#include "anemone/sampler.h"
#include "anemone/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct anm_llm anm_llm;
typedef struct anm_session anm_session;

typedef struct anm_llm_options {
    size_t struct_size;
    anm_precision precision;
    anm_engine_kind engine; /* these three as in anm_predict_options; `cpu` is copied */
    int threads;
    const char *cpu;
    /*
     * Most rows of a prompt evaluated at a time, where the packages' prefill can be proved to allow
     * more than it has, or fewer: 0, what ANEMONE_PREFILL_ROWS says or else as many as pay (up to
     * 512, fewer for long contexts and large models); 1, only what the packages have.
     */
    int64_t prefill_rows;
    const char *matmul_precision; /* as in anm_predict_options; copied */
} anm_llm_options;
ANM_API void anm_llm_options_init(anm_llm_options *options);

/*
 * Opens the packages of a directory, decides by their interfaces which is which, and checks that
 * they fit together: hidden size, context, states, complete chunks. Where `dir` is a ModelConfig in
 * JSON, or holds one named ANM_MODEL_CONFIG_FILE, that says which packages make the model instead.
 * Tokenizer and chat template are read if they are there. `options` may be NULL.
 *
 * Where there is no such file or directory and `dir` is a name such as Qwen/Qwen3-0.6B, the model
 * is taken from the cache or the Hugging Face Hub, as anm_hub_resolve() does with its defaults.
 */
ANM_API ANM_MUST_CHECK anm_status anm_llm_open(const char *dir, const anm_llm_options *options,
                                               anm_llm **out, anm_error *err);
ANM_API void anm_llm_close(anm_llm *llm); /* NULL is fine */
/*
 * Does now what the first prompt would do otherwise: plans the functions that every prompt runs
 * (those of several rows are planned for a prompt that needs them) and brings the packages' weights
 * into memory, as anm_program_load_weights() does; `progress` (may be NULL) is told all bytes. A
 * package of embeddings is left on the disk, as few of its rows are read. What was done stays done
 * when it is cancelled.
 */
ANM_API ANM_MUST_CHECK anm_status anm_llm_prepare(const anm_llm *llm, anm_bytes_fn progress,
                                                  void *context, anm_error *err);

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
    size_t rows; /* tokens at a time; 0: any number */
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

/* A second timeline that begins as a copy of the first; each then goes its own way. */
ANM_API ANM_MUST_CHECK anm_status anm_session_fork(const anm_session *session, anm_session **out,
                                                   anm_error *err);
/*
 * The timeline in a file: its tokens and what was evaluated of them; docs/generation.md has the
 * format. The file appears whole or not at all. Restoring replaces the session's timeline; the
 * logits are gone until the next step. ANM_ERROR_MISMATCH for a file of another model or precision,
 * ANM_ERROR_FORMAT for one that is damaged; the session is then as before.
 */
ANM_API ANM_MUST_CHECK anm_status anm_session_save(const anm_session *session, const char *path,
                                                   anm_error *err);
ANM_API ANM_MUST_CHECK anm_status anm_session_restore(anm_session *session, const char *path,
                                                      anm_error *err);

typedef enum anm_stop_reason {
    ANM_STOP_TOKEN = 0,    /* the model ended its answer */
    ANM_STOP_LENGTH = 1,   /* max_tokens */
    ANM_STOP_CONTEXT = 2,  /* the context is full */
    ANM_STOP_CALLBACK = 3, /* the callback asked */
    ANM_STOP_STRING = 4,   /* one of stop_strings appeared */
    ANM_STOP_COMPLETE = 5  /* the constraint lets nothing more follow */
} anm_stop_reason;

/* What the callback gets; pointers live until it returns. */
typedef struct anm_token_event {
    int32_t token; /* -1: text that was held back, at the end */
    /*
     * The text that became certain: whole UTF-8 characters, not zero-terminated, often empty. What
     * may be the beginning of a stop string is held back; a stop string is never given.
     */
    const char *text;
    size_t length;
    /* With options.logprobs >= 0: of the model, before any sampling stage. Else NaN. */
    float logprob;
    const anm_token_logprob *top; /* the options.logprobs likeliest, most likely first */
    size_t top_count;
} anm_token_event;

/* Called once for every generated token, stop tokens aside. Non-zero stops. */
typedef int (*anm_token_fn)(void *context, const anm_token_event *event);

/*
 * Limits what may be generated, e.g. to a grammar. mask() sets the logits of tokens that may not
 * come next to -INFINITY; accept() learns the token that was chosen (stop tokens too); complete(),
 * asked after it, gives non-zero when nothing can follow. A status other than ANM_OK ends the
 * generation with it. Stop tokens are masked as any other: mask() forbids them until the text may
 * end. Calls come from the thread that generates.
 */
typedef anm_status (*anm_logits_fn)(void *context, float *logits, size_t count, anm_error *err);
typedef struct anm_constraint_hooks {
    void *context;
    anm_logits_fn mask; /* NULL: no constraint, nothing here is called */
    anm_status (*accept)(void *context, int32_t token, anm_error *err); /* may be NULL */
    int (*complete)(void *context);                                     /* may be NULL */
} anm_constraint_hooks;

typedef struct anm_generate_options {
    size_t struct_size;
    const anm_sampling_options *sampling; /* copied at the start; NULL (default): greedy */
    int64_t max_tokens;     /* -1 (default): until the context is full */
    int ignore_stop;        /* non-zero: go on after stop ids */
    const char *const *stop_strings; /* zero-terminated UTF-8, none empty; copied */
    size_t stop_string_count;
    int logprobs; /* -1 (default): none; 0: of the chosen token; N: and of the N likeliest */
    anm_constraint_hooks constraint;
    anm_token_fn on_token;  /* may be NULL */
    void *context;
    /*
     * A session of a small model with the same vocabulary that proposes tokens, for models that
     * were converted with prefill_all; NULL (default): none. The answer is the same without it, but
     * for roundings of batches. Other threads must leave it alone meanwhile.
     */
    anm_session *draft;
    int draft_tokens; /* proposed at a time; 0 (default): 4 */
} anm_generate_options;
ANM_API void anm_generate_options_init(anm_generate_options *options);
/*
 * The answer follows a grammar (anemone/grammar.h): sets the hooks; NULL takes them away. The
 * constraint, which must live as long as the generation, is used from where it stands: reset it
 * before another answer.
 */
ANM_API void anm_generate_constrain(anm_generate_options *options, anm_constraint *constraint);

typedef struct anm_generate_result {
    size_t prompt_tokens, reused_tokens, generated_tokens;
    double prefill_seconds;     /* until the first token was chosen */
    double decode_seconds;      /* for all tokens after the first */
    anm_stop_reason stop_reason;
    int stop_string; /* which of stop_strings ended it; -1: none did */
    size_t drafted_tokens, accepted_tokens; /* proposed by the draft; of these, right */
} anm_generate_result;

/*
 * Syncs the session to the prompt and generates from there. Generated tokens join the timeline as
 * they are fed back; a stop token does not, nor does the last one before another end. `result` may
 * be NULL. ANM_ERROR_UNSUPPORTED for anything but greedy decoding where the model gives no logits,
 * and for stop strings without a tokenizer.
 */
ANM_API ANM_MUST_CHECK anm_status anm_generate(anm_session *session, const int32_t *prompt,
                                               size_t count, const anm_generate_options *options,
                                               anm_generate_result *result, anm_error *err);

/*
 * The same a step at a time, for callers that do other work between the steps, such as taking turns
 * among sessions. A step evaluates one batch of the prompt, or chooses one token, tells
 * it, and feeds it back. *done is non-zero after the last step; then, or after an error, only the
 * result is left to read. Between steps the session must not be moved.
 */
typedef struct anm_generation anm_generation;
ANM_API ANM_MUST_CHECK anm_status anm_generation_start(anm_session *session,
                                                       const int32_t *prompt, size_t count,
                                                       const anm_generate_options *options,
                                                       anm_generation **out, anm_error *err);
ANM_API ANM_MUST_CHECK anm_status anm_generation_step(anm_generation *generation, int *done,
                                                      anm_error *err);
ANM_API const anm_generate_result *anm_generation_result(const anm_generation *generation);
ANM_API void anm_generation_destroy(anm_generation *generation); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif
