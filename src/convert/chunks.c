/* SPDX-License-Identifier: MIT */
/* Balanced division of a row of layers, by dynamic programming over their bytes. */
#include "src/convert/chunks.h"

#include <math.h>

#include "src/base/alloc.h"
#include "src/package/blobfile.h"

/* best[c][n]: the least sum of squares for the first n weights in c runs; from[c][n]: its cut. */
typedef struct table {
    int64_t count;
    double *best;
    int64_t *from;
    uint64_t *sums; /* of the first n weights */
} table;

static double cost(const table *t, int64_t first, int64_t end, uint64_t limit) {
    uint64_t bytes = t->sums[end] - t->sums[first];
    return limit && bytes > limit ? INFINITY : (double)bytes * (double)bytes;
}

/* A later cut wins a tie: it makes the runs before it longer. */
static void fill_row(table *t, int64_t row, uint64_t limit) {
    int64_t width = t->count + 1;
    for (int64_t n = 0; n <= t->count; n++) {
        double least = INFINITY;
        int64_t cut = 0;
        for (int64_t k = row - 1; k < n; k++) {
            double sum = t->best[(row - 1) * width + k] + cost(t, k, n, limit);
            if (sum > least || isinf(sum)) continue;
            least = sum;
            cut = k;
        }
        t->best[row * width + n] = least;
        t->from[row * width + n] = cut;
    }
}

static bool solve(table *t, const uint64_t *weights, int64_t chunks, uint64_t limit,
                  int64_t *ends) {
    int64_t width = t->count + 1;
    for (int64_t n = 0; n < t->count; n++) t->sums[n + 1] = t->sums[n] + weights[n];
    for (int64_t n = 1; n <= t->count; n++) t->best[n] = INFINITY;
    for (int64_t row = 1; row <= chunks; row++) fill_row(t, row, limit);
    if (isinf(t->best[chunks * width + t->count])) return false;
    int64_t end = t->count;
    for (int64_t row = chunks; row > 0; row--) {
        ends[row - 1] = end;
        end = t->from[row * width + end];
    }
    return true;
}

bool anm_chunks_divide(const uint64_t *weights, int64_t count, int64_t chunks, uint64_t limit,
                       int64_t *ends) {
    size_t cells = (size_t)((chunks + 1) * (count + 1));
    table t = {.count = count};
    t.best = anm_calloc(cells, sizeof *t.best);
    t.from = anm_calloc(cells, sizeof *t.from);
    t.sums = anm_calloc((size_t)count + 1, sizeof *t.sums);
    bool done = t.best && t.from && t.sums && solve(&t, weights, chunks, limit, ends);
    anm_free(t.best);
    anm_free(t.from);
    anm_free(t.sums);
    return done;
}

typedef struct sizes {
    const anm_recipe *recipe;
    uint64_t *layers; /* what each layer adds to its chunk; the last one has the final norm */
    uint64_t shared;  /* what every chunk has: RoPE tables */
} sizes;

static anm_status add_piece(void *context, const anm_piece *piece, anm_error *err) {
    sizes *s = context;
    uint64_t bytes = anm_piece_bytes(s->recipe, piece);
    if (piece->kind != ANM_PIECE_TENSOR) s->shared += bytes;
    else if (piece->slot < ANM_SLOT_LAYER_FIRST) s->layers[s->recipe->layers - 1] += bytes;
    else s->layers[piece->layer] += bytes;
    return ANM_OK;
}

/* The fewest runs within the limit: each is filled until the next layer does not fit. */
static int64_t fewest(const sizes *s, uint64_t limit) {
    int64_t count = 1;
    uint64_t filled = 0;
    for (int64_t i = 0; i < s->recipe->layers; i++) {
        if (filled && filled + s->layers[i] > limit) {
            filled = 0;
            count++;
        }
        filled += s->layers[i];
    }
    return count < ANM_MAX_CHUNKS ? count : ANM_MAX_CHUNKS;
}

static bool divide(const anm_recipe *r, const sizes *s, int64_t *ends, int64_t *count) {
    uint64_t most = (uint64_t)r->max_chunk_bytes, limit = most > s->shared ? most - s->shared : 1;
    *count = r->chunks;
    if (r->chunks != ANM_CONVERT_CHUNKS_AUTO)
        return anm_chunks_divide(s->layers, r->layers, *count, 0, ends);
    *count = fewest(s, limit);
    return anm_chunks_divide(s->layers, r->layers, *count, limit, ends) ||
           anm_chunks_divide(s->layers, r->layers, *count, 0, ends);
}

anm_status anm_chunks_plan(const anm_recipe *r, int64_t *ends, int64_t *count, anm_error *err) {
    const anm_contents all = {.end_layer = r->layers};
    sizes s = {.recipe = r, .layers = anm_calloc((size_t)r->layers, sizeof *s.layers)};
    if (!s.layers) return anm_fail_memory(err);
    s.shared = ANM_BLOB_HEADER;
    anm_status status = anm_contents_visit(r, &all, add_piece, &s, err);
    bool done = status == ANM_OK && divide(r, &s, ends, count);
    anm_free(s.layers);
    if (status == ANM_OK && !done) return anm_fail_memory(err);
    return status;
}
