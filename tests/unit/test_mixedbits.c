/* SPDX-License-Identifier: MIT */
/* Mixed bits: the choice within a budget, and packages that keep it. */
#include "tests/unit/testing.h"

#include <string.h>

#include "anemone/convert.h"
#include "src/base/file.h"
#include "src/convert/mixedbits.h"

#define DEMO ANM_TEST_SOURCE_ROOT "/models/demo"
#define TEXT "test_mixedbits.txt"
#define OUT "test_mixedbits.out"

static uint64_t random_state = 3;

static uint64_t next_random(void) {
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

enum { MATRICES = 4, OPTIONS = 4 };

/* Every combination. */
static double least_noise(const anm_bits_choice *c, uint64_t budget) {
    double best = -1;
    for (int code = 0; code < OPTIONS * OPTIONS * OPTIONS * OPTIONS; code++) {
        uint64_t bytes = 0;
        double noise = 0;
        for (int i = 0, rest = code; i < MATRICES; i++, rest /= OPTIONS) {
            bytes += c[i].options[rest % OPTIONS].bytes;
            noise += c[i].options[rest % OPTIONS].noise;
        }
        if (bytes <= budget && (best < 0 || noise < best)) best = noise;
    }
    return best;
}

/* Never above the budget; at most one step of one matrix is lost to steps that do not fit. */
static void choices_fit_and_are_good(void **state) {
    for (int round = 0; round < 2000; round++) {
        anm_bits_choice c[MATRICES] = {0};
        uint64_t most = 0, least = 0, taken = 0;
        double noise = 0, step = 0;
        for (int i = 0; i < MATRICES; i++) {
            uint64_t size = 10 + next_random() % 100;
            double sensitivity = 1 + (double)(next_random() % 1000);
            c[i].count = OPTIONS;
            for (int o = 0; o < OPTIONS; o++)
                c[i].options[o] = (anm_bits_option){o + 1, size * (uint64_t)(o + 1),
                                                    sensitivity / (double)(1 << 2 * o)};
            most += size * OPTIONS;
            least += size;
            step = sensitivity * 0.75 > step ? sensitivity * 0.75 : step;
        }
        uint64_t budget = least + next_random() % (most - least + 20);
        uint64_t bytes = anm_bits_choose(c, MATRICES, budget);
        for (int i = 0; i < MATRICES; i++) {
            taken += c[i].options[c[i].chosen].bytes;
            noise += c[i].options[c[i].chosen].noise;
        }
        assert_int_equal(bytes, taken);
        assert_true(bytes <= budget);
        assert_true(noise <= least_noise(c, budget) + step);
        if (budget >= most) assert_int_equal(bytes, most);
    }
}

static void too_small_budgets_are_told(void **state) {
    anm_bits_choice c = {{{1, 100, 1}, {2, 200, 0.5}}, 2, 0};
    assert_int_equal(anm_bits_choose(&c, 1, 99), 100);
}

static uint64_t weight_bytes(const char *package) {
    char path[300];
    anm_mapping mapping;
    anm_error err;
    snprintf(path, sizeof path, OUT "/%s.mlpackage/Data/com.apple.CoreML/weights/weight.bin",
             package);
    assert_ok(anm_mapping_open(path, &mapping, &err), &err);
    uint64_t size = mapping.size;
    anm_mapping_close(&mapping);
    return size;
}

static anm_convert_options options_for(int64_t target) {
    static const char text[] = "Once there was a fox named Mila. She lived near the river.\n"
                               "<|im_start|>user\nWho are you?<|im_end|>\n";
    anm_convert_options options;
    anm_error err;
    assert_ok(anm_file_write(TEXT, text, sizeof text - 1, &err), &err);
    anm_convert_options_init(&options);
    options.calibrate = TEXT;
    options.target_bytes = target;
    return options;
}

static void find_packages(const anm_convert_report *report, uint64_t *bytes) {
    *bytes = 0;
    for (size_t i = 0; i < anm_convert_report_part_count(report); i++) {
        char name[200];
        const char *file = anm_convert_report_part(report, i)->file;
        const char *end = strstr(file, ".mlpackage");
        if (!end) continue;
        snprintf(name, sizeof name, "%.*s", (int)(end - file), file);
        *bytes += weight_bytes(name);
    }
}

static void packages_keep_the_budget(void **state) {
    static const int64_t targets[] = {900000, 1400000, 3000000, 20000000};
    uint64_t bytes, before = 0;
    anm_error err;
    for (int i = 0; i < 4; i++) {
        anm_convert_report *report;
        anm_convert_options options = options_for(targets[i]);
        assert_ok(anm_path_remove(OUT, &err), &err);
        assert_ok(anm_convert(DEMO, OUT, &options, &report, &err), &err);
        find_packages(report, &bytes);
        printf("budget %lld: %llu bytes\n", (long long)targets[i], (unsigned long long)bytes);
        assert_true(bytes <= (uint64_t)targets[i]);
        assert_true(bytes > before);
        if (i < 3) assert_true(bytes > (uint64_t)targets[i] / 10 * 9); /* and use it */
        before = bytes;
        anm_convert_report_free(report);
    }
}

static void given_bits_are_kept(void **state) {
    anm_error err;
    anm_convert_report *report;
    anm_convert_options options = options_for(1600000);
    options.lut_head = (anm_convert_lut){6, 16};
    assert_ok(anm_path_remove(OUT, &err), &err);
    assert_ok(anm_convert(DEMO, OUT, &options, &report, &err), &err);
    bool found = false;
    for (size_t i = 0; i < anm_convert_report_part_count(report); i++)
        found |= strcmp(anm_convert_report_part(report, i)->file, "qwen_lm_head_lut6.mlpackage") ==
                 0;
    assert_true(found);
    /* 2048 x 192 indices of 6 bits, 128 tables, no more. */
    assert_in_range(weight_bytes("qwen_lm_head_lut6"), 2048 * 192 * 6 / 8 + 128 * 128,
                    2048 * 192 * 6 / 8 + 128 * 128 + 16 * 400);
    anm_convert_report_free(report);
}

static void impossible_budgets_are_refused(void **state) {
    anm_error err;
    anm_convert_options options = options_for(1000);
    assert_int_equal(anm_convert(DEMO, "test_mixedbits.bad", &options, NULL, &err),
                     ANM_ERROR_LIMIT);
    assert_string_equal(err.where, "target_bytes");
    options = options_for(1000000);
    options.calibrate = NULL;
    assert_int_equal(anm_convert(DEMO, "test_mixedbits.bad", &options, NULL, &err),
                     ANM_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices_fit_and_are_good),
        cmocka_unit_test(too_small_budgets_are_told),
        cmocka_unit_test(packages_keep_the_budget),
        cmocka_unit_test(given_bits_are_kept),
        cmocka_unit_test(impossible_budgets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
