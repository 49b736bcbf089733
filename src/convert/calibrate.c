/* SPDX-License-Identifier: MIT */
#include "src/convert/calibrate.h"

#include <math.h>
#include <string.h>

#include "anemone/tokenizer.h"
#include "src/base/alloc.h"
#include "src/base/arena.h"
#include "src/base/file.h"
#include "src/base/map.h"
#include "src/base/vec.h"

enum { TEXT_LIMIT = 1 << 28 };

/* The inputs of a linear layer. */
typedef struct inputs {
    int64_t columns, rows;
    double *squares; /* sums, and means when the pass is over */
} inputs;

struct anm_calibration {
    anm_arena *arena;
    anm_forward *forward;
    anm_token_list tokens;
    ANM_VEC(anm_forward_sequence) windows;
    int64_t used; /* tokens in windows */
    anm_map inputs; /* by tensor name */
    anm_map peaks;  /* by value name: its number */
    ANM_VEC(anm_peak) peak_list;
};

static anm_status read_text(anm_calibration *c, const char *model_dir, const char *path,
                            anm_error *err) {
    char *text;
    size_t size;
    anm_tokenizer *tokenizer;
    anm_encode_options options;
    ANM_TRY(anm_file_read(c->arena, path, TEXT_LIMIT, &text, &size, err));
    ANM_TRY(anm_tokenizer_open(model_dir, &tokenizer, err));
    anm_encode_options_init(&options);
    options.parse_special = true;
    anm_status status = anm_tokenizer_encode(tokenizer, text, size, &options, &c->tokens, err);
    anm_tokenizer_close(tokenizer);
    if (status == ANM_OK && c->tokens.len == 0)
        return anm_fail(err, ANM_ERROR_ARGUMENT, path, "there is nothing to calibrate on");
    return status;
}

static anm_status add_window(anm_calibration *c, size_t first, size_t count, anm_error *err) {
    anm_forward_sequence window = {c->tokens.ids + first, count, 0};
    c->used += (int64_t)count;
    return anm_vec_push(&c->windows, window) ? ANM_OK : anm_fail_memory(err);
}

/* As many windows as the budget has, at even distances from the text's beginning to its end. */
static anm_status cut(anm_calibration *c, int64_t budget, anm_error *err) {
    int64_t positions = anm_forward_config(c->forward)->max_position_embeddings;
    size_t length = ANM_CALIBRATION_WINDOW, all = c->tokens.len;
    if (positions > 0 && (size_t)positions < length) length = (size_t)positions;
    if ((size_t)budget < length) length = (size_t)budget;
    if (all <= (size_t)budget) {
        for (size_t at = 0; at < all; at += length)
            ANM_TRY(add_window(c, at, all - at < length ? all - at : length, err));
        return ANM_OK;
    }
    size_t count = (size_t)budget / length;
    for (size_t i = 0; i < count; i++)
        ANM_TRY(add_window(c, count > 1 ? (all - length) * i / (count - 1) : 0, length, err));
    return ANM_OK;
}

anm_status anm_calibration_open(const char *model_dir, const char *text_file, int64_t tokens,
                                anm_calibration **out, anm_error *err) {
    anm_calibration *c = *out = anm_calloc(1, sizeof *c);
    if (!c) return anm_fail_memory(err);
    c->arena = anm_arena_create();
    anm_status status = c->arena ? ANM_OK : anm_fail_memory(err);
    if (tokens < 0 || tokens > INT32_MAX)
        status = anm_fail(err, ANM_ERROR_ARGUMENT, "calibrate_tokens",
                          "%lld tokens to calibrate on", (long long)tokens);
    if (status == ANM_OK) status = anm_forward_open(model_dir, &c->forward, err);
    if (status == ANM_OK) status = read_text(c, model_dir, text_file, err);
    if (status == ANM_OK) status = cut(c, tokens ? tokens : ANM_CALIBRATION_TOKENS, err);
    if (status == ANM_OK) return ANM_OK;
    anm_calibration_close(c);
    *out = NULL;
    return status;
}

void anm_calibration_close(anm_calibration *c) {
    if (!c) return;
    anm_forward_close(c->forward);
    anm_token_list_free(&c->tokens);
    anm_vec_free(&c->windows);
    anm_vec_free(&c->peak_list);
    anm_map_free(&c->inputs);
    anm_map_free(&c->peaks);
    anm_arena_destroy(c->arena);
    anm_free(c);
}

anm_status anm_calibration_run(const anm_calibration *c, const anm_forward_hooks *hooks,
                               anm_error *err) {
    return anm_forward_run(c->forward, c->windows.data, c->windows.len, hooks, 0, err);
}

static inputs *find_inputs(const anm_calibration *c, const char *tensor) {
    uint64_t found;
    if (!anm_map_get(&c->inputs, anm_sv_from(tensor), &found)) return NULL;
    return (inputs *)(uintptr_t)found;
}

static anm_status make_inputs(anm_calibration *c, const char *tensor, int64_t columns, inputs **out,
                              anm_error *err) {
    char *name = anm_arena_strdup(c->arena, tensor);
    inputs *in = *out = ANM_ARENA_NEW(c->arena, inputs);
    if (!name || !in) return anm_fail_memory(err);
    *in = (inputs){.columns = columns};
    in->squares = anm_arena_array(c->arena, (size_t)columns, sizeof *in->squares);
    if (!in->squares) return anm_fail_memory(err);
    memset(in->squares, 0, (size_t)columns * sizeof *in->squares);
    bool put = anm_map_put(&c->inputs, anm_sv_from(name), (uint64_t)(uintptr_t)in);
    return put ? ANM_OK : anm_fail_memory(err);
}

static anm_status add_inputs(void *context, const char *weight, const float *x, int64_t rows,
                             int64_t columns, anm_error *err) {
    anm_calibration *c = context;
    inputs *in = find_inputs(c, weight);
    if (!in) ANM_TRY(make_inputs(c, weight, columns, &in, err));
    for (int64_t r = 0; r < rows; r++, x += columns)
        for (int64_t i = 0; i < columns; i++) in->squares[i] += (double)x[i] * (double)x[i];
    in->rows += rows;
    return ANM_OK;
}

static anm_status add_peak(void *context, const char *value, const float *x, int64_t rows,
                           int64_t columns, anm_error *err) {
    anm_calibration *c = context;
    uint64_t number;
    float most = 0;
    double squares = 0;
    for (int64_t i = 0; i < rows * columns; i++) most = fmaxf(most, fabsf(x[i]));
    for (int64_t i = 0; i < rows * columns; i++) squares += (double)x[i] * (double)x[i];
    if (!anm_map_get(&c->peaks, anm_sv_from(value), &number)) {
        anm_peak peak = {anm_arena_strdup(c->arena, value), 0, 0, 0};
        number = c->peak_list.len;
        if (!peak.name || !anm_vec_push(&c->peak_list, peak) ||
            !anm_map_put(&c->peaks, anm_sv_from(peak.name), number))
            return anm_fail_memory(err);
    }
    anm_peak *peak = &c->peak_list.data[number];
    peak->value = fmax(peak->value, (double)most);
    peak->square += squares;
    peak->count += rows * columns;
    return ANM_OK;
}

anm_status anm_calibration_measure(anm_calibration *c, anm_error *err) {
    anm_forward_hooks hooks = {.context = c, .linear = add_inputs, .value = add_peak};
    ANM_TRY(anm_calibration_run(c, &hooks, err));
    for (size_t i = 0; i < c->inputs.cap; i++) {
        if (!c->inputs.slots[i].key.data) continue;
        inputs *in = (inputs *)(uintptr_t)c->inputs.slots[i].value;
        for (int64_t k = 0; k < in->columns; k++) in->squares[k] /= (double)in->rows;
    }
    for (size_t i = 0; i < c->peak_list.len; i++)
        c->peak_list.data[i].square /= (double)c->peak_list.data[i].count;
    return ANM_OK;
}

const double *anm_calibration_squares(const anm_calibration *c, const char *tensor,
                                      int64_t columns) {
    const inputs *in = find_inputs(c, tensor);
    return in && in->columns == columns ? in->squares : NULL;
}

size_t anm_calibration_peak_count(const anm_calibration *c) {
    return c->peak_list.len;
}

const anm_peak *anm_calibration_peak(const anm_calibration *c, size_t index) {
    return index < c->peak_list.len ? &c->peak_list.data[index] : NULL;
}

double anm_calibration_mean_square(const anm_calibration *c, const char *value) {
    uint64_t number;
    if (!anm_map_get(&c->peaks, anm_sv_from(value), &number)) return 0;
    return c->peak_list.data[number].square;
}

int64_t anm_calibration_tokens(const anm_calibration *c) {
    return c->used;
}
