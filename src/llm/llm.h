/* SPDX-License-Identifier: MIT */
/* What the files of the LLM tier share: the wired model and the session. */
#ifndef ANM_LLM_LLM_H
#define ANM_LLM_LLM_H

#include <pthread.h>
#include <stdbool.h>

#include "anemone/llm.h"
#include "src/base/arena.h"

/* What a function of a chunk is for. From the window on, those that rotate are called. */
typedef enum anm_llm_role {
    ANM_LLM_INFER,
    ANM_LLM_PREFILL,
    ANM_LLM_INFER_ROTATE,
    ANM_LLM_PREFILL_ROTATE,
    ANM_LLM_ROLES
} anm_llm_role;

/* A chunk of the FFN: its functions may live in one package or in several; NULL: not there. */
typedef struct anm_llm_chunk {
    const anm_function *functions[ANM_LLM_ROLES];
} anm_llm_chunk;

/* A part of the vocabulary, as the LM head divides it. */
typedef struct anm_llm_logits {
    const char *name; /* "logits3"; NULL where the head gives no logits */
    size_t count;     /* tokens it covers */
} anm_llm_logits;
enum { ANM_LLM_MOST_LOGITS = 64 };

/* Outputs of a head that gives the greatest logit of each part: where it is, and it. */
#define ANM_WINNERS_INDEX "argmax_idx"
#define ANM_WINNERS_VALUE "argmax_val"

/* Prefill for so many rows, for those that the packages have as for more and fewer: widths.c. */
typedef struct anm_llm_width {
    size_t rows;
    const anm_function **functions; /* by chunk */
    enum {
        ANM_LLM_WIDTH_NOTHING, /* not needed yet */
        ANM_LLM_WIDTH_FUNCTIONS,
        ANM_LLM_WIDTH_REFUSED
    } has;
} anm_llm_width;
enum { ANM_LLM_MOST_WIDTHS = 12, ANM_LLM_WIDER = 4 /* of these, more rows than the packages' */ };

/* What of meta.yaml is nowhere in the packages, but in the name. */
typedef struct anm_llm_meta {
    const char *chunk_sizes; /* of the LM head: "16032,16032"; NULL */
    const char *embeddings, *head, *ffn, *whole; /* file names; NULL */
    size_t chunks;                               /* of the FFN; 0: not said */
    int64_t vocab_size;      /* 0: not said */
} anm_llm_meta;

struct anm_llm {
    anm_arena *arena;
    const char *dir, *name;
    struct anm_model_config *config; /* NULL: roles are found by interfaces */
    anm_precision precision;
    anm_engine_kind engine;
    int threads;
    const char *cpu, *matmul_precision; /* NULL: the default */
    anm_program **programs; /* every package opened */
    size_t program_count;
    const anm_function *embeddings, *head;
    bool monolithic; /* chunks[0] goes from token ids to the head's outputs */
    bool winners;    /* instead of logits, from infer at least */
    anm_llm_meta meta;
    bool prefills_singly;    /* prefill takes one token; not ours, where infer does the same */
    bool prefill_gives_last; /* the last prefill's output is the last token's, ready for the head */
    bool prefill_gives_all;  /* the last prefill's output is every token's, ready for the head */
    anm_llm_chunk *chunks;
    size_t chunk_count;
    const char *embeddings_output;
    anm_llm_logits *logits; /* in order of the vocabulary */
    size_t logits_count;
    size_t context, batch, hidden, vocab;
    pthread_mutex_t lock; /* over what widths have */
    anm_llm_width widths[ANM_LLM_MOST_WIDTHS]; /* of ever fewer rows; none: batches of one row */
    size_t width_count;
    size_t most_rows; /* at a time: of the first width, or the batch */
    /*
     * Rows of the cache of layers that see a window, which rotates beyond; the context length if
     * there is nothing of the kind.
     */
    size_t window;
    bool batches_rotate; /* prefill_rotate is there, and may be used */
    anm_tokenizer *tokenizer;
    anm_chat_template *chat_template;
    int32_t *stop_ids;
    size_t stop_count;
};

/* Opens the packages of llm->dir and wires them; see wiring.c. */
ANM_MUST_CHECK anm_status anm_llm_wire(anm_llm *llm, anm_error *err);
/* Fills widths; `option` as in anm_llm_options. Once everything is wired. */
ANM_MUST_CHECK anm_status anm_llm_widen(anm_llm *llm, int64_t option, anm_error *err);
/*
 * Below the window: how many rows the next pass of so many tokens should have, where `room` rows
 * fit; fewer than the tokens, or more, which are padding. NULL: single steps cost less.
 */
ANM_MUST_CHECK anm_status anm_llm_width_choose(const anm_llm *llm, size_t tokens, size_t room,
                                               const anm_llm_width **out, anm_error *err);
/* The fewest rows that hold so many tokens; NULL: none do. */
ANM_MUST_CHECK anm_status anm_llm_width_for(const anm_llm *llm, size_t tokens,
                                            const anm_llm_width **out, anm_error *err);
/* NULL if nothing has needed it yet, or it is the packages' own. */
const anm_llm_width *anm_llm_width_made(const anm_llm *llm, size_t index);
/* How the model's functions are run. */
void anm_llm_predict_options(const anm_llm *llm, anm_predict_options *out);
/* headwire.c: whether a function gives winners, and taking what a head gives. */
bool anm_llm_gives_winners(const anm_function *f);
ANM_MUST_CHECK anm_status anm_llm_take_logits(anm_llm *llm, const anm_function *f,
                                              const char *file, anm_error *err);
ANM_MUST_CHECK anm_status anm_llm_take_winners(anm_llm *llm, const anm_program *program,
                                               const anm_function *f, const char *file,
                                               anm_error *err);
/* Once everything is wired: how large the parts are, if no interface said it. */
ANM_MUST_CHECK anm_status anm_llm_settle_head(anm_llm *llm, anm_error *err);
/* ANM_ERROR_UNSUPPORTED if the model gives no logits. */
ANM_MUST_CHECK anm_status anm_llm_require_logits(const anm_llm *llm, anm_error *err);
/* The index of the largest; NaN are passed over, -1 if all are. */
int32_t anm_llm_greatest(const float *logits, size_t count);
/* Reads meta.yaml; what packages say is taken from them. */
ANM_MUST_CHECK anm_status anm_llm_read_meta(anm_llm *llm, anm_error *err);
ANM_MUST_CHECK anm_status anm_llm_read_stop_ids(anm_llm *llm, anm_error *err);

struct anm_session {
    const anm_llm *llm;
    anm_state *state;
    int32_t *tokens; /* context entries */
    size_t count;
    /*
     * Of these, the first whose K and V are in the state: all, or none after a rewind from beyond
     * the window, where the state has lost what the shorter timeline needs.
     */
    size_t held;
    size_t reused;   /* of the last sync: tokens that were not evaluated again */
    bool has_logits;
    bool has_winner; /* a head of winners: `winner` is the most likely token */
    int32_t winner;
    float *logits;
    int32_t *places; /* one for each of llm->logits */
    float *values;
    uint16_t *mask; /* most rows x context, and a row, fp16 */
    int32_t *ids;   /* most rows */
    int32_t *positions;
    void *hidden[2]; /* most rows x hidden, ping-pong between chunks */
    size_t hidden_bytes;
    void *rows; /* of the last batch, where prefill gives all; one of hidden[] */
};

/*
 * Evaluates `count` tokens at positions first, first + 1, ...: K and V go into the state. They run
 * in one pass of `width`, which has as many rows at least; NULL: one token runs `infer`, several
 * the packages' prefill, all below the window or all beyond. `want_logits` runs the head on the
 * last one; after prefill only if llm->prefill_gives_last.
 */
ANM_MUST_CHECK anm_status anm_session_forward(anm_session *s, const int32_t *tokens, size_t first,
                                              size_t count, const anm_llm_width *width,
                                              bool want_logits, anm_error *err);

/*
 * anm_session_sync() in its passes: the beginning takes back what does not match, and each
 * continuation evaluates one batch or one token, until the session is `there`.
 */
ANM_MUST_CHECK anm_status anm_session_begin(anm_session *s, const int32_t *tokens, size_t count,
                                            bool *there, anm_error *err);
ANM_MUST_CHECK anm_status anm_session_continue(anm_session *s, const int32_t *tokens, size_t count,
                                               bool *there, anm_error *err);

/*
 * Where llm->prefill_gives_all: appends tokens in one batch, which must fit, without logits; and
 * then the logits of one of its rows.
 */
ANM_MUST_CHECK anm_status anm_session_extend(anm_session *s, const int32_t *tokens, size_t count,
                                             anm_error *err);
ANM_MUST_CHECK anm_status anm_session_row(anm_session *s, size_t row, anm_error *err);

#endif
