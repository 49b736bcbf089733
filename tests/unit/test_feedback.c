/* SPDX-License-Identifier: MIT */
/* Error feedback: the sums, the factor, and rounding that makes outputs better. */
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>

#include "src/base/half.h"
#include "src/convert/feedback.h"
#include "src/convert/palettize.h"

enum { INPUTS = 77, TOKENS = 601, ROWS = 37 };

static uint64_t random_state = 7;

static double uniform(void) {
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53 - 0.5;
}

/* Inputs that go together: each is a mixture of a few, some carry ten times more. */
static void make_inputs(float *x, int64_t tokens, int64_t n) {
    enum { SOURCES = 9 };
    double mix[SOURCES][INPUTS], source[SOURCES];
    for (int s = 0; s < SOURCES; s++)
        for (int64_t i = 0; i < n; i++) mix[s][i] = uniform() * (i % 11 == 0 ? 10 : 1);
    for (int64_t t = 0; t < tokens; t++) {
        for (int s = 0; s < SOURCES; s++) source[s] = uniform();
        for (int64_t i = 0; i < n; i++) {
            double sum = 0.2 * uniform();
            for (int s = 0; s < SOURCES; s++) sum += mix[s][i] * source[s];
            x[t * n + i] = (float)sum;
        }
    }
}

static void dots_equal_reference(void **state) {
    float a[100], rows[4 * 100], got[4], want[4];
    for (int i = 0; i < 100; i++) a[i] = (float)uniform();
    for (int i = 0; i < 400; i++) rows[i] = (float)uniform();
    for (size_t n = 0; n < 97; n++) {
        anm_feedback_dots(a + n % 3, rows + n % 2, 99, n, got);
        anm_feedback_dots_ref(a + n % 3, rows + n % 2, 99, n, want);
        assert_memory_equal(got, want, sizeof got);
    }
}

static void sums_are_those_of_products(void **state) {
    float *x = calloc(TOKENS * INPUTS, sizeof *x);
    anm_hessian h;
    anm_error err;
    make_inputs(x, TOKENS, INPUTS);
    assert_ok(anm_hessian_init(&h, INPUTS, &err), &err);
    assert_ok(anm_hessian_add(&h, x, 300, &err), &err);
    assert_ok(anm_hessian_add(&h, x + 300 * INPUTS, TOKENS - 300, &err), &err);
    assert_int_equal(h.rows, TOKENS);
    for (int i = 0; i < INPUTS; i++)
        for (int k = i; k < INPUTS; k++) {
            double sum = 0, size = 0;
            for (int t = 0; t < TOKENS; t++) {
                double p = (double)x[t * INPUTS + i] * (double)x[t * INPUTS + k];
                sum += p;
                size += fabs(p);
            }
            assert_true(fabs((double)h.matrix[i * INPUTS + k] - sum) <= TOKENS * 0x1p-24 * size);
        }
    anm_hessian_free(&h);
    free(x);
}

/* e'He + damping by H itself, and as the sum of squares that the factor promises. */
static void the_factor_gives_the_error(void **state) {
    float *x = calloc(TOKENS * INPUTS, sizeof *x);
    anm_hessian h;
    anm_error err;
    double e[INPUTS];
    make_inputs(x, TOKENS, INPUTS);
    assert_ok(anm_hessian_init(&h, INPUTS, &err), &err);
    assert_ok(anm_hessian_add(&h, x, TOKENS, &err), &err);
    assert_ok(anm_hessian_factor(&h, &err), &err);
    for (int k = 1; k < INPUTS; k++)
        assert_true(h.diagonal[h.order[k]] <= h.diagonal[h.order[k - 1]]);
    for (int round = 0; round < 20; round++) {
        double direct = 0, factored = 0;
        for (int i = 0; i < INPUTS; i++) e[i] = uniform();
        for (int i = 0; i < INPUTS; i++) {
            direct += (double)h.diagonal[i] * e[i] * e[i];
            for (int k = i + 1; k < INPUTS; k++)
                direct += 2 * (double)h.matrix[i * INPUTS + k] * e[i] * e[k];
        }
        for (int k = 0; k < INPUTS; k++) {
            double sum = e[h.order[k]];
            for (int j = 0; j < k; j++) sum += (double)h.matrix[k * INPUTS + j] * e[h.order[j]];
            factored += h.weights[h.order[k]] * TOKENS * sum * sum;
        }
        assert_true(fabs(direct - factored) <= 1e-4 * direct);
    }
    anm_hessian_free(&h);
    free(x);
}

/* The squared error of all outputs. */
static double output_error(const float *x, const uint16_t *values, const uint16_t *lut, int bits,
                           int64_t group, const uint8_t *indices) {
    double error = 0;
    for (int t = 0; t < TOKENS; t++)
        for (int64_t r = 0; r < ROWS; r++) {
            double sum = 0;
            for (int64_t i = 0; i < INPUTS; i++) {
                uint16_t entry = lut[(r / group << bits) + indices[r * INPUTS + i]];
                sum += (double)x[t * INPUTS + i] *
                       (double)(anm_half_to_float(values[r * INPUTS + i]) -
                                anm_half_to_float(entry));
            }
            error += sum * sum;
        }
    return error;
}

static void check_feedback(const float *x, const anm_hessian *h, int bits, int axis, int64_t group,
                           double most) {
    static uint16_t values[ROWS * INPUTS], lut[INPUTS << 4];
    static uint8_t nearest[ROWS * INPUTS], indices[ROWS * INPUTS];
    anm_error err;
    for (int i = 0; i < ROWS * INPUTS; i++)
        values[i] = anm_half_from_double(uniform() + uniform() + uniform());
    anm_palette_matrix m = {values, ROWS, INPUTS, NULL, axis, group, bits, 0, NULL};
    assert_ok(anm_palettize_matrix(&m, lut, nearest, NULL, &err), &err);
    anm_feedback f = {h, values, 0, ROWS, lut, bits, axis, group};
    assert_ok(anm_feedback_assign(&f, indices, &err), &err);
    if (!x) { /* nothing to make up for */
        assert_memory_equal(indices, nearest, sizeof indices);
        return;
    }
    if (axis == 1) return;
    double before = output_error(x, values, lut, bits, group, nearest);
    double after = output_error(x, values, lut, bits, group, indices);
    printf("%d bits: output error %.4g, with feedback %.4g\n", bits, before, after);
    assert_true(after < most * before);
}

static void outputs_are_better(void **state) {
    float *x = calloc(TOKENS * INPUTS, sizeof *x);
    anm_hessian h;
    anm_error err;
    make_inputs(x, TOKENS, INPUTS);
    assert_ok(anm_hessian_init(&h, INPUTS, &err), &err);
    assert_ok(anm_hessian_add(&h, x, TOKENS, &err), &err);
    assert_ok(anm_hessian_factor(&h, &err), &err);
    check_feedback(x, &h, 2, 0, 8, 0.2);
    check_feedback(x, &h, 3, 0, 37, 0.2);
    check_feedback(x, &h, 4, 0, 8, 0.2);
    anm_hessian_free(&h);
    free(x);
}

/* Inputs that have nothing to do with each other: each weight goes to its nearest entry. */
static void without_correlation_nothing_changes(void **state) {
    anm_hessian h;
    anm_error err;
    assert_ok(anm_hessian_init(&h, INPUTS, &err), &err);
    for (int i = 0; i < INPUTS; i++) h.matrix[i * INPUTS + i] = 1 + (float)i;
    h.rows = 1;
    assert_ok(anm_hessian_factor(&h, &err), &err);
    for (int bits = 1; bits < 5; bits++) {
        check_feedback(NULL, &h, bits, 0, 8, 0);
        check_feedback(NULL, &h, bits, 1, 7, 0);
    }
    anm_hessian_free(&h);
}

/* An input that is never used, and inputs that are all alike. */
static void singular_sums_are_factored(void **state) {
    float x[40 * INPUTS];
    anm_hessian h;
    anm_error err;
    for (int t = 0; t < 40; t++)
        for (int i = 0; i < INPUTS; i++) x[t * INPUTS + i] = i < 5 ? 0 : (float)(t % 7) - 3;
    assert_ok(anm_hessian_init(&h, INPUTS, &err), &err);
    assert_ok(anm_hessian_add(&h, x, 40, &err), &err);
    assert_ok(anm_hessian_factor(&h, &err), &err);
    for (int i = 0; i < INPUTS; i++) assert_true(h.weights[i] > 0 && isfinite(h.weights[i]));
    for (int k = 0; k < INPUTS; k++)
        for (int j = 0; j < k; j++) assert_true(isfinite(h.matrix[k * INPUTS + j]));
    anm_hessian_free(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dots_equal_reference),
        cmocka_unit_test(sums_are_those_of_products),
        cmocka_unit_test(the_factor_gives_the_error),
        cmocka_unit_test(outputs_are_better),
        cmocka_unit_test(without_correlation_nothing_changes),
        cmocka_unit_test(singular_sums_are_factored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
