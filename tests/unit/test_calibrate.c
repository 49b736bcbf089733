/* SPDX-License-Identifier: MIT */
/* Calibration of the demo model, and what conversion makes of it. */
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>

#include "anemone/convert.h"
#include "src/base/arena.h"
#include "src/base/dtype.h"
#include "src/base/file.h"
#include "src/convert/calibrate.h"
#include "src/convert/hessian.h"
#include "src/hf/checkpoint.h"
#include "src/interp/constexpr.h"
#include "src/package/package.h"

#define DEMO ANM_TEST_SOURCE_ROOT "/models/demo"
#define TEXT "test_calibrate.txt"
#define OUT "test_calibrate.out"

static const char text[] =
    "<|im_start|>user\nWho are you?<|im_end|>\n<|im_start|>assistant\nI am a very small model."
    "<|im_end|>\nOnce there was a fox named Mila. She lived near the river and liked to sing.\n";

static int write_text(void **state) {
    anm_error err;
    return anm_file_write(TEXT, text, sizeof text - 1, &err) == ANM_OK ? 0 : 1;
}

static anm_calibration *calibrate(int64_t tokens) {
    anm_calibration *c;
    anm_error err;
    assert_ok(anm_calibration_open(DEMO, TEXT, tokens, &c, &err), &err);
    assert_ok(anm_calibration_measure(c, &err), &err);
    return c;
}

typedef struct seen {
    const char *name;
    double square, peak;
    int64_t rows;
} seen;

/* The mean square of input 3, summed apart. */
static anm_status see_linear(void *context, const char *weight, const float *x, int64_t rows,
                             int64_t columns, anm_error *err) {
    seen *s = context;
    if (strcmp(weight, s->name) != 0) return ANM_OK;
    for (int64_t r = 0; r < rows; r++) {
        double v = (double)x[r * columns + 3];
        s->square += v * v;
    }
    s->rows += rows;
    return ANM_OK;
}

static anm_status see_value(void *context, const char *name, const float *x, int64_t rows,
                            int64_t columns, anm_error *err) {
    seen *s = context;
    for (int64_t i = 0; strcmp(name, "model.layers.2.inner") == 0 && i < rows * columns; i++)
        s->peak = fmax(s->peak, fabs((double)x[i]));
    return ANM_OK;
}

static void means_and_peaks_are_those_of_the_pass(void **state) {
    anm_error err;
    anm_calibration *c = calibrate(0);
    seen s = {.name = "model.layers.2.mlp.down_proj.weight"};
    anm_forward_hooks hooks = {.context = &s, .linear = see_linear, .value = see_value};
    assert_ok(anm_calibration_run(c, &hooks, &err), &err);
    const double *squares = anm_calibration_squares(c, s.name, 512);
    assert_non_null(squares);
    assert_int_equal(s.rows, anm_calibration_tokens(c));
    assert_true(fabs(squares[3] - s.square / (double)s.rows) <= 1e-9 * squares[3]);
    assert_null(anm_calibration_squares(c, s.name, 511));
    assert_null(anm_calibration_squares(c, "model.layers.2.mlp_norm.weight", 192));
    /* The head is tied: its input is known by the embedding's name. */
    assert_non_null(anm_calibration_squares(c, "model.embed_tokens.weight", 192));
    double peak = -1;
    for (size_t i = 0; i < anm_calibration_peak_count(c); i++)
        if (strcmp(anm_calibration_peak(c, i)->name, "model.layers.2.inner") == 0)
            peak = anm_calibration_peak(c, i)->value;
    assert_true(peak == s.peak && peak > 0);
    anm_calibration_close(c);
}

static void budgets_are_kept(void **state) {
    anm_calibration *c = calibrate(5);
    assert_int_equal(anm_calibration_tokens(c), 5);
    anm_calibration_close(c);
    c = calibrate(1 << 20); /* all there are */
    assert_in_range(anm_calibration_tokens(c), 30, 200);
    anm_calibration_close(c);
}

static void texts_without_tokens_are_refused(void **state) {
    anm_calibration *c;
    anm_error err;
    assert_ok(anm_file_write("test_calibrate.empty", "", 0, &err), &err);
    assert_int_equal(anm_calibration_open(DEMO, "test_calibrate.empty", 0, &c, &err),
                     ANM_ERROR_ARGUMENT);
    assert_null(c);
    assert_int_equal(anm_calibration_open(DEMO, "no such file", 0, &c, &err), ANM_ERROR_NOT_FOUND);
    assert_int_equal(anm_calibration_open(DEMO, TEXT, -1, &c, &err), ANM_ERROR_ARGUMENT);
}

static void convert_demo(bool calibrated, bool feedback) {
    anm_convert_options options;
    anm_error err;
    anm_convert_options_init(&options);
    options.lut_ffn = (anm_convert_lut){2, 16};
    options.calibrate = calibrated ? TEXT : NULL;
    options.lut_feedback = feedback;
    assert_ok(anm_path_remove(OUT, &err), &err);
    assert_ok(anm_convert(DEMO, OUT, &options, NULL, &err), &err);
}

/* Squared error of a palettized weight, each column weighted, or of what it gives for inputs. */
static double error_of(const anm_package *p, const char *tensor, const double *squares,
                       const anm_hessian *h) {
    char name[200] = "model_";
    anm_error err;
    anm_tensor got;
    const anm_weight *weight;
    anm_checkpoint *checkpoint;
    const anm_mil_op *op = p->program->functions[0]->body->first;
    snprintf(name, sizeof name, "model_%s_palettized", tensor);
    for (char *s = name; *s; s++)
        if (*s == '.') *s = '_';
    while (op && (!op->output_count || strcmp(op->outputs[0]->name, name) != 0)) op = op->next;
    assert_non_null(op);
    anm_arena *arena = anm_arena_create();
    assert_ok(anm_constexpr_eval(op, NULL, arena, &got, &err), &err);
    assert_ok(anm_checkpoint_open(DEMO, &checkpoint, &err), &err);
    assert_ok(anm_checkpoint_require(checkpoint, tensor, &weight, &err), &err);
    const anm_tensor *t = weight->tensor;
    double error = 0, row[512];
    int64_t n = t->shape[1];
    for (int64_t r = 0; r < t->shape[0]; r++) {
        for (int64_t i = 0; i < n; i++)
            row[i] = anm_element_get(t->dtype, t->data, r * n + i) -
                     anm_element_get(ANM_DTYPE_FP16, got.data, r * n + i);
        for (int64_t i = 0; i < n && squares; i++) error += squares[i] * row[i] * row[i];
        for (int64_t i = 0; i < n && h; i++)
            for (int64_t k = i; k < n; k++)
                error += (k > i ? 2 : 1) * (double)h->matrix[i * n + k] * row[i] * row[k];
    }
    anm_checkpoint_close(checkpoint);
    anm_arena_destroy(arena);
    return error;
}

static const char *const tensors[] = {
    "model.layers.0.self_attn.q_proj.weight", "model.layers.3.self_attn.o_proj.weight",
    "model.layers.1.mlp.gate_proj.weight", "model.layers.5.mlp.down_proj.weight"};

/* Tables are optimal for the error that counts, so no other table has less of it. */
static void calibrated_tables_have_less_weighted_error(void **state) {
    double before[4], after[4];
    anm_error err;
    anm_calibration *c = calibrate(0);
    for (int calibrated = 0; calibrated < 2; calibrated++) {
        anm_package *p;
        convert_demo(calibrated, false);
        assert_ok(anm_package_open(OUT "/qwen_FFN_PF_lut2_chunk_01of01.mlpackage", 0, &p, &err),
                  &err);
        for (int i = 0; i < 4; i++) {
            const double *squares = anm_calibration_squares(c, tensors[i], i == 3 ? 512 : 192);
            assert_non_null(squares);
            (calibrated ? after : before)[i] = error_of(p, tensors[i], squares, NULL);
        }
        anm_package_close(p);
    }
    for (int i = 0; i < 4; i++) {
        printf("%s: %.4g, calibrated %.4g\n", tensors[i], before[i], after[i]);
        assert_true(after[i] < before[i]);
    }
    anm_calibration_close(c);
}

typedef struct gathering {
    const char *name;
    anm_hessian *h;
} gathering;

static anm_status gather(void *context, const char *weight, const float *x, int64_t rows,
                         int64_t columns, anm_error *err) {
    gathering *g = context;
    return strcmp(weight, g->name) == 0 ? anm_hessian_add(g->h, x, rows, err) : ANM_OK;
}

/* The error of the outputs falls, though that of the weights rises; twice the same bytes. */
static void feedback_makes_outputs_better(void **state) {
    char *data[3];
    size_t size[3];
    double error[2][4];
    anm_error err;
    anm_calibration *c = calibrate(0);
    anm_arena *arena = anm_arena_create();
    for (int round = 0; round < 3; round++) {
        anm_package *p;
        convert_demo(true, round > 0);
        assert_ok(anm_package_open(OUT "/qwen_FFN_PF_lut2_chunk_01of01.mlpackage", 0, &p, &err),
                  &err);
        assert_ok(anm_file_read(arena, OUT "/qwen_FFN_PF_lut2_chunk_01of01.mlpackage/Data/"
                                "com.apple.CoreML/weights/weight.bin", 1 << 24, &data[round],
                                &size[round], &err), &err);
        for (int i = 0; i < 4 && round < 2; i++) {
            anm_hessian h;
            gathering g = {tensors[i], &h};
            anm_forward_hooks hooks = {.context = &g, .linear = gather};
            assert_ok(anm_hessian_init(&h, i == 3 ? 512 : 192, &err), &err);
            assert_ok(anm_calibration_run(c, &hooks, &err), &err);
            error[round][i] = error_of(p, tensors[i], NULL, &h);
            anm_hessian_free(&h);
        }
        anm_package_close(p);
    }
    for (int i = 0; i < 4; i++) {
        printf("%s: %.4g, with feedback %.4g\n", tensors[i], error[0][i], error[1][i]);
        assert_true(error[1][i] < 0.8 * error[0][i]);
    }
    assert_int_equal(size[1], size[0]);
    assert_int_equal(size[2], size[1]);
    assert_memory_equal(data[2], data[1], size[1]);
    anm_arena_destroy(arena);
    anm_calibration_close(c);
}

static void feedback_needs_a_text(void **state) {
    anm_convert_options options;
    anm_error err;
    anm_convert_options_init(&options);
    options.lut_ffn.bits = 4;
    options.lut_feedback = 1;
    assert_int_equal(anm_convert(DEMO, "test_calibrate.bad", &options, NULL, &err),
                     ANM_ERROR_ARGUMENT);
    assert_string_equal(err.where, "lut_feedback");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_and_peaks_are_those_of_the_pass),
        cmocka_unit_test(budgets_are_kept),
        cmocka_unit_test(texts_without_tokens_are_refused),
        cmocka_unit_test(calibrated_tables_have_less_weighted_error),
        cmocka_unit_test(feedback_makes_outputs_better),
        cmocka_unit_test(feedback_needs_a_text),
    };
    return cmocka_run_group_tests(tests, write_text, NULL);
}
