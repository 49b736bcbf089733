/* SPDX-License-Identifier: MIT */
/*
 * Three ways through a matrix. Groups of rows that fit into a slab are done slab by slab. Larger
 * ones are counted in one pass, which is all that a table needs, and looked up in a second. So are
 * groups of columns, whose tables come from as many columns at a time as memory allows.
 */
#include "src/convert/palettize_store.h"

#include <string.h>

#include "src/base/alloc.h"
#include "src/base/threads.h"
#include "src/convert/calibrate_job.h"
#include "src/convert/feedback.h"
#include "src/convert/palettize.h"
#include "src/convert/palettize_sink.h"
#include "src/convert/palettize_source.h"
#include "src/convert/prepare.h"

enum {
    SLAB = 1 << 20,
    SWEEP = 1 << 25, /* weights of the columns whose tables are made together */
    PARTS = 8,       /* of a slab, whatever the number of threads: sums must not depend on it */
};

typedef struct store {
    anm_job *job;
    const anm_palette_form *form;
    anm_palette_source source;
    const double *importance; /* of each column; NULL: all count the same */
    const anm_hessian *hessian; /* for error feedback, or NULL */
    bool quiet;                 /* not to be counted as progress */
    anm_palette_sink sink;
    int64_t step;      /* rows of a slab */
    uint16_t *values;  /* of the slab */
    uint16_t *tables;  /* of the matrix */
    uint16_t *sweep;   /* for groups of columns */
    uint16_t *bounds;  /* likewise: where a table's nearest entry changes */
    anm_palette_histogram *parts; /* for large groups */
    uint8_t *map;      /* likewise: the index of each code */
    int64_t at, count; /* rows in hand, for the parts */
    int64_t group;     /* to which they belong */
} store;

anm_dtype anm_palette_dtype(int bits) {
    switch (bits) {
    case 1: return ANM_DTYPE_UINT1;
    case 2: return ANM_DTYPE_UINT2;
    case 3: return ANM_DTYPE_UINT3;
    case 4: return ANM_DTYPE_UINT4;
    case 6: return ANM_DTYPE_UINT6;
    default: return ANM_DTYPE_UINT8;
    }
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static uint16_t *table(store *s, int64_t group) {
    return s->tables + ((size_t)group << s->form->bits);
}

/* The next rows, up to `end`; false when there are none. */
static bool next_slab(store *s, int64_t end) {
    s->at += s->count;
    s->count = least(s->step, end - s->at);
    return s->count > 0;
}

static anm_status read_slab(store *s, anm_error *err) {
    return anm_palette_source_read(&s->source, s->at, s->count, s->values, err);
}

static anm_status commit_slab(store *s, anm_error *err) {
    size_t n = (size_t)(s->count * s->form->columns);
    ANM_TRY(anm_palette_sink_commit(&s->sink, n, err));
    return anm_job_advance(s->job, s->quiet ? 0 : n * sizeof *s->values, err);
}

/* Indices of the slab by error feedback. */
static anm_status feed_back(store *s, anm_error *err) {
    const anm_feedback f = {.hessian = s->hessian, .values = s->values, .first = s->at,
                            .rows = s->count, .tables = s->tables, .bits = s->form->bits,
                            .axis = s->form->axis, .group = s->form->group};
    return anm_feedback_assign(&f, anm_palette_sink_next(&s->sink), err);
}

/* The part's rows of the slab as a group. */
static anm_palette_group part_of(const store *s, size_t part) {
    int64_t from = s->count * (int64_t)part / PARTS, to = s->count * (int64_t)(part + 1) / PARTS;
    size_t columns = (size_t)s->form->columns;
    anm_palette_group g = {.values = s->values + (size_t)from * columns, .columns = columns,
                           .rows = (size_t)(to - from), .stride = columns,
                           .importance = s->importance};
    if (s->source.row_importance) g.row_importance = s->source.row_importance + s->at + from;
    return g;
}

static anm_status store_small_groups(store *s, anm_error *err) {
    const anm_palette_form *f = s->form;
    while (next_slab(s, s->source.rows)) {
        const double *rows = s->source.row_importance;
        anm_palette_matrix m = {.values = s->values, .rows = s->count, .columns = f->columns,
                                .group = f->group, .bits = f->bits,
                                .importance = s->importance,
                                .row_importance = rows ? rows + s->at : NULL};
        ANM_TRY(read_slab(s, err));
        uint8_t *indices = s->hessian ? NULL : anm_palette_sink_next(&s->sink);
        ANM_TRY(anm_palettize_matrix(&m, table(s, s->at / f->group), indices, NULL, err));
        if (s->hessian) ANM_TRY(feed_back(s, err));
        ANM_TRY(commit_slab(s, err));
    }
    return ANM_OK;
}

static void count_part(void *context, size_t part) {
    store *s = context;
    anm_palette_group g = part_of(s, part);
    anm_palette_histogram_add(&s->parts[part], &g);
}

static anm_status make_large_table(store *s, int64_t end, anm_error *err) {
    memset(s->parts, 0, PARTS * sizeof *s->parts);
    while (next_slab(s, end)) {
        ANM_TRY(read_slab(s, err));
        anm_parallel_for(0, PARTS, count_part, s);
    }
    for (size_t part = 1; part < PARTS; part++)
        anm_palette_histogram_merge(&s->parts[0], &s->parts[part]);
    anm_palettizer *p = anm_palettizer_create();
    if (!p) return anm_fail_memory(err);
    bool weighted = s->importance || s->source.row_importance;
    anm_status status = anm_palettize_histogram(p, &s->parts[0], weighted, s->form->bits,
                                                table(s, s->group), s->map, NULL, err);
    anm_palettizer_destroy(p);
    return status;
}

static void map_part(void *context, size_t part) {
    store *s = context;
    anm_palette_group g = part_of(s, part);
    uint8_t *out = anm_palette_sink_next(&s->sink) + (g.values - s->values);
    for (size_t i = 0; i < g.rows * g.columns; i++) out[i] = s->map[g.values[i]];
}

static anm_status store_large_groups(store *s, anm_error *err) {
    s->parts = anm_realloc_array(NULL, PARTS, sizeof *s->parts);
    s->map = anm_realloc_array(NULL, (size_t)1 << 16, 1);
    if (!s->parts || !s->map) return anm_fail_memory(err);
    for (int64_t first = 0; first < s->source.rows; first += s->form->group, s->group++) {
        int64_t end = least(first + s->form->group, s->source.rows);
        s->at = first, s->count = 0;
        ANM_TRY(make_large_table(s, end, err));
        s->at = first, s->count = 0;
        while (next_slab(s, end)) {
            ANM_TRY(read_slab(s, err));
            if (s->hessian) ANM_TRY(feed_back(s, err));
            else anm_parallel_for(0, PARTS, map_part, s);
            ANM_TRY(commit_slab(s, err));
        }
    }
    return ANM_OK;
}

/* Columns [first, first + width) of all rows, side by side, and their tables. */
static anm_status sweep_columns(store *s, int64_t first, int64_t width, anm_error *err) {
    const anm_palette_form *f = s->form;
    s->at = s->count = 0;
    while (next_slab(s, s->source.rows)) {
        ANM_TRY(read_slab(s, err));
        for (int64_t r = 0; r < s->count; r++)
            memcpy(s->sweep + (s->at + r) * width, s->values + r * f->columns + first,
                   (size_t)width * sizeof *s->sweep);
    }
    anm_palette_matrix m = {.values = s->sweep, .rows = s->source.rows, .columns = width,
                            .axis = 1, .group = f->group, .bits = f->bits,
                            .importance = s->importance ? s->importance + first : NULL,
                            .row_importance = s->source.row_importance};
    return anm_palettize_matrix(&m, table(s, first / f->group), NULL, NULL, err);
}

static void look_up_part(void *context, size_t part) {
    store *s = context;
    const anm_palette_form *f = s->form;
    anm_palette_group g = part_of(s, part);
    uint8_t *out = anm_palette_sink_next(&s->sink) + (g.values - s->values);
    for (size_t r = 0; r < g.rows; r++)
        for (int64_t c = 0; c < f->columns; c++, out++)
            *out = anm_palette_nearest(s->bounds + ((size_t)(c / f->group) << f->bits), f->bits,
                                       g.values[r * g.stride + (size_t)c]);
}

static anm_status store_columns(store *s, anm_error *err) {
    const anm_palette_form *f = s->form;
    int64_t groups = anm_palette_form_groups(f), width = SWEEP / s->source.rows / f->group;
    width = least((width > 0 ? width : 1) * f->group, f->columns);
    s->sweep = anm_realloc_array(NULL, (size_t)(s->source.rows * width), sizeof *s->sweep);
    s->bounds = anm_realloc_array(NULL, (size_t)groups << f->bits, sizeof *s->bounds);
    if (!s->sweep || !s->bounds) return anm_fail_memory(err);
    for (int64_t first = 0; first < f->columns; first += width)
        ANM_TRY(sweep_columns(s, first, least(width, f->columns - first), err));
    for (int64_t g = 0; g < groups; g++)
        anm_palette_bounds(table(s, g), f->bits, s->bounds + ((size_t)g << f->bits));
    s->at = s->count = 0;
    while (next_slab(s, s->source.rows)) {
        ANM_TRY(read_slab(s, err));
        if (s->hessian) ANM_TRY(feed_back(s, err));
        else anm_parallel_for(0, PARTS, look_up_part, s);
        ANM_TRY(commit_slab(s, err));
    }
    return ANM_OK;
}

static anm_status store_indices(store *s, anm_blob_writer *blobs, anm_error *err) {
    const anm_palette_form *f = s->form;
    bool small = f->axis == 0 && f->group <= SLAB / f->columns;
    int64_t unit = small ? f->group : 1;
    s->step = SLAB / (unit * f->columns) * unit;
    if (s->step < unit) s->step = unit;
    size_t slab = (size_t)(s->step * f->columns);
    s->values = anm_realloc_array(NULL, slab, sizeof *s->values);
    if (!s->values) return anm_fail_memory(err);
    ANM_TRY(anm_palette_sink_init(&s->sink, blobs, f->bits, slab, err));
    if (small) ANM_TRY(store_small_groups(s, err));
    else if (f->axis == 0) ANM_TRY(store_large_groups(s, err));
    else ANM_TRY(store_columns(s, err));
    return anm_palette_sink_finish(&s->sink, (size_t)((f->rows - s->source.rows) * f->columns),
                                   err);
}

static anm_status store_scales(store *s, anm_blob_writer *blobs, anm_place *place, anm_error *err) {
    const uint16_t one = 0x3c00;
    if (!s->form->scaled) return ANM_OK;
    ANM_TRY(anm_blob_writer_begin(blobs, ANM_DTYPE_FP16, s->form->rows, &place->scale, err));
    ANM_TRY(anm_blob_writer_write(blobs, s->source.scales,
                                  (size_t)s->source.rows * sizeof *s->source.scales, err));
    for (int64_t row = s->source.rows; row < s->form->rows; row++)
        ANM_TRY(anm_blob_writer_write(blobs, &one, sizeof one, err));
    return anm_blob_writer_end(blobs, err);
}

static anm_status store_all(store *s, anm_blob_writer *blobs, anm_place *place, anm_error *err) {
    const anm_palette_form *f = s->form;
    int64_t entries = anm_palette_form_groups(f) << f->bits;
    s->tables = anm_realloc_array(NULL, (size_t)entries, sizeof *s->tables);
    if (!s->tables) return anm_fail_memory(err);
    ANM_TRY(anm_blob_writer_begin(blobs, anm_palette_dtype(f->bits), f->rows * f->columns,
                                  &place->data, err));
    ANM_TRY(store_indices(s, blobs, err));
    ANM_TRY(anm_blob_writer_end(blobs, err));
    ANM_TRY(anm_blob_writer_add(blobs, ANM_DTYPE_FP16, entries, s->tables, &place->lut, err));
    return store_scales(s, blobs, place, err);
}

/* Once for a kind of weight, not for each layer and split. */
static anm_status warn(const store *s, anm_slot slot, anm_error *err) {
    const anm_palette_form *f = s->form;
    const anm_recipe *r = &s->job->recipe;
    int64_t rows = s->source.rows, wanted = anm_recipe_lut_of(r, slot)->group;
    const char *name = s->source.weight->tensor->name;
    if (wanted == f->group && f->axis == r->lut_axis && f->rows == rows) return ANM_OK;
    if (f->group == rows || s->job->regrouped[slot]) return ANM_OK; /* a table for the tensor */
    s->job->regrouped[slot] = true;
    if (f->axis != r->lut_axis)
        return anm_report_warn(s->job->report, err,
                               "%s: %lld columns do not divide into groups of %lld; rows share "
                               "tables, by %lld", name, (long long)f->columns, (long long)wanted,
                               (long long)f->group);
    if (f->rows == rows)
        return anm_report_warn(s->job->report, err,
                               "%s: %lld rows do not divide into groups of %lld; they share a "
                               "table by %lld", name, (long long)rows, (long long)wanted,
                               (long long)f->group);
    return anm_report_warn(s->job->report, err,
                           "%s: %lld rows do not divide into groups of %lld; the last group is "
                           "padded to %lld rows in all", name, (long long)rows, (long long)wanted,
                           (long long)f->rows);
}

static void release(store *s) {
    anm_palette_source_free(&s->source);
    anm_palette_sink_free(&s->sink);
    anm_free(s->values);
    anm_free(s->tables);
    anm_free(s->sweep);
    anm_free(s->bounds);
    anm_free(s->parts);
    anm_free(s->map);
}

/* What was worked out before is copied: piece by piece, as the weights came. */
static anm_status copy_prepared(anm_job *job, anm_blob_writer *blobs, const anm_prepared *from,
                                anm_place *place, anm_not_finite *bad, anm_error *err) {
    const anm_palette_form *f = &from->place.form;
    int64_t entries = anm_palette_form_groups(f) << f->bits, weights = f->rows * f->columns;
    *place = from->place;
    bad->count += from->bad.count;
    if (from->bad.largest > bad->largest) bad->largest = from->bad.largest;
    ANM_TRY(anm_prepared_copy(job, blobs, anm_palette_dtype(f->bits), weights, &place->data, err));
    ANM_TRY(anm_prepared_copy(job, blobs, ANM_DTYPE_FP16, entries, &place->lut, err));
    if (place->scale)
        ANM_TRY(anm_prepared_copy(job, blobs, ANM_DTYPE_FP16, f->rows, &place->scale, err));
    return anm_job_advance(job, (uint64_t)weights * 2, err);
}

anm_status anm_palette_store(anm_job *job, anm_blob_writer *blobs, anm_slot slot,
                             const anm_weight *weight, int64_t first, int64_t rows,
                             anm_place *place, anm_not_finite *bad, anm_error *err) {
    const anm_prepared *ready = anm_prepared_find(job, slot, weight, first);
    if (ready) return copy_prepared(job, blobs, ready, place, bad, err);
    store s = {.job = job, .form = &place->form, .hessian = job->hessian,
               .quiet = job->hessian != NULL};
    s.importance = anm_job_importance(job, slot, weight);
    anm_status status = anm_palette_source_init(&s.source, weight, first, rows,
                                                place->form.scaled, bad, err);
    if (status == ANM_OK) status = store_all(&s, blobs, place, err);
    if (status == ANM_OK) status = warn(&s, slot, err);
    release(&s);
    return status;
}
