/* SPDX-License-Identifier: MIT */
/* How to choose tokens, when to stop. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/serve/ask.h"
#include "src/serve/fields.h"

enum { MOST_STOPS = 16 };

static anm_status take_stage(anm_ask *a, anm_error *err) {
    anm_sampling_options *o = &a->sampling;
    int64_t top_k = o->top_k, last_n = -1;
    const json_t *b = a->body;
    ANM_TRY(anm_field_float(b, "temperature", 0, 2, &o->temperature, err));
    ANM_TRY(anm_field_float(b, "top_p", 0, 1, &o->top_p, err));
    ANM_TRY(anm_field_float(b, "min_p", 0, 1, &o->min_p, err));
    ANM_TRY(anm_field_float(b, "typical_p", 0, 1, &o->typical_p, err));
    ANM_TRY(anm_field_int(b, "top_k", -1, INT32_MAX, &top_k, err));
    ANM_TRY(anm_field_float(b, "presence_penalty", -2, 2, &o->presence_penalty, err));
    ANM_TRY(anm_field_float(b, "frequency_penalty", -2, 2, &o->frequency_penalty, err));
    ANM_TRY(anm_field_float(b, "repetition_penalty", 0.01, 100, &o->repeat_penalty, err));
    ANM_TRY(anm_field_float(b, "repeat_penalty", 0.01, 100, &o->repeat_penalty, err));
    ANM_TRY(anm_field_int(b, "repeat_last_n", -1, INT32_MAX, &last_n, err));
    o->top_k = top_k > 0 ? (int)top_k : 0; /* -1 is how others say "all" */
    o->penalty_last_n = (int)last_n;
    if (o->top_p <= 0) o->top_k = 1; /* no mass at all: the likeliest alone */
    if (o->top_p <= 0) o->top_p = 1;
    return ANM_OK;
}

static anm_status take_seed(anm_ask *a, anm_error *err) {
    int64_t seed = 0;
    a->seeded = anm_field(a->body, "seed") != NULL;
    ANM_TRY(anm_field_int(a->body, "seed", INT64_MIN, INT64_MAX, &seed, err));
    a->sampling.seed = (uint64_t)seed;
    return ANM_OK;
}

static anm_status take_one_bias(const anm_ask *a, const char *key, const json_t *value,
                                anm_logit_bias *out, anm_error *err) {
    char *end;
    long id = strtol(key, &end, 10);
    if (*end || end == key || id < 0 || (size_t)id >= anm_llm_vocab_size(a->model->llm))
        return anm_fail(err, ANM_ERROR_ARGUMENT, "logit_bias", "\"%s\" is not a token id", key);
    double bias = json_number_value(value);
    if (!json_is_number(value) || !(bias >= -100 && bias <= 100))
        return anm_fail(err, ANM_ERROR_ARGUMENT, "logit_bias",
                        "the bias of token %s must be a number from -100 to 100", key);
    /* OpenAI's -100 means "never". */
    *out = (anm_logit_bias){(int32_t)id, bias == -100 ? -INFINITY : (float)bias};
    return ANM_OK;
}

static anm_status take_bias(anm_ask *a, anm_error *err) {
    const json_t *object = anm_field(a->body, "logit_bias");
    const char *key;
    json_t *value;
    size_t n = 0;
    if (!object) return ANM_OK;
    if (!json_is_object(object))
        return anm_fail(err, ANM_ERROR_ARGUMENT, "logit_bias",
                        "'logit_bias' must be an object of token ids");
    anm_logit_bias *list = ANM_ARENA_ARRAY(a->arena, anm_logit_bias, json_object_size(object) + 1);
    if (!list) return anm_fail_memory(err);
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
        ANM_TRY(take_one_bias(a, key, value, &list[n++], err));
    a->sampling.logit_bias = list;
    a->sampling.logit_bias_count = n;
    return ANM_OK;
}

static anm_status add_stop(anm_ask *a, const json_t *value, anm_error *err) {
    const char *text = json_string_value(value);
    if (!text || strlen(text) != json_string_length(value))
        return anm_fail(err, ANM_ERROR_ARGUMENT, "stop", "'stop' must be a string or several");
    if (*text) a->stops[a->stop_count++] = text; /* an empty one never comes */
    return ANM_OK;
}

static anm_status take_stops(anm_ask *a, anm_error *err) {
    const json_t *stop = anm_field(a->body, "stop");
    if (!stop) return ANM_OK;
    if (json_array_size(stop) > MOST_STOPS)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "stop", "at most %d stop strings", MOST_STOPS);
    a->stops = ANM_ARENA_ARRAY(a->arena, const char *, MOST_STOPS);
    if (!a->stops) return anm_fail_memory(err);
    if (!json_is_array(stop)) return add_stop(a, stop, err);
    for (size_t i = 0; i < json_array_size(stop); i++)
        ANM_TRY(add_stop(a, json_array_get(stop, i), err));
    return ANM_OK;
}

static anm_status take_stream(anm_ask *a, anm_error *err) {
    const json_t *options = anm_field(a->body, "stream_options");
    ANM_TRY(anm_field_bool(a->body, "stream", &a->stream, err));
    if (!options) return ANM_OK;
    if (!json_is_object(options))
        return anm_fail(err, ANM_ERROR_ARGUMENT, "stream_options",
                        "'stream_options' must be an object");
    return anm_field_bool(options, "include_usage", &a->include_usage, err);
}

/* A model whose head gives the likeliest token only can do nothing else. */
static anm_status check_head(const anm_ask *a, anm_error *err) {
    const anm_sampling_options *o = &a->sampling;
    if (anm_llm_gives_logits(a->model->llm)) return ANM_OK;
    const char *field = NULL;
    if (o->temperature != 0) field = "temperature";
    if (o->presence_penalty != 0) field = "presence_penalty";
    if (o->frequency_penalty != 0) field = "frequency_penalty";
    if (o->logit_bias_count) field = "logit_bias";
    if (a->top_logprobs >= 0) field = "logprobs";
    if (a->grammar) field = "response_format";
    if (!field) return ANM_OK;
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, field,
                    "the model \"%s\" gives only its most likely token, so '%s' cannot be served; "
                    "for that convert it without --argmax",
                    a->model->id, field);
}

anm_status anm_ask_sampling(anm_ask *a, anm_error *err) {
    anm_sampling_options_init(&a->sampling);
    a->sampling.temperature = (float)a->model->temperature;
    a->sampling.top_p = (float)a->model->top_p;
    a->sampling.top_k = a->model->top_k;
    ANM_TRY(take_stage(a, err));
    ANM_TRY(take_seed(a, err));
    ANM_TRY(take_bias(a, err));
    ANM_TRY(take_stops(a, err));
    ANM_TRY(take_stream(a, err));
    a->choices = 1;
    ANM_TRY(anm_field_int(a->body, "n", 1, ANM_MOST_CHOICES, &a->choices, err));
    return check_head(a, err);
}
