/* SPDX-License-Identifier: MIT */
/*
 * The components loaded one by one and run by hand: embeddings, then the chunks over one KV cache,
 * then the head.
 *
 *     pipeline PROMPT TOKENS TOKENIZER_DIR EMBEDDINGS CHUNK... LM_HEAD
 *
 * prints the ids of greedily chosen tokens: those that anm_generate() gives.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <anemone/anemone.h>

enum { MOST_CHUNKS = 16, MOST_LOGITS = 64, HALF_MINUS_INFINITY = 0xfc00 };

typedef struct pipeline {
    anm_program *programs[MOST_CHUNKS + 2];
    const anm_function *embeddings, *head;
    const anm_function *infer[MOST_CHUNKS], *prefill[MOST_CHUNKS];
    size_t chunks, context, batch, hidden, vocab;
    anm_state *state; /* one for all chunks and both functions */
    float *rows[2];   /* hidden states, back and forth between components */
    uint16_t *mask;
    int32_t *positions, *padded;
    float *logits;
    anm_error err;
} pipeline;

static int fail(const anm_error *err) {
    char text[1024];
    anm_error_format(err, text, sizeof text);
    fprintf(stderr, "pipeline: %s\n", text);
    return 1;
}

static anm_status missing(pipeline *p, const char *what) {
    snprintf(p->err.where, sizeof p->err.where, "%s", what);
    snprintf(p->err.message, sizeof p->err.message, "not found in the packages");
    return p->err.status = ANM_ERROR_NOT_FOUND;
}

static const anm_feature *input(const anm_function *f, const char *name) {
    for (size_t i = 0; i < anm_function_input_count(f); i++)
        if (strcmp(anm_function_input(f, i)->name, name) == 0) return anm_function_input(f, i);
    return NULL;
}

/* ---- loading ---- */

static anm_status open_chunk(pipeline *p, const anm_program *program) {
    const anm_function *infer = anm_program_function(program, "infer");
    const anm_function *prefill = anm_program_function(program, "prefill");
    if (!infer || !prefill || !input(prefill, "causal_mask")) return missing(p, "infer, prefill");
    const anm_feature *mask = input(prefill, "causal_mask");
    p->batch = (size_t)mask->shape[2];
    p->context = (size_t)mask->shape[3];
    p->hidden = (size_t)input(prefill, "hidden_states")->shape[2];
    p->infer[p->chunks] = infer;
    p->prefill[p->chunks++] = prefill;
    return ANM_OK;
}

static anm_status allocate(pipeline *p) {
    for (size_t i = 0; i < anm_function_output_count(p->head); i++)
        p->vocab += (size_t)anm_function_output(p->head, i)->shape[2];
    for (int i = 0; i < 2; i++) p->rows[i] = calloc(p->batch * p->hidden, sizeof(float));
    p->mask = calloc(p->batch * p->context, sizeof *p->mask);
    p->positions = calloc(p->batch, sizeof *p->positions);
    p->padded = calloc(p->batch, sizeof *p->padded);
    p->logits = calloc(p->vocab, sizeof *p->logits);
    if (!p->rows[0] || !p->rows[1] || !p->mask || !p->positions || !p->padded || !p->logits)
        return missing(p, "memory");
    return anm_state_create(p->infer[0], ANM_PRECISION_FP16, &p->state, &p->err);
}

static anm_status load(pipeline *p, char **paths, size_t count) {
    for (size_t i = 0; i < count; i++) {
        anm_status status = anm_program_open(paths[i], &p->programs[i], &p->err);
        if (status != ANM_OK) return status;
        const anm_function *f = anm_program_function(p->programs[i], NULL);
        if (i == 0) p->embeddings = f;
        else if (i == count - 1) p->head = f;
        else if ((status = open_chunk(p, p->programs[i])) != ANM_OK) return status;
    }
    return p->embeddings && p->head && p->chunks ? allocate(p) : missing(p, "components");
}

static void unload(pipeline *p) {
    anm_state_destroy(p->state);
    for (size_t i = 0; i < MOST_CHUNKS + 2; i++) anm_program_close(p->programs[i]);
    for (int i = 0; i < 2; i++) free(p->rows[i]);
    free(p->mask);
    free(p->positions);
    free(p->padded);
    free(p->logits);
}

/* ---- running ---- */

static anm_tensor view(const char *name, anm_dtype dtype, void *data, int rank, int64_t a,
                       int64_t b, int64_t c, int64_t d) {
    anm_tensor t = {.name = name, .dtype = dtype, .rank = rank, .shape = {a, b, c, d}};
    t.data = data;
    t.bytes = (size_t)anm_shape_elements(t.shape, rank) * (size_t)(anm_dtype_bits(dtype) / 8);
    return t;
}

/* Row r is position first + r, and sees the columns up to itself. */
static void fill_step(pipeline *p, size_t first, size_t rows) {
    for (size_t r = 0; r < rows; r++) {
        p->positions[r] = (int32_t)(first + r);
        for (size_t c = 0; c < p->context; c++)
            p->mask[r * p->context + c] = c <= first + r ? 0 : HALF_MINUS_INFINITY;
    }
}

/* Tokens at positions first, first + 1, ... into the cache; the last hidden states stay. */
static anm_status run_chunks(pipeline *p, const int32_t *tokens, size_t first, size_t rows,
                             float **hidden) {
    int32_t at = (int32_t)first;
    int64_t n = (int64_t)rows, size = (int64_t)p->hidden, context = (int64_t)p->context;
    fill_step(p, first, rows);
    memcpy(p->padded, tokens, rows * sizeof *tokens);
    anm_tensor ids = view("input_ids", ANM_DTYPE_INT32, p->padded, 2, 1, n, 0, 0);
    anm_tensor out = view(anm_function_output(p->embeddings, 0)->name, ANM_DTYPE_FP32, p->rows[0],
                          3, 1, n, size, 0);
    anm_status status = anm_predict(p->embeddings, &ids, 1, &out, 1, NULL, NULL, &p->err);
    for (size_t i = 0; i < p->chunks && status == ANM_OK; i++) {
        const anm_function *f = rows > 1 ? p->prefill[i] : p->infer[i];
        const anm_tensor in[] = {
            view("hidden_states", ANM_DTYPE_FP32, p->rows[i % 2], 3, 1, n, size, 0),
            view("position_ids", ANM_DTYPE_INT32, p->positions, 1, n, 0, 0, 0),
            view("causal_mask", ANM_DTYPE_FP16, p->mask, 4, 1, 1, n, context),
            view("current_pos", ANM_DTYPE_INT32, &at, 1, 1, 0, 0, 0)};
        *hidden = p->rows[(i + 1) % 2];
        out = view(anm_function_output(f, 0)->name, ANM_DTYPE_FP32, *hidden, 3, 1, n, size, 0);
        status = anm_predict(f, in, 4, &out, 1, p->state, NULL, &p->err);
    }
    return status;
}

/* The head's outputs logits1, logits2, ... are the vocabulary, in this order. */
static anm_status run_head(pipeline *p, float *hidden) {
    anm_tensor in = view("hidden_states", ANM_DTYPE_FP32, hidden, 3, 1, 1, (int64_t)p->hidden, 0);
    anm_tensor out[MOST_LOGITS];
    char names[MOST_LOGITS][16];
    size_t count = anm_function_output_count(p->head);
    float *at = p->logits;
    for (size_t i = 0; i < count && i < MOST_LOGITS; i++) {
        const anm_feature *f = anm_function_output(p->head, i);
        snprintf(names[i], sizeof names[i], "logits%zu", i + 1);
        out[i] = view(count == 1 ? f->name : names[i], ANM_DTYPE_FP32, at, 3, 1, 1, f->shape[2], 0);
        at += f->shape[2];
    }
    return anm_predict(p->head, &in, 1, out, count, NULL, NULL, &p->err);
}

static int32_t greatest(const float *logits, size_t count) {
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (logits[i] > logits[best]) best = i;
    return (int32_t)best;
}

static int is_end(const anm_tokenizer *tokenizer, int32_t id) {
    return id == anm_tokenizer_special_id(tokenizer, ANM_SPECIAL_EOS);
}

/* Whole batches of the prompt go through prefill, what is left through infer. */
static anm_status generate(pipeline *p, const anm_tokenizer *tokenizer,
                           const anm_token_list *prompt, int wanted) {
    size_t done = 0;
    float *hidden = NULL;
    int32_t token = prompt->ids[prompt->len - 1];
    anm_status status = ANM_OK;
    for (; status == ANM_OK && done + p->batch < prompt->len; done += p->batch)
        status = run_chunks(p, prompt->ids + done, done, p->batch, &hidden);
    for (; status == ANM_OK && done + 1 < prompt->len; done++)
        status = run_chunks(p, prompt->ids + done, done, 1, &hidden);
    for (int i = 0; status == ANM_OK && i < wanted && done < p->context; i++) {
        status = run_chunks(p, &token, done++, 1, &hidden);
        if (status == ANM_OK) status = run_head(p, hidden);
        token = greatest(p->logits, p->vocab);
        if (status != ANM_OK || is_end(tokenizer, token)) break;
        printf("%d\n", (int)token);
    }
    return status;
}

int main(int argc, char **argv) {
    pipeline p = {0};
    anm_tokenizer *tokenizer = NULL;
    anm_token_list prompt = {0};
    if (argc < 7 || argc > 6 + MOST_CHUNKS) {
        fprintf(stderr,
                "usage: pipeline PROMPT TOKENS TOKENIZER_DIR EMBEDDINGS CHUNK... LM_HEAD\n");
        return 64;
    }
    anm_status status = anm_tokenizer_open(argv[3], &tokenizer, &p.err);
    if (status == ANM_OK)
        status = anm_tokenizer_encode(tokenizer, argv[1], strlen(argv[1]), NULL, &prompt, &p.err);
    if (status == ANM_OK && !prompt.len) status = missing(&p, "prompt");
    if (status == ANM_OK) status = load(&p, argv + 4, (size_t)argc - 4);
    if (status == ANM_OK) status = generate(&p, tokenizer, &prompt, atoi(argv[2]));
    unload(&p);
    anm_token_list_free(&prompt);
    anm_tokenizer_close(tokenizer);
    return status == ANM_OK ? 0 : fail(&p.err);
}
