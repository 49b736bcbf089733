/* SPDX-License-Identifier: MIT */
/*
 * Kernels that take a table's entries for points near lines: what they do with tables that have no
 * such entries, which must come out as from the kernel that reads every entry.
 */
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>

#include "src/base/half.h"
#include "src/cpu/matmul.h"

enum { ROWS = 17, COLUMNS = 560, MOST_BITS = 8, GROUP_ROWS = 1 };

typedef struct sample {
    anm_matrix w;
    uint8_t data[ROWS * COLUMNS];
    uint16_t lut[ROWS << MOST_BITS];
    float x[COLUMNS];
    float y[2][ROWS]; /* by lines, by entries */
} sample;

typedef void (*table_maker)(float *entry, int n);

/* Close together in the middle and apart at the ends, as k-means has them. */
static void rising(float *entry, int n) {
    for (int i = 0; i < n; i++) {
        float t = (float)(2 * i + 1) / (float)n - 1;
        entry[i] = t * (1 + t * t / 4) / 16;
    }
}
static void falling(float *entry, int n) {
    rising(entry, n);
    for (int i = 0; i < n; i++) entry[i] = -entry[i];
}
static void in_no_order(float *entry, int n) {
    for (int i = 0; i < n; i++) entry[i] = (float)((i * 37 + 11) % n - n / 2) / 512;
}
static void two_changed_places(float *entry, int n) {
    rising(entry, n);
    float kept = entry[n / 4];
    entry[n / 4] = entry[3 * n / 4];
    entry[3 * n / 4] = kept;
}
static void all_equal(float *entry, int n) {
    for (int i = 0; i < n; i++) entry[i] = 0.25f;
}
static void zeros(float *entry, int n) { memset(entry, 0, (size_t)n * sizeof *entry); }
static void mostly_one_value(float *entry, int n) {
    zeros(entry, n);
    entry[n - 1] = 1;
}
static void outlier(float *entry, int n) {
    rising(entry, n);
    entry[n - 1] = 100;
}
static void infinite(float *entry, int n) {
    rising(entry, n);
    entry[n - 1] = INFINITY;
}
static void infinite_below(float *entry, int n) {
    rising(entry, n);
    entry[0] = entry[1] = -INFINITY;
}
static void no_number(float *entry, int n) {
    rising(entry, n);
    entry[n / 2] = NAN;
}

static void fill(sample *s, int bits, table_maker make) {
    uint32_t state = 1;
    float entry[1 << MOST_BITS];
    memset(s, 0, sizeof *s);
    s->w = (anm_matrix){.kind = ANM_MATRIX_LUT, .rows = ROWS, .columns = COLUMNS, .bits = bits,
                        .data = s->data, .lut = s->lut, .group_rows = GROUP_ROWS,
                        .group_columns = COLUMNS};
    for (size_t i = 0; i < sizeof s->data; i++)
        s->data[i] = (uint8_t)((state = state * 1664525 + 1013904223) >> 24);
    for (int i = 0; i < COLUMNS; i++)
        s->x[i] = (float)((state = state * 1664525 + 1013904223) >> 8) * 0x1p-24f - 0.5f;
    make(entry, 1 << bits);
    for (int i = 0; i < ROWS << bits; i++)
        s->lut[i] = anm_half_from_float(entry[i % (1 << bits)]);
}

static void run(sample *s, bool exact) {
    const anm_gemv_kernel *k =
        anm_matmul_gemv(exact ? ANM_MATMUL_HIGH : ANM_MATMUL_AUTO, &s->w, ANM_ISA_AVX2);
    size_t bytes = k->input_bytes(COLUMNS);
    void *input = aligned_alloc(64, bytes);
    assert_non_null(input);
    memset(input, 0, bytes);
    k->prepare(s->x, COLUMNS, input);
    k->run(&s->w, input, 0, ROWS, s->y[exact]);
    free(input);
}

static const int widths[] = {6};

static bool no_avx2(void) {
    if (anm_isa_available(ANM_ISA_AVX2)) return false;
    print_message("SKIPPED: this machine has no AVX2\n");
    return true;
}

static void test_other_tables_are_read_entry_by_entry(void **state) {
    static const table_maker makers[] = {falling,  in_no_order, two_changed_places, all_equal,
                                         zeros,    mostly_one_value, outlier, infinite,
                                         infinite_below, no_number};
    static sample s;
    if (no_avx2()) return;
    for (size_t b = 0; b < sizeof widths / sizeof *widths; b++)
        for (size_t m = 0; m < sizeof makers / sizeof *makers; m++) {
            fill(&s, widths[b], makers[m]);
            run(&s, false);
            run(&s, true);
            assert_memory_equal(s.y[0], s.y[1], sizeof s.y[0]);
        }
}

/* Within 2e-3 of the weights' size in the mean square; a tenth of it would be no approximation. */
static void test_rising_tables_are_lines(void **state) {
    static sample s;
    if (no_avx2()) return;
    for (size_t b = 0; b < sizeof widths / sizeof *widths; b++) {
        double off = 0, size = 0;
        fill(&s, widths[b], rising);
        run(&s, false);
        run(&s, true);
        for (int r = 0; r < ROWS; r++) {
            off += pow((double)(s.y[0][r] - s.y[1][r]), 2);
            size += pow((double)s.y[1][r], 2);
        }
        assert_true(off < size * 4e-6);
        assert_true(off > 0);
    }
}

static void test_exact_kernels_stay(void **state) {
    static sample s;
    if (no_avx2()) return;
    for (size_t b = 0; b < sizeof widths / sizeof *widths; b++) {
        fill(&s, widths[b], rising);
        assert_int_equal(anm_gemv_find(&s.w, ANM_ISA_AVX2)->arithmetic, ANM_GEMV_LINES);
        assert_int_not_equal(anm_gemv_find_exact(&s.w, ANM_ISA_AVX2)->arithmetic, ANM_GEMV_LINES);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_tables_are_read_entry_by_entry),
        cmocka_unit_test(test_rising_tables_are_lines),
        cmocka_unit_test(test_exact_kernels_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
