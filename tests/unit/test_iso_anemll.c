/* SPDX-License-Identifier: MIT */
/*
 * `iso_anemll`: the packages are ANEMLL's own op for op (fixtures), and compute what those with our
 * leaner graph compute.
 */
#include <math.h>
#include <string.h>

#include "anemone/convert.h"
#include "anemone/llm.h"
#include "src/base/file.h"
#include "src/package/package.h"
#include "tests/unit/testing.h"
#include "tests/unit/tiny_model.h"

#define MODEL "test_iso_anemll.hf"
#define OUT "test_iso_anemll.out"

static void convert(const char *model, const anm_convert_options *options) {
    anm_error err;
    assert_ok(anm_path_remove(OUT, &err), &err);
    assert_ok(anm_convert(model, OUT, options, NULL, &err), &err);
}

/* ---- the same programs ---- */

enum { MOST_OPS = 4096, FINAL_NORM = 5 };

/* A function's ops that compute, in order; `place` of a value: its op's number, -1 for others. */
typedef struct sequence {
    const anm_mil_function *function;
    const anm_mil_op *ops[MOST_OPS];
    int count;
    int *place; /* by value id */
} sequence;

static bool computes(const anm_mil_op *op) {
    return strcmp(op->type, "const") != 0 && strncmp(op->type, "constexpr_", 10) != 0;
}

static void read_sequence(const anm_mil_function *f, sequence *s) {
    s->function = f;
    s->count = 0;
    for (const anm_mil_op *op = f->body->first; op; op = op->next) {
        if (!computes(op)) continue;
        assert_in_range(s->count, 0, MOST_OPS - 1);
        s->ops[s->count++] = op;
    }
}

/*
 * ANEMLL 0.3.4 has Qwen's final norm at the end of every chunk of infer, which is wrong; we have it
 * once. There it stands before the last op, the use of position_ids.
 */
static void drop_final_norm(sequence *s) {
    static const char *const norm[] = {"mul", "concat", "layer_norm", "slice_by_index", "mul"};
    int first = s->count - 1 - FINAL_NORM;
    for (int i = 0; i < FINAL_NORM; i++) assert_string_equal(s->ops[first + i]->type, norm[i]);
    s->ops[first] = s->ops[s->count - 1];
    s->count = first + 1;
}

static void number(sequence *s) {
    s->place = malloc(s->function->value_count * sizeof *s->place);
    for (uint32_t i = 0; i < s->function->value_count; i++) s->place[i] = -1;
    for (int i = 0; i < s->count; i++)
        for (size_t k = 0; k < s->ops[i]->output_count; k++)
            s->place[s->ops[i]->outputs[k]->id] = i;
}

/* Inputs by name, computed values by their op's place; a weight or constant is as good as any. */
static bool same_operand(const sequence *a, const anm_mil_operand *x, const sequence *b,
                         const anm_mil_operand *y) {
    const anm_mil_value *v = x->value, *w = y->value;
    if (!v || !w) return v == w;
    if (a->place[v->id] >= 0 || b->place[w->id] >= 0) return a->place[v->id] == b->place[w->id];
    if (v->def || w->def) return v->def && w->def;
    return strcmp(v->name, w->name) == 0;
}

/* coremltools gives Llama's output projection a bias of zeros; we leave it out. */
static bool may_lack(const anm_mil_op *op, const char *argument) {
    return strcmp(op->type, "linear") == 0 && strcmp(argument, "bias") == 0;
}

static bool same_arguments(const sequence *a, const sequence *b, int i) {
    const anm_mil_op *p = a->ops[i], *q = b->ops[i];
    for (size_t k = 0; k < p->arg_count; k++) {
        const anm_mil_arg *x = &p->args[k], *y = anm_mil_op_arg(q, x->name);
        if (!y && may_lack(p, x->name)) continue;
        if (!y || x->count != y->count) return false;
        for (size_t n = 0; n < x->count; n++)
            if (!same_operand(a, &x->operands[n], b, &y->operands[n])) return false;
    }
    for (size_t k = 0; k < q->arg_count; k++)
        if (!anm_mil_op_arg(p, q->args[k].name)) return false;
    return true;
}

static bool same_outputs(const anm_mil_op *p, const anm_mil_op *q) {
    if (p->output_count != q->output_count) return false;
    for (size_t i = 0; i < p->output_count; i++)
        if (!anm_mil_type_equal(p->outputs[i]->type, q->outputs[i]->type)) return false;
    return true;
}

static const char *result(const anm_mil_op *op) {
    return op->output_count ? op->outputs[0]->name : "nothing";
}

static void assert_same_op(const char *file, const sequence *a, const sequence *b, int i) {
    const anm_mil_op *p = a->ops[i], *q = b->ops[i];
    const char *what = strcmp(p->type, q->type) != 0    ? "other type"
                       : !same_outputs(p, q)            ? "other shape"
                       : !same_arguments(a, b, i)       ? "other arguments"
                                                        : NULL;
    if (what)
        fail_msg("%s, %s, op %d: %s: ANEMLL has %s giving %s, we %s giving %s", file,
                 a->function->name, i, what, p->type, result(p), q->type, result(q));
}

static void compare_functions(const char *file, const anm_mil_function *theirs,
                              const anm_mil_function *ours, bool surplus) {
    static sequence a, b;
    assert_non_null(ours);
    read_sequence(theirs, &a);
    read_sequence(ours, &b);
    if (surplus) drop_final_norm(&a);
    number(&a);
    number(&b);
    for (int i = 0; i < a.count && i < b.count; i++) assert_same_op(file, &a, &b, i);
    if (a.count != b.count)
        fail_msg("%s, %s: ANEMLL has %d ops, we %d", file, theirs->name, a.count, b.count);
    print_message("%s, %s: %d ops\n", file, theirs->name, a.count);
    free(a.place);
    free(b.place);
}

static void compare_packages(const char *set, const char *file, bool surplus) {
    char theirs[300], ours[300];
    anm_package *a, *b;
    anm_error err;
    snprintf(theirs, sizeof theirs, "anemll/%s/%s.mlpackage/Manifest.json", set, file);
    char *path = strdup(fixture_path(theirs));
    *strrchr(path, '/') = '\0';
    snprintf(ours, sizeof ours, OUT "/%s.mlpackage", file);
    assert_ok(anm_package_open(path, 0, &a, &err), &err);
    assert_ok(anm_package_open(ours, 0, &b, &err), &err);
    assert_int_equal(a->program->function_count, b->program->function_count);
    for (size_t i = 0; i < a->program->function_count; i++) {
        const anm_mil_function *f = a->program->functions[i];
        compare_functions(file, f, anm_mil_program_find(b->program, f->name),
                          surplus && strcmp(f->name, "infer") == 0);
    }
    anm_package_close(a);
    anm_package_close(b);
    free(path);
}

typedef struct set {
    const char *model, *folder, *prefix;
    int chunks, bits;
    bool surplus; /* the final norm in chunks before the last */
} set;

static void compare_set(const set *s) {
    char folder[100], file[100], lut[16] = "", model[1100];
    anm_convert_options options;
    anm_convert_options_init(&options);
    options.context_length = 128;
    options.batch_size = 32;
    options.chunks = s->chunks;
    options.iso_anemll = 1;
    options.lut_embeddings.bits = options.lut_ffn.bits = options.lut_head.bits = s->bits;
    snprintf(file, sizeof file, "anemll/%s/hf/config.json", s->model);
    snprintf(model, sizeof model, "%s", fixture_path(file));
    *strrchr(model, '/') = '\0';
    convert(model, &options);
    if (s->bits) snprintf(lut, sizeof lut, "_lut%d", s->bits);
    snprintf(folder, sizeof folder, "%s/%s", s->model, s->folder);
    for (int i = 1; i <= s->chunks; i++) {
        snprintf(file, sizeof file, "%s_FFN_PF%s_chunk_%02dof%02d", s->prefix, lut, i, s->chunks);
        compare_packages(folder, file, s->surplus && i < s->chunks);
    }
    if (s->chunks == 1) return; /* those sets have the decoder only */
    snprintf(file, sizeof file, "%s_embeddings%s", s->prefix, lut);
    compare_packages(folder, file, false);
    snprintf(file, sizeof file, "%s_lm_head%s", s->prefix, lut);
    compare_packages(folder, file, false);
}

static void qwen3(void **state) {
    compare_set(&(set){"qwen3-a", "fp16", "qwen", 2, 0, true});
    compare_set(&(set){"qwen3-a", "fp16-1chunk", "qwen", 1, 0, false});
    compare_set(&(set){"qwen3-a", "lut4", "qwen", 2, 4, true});
}

static void qwen25(void **state) {
    compare_set(&(set){"qwen25-a", "fp16", "qwen25", 2, 0, true});
    compare_set(&(set){"qwen25-a", "lut4", "qwen25", 2, 4, true});
}

static void llama(void **state) {
    compare_set(&(set){"llama-tied", "fp16", "llama", 2, 0, false});
    compare_set(&(set){"llama-tied", "lut6", "llama", 2, 6, false});
}

/* ---- the same results ---- */

enum { CONTEXT = 24, BATCH = 8, PROMPT = 13, STEPS = 6, MOST_VOCAB = 80 };

static const tiny_model models[] = {
    {"qwen3", "Qwen3ForCausalLM", 48, 3, 4, 2, 16, 64, 75, .tied = true, .qk_norm = true,
     .dtype = ANM_DTYPE_BF16},
    {"qwen2", "Qwen2ForCausalLM", 32, 3, 4, 2, 8, 40, 64, .tied = true, .qkv_bias = true,
     .dtype = ANM_DTYPE_BF16},
    {"llama", "LlamaForCausalLM", 48, 3, 6, 2, 8, 64, 67, .dtype = ANM_DTYPE_FP32,
     .config = "\"rope_theta\": 10000"},
    /* One key head per query head, biases everywhere, a longer state. */
    {"llama", "LlamaForCausalLM", 32, 3, 4, 4, 8, 40, 64, .tied = true, .qkv_bias = true,
     .out_bias = true, .mlp_bias = true, .dtype = ANM_DTYPE_FP16,
     .config = "\"state_length\": 40"},
};
enum { MODELS = sizeof models / sizeof models[0] };

typedef struct record {
    float logits[STEPS][MOST_VOCAB];
    int32_t answer[STEPS]; /* greedy */
    size_t vocab;
} record;

/* Answers a prompt; `forced`: continues with another's answer, so that logits can be compared. */
static void answer(anm_engine_kind engine, anm_precision precision, const int32_t *forced,
                   record *out) {
    int32_t prompt[PROMPT];
    anm_error err;
    anm_llm *llm;
    anm_session *s;
    anm_llm_options options;
    anm_llm_options_init(&options);
    options.precision = precision;
    options.engine = engine;
    assert_ok(anm_llm_open(OUT, &options, &llm, &err), &err);
    assert_ok(anm_session_create(llm, &s, &err), &err);
    out->vocab = anm_llm_vocab_size(llm);
    assert_in_range(out->vocab, 1, MOST_VOCAB);
    for (int i = 0; i < PROMPT; i++) prompt[i] = (int32_t)((i * i * 7 + 3 * i + 1) % 64);
    assert_ok(anm_session_sync(s, prompt, PROMPT, &err), &err);
    for (int i = 0; i < STEPS; i++) {
        memcpy(out->logits[i], anm_session_logits(s), out->vocab * sizeof(float));
        out->answer[i] = anm_session_greedy(s);
        if (i + 1 == STEPS) break;
        assert_ok(anm_session_append(s, forced ? forced[i] : out->answer[i], &err), &err);
    }
    anm_session_destroy(s);
    anm_llm_close(llm);
}

static void compare_logits(const char *what, const record *a, const record *b, double most,
                           double most_rms) {
    double sum = 0, squares = 0, errors = 0, worst = 0, n = (double)(STEPS * a->vocab);
    for (int i = 0; i < STEPS; i++)
        for (size_t k = 0; k < a->vocab; k++) {
            double x = a->logits[i][k], d = fabs(x - (double)b->logits[i][k]);
            sum += x;
            squares += x * x;
            errors += d * d;
            worst = fmax(worst, d);
        }
    double deviation = sqrt(squares / n - sum / n * (sum / n));
    print_message("%s: worst %.4g, rms %.4g of the deviation\n", what, worst / deviation,
                  sqrt(errors / n) / deviation);
    assert_true(worst <= most * deviation && sqrt(errors / n) <= most_rms * deviation);
}

/*
 * In fp32 the graphs differ in nothing but the order of a product: three layers of some ten sums
 * each, of at most 75 terms, err by 30 * sqrt(75) * 2^-24 = 1.5e-5. In fp16 each is within 2 % of
 * the checkpoint's logits, 0.4 % rms (test_convert_logits), so within twice that of the other; the
 * fast engine too.
 */
static void check_tiny(const tiny_model *model, const anm_convert_options *given) {
    record ours, iso;
    anm_convert_options options = *given;
    tiny_model_write(model, MODEL);
    for (int fp16 = 0; fp16 < 2; fp16++) {
        anm_precision precision = fp16 ? ANM_PRECISION_FP16 : ANM_PRECISION_FP32;
        options.iso_anemll = 0;
        convert(MODEL, &options);
        answer(ANM_ENGINE_REFERENCE, precision, NULL, &ours);
        options.iso_anemll = 1;
        convert(MODEL, &options);
        answer(ANM_ENGINE_REFERENCE, precision, ours.answer, &iso);
        compare_logits(model->model_type, &ours, &iso, fp16 ? 0.04 : 1.5e-5,
                       fp16 ? 0.008 : 1.5e-5);
        if (!fp16) assert_memory_equal(iso.answer, ours.answer, sizeof iso.answer);
    }
    answer(ANM_ENGINE_FAST, ANM_PRECISION_FP16, ours.answer, &iso);
    compare_logits("fast", &ours, &iso, 0.04, 0.008);
}

static anm_convert_options small_options(void) {
    anm_convert_options options;
    anm_convert_options_init(&options);
    options.context_length = CONTEXT;
    options.batch_size = BATCH;
    options.name = "iso";
    return options;
}

static void same_answers(void **state) {
    anm_convert_options options = small_options();
    for (int i = 0; i < MODELS; i++) check_tiny(&models[i], &options);
    options.chunks = 2;
    options.batch_size = 1;
    for (int i = 0; i < MODELS; i++) check_tiny(&models[i], &options);
}

/* Rows of padding in every palettized matrix: 48 and 32 rows do not divide by 36. */
static void same_answers_padded(void **state) {
    anm_convert_options options = small_options();
    options.lut_ffn = (anm_convert_lut){8, 36};
    tiny_model model = models[3];
    model.hidden = 64; /* matrices of 2048 weights stay fp16 */
    model.head_dim = 16;
    check_tiny(&model, &options);
    model = models[0];
    model.hidden = 64;
    check_tiny(&model, &options);
}

static void refused(void **state) {
    anm_convert_options options = small_options();
    anm_error err;
    options.iso_anemll = 1;
    options.monolithic = 1;
    tiny_model_write(&models[0], MODEL);
    assert_int_equal(anm_convert(MODEL, OUT, &options, NULL, &err), ANM_ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "monolithic"));
    options.monolithic = 0;
    assert_int_equal(anm_convert(ANM_TEST_DATA "/gemma3/text", OUT, &options, NULL, &err),
                     ANM_ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "Gemma 3"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_answers), cmocka_unit_test(same_answers_padded),
        cmocka_unit_test(refused),      cmocka_unit_test(qwen3),
        cmocka_unit_test(qwen25),       cmocka_unit_test(llama),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
