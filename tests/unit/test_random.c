/* SPDX-License-Identifier: MIT */
/* Random numbers: the generator's published answers, seeds, distributions, engine and interpreter. */
#include "tests/unit/step_cases.h"

#include "src/interp/random.h"

/* clang-format off: an op to a line */

/* Random123's known answer for a counter and a key of zeros. */
static void known_answers(void **state) {
    static const uint32_t words[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    float out[4];
    anm_random_uniform(anm_random_key_of(0), 0, 4, 0, 1, out);
    for (int i = 0; i < 4; i++) {
        assert_true(out[i] == (float)((words[i] >> 8) * 0x1p-24));
        assert_true(out[i] == (float)anm_random_unit(anm_random_key_of(0), i));
    }
}

/* Any part of the numbers is what it is in all of them. */
static void parts_are_parts(void **state) {
    enum { N = 103 };
    float all[N], part[N];
    for (int64_t from = 0; from < 9; from++) {
        anm_random_key key = anm_random_key_of(7);
        anm_random_normal(key, 0, N, 1, 2, all);
        anm_random_normal(key, from, N, 1, 2, part);
        assert_memory_equal(all + from, part + from, (size_t)(N - from) * sizeof *all);
        anm_random_bernoulli(key, 0, N, 0.3, all);
        anm_random_bernoulli(key, from, N, 0.3, part);
        assert_memory_equal(all + from, part + from, (size_t)(N - from) * sizeof *all);
    }
}

static void moments(const float *x, int n, double *mean, double *deviation) {
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++) sum += x[i];
    *mean = sum / n;
    for (int i = 0; i < n; i++) squares += (x[i] - *mean) * (x[i] - *mean);
    *deviation = sqrt(squares / n);
}

/* Within five standard errors. */
static void distributions(void **state) {
    enum { N = 40000 };
    float *x = malloc(N * sizeof *x);
    double mean, deviation;
    for (int64_t s = 0; s < 3; s++) {
        anm_random_uniform(anm_random_key_of(s), 0, N, -2, 4, x);
        for (int i = 0; i < N; i++) assert_true(x[i] >= -2 && x[i] < 4);
        moments(x, N, &mean, &deviation);
        assert_true(fabs(mean - 1) < 0.045 && fabs(deviation - sqrt(3)) < 0.03);
        anm_random_normal(anm_random_key_of(s), 0, N, 3, 0.5, x);
        moments(x, N, &mean, &deviation);
        assert_true(fabs(mean - 3) < 0.0125 && fabs(deviation - 0.5) < 0.01);
        anm_random_bernoulli(anm_random_key_of(s), 0, N, 0.2, x);
        moments(x, N, &mean, &deviation);
        assert_true(fabs(mean - 0.2) < 0.01);
    }
    free(x);
}

/* What rounds to the upper bound is not given out. */
static void below_the_upper_bound(void **state) {
    float x[4096];
    anm_random_uniform(anm_random_key_of(1), 0, 4096, 1, 1 + 0x1p-23, x);
    for (int i = 0; i < 4096; i++) assert_true(x[i] == 1);
}

/* The interpreter's, with no op left to it: in shares of one and three threads. */
static void steps(void **state) {
    static const step_case cases[] = {
        {F("5, 37") " x", F("5, 37") " r = random_uniform(shape = " I("2") "([5, 37]), low = fp32(-1), high = fp32(3), seed = int32(5));\n" F("5, 37") " y = mul(x = r, y = x);", "y"},
        {F("1") " x", F("7, 50, 3") " y = random_normal(shape = " I("3") "([7, 50, 3]), mean = fp32(2), stddev = fp32(0.5), seed = int32(0));\n" F("1000") " z = random_bernoulli(shape = " I("1") "([1000]), prob = fp32(0.25), seed = int32(2147483647));\n" F("1") " w = add(x = x, y = x);", "y, z, w"},
    };
    CHECK(cases);
    MUTATE(cases);
}

static void run_text(const char *body, anm_status wanted, float *out, size_t count) {
    anm_mil_program *program = parse_case(F("2, 3") " x", body, "y", NULL);
    float x[6] = {1, -INFINITY, 3, 0.25f, 0.5f, 0.25f};
    anm_tensor input = {"x", ANM_DTYPE_FP32, 2, {2, 3}, x, sizeof x};
    anm_interp *interp;
    anm_interp_result *result;
    anm_error err;
    size_t outputs;
    assert_ok(anm_interp_create(program->functions[0], ANM_PRECISION_FP32, &interp, &err), &err);
    assert_int_equal(anm_interp_run(interp, &input, 1, NULL, 0, &result, &err), wanted);
    if (wanted == ANM_OK) {
        const anm_tensor *t = anm_interp_result_tensors(result, &outputs);
        assert_int_equal(t->bytes, count * sizeof *out);
        memcpy(out, t->data, t->bytes);
    }
    anm_interp_result_destroy(result);
    anm_interp_destroy(interp);
    anm_mil_program_destroy(program);
}

static void seeds(void **state) {
    static const char one[] = F("64") " y = random_uniform(shape = " I("1") "([64]), low = fp32(0), high = fp32(1), seed = int32(1));";
    static const char two[] = F("64") " y = random_uniform(shape = " I("1") "([64]), low = fp32(0), high = fp32(1), seed = int32(2));";
    static const char none[] = F("64") " y = random_uniform(shape = " I("1") "([64]), low = fp32(0), high = fp32(1));";
    float a[64], b[64];
    run_text(one, ANM_OK, a, 64);
    run_text(one, ANM_OK, b, 64);
    assert_memory_equal(a, b, sizeof a);
    run_text(two, ANM_OK, b, 64);
    assert_memory_not_equal(a, b, sizeof a);
    run_text(none, ANM_OK, a, 64);
    run_text(none, ANM_OK, b, 64);
    assert_memory_not_equal(a, b, sizeof a);
}

static void classes(void **state) {
    enum { N = 20000 };
    static const char logits[] = F("2, 20000") " y = random_categorical(x = x, mode = string(\"logits\"), size = int32(20000), seed = int32(3));";
    static const char probs[] = F("2, 20000") " y = random_categorical(x = x, mode = string(\"probs\"), size = int32(20000), seed = int32(4));";
    float *y = malloc(2 * N * sizeof *y);
    double counts[2][3] = {{0}};
    run_text(logits, ANM_OK, y, 2 * N);
    for (int i = 0; i < N; i++) counts[0][(int)y[i]]++;
    run_text(probs, ANM_OK, y, 2 * N);
    for (int i = N; i < 2 * N; i++) counts[1][(int)y[i]]++;
    assert_true(counts[0][1] == 0); /* a logit of minus infinity */
    assert_true(fabs(counts[0][2] / N - 1 / (1 + exp(-2))) < 0.012);
    assert_true(fabs(counts[1][0] / N - 0.25) < 0.016);
    assert_true(fabs(counts[1][1] / N - 0.5) < 0.018);
    free(y);
    run_text(F("2, 4") " y = random_categorical(x = x, mode = string(\"odds\"), size = int32(4));", ANM_ERROR_MISMATCH, NULL, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),   cmocka_unit_test(parts_are_parts),
        cmocka_unit_test(distributions),   cmocka_unit_test(below_the_upper_bound),
        cmocka_unit_test(steps),           cmocka_unit_test(seeds),
        cmocka_unit_test(classes),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
