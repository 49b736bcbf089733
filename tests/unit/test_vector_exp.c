/* SPDX-License-Identifier: MIT */
/* exp() and tanh() of the kernels' templates against the C library, in vectors of one lane. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef float vf;

static vf v_zero(void) { return 0; }
static vf v_set(float x) { return x; }
static vf v_add(vf a, vf b) { return a + b; }
static vf v_sub(vf a, vf b) { return a - b; }
static vf v_mul(vf a, vf b) { return a * b; }
static vf v_div(vf a, vf b) { return a / b; }
static vf v_max(vf a, vf b) { return a > b ? a : b; }
static vf v_abs(vf a) { return fabsf(a); }
static vf v_fma(vf a, vf b, vf c) { return fmaf(a, b, c); }
static vf v_where_less(vf a, vf b, vf x, vf y) { return a < b ? x : y; }
static vf v_round(vf a) { return rintf(a); }
static vf v_scale(vf a, vf n) { return ldexpf(a, (int)n); }

#include "src/cpu/kernels/vector_exp.h"

static float from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

/* In units of the last place of the float next to the exact result. */
static double exp_error(float x) {
    double exact = exp((double)x);
    int exponent;
    frexp(exact, &exponent);
    return fabs(v_exp(x) - exact) / ldexp(1, exponent - 24);
}

/* Every 401st float between -2^-30 and where results leave the normal numbers. */
static void test_exp_within_one_ulp(void **state) {
    double worst = 0;
    for (uint32_t bits = 0xb0800000; from_bits(bits) >= -0x1.5d589ep6f; bits += 401) {
        double error = exp_error(from_bits(bits));
        worst = error > worst ? error : worst;
    }
    print_message("exp: %.4f ulp at most\n", worst);
    assert_true(worst < 1);
}

static void test_exp_edges(void **state) {
    assert_true(v_exp(0) == 1);
    assert_true(v_exp(-0.0f) == 1);
    assert_true(v_exp(-0x1p-149f) == 1);
    assert_true(v_exp(-0x1.5d5ap6f) == 0);
    assert_true(v_exp(-1e30f) == 0);
    assert_true(v_exp(-INFINITY) == 0);
}

static void test_tanh_absolute_error(void **state) {
    double worst = 0;
    for (int i = -200000; i <= 200000; i++) {
        float x = (float)i * 0x1p-14f;
        double error = fabs(v_tanh(x) - tanh((double)x));
        worst = error > worst ? error : worst;
    }
    print_message("tanh: %.3g at most\n", worst);
    assert_true(worst < 4e-7);
    assert_true(v_tanh(INFINITY) == 1 && v_tanh(-INFINITY) == -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_within_one_ulp),
        cmocka_unit_test(test_exp_edges),
        cmocka_unit_test(test_tanh_absolute_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
