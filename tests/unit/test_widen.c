/* SPDX-License-Identifier: MIT */
/*
 * Functions for more rows, and for fewer: one call against several, one after the other, on
 * converted models of each family, by the interpreter, and by the engine on every level; and
 * functions where it would not be the same, which must be refused.
 */
#include <math.h>
#include <string.h>

#include "anemone/convert.h"
#include "src/base/file.h"
#include "src/cpu/engine.h"
#include "src/mil/text.h"
#include "src/package/package.h"
#include "src/pass/widen.h"
#include "tests/unit/function_call.h"
#include "tests/unit/testing.h"
#include "tests/unit/tiny_model.h"

#define MODEL "test_widen.hf"
#define OUT "test_widen.out"
enum { CONTEXT = 64, BATCH = 8, POSITION = 5, MOST_OUTPUTS = 64 };

static const tiny_model models[] = {
    {"qwen3", "Qwen3ForCausalLM", 64, 2, 4, 2, 16, 96, 72, .tied = true, .qk_norm = true,
     .dtype = ANM_DTYPE_BF16},
    /* As many heads as there are rows. */
    {"qwen2", "Qwen2ForCausalLM", 64, 2, 8, 4, 8, 72, 64, .tied = true, .qkv_bias = true,
     .dtype = ANM_DTYPE_BF16},
    {"llama", "LlamaForCausalLM", 48, 2, 6, 2, 8, 64, 67, .dtype = ANM_DTYPE_FP32,
     .config = "\"rope_theta\": 10000"},
};

static anm_wide_input role_of(const char *name) {
    static const struct {
        const char *name;
        anm_wide_input is;
    } roles[] = {{"hidden_states", {.kind = ANM_WIDE_ROWS, .axis = 1}},
                 {"input_ids", {.kind = ANM_WIDE_ROWS, .axis = 1}},
                 {"x", {.kind = ANM_WIDE_ROWS, .axis = 1}},
                 {"causal_mask", {.kind = ANM_WIDE_ROWS, .axis = 2, .mask = true}},
                 {"position_ids", {.kind = ANM_WIDE_ROWS, .axis = 0, .positions = true}},
                 {"current_pos", {.kind = ANM_WIDE_POSITION}}};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(roles[i].name, name) == 0) return roles[i].is;
    return (anm_wide_input){.kind = ANM_WIDE_FIXED};
}

static void roles_of(const anm_mil_function *f, anm_wide_input *out) {
    assert_true(f->input_count <= CALL_MOST && f->body->output_count <= MOST_OUTPUTS);
    for (size_t i = 0; i < f->input_count; i++) out[i] = role_of(f->inputs[i]->name);
}

static int64_t rows_of(const anm_mil_function *f) {
    for (size_t i = 0; i < f->input_count; i++)
        if (strcmp(f->inputs[i]->name, "position_ids") == 0) return f->inputs[i]->type->shape[0];
    return 0;
}

static void fill(anm_tensor *t) {
    int64_t count = anm_shape_elements(t->shape, t->rank), columns = t->shape[t->rank - 1];
    float *f = t->data;
    int32_t *n = t->data;
    bool mask = strcmp(t->name, "causal_mask") == 0, ids = strcmp(t->name, "input_ids") == 0;
    for (int64_t k = 0; k < count; k++) {
        if (t->dtype == ANM_DTYPE_INT32) n[k] = (int32_t)(ids ? 7 * k % 61 : POSITION + k);
        else if (mask) f[k] = k % columns <= POSITION + k / columns ? 0 : -INFINITY;
        else f[k] = noise();
    }
}

/* The part of the wide input that the original's call number `index` gets. */
static anm_tensor part_of(const anm_tensor *wide, int64_t index, int64_t rows) {
    anm_wide_input role = role_of(wide->name);
    anm_tensor t = *wide;
    t.data = malloc(wide->bytes);
    assert_non_null(t.data);
    memcpy(t.data, wide->data, wide->bytes);
    if (role.kind == ANM_WIDE_POSITION) *(int32_t *)t.data += (int32_t)(index * rows);
    if (role.kind != ANM_WIDE_ROWS) return t;
    size_t outer = 1, inner = 4;
    for (int i = 0; i < role.axis; i++) outer *= (size_t)t.shape[i];
    for (int i = role.axis + 1; i < t.rank; i++) inner *= (size_t)t.shape[i];
    size_t all = inner * (size_t)t.shape[role.axis], some = inner * (size_t)rows;
    for (size_t i = 0; i < outer; i++)
        memcpy((char *)t.data + i * some,
               (const char *)wide->data + i * all + (size_t)index * some, some);
    t.shape[role.axis] = rows;
    t.bytes = outer * some;
    return t;
}

typedef struct results {
    float *values;
    size_t count, room;
} results;

static void keep(results *r, const anm_tensor *t) {
    while (r->count + t->bytes / 4 > r->room) {
        r->room = 2 * r->room + 1024;
        r->values = realloc(r->values, r->room * sizeof *r->values);
        assert_non_null(r->values);
    }
    memcpy(r->values + r->count, t->data, t->bytes);
    r->count += t->bytes / 4;
}

/* All calls of the original: outputs of rows follow each other; of others, one call's count. */
static results run_narrow(const anm_mil_function *f, const anm_mil_function *wide,
                          anm_wide_kind kind) {
    anm_interp *interp;
    anm_error err;
    results r = {0};
    function_call c = make_call(wide, fill);
    int64_t rows = rows_of(f), calls = rows_of(wide) / rows;
    assert_ok(anm_interp_create(f, ANM_PRECISION_FP32, &interp, &err), &err);
    for (int64_t i = 0; i < calls; i++) {
        anm_tensor inputs[CALL_MOST];
        anm_interp_result *result;
        size_t count;
        for (size_t k = 0; k < c.input_count; k++) inputs[k] = part_of(&c.inputs[k], i, rows);
        assert_ok(anm_interp_run(interp, inputs, c.input_count, c.states, c.state_count, &result,
                                 &err), &err);
        const anm_tensor *outputs = anm_interp_result_tensors(result, &count);
        bool counts = kind == ANM_WIDE_ROWS || (kind == ANM_WIDE_LAST && i + 1 == calls) ||
                      (kind == ANM_WIDE_FIRST && i == 0);
        for (size_t k = 0; k < count && counts; k++) keep(&r, &outputs[k]);
        anm_interp_result_destroy(result);
        for (size_t k = 0; k < c.input_count; k++) free(inputs[k].data);
    }
    for (size_t i = 0; i < c.state_count; i++) keep(&r, &c.states[i]);
    anm_interp_destroy(interp);
    free_call(&c);
    return r;
}

static results run_interp(const anm_mil_function *wide) {
    anm_interp *interp;
    anm_interp_result *result;
    anm_error err;
    results r = {0};
    size_t count;
    function_call c = make_call(wide, fill);
    assert_ok(anm_interp_create(wide, ANM_PRECISION_FP32, &interp, &err), &err);
    assert_ok(anm_interp_run(interp, c.inputs, c.input_count, c.states, c.state_count, &result,
                             &err), &err);
    const anm_tensor *outputs = anm_interp_result_tensors(result, &count);
    for (size_t i = 0; i < count; i++) keep(&r, &outputs[i]);
    for (size_t i = 0; i < c.state_count; i++) keep(&r, &c.states[i]);
    anm_interp_result_destroy(result);
    anm_interp_destroy(interp);
    free_call(&c);
    return r;
}

static results run_engine(const anm_mil_function *wide, anm_isa isa) {
    anm_engine_options o = {.isa = isa, .state_dtype = ANM_DTYPE_FP32, .threads = 2,
                            .validate = true};
    anm_engine *engine;
    anm_engine_result *result;
    anm_pool *pool;
    anm_error err;
    results r = {0};
    size_t count;
    function_call c = make_call(wide, fill);
    assert_ok(anm_pool_create(2, &pool, &err), &err);
    assert_ok(anm_engine_create(wide, c.inputs, c.input_count, &o, &engine, &err), &err);
    assert_ok(anm_engine_run(engine, pool, c.inputs, c.input_count, c.states, c.state_count,
                             &result, &err), &err);
    const anm_tensor *outputs = anm_engine_result_tensors(result, &count, NULL);
    for (size_t i = 0; i < count; i++) keep(&r, &outputs[i]);
    for (size_t i = 0; i < c.state_count; i++) keep(&r, &c.states[i]);
    anm_engine_result_release(result);
    anm_engine_destroy(engine);
    anm_pool_destroy(pool);
    free_call(&c);
    return r;
}

typedef struct difference {
    double worst, mean; /* in units of the root mean square; the mean is that of squares */
} difference;

static difference compare(results got, results want) {
    double worst = 0, sum = 0, squares = 0;
    assert_int_equal(got.count, want.count);
    for (size_t i = 0; i < want.count; i++) {
        double d = fabs((double)got.values[i] - want.values[i]);
        squares += (double)want.values[i] * want.values[i];
        sum += d * d;
        if (!(d <= worst)) worst = d;
    }
    double unit = sqrt(squares / (double)want.count + 1e-30);
    return (difference){worst / unit, sqrt(sum / (double)want.count) / unit};
}

/* Of the mean difference, for the arithmetic of a level: see test_engine.c. */
static double bound(anm_isa isa) {
    return isa == ANM_ISA_C ? 1e-5 : isa == ANM_ISA_AMX ? 2e-2 : 1e-3;
}

/* The function for `to` rows; and, whether that is more or fewer, one call against several. */
static void check_rows(const anm_mil_function *f, int64_t to, const char *file) {
    anm_wide_input roles[CALL_MOST];
    anm_wide_kind kinds[MOST_OUTPUTS];
    anm_flow flow;
    anm_error err;
    roles_of(f, roles);
    anm_widening widening = {.inputs = roles, .from = rows_of(f), .to = to};
    assert_ok(anm_widen(f, &widening, &flow, kinds, &err), &err);
    for (size_t i = 1; i < flow.function->body->output_count; i++)
        assert_int_equal(kinds[i], kinds[0]);
    bool more = to > rows_of(f);
    const anm_mil_function *small = more ? f : flow.function, *large = more ? flow.function : f;
    results want = run_narrow(small, large, kinds[0]), got = run_interp(large);
    double worst = compare(got, want).worst;
    if (!(worst <= 1e-6)) fail_msg("%s, %s for %d rows: %g", file, f->name, (int)to, worst);
    free(got.values);
    free(want.values);
    want = run_interp(flow.function);
    for (int isa = 0; isa < ANM_ISA_COUNT; isa++) {
        if (!anm_isa_available((anm_isa)isa)) continue;
        got = run_engine(flow.function, (anm_isa)isa);
        double mean = compare(got, want).mean;
        if (!(mean <= bound((anm_isa)isa)))
            fail_msg("%s, %s for %d rows at %s: %g", file, f->name, (int)to,
                     anm_isa_name((anm_isa)isa), mean);
        free(got.values);
    }
    free(want.values);
    anm_flow_free(&flow);
}

static void each_prefill(const char *dir, void (*visit)(const anm_mil_function *, const char *)) {
    anm_error err;
    anm_arena *arena = anm_arena_create();
    char **names;
    size_t count, seen = 0;
    assert_ok(anm_dir_list(arena, dir, &names, &count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        anm_package *package;
        const char *dot = strrchr(names[i], '.');
        if (!dot || strcmp(dot, ".mlpackage") != 0) continue;
        assert_ok(anm_package_open(anm_path_join(arena, dir, names[i]), 0, &package, &err), &err);
        for (size_t k = 0; k < package->program->function_count; k++)
            if (strcmp(package->program->functions[k]->name, "prefill") == 0) {
                visit(package->program->functions[k], names[i]);
                seen++;
            }
        anm_package_close(package);
    }
    anm_arena_destroy(arena);
    assert_true(seen > 0);
}

static void convert(const tiny_model *model, int bits, int chunks) {
    anm_convert_options options;
    anm_error err;
    anm_convert_options_init(&options);
    options.context_length = CONTEXT;
    options.batch_size = BATCH;
    options.chunks = chunks;
    options.lut_embeddings.bits = options.lut_ffn.bits = options.lut_head.bits = bits;
    tiny_model_write(model, MODEL);
    assert_ok(anm_path_remove(OUT, &err), &err);
    assert_ok(anm_convert(MODEL, OUT, &options, NULL, &err), &err);
}

static void more_and_fewer(const anm_mil_function *f, const char *file) {
    check_rows(f, 2 * BATCH, file);
    check_rows(f, 5 * BATCH, file);
    check_rows(f, BATCH / 2, file);
    check_rows(f, 2, file);
}

static void wide_calls_are_several_calls(void **state) {
    static const int bits[] = {0, 4, 6, 8};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        for (size_t k = 0; k < sizeof bits / sizeof bits[0]; k++) {
            convert(&models[i], bits[k], k == 0 ? 2 : 1);
            each_prefill(OUT, more_and_fewer);
        }
}

/* ANEMLL's own packages: 32 rows of a context of 128. */
static void three_times_and_a_quarter(const anm_mil_function *f, const char *file) {
    check_rows(f, 3 * rows_of(f), file);
    check_rows(f, rows_of(f) / 4, file);
}

static void anemll_packages_widen(void **state) {
    static const char *const sets[] = {"llama-tied/fp16", "qwen25-a/lut6", "qwen3-a/fp16-1chunk",
                                       "qwen3-a/lut4"};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        char path[200];
        snprintf(path, sizeof path, "anemll/%s/meta.yaml", sets[i]);
        snprintf(path, sizeof path, "%s", fixture_path(path));
        *strrchr(path, '/') = '\0';
        each_prefill(path, three_times_and_a_quarter);
    }
}

static void other_forms_widen(void **state) {
    anm_convert_options options;
    anm_error err;
    for (int form = 0; form < 3; form++) {
        anm_convert_options_init(&options);
        options.context_length = CONTEXT;
        options.batch_size = BATCH;
        options.monolithic = form != 2;
        options.argmax = form == 1;
        options.iso_anemll = form == 2;
        tiny_model_write(&models[0], MODEL);
        assert_ok(anm_path_remove(OUT, &err), &err);
        assert_ok(anm_convert(MODEL, OUT, &options, NULL, &err), &err);
        each_prefill(OUT, more_and_fewer);
    }
}

static void refuses(const anm_mil_function *f, int64_t from, int64_t to, const char *why) {
    anm_wide_input roles[CALL_MOST];
    anm_wide_kind kinds[MOST_OUTPUTS];
    anm_flow flow;
    anm_error err;
    roles_of(f, roles);
    anm_widening widening = {.inputs = roles, .from = from, .to = to};
    if (anm_widen(f, &widening, &flow, kinds, &err) == ANM_OK)
        fail_msg("%s is widened, though it %s", f->name, why);
    assert_int_equal(err.status, ANM_ERROR_UNSUPPORTED);
    if (!strstr(err.message, why)) fail_msg("%s: \"%s\", not: %s", f->name, err.message, why);
    assert_null(flow.program);
}

/* Beyond the window a batch of layers that see one moves the cache on by its size. */
static void windows_widen_below_only(void **state) {
    anm_convert_options options;
    anm_package *package;
    anm_error err;
    anm_convert_options_init(&options);
    options.context_length = 48;
    options.batch_size = 4;
    assert_ok(anm_path_remove(OUT, &err), &err);
    assert_ok(anm_convert(ANM_TEST_DATA "/gemma3/text", OUT, &options, NULL, &err), &err);
    assert_ok(anm_package_open(OUT "/gemma3_FFN_PF_chunk_01of01.mlpackage", 0, &package, &err),
              &err);
    const anm_mil_function *below = anm_mil_program_find(package->program, "prefill");
    const anm_mil_function *beyond = anm_mil_program_find(package->program, "prefill_rotate");
    refuses(below, 4, 12, "too few rows");
    refuses(beyond, 4, 8, "");
    anm_package_close(package);
}

/* Functions of 4 rows; `body` gives "y". */
static const struct {
    const char *name, *body, *why;
} wrong[] = {
    {"softmax",
     "tensor<fp32, [1, 4, 8]> y = softmax(axis = int32(1), x = x)[name = string(\"y\")];",
     "rows from each other"},
    {"product",
     "tensor<fp32, [1, 4, 4]> y = matmul(transpose_x = bool(false), transpose_y = bool(true), "
     "x = x, y = x)[name = string(\"y\")];",
     "multiplies rows with something else"},
    {"constant",
     "tensor<fp32, [1, 4, 1]> c = const()[name = string(\"c\"), val = tensor<fp32, [1, 4, 1]>"
     "([[[0x1p+0], [0x1p+1], [0x1p+0], [0x1p+1]]])];\n"
     "tensor<fp32, [1, 4, 8]> y = add(x = x, y = c)[name = string(\"y\")];",
     "a constant for each row"},
    {"some",
     "tensor<fp32, [1, 1, 8]> y = slice_by_index(begin = tensor<int32, [3]>([0, 2, 0]), end = "
     "tensor<int32, [3]>([1, 3, 8]), x = x)[name = string(\"y\")];",
     "takes some of the rows"},
    {"join",
     "tensor<fp32, [1, 8, 8]> y = concat(axis = int32(1), interleave = bool(false), values = "
     "(x, x))[name = string(\"y\")];",
     "joins rows with rows"},
    {"cut",
     "tensor<fp32, [2, 2, 8]> y = reshape(shape = tensor<int32, [3]>([2, 2, 8]), x = x)"
     "[name = string(\"y\")];",
     "cuts the rows apart"},
    {"position",
     "tensor<int32, [1]> c = mul(x = current_pos, y = int32(2))[name = string(\"c\")];\n"
     "tensor<fp32, [1, 4, 8]> y = identity(x = x)[name = string(\"y\")];",
     "computes with a position"},
    {"last",
     "tensor<fp32, [1, 1, 8]> l = slice_by_index(begin = tensor<int32, [3]>([0, 3, 0]), end = "
     "tensor<int32, [3]>([1, 4, 8]), x = x)[name = string(\"l\")];\n"
     "tensor<fp32, [1, 4, 8]> y = add(x = x, y = l)[name = string(\"y\")];",
     "mixes rows with something else"},
    {"unmasked",
     "tensor<fp32, [1, 16, 8]> s = read_state(input = cache)[name = string(\"s\")];\n"
     "tensor<fp32, [1, 4, 16]> p = matmul(transpose_x = bool(false), transpose_y = bool(true), "
     "x = x, y = s)[name = string(\"p\")];\n"
     "tensor<fp32, [1, 4, 16]> y = softmax(axis = int32(-1), x = p)[name = string(\"y\")];",
     "sees columns that the mask should hide"},
};

static anm_mil_program *parse(const char *name, const char *body) {
    anm_mil_program *program;
    anm_error err;
    anm_strbuf text = {0};
    anm_strbuf_printf(&text,
                      "program(1.3)\n{\n func %s<ios18>(state<tensor<fp32, [1, 16, 8]>> cache, "
                      "tensor<fp32, [1, 1, 4, 16]> causal_mask, tensor<int32, [1]> current_pos, "
                      "tensor<int32, [4]> position_ids, tensor<fp32, [1, 4, 8]> x) {\n%s\n"
                      "} -> (y);\n}\n",
                      name, body);
    assert_ok(anm_mil_text_parse(anm_strbuf_cstr(&text), text.len, name, &program, &err), &err);
    anm_strbuf_free(&text);
    return program;
}

static void rows_that_meet_are_refused(void **state) {
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        anm_mil_program *program = parse(wrong[i].name, wrong[i].body);
        refuses(program->functions[0], 4, 8, wrong[i].why);
        anm_mil_program_destroy(program);
    }
}

/* What is written at the position, and read before or after that. */
#define WRITE                                                                                      \
    "tensor<fp32, [1, 16, 8]> old = read_state(input = cache)[name = string(\"old\")];\n"          \
    "tensor<int32, [1]> zero = const()[name = string(\"zero\"), val = tensor<int32, [1]>([0])];\n" \
    "tensor<int32, [1]> to = add(x = current_pos, y = int32(4))[name = string(\"to\")];\n"         \
    "tensor<int32, [3]> begin = concat(axis = int32(0), interleave = bool(false), values = "       \
    "(zero, current_pos, zero))[name = string(\"begin\")];\n"                                      \
    "tensor<int32, [3]> end = concat(axis = int32(0), interleave = bool(false), values = "         \
    "(zero, to, zero))[name = string(\"end\")];\n"                                                 \
    "tensor<fp32, [1, 16, 8]> new = slice_update(begin = begin, end = end, end_mask = "            \
    "tensor<bool, [3]>([true, false, true]), update = x, x = old)[name = string(\"new\")];\n"      \
    "write_state(data = new, input = cache)[name = string(\"write\")];\n"
#define MIX(keys)                                                                                  \
    "tensor<fp32, [1, 4, 16]> s = matmul(transpose_x = bool(false), transpose_y = bool(true), "    \
    "x = x, y = " keys ")[name = string(\"s\")];\n"                                                \
    "tensor<fp32, [1, 1, 4, 16]> m = add(x = s, y = causal_mask)[name = string(\"m\")];\n"         \
    "tensor<fp32, [1, 1, 4, 16]> p = softmax(axis = int32(-1), x = m)[name = string(\"p\")];\n"    \
    "tensor<fp32, [1, 1, 4, 8]> y = matmul(transpose_x = bool(false), transpose_y = bool(false), " \
    "x = p, y = " keys ")[name = string(\"y\")];\n"

static void states_are_read_after_all_rows_are_written(void **state) {
    anm_mil_program *program = parse("after", WRITE MIX("new"));
    check_rows(program->functions[0], 8, "text");
    anm_mil_program_destroy(program);
    program = parse("before", WRITE MIX("old"));
    refuses(program->functions[0], 4, 8, "read before all rows are written");
    anm_mil_program_destroy(program);
}

static int clean_up(void **state) {
    anm_error err;
    anm_status a = anm_path_remove(OUT, &err), b = anm_path_remove(MODEL, &err);
    return a != ANM_OK || b != ANM_OK;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_calls_are_several_calls),
        cmocka_unit_test(anemll_packages_widen),
        cmocka_unit_test(other_forms_widen),
        cmocka_unit_test(windows_widen_below_only),
        cmocka_unit_test(rows_that_meet_are_refused),
        cmocka_unit_test(states_are_read_after_all_rows_are_written),
    };
    return cmocka_run_group_tests_name("widen", tests, NULL, clean_up);
}
