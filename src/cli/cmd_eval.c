/* SPDX-License-Identifier: MIT */
/* anemone eval: perplexity of a model, two models compared; the other kinds are found here. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "anemone/eval.h"
#include "src/cli/evalline.h"
#include "src/cli/modelarg.h"

typedef struct settings {
    const char *text, *precision, *reference_precision, *matmul;
    int64_t context, stride, max_tokens;
    bool documents, json;
} settings;

enum { COMMON_OPTIONS = 8 };

static void common_options(settings *s, cli_option *options) {
    const cli_option table[COMMON_OPTIONS] = {
        {"text", 0, CLI_STRING, &s->text, "FILE", "the text, UTF-8 (required)"},
        {"documents", 0, CLI_FLAG, &s->documents, NULL,
         "<|endoftext|> ends a document; each is scored by itself"},
        {"context", 'c', CLI_INT, &s->context, "N", "tokens of a window (default: the model's)"},
        {"stride", 0, CLI_INT, &s->stride, "N",
         "by which windows advance (default: half the context)"},
        {"max-tokens", 'n', CLI_INT, &s->max_tokens, "N", "score no more than N tokens"},
        {"precision", 0, CLI_STRING, &s->precision, "fp16|fp32", "arithmetic (default fp16)"},
        {"matmul-precision", 0, CLI_STRING, &s->matmul, "auto|high|medium",
         "of many rows: medium has 8 bits (default auto)"},
        {"json", 0, CLI_FLAG, &s->json, NULL, "print JSON"},
    };
    memcpy(options, table, sizeof table);
}

static bool is_precision(const char *text) {
    return strcmp(text, "fp16") == 0 || strcmp(text, "fp32") == 0;
}

static int check(const cli_spec *spec, settings *s) {
    if (!s->text) return cli_usage(spec, "--text is required");
    if (!s->reference_precision) s->reference_precision = s->precision;
    if (!is_precision(s->precision))
        return cli_usage(spec, "--precision is fp16 or fp32, not \"%s\"", s->precision);
    if (!is_precision(s->reference_precision))
        return cli_usage(spec, "--reference-precision is fp16 or fp32, not \"%s\"",
                         s->reference_precision);
    return -1;
}

static int on_progress(void *context, const anm_eval_progress *p) {
    char text[128];
    if (cli_interrupted()) return 1;
    snprintf(text, sizeof text, "%" PRIu64 " of %" PRIu64 " tokens, perplexity %.3f", p->scored,
             p->to_score, exp(p->nll));
    eval_line_show(context, text, p->seconds_left);
    return 0;
}

typedef struct evaluation {
    settings settings;
    anm_eval_model *models[2];
    anm_eval_text *text;
    anm_eval_options options;
    eval_line line;
    anm_error err;
} evaluation;

static anm_status open_model(evaluation *e, const char *dir, const char *precision,
                             anm_eval_model **out) {
    anm_llm_options options;
    anm_llm_options_init(&options);
    if (strcmp(precision, "fp32") == 0) options.precision = ANM_PRECISION_FP32;
    options.matmul_precision = e->settings.matmul;
    return anm_eval_model_open(dir, &options, out, &e->err);
}

/* What is printed: a checkpoint is computed in fp32 whatever was asked for packages. */
static const char *arithmetic(const evaluation *e, size_t index) {
    if (!anm_eval_model_llm(e->models[index])) return "checkpoint in fp32";
    return index || !e->models[1] ? e->settings.precision : e->settings.reference_precision;
}

static anm_status open_text(evaluation *e) {
    const anm_tokenizer *tokenizer = anm_eval_model_tokenizer(e->models[0]);
    if (tokenizer)
        return anm_eval_text_read(tokenizer, e->settings.text, e->settings.documents, &e->text,
                                  &e->err);
    e->err = (anm_error){.status = ANM_ERROR_NOT_FOUND, .offset = ANM_NO_OFFSET};
    snprintf(e->err.where, sizeof e->err.where, "%s", anm_eval_model_name(e->models[0]));
    snprintf(e->err.message, sizeof e->err.message,
             "there is no tokenizer.json in the directory");
    return ANM_ERROR_NOT_FOUND;
}

static void start(evaluation *e) {
    anm_eval_options_init(&e->options);
    e->options.context = (size_t)e->settings.context;
    e->options.stride = (size_t)e->settings.stride;
    e->options.max_tokens = (uint64_t)e->settings.max_tokens;
    e->options.progress = on_progress;
    e->options.callback_context = &e->line;
    cli_catch_interrupt();
}

static int finish(evaluation *e, anm_status status) {
    int code = 0;
    cli_release_interrupt();
    if (status != ANM_OK) code = cli_fail(&e->err);
    if (status == ANM_ERROR_CANCELLED) code = CLI_INTERRUPTED;
    anm_eval_text_free(e->text);
    for (size_t i = 0; i < 2; i++) anm_eval_model_close(e->models[i]);
    return code;
}

static json_t *json_score(const anm_eval_score *s) {
    return json_pack("{s:f, s:o, s:[o,o], s:f, s:[o,o], s:o}", "nll", s->nll, "standard_error",
                     eval_number(s->standard_error), "nll_95", eval_number(s->nll_low),
                     eval_number(s->nll_high), "perplexity", s->perplexity, "perplexity_95",
                     eval_number(s->perplexity_low), eval_number(s->perplexity_high),
                     "bits_per_byte", eval_number(s->bits_per_byte));
}

/* What was done: the same for one model and for two. */
static json_t *json_run(const evaluation *e, const anm_eval_result *r) {
    return json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "text", e->settings.text,
                     "documents_mode", e->settings.documents, "documents", (json_int_t)r->documents,
                     "context", (json_int_t)r->context, "stride", (json_int_t)r->stride, "windows",
                     (json_int_t)r->windows, "tokens", (json_int_t)r->tokens, "evaluated",
                     (json_int_t)r->evaluated, "bytes", (json_int_t)r->bytes, "seconds",
                     r->seconds);
}

static json_t *json_model(const evaluation *e, size_t index, const anm_eval_score *score) {
    json_t *o = json_score(score);
    json_object_set_new(o, "model", json_string(anm_eval_model_name(e->models[index])));
    json_object_set_new(o, "precision", json_string(arithmetic(e, index)));
    return o;
}

static void print_run(const anm_eval_result *r) {
    printf("tokens        %" PRIu64 " scored in %" PRIu64 " document%s, %" PRIu64
           " window%s of %zu, stride %zu\n",
           r->tokens, r->documents, r->documents == 1 ? "" : "s", r->windows,
           r->windows == 1 ? "" : "s", r->context, r->stride);
}

static void print_speed(const anm_eval_result *r) {
    printf("time          %.1f s, %.1f tokens/s scored (%" PRIu64 " evaluated)\n", r->seconds,
           r->seconds > 0 ? (double)r->tokens / r->seconds : 0, r->evaluated);
}

static void print_perplexity(const anm_eval_score *s) {
    printf("%.4f", s->perplexity);
    if (isfinite(s->perplexity_low))
        printf("  (95 %%: %.4f to %.4f)", s->perplexity_low, s->perplexity_high);
    putchar('\n');
}

static void print_value(const char *label, double value, double error) {
    printf("%-13s %.5g", label, value);
    if (isfinite(error)) printf(" +- %.2g", error);
    putchar('\n');
}

static void print_result(const anm_eval_result *r) {
    print_run(r);
    printf("perplexity    ");
    print_perplexity(&r->score);
    print_value("NLL", r->score.nll, r->score.standard_error);
    if (isfinite(r->score.bits_per_byte))
        printf("bits per byte %.4f over %" PRIu64 " bytes\n", r->score.bits_per_byte, r->bytes);
    print_speed(r);
}

static int run_perplexity(int argc, char **argv) {
    evaluation e = {.settings = {.precision = "fp16"}};
    cli_option options[COMMON_OPTIONS];
    common_options(&e.settings, options);
    const cli_spec spec = {"eval perplexity",
                           "MODEL_DIR --text FILE",
                           1,
                           1,
                           "Perplexity of a converted model on a text, by overlapping windows.",
                           "Every token but a document's first is scored once, with at least "
                           "context - stride\ntokens before it. NLL is in nats a token, +- its "
                           "standard error.",
                           options,
                           COMMON_OPTIONS};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code < 0) code = check(&spec, &e.settings);
    const char *dir;
    if (code < 0) code = cli_model(operands[0], &dir);
    if (code >= 0) return code;
    anm_eval_result result;
    start(&e);
    anm_status status = open_model(&e, dir, e.settings.precision, &e.models[0]);
    if (status == ANM_OK) status = open_text(&e);
    if (status == ANM_OK)
        status = anm_eval_model_perplexity(e.models[0], e.text, &e.options, &result, &e.err);
    eval_line_end(&e.line);
    if (status == ANM_OK && e.settings.json) {
        json_t *root = json_run(&e, &result);
        json_object_update_new(root, json_model(&e, 0, &result.score));
        eval_print_json(root);
    } else if (status == ANM_OK) {
        print_result(&result);
    }
    return finish(&e, status);
}

static json_t *json_comparison(const evaluation *e, const anm_eval_comparison *c) {
    json_t *root = json_run(e, &c->reference);
    json_object_set_new(root, "reference", json_model(e, 0, &c->reference.score));
    json_object_set_new(root, "other", json_model(e, 1, &c->other.score));
    json_object_set_new(root, "kl",
                        json_pack("{s:f, s:o, s:f, s:f}", "mean", c->kl, "standard_error",
                                  eval_number(c->kl_standard_error), "p99", c->kl_p99, "max",
                                  c->kl_max));
    json_object_set_new(root, "top1_agreement", json_real(c->top1_agreement));
    json_object_set_new(root, "nll_difference",
                        json_pack("{s:f, s:o}", "mean", c->nll_difference, "standard_error",
                                  eval_number(c->nll_difference_standard_error)));
    json_object_set_new(root, "perplexity_difference",
                        json_pack("{s:f, s:o}", "value", c->perplexity_difference, "standard_error",
                                  eval_number(c->perplexity_difference_standard_error)));
    return root;
}

static void print_comparison(const evaluation *e, const anm_eval_comparison *c) {
    print_run(&c->reference);
    printf("reference     %s, %s\n", anm_eval_model_name(e->models[0]), arithmetic(e, 0));
    printf("  perplexity  ");
    print_perplexity(&c->reference.score);
    printf("other         %s, %s\n", anm_eval_model_name(e->models[1]), arithmetic(e, 1));
    printf("  perplexity  ");
    print_perplexity(&c->other.score);
    print_value("  difference", c->perplexity_difference, c->perplexity_difference_standard_error);
    print_value("NLL differs", c->nll_difference, c->nll_difference_standard_error);
    print_value("KL", c->kl, c->kl_standard_error);
    printf("  99 %% below  %.3g, largest %.3g\n", c->kl_p99, c->kl_max);
    printf("same top-1    %.3f %%\n", 100 * c->top1_agreement);
    print_speed(&c->reference);
}

static int run_compare(int argc, char **argv) {
    evaluation e = {.settings = {.precision = "fp16"}};
    cli_option options[COMMON_OPTIONS + 1];
    common_options(&e.settings, options);
    options[COMMON_OPTIONS] = (cli_option){
        "reference-precision",           0,           CLI_STRING,
        &e.settings.reference_precision, "fp16|fp32", "of REFERENCE_DIR (default: as --precision)"};
    const cli_spec spec = {"eval compare",
                           "REFERENCE_DIR MODEL_DIR --text FILE",
                           2,
                           2,
                           "How far a converted model is from another one of the same "
                           "vocabulary, or from a\ncheckpoint, which is computed in fp32 from its "
                           "weights.",
                           "KL(reference || model) in nats, share of equal likeliest tokens, both "
                           "perplexities\nand their paired difference, +- standard errors.",
                           options,
                           COMMON_OPTIONS + 1};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code < 0) code = check(&spec, &e.settings);
    const char *a, *b;
    if (code < 0) code = cli_model(operands[0], &a);
    if (code < 0) code = cli_model(operands[1], &b);
    if (code >= 0) return code;
    anm_eval_comparison result;
    start(&e);
    anm_status status = open_model(&e, a, e.settings.reference_precision, &e.models[0]);
    if (status == ANM_OK) status = open_model(&e, b, e.settings.precision, &e.models[1]);
    if (status == ANM_OK) status = open_text(&e);
    if (status == ANM_OK)
        status = anm_eval_model_compare(e.models[0], e.models[1], e.text, &e.options, &result,
                                        &e.err);
    eval_line_end(&e.line);
    if (status == ANM_OK && e.settings.json) eval_print_json(json_comparison(&e, &result));
    else if (status == ANM_OK) print_comparison(&e, &result);
    return finish(&e, status);
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} kinds[] = {
    {"perplexity", run_perplexity, "of a model on a text"},
    {"compare", run_compare, "a model with a reference: KL, top-1, perplexity"},
    {"tasks", eval_tasks, "multiple choice"},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void print_help(FILE *stream) {
    fputs("Usage: anemone eval KIND [options]\n\nMeasures converted models.\n\nKinds:\n", stream);
    for (int i = 0; i < KINDS; i++)
        fprintf(stream, "  %-11s %s\n", kinds[i].name, kinds[i].summary);
    fputs("\n`anemone eval KIND --help` tells more.\n", stream);
}

int cmd_eval(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return 0;
    }
    for (int i = 0; i < KINDS; i++)
        if (strcmp(argv[1], kinds[i].name) == 0) return kinds[i].run(argc - 1, argv + 1);
    fprintf(stderr, "anemone eval: no kind \"%s\"; see `anemone eval --help`\n", argv[1]);
    return CLI_USAGE;
}
