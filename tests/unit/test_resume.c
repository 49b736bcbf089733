/* SPDX-License-Identifier: MIT */
/*
 * Conversions that are stopped and go on: what is kept, what is made again, what is refused.
 * tests/resume/ kills the command at any moment.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "anemone/convert.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/lockfile.h"
#include "tests/unit/testing.h"
#include "tests/unit/tiny_model.h"

#define MODEL "test_resume.hf"
#define WEIGHTS MODEL "/model.safetensors"
#define OUT "test_resume.out"
#define OTHER "test_resume.other"
#define STAGE OUT "/.anemone-convert"
#define HEAD OUT "/qwen_lm_head.mlpackage"

static const tiny_model qwen = {
    "qwen3", "Qwen3ForCausalLM", 48, 2, 4, 2, 16, 64, 75,
    .qk_norm = true, .dtype = ANM_DTYPE_BF16, .config = "\"rope_theta\": 1e6",
};

static anm_convert_options small_options(void) {
    anm_convert_options options;
    anm_convert_options_init(&options);
    options.context_length = 24;
    options.batch_size = 8;
    return options;
}

static int fresh(void **state) {
    anm_error err;
    tiny_model_write(&qwen, MODEL);
    assert_ok(anm_path_remove(OUT, &err), &err);
    assert_ok(anm_path_remove(OTHER, &err), &err);
    return 0;
}

/* Converts and gives how many packages were kept of how many. */
static void expect_kept(const anm_convert_options *options, size_t kept, size_t all) {
    anm_convert_report *report;
    anm_error err;
    size_t found = 0, packages = 0;
    assert_ok(anm_convert(MODEL, OUT, options, &report, &err), &err);
    for (size_t i = 0; i < anm_convert_report_part_count(report); i++) {
        const anm_convert_part *part = anm_convert_report_part(report, i);
        packages += strstr(part->file, ".mlpackage") != NULL;
        found += part->kept != 0;
    }
    anm_convert_report_free(report);
    assert_int_equal(found, kept);
    assert_int_equal(packages, all);
}

static void expect_error(const anm_convert_options *options, anm_status status,
                         const char *where, const char *message) {
    anm_error err;
    assert_int_equal(anm_convert(MODEL, OUT, options, NULL, &err), status);
    if (!strstr(err.where, where)) fail_msg("\"%s\" does not name %s", err.where, where);
    if (!strstr(err.message, message)) fail_msg("\"%s\" lacks \"%s\"", err.message, message);
}

static void assert_same_file(anm_arena *arena, const char *a, const char *b) {
    char *x, *y;
    size_t n, m;
    anm_error err;
    assert_ok(anm_file_read(arena, a, 1 << 20, &x, &n, &err), &err);
    assert_ok(anm_file_read(arena, b, 1 << 20, &y, &m, &err), &err);
    if (n != m || memcmp(x, y, n) != 0) fail_msg("%s and %s differ", a, b);
}

static void assert_same_tree(anm_arena *arena, const char *a, const char *b) {
    char **x, **y;
    size_t n, m;
    anm_error err;
    assert_ok(anm_dir_list(arena, a, &x, &n, &err), &err);
    assert_ok(anm_dir_list(arena, b, &y, &m, &err), &err);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++) {
        const char *p = anm_path_join(arena, a, x[i]), *q = anm_path_join(arena, b, y[i]);
        assert_string_equal(x[i], y[i]);
        if (anm_path_is_dir(p)) assert_same_tree(arena, p, q);
        else assert_same_file(arena, p, q);
    }
}

/* ---- stopping ---- */

static int stop_at_zero(void *context, const anm_convert_progress *p) {
    int *left = context;
    return (*left)-- == 0;
}

/* Stopped at the n-th report of progress, converted again: the same bytes, record included. */
static void stopped_anywhere(void **state) {
    anm_convert_options options = small_options();
    anm_error err;
    options.chunks = 2;
    assert_ok(anm_convert(MODEL, OTHER, &options, NULL, &err), &err);
    options.progress = stop_at_zero;
    for (int n = 0, left = -1; left < 0; n++) {
        anm_arena *arena = anm_arena_create();
        left = n;
        options.progress_context = &left;
        anm_status status = anm_convert(MODEL, OUT, &options, NULL, &err);
        assert_true(left < 0 || status == ANM_OK); /* or it was over before */
        if (left < 0) assert_int_equal(status, ANM_ERROR_CANCELLED);
        assert_int_equal(anm_path_exists(OUT "/meta.yaml"), status == ANM_OK);
        left = status == ANM_OK ? 0 : -1;
        int never = -1;
        options.progress_context = &never;
        assert_ok(anm_convert(MODEL, OUT, &options, NULL, &err), &err);
        assert_same_tree(arena, OUT, OTHER);
        assert_ok(anm_path_remove(OUT, &err), &err);
        anm_arena_destroy(arena);
    }
}

static void finished_parts_wait_out_of_sight(void **state) {
    anm_convert_options options = small_options();
    int left = 8; /* in the decoder */
    options.progress = stop_at_zero;
    options.progress_context = &left;
    expect_error(&options, ANM_ERROR_CANCELLED, "qwen_FFN_PF", "cancelled");
    assert_false(anm_path_exists(OUT "/qwen_embeddings.mlpackage"));
    assert_true(anm_path_is_dir(STAGE "/qwen_embeddings.mlpackage"));
    assert_false(anm_path_exists(STAGE "/lock"));
    options = small_options();
    expect_kept(&options, 1, 3);
    assert_false(anm_path_exists(STAGE "/qwen_embeddings.mlpackage"));
    expect_kept(&options, 3, 3);
}

/* ---- what makes a part stale ---- */

static void options_of_one_part(void **state) {
    anm_convert_options options = small_options();
    expect_kept(&options, 0, 3);
    options.lut_ffn.bits = 4;
    expect_error(&options, ANM_ERROR_ARGUMENT, "meta.yaml", "differs");
    options.overwrite = 1;
    expect_kept(&options, 2, 3); /* a package of another name joins them */
    options.lut_ffn.group = 16;
    options.overwrite = 0;
    expect_error(&options, ANM_ERROR_ARGUMENT, "qwen_FFN_PF_lut4", "differs");
    options.overwrite = 1;
    expect_kept(&options, 2, 3);
    options.name = "another";
    expect_kept(&options, 3, 3);
    options.overwrite = 0;
    options.name = NULL;
    expect_error(&options, ANM_ERROR_ARGUMENT, "meta.yaml", "differs");
    options.lut_ffn = (anm_convert_lut){0, 0};
    options.overwrite = 1;
    expect_kept(&options, 3, 3); /* the fp16 one was still there */
}

static void options_of_all_parts(void **state) {
    anm_convert_options options = small_options();
    expect_kept(&options, 0, 3);
    options.context_length = 16;
    expect_error(&options, ANM_ERROR_ARGUMENT, "qwen_embeddings.mlpackage", "other options");
    options.overwrite = 1;
    expect_kept(&options, 0, 3);
    expect_kept(&options, 3, 3);
    options.overwrite = 0;
    options.force = 1;
    expect_kept(&options, 0, 3);
}

static void set_time(const char *path, struct timespec modified) {
    const struct timespec times[2] = {modified, modified};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

#ifdef __APPLE__
#define MODIFIED(info) (info).st_mtimespec
#else
#define MODIFIED(info) (info).st_mtim
#endif

/* Flips a bit of the last tensor's last value and, if asked, puts the time back. */
static void spoil(bool keep_time) {
    struct stat before;
    int byte;
    assert_int_equal(stat(WEIGHTS, &before), 0);
    FILE *f = fopen(WEIGHTS, "r+b");
    assert_int_equal(fseek(f, -2, SEEK_END), 0);
    byte = fgetc(f);
    assert_int_equal(fseek(f, -2, SEEK_END), 0);
    assert_int_equal(fputc(byte ^ 1, f), byte ^ 1);
    assert_int_equal(fclose(f), 0);
    if (keep_time) set_time(WEIGHTS, MODIFIED(before));
}

static void inputs_that_change(void **state) {
    anm_convert_options options = small_options();
    const struct timespec then = {1000000000, 5};
    expect_kept(&options, 0, 3);
    set_time(WEIGHTS, then);
    expect_error(&options, ANM_ERROR_ARGUMENT, "qwen_embeddings", "another checkpoint");
    options.overwrite = 1;
    expect_kept(&options, 0, 3);
    spoil(true); /* only the part that has the tensor */
    expect_kept(&options, 2, 3);
    tiny_model other = qwen;
    other.config = "\"rope_theta\": 2e6";
    tiny_model_write(&other, MODEL);
    expect_kept(&options, 0, 3);
}

static void inputs_by_all_bytes(void **state) {
    anm_convert_options options = small_options();
    const struct timespec then = {1000000000, 5};
    expect_kept(&options, 0, 3);
    options.overwrite = options.verify_inputs = 1;
    expect_kept(&options, 0, 3); /* nobody hashed them the first time */
    set_time(WEIGHTS, then);
    expect_kept(&options, 3, 3); /* whatever their time */
    spoil(true);
    expect_kept(&options, 0, 3); /* a file is one thing here */
}

/* ---- what is in the output directory ---- */

static void damaged_outputs(void **state) {
    anm_convert_options options = small_options();
    anm_error err;
    expect_kept(&options, 0, 3);
    assert_ok(anm_path_remove(HEAD "/Manifest.json", &err), &err);
    expect_error(&options, ANM_ERROR_ARGUMENT, "qwen_lm_head", "changed since");
    assert_ok(anm_path_remove(HEAD, &err), &err);
    assert_ok(anm_path_remove(OUT "/meta.yaml", &err), &err);
    expect_kept(&options, 2, 3);
    assert_true(anm_path_exists(OUT "/meta.yaml"));
    assert_ok(anm_file_write(STAGE "/parts.json", "{", 1, &err), &err);
    expect_error(&options, ANM_ERROR_ARGUMENT, "qwen_embeddings", "exists already");
    assert_ok(anm_path_remove(STAGE, &err), &err);
    expect_error(&options, ANM_ERROR_ARGUMENT, "qwen_embeddings", "exists already");
    options.overwrite = 1;
    expect_kept(&options, 0, 3);
    expect_kept(&options, 3, 3);
}

static void one_at_a_time(void **state) {
    anm_convert_options options = small_options();
    anm_lockfile lock;
    anm_error err;
    expect_kept(&options, 0, 3);
    assert_ok(anm_lockfile_take(STAGE "/lock", "it", &lock, &err), &err);
    expect_error(&options, ANM_ERROR_IO, OUT, "is in use by another process: ");
    anm_lockfile_release(&lock);
    assert_false(anm_path_exists(STAGE "/lock"));
    expect_kept(&options, 3, 3);
}

/* Overflow that was allowed once is told again, and refused again. */
static void overflow_is_remembered(void **state) {
    anm_convert_options options = small_options();
    anm_convert_report *report;
    anm_error err;
    tiny_model m = qwen;
    m.huge = "lm_head.weight";
    tiny_model_write(&m, MODEL);
    expect_error(&options, ANM_ERROR_LIMIT, m.huge, "exceed");
    options.allow_overflow = 1;
    expect_kept(&options, 2, 3);
    assert_ok(anm_convert(MODEL, OUT, &options, &report, &err), &err);
    assert_int_equal(anm_convert_report_overflow_count(report), 1);
    assert_string_equal(anm_convert_report_overflow(report, 0)->tensor, m.huge);
    assert_int_equal(anm_convert_report_overflow(report, 0)->count, 2);
    anm_convert_report_free(report);
    options.allow_overflow = 0;
    expect_error(&options, ANM_ERROR_ARGUMENT, "qwen_lm_head", "exists");
    options.overwrite = 1;
    expect_error(&options, ANM_ERROR_LIMIT, m.huge, "exceed");
    assert_true(anm_path_exists(OUT "/meta.yaml")); /* what stood there was left alone */
}

static int clean(void **state) {
    anm_error err;
    fresh(state);
    assert_ok(anm_path_remove(MODEL, &err), &err);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(stopped_anywhere, fresh),
        cmocka_unit_test_setup(finished_parts_wait_out_of_sight, fresh),
        cmocka_unit_test_setup(options_of_one_part, fresh),
        cmocka_unit_test_setup(options_of_all_parts, fresh),
        cmocka_unit_test_setup(inputs_that_change, fresh),
        cmocka_unit_test_setup(inputs_by_all_bytes, fresh),
        cmocka_unit_test_setup(damaged_outputs, fresh),
        cmocka_unit_test_setup(one_at_a_time, fresh),
        cmocka_unit_test_setup(overflow_is_remembered, fresh),
    };
    return cmocka_run_group_tests_name("resume", tests, NULL, clean);
}
