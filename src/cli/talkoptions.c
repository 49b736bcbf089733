/* SPDX-License-Identifier: MIT */
/* The options of `chat` and `run`: their table, their values, what the library gets of them. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/cli/talk.h"

void talk_settings_init(talk_settings *s) {
    *s = (talk_settings){.precision = "fp16",
                         .top_p = 1,
                         .typical = 1,
                         .repeat_penalty = 1,
                         .penalty_last_n = 64,
                         .max_tokens = -1,
                         .logprobs = -1};
}

void talk_options(talk_settings *s, cli_option *options) {
    const cli_option table[TALK_OPTIONS] = {
        {"system", 's', CLI_STRING, &s->system, "TEXT", "system prompt"},
        {"max-tokens", 'n', CLI_INT, &s->max_tokens, "N", "longest answer (default: the context)"},
        {"json", 0, CLI_FLAG, &s->json, NULL, "answer with a JSON object"},
        {"json-schema", 0, CLI_STRING, &s->json_schema, "FILE",
         "answer with JSON that is valid under the schema"},
        {"grammar", 0, CLI_STRING, &s->grammar, "FILE", "answer as a grammar in GBNF says"},
        {"stop", 0, CLI_LIST, &s->stops, "TEXT", "end the answer before TEXT; may be repeated"},
        {"temperature", 't', CLI_FLOAT, &s->temperature, "T", "0 (default) is greedy"},
        {"top-k", 0, CLI_INT, &s->top_k, "K", "sample from the K likeliest (default: all)"},
        {"top-p", 0, CLI_FLOAT, &s->top_p, "P",
         "sample from the likeliest with mass P (default 1)"},
        {"min-p", 0, CLI_FLOAT, &s->min_p, "P",
         "leave out what is below P times the likeliest (default 0)"},
        {"typical", 0, CLI_FLOAT, &s->typical, "P",
         "sample from the most typical with mass P (default 1)"},
        {"repeat-penalty", 0, CLI_FLOAT, &s->repeat_penalty, "R",
         "above 1, what was said becomes unlikelier (default 1)"},
        {"presence-penalty", 0, CLI_FLOAT, &s->presence_penalty, "X",
         "taken once from the logit of what was said (default 0)"},
        {"frequency-penalty", 0, CLI_FLOAT, &s->frequency_penalty, "X",
         "taken for each time that it was said (default 0)"},
        {"penalty-last-n", 0, CLI_INT, &s->penalty_last_n, "N",
         "tokens that penalties look back (default 64)"},
        {"logit-bias", 0, CLI_LIST, &s->biases, "ID=B",
         "add B to the logit of token ID; -inf forbids it; may be repeated"},
        {"seed", 0, CLI_INT, &s->seed, "N", "seed of the sampling (default 0)"},
        {"precision", 0, CLI_STRING, &s->precision, "fp16|fp32", "arithmetic (default fp16)"},
        {"matmul-precision", 0, CLI_STRING, &s->matmul, "auto|high|medium",
         "of many rows: medium has 8 bits (default auto)"},
        {"raw", 0, CLI_FLAG, &s->raw, NULL, "no chat template: continue the text"},
        {"template-arg", 0, CLI_LIST, &s->template_args, "NAME=VALUE",
         "a variable of the chat template, as JSON or text; may be repeated"},
        {"no-think", 0, CLI_FLAG, &s->no_think, NULL, "--template-arg enable_thinking=false"},
        {"stats", 0, CLI_FLAG, &s->stats, NULL, "print speed to stderr"},
    };
    memcpy(options, table, sizeof table);
}

static bool parse_bias(const char *text, anm_logit_bias *out) {
    char *end;
    errno = 0;
    long id = strtol(text, &end, 10);
    if (errno || end == text || *end != '=' || id < 0 || id > INT32_MAX) return false;
    const char *number = end + 1;
    double bias = strtod(number, &end);
    if (end == number || *end || isnan(bias)) return false;
    *out = (anm_logit_bias){(int32_t)id, (float)bias};
    return true;
}

/* What talk_check() lets pass parses. */
void talk_sampling(const talk_settings *s, anm_sampling_options *out,
                   anm_logit_bias biases[CLI_MOST_ITEMS]) {
    anm_sampling_options_init(out);
    out->temperature = (float)s->temperature;
    out->top_k = (int)s->top_k;
    out->top_p = (float)s->top_p;
    out->min_p = (float)s->min_p;
    out->typical_p = (float)s->typical;
    out->repeat_penalty = (float)s->repeat_penalty;
    out->presence_penalty = (float)s->presence_penalty;
    out->frequency_penalty = (float)s->frequency_penalty;
    out->penalty_last_n = (int)s->penalty_last_n;
    out->seed = (uint64_t)s->seed;
    out->logit_bias = biases;
    while (out->logit_bias_count < s->biases.count &&
           parse_bias(s->biases.items[out->logit_bias_count], &biases[out->logit_bias_count]))
        out->logit_bias_count++;
}

/* A value that is JSON is that; anything else is text, so that quotes can be left away. */
static bool add_argument(json_t *object, const char *text) {
    const char *equal = strchr(text, '=');
    if (!equal || equal == text) return false;
    char *name = strndup(text, (size_t)(equal - text));
    json_t *value = json_loads(equal + 1, JSON_DECODE_ANY, NULL);
    if (!value) value = json_string(equal + 1);
    bool ok = name && value && json_object_set_new(object, name, value) == 0;
    free(name);
    return ok;
}

char *talk_template_json(const talk_settings *s) {
    json_t *object = json_object();
    if (s->no_think) json_object_set_new(object, "enable_thinking", json_false());
    for (size_t i = 0; i < s->template_args.count; i++)
        add_argument(object, s->template_args.items[i]);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

static int check_lists(const cli_spec *spec, const talk_settings *s) {
    anm_logit_bias bias;
    for (size_t i = 0; i < s->biases.count; i++)
        if (!parse_bias(s->biases.items[i], &bias))
            return cli_usage(spec, "--logit-bias takes ID=NUMBER, not \"%s\"", s->biases.items[i]);
    for (size_t i = 0; i < s->stops.count; i++)
        if (!*s->stops.items[i]) return cli_usage(spec, "--stop needs a text");
    json_t *object = json_object();
    int code = -1;
    for (size_t i = 0; i < s->template_args.count && code < 0; i++)
        if (!add_argument(object, s->template_args.items[i]))
            code = cli_usage(spec, "--template-arg takes NAME=VALUE, not \"%s\"",
                             s->template_args.items[i]);
    json_decref(object);
    return code;
}

/* The library knows the ranges; its options have the names of the command's. */
static int check_sampling(const cli_spec *spec, const talk_settings *s) {
    anm_sampling_options options;
    anm_logit_bias biases[CLI_MOST_ITEMS];
    anm_sampler *sampler;
    anm_error err;
    talk_sampling(s, &options, biases);
    if (anm_sampler_create(&options, &sampler, &err) != ANM_OK)
        return cli_usage(spec, "--%s %s", err.where, err.message);
    anm_sampler_destroy(sampler);
    return -1;
}

int talk_check(const cli_spec *spec, const talk_settings *s) {
    if (strcmp(s->precision, "fp16") != 0 && strcmp(s->precision, "fp32") != 0)
        return cli_usage(spec, "--precision is fp16 or fp32, not \"%s\"", s->precision);
    if (s->top_k > INT32_MAX) return cli_usage(spec, "--top-k is too large");
    if (s->logprobs > INT32_MAX) return cli_usage(spec, "--logprobs is too large");
    if (s->draft_tokens > INT32_MAX) return cli_usage(spec, "--draft-tokens is too large");
    if (s->penalty_last_n > INT32_MAX) return cli_usage(spec, "--penalty-last-n is too large");
    if (s->json + (s->json_schema != NULL) + (s->grammar != NULL) > 1)
        return cli_usage(spec, "only one of --json, --json-schema and --grammar can be followed");
    int code = check_lists(spec, s);
    return code < 0 ? check_sampling(spec, s) : code;
}
