/* SPDX-License-Identifier: MIT */
/*
 * Predictions of one function on inputs made here: floats in -1 .. 1, ones for integers (which are
 * places in tables, masks and sizes). A round is as many predictions as take a moment.
 */
#include "src/cli/benchpackage.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "anemone/profile.h"
#include "src/cli/benchstats.h"

enum { MOST_KINDS = 64 };
static const double round_seconds = 0.02;

typedef struct kind_time {
    const char *kind;
    double seconds;
    size_t steps;
    bool interpreted;
} kind_time;

typedef struct run {
    const package_bench *b;
    anm_program *program;
    const anm_function *f;
    anm_state *state;
    anm_tensor *inputs, *outputs;
    size_t input_count, output_count;
    anm_predict_options options;
    double load, first;
    double seconds[BENCH_MOST_REPEATS]; /* of one prediction, by round */
    size_t each;                 /* predictions of a round */
    kind_time kinds[MOST_KINDS];
    size_t kind_count;
    anm_error err;
} run;

bool bench_is_package(const char *path) {
    static const char *const files[] = {"Manifest.json", "coremldata.bin", "model.mil"};
    char file[1024];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(file, sizeof file, "%s/%s", path, files[i]);
        if (access(file, F_OK) == 0) return true;
    }
    return false;
}

static void fill(anm_tensor *t, int64_t count) {
    uint32_t seed = 1;
    for (int64_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        if (t->dtype == ANM_DTYPE_FP32)
            ((float *)t->data)[i] = (float)((double)(int32_t)seed * 0x1p-31);
        else ((int32_t *)t->data)[i] = 1;
    }
}

static const anm_tensor *shape_given(const run *r, const char *name) {
    for (size_t i = 0; i < r->b->shapes->count; i++)
        if (strcmp(r->b->shapes->names[i], name) == 0) return &r->b->shapes->tensors[i];
    return NULL;
}

/* A dimension that the interface leaves open is as small as it may be. */
static anm_status make_input(run *r, const anm_feature *feature, anm_tensor *t) {
    const anm_tensor *given = shape_given(r, feature->name);
    bool integers = feature->dtype == ANM_DTYPE_INT32 || feature->dtype == ANM_DTYPE_BOOL ||
                    feature->dtype == ANM_DTYPE_INT16 || feature->dtype == ANM_DTYPE_INT8 ||
                    feature->dtype == ANM_DTYPE_UINT8 || feature->dtype == ANM_DTYPE_UINT16;
    int64_t count = 1;
    *t = given ? *given : (anm_tensor){.rank = feature->rank};
    t->name = feature->name;
    t->dtype = integers ? ANM_DTYPE_INT32 : ANM_DTYPE_FP32;
    for (int i = 0; i < t->rank; i++) {
        if (!given) t->shape[i] = feature->shape[i] < 0 ? feature->lower[i] : feature->shape[i];
        count *= t->shape[i];
    }
    if (count < 0 || count > INT32_MAX / 4)
        return cli_raise(&r->err, ANM_ERROR_ARGUMENT, feature->name, "the input is too large");
    t->bytes = (size_t)count * 4;
    t->data = malloc(t->bytes + 1);
    if (!t->data) return cli_raise(&r->err, ANM_ERROR_MEMORY, feature->name, "out of memory");
    fill(t, count);
    return ANM_OK;
}

static anm_status make_tensors(run *r) {
    size_t inputs = anm_function_input_count(r->f);
    r->output_count = anm_function_output_count(r->f);
    r->inputs = calloc(inputs + 1, sizeof *r->inputs);
    r->outputs = calloc(r->output_count + 1, sizeof *r->outputs);
    if (!r->inputs || !r->outputs)
        return cli_raise(&r->err, ANM_ERROR_MEMORY, r->b->path, "out of memory");
    for (; r->input_count < inputs; r->input_count++) {
        const anm_feature *feature = anm_function_input(r->f, r->input_count);
        anm_status status = make_input(r, feature, &r->inputs[r->input_count]);
        if (status != ANM_OK) return status;
    }
    return ANM_OK;
}

/* What is given out is described only, not converted. */
static anm_status predict(run *r) {
    for (size_t i = 0; i < r->output_count; i++)
        r->outputs[i] = (anm_tensor){.name = anm_function_output(r->f, i)->name};
    return anm_predict(r->f, r->inputs, r->input_count, r->outputs, r->output_count, r->state,
                       &r->options, &r->err);
}

static anm_status open_run(run *r) {
    double begin = cli_seconds();
    anm_predict_options_init(&r->options);
    r->options.threads = r->b->threads;
    r->options.cpu = r->b->cpu;
    r->options.matmul_precision = r->b->matmul;
    r->options.engine = r->b->engine;
    anm_status status = anm_program_open(r->b->path, &r->program, &r->err);
    if (status != ANM_OK) return status;
    r->f = anm_program_function(r->program, r->b->function);
    if (!r->f)
        return cli_raise(&r->err, ANM_ERROR_NOT_FOUND, r->b->function,
                         "the package has no such function");
    status = anm_function_prepare_shapes(r->f, r->b->shapes->tensors, r->b->shapes->count,
                                         &r->options, &r->err);
    if (status == ANM_OK)
        status = anm_state_create(r->f, r->options.precision, &r->state, &r->err);
    r->load = cli_seconds() - begin;
    return status == ANM_OK ? make_tensors(r) : status;
}

static void add_kinds(run *r) {
    for (size_t i = 0; i < anm_function_step_count(r->f); i++) {
        anm_step_timing t = anm_function_step(r->f, i);
        size_t k = 0;
        while (k < r->kind_count && strcmp(r->kinds[k].kind, t.kind) != 0) k++;
        if (k == MOST_KINDS) continue;
        if (k == r->kind_count) r->kinds[r->kind_count++].kind = t.kind;
        r->kinds[k].seconds += 1e-9 * (double)t.nanoseconds;
        r->kinds[k].interpreted = t.interpreted;
        r->kinds[k].steps++;
    }
}

static int slowest_first(const void *a, const void *b) {
    double x = ((const kind_time *)a)->seconds, y = ((const kind_time *)b)->seconds;
    return (x < y) - (x > y);
}

static anm_status measure_round(run *r, size_t round) {
    anm_status status = ANM_OK;
    double begin = cli_seconds();
    for (size_t i = 0; i < r->each && status == ANM_OK; i++) status = predict(r);
    r->seconds[round] = (cli_seconds() - begin) / (double)r->each;
    return status;
}

static anm_status measure(run *r) {
    double begin = cli_seconds();
    anm_status status = predict(r);
    r->first = cli_seconds() - begin;
    begin = cli_seconds();
    if (status == ANM_OK) status = predict(r);
    double each = cli_seconds() - begin;
    r->each = each < round_seconds ? (size_t)(round_seconds / (each + 1e-7)) + 1 : 1;
    anm_function_profile(r->f, r->b->profile);
    for (size_t i = 0; i < r->b->repeats && status == ANM_OK; i++) {
        if (cli_interrupted()) return ANM_ERROR_CANCELLED;
        status = measure_round(r, i);
    }
    if (r->b->profile) add_kinds(r);
    qsort(r->kinds, r->kind_count, sizeof *r->kinds, slowest_first);
    return status;
}

static void print_shape(const anm_tensor *t) {
    printf("[");
    for (int i = 0; i < t->rank; i++) printf("%s%" PRId64, i ? ", " : "", t->shape[i]);
    printf("]");
}

static void print_plan(const run *r) {
    anm_plan_facts facts;
    char workspace[32], copied[32];
    if (!anm_function_plan(r->f, &facts)) {
        puts("no plan: the interpreter runs it");
        return;
    }
    printf("%zu steps in %zu phases, %zu in the interpreter, workspace %s, constants copied %s\n",
           facts.steps, facts.phases, facts.fallbacks,
           cli_size((double)facts.workspace, workspace, sizeof workspace),
           cli_size((double)facts.copied, copied, sizeof copied));
}

static void print_kinds(const run *r) {
    double all = 0, predictions = (double)(r->each * r->b->repeats);
    for (size_t i = 0; i < r->kind_count; i++) all += r->kinds[i].seconds;
    printf("\n%-28s %6s %12s %8s\n", "kind", "steps", "us", "share");
    for (size_t i = 0; i < r->kind_count; i++) {
        const kind_time *k = &r->kinds[i];
        printf("%-28s %6zu %12.1f %6.1f %%%s\n", k->kind, k->steps, 1e6 * k->seconds / predictions,
               100 * k->seconds / (all > 0 ? all : 1), k->interpreted ? "  (interpreter)" : "");
    }
}

static void print_table(run *r) {
    double time = bench_median(r->seconds, r->b->repeats);
    double spread = bench_spread(r->seconds, r->b->repeats);
    printf("function %s:", anm_function_name(r->f));
    for (size_t i = 0; i < r->input_count; i++) {
        printf("%s %s ", i ? "," : "", r->inputs[i].name);
        print_shape(&r->inputs[i]);
    }
    putchar('\n');
    print_plan(r);
    printf("load %.4f s, first prediction %.4f s after it\n\n", r->load, r->first);
    printf("predict %12.3f ms  +-%4.1f %%  %10.1f a second\n", 1e3 * time, spread, 1 / time);
    if (r->kind_count) print_kinds(r);
}

static void print_json(run *r) {
    double time = bench_median(r->seconds, r->b->repeats);
    double spread = bench_spread(r->seconds, r->b->repeats);
    double predictions = (double)(r->each * r->b->repeats);
    json_t *kinds = json_array();
    anm_plan_facts facts = {0};
    int planned = anm_function_plan(r->f, &facts);
    for (size_t i = 0; i < r->kind_count; i++)
        json_array_append_new(
            kinds, json_pack("{s:s, s:i, s:f, s:b}", "kind", r->kinds[i].kind, "steps",
                             (int)r->kinds[i].steps, "microseconds",
                             1e6 * r->kinds[i].seconds / predictions, "interpreter",
                             r->kinds[i].interpreted));
    json_t *root = json_pack("{s:s, s:b, s:I, s:I, s:f, s:f, s:f, s:f, s:o}", "function",
                             anm_function_name(r->f), "plan", planned, "steps",
                             (json_int_t)facts.steps, "interpreter", (json_int_t)facts.fallbacks,
                             "load_seconds", r->load, "first_seconds", r->first,
                             "seconds_per_prediction", time, "spread_percent", spread, "kinds",
                             kinds);
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

static void close_run(run *r) {
    for (size_t i = 0; r->inputs && i < anm_function_input_count(r->f); i++)
        free(r->inputs[i].data);
    free(r->inputs);
    free(r->outputs);
    anm_state_destroy(r->state);
    anm_program_close(r->program);
    free(r);
}

int bench_package(const package_bench *b) {
    run *r = calloc(1, sizeof *r);
    if (!r) return ANM_ERROR_MEMORY;
    r->b = b;
    cli_catch_interrupt();
    anm_status status = open_run(r);
    if (status == ANM_OK) status = measure(r);
    cli_release_interrupt();
    int code = 0;
    if (status == ANM_ERROR_CANCELLED) code = CLI_INTERRUPTED;
    else if (status != ANM_OK) code = cli_fail(&r->err);
    else if (b->json) print_json(r);
    else print_table(r);
    close_run(r);
    return code;
}
