/* SPDX-License-Identifier: MIT */
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "src/base/arena.h"
#include "src/base/dtype.h"
#include "src/base/file.h"
#include "src/base/half.h"
#include "src/base/map.h"
#include "src/base/options.h"
#include "src/base/threads.h"

/* The definition of binary16, spelled out: the value of every bit pattern. */
static double half_value(unsigned h) {
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    double sign = h & 0x8000 ? -1 : 1;
    if (exponent == 31) return mantissa ? NAN : sign * INFINITY;
    return sign * (exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24));
}

static void half_round_trip(void **state) {
    for (unsigned h = 0; h < 65536; h++) {
        double expected = half_value(h);
        float f = anm_half_to_float((uint16_t)h);
        if (isnan(expected)) {
            assert_true(isnan(f));
            continue;
        }
        assert_true((double)f == expected && !signbit(f) == !signbit(expected));
        assert_int_equal(anm_half_from_float(f), h);
        assert_int_equal(anm_half_from_double(expected), h);
    }
}

static void half_rounds_to_nearest_even(void **state) {
    for (unsigned h = 0; h < 0x7bff; h++) {
        double low = half_value(h), high = half_value(h + 1), middle = (low + high) / 2;
        unsigned even = h & 1 ? h + 1 : h;
        assert_int_equal(anm_half_from_float((float)middle), even);
        assert_int_equal(anm_half_from_double(nextafter(middle, 0)), h);
        assert_int_equal(anm_half_from_double(nextafter(middle, 1e9)), h + 1);
        assert_int_equal(anm_half_from_float(nextafterf((float)middle, 1e9f)), h + 1);
    }
    assert_int_equal(anm_half_from_float(65519.996f), 0x7bff);
    assert_int_equal(anm_half_from_float(65520.0f), 0x7c00);
}

static void half_bulk_equals_single(void **state) {
    float in[37], back[37];
    uint16_t out[37];
    for (int i = 0; i < 37; i++) in[i] = (float)sin(i * 1.7) * (float)pow(10, i % 11 - 7);
    anm_half_from_float_n(out, in, 37);
    anm_half_to_float_n(back, out, 37);
    for (int i = 0; i < 37; i++) {
        assert_int_equal(out[i], anm_half_from_float(in[i]));
        assert_true(back[i] == anm_half_to_float(out[i]));
    }
    uint16_t big[2] = {anm_bf16_from_float(1e6f), anm_bf16_from_float(1.0f)};
    assert_int_equal(anm_half_from_bf16_n(out, big, 2), 1);
}

static void fp8_codes_come_back_and_round(void **state) {
    static const anm_dtype types[] = {ANM_DTYPE_FP8E4M3FN, ANM_DTYPE_FP8E5M2};
    for (int t = 0; t < 2; t++)
        for (int code = 0; code < 256; code++) {
            unsigned char in = (unsigned char)code, out;
            double value = anm_element_get(types[t], &in, 0);
            anm_element_set(types[t], &out, 0, value);
            if (value == value) assert_int_equal(out, in);
            else assert_int_equal(out, 0x7f);
        }
    static const struct {
        int type;
        double value;
        unsigned char code;
    } rounded[] = {{0, 1.0625, 0x38}, {0, 1.1875, 0x3a}, {0, 464, 0x7e}, {0, 465, 0x7f},
                   {0, 0x1p-10, 0x00}, {0, 0x1.8p-9, 0x02}, {0, -1e9, 0xff}, {1, 1.125, 0x3c},
                   {1, 1.375, 0x3e}, {1, 61439, 0x7b}, {1, 61440, 0x7c}, {1, -0.0, 0x80}};
    for (size_t i = 0; i < sizeof rounded / sizeof rounded[0]; i++) {
        unsigned char out;
        anm_element_set(types[rounded[i].type], &out, 0, rounded[i].value);
        assert_int_equal(out, rounded[i].code);
    }
}

static void elements_of_every_integer_type(void **state) {
    static const anm_dtype types[] = {ANM_DTYPE_UINT1, ANM_DTYPE_UINT2, ANM_DTYPE_UINT3,
                                      ANM_DTYPE_UINT4, ANM_DTYPE_UINT6, ANM_DTYPE_INT4,
                                      ANM_DTYPE_INT8,  ANM_DTYPE_UINT16, ANM_DTYPE_INT64};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        unsigned char data[256] = {0};
        int bits = anm_dtype_bits(types[t]);
        int64_t low = anm_dtype_is_signed(types[t]) ? -30000 : 0;
        if (low && bits <= 16) low = -(1ll << (bits - 1));
        int64_t range = bits >= 16 ? 60000 : 1ll << bits;
        for (int i = 0; i < 29; i++) anm_element_set_int(types[t], data, i, low + i * 7 % range);
        for (int i = 0; i < 29; i++)
            assert_int_equal(anm_element_get_int(types[t], data, i), low + i * 7 % range);
    }
}

/* uint6 is a continuous bit stream: 4 values in 3 bytes, low bits first. */
static void six_bit_values_straddle_bytes(void **state) {
    unsigned char data[3] = {0};
    static const int values[4] = {0x3f, 0x01, 0x20, 0x15};
    for (int i = 0; i < 4; i++) anm_element_set_int(ANM_DTYPE_UINT6, data, i, values[i]);
    assert_int_equal(data[0], 0x3f | 0x01 << 6);
    assert_int_equal(data[1], 0x01 >> 2 | (0x20 << 4 & 0xf0));
    assert_int_equal(data[2], 0x20 >> 4 | 0x15 << 2);
}

static void arena_release_gives_back(void **state) {
    anm_arena *arena = anm_arena_create();
    char *kept = anm_arena_strdup(arena, "kept");
    anm_arena_mark mark = anm_arena_get_mark(arena);
    size_t used = anm_arena_used(arena);
    for (int i = 0; i < 1000; i++) assert_non_null(anm_arena_alloc(arena, 1000));
    anm_arena_release(arena, mark);
    assert_int_equal(anm_arena_used(arena), used);
    assert_string_equal(kept, "kept");
    assert_null(anm_arena_array(arena, SIZE_MAX / 2, 3));
    anm_arena_destroy(arena);
}

static void map_finds_what_was_put(void **state) {
    enum { N = 5000 };
    static char keys[N][8];
    anm_map map = {0};
    for (int i = 0; i < N; i++) {
        snprintf(keys[i], sizeof keys[i], "k%d", i);
        assert_true(anm_map_put(&map, anm_sv_from(keys[i]), (uint64_t)i));
    }
    assert_true(anm_map_put(&map, anm_sv_from("k7"), 700));
    assert_int_equal(map.len, N);
    uint64_t value = 0;
    assert_true(anm_map_get(&map, anm_sv_from("k4999"), &value));
    assert_int_equal(value, 4999);
    assert_true(anm_map_get(&map, anm_sv_from("k7"), &value));
    assert_int_equal(value, 700);
    assert_false(anm_map_get(&map, anm_sv_from("absent"), NULL));
    anm_map_free(&map);
}

static void staged_directory_appears_when_committed(void **state) {
    char root[] = "anm-test-XXXXXX", final[64], file[128];
    anm_error err;
    assert_non_null(mkdtemp(root));
    snprintf(final, sizeof final, "%s/x.mlpackage", root);
    anm_staged_dir *dir;
    assert_ok(anm_staged_dir_open(final, &dir, &err), &err);
    snprintf(file, sizeof file, "%s/data", anm_staged_dir_path(dir));
    assert_ok(anm_file_write(file, "abc", 3, &err), &err);
    assert_false(anm_path_exists(final));
    assert_ok(anm_staged_dir_commit(dir, &err), &err);
    snprintf(file, sizeof file, "%s/data", final);
    assert_true(anm_path_exists(file));

    /* An aborted rewrite leaves the old content and no temporary. */
    assert_int_equal(anm_dir_create("", &err), ANM_ERROR_ARGUMENT);
    /* Two writers of one path do not share, or remove, what the other has staged. */
    anm_staged_dir *other;
    assert_ok(anm_staged_dir_open(final, &dir, &err), &err);
    assert_ok(anm_staged_dir_open(final, &other, &err), &err);
    assert_string_not_equal(anm_staged_dir_path(dir), anm_staged_dir_path(other));
    anm_staged_dir_abort(other);
    assert_true(anm_path_is_dir(anm_staged_dir_path(dir)));
    anm_staged_dir_abort(dir);
    assert_ok(anm_staged_dir_open(final, &dir, &err), &err);
    anm_staged_dir_abort(dir);
    anm_arena *arena = anm_arena_create();
    char **names;
    size_t count;
    assert_ok(anm_dir_list(arena, root, &names, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_string_equal(names[0], "x.mlpackage");
    anm_arena_destroy(arena);
    assert_ok(anm_path_remove(root, &err), &err);
    assert_false(anm_path_exists(root));
}

static void errors_name_the_file(void **state) {
    anm_error err;
    anm_mapping mapping;
    assert_int_equal(anm_mapping_open("/nonexistent/file", &mapping, &err), ANM_ERROR_NOT_FOUND);
    assert_string_equal(err.where, "/nonexistent/file");
    char text[600];
    anm_error_format(&err, text, sizeof text);
    assert_string_equal(text, "/nonexistent/file: cannot open: No such file or directory");
    anm_fail_prefix(&err, "%s", "outer");
    assert_string_equal(err.where, "outer: /nonexistent/file");
}

static void count_up(void *context, size_t i) {
    ((unsigned char *)context)[i]++;
}

static void parallel_for_visits_each_once(void **state) {
    static unsigned char seen[10000];
    anm_parallel_for(4, sizeof seen, count_up, seen);
    for (size_t i = 0; i < sizeof seen; i++) assert_int_equal(seen[i], 1);
}

typedef struct sample_options {
    size_t struct_size;
    int a, b;
} sample_options;

/* A shorter struct of an older caller, a longer one of a newer, one that was never filled. */
static void options_of_other_versions(void **state) {
    struct {
        sample_options known;
        int newer;
    } given = {{offsetof(sample_options, b), 5, 6}, 7};
    sample_options o = {sizeof o, 1, 2};
    anm_error err;
    assert_ok(anm_options_take(&o, sizeof o, NULL, &err), &err);
    assert_ok(anm_options_take(&o, sizeof o, &given, &err), &err);
    assert_int_equal(o.a, 5);
    assert_int_equal(o.b, 2);
    assert_int_equal(o.struct_size, sizeof o);
    given.known.struct_size = sizeof given;
    assert_ok(anm_options_take(&o, sizeof o, &given, &err), &err);
    assert_int_equal(o.b, 6);
    given.known.struct_size = 0;
    assert_int_equal(anm_options_take(&o, sizeof o, &given, &err), ANM_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_round_trip),
        cmocka_unit_test(half_rounds_to_nearest_even),
        cmocka_unit_test(half_bulk_equals_single),
        cmocka_unit_test(fp8_codes_come_back_and_round),
        cmocka_unit_test(elements_of_every_integer_type),
        cmocka_unit_test(six_bit_values_straddle_bytes),
        cmocka_unit_test(arena_release_gives_back),
        cmocka_unit_test(map_finds_what_was_put),
        cmocka_unit_test(staged_directory_appears_when_committed),
        cmocka_unit_test(errors_name_the_file),
        cmocka_unit_test(options_of_other_versions),
        cmocka_unit_test(parallel_for_visits_each_once),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
