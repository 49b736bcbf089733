/* SPDX-License-Identifier: MIT */
/*
 * What a width spoils is estimated as noise relative to signal, where it enters the residual
 * stream: a layer's rounding error on the calibration text over the mean square of the layer's
 * output, times what share of the stream that output (or what becomes of it) is. For the LM head
 * the stream's place is taken by the logits. Errors are those of tables made for a sample of rows.
 */
#include "src/convert/mixedbits.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/half.h"
#include "src/base/vec.h"
#include "src/convert/calibrate_job.h"
#include "src/convert/palettize.h"
#include "src/convert/palettize_source.h"
#include "src/convert/piece.h"
#include "src/convert/residual.h"
#include "src/convert/tensors.h"

enum { SAMPLE = 1 << 18 /* weights of a matrix that are looked at, or a group */ };

static const int widths[] = {1, 2, 3, 4, 6, 8, 16};

/* A matrix, of all its pieces: the LM head has one for each split. */
typedef struct matrix {
    anm_slot slot;
    int64_t layer, rows, columns;
    const anm_weight *weight;
    anm_bits_choice choice;
} matrix;

typedef struct survey {
    anm_job *job;
    ANM_VEC(matrix) matrices;
    uint64_t fixed; /* bytes of everything else */
} survey;

static bool is_free(const anm_recipe *r, anm_slot slot) {
    return anm_recipe_lut_of(r, slot)->bits == 0;
}

static uint8_t *bits_of(anm_recipe *r, anm_slot slot, int64_t layer) {
    return &r->lut_bits[layer * ANM_SLOT_COUNT + (int)slot];
}

/* The bytes of a piece with these bits. */
static uint64_t bytes_with(anm_job *job, const anm_piece *piece, int bits) {
    uint8_t *at = bits_of(&job->recipe, piece->slot, piece->layer), before = *at;
    *at = (uint8_t)bits;
    uint64_t bytes = anm_piece_bytes(&job->recipe, piece);
    *at = before;
    return bytes;
}

static bool can_be_palettized(anm_job *job, const anm_piece *piece) {
    if (piece->slot >= ANM_SLOT_COUNT || !is_free(&job->recipe, piece->slot)) return false;
    return bytes_with(job, piece, 1) < bytes_with(job, piece, 16);
}

static anm_status add_matrix(survey *s, const anm_piece *piece, anm_error *err) {
    char name[ANM_TENSOR_NAME];
    matrix m = {.slot = piece->slot, .layer = piece->layer, .columns = piece->columns};
    anm_piece_tensor(&s->job->recipe, piece, name, sizeof name);
    ANM_TRY(anm_checkpoint_require(s->job->checkpoint, name, &m.weight, err));
    m.choice.count = ANM_BITS_OPTIONS;
    for (int i = 0; i < ANM_BITS_OPTIONS; i++) m.choice.options[i].bits = widths[i];
    return anm_vec_push(&s->matrices, m) ? ANM_OK : anm_fail_memory(err);
}

static anm_status add_piece(void *context, const anm_piece *piece, anm_error *err) {
    survey *s = context;
    if (!can_be_palettized(s->job, piece)) {
        s->fixed += anm_piece_bytes(&s->job->recipe, piece);
        return ANM_OK;
    }
    matrix *last = s->matrices.len ? &s->matrices.data[s->matrices.len - 1] : NULL;
    if (!last || last->slot != piece->slot || last->layer != piece->layer) {
        ANM_TRY(add_matrix(s, piece, err));
        last = &s->matrices.data[s->matrices.len - 1];
    }
    last->rows += piece->rows;
    for (int i = 0; i < last->choice.count; i++)
        last->choice.options[i].bytes += bytes_with(s->job, piece, widths[i]);
    return ANM_OK;
}

/* Rows of a matrix, some groups from all over it, one below the other. */
typedef struct sample {
    anm_palette_source source;
    anm_palette_form form;
    int64_t rows;
    uint16_t *values;
    double *row_importance;
} sample;

static anm_status read_sample(sample *s, anm_error *err) {
    int64_t unit = s->form.axis == 0 && s->form.group < s->source.rows ? s->form.group : 1;
    int64_t units = s->source.rows / unit, wanted = SAMPLE / (unit * s->source.columns);
    if (wanted < 1) wanted = 1;
    if (wanted > units) wanted = units;
    s->rows = wanted * unit;
    s->values = anm_realloc_array(NULL, (size_t)(s->rows * s->source.columns), 2);
    s->row_importance = anm_realloc_array(NULL, (size_t)s->rows, sizeof *s->row_importance);
    if (!s->values || !s->row_importance) return anm_fail_memory(err);
    for (int64_t u = 0; u < wanted; u++) {
        int64_t row = units * u / wanted * unit;
        ANM_TRY(anm_palette_source_read(&s->source, row, unit,
                                        s->values + u * unit * s->source.columns, err));
        for (int64_t r = 0; r < unit; r++)
            s->row_importance[u * unit + r] =
                s->source.row_importance ? s->source.row_importance[row + r] : 1;
    }
    return ANM_OK;
}

/* The mean square of the outputs that the rounding of the sample adds to, and of the outputs. */
static double signal_of(const sample *s, const double *importance) {
    double sum = 0;
    for (int64_t r = 0; r < s->rows; r++)
        for (int64_t c = 0; c < s->source.columns; c++) {
            double w = (double)anm_half_to_float(s->values[r * s->source.columns + c]);
            sum += s->row_importance[r] * (importance ? importance[c] : 1) * w * w;
        }
    return sum;
}

static anm_status noise_of(const sample *s, const double *importance, int bits, double *noise,
                           anm_error *err) {
    const anm_palette_form *f = &s->form;
    bool whole = f->axis == 0 && f->group >= s->source.rows;
    anm_palette_matrix m = {.values = s->values, .rows = s->rows, .columns = s->source.columns,
                            .importance = importance, .axis = f->axis,
                            .group = whole ? s->rows : f->group, .bits = bits,
                            .row_importance = s->row_importance};
    size_t groups = (size_t)anm_palette_matrix_groups(&m);
    uint16_t *lut = anm_realloc_array(NULL, groups << bits, sizeof *lut);
    double *errors = anm_realloc_array(NULL, groups, sizeof *errors);
    anm_status status = lut && errors ? anm_palettize_matrix(&m, lut, NULL, errors, err)
                                      : anm_fail_memory(err);
    *noise = 0;
    for (size_t g = 0; status == ANM_OK && g < groups; g++) *noise += errors[g];
    anm_free(lut);
    anm_free(errors);
    return status;
}

/* Noise over signal for each width. */
static anm_status measure_sample(survey *v, matrix *m, sample *s, anm_error *err) {
    anm_not_finite bad = {0};
    const anm_weight adjusted = anm_residual_weight(&v->job->recipe, m->slot, m->layer, m->weight);
    const double *importance = anm_job_importance(v->job, m->slot, m->weight);
    s->form = anm_palette_form_of(&v->job->recipe, m->slot, m->layer, m->rows, m->columns);
    ANM_TRY(anm_palette_source_init(&s->source, &adjusted, 0, m->rows, v->job->recipe.lut_scaled,
                                    &bad, err));
    ANM_TRY(read_sample(s, err));
    double signal = signal_of(s, importance);
    for (int i = 0; i < m->choice.count && signal > 0; i++) {
        double *noise = &m->choice.options[i].noise;
        if (widths[i] == 16) continue;
        ANM_TRY(noise_of(s, importance, widths[i], noise, err));
        *noise /= signal;
    }
    return ANM_OK;
}

/* What part of the stream the matrix's output becomes: by mean squares. */
static double share_of(const survey *v, const matrix *m) {
    char name[96], stream[96];
    const char *output = "mlp_out", *sum = "residual_mlp";
    switch (m->slot) {
    case ANM_SLOT_EMBEDDING:
    case ANM_SLOT_HEAD: return 1;
    case ANM_SLOT_Q:
    case ANM_SLOT_K:
    case ANM_SLOT_V:
    case ANM_SLOT_O: output = "attention_out", sum = "residual_attention"; break;
    default: break;
    }
    snprintf(name, sizeof name, "model.layers.%lld.%s", (long long)m->layer, output);
    snprintf(stream, sizeof stream, "model.layers.%lld.%s", (long long)m->layer, sum);
    double part = anm_calibration_mean_square(v->job->calibration, name);
    double all = anm_calibration_mean_square(v->job->calibration, stream);
    return all > 0 ? part / all : 1;
}

static anm_status measure(survey *v, anm_error *err) {
    for (size_t i = 0; i < v->matrices.len; i++) {
        matrix *m = &v->matrices.data[i];
        sample s = {0};
        /* The form of the least bits is that of all but fp16. */
        *bits_of(&v->job->recipe, m->slot, m->layer) = 1;
        anm_status status = measure_sample(v, m, &s, err);
        anm_palette_source_free(&s.source);
        anm_free(s.values);
        anm_free(s.row_importance);
        if (status != ANM_OK) return status;
        double share = share_of(v, m);
        for (int o = 0; o < m->choice.count; o++) m->choice.options[o].noise *= share;
        ANM_TRY(anm_job_advance(v->job, 0, err));
    }
    return ANM_OK;
}

static anm_status choose(survey *v, anm_error *err) {
    uint64_t budget = (uint64_t)v->job->options.target_bytes;
    anm_bits_choice *choices = anm_realloc_array(NULL, v->matrices.len + 1, sizeof *choices);
    if (!choices) return anm_fail_memory(err);
    for (size_t i = 0; i < v->matrices.len; i++) choices[i] = v->matrices.data[i].choice;
    uint64_t bytes = v->fixed + anm_bits_choose(choices, v->matrices.len,
                                                budget > v->fixed ? budget - v->fixed : 0);
    for (size_t i = 0; i < v->matrices.len; i++) {
        const matrix *m = &v->matrices.data[i];
        *bits_of(&v->job->recipe, m->slot, m->layer) =
            (uint8_t)choices[i].options[choices[i].chosen].bits;
    }
    anm_free(choices);
    if (bytes <= budget) return ANM_OK;
    return anm_fail(err, ANM_ERROR_LIMIT, "target_bytes",
                    "the weights take %llu bytes at the least, not %llu",
                    (unsigned long long)bytes, (unsigned long long)budget);
}

/* Of a component whose bits were chosen: the mean, which names its files. */
static void name_component(survey *v, anm_slot slot, anm_convert_lut *lut, double *mean) {
    double bits = 0, weights = 0;
    for (size_t i = 0; i < v->matrices.len; i++) {
        const matrix *m = &v->matrices.data[i];
        if (anm_recipe_lut_of(&v->job->recipe, m->slot) !=
            anm_recipe_lut_of(&v->job->recipe, slot))
            continue;
        double n = (double)(m->rows * m->columns);
        weights += n;
        bits += n * *bits_of(&v->job->recipe, m->slot, m->layer);
    }
    if (weights > 0) *mean = bits / weights;
    lut->bits = (int)lround(*mean);
    if (lut->bits >= 16) lut->bits = 0;
}

/* Components that were given bits keep them, though others now go by the table. */
static void fix_given(anm_recipe *r) {
    for (int64_t layer = 0; layer <= r->layers; layer++)
        for (int slot = 0; slot < ANM_SLOT_COUNT; slot++)
            *bits_of(r, (anm_slot)slot, layer) =
                (uint8_t)anm_recipe_lut_of(r, (anm_slot)slot)->bits;
}

static anm_status run(survey *v, anm_error *err) {
    anm_recipe *r = &v->job->recipe;
    const anm_contents all = {.embeddings = true, .head = true, .end_layer = r->layers};
    ANM_TRY(anm_contents_visit(r, &all, add_piece, v, err));
    ANM_TRY(measure(v, err));
    ANM_TRY(choose(v, err));
    anm_convert_lut given[3] = {r->lut_embeddings, r->lut_ffn, r->lut_head};
    if (!given[0].bits) name_component(v, ANM_SLOT_EMBEDDING, &given[0], &r->mean_bits[0]);
    if (!given[1].bits) name_component(v, ANM_SLOT_LAYER_FIRST, &given[1], &r->mean_bits[1]);
    if (!given[2].bits) name_component(v, ANM_SLOT_HEAD, &given[2], &r->mean_bits[2]);
    r->lut_embeddings = given[0];
    r->lut_ffn = given[1];
    r->lut_head = given[2];
    return ANM_OK;
}

anm_status anm_job_choose_bits(anm_job *job, anm_error *err) {
    survey v = {.job = job};
    anm_recipe *r = &job->recipe;
    if (!job->options.target_bytes) return ANM_OK;
    if (job->options.target_bytes < 0 || !job->calibration)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "target_bytes",
                        "a size to be kept needs to be positive, and a text to calibrate on");
    r->lut_bits = anm_arena_array(job->arena, (size_t)(r->layers + 1) * ANM_SLOT_COUNT, 1);
    if (!r->lut_bits) return anm_fail_memory(err);
    fix_given(r);
    anm_status status = run(&v, err);
    anm_vec_free(&v.matrices);
    return status;
}
