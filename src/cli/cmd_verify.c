/* SPDX-License-Identifier: MIT */
/* anemone verify: a line for each check, and a verdict. */
#include <inttypes.h>
#include <math.h>

#include "anemone/verify.h"
#include "src/cli/evalline.h"
#include "src/cli/modelarg.h"

typedef struct verification {
    const char *dir, *against, *text;
    double max_kl;
    int64_t max_tokens;
    bool json;
    eval_line line;
} verification;

static const char *const results[] = {
    [ANM_VERIFY_OK] = "ok", [ANM_VERIFY_FAILED] = "FAIL", [ANM_VERIFY_SKIPPED] = "skipped"};

static void on_check(void *context, const anm_verify_check *check) {
    verification *v = context;
    eval_line_end(&v->line);
    if (v->json) return;
    printf("%-8s%-9s%s: %s\n", results[check->result], check->name, check->subject, check->message);
    fflush(stdout);
}

static int on_progress(void *context, const anm_eval_progress *p) {
    verification *v = context;
    char text[96];
    if (cli_interrupted()) return 1;
    snprintf(text, sizeof text, "%" PRIu64 " of %" PRIu64 " tokens compared", p->scored,
             p->to_score);
    eval_line_show(&v->line, text, p->seconds_left);
    return 0;
}

static json_t *json_checks(const anm_verify_report *report) {
    json_t *list = json_array();
    const anm_verify_check *c;
    for (size_t i = 0; (c = anm_verify_report_check(report, i)); i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "result", results[c->result],
                                              "check", c->name, "subject", c->subject, "message",
                                              c->message));
    return list;
}

static json_t *json_comparison(const verification *v, const anm_verify_comparison *c) {
    const anm_eval_comparison *f = &c->figures;
    return json_pack(
        "{s:s, s:s, s:I, s:i, s:f, s:{s:f, s:o, s:f, s:f}, s:f, s:{s:f, s:f, s:f, s:o}, s:{s:I, "
        "s:I}}",
        "against", v->against, "text", c->text, "tokens", (json_int_t)f->other.tokens, "bits",
        c->bits, "max_kl", c->max_kl, "kl", "mean", f->kl, "standard_error",
        eval_number(f->kl_standard_error), "p99", f->kl_p99, "max", f->kl_max, "top1_agreement",
        f->top1_agreement, "perplexity", "checkpoint", f->reference.score.perplexity, "packages",
        f->other.score.perplexity, "difference", f->perplexity_difference, "standard_error",
        eval_number(f->perplexity_difference_standard_error), "worst", "document",
        (json_int_t)c->worst_document, "token", (json_int_t)c->worst_index);
}

static void print_json(const verification *v, const anm_verify_report *report) {
    const anm_verify_comparison *c = anm_verify_report_comparison(report);
    json_t *root = json_pack("{s:s, s:b, s:I, s:o}", "model", v->dir, "passed",
                             anm_verify_report_failed(report) == 0, "failed",
                             (json_int_t)anm_verify_report_failed(report), "checks",
                             json_checks(report));
    if (c) json_object_set_new(root, "comparison", json_comparison(v, c));
    eval_print_json(root);
}

static void print_verdict(const verification *v, const anm_verify_report *report) {
    size_t failed = anm_verify_report_failed(report);
    if (failed) printf("%s: %zu check%s failed\n", v->dir, failed, failed == 1 ? "" : "s");
    else printf("%s: all checks passed\n", v->dir);
}

static int verify(verification *v) {
    anm_verify_options options;
    anm_verify_report *report;
    anm_error err;
    anm_verify_options_init(&options);
    options.against = v->against;
    options.text = v->text;
    options.max_kl = v->max_kl;
    options.max_tokens = (uint64_t)v->max_tokens;
    options.on_check = on_check;
    options.progress = on_progress;
    options.callback_context = v;
    cli_catch_interrupt();
    anm_status status = anm_verify(v->dir, &options, &report, &err);
    cli_release_interrupt();
    eval_line_end(&v->line);
    if (status == ANM_ERROR_CANCELLED && !cli_stopped()) return CLI_INTERRUPTED;
    if (status != ANM_OK) return cli_fail(&err);
    if (v->json) print_json(v, report);
    else print_verdict(v, report);
    int code = anm_verify_report_failed(report) ? ANM_ERROR_MISMATCH : 0;
    anm_verify_report_free(report);
    return code;
}

int cmd_verify(int argc, char **argv) {
    verification v = {0};
    const cli_option options[] = {
        {"against", 0, CLI_STRING, &v.against, "MODEL_DIR",
         "compare with this checkpoint, computed in fp32 from its weights"},
        {"text", 0, CLI_STRING, &v.text, "FILE", "to compare on (default: a text of our own)"},
        {"max-tokens", 'n', CLI_INT, &v.max_tokens, "N", "compare on N tokens (default 256)"},
        {"max-kl", 0, CLI_FLOAT, &v.max_kl, "X",
         "mean KL divergence allowed (default: by the bits of the weights)"},
        {"json", 0, CLI_FLAG, &v.json, NULL, "print JSON"},
    };
    const cli_spec spec = {"verify",
                           "DIR",
                           1,
                           1,
                           "Checks a converted model: that its packages are whole and fit, and "
                           "that they\nstill are the checkpoint they were made of.",
                           "Exits with 7 if a check failed. docs/verify.md lists the checks.",
                           options,
                           5};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code >= 0) return code;
    if (!v.against && (v.text || v.max_kl > 0 || v.max_tokens))
        return cli_usage(&spec, "--text, --max-tokens and --max-kl need --against");
    code = cli_model(operands[0], &v.dir);
    if (code < 0 && v.against) code = cli_model_source(v.against, &v.against);
    return code >= 0 ? code : verify(&v);
}
