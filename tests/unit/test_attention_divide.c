/* SPDX-License-Identifier: MIT */
/* Dividing attention among threads: every column once, none much more than the others. */
#include "tests/unit/testing.h"

#include <string.h>

#include "src/cpu/kernels/attention_divide.h"

enum { MOST_UNITS = 16, MOST_COLUMNS = 8192, MOST_THREADS = 64, SHORTEST = 64 };

/* A kernel that only notes who sees what: key heads are units. */
static struct {
    int seen[MOST_UNITS][MOST_COLUMNS];
    int64_t load, runs, shortest;
} notes;

static bool accepts(const anm_attention *a) { return true; }
static int64_t units(const anm_attention *a) { return a->kv_heads; }
static size_t scratch_bytes(const anm_attention *a) { return 0; }

static void queries(const anm_attention *a, int64_t unit, int64_t *first, int64_t *count) {
    *count = a->heads / a->kv_heads * a->rows;
    *first = unit * *count;
}

static void note_query(const anm_attention *a, int64_t query) {
    int64_t head = query / a->rows, row = query % a->rows;
    a->out[head * a->out_head + row * a->out_row] = 1;
    if (!a->statistics) return;
    a->statistics[2 * query] = 0;
    a->statistics[2 * query + 1] = 1;
}

static void run(const anm_attention *a, int64_t unit0, int64_t unit1, void *scratch) {
    for (int64_t u = unit0; u < unit1; u++) {
        int64_t first, count, columns = 0;
        queries(a, u, &first, &count);
        for (int64_t c = anm_attention_begin(a, 0); c < anm_attention_end(a, 0); c++, columns++)
            notes.seen[u][c]++;
        for (int64_t q = first; q < first + count; q++) note_query(a, q);
        notes.load += columns;
        if (a->statistics && columns < notes.shortest) notes.shortest = columns;
        notes.runs += a->statistics ? 1 : 0;
    }
}

static const anm_attention_kernel noting = {"noting", ANM_ISA_C, accepts,      units,
                                            queries,  scratch_bytes, run};

/* The largest load of a thread; the ranges are counted in notes.runs. */
static int64_t divide(const anm_attention *shape, int threads, float *slots) {
    int64_t largest = 0;
    memset(&notes, 0, sizeof notes);
    notes.shortest = INT64_MAX;
    for (int i = 0; i < threads; i++) {
        notes.load = 0;
        anm_attention_run_part(&noting, shape, slots, i, threads, NULL);
        if (notes.load > largest) largest = notes.load;
    }
    for (int i = 0; i < 2; i++) anm_attention_merge(&noting, shape, slots, threads, i, 2);
    return largest;
}

static int64_t check(int64_t kv_heads, int64_t begin, int64_t columns, int threads) {
    enum { GROUP = 2 };
    int32_t span[2] = {(int32_t)begin, (int32_t)(begin + columns)};
    float out[MOST_UNITS * GROUP];
    static float slots[2 * MOST_THREADS * 16];
    anm_attention a = {.heads = kv_heads * GROUP, .kv_heads = kv_heads, .rows = 1, .dim = 1,
                       .value_dim = 1, .columns = MOST_COLUMNS, .span = span, .out = out,
                       .out_head = 1, .out_row = 1};
    assert_in_range(anm_attention_slot_floats(&noting, &a, threads), 1, sizeof slots / 4);
    memset(out, 0, sizeof out);
    int64_t largest = divide(&a, threads, slots);
    for (int64_t u = 0; u < kv_heads; u++)
        for (int64_t c = 0; c < MOST_COLUMNS; c++)
            assert_int_equal(notes.seen[u][c], c >= begin && c < begin + columns);
    for (int64_t h = 0; h < a.heads; h++) assert_float_equal(out[h], 1, 1e-6);
    if (notes.runs) assert_true(notes.shortest >= SHORTEST);
    return largest;
}

static void every_column_is_seen_once(void **state) {
    static const int64_t heads[] = {1, 2, 3, 8}, columns[] = {0, 1, 127, 128, 255, 256, 1000, 8000};
    static const int counts[] = {1, 2, 3, 5, 8, 17, 33, 64};
    for (int h = 0; h < 4; h++)
        for (int c = 0; c < 8; c++)
            for (int t = 0; t < 8; t++) check(heads[h], c % 2 ? 0 : 100, columns[c], counts[t]);
}

/* What dividing by key heads alone made of it stands beside. */
static void threads_get_the_same(void **state) {
    /* heads, columns, threads: columns of the busiest, at most */
    static const int64_t cases[][4] = {
        {8, 2048, 3, 5600},  /* 6144 */
        {8, 2048, 6, 2830},  /* 4096 */
        {8, 2048, 16, 1100}, /* 2048 */
        {8, 8192, 64, 1100}, /* 8192 */
        {1, 8192, 16, 560},  /* 8192 */
        {1, 1024, 8, 170},   /* 1024 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t most = check(cases[i][0], 0, cases[i][1], (int)cases[i][2]);
        assert_in_range(most, 1, cases[i][3]);
    }
}

/* Short contexts are not worth cutting: threads get units, as before. */
static void short_units_stay_whole(void **state) {
    assert_int_equal(check(8, 0, 255, 3), 3 * 255);
    assert_int_equal(notes.runs, 0);
    assert_int_equal(check(8, 0, 100, 64), 100);
    assert_int_equal(notes.runs, 0);
    check(1, 0, 200, 8);
    assert_int_equal(notes.runs, 0);
}

static void whole_heads_are_even(void **state) {
    anm_attention a = {.kv_heads = 8};
    assert_true(anm_attention_is_even(&a, 1));
    assert_true(anm_attention_is_even(&a, 2));
    assert_true(anm_attention_is_even(&a, 8));
    assert_false(anm_attention_is_even(&a, 3));
    assert_false(anm_attention_is_even(&a, 16));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_column_is_seen_once),
        cmocka_unit_test(threads_get_the_same),
        cmocka_unit_test(short_units_stay_whole),
        cmocka_unit_test(whole_heads_are_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
