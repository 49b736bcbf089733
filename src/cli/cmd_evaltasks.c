/* SPDX-License-Identifier: MIT */
/* anemone eval tasks: multiple choice, by group and in all. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "anemone/eval.h"
#include "src/cli/evalline.h"
#include "src/cli/modelarg.h"

typedef struct evaluation {
    eval_line line;
    json_t *groups; /* name -> [items, correct, correct_normalised] */
    json_t *items;  /* with --items; else NULL */
} evaluation;

static void count_up(json_t *counts, size_t index, bool yes) {
    json_t *n = json_array_get(counts, index);
    json_integer_set(n, json_integer_value(n) + yes);
}

static json_t *json_item(const anm_eval_item *item) {
    json_t *values = json_array();
    for (size_t i = 0; i < item->choice_count; i++)
        json_array_append_new(values, eval_number(item->log_likelihoods[i]));
    return json_pack("{s:I, s:s, s:I, s:I, s:I, s:o, s:b}", "line", (json_int_t)item->line, "group",
                     item->group, "answer", (json_int_t)item->answer, "picked",
                     (json_int_t)item->picked, "picked_normalised",
                     (json_int_t)item->picked_normalised, "log_likelihoods", values, "truncated",
                     item->truncated);
}

static void on_item(void *context, const anm_eval_item *item) {
    evaluation *e = context;
    json_t *counts = json_object_get(e->groups, item->group);
    if (!counts) {
        counts = json_pack("[i,i,i]", 0, 0, 0);
        json_object_set_new(e->groups, item->group, counts);
    }
    count_up(counts, 0, true);
    count_up(counts, 1, item->picked == item->answer);
    count_up(counts, 2, item->picked_normalised == item->answer);
    if (e->items) json_array_append_new(e->items, json_item(item));
}

static int on_progress(void *context, uint64_t done, uint64_t total, double seconds_left) {
    evaluation *e = context;
    char text[96];
    if (cli_interrupted()) return 1;
    snprintf(text, sizeof text, "%" PRIu64 " of %" PRIu64 " questions", done, total);
    eval_line_show(&e->line, text, seconds_left);
    return 0;
}

static json_t *json_share(const anm_eval_share *s) {
    return json_pack("{s:o, s:o, s:[o,o]}", "value", eval_number(s->value), "standard_error",
                     eval_number(s->standard_error), "interval_95", eval_number(s->low),
                     eval_number(s->high));
}

static json_t *json_counts(uint64_t items, uint64_t correct, uint64_t normalised) {
    anm_eval_share plain = anm_eval_proportion(correct, items);
    anm_eval_share each = anm_eval_proportion(normalised, items);
    return json_pack("{s:I, s:o, s:o}", "items", (json_int_t)items, "accuracy", json_share(&plain),
                     "accuracy_normalised", json_share(&each));
}

static uint64_t count_of(json_t *counts, size_t index) {
    return (uint64_t)json_integer_value(json_array_get(counts, index));
}

static void print_json(const evaluation *e, const char *model, const char *precision,
                       const anm_eval_tasks_result *r) {
    json_t *root = json_counts(r->items, r->correct, r->correct_normalised), *counts;
    json_t *groups = json_object();
    const char *name;
    json_object_foreach(e->groups, name, counts) json_object_set_new(
        groups, name, json_counts(count_of(counts, 0), count_of(counts, 1), count_of(counts, 2)));
    json_object_set_new(root, "model", json_string(model));
    json_object_set_new(root, "precision", json_string(precision));
    json_object_set_new(root, "truncated", json_integer((json_int_t)r->truncated));
    json_object_set_new(root, "seconds", json_real(r->seconds));
    json_object_set_new(root, "groups", groups);
    if (e->items) json_object_set(root, "questions", e->items);
    eval_print_json(root);
}

static void print_row(const char *name, uint64_t items, uint64_t correct, uint64_t normalised) {
    anm_eval_share s = anm_eval_proportion(correct, items);
    anm_eval_share n = anm_eval_proportion(normalised, items);
    printf("%-32s %6" PRIu64 "  %5.1f %% (%4.1f to %5.1f)  %5.1f %% (%4.1f to %5.1f)\n", name,
           items, 100 * s.value, 100 * s.low, 100 * s.high, 100 * n.value, 100 * n.low,
           100 * n.high);
}

static void print_text(const evaluation *e, const anm_eval_tasks_result *r) {
    json_t *counts;
    const char *name;
    printf("%-32s %6s  %-23s  %s\n", "group", "items", "accuracy (95 %)", "normalised (95 %)");
    json_object_foreach(e->groups, name, counts) if (*name)
        print_row(name, count_of(counts, 0), count_of(counts, 1), count_of(counts, 2));
    print_row("all", r->items, r->correct, r->correct_normalised);
    if (r->truncated)
        printf("%" PRIu64 " contexts were too long and lost their start\n", r->truncated);
    printf("time %.1f s\n", r->seconds);
}

static int run(const char *dir, const char *file, const char *precision, const char *matmul,
               bool json, bool items, uint64_t limit) {
    evaluation e = {.groups = json_object(), .items = items ? json_array() : NULL};
    anm_eval_tasks_options options;
    anm_eval_tasks_result result;
    anm_llm_options llm_options;
    anm_llm *llm = NULL;
    anm_error err;
    anm_llm_options_init(&llm_options);
    if (strcmp(precision, "fp32") == 0) llm_options.precision = ANM_PRECISION_FP32;
    llm_options.matmul_precision = matmul;
    anm_eval_tasks_options_init(&options);
    options.max_items = limit;
    options.progress = on_progress;
    options.on_item = on_item;
    options.callback_context = &e;
    cli_catch_interrupt();
    anm_status status = anm_llm_open(dir, &llm_options, &llm, &err);
    if (status == ANM_OK) status = anm_eval_tasks(llm, file, &options, &result, &err);
    cli_release_interrupt();
    eval_line_end(&e.line);
    if (status == ANM_OK && json) print_json(&e, anm_llm_name(llm), precision, &result);
    else if (status == ANM_OK) print_text(&e, &result);
    int code = status == ANM_OK ? 0 : cli_fail(&err);
    json_decref(e.groups);
    json_decref(e.items);
    anm_llm_close(llm);
    return status == ANM_ERROR_CANCELLED ? CLI_INTERRUPTED : code;
}

int eval_tasks(int argc, char **argv) {
    const char *file = NULL, *precision = "fp16", *matmul = NULL;
    bool json = false, items = false;
    int64_t limit = 0;
    const cli_option options[] = {
        {"tasks", 0, CLI_STRING, &file, "FILE", "questions, one JSON object a line (required)"},
        {"limit", 0, CLI_INT, &limit, "N", "no more than the first N questions"},
        {"precision", 0, CLI_STRING, &precision, "fp16|fp32", "arithmetic (default fp16)"},
        {"matmul-precision", 0, CLI_STRING, &matmul, "auto|high|medium",
         "of many rows: medium has 8 bits (default auto)"},
        {"json", 0, CLI_FLAG, &json, NULL, "print JSON"},
        {"items", 0, CLI_FLAG, &items, NULL, "with --json: every question's log-likelihoods"},
    };
    const cli_spec spec = {"eval tasks",
                           "MODEL_DIR --tasks FILE",
                           1,
                           1,
                           "Multiple choice: how often the right choice is the likeliest.",
                           "A line: {\"context\": \"2 + 2 =\", \"choices\": [\"4\", \"5\"], "
                           "\"answer\": 0, \"group\": \"sums\"}.\nNormalised: log-likelihood a "
                           "character of the choice.",
                           options,
                           sizeof options / sizeof options[0]};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code >= 0) return code;
    if (!file) return cli_usage(&spec, "--tasks is required");
    if (strcmp(precision, "fp16") != 0 && strcmp(precision, "fp32") != 0)
        return cli_usage(&spec, "--precision is fp16 or fp32, not \"%s\"", precision);
    if (items && !json) return cli_usage(&spec, "--items goes with --json");
    const char *dir;
    code = cli_model(operands[0], &dir);
    if (code >= 0) return code;
    return run(dir, file, precision, matmul, json, items, (uint64_t)limit);
}
