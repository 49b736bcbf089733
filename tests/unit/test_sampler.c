/* SPDX-License-Identifier: MIT */
/*
 * The sampler against tables of tools/reference/sampling.py, its draws against the distribution,
 * and what is not a number.
 */
#include "tests/unit/testing.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "anemone/sampler.h"
#include "src/llm/sampler_impl.h"

enum { MOST = 64, MANY = 20000 };

static anm_sampler *make(const anm_sampling_options *o) {
    anm_sampler *s;
    anm_error err;
    assert_ok(anm_sampler_create(o, &s, &err), &err);
    return s;
}

static anm_sampling_options warm(uint64_t seed) {
    anm_sampling_options o;
    anm_sampling_options_init(&o);
    o.temperature = 1;
    o.seed = seed;
    return o;
}

static double number(const json_t *c, const char *key) {
    const json_t *value = json_object_get(c, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static anm_sampling_options read_options(const json_t *c, anm_logit_bias *biases) {
    anm_sampling_options o = warm(0);
    const json_t *list = json_object_get(c, "logit_bias");
    o.temperature = (float)number(c, "temperature");
    o.top_k = (int)number(c, "top_k");
    o.top_p = (float)number(c, "top_p");
    o.min_p = (float)number(c, "min_p");
    o.typical_p = (float)number(c, "typical_p");
    o.repeat_penalty = (float)number(c, "repeat_penalty");
    o.presence_penalty = (float)number(c, "presence_penalty");
    o.frequency_penalty = (float)number(c, "frequency_penalty");
    o.penalty_last_n = (int)number(c, "penalty_last_n");
    o.logit_bias = biases;
    o.logit_bias_count = json_array_size(list);
    for (size_t i = 0; i < o.logit_bias_count; i++) {
        const json_t *pair = json_array_get(list, i);
        biases[i].token = (int32_t)json_integer_value(json_array_get(pair, 0));
        biases[i].bias = (float)json_real_value(json_array_get(pair, 1));
    }
    return o;
}

static void accept_all(anm_sampler *s, const json_t *history) {
    anm_error err;
    for (size_t i = 0; i < json_array_size(history); i++)
        assert_ok(anm_sampler_accept(s, (int32_t)json_integer_value(json_array_get(history, i)),
                                     &err),
                  &err);
}

/* The candidates that are left, whatever their order, with their probabilities. */
static void compare_kept(const anm_candidates *got, const json_t *kept) {
    assert_int_equal(got->count, json_array_size(kept));
    for (size_t i = 0; i < json_array_size(kept); i++) {
        const json_t *pair = json_array_get(kept, i);
        size_t k = 0;
        while (k < got->count && got->at[k].id != json_integer_value(json_array_get(pair, 0))) k++;
        assert_true(k < got->count);
        double expected = json_number_value(json_array_get(pair, 1));
        assert_true(fabs(got->at[k].weight / got->total - expected) < 1e-9);
    }
}

static void check_case(const json_t *c) {
    const json_t *list = json_object_get(c, "logits");
    float logits[MOST];
    anm_logit_bias biases[MOST];
    size_t count = json_array_size(list);
    assert_in_range(count, 1, MOST);
    for (size_t i = 0; i < count; i++)
        logits[i] = (float)json_real_value(json_array_get(list, i));
    anm_sampling_options o = read_options(c, biases);
    anm_sampler *s = make(&o);
    memset(biases, 0xff, sizeof biases); /* the sampler has its own */
    accept_all(s, json_object_get(c, "history"));
    assert_true(anm_sampler_distribution(s, logits, count));
    compare_kept(&s->candidates, json_object_get(c, "kept"));
    anm_sampler_destroy(s);
}

static json_t *load_tables(void) {
    json_error_t problem;
    json_t *file = json_load_file(ANM_TEST_DATA "/sampling.json", 0, &problem);
    if (!file) fail_msg("sampling.json: %s", problem.text);
    return file;
}

static void stages_follow_their_definitions(void **state) {
    json_t *file = load_tables();
    const json_t *cases = json_object_get(file, "cases");
    assert_true(json_array_size(cases) >= 100);
    for (size_t i = 0; i < json_array_size(cases); i++) check_case(json_array_get(cases, i));
    json_decref(file);
}

/* Multiples of 1/8, so that many are equal. */
static void fill_many(float *logits) {
    uint32_t x = 12345;
    for (int i = 0; i < MANY; i++) {
        x = x * 1664525 + 1013904223;
        logits[i] = (float)(int)(x >> 24) / 8;
    }
}

static const float *order_of;

static int by_logit(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    if (order_of[x] != order_of[y]) return order_of[x] < order_of[y] ? 1 : -1;
    return x - y;
}

/* What comes off the heap is the beginning of the sorted vocabulary, ties by id. */
static void the_heap_sorts(void **state) {
    static float logits[MANY];
    static int order[MANY];
    fill_many(logits);
    for (int i = 0; i < MANY; i++) order[i] = i;
    order_of = logits;
    qsort(order, MANY, sizeof *order, by_logit);
    static const int ks[] = {1, 2, 3, 700, MANY - 1};
    for (int i = 0; i < 5; i++) {
        anm_sampling_options o = warm(0);
        o.top_k = ks[i];
        anm_sampler *s = make(&o);
        assert_true(anm_sampler_distribution(s, logits, MANY));
        assert_int_equal(s->candidates.count, ks[i]);
        for (int k = 0; k < ks[i]; k++) assert_int_equal(s->candidates.at[k].id, order[k]);
        anm_sampler_destroy(s);
    }
}

/* Pearson's statistic of 100,000 draws; 99.9 % of right samplers of 9 candidates are below 26.1. */
static void draws_follow_the_distribution(void **state) {
    const float logits[12] = {0.5f, -1, 2, 1.25f, 0, NAN, 1, -3, -INFINITY, 0.75f, 1.5f, -0.5f};
    const int draws = 100000;
    anm_sampling_options o = warm(11);
    o.temperature = 1.5f;
    o.top_k = 9;
    anm_sampler *s = make(&o);
    int counts[12] = {0};
    double square = 0;
    for (int i = 0; i < draws; i++) counts[anm_sampler_pick(s, logits, 12)]++;
    const anm_candidates *c = &s->candidates;
    assert_int_equal(c->count, 9);
    for (size_t i = 0; i < c->count; i++) {
        double expected = draws * c->at[i].weight / c->total;
        double off = counts[c->at[i].id] - expected;
        square += off * off / expected;
        counts[c->at[i].id] = 0;
    }
    for (int i = 0; i < 12; i++) assert_int_equal(counts[i], 0);
    printf("chi-square %.2f of 8 degrees\n", square);
    assert_true(square < 26.1);
    anm_sampler_destroy(s);
}

/* Part of what the header promises: on every machine, and in Python, the same. */
static void a_seed_gives_the_same_everywhere(void **state) {
    static float logits[MANY];
    json_t *file = load_tables();
    const json_t *picks = json_object_get(file, "picks");
    assert_int_equal(json_array_size(picks), 16);
    fill_many(logits);
    anm_sampling_options o = warm(42);
    o.top_p = 0.9f;
    o.temperature = 3;
    anm_sampler *s = make(&o);
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(anm_sampler_pick(s, logits, MANY),
                         json_integer_value(json_array_get(picks, i)));
    json_decref(file);
    anm_sampler_destroy(s);
}

static int32_t pick_once(const anm_sampling_options *o, const float *logits, size_t count) {
    anm_sampler *s = make(o);
    int32_t id = anm_sampler_pick(s, logits, count);
    anm_sampler_destroy(s);
    return id;
}

static void what_is_no_number(void **state) {
    const float none[3] = {NAN, -INFINITY, NAN}, one[3] = {NAN, -5, -INFINITY};
    const float certain[4] = {1, INFINITY, INFINITY, 90};
    anm_sampling_options all = warm(3), every = warm(3), greedy = warm(3);
    greedy.temperature = 0;
    every.top_k = 3;
    every.top_p = every.typical_p = 0.9f;
    every.min_p = 0.01f;
    const anm_sampling_options *options[] = {&all, &every, &greedy};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pick_once(options[i], none, 3), -1);
        assert_int_equal(pick_once(options[i], none, 0), -1);
        assert_int_equal(pick_once(options[i], one, 3), 1);
        assert_in_range(pick_once(options[i], certain, 4), 1, 2);
    }
}

static void biases_forbid_and_force(void **state) {
    const float logits[4] = {1, 2, 3, 4};
    const anm_logit_bias biases[] = {{3, -INFINITY}, {0, INFINITY}, {9, 5}};
    anm_sampling_options o = warm(0);
    o.logit_bias = biases;
    o.logit_bias_count = 1;
    for (o.seed = 0; o.seed < 50; o.seed++) assert_in_range(pick_once(&o, logits, 4), 0, 2);
    o.temperature = 0;
    assert_int_equal(pick_once(&o, logits, 4), 2);
    o.logit_bias_count = 3; /* the last one is outside these logits */
    assert_int_equal(pick_once(&o, logits, 4), 0);
    o.temperature = 1;
    assert_int_equal(pick_once(&o, logits, 4), 0);
}

/* The window moves: what left it is free again, however long the history grows. */
static void penalties_forget(void **state) {
    const float logits[3] = {2, 1.5f, 1};
    anm_error err;
    anm_sampling_options o = warm(0);
    o.temperature = 0;
    o.presence_penalty = 5;
    o.penalty_last_n = 2;
    anm_sampler *s = make(&o);
    for (int i = 0; i < 1000; i++) {
        int32_t id = anm_sampler_pick(s, logits, 3);
        assert_int_equal(id, i % 3);
        assert_ok(anm_sampler_accept(s, id, &err), &err);
        assert_ok(anm_sampler_accept(s, -1, &err), &err);
    }
    assert_true(s->history_capacity < 1000);
    anm_sampler_destroy(s);
}

static void exponentials(void **state) {
    double worst = 0;
    for (double x = 0; x > -740; x -= 0.0371) {
        double exact = exp(x), off = fabs(anm_sampler_exp(x) - exact) / exact;
        if (exact > 1e-300 && off > worst) worst = off;
    }
    printf("largest relative error %.2g\n", worst);
    assert_true(worst < 4e-16);
    assert_true(anm_sampler_exp(0) == 1);
    assert_true(anm_sampler_exp(-1e9) == 0);
    assert_true(anm_sampler_exp(-INFINITY) == 0);
}

static void logprobs(void **state) {
    const float logits[5] = {0, NAN, 2, 2, -INFINITY};
    double sum = log(1 + 2 * exp(2));
    anm_token_logprob top[5];
    assert_true(fabs(anm_logits_logprob(logits, 5, 0, top, 5) + sum) < 1e-6);
    assert_int_equal(top[0].token, 2);
    assert_int_equal(top[1].token, 3);
    assert_true(fabs(top[1].logprob - (2 - sum)) < 1e-6);
    assert_int_equal(top[2].token, 0);
    assert_int_equal(top[3].token, -1);
    assert_true(top[3].logprob == -INFINITY);
    assert_true(anm_logits_logprob(logits, 5, 1, NULL, 0) == -INFINITY);
    assert_true(anm_logits_logprob(logits, 5, 4, NULL, 0) == -INFINITY);
    assert_true(anm_logits_logprob(logits, 5, 5, NULL, 0) == -INFINITY);
    assert_true(anm_logits_logprob(logits, 5, -1, NULL, 0) == -INFINITY);
}

static void refuse(const anm_sampling_options *o, const char *where) {
    anm_sampler *s;
    anm_error err;
    assert_int_equal(anm_sampler_create(o, &s, &err), ANM_ERROR_ARGUMENT);
    assert_string_equal(err.where, where);
    assert_null(s);
}

static void ranges_are_checked(void **state) {
    const anm_logit_bias bad[] = {{-1, 0}, {1, NAN}};
    const anm_sampling_options fine = warm(0);
    anm_sampling_options o = fine;
    o.min_p = -0.1f, refuse(&o, "min-p");
    o.min_p = NAN, refuse(&o, "min-p");
    o = fine, o.typical_p = 0, refuse(&o, "typical");
    o = fine, o.typical_p = 1.5f, refuse(&o, "typical");
    o = fine, o.repeat_penalty = 0, refuse(&o, "repeat-penalty");
    o = fine, o.repeat_penalty = INFINITY, refuse(&o, "repeat-penalty");
    o = fine, o.presence_penalty = NAN, refuse(&o, "presence-penalty");
    o = fine, o.frequency_penalty = -INFINITY, refuse(&o, "frequency-penalty");
    o = fine, o.penalty_last_n = -2, refuse(&o, "penalty-last-n");
    o = fine, o.logit_bias_count = 1, refuse(&o, "logit-bias");
    for (int i = 0; i < 2; i++) o.logit_bias = &bad[i], refuse(&o, "logit-bias");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_follow_their_definitions),
        cmocka_unit_test(the_heap_sorts),
        cmocka_unit_test(draws_follow_the_distribution),
        cmocka_unit_test(a_seed_gives_the_same_everywhere),
        cmocka_unit_test(what_is_no_number),
        cmocka_unit_test(biases_forbid_and_force),
        cmocka_unit_test(penalties_forget),
        cmocka_unit_test(exponentials),
        cmocka_unit_test(logprobs),
        cmocka_unit_test(ranges_are_checked),
    };
    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
