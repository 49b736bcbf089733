/* SPDX-License-Identifier: MIT */
/*
 * One pass through embeddings, chunks and head. Between them hidden states are fp32, whatever is
 * declared, so that cutting a model into chunks changes nothing.
 */
#include <math.h>
#include <string.h>

#include "src/llm/llm.h"

enum { HALF_ZERO = 0, HALF_MINUS_INFINITY = 0xfc00, MOST_INPUTS = 5 };

void anm_llm_predict_options(const anm_llm *llm, anm_predict_options *out) {
    anm_predict_options_init(out);
    out->precision = llm->precision;
    out->engine = llm->engine;
    out->threads = llm->threads;
    out->cpu = llm->cpu;
    out->matmul_precision = llm->matmul_precision;
}

static anm_status predict(const anm_session *s, const anm_function *f, const anm_tensor *inputs,
                          size_t input_count, anm_tensor *outputs, size_t output_count,
                          anm_error *err) {
    anm_predict_options options;
    anm_llm_predict_options(s->llm, &options);
    return anm_predict(f, inputs, input_count, outputs, output_count, s->state, &options, err);
}

static anm_tensor token_ids(anm_session *s, const int32_t *tokens, size_t rows, size_t padded) {
    memset(s->ids, 0, s->llm->most_rows * sizeof *s->ids);
    memcpy(s->ids, tokens, rows * sizeof *s->ids);
    return (anm_tensor){.name = "input_ids",
                        .dtype = ANM_DTYPE_INT32,
                        .rank = 2,
                        .shape = {1, (int64_t)padded},
                        .data = s->ids,
                        .bytes = padded * sizeof *s->ids};
}

/*
 * The embeddings take a token or a batch at a time, whatever rows the chunks take: what is behind
 * fewer rows than a batch is padding that is written over.
 */
static anm_status embed(anm_session *s, const anm_tensor *ids, anm_tensor *hidden,
                        anm_error *err) {
    size_t rows = (size_t)ids->shape[1], step = rows > 1 ? s->llm->batch : 1;
    size_t row_bytes = s->llm->hidden * sizeof(float);
    for (size_t row = 0; row < rows; row += step) {
        anm_tensor part = *ids;
        part.shape[1] = (int64_t)step;
        part.data = s->ids + row;
        part.bytes = step * sizeof *s->ids;
        *hidden = (anm_tensor){.name = s->llm->embeddings_output,
                               .dtype = ANM_DTYPE_FP32,
                               .data = (char *)s->hidden[0] + row * row_bytes,
                               .bytes = s->hidden_bytes - row * row_bytes};
        ANM_TRY(predict(s, s->llm->embeddings, &part, 1, hidden, 1, err));
    }
    hidden->data = s->hidden[0];
    hidden->shape[1] = (int64_t)rows;
    hidden->bytes = rows * row_bytes;
    return ANM_OK;
}

/* Row r is position first + r and sees columns up to itself. */
static void fill_mask(anm_session *s, size_t first, size_t rows) {
    size_t context = s->llm->context;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < context; c++)
            s->mask[r * context + c] = c <= first + r ? HALF_ZERO : HALF_MINUS_INFINITY;
}

/* The inputs of a chunk but for the hidden states; `at` is where the first row goes. */
typedef struct chunk_inputs {
    anm_tensor tensors[MOST_INPUTS];
    int32_t at;
} chunk_inputs;

static anm_tensor *add_input(const anm_function *f, chunk_inputs *in, size_t *count,
                             const char *name) {
    for (size_t i = 0; i < anm_function_input_count(f); i++) {
        const anm_feature *feature = anm_function_input(f, i);
        if (strcmp(feature->name, name) != 0) continue;
        anm_tensor *t = &in->tensors[(*count)++];
        *t = (anm_tensor){.name = feature->name, .rank = feature->rank};
        memcpy(t->shape, feature->shape, sizeof t->shape);
        return t;
    }
    return NULL;
}

static void set_data(anm_tensor *t, anm_dtype dtype, void *data) {
    if (!t) return;
    t->dtype = dtype;
    t->data = data;
    t->bytes = (size_t)anm_shape_elements(t->shape, t->rank) * (size_t)(anm_dtype_bits(dtype) / 8);
}

/*
 * update_mask, a one-hot column of older packages, is the mask buffer's second use: it is as long
 * as the context and only single steps have it.
 */
static size_t make_inputs(anm_session *s, const anm_function *f, size_t first, chunk_inputs *in,
                          uint16_t *one_hot) {
    size_t count = 1; /* [0]: hidden_states, or the token ids */
    in->at = (int32_t)first;
    set_data(add_input(f, in, &count, "position_ids"), ANM_DTYPE_INT32, s->positions);
    set_data(add_input(f, in, &count, "causal_mask"), ANM_DTYPE_FP16, s->mask);
    set_data(add_input(f, in, &count, "current_pos"), ANM_DTYPE_INT32, &in->at);
    anm_tensor *update = add_input(f, in, &count, "update_mask");
    if (update) {
        memset(one_hot, 0, s->llm->context * sizeof *one_hot);
        one_hot[first] = 0x3c00;
        set_data(update, ANM_DTYPE_FP16, one_hot);
    }
    return count;
}

/* Which functions of the chunks a pass runs: those of a width (NULL: none), or of a role. */
typedef struct pass_kind {
    const anm_llm_width *width;
    anm_llm_role role;
} pass_kind;

static const anm_function *function_of(const anm_llm *llm, size_t chunk, pass_kind kind) {
    return kind.width ? kind.width->functions[chunk] : llm->chunks[chunk].functions[kind.role];
}

static anm_status run_chunks(anm_session *s, pass_kind kind, size_t first, anm_tensor *hidden,
                             anm_error *err) {
    const anm_llm *llm = s->llm;
    for (size_t i = 0; i < llm->chunk_count; i++) {
        const anm_function *f = function_of(llm, i, kind);
        chunk_inputs in = {0};
        size_t count = make_inputs(s, f, first, &in, s->mask + llm->most_rows * llm->context);
        in.tensors[0] = *hidden;
        in.tensors[0].name = "hidden_states";
        anm_tensor out = {.name = anm_function_output(f, 0)->name,
                          .dtype = ANM_DTYPE_FP32,
                          .data = s->hidden[(i + 1) % 2],
                          .bytes = s->hidden_bytes};
        ANM_TRY(predict(s, f, in.tensors, count, &out, 1, err));
        *hidden = out;
    }
    return ANM_OK;
}

/* Buffers for what a function gives at the end: logits, or the winner of each part. */
static size_t result_buffers(anm_session *s, const anm_function *f, anm_tensor *outputs) {
    const anm_llm *llm = s->llm;
    float *at = s->logits;
    if (anm_llm_gives_winners(f)) {
        outputs[0] = (anm_tensor){.name = ANM_WINNERS_INDEX,
                                  .dtype = ANM_DTYPE_INT32,
                                  .data = s->places,
                                  .bytes = llm->logits_count * sizeof *s->places};
        outputs[1] = (anm_tensor){.name = ANM_WINNERS_VALUE,
                                  .dtype = ANM_DTYPE_FP32,
                                  .data = s->values,
                                  .bytes = llm->logits_count * sizeof *s->values};
        return 2;
    }
    for (size_t i = 0; i < llm->logits_count; i++) {
        outputs[i] = (anm_tensor){.name = llm->logits[i].name,
                                  .dtype = ANM_DTYPE_FP32,
                                  .data = at,
                                  .bytes = llm->logits[i].count * sizeof *at};
        at += llm->logits[i].count;
    }
    return llm->logits_count;
}

/* The first of the greatest; places count from the beginning of their part. */
static int32_t best_winner(const anm_session *s) {
    const anm_llm *llm = s->llm;
    int32_t best = -1;
    float value = 0;
    for (size_t i = 0, first = 0; i < llm->logits_count; first += llm->logits[i++].count) {
        bool valid = s->places[i] >= 0 && (size_t)s->places[i] < llm->logits[i].count;
        if (!valid || isnan(s->values[i]) || (best >= 0 && s->values[i] <= value)) continue;
        best = (int32_t)first + s->places[i];
        value = s->values[i];
    }
    return best;
}

/* A model that gives winners gives nothing else, though a prefill's output may be logits. */
static anm_status run_result(anm_session *s, const anm_function *f, const anm_tensor *inputs,
                             size_t input_count, anm_error *err) {
    anm_tensor outputs[ANM_LLM_MOST_LOGITS] = {0};
    size_t count = result_buffers(s, f, outputs);
    ANM_TRY(predict(s, f, inputs, input_count, outputs, count, err));
    s->has_winner = s->llm->winners;
    s->has_logits = !s->has_winner;
    if (anm_llm_gives_winners(f)) s->winner = best_winner(s);
    else if (s->has_winner) s->winner = anm_llm_greatest(s->logits, s->llm->vocab);
    return ANM_OK;
}

static anm_status run_head(anm_session *s, const anm_tensor *hidden, anm_error *err) {
    anm_tensor input = *hidden;
    input.name = "hidden_states";
    return run_result(s, s->llm->head, &input, 1, err);
}

anm_status anm_session_row(anm_session *s, size_t row, anm_error *err) {
    size_t bytes = s->llm->hidden * sizeof(float);
    const anm_tensor hidden = {.dtype = ANM_DTYPE_FP32,
                               .rank = 3,
                               .shape = {1, 1, (int64_t)s->llm->hidden},
                               .data = (char *)s->rows + row * bytes,
                               .bytes = bytes};
    return run_head(s, &hidden, err);
}

/* Everything in one package. */
static anm_status run_whole(anm_session *s, pass_kind kind, size_t first,
                            const anm_tensor *ids, bool want_result, anm_error *err) {
    const anm_llm *llm = s->llm;
    const anm_function *f = function_of(llm, 0, kind);
    chunk_inputs in = {0};
    size_t count = make_inputs(s, f, first, &in, s->mask + llm->most_rows * llm->context);
    in.tensors[0] = *ids;
    if (want_result) return run_result(s, f, in.tensors, count, err);
    return predict(s, f, in.tensors, count, NULL, 0, err);
}

/*
 * Positions count on through the padding, as ANEMLL's runners have it. Packages that give the last
 * token take for it the row of the highest position: there the padding repeats it.
 */
static void fill_positions(anm_session *s, size_t first, size_t count, size_t rows) {
    for (size_t r = 0; r < rows; r++) {
        bool padding = r >= count && s->llm->prefill_gives_last;
        s->positions[r] = (int32_t)(first + (padding ? count - 1 : r));
    }
}

anm_status anm_session_forward(anm_session *s, const int32_t *tokens, size_t first, size_t count,
                               const anm_llm_width *width, bool want_logits, anm_error *err) {
    bool rotate = first >= s->llm->window;
    bool prefill = width || count > 1 || (s->llm->prefills_singly && !want_logits && !rotate);
    anm_llm_role role = prefill ? rotate ? ANM_LLM_PREFILL_ROTATE : ANM_LLM_PREFILL
                                : rotate ? ANM_LLM_INFER_ROTATE : ANM_LLM_INFER;
    pass_kind kind = {width, role};
    size_t rows = width ? width->rows : prefill ? s->llm->batch : 1;
    anm_tensor hidden, ids = token_ids(s, tokens, count, rows);
    s->has_logits = s->has_winner = false;
    fill_positions(s, first, count, rows);
    fill_mask(s, first, rows);
    if (s->llm->monolithic) return run_whole(s, kind, first, &ids, want_logits, err);
    ANM_TRY(embed(s, &ids, &hidden, err));
    ANM_TRY(run_chunks(s, kind, first, &hidden, err));
    s->rows = hidden.data;
    if (!want_logits) return ANM_OK;
    return prefill && s->llm->prefill_gives_all ? anm_session_row(s, count - 1, err)
                                                : run_head(s, &hidden, err);
}
