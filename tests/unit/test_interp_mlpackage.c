/* SPDX-License-Identifier: MIT */
/*
 * Real bundles: those whose result is known in closed form give it; the others run without error
 * and give finite numbers. Bundles that came without weights get made-up ones.
 */
#include "tests/unit/interp_run.h"

#include "src/base/half.h"

static loaded open_bundle(const char *relative, const char *function) {
    return load_function(fixture_path(relative), function, ANM_PRECISION_FP16);
}

static void run_one(const char *bundle, const char *input, anm_dtype dtype, int64_t n, int rank,
                    void *data, const char *output, const double *expected) {
    int64_t shape[2] = {1, n};
    anm_interp_result *result;
    loaded l = open_bundle(bundle, NULL);
    anm_tensor t = make_tensor(input, dtype, rank, rank == 1 ? &n : shape, data);
    result = run_loaded(&l, &t, 1, NULL, 0);
    const anm_tensor *out = find_output(result, output);
    assert_int_equal(anm_shape_elements(out->shape, out->rank), n);
    for (int64_t i = 0; i < n; i++)
        assert_true(anm_element_get(out->dtype, out->data, i) == expected[i]);
    anm_interp_result_destroy(result);
    unload(&l);
}

static void linear_function(void **state) {
    float in[4] = {1, 2, 3, 4};
    run_one("mlmodelc/test-linear", "input", ANM_DTYPE_FP32, 4, 2, in, "output",
            (const double[]){3, 5, 7, 9});
}

static void subnormal_halves(void **state) {
    float in[5] = {0};
    const double unit = 0x1p-24;
    run_one("mlmodelc/export-fp16-subnormal", "input", ANM_DTYPE_FP32, 5, 1, in, "output",
            (const double[]){unit, 168 * unit, 1023 * unit, 1024 * unit, -168 * unit});
}

static void product(void **state) {
    uint16_t x[10], y[10];
    loaded l = open_bundle("mlmodelc/coremltools-add", NULL);
    for (int i = 0; i < 10; i++) {
        x[i] = anm_half_from_float((float)i);
        y[i] = anm_half_from_float((float)(3 - i));
    }
    anm_tensor in[2] = {make_tensor("x", ANM_DTYPE_FP16, 2, (int64_t[]){1, 10}, x),
                        make_tensor("y", ANM_DTYPE_FP16, 2, (int64_t[]){1, 10}, y)};
    anm_interp_result *result = run_loaded(&l, in, 2, NULL, 0);
    const anm_tensor *out = find_output(result, "var_3");
    assert_int_equal(out->dtype, ANM_DTYPE_FP16);
    for (int i = 0; i < 10; i++)
        assert_true(anm_element_get(out->dtype, out->data, i) == i * (3 - i));
    anm_interp_result_destroy(result);
    unload(&l);
}

static void argmax_and_score(void **state) {
    uint16_t logits[1025];
    loaded l = open_bundle("mlmodelc/fluid-argmax", NULL);
    for (int i = 0; i < 1025; i++) logits[i] = anm_half_from_float((float)((i * 37) % 1024) / 64);
    logits[700] = logits[701] = anm_half_from_float(31.5f); /* the first of equals */
    anm_tensor in = make_tensor("logits", ANM_DTYPE_FP16, 1, (int64_t[]){1025}, logits);
    anm_interp_result *result = run_loaded(&l, &in, 1, NULL, 0);
    const anm_tensor *index = find_output(result, "index"), *score = find_output(result, "score");
    assert_int_equal(anm_element_get_int(index->dtype, index->data, 0), 700);
    assert_true(anm_element_get(score->dtype, score->data, 0) == 31.5);
    anm_interp_result_destroy(result);
    unload(&l);
}

/* The same function over several lengths, in one plan. */
static void flexible_shapes(void **state) {
    loaded l = open_bundle("mlmodelc/fluid-transpose", NULL);
    for (int64_t rows = 1; rows <= 3; rows++) {
        uint16_t x[12];
        for (int i = 0; i < 12; i++) x[i] = anm_half_from_float((float)i);
        anm_tensor in = make_tensor("x", ANM_DTYPE_FP16, 3, (int64_t[]){1, rows, 4}, x);
        anm_interp_result *result = run_loaded(&l, &in, 1, NULL, 0);
        const anm_tensor *out = find_output(result, "var_4");
        assert_int_equal(out->shape[1], 4);
        assert_int_equal(out->shape[2], rows);
        for (int64_t c = 0; c < 4; c++)
            for (int64_t r = 0; r < rows; r++)
                assert_true(anm_element_get(out->dtype, out->data, c * rows + r) ==
                            (double)(r * 4 + c));
        anm_interp_result_destroy(result);
    }
    unload(&l);
}

/* Weights for a bundle without: small numbers for floats, arbitrary bits for the rest. */
static void invent_weight(anm_arena *arena, const anm_mil_literal *literal) {
    anm_mil_literal *l = (anm_mil_literal *)(uintptr_t)literal;
    size_t bytes;
    static uint32_t seed = 12345;
    if (l->type->kind != ANM_MIL_TENSOR || l->data || !l->blob_path) return;
    int64_t n = anm_mil_literal_elements(l);
    assert_true(anm_dtype_bytes(l->type->dtype, n, &bytes));
    uint8_t *data = anm_arena_alloc(arena, bytes);
    assert_non_null(data);
    for (size_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
    bool integers = anm_dtype_bits(l->type->dtype) >= 16 && !anm_dtype_is_float(l->type->dtype);
    for (int64_t i = 0; integers && i < n; i++) /* places in some table */
        anm_element_set_int(l->type->dtype, data, i, i % 64);
    for (int64_t i = 0; anm_dtype_is_float(l->type->dtype) && i < n; i++) {
        seed = seed * 1664525 + 1013904223;
        anm_element_set(l->type->dtype, data, i, ((double)(seed >> 8) / 0x1p24 - 0.5) / 8);
    }
    l->data = data;
    l->bytes = bytes;
}

static bool invent_weights(void *context, anm_mil_op *op) {
    for (size_t i = 0; i < op->attr_count; i++) invent_weight(context, op->attrs[i].literal);
    for (size_t i = 0; i < op->arg_count; i++)
        for (size_t k = 0; k < op->args[i].count; k++)
            if (op->args[i].operands[k].literal)
                invent_weight(context, op->args[i].operands[k].literal);
    return true;
}

/* Opens a bundle by its program alone: the other files of one of them are Git LFS pointers. */
static anm_package *open_program_text(const char *relative) {
    char root[] = "anm-bundle-XXXXXX", copy[64], source[256];
    anm_package *package;
    anm_error err;
    assert_non_null(mkdtemp(root));
    snprintf(copy, sizeof copy, "%s/model.mil", root);
    snprintf(source, sizeof source, "%s/model.mil", relative);
    assert_ok(anm_file_copy(fixture_path(source), copy, &err), &err);
    assert_ok(anm_package_open(root, ANM_PACKAGE_NO_WEIGHTS, &package, &err), &err);
    assert_ok(anm_path_remove(root, &err), &err);
    return package;
}

static loaded open_weightless(const char *relative) {
    loaded l = {.package = open_program_text(relative)};
    anm_error err;
    anm_mil_program *program = l.package->program;
    anm_mil_function *f = program->functions[0];
    anm_interp *none;
    assert_int_equal(anm_interp_create(f, ANM_PRECISION_FP16, &none, &err), ANM_ERROR_NOT_FOUND);
    assert_null(none);
    anm_mil_block_walk(f->body, invent_weights, program->arena);
    assert_ok(anm_interp_create(f, ANM_PRECISION_FP16, &l.interp, &err), &err);
    return l;
}

static void quantized_constant(void **state) {
    loaded l = {0};
    anm_error err;
    static const int8_t stored[4] = {-128, -1, 0, 127};
    float zero[4] = {0};
    assert_ok(anm_package_open(fixture_path("mlmodelc/export-quantized-constexpr"),
                               ANM_PACKAGE_NO_WEIGHTS, &l.package, &err),
              &err);
    anm_mil_function *f = l.package->program->functions[0];
    anm_mil_literal *data =
        (anm_mil_literal *)(uintptr_t)anm_mil_op_operand(f->body->first, "quantized_data").literal;
    data->data = stored;
    data->bytes = sizeof stored;
    assert_ok(anm_interp_create(f, ANM_PRECISION_FP16, &l.interp, &err), &err);
    anm_tensor in = make_tensor("input", ANM_DTYPE_FP32, 1, (int64_t[]){4}, zero);
    anm_interp_result *result = run_loaded(&l, &in, 1, NULL, 0);
    const anm_tensor *out = find_output(result, "output");
    const double expected[4] = {-63.5, 0, 0.5, 64};
    for (int i = 0; i < 4; i++)
        assert_true(anm_element_get(out->dtype, out->data, i) == expected[i]);
    anm_interp_result_destroy(result);
    unload(&l);
}

/* Any input of the function, unknown dimensions being `open`: token numbers or ones for integers,
 * a wave of magnitudes for floats. */
static anm_tensor invent_input(const anm_mil_value *value, int64_t open) {
    anm_tensor t = {.name = value->name, .dtype = value->type->dtype, .rank = value->type->rank};
    for (int i = 0; i < t.rank; i++)
        t.shape[i] = value->type->shape[i] < 0 ? open : value->type->shape[i];
    int64_t n = anm_shape_elements(t.shape, t.rank);
    assert_true(n > 0 && anm_dtype_bytes(t.dtype, n, &t.bytes));
    t.data = malloc(t.bytes);
    for (int64_t i = 0; i < n; i++) {
        if (anm_dtype_is_float(t.dtype))
            anm_element_set(t.dtype, t.data, i, 0.55 + sin((double)i * 0.7) / 2);
        else anm_element_set_int(t.dtype, t.data, i, strstr(t.name, "mask") ? 1 : 1 + i % 5);
    }
    return t;
}

/* Gives the first output's root mean square. */
static double run_invented(const char *name, const loaded *l, int64_t open, bool finite) {
    double first = 0;
    const anm_mil_function *f = l->package->program->functions[0];
    anm_tensor inputs[8];
    size_t outputs;
    assert_true(f->input_count <= 8);
    for (size_t i = 0; i < f->input_count; i++) inputs[i] = invent_input(f->inputs[i], open);
    anm_interp_result *result = run_loaded(l, inputs, f->input_count, NULL, 0);
    const anm_tensor *out = anm_interp_result_tensors(result, &outputs);
    for (size_t i = 0; i < outputs; i++) {
        int64_t n = anm_shape_elements(out[i].shape, out[i].rank);
        double squares = 0;
        assert_true(n > 0);
        for (int64_t k = 0; k < n; k++) {
            double x = anm_element_get(out[i].dtype, out[i].data, k);
            assert_true(isfinite(x) || !finite);
            squares += x * x;
        }
        printf("%-24s %s: %lld elements, rms %.6g\n", name, out[i].name, (long long)n,
               sqrt(squares / (double)n));
        assert_true(squares > 0 || !finite);
        if (i == 0) first = sqrt(squares / (double)n);
    }
    anm_interp_result_destroy(result);
    for (size_t i = 0; i < f->input_count; i++) free(inputs[i].data);
    return first;
}

/* A recurrent network as while_loop over lists of tensors. */
static void loops_and_lists(void **state) {
    static const char *const names[] = {"mlpackage/dtln-aec-128-part1",
                                        "mlpackage/dtln-aec-128-part1-fp16",
                                        "mlpackage/dtln-aec-128-part2-fp16"};
    double rms[3];
    for (size_t i = 0; i < 3; i++) {
        loaded l = open_bundle(names[i], NULL);
        rms[i] = run_invented(names[i], &l, 1, true);
        unload(&l);
    }
    /* The first two are one model in fp32 and in fp16. */
    assert_true(fabs(rms[0] - rms[1]) < 0.002 * rms[0]);
}

static void weightless(void **state) {
    static const char *const names[] = {"mlmodelc/minilm-l6-a", "mlmodelc/minilm-l6-b",
                                        "mlmodelc/parakeet-eou-decoder"};
    for (size_t i = 0; i < 3; i++) {
        loaded l = open_weightless(names[i]);
        /* The two minilm multiply a mask of zeros by -inf: NaN everywhere. */
        run_invented(names[i], &l, 8, i == 2);
        unload(&l);
    }
}

/* Too slow to run under sanitizers; ANM_SLOW=1 runs it. */
static void big_encoder(void **state) {
    loaded l = open_weightless("mlmodelc/whisper-tiny-encoder");
    if (getenv("ANM_SLOW")) run_invented("whisper-tiny-encoder", &l, 1, true);
    unload(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_function), cmocka_unit_test(subnormal_halves),
        cmocka_unit_test(product),         cmocka_unit_test(argmax_and_score),
        cmocka_unit_test(flexible_shapes), cmocka_unit_test(quantized_constant),
        cmocka_unit_test(loops_and_lists), cmocka_unit_test(weightless),
        cmocka_unit_test(big_encoder),
    };
    return cmocka_run_group_tests_name("interp_mlpackage", tests, NULL, NULL);
}
