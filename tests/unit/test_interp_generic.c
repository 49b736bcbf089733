/* SPDX-License-Identifier: MIT */
/*
 * Packages that coremltools wrote of small models (an MLP, a CNN, a transformer encoder), with an
 * input and the outputs of the uncompressed PyTorch model. Compressed ones cannot agree with
 * those; they are held to what their number of bits allows.
 */
#include "tests/unit/interp_run.h"

#include "anemone/safetensors.h"

typedef struct generic_package {
    const char *name;
    double fp32_limit; /* absolute, for fp32 programs; 0: not one */
    double fp16_limit; /* of the standard deviation */
} generic_package;

/* Limits of compressed packages are the values measured, rounded up: they guard against change. */
static const generic_package packages[] = {
    {"mlp-ios15-fp32", 1e-4, 0},
    {"distilbert-ios15-fp32", 1e-4, 0},
    {"mlp-ios15-fp16", 0, 0.01},
    {"mlp-ios18-fp16", 0, 0.01},
    {"cnn-ios16-fp16", 0, 0.01},
    {"distilbert-ios16-fp16", 0, 0.01},
    {"mlp-ios16-int8", 0, 0.035},
    {"mlp-ios16-int8-asym", 0, 0.02},
    {"mlp-ios18-lut8-pertensor", 0, 0.015},
    {"mlp-ios18-lut6-pertensor", 0, 0.055},
    {"mlp-ios16-lut4-pertensor", 0, 0.18},
    {"mlp-ios18-lut4-pertensor", 0, 0.18},
    {"mlp-ios18-lut4-group8-axis1", 0, 0.26},
    {"mlp-ios18-int4-block32", 0, 0.13},
    {"mlp-ios18-lut3-pertensor", 0, 0.42},
    {"mlp-ios18-lut2-pertensor", 0, 0.65},
    {"mlp-ios18-lut1-pertensor", 0, 1.9},
};

static anm_safetensors *open_values(const char *name) {
    char relative[128];
    anm_error err;
    anm_safetensors *file;
    snprintf(relative, sizeof relative, "generic/%s.safetensors", name);
    assert_ok(anm_safetensors_open(fixture_path(relative), &file, &err), &err);
    return file;
}

/* Every tensor in_NAME, as input NAME. */
static size_t gather_inputs(const anm_safetensors *file, anm_tensor *inputs) {
    size_t n = 0;
    for (size_t i = 0; i < anm_safetensors_count(file); i++) {
        const anm_tensor *t = anm_safetensors_get(file, i);
        if (strncmp(t->name, "in_", 3) != 0) continue;
        inputs[n] = *t;
        inputs[n++].name = t->name + 3;
    }
    return n;
}

static void run_package(const generic_package *p, anm_precision precision) {
    char relative[128];
    anm_tensor inputs[4];
    anm_safetensors *file = open_values(p->name);
    snprintf(relative, sizeof relative, "generic/%s.mlpackage", p->name);
    loaded l = load_function(fixture_path(relative), NULL, precision);
    size_t n = gather_inputs(file, inputs);
    anm_interp_result *result = run_loaded(&l, inputs, n, NULL, 0);
    int compared = 0;
    for (size_t i = 0; i < anm_safetensors_count(file); i++) {
        const anm_tensor *expected = anm_safetensors_get(file, i);
        if (strncmp(expected->name, "out_", 4) != 0) continue;
        difference d = compare_tensors(find_output(result, expected->name + 4), expected);
        printf("%-28s %s %-12s largest difference %.3g, %.4f %% of std\n", p->name,
               precision == ANM_PRECISION_FP32 ? "fp32" : "fp16", expected->name + 4, d.largest,
               100 * d.largest / d.deviation);
        if (p->fp32_limit > 0) assert_true(d.largest <= p->fp32_limit);
        else assert_true(d.largest <= p->fp16_limit * d.deviation);
        compared++;
    }
    assert_true(compared > 0);
    anm_interp_result_destroy(result);
    unload(&l);
    anm_safetensors_close(file);
}

static void as_declared(void **state) {
    for (size_t i = 0; i < sizeof packages / sizeof packages[0]; i++)
        run_package(&packages[i], ANM_PRECISION_FP16);
}

static void in_fp32(void **state) {
    for (size_t i = 0; i < sizeof packages / sizeof packages[0]; i++)
        run_package(&packages[i], ANM_PRECISION_FP32);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_declared), cmocka_unit_test(in_fp32)};
    return cmocka_run_group_tests_name("interp_generic", tests, NULL, NULL);
}
