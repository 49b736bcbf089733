/* SPDX-License-Identifier: MIT */
/*
 * The fast engine against the interpreter's fp32 arithmetic: every function of converted models, on
 * every level of instructions that the machine has, with one to three threads, with many, and with
 * each pass left out.
 */
#include <math.h>
#include <string.h>

#include "anemone/convert.h"
#include "src/base/file.h"
#include "src/cpu/engine.h"
#include "src/package/package.h"
#include "src/pass/pass.h"
#include "tests/unit/function_call.h"
#include "tests/unit/testing.h"
#include "tests/unit/tiny_model.h"

#define MODEL "test_engine.hf"
#define OUT "test_engine.out"
enum { BATCH = 8 };

/* Of the packages that are converted, and of calls. */
static int context = 24, position = 9;

static const tiny_model models[] = {
    {"qwen3", "Qwen3ForCausalLM", 64, 2, 4, 2, 16, 96, 72, .tied = true, .qk_norm = true,
     .dtype = ANM_DTYPE_BF16},
    {"qwen2", "Qwen2ForCausalLM", 64, 2, 4, 2, 16, 72, 64, .tied = true, .qkv_bias = true,
     .dtype = ANM_DTYPE_BF16},
    {"llama", "LlamaForCausalLM", 48, 2, 6, 2, 8, 64, 67, .dtype = ANM_DTYPE_FP32,
     .config = "\"rope_theta\": 10000"},
};

static void fill(anm_tensor *t) {
    int64_t count = anm_shape_elements(t->shape, t->rank);
    int64_t rows = t->rank > 1 ? t->shape[t->rank - 2] : 1;
    float *f = t->data;
    int32_t *i = t->data;
    bool mask = strcmp(t->name, "causal_mask") == 0, at = strcmp(t->name, "current_pos") == 0;
    bool tokens = strcmp(t->name, "input_ids") == 0;
    for (int64_t k = 0; k < count; k++) {
        if (t->dtype == ANM_DTYPE_INT32)
            i[k] = tokens ? 9 + (int32_t)k : at ? position : (int32_t)(position + k);
        else if (mask) f[k] = k % context <= position + k / context % rows ? 0 : -INFINITY;
        else f[k] = noise();
    }
}

/* Places as numbers: their bits would be floats next to 0. */
static void put(const anm_tensor *t, float *to) {
    const int32_t *ints = t->data;
    memcpy(to, t->data, t->bytes);
    for (size_t i = 0; t->dtype == ANM_DTYPE_INT32 && i < t->bytes / 4; i++) to[i] = (float)ints[i];
}

/* Outputs one after the other, then the states: what a run leaves. */
static float *leave(const anm_tensor *outputs, size_t count, const function_call *c,
                    size_t *length) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) n += outputs[i].bytes / 4;
    for (size_t i = 0; i < c->state_count; i++) n += c->states[i].bytes / 4;
    float *all = malloc(n * sizeof *all + 1), *at = all;
    assert_non_null(all);
    for (size_t i = 0; i < count; i++) {
        put(&outputs[i], at);
        at += outputs[i].bytes / 4;
    }
    for (size_t i = 0; i < c->state_count; i++) {
        memcpy(at, c->states[i].data, c->states[i].bytes);
        at += c->states[i].bytes / 4;
    }
    *length = n;
    return all;
}

static float *run_reference(const anm_mil_function *f, size_t *length) {
    anm_interp *interp;
    anm_interp_result *result;
    anm_error err;
    size_t count;
    function_call c = make_call(f, fill);
    assert_ok(anm_interp_create(f, ANM_PRECISION_FP32, &interp, &err), &err);
    assert_ok(anm_interp_run(interp, c.inputs, c.input_count, c.states, c.state_count, &result,
                             &err), &err);
    const anm_tensor *outputs = anm_interp_result_tensors(result, &count);
    float *all = leave(outputs, count, &c, length);
    anm_interp_result_destroy(result);
    anm_interp_destroy(interp);
    free_call(&c);
    return all;
}

static int team; /* threads of the pool; 0: those that the plan is for */

static float *run_engine(const anm_mil_function *f, const anm_engine_options *options,
                         size_t *length) {
    anm_engine *engine;
    anm_engine_result *result;
    anm_pool *pool;
    anm_error err;
    size_t count;
    function_call c = make_call(f, fill);
    assert_ok(anm_pool_create(team ? team : options->threads, &pool, &err), &err);
    anm_status status = anm_engine_create(f, c.inputs, c.input_count, options, &engine, &err);
    if (status == ANM_ERROR_UNSUPPORTED && options->skip) { /* shapes that nobody worked out */
        anm_pool_destroy(pool);
        free_call(&c);
        return NULL;
    }
    assert_ok(status, &err);
    assert_true(anm_engine_fits(engine, c.inputs, c.input_count));
    assert_ok(anm_engine_run(engine, pool, c.inputs, c.input_count, c.states, c.state_count,
                             &result, &err), &err);
    const anm_tensor *outputs = anm_engine_result_tensors(result, &count, NULL);
    float *all = leave(outputs, count, &c, length);
    anm_engine_result_release(result);
    anm_engine_destroy(engine);
    anm_pool_destroy(pool);
    free_call(&c);
    return all;
}

/* Largest difference in units of the root mean square. */
static double distance(const float *got, const float *want, size_t n) {
    double worst = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        squares += (double)want[i] * want[i];
        double d = fabs((double)got[i] - want[i]);
        if (!(d <= worst)) worst = d;
    }
    return worst / sqrt(squares / (double)n + 1e-30);
}

static void check_function(const anm_mil_function *f, const anm_engine_options *options,
                           double most, const char *what) {
    size_t n, m;
    float *got = run_engine(f, options, &m);
    if (!got) return;
    float *want = run_reference(f, &n);
    assert_int_equal(n, m);
    double worst = distance(got, want, n);
    if (!(worst <= most))
        fail_msg("%s, %s at %s, %d threads, without %s: %g > %g", what, f->name,
                 anm_isa_name(options->isa), options->threads,
                 options->skip ? options->skip : "nothing", worst, most);
    free(want);
    free(got);
}

typedef void (*visit_fn)(const anm_mil_function *f, const char *file);

static void each_function(visit_fn visit) {
    anm_error err;
    anm_arena *arena = anm_arena_create();
    char **names;
    size_t count;
    assert_ok(anm_dir_list(arena, OUT, &names, &count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        anm_package *package;
        const char *dot = strrchr(names[i], '.');
        if (!dot || strcmp(dot, ".mlpackage") != 0) continue;
        assert_ok(anm_package_open(anm_path_join(arena, OUT, names[i]), 0, &package, &err), &err);
        for (size_t k = 0; k < package->program->function_count; k++)
            visit(package->program->functions[k], names[i]);
        anm_package_close(package);
    }
    anm_arena_destroy(arena);
}

static int argmax; /* of the packages that are converted */

static void convert(const tiny_model *model, int bits) {
    anm_convert_options options;
    anm_error err;
    anm_convert_options_init(&options);
    options.context_length = context;
    options.batch_size = BATCH;
    options.argmax = argmax;
    options.lut_embeddings.bits = options.lut_ffn.bits = options.lut_head.bits = bits;
    tiny_model_write(model, MODEL);
    assert_ok(anm_path_remove(OUT, &err), &err);
    assert_ok(anm_convert(MODEL, OUT, &options, NULL, &err), &err);
}

/*
 * The C level multiplies in fp32: rounding alone. Others use 16-bit integers, 5e-5 of the norms
 * for one product; matrix tiles use bf16, 2^-9 for each factor.
 */
static double bound(anm_isa isa) {
    return isa == ANM_ISA_C ? 2e-5 : isa == ANM_ISA_AMX ? 3e-2 : 2e-3;
}

static void on_every_level(const anm_mil_function *f, const char *file) {
    for (int isa = 0; isa < ANM_ISA_COUNT; isa++) {
        if (!anm_isa_available((anm_isa)isa)) continue;
        for (int threads = 1; threads <= 3; threads++) {
            anm_engine_options o = {.isa = (anm_isa)isa, .state_dtype = ANM_DTYPE_FP32,
                                    .threads = threads, .validate = true};
            check_function(f, &o, bound((anm_isa)isa), file);
        }
    }
}

/* Both factors in 8 bits: 3.3 times as coarse as bf16 (docs/kernels.md). */
static void in_8_bits(const anm_mil_function *f, const char *file) {
    anm_engine_options o = {.isa = anm_isa_best(), .matmul = ANM_MATMUL_MEDIUM,
                            .state_dtype = ANM_DTYPE_FP32, .threads = 2, .validate = true};
    check_function(f, &o, 0.1, file);
}

static void without_each_pass(const anm_mil_function *f, const char *file) {
    const anm_pass *pass;
    for (size_t i = 0; (pass = anm_pass_at(i)); i++) {
        anm_engine_options o = {.isa = ANM_ISA_C, .state_dtype = ANM_DTYPE_FP32, .threads = 1,
                                .skip = pass->name, .validate = true};
        check_function(f, &o, bound(ANM_ISA_C), file);
    }
    anm_engine_options none = {.isa = ANM_ISA_C, .state_dtype = ANM_DTYPE_FP32, .threads = 2,
                               .skip = "all", .validate = true};
    check_function(f, &none, bound(ANM_ISA_C), file);
}

static void models_on_every_level(void **state) {
    static const int bits[] = {0, 4, 6, 8};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        for (size_t k = 0; k < sizeof bits / sizeof bits[0]; k++) {
            convert(&models[i], bits[k]);
            each_function(on_every_level);
            each_function(in_8_bits);
        }
}

static void with_many_threads(const anm_mil_function *f, const char *file) {
    static const int counts[] = {1, 2, 3, 5, 8, 17, 33};
    const anm_isa levels[] = {ANM_ISA_C, anm_isa_best()};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        for (int k = 0; k < 2; k++) {
            anm_engine_options o = {.isa = levels[k], .state_dtype = ANM_DTYPE_FP32,
                                    .threads = counts[i], .validate = true};
            check_function(f, &o, bound(levels[k]), file);
        }
}

/* While another caller has the pool, a plan for three threads is run by one: to the same bits. */
static void with_a_smaller_team(const anm_mil_function *f, const char *file) {
    anm_engine_options o = {.isa = anm_isa_best(), .state_dtype = ANM_DTYPE_FP32, .threads = 3};
    size_t n, m;
    float *three = run_engine(f, &o, &n);
    for (team = 1; team <= 2; team++) {
        float *fewer = run_engine(f, &o, &m);
        assert_int_equal(n, m);
        if (memcmp(three, fewer, n * sizeof *three) != 0)
            fail_msg("%s, %s: %d of three threads give other bits", file, f->name, team);
        free(fewer);
    }
    team = 0;
    free(three);
}

/* More threads than key heads, than rows, than rows of weights; a context that is cut in ranges. */
static void any_number_of_threads(void **state) {
    static const tiny_model one_head = {"llama", "LlamaForCausalLM", 48, 1, 4, 1, 8, 40, 67,
                                        .dtype = ANM_DTYPE_FP32,
                                        .config = "\"rope_theta\": 10000"};
    int old_context = context, old_position = position;
    context = 1000;
    position = 900;
    convert(&models[0], 4);
    each_function(with_many_threads);
    each_function(with_a_smaller_team);
    convert(&one_head, 0);
    each_function(with_many_threads);
    each_function(with_a_smaller_team);
    context = old_context;
    position = old_position;
}

static void passes_change_nothing(void **state) {
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        convert(&models[i], 4);
        each_function(without_each_pass);
    }
}

/* Where the greatest logits are and they themselves, which nothing else sees. */
static void winners_stay(void **state) {
    static const int bits[] = {0, 4};
    argmax = 1;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        convert(&models[i], bits[i % 2]);
        each_function(without_each_pass);
    }
    each_function(with_many_threads);
    each_function(with_a_smaller_team);
    argmax = 0;
}

/* The decoder has no op left that the interpreter must run but those that find the last token. */
static void decoders_are_fused(const anm_mil_function *f, const char *file) {
    anm_engine *engine;
    anm_error err;
    function_call c = make_call(f, fill);
    anm_engine_options o = {.isa = ANM_ISA_C, .threads = 1};
    assert_ok(anm_engine_create(f, c.inputs, c.input_count, &o, &engine, &err), &err);
    size_t most = strcmp(f->name, "prefill") == 0 ? 1 : 0;
    if (anm_engine_get_facts(engine).fallbacks > most)
        fail_msg("%s, %s: %zu ops are left to the interpreter", file, f->name,
                 anm_engine_get_facts(engine).fallbacks);
    anm_engine_destroy(engine);
    free_call(&c);
}

static void everything_is_fused(void **state) {
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        convert(&models[i], 0);
        each_function(decoders_are_fused);
    }
}

static int clean_up(void **state) {
    anm_error err;
    anm_status a = anm_path_remove(OUT, &err), b = anm_path_remove(MODEL, &err);
    return a != ANM_OK || b != ANM_OK;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_on_every_level),
        cmocka_unit_test(any_number_of_threads),
        cmocka_unit_test(passes_change_nothing),
        cmocka_unit_test(winners_stay),
        cmocka_unit_test(everything_is_fused),
    };
    return cmocka_run_group_tests_name("engine", tests, NULL, clean_up);
}
