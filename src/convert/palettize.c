/* SPDX-License-Identifier: MIT */
/*
 * One group: its distinct values in order, their weights, the optimal table for them, and the
 * nearest entry of each value. fp16 codes are mapped to "keys" whose order is that of the values.
 */
#include "src/convert/palettize.h"

#include <math.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/half.h"
#include "src/convert/palettize_dp.h"

enum { KEYS = 1 << 16, WORD = 64, MOST_WEIGHTS = INT32_MAX };

struct anm_palettizer {
    uint64_t *counts;    /* by key; all zero between groups */
    double *importances; /* by key, likewise; NULL until it is needed */
    uint64_t present[KEYS / WORD]; /* which keys occur; likewise */
    uint8_t entry[KEYS]; /* by key: index of the nearest entry */
    uint16_t *keys;      /* that occur, ascending */
    double *points;      /* their values */
    double *weights;     /* and weights, maybe 0 */
    size_t count;
    anm_sums sums;       /* of those with a weight */
    anm_dp dp;
};

bool anm_palette_bits_valid(int bits) {
    return bits >= 1 && bits <= ANM_PALETTE_MAX_BITS && bits != 5 && bits != 7;
}

anm_palettizer *anm_palettizer_create(void) {
    anm_palettizer *p = anm_calloc(1, sizeof *p);
    if (!p) return NULL;
    p->counts = anm_calloc(KEYS, sizeof *p->counts);
    p->keys = anm_calloc(KEYS, sizeof *p->keys);
    p->points = anm_calloc(KEYS, sizeof *p->points);
    p->weights = anm_calloc(KEYS, sizeof *p->weights);
    p->sums.w = anm_calloc(KEYS + 1 + ANM_DP_PADDING, sizeof *p->sums.w);
    p->sums.wx = anm_calloc(KEYS + 1 + ANM_DP_PADDING, sizeof *p->sums.wx);
    p->sums.wxx = anm_calloc(KEYS + 1 + ANM_DP_PADDING, sizeof *p->sums.wxx);
    bool whole = p->counts && p->keys && p->points && p->weights && p->sums.w && p->sums.wx &&
                 p->sums.wxx;
    if (anm_dp_init(&p->dp, KEYS) && whole) return p;
    anm_palettizer_destroy(p);
    return NULL;
}

void anm_palettizer_destroy(anm_palettizer *p) {
    if (!p) return;
    anm_dp_free(&p->dp);
    anm_free(p->counts);
    anm_free(p->importances);
    anm_free(p->keys);
    anm_free(p->points);
    anm_free(p->weights);
    anm_free(p->sums.w);
    anm_free(p->sums.wx);
    anm_free(p->sums.wxx);
    anm_free(p);
}

static uint16_t code_of(uint16_t key) {
    return (uint16_t)(key ^ ((key & 0x8000) ? 0x8000 : 0xffff));
}

static bool all_finite(const uint16_t *values, size_t n) {
    unsigned bad = 0;
    for (size_t i = 0; i < n; i++) bad |= (values[i] & 0x7c00) == 0x7c00;
    return !bad;
}

static anm_status check_values(const anm_palette_group *g, anm_error *err) {
    for (size_t r = 0; r < g->rows; r++) {
        const uint16_t *row = g->values + r * g->stride;
        if (all_finite(row, g->columns)) continue;
        size_t c = 0;
        while ((row[c] & 0x7c00) != 0x7c00) c++;
        return anm_fail_at(err, ANM_ERROR_ARGUMENT, NULL, r * g->columns + c,
                           "a weight to be palettized is infinite or not a number");
    }
    return ANM_OK;
}

static anm_status check_importance(double w, size_t offset, anm_error *err) {
    if (w >= 0 && w < INFINITY) return ANM_OK;
    return anm_fail_at(err, ANM_ERROR_ARGUMENT, NULL, offset,
                       "the importance of a weight is %g; it must be finite and not negative", w);
}

static anm_status check_importances(const anm_palette_group *g, anm_error *err) {
    size_t rows = g->importance_stride ? g->rows : 1; /* with a stride of 0 all are the same */
    for (size_t r = 0; g->importance && r < rows; r++)
        for (size_t c = 0; c < g->columns; c++)
            ANM_TRY(check_importance(g->importance[r * g->importance_stride + c],
                                     r * g->columns + c, err));
    for (size_t r = 0; g->row_importance && r < g->rows; r++)
        ANM_TRY(check_importance(g->row_importance[r], r * g->columns, err));
    return ANM_OK;
}

static bool is_weighted(const anm_palette_group *g) {
    return g->importance || g->row_importance;
}

static anm_status check_bits(int bits, anm_error *err) {
    if (anm_palette_bits_valid(bits)) return ANM_OK;
    return anm_fail(err, ANM_ERROR_ARGUMENT, NULL,
                    "%d bits per weight; there are 1, 2, 3, 4, 6 and 8", bits);
}

static anm_status need_importances(anm_palettizer *p, bool weighted, anm_error *err) {
    if (weighted && !p->importances) p->importances = anm_calloc(KEYS, sizeof(double));
    return weighted && !p->importances ? anm_fail_memory(err) : ANM_OK;
}

static anm_status check(anm_palettizer *p, const anm_palette_group *g, int bits, anm_error *err) {
    size_t n;
    ANM_TRY(check_bits(bits, err));
    if (!anm_size_mul(g->rows, g->columns, &n) || n == 0 || n > MOST_WEIGHTS)
        return anm_fail(err, ANM_ERROR_ARGUMENT, NULL,
                        "a group has %zu x %zu weights; 1 to 2^31 can share a table", g->rows,
                        g->columns);
    ANM_TRY(check_values(g, err));
    ANM_TRY(check_importances(g, err));
    return need_importances(p, is_weighted(g), err);
}

static void count_values(anm_palettizer *p, const anm_palette_group *g) {
    for (size_t r = 0; r < g->rows; r++) {
        const uint16_t *row = g->values + r * g->stride;
        for (size_t c = 0; c < g->columns; c++) {
            uint16_t key = anm_palette_key(row[c]);
            p->counts[key]++;
            p->present[key / WORD] |= (uint64_t)1 << key % WORD;
        }
    }
}

static inline double importance_of(const anm_palette_group *g, size_t r, size_t c) {
    double w = g->importance ? g->importance[r * g->importance_stride + c] : 1;
    return g->row_importance ? w * g->row_importance[r] : w;
}

static void add_importances(anm_palettizer *p, const anm_palette_group *g) {
    for (size_t r = 0; r < g->rows; r++) {
        const uint16_t *row = g->values + r * g->stride;
        for (size_t c = 0; c < g->columns; c++)
            p->importances[anm_palette_key(row[c])] += importance_of(g, r, c);
    }
}

void anm_palette_histogram_add(anm_palette_histogram *h, const anm_palette_group *g) {
    for (size_t r = 0; r < g->rows; r++) {
        const uint16_t *row = g->values + r * g->stride;
        for (size_t c = 0; c < g->columns; c++) h->counts[row[c]]++;
        for (size_t c = 0; is_weighted(g) && c < g->columns; c++)
            h->importances[row[c]] += importance_of(g, r, c);
    }
}

void anm_palette_histogram_merge(anm_palette_histogram *h, const anm_palette_histogram *other) {
    for (size_t i = 0; i < KEYS; i++) h->counts[i] += other->counts[i];
    for (size_t i = 0; i < KEYS; i++) h->importances[i] += other->importances[i];
}

static void take_histogram(anm_palettizer *p, const anm_palette_histogram *h, bool weighted) {
    for (size_t code = 0; code < KEYS; code++) {
        uint16_t key = anm_palette_key((uint16_t)code);
        if (h->counts[code] == 0) continue;
        p->counts[key] += h->counts[code];
        p->present[key / WORD] |= (uint64_t)1 << key % WORD;
        if (weighted) p->importances[key] += h->importances[code];
    }
}

/* Lists the keys that occur, with their weights, and clears the tables by key. */
static void collect(anm_palettizer *p, bool weighted) {
    p->count = 0;
    for (size_t w = 0; w < KEYS / WORD; w++) {
        uint64_t bits = p->present[w];
        p->present[w] = 0;
        for (; bits; bits &= bits - 1) {
            uint16_t key = (uint16_t)(w * WORD + (size_t)__builtin_ctzll(bits));
            p->keys[p->count] = key;
            p->points[p->count] = (double)anm_half_to_float(code_of(key));
            p->weights[p->count++] = weighted ? p->importances[key] : (double)p->counts[key];
            p->counts[key] = 0;
            if (weighted) p->importances[key] = 0;
        }
    }
}

static void set_sum(anm_sums *s, size_t to, size_t from, double w, double x) {
    s->w[to] = s->w[from] + w;
    s->wx[to] = s->wx[from] + w * x;
    s->wxx[to] = s->wxx[from] + w * x * x;
}

/*
 * Sums from the value nearest zero outwards, so that they are as small as the weights around them:
 * an outlier costs no precision elsewhere. Values without importance are left out.
 */
static void make_sums(anm_palettizer *p) {
    anm_sums *s = &p->sums;
    size_t kept = 0, zero = 0;
    uint16_t *index = (uint16_t *)p->dp.path; /* free until the clustering starts */
    for (size_t i = 0; i < p->count; i++) {
        if (!(p->weights[i] > 0)) continue;
        index[kept++] = (uint16_t)i;
        if (p->points[i] < 0) zero = kept;
    }
    s->count = kept;
    s->w[zero] = s->wx[zero] = s->wxx[zero] = 0;
    for (size_t i = zero; i > 0; i--)
        set_sum(s, i - 1, i, -p->weights[index[i - 1]], p->points[index[i - 1]]);
    for (size_t i = zero; i < kept; i++)
        set_sum(s, i + 1, i, p->weights[index[i]], p->points[index[i]]);
}

/* The number of entries that are set; `entries` gets their values. */
static size_t make_table(anm_palettizer *p, size_t size, uint16_t *lut, double *entries) {
    uint32_t ends[ANM_PALETTE_MAX + 1];
    size_t n = p->sums.count < size ? p->sums.count : size;
    anm_dp_solve(&p->dp, &p->sums, n, ends);
    for (size_t e = 0; e < size; e++) {
        size_t c = e < n ? e : n - 1;
        anm_dp_cost(&p->sums, ends[c], ends[c + 1], &entries[e]);
        lut[e] = anm_half_from_double(entries[e]);
    }
    return n;
}

/* The nearest entry of each key, and the error that this makes. */
static double assign(anm_palettizer *p, const double *entries, size_t n) {
    double error = 0;
    size_t e = 0;
    for (size_t i = 0; i < p->count; i++) {
        double x = p->points[i];
        while (e + 1 < n && fabs(entries[e + 1] - x) < fabs(entries[e] - x)) e++;
        error += p->weights[i] * (entries[e] - x) * (entries[e] - x);
        p->entry[p->keys[i]] = (uint8_t)e;
    }
    return error;
}

static void write_indices(const anm_palettizer *p, const anm_palette_group *g, uint8_t *indices) {
    for (size_t r = 0; r < g->rows; r++) {
        const uint16_t *row = g->values + r * g->stride;
        uint8_t *out = indices + r * g->stride;
        for (size_t c = 0; c < g->columns; c++) out[c] = p->entry[anm_palette_key(row[c])];
    }
}

/* The table for what was counted, and the nearest entry of each key; gives the error. */
static double solve(anm_palettizer *p, bool weighted, int bits, uint16_t *lut) {
    double entries[ANM_PALETTE_MAX];
    collect(p, weighted);
    make_sums(p);
    if (p->sums.count == 0) { /* nothing is important: any table is optimal */
        for (size_t i = 0; i < p->count; i++) p->weights[i] = 1;
        make_sums(p);
        for (size_t i = 0; i < p->count; i++) p->weights[i] = 0;
    }
    size_t n = make_table(p, (size_t)1 << bits, lut, entries);
    return assign(p, entries, n);
}

anm_status anm_palettize_group(anm_palettizer *p, const anm_palette_group *g, int bits,
                               uint16_t *lut, uint8_t *indices, double *error, anm_error *err) {
    ANM_TRY(check(p, g, bits, err));
    count_values(p, g);
    if (is_weighted(g)) add_importances(p, g);
    double sum = solve(p, is_weighted(g), bits, lut);
    if (indices) write_indices(p, g, indices);
    if (error) *error = sum;
    return ANM_OK;
}

static anm_status check_codes(const anm_palette_histogram *h, anm_error *err) {
    uint64_t total = 0;
    for (size_t code = 0; code < KEYS; code++) {
        if (h->counts[code] && (code & 0x7c00) == 0x7c00)
            return anm_fail(err, ANM_ERROR_ARGUMENT, NULL,
                            "a weight to be palettized is infinite or not a number");
        total += h->counts[code];
    }
    return total ? ANM_OK : anm_fail(err, ANM_ERROR_ARGUMENT, NULL, "no weights to palettize");
}

anm_status anm_palettize_histogram(anm_palettizer *p, const anm_palette_histogram *h,
                                   bool weighted, int bits, uint16_t *lut, uint8_t *map,
                                   double *error, anm_error *err) {
    ANM_TRY(check_bits(bits, err));
    ANM_TRY(check_codes(h, err));
    ANM_TRY(need_importances(p, weighted, err));
    take_histogram(p, h, weighted);
    double sum = solve(p, weighted, bits, lut);
    for (size_t code = 0; code < KEYS; code++)
        map[code] = h->counts[code] ? p->entry[anm_palette_key((uint16_t)code)] : 0;
    if (error) *error = sum;
    return ANM_OK;
}

/* The greatest key that is nearer to `low` than to `high`, or as near. */
static uint16_t bound_between(uint16_t low, uint16_t high) {
    double middle = ((double)anm_half_to_float(low) + (double)anm_half_to_float(high)) / 2;
    uint16_t code = anm_half_from_double(middle), key = anm_palette_key(code);
    return (double)anm_half_to_float(code) > middle ? (uint16_t)(key - 1) : key;
}

void anm_palette_bounds(const uint16_t *lut, int bits, uint16_t *bounds) {
    for (size_t e = 0; e + 1 < (size_t)1 << bits; e++)
        bounds[e] = anm_palette_key(lut[e]) == anm_palette_key(lut[e + 1])
                        ? UINT16_MAX
                        : bound_between(lut[e], lut[e + 1]);
}
