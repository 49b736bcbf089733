/* SPDX-License-Identifier: MIT */
#include "tests/unit/converted.h"

#include <glob.h>
#include <math.h>
#include <string.h>

#include "src/base/dtype.h"
#include "tests/unit/testing.h"

static anm_program *open_part(const char *dir, const char *prefix, const char *part) {
    char path[1024];
    anm_error err;
    anm_program *program;
    glob_t found;
    snprintf(path, sizeof path, "%s/%s_%s.mlpackage", dir, prefix, part);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    assert_ok(anm_program_open(found.gl_pathv[0], &program, &err), &err);
    globfree(&found);
    return program;
}

static const anm_feature *input(const anm_program *p, const char *function, const char *name) {
    const anm_function *f = anm_program_function(p, function);
    assert_non_null(f);
    for (size_t i = 0; i < anm_function_input_count(f); i++)
        if (strcmp(anm_function_input(f, i)->name, name) == 0) return anm_function_input(f, i);
    fail_msg("no input %s", name);
    return NULL;
}

/* The rows of the local layers' cache, if the model can outlive them. */
static int64_t find_window(const anm_program *decoder) {
    const anm_function *f = anm_program_function(decoder, "infer_rotate");
    for (size_t i = 0; f && i < anm_function_state_count(f); i++)
        if (strstr(anm_function_state(f, i)->name, "local"))
            return anm_function_state(f, i)->shape[2];
    return 0;
}

void converted_open(converted *m, const char *dir, const char *prefix, anm_precision precision) {
    *m = (converted){.precision = precision};
    m->embeddings = open_part(dir, prefix, "embeddings*");
    m->decoder = open_part(dir, prefix, "FFN_PF*_chunk_01of01");
    m->head = open_part(dir, prefix, "lm_head*");
    const anm_feature *mask = input(m->decoder, "prefill", "causal_mask");
    m->batch = mask->shape[2];
    m->context = mask->shape[3];
    m->window = find_window(m->decoder);
    m->hidden = input(m->decoder, "prefill", "hidden_states")->shape[2];
    const anm_function *head = anm_program_function(m->head, NULL);
    for (size_t i = 0; i < anm_function_output_count(head); i++)
        m->vocab += anm_function_output(head, i)->shape[2];
    converted_reset(m);
}

void converted_close(converted *m) {
    anm_state_destroy(m->state);
    anm_program_close(m->embeddings);
    anm_program_close(m->decoder);
    anm_program_close(m->head);
}

void converted_reset(converted *m) {
    anm_error err;
    anm_state_destroy(m->state);
    assert_ok(anm_state_create(anm_program_function(m->decoder, "infer"), m->precision, &m->state,
                               &err), &err);
}

static anm_tensor tensor(const char *name, anm_dtype dtype, int rank, const int64_t *shape,
                         void *data) {
    anm_tensor t = {.name = name, .dtype = dtype, .rank = rank, .data = data};
    memcpy(t.shape, shape, (size_t)rank * sizeof *shape);
    assert_true(anm_dtype_bytes(dtype, anm_shape_elements(shape, rank), &t.bytes));
    return t;
}

static void predict(const converted *m, const anm_program *p, const char *function,
                    const anm_tensor *inputs, size_t count, anm_tensor *outputs,
                    size_t output_count, anm_state *state) {
    anm_error err;
    anm_predict_options options;
    anm_predict_options_init(&options);
    options.precision = m->precision;
    assert_ok(anm_predict(anm_program_function(p, function), inputs, count, outputs, output_count,
                          state, &options, &err), &err);
}

/* hidden [tokens, hidden] in fp32, whatever the precision: exact either way. */
static void embed(const converted *m, int32_t *tokens, int64_t count, float *hidden) {
    anm_tensor in = tensor("input_ids", ANM_DTYPE_INT32, 2, (int64_t[]){1, count}, tokens);
    anm_tensor out = tensor("hidden_states", ANM_DTYPE_FP32, 3, (int64_t[]){1, count, m->hidden},
                            hidden);
    predict(m, m->embeddings, NULL, &in, 1, &out, 1, NULL);
}

static void run_decoder(const converted *m, const char *base, int64_t count, float *hidden,
                        int32_t *positions, int32_t current, float *out) {
    char function[32];
    bool rotate = m->window && current >= m->window;
    snprintf(function, sizeof function, "%s%s", base, rotate ? "_rotate" : "");
    float *mask = malloc((size_t)(count * m->context) * sizeof *mask);
    assert_non_null(mask);
    for (int64_t t = 0; t < count; t++)
        for (int64_t c = 0; c < m->context; c++)
            mask[t * m->context + c] = c <= current + t ? 0 : -INFINITY;
    anm_tensor in[4] = {
        tensor("hidden_states", ANM_DTYPE_FP32, 3, (int64_t[]){1, count, m->hidden}, hidden),
        tensor("position_ids", ANM_DTYPE_INT32, 1, &count, positions),
        tensor("causal_mask", ANM_DTYPE_FP32, 4, (int64_t[]){1, 1, count, m->context}, mask),
        tensor("current_pos", ANM_DTYPE_INT32, 1, (int64_t[]){1}, &current),
    };
    anm_tensor result = tensor("output_hidden_states", ANM_DTYPE_FP32, 3,
                               (int64_t[]){1, 1, m->hidden}, out);
    predict(m, m->decoder, function, in, 4, &result, 1, m->state);
    free(mask);
}

static void run_head(const converted *m, float *hidden, double *logits) {
    enum { MOST = 16 };
    char names[MOST][32];
    anm_tensor outputs[MOST], in = tensor("hidden_states", ANM_DTYPE_FP32, 3,
                                          (int64_t[]){1, 1, m->hidden}, hidden);
    const anm_function *f = anm_program_function(m->head, NULL);
    size_t count = anm_function_output_count(f);
    assert_in_range(count, 1, MOST);
    float *values = malloc((size_t)m->vocab * sizeof *values), *next = values;
    for (size_t i = 0; i < count; i++) {
        const anm_feature *feature = anm_function_output(f, i);
        snprintf(names[i], sizeof names[i], "logits%zu", i + 1);
        outputs[i] = tensor(names[i], ANM_DTYPE_FP32, 3, feature->shape, next);
        next += feature->shape[2];
    }
    predict(m, m->head, NULL, &in, 1, outputs, count, NULL);
    for (int64_t i = 0; i < m->vocab; i++) logits[i] = values[i];
    free(values);
}

void converted_decode(converted *m, int32_t token, int64_t position, double *logits) {
    float *hidden = malloc((size_t)m->hidden * sizeof *hidden);
    int32_t at = (int32_t)position;
    embed(m, &token, 1, hidden);
    run_decoder(m, "infer", 1, hidden, &at, at, hidden);
    run_head(m, hidden, logits);
    free(hidden);
}

void converted_prefill(converted *m, const int32_t *tokens, int64_t count, double *logits) {
    float *hidden = malloc((size_t)(m->batch * m->hidden) * sizeof *hidden);
    int32_t *ids = malloc((size_t)m->batch * sizeof *ids);
    int32_t *positions = malloc((size_t)m->batch * sizeof *positions);
    for (int64_t first = 0; first < count; first += m->batch) {
        for (int64_t i = 0; i < m->batch; i++) {
            int64_t at = first + i;
            ids[i] = at < count ? tokens[at] : 0;
            positions[i] = (int32_t)(at < count || !logits ? at : count - 1);
        }
        embed(m, ids, m->batch, hidden);
        run_decoder(m, "prefill", m->batch, hidden, positions, (int32_t)first, hidden);
    }
    if (logits) run_head(m, hidden, logits);
    free(hidden);
    free(ids);
    free(positions);
}

static double deviation(const double *x, int64_t n) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    for (int64_t i = 0; i < n; i++) squares += (x[i] - sum / (double)n) * (x[i] - sum / (double)n);
    return sqrt(squares / (double)n);
}

int64_t top_logit(const double *x, int64_t n, double *gap) {
    int64_t best = x[1] > x[0];
    double second = x[!best];
    for (int64_t i = 2; i < n; i++) {
        if (x[i] > x[best]) {
            second = x[best];
            best = i;
        } else if (x[i] > second) second = x[i];
    }
    *gap = x[best] - second;
    return best;
}

logit_error compare_logits(const double *got, const double *truth, int64_t rows, int64_t vocab,
                           double margin) {
    logit_error e = {0};
    double unit = deviation(truth, rows * vocab), squares = 0, gap, ignored;
    for (int64_t i = 0; i < rows * vocab; i++) {
        double d = fabs(got[i] - truth[i]) / unit;
        squares += d * d;
        if (!(d <= e.worst)) e.worst = d;
    }
    e.rms = sqrt(squares / (double)(rows * vocab));
    for (int64_t r = 0; r < rows; r++) {
        int64_t want = top_logit(truth + r * vocab, vocab, &gap);
        if (top_logit(got + r * vocab, vocab, &ignored) != want && gap > margin * unit)
            e.argmax_wrong++;
    }
    return e;
}
