/* SPDX-License-Identifier: MIT */
/* Multiple choice: which continuation of a context the model finds likeliest. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/clock.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/str.h"
#include "src/llm/eval.h"
#include "src/llm/llm.h"

enum { MOST_CHOICES = 64 };

void anm_eval_tasks_options_init(anm_eval_tasks_options *options) {
    *options = (anm_eval_tasks_options){.struct_size = sizeof *options};
}

anm_eval_share anm_eval_proportion(uint64_t correct, uint64_t count) {
    if (!count) return (anm_eval_share){NAN, NAN, NAN, NAN};
    double n = (double)count, p = (double)correct / n, z = 1.96;
    double scale = 1 + z * z / n, centre = (p + z * z / (2 * n)) / scale;
    double half = z / scale * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return (anm_eval_share){.value = p,
                            .standard_error = count > 1 ? sqrt(p * (1 - p) / (n - 1)) : NAN,
                            .low = fmax(centre - half, 0),
                            .high = fmin(centre + half, 1)};
}

/* A question; the strings belong to its JSON. */
typedef struct question {
    const char *context, *delimiter, *group;
    const char *choices[MOST_CHOICES];
    size_t count, answer;
} question;

typedef struct tasks {
    const anm_llm *llm;
    const anm_tokenizer *tokenizer;
    const anm_eval_tasks_options *options;
    anm_session *session;
    anm_eval_text *text; /* for its prefix */
    anm_token_list before, whole;
    anm_strbuf joined;
    int32_t *timeline; /* one more than the context: the last token is only asked for */
    char where[256];   /* file:line */
    anm_eval_tasks_result *result;
    anm_error *err;
} tasks;

static anm_status read_choices(tasks *t, const json_t *root, question *q) {
    const json_t *choices = json_object_get(root, "choices");
    q->count = json_array_size(choices);
    if (q->count < 2 || q->count > MOST_CHOICES)
        return anm_fail(t->err, ANM_ERROR_FORMAT, t->where,
                        "\"choices\" must be a list of 2 to %d texts", MOST_CHOICES);
    for (size_t i = 0; i < q->count; i++) {
        q->choices[i] = json_string_value(json_array_get(choices, i));
        if (!q->choices[i] || !*q->choices[i])
            return anm_fail(t->err, ANM_ERROR_FORMAT, t->where,
                            "choice %zu is not a text, or is empty", i);
    }
    return ANM_OK;
}

static anm_status read_question(tasks *t, const json_t *root, question *q) {
    int64_t answer;
    if (!json_is_object(root))
        return anm_fail(t->err, ANM_ERROR_FORMAT, t->where, "the line is not a JSON object");
    ANM_TRY(anm_json_get_string(root, "context", NULL, &q->context, t->where, t->err));
    ANM_TRY(anm_json_get_string(root, "delimiter", " ", &q->delimiter, t->where, t->err));
    ANM_TRY(anm_json_get_string(root, "group", "", &q->group, t->where, t->err));
    ANM_TRY(anm_json_get_int(root, "answer", -1, &answer, t->where, t->err));
    if (!q->context)
        return anm_fail(t->err, ANM_ERROR_FORMAT, t->where, "there is no text \"context\"");
    ANM_TRY(read_choices(t, root, q));
    if (answer < 0 || (uint64_t)answer >= q->count)
        return anm_fail(t->err, ANM_ERROR_FORMAT, t->where,
                        "\"answer\" must be the index of a choice, from 0 to %zu", q->count - 1);
    q->answer = (size_t)answer;
    return ANM_OK;
}

/* Spaces at a context's end belong to the first token of what follows. */
static size_t trimmed_length(const char *text) {
    size_t length = strlen(text);
    while (length && strchr(" \t\r\n", text[length - 1])) length--;
    return length;
}

static anm_status encode_pair(tasks *t, const question *q, size_t choice) {
    anm_strbuf_clear(&t->joined);
    anm_strbuf_puts(&t->joined, q->context);
    anm_strbuf_puts(&t->joined, q->delimiter);
    anm_strbuf_puts(&t->joined, q->choices[choice]);
    if (t->joined.failed) return anm_fail_memory(t->err);
    ANM_TRY(anm_eval_encode(t->tokenizer, q->context, trimmed_length(q->context), false, &t->before,
                            t->err));
    ANM_TRY(anm_eval_encode(t->tokenizer, t->joined.data, t->joined.len, false, &t->whole, t->err));
    if (t->whole.len > t->before.len && t->before.len + t->text->prefix_count) return ANM_OK;
    return anm_fail(t->err, ANM_ERROR_FORMAT, t->where,
                    t->whole.len > t->before.len
                        ? "the context is empty, and the tokenizer puts nothing before a text"
                        : "choice %zu adds no token to the context",
                    choice);
}

/* Prefix, what fits of the context's end, and the choice. *known tokens come before the choice. */
static anm_status lay_out(tasks *t, size_t choice, size_t *known, size_t *total, int *truncated) {
    size_t most = anm_llm_context_length(t->llm) + 1, prefix = t->text->prefix_count;
    size_t added = t->whole.len - t->before.len, kept = t->before.len;
    if (added + prefix + !prefix > most)
        return anm_fail(t->err, ANM_ERROR_LIMIT, t->where,
                        "choice %zu has %zu tokens, the model's context %zu", choice, added,
                        most - 1);
    if (prefix + kept + added > most) {
        kept = most - prefix - added;
        *truncated = 1;
    }
    *known = prefix + kept;
    *total = *known + added;
    int32_t *at = t->timeline;
    memcpy(at, t->text->prefix, prefix * sizeof *at);
    if (kept) memcpy(at + prefix, t->before.ids + t->before.len - kept, kept * sizeof *at);
    memcpy(at + *known, t->whole.ids + t->before.len, added * sizeof *at);
    return ANM_OK;
}

/* The session keeps what a choice has in common with the one before. */
static anm_status log_likelihood(tasks *t, size_t known, size_t total, double *sum) {
    size_t vocab = anm_llm_vocab_size(t->llm);
    *sum = 0;
    ANM_TRY(anm_session_sync(t->session, t->timeline, known, t->err));
    for (size_t i = known; i < total; i++) {
        if (i > known) ANM_TRY(anm_session_append(t->session, t->timeline[i - 1], t->err));
        const float *logits = anm_session_logits(t->session);
        if ((size_t)t->timeline[i] >= vocab)
            return anm_fail(t->err, ANM_ERROR_MISMATCH, t->where,
                            "token %d of the tokenizer is outside the model's vocabulary of %zu",
                            t->timeline[i], vocab);
        *sum += logits[t->timeline[i]] - anm_eval_log_sum_exp(logits, vocab);
    }
    if (!isnan(*sum)) return ANM_OK;
    return anm_fail(t->err, ANM_ERROR_FORMAT, t->where,
                    "the model's logits are not numbers: its weights or its fp16 range are broken");
}

static size_t characters(const char *text) {
    size_t count = 0;
    for (; *text; text++) count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static anm_status answer(tasks *t, const question *q, size_t line) {
    double sums[MOST_CHOICES], each[MOST_CHOICES];
    anm_eval_item item = {.line = line,
                          .group = q->group,
                          .choice_count = q->count,
                          .answer = q->answer,
                          .log_likelihoods = sums};
    for (size_t i = 0; i < q->count; i++) {
        size_t known = 0, total = 0;
        ANM_TRY(encode_pair(t, q, i));
        ANM_TRY(lay_out(t, i, &known, &total, &item.truncated));
        ANM_TRY(log_likelihood(t, known, total, &sums[i]));
        each[i] = sums[i] / (double)characters(q->choices[i]);
        if (sums[i] > sums[item.picked]) item.picked = i;
        if (each[i] > each[item.picked_normalised]) item.picked_normalised = i;
    }
    t->result->items++;
    t->result->correct += item.picked == q->answer;
    t->result->correct_normalised += item.picked_normalised == q->answer;
    t->result->truncated += item.truncated != 0;
    if (t->options->on_item) t->options->on_item(t->options->callback_context, &item);
    return ANM_OK;
}

static bool is_blank(const char *line, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (!strchr(" \t\r", line[i]) || !line[i]) return false;
    return true;
}

typedef struct lines {
    const char *at;
    size_t left, number;
} lines;

/* The next line that is not blank. */
static bool next_line(lines *l, const char **line, size_t *length) {
    while (l->left) {
        const char *end = memchr(l->at, '\n', l->left);
        *line = l->at;
        *length = end ? (size_t)(end - l->at) : l->left;
        size_t used = *length + (end != NULL);
        l->at += used;
        l->left -= used;
        l->number++;
        if (!is_blank(*line, *length)) return true;
    }
    return false;
}

static anm_status answer_line(tasks *t, const char *line, size_t length, size_t number) {
    json_t *root;
    question q = {0};
    ANM_TRY(anm_json_parse(line, length, t->where, &root, t->err));
    anm_status status = read_question(t, root, &q);
    if (status == ANM_OK) status = answer(t, &q, number);
    json_decref(root);
    return status;
}

static anm_status answer_all(tasks *t, const char *path, lines all) {
    const char *line;
    size_t length;
    uint64_t total = 0, limit = t->options->max_items ? t->options->max_items : UINT64_MAX;
    double start = anm_seconds();
    for (lines l = all; total < limit && next_line(&l, &line, &length);) total++;
    if (!total) return anm_fail(t->err, ANM_ERROR_ARGUMENT, path, "there are no questions in it");
    while (t->result->items < total && next_line(&all, &line, &length)) {
        snprintf(t->where, sizeof t->where, "%.230s:%zu", path, all.number);
        ANM_TRY(answer_line(t, line, length, all.number));
        uint64_t done = t->result->items;
        t->result->seconds = anm_seconds() - start;
        double left = t->result->seconds / (double)done * (double)(total - done);
        if (t->options->progress &&
            t->options->progress(t->options->callback_context, done, total, left))
            return anm_fail(t->err, ANM_ERROR_CANCELLED, path, "the evaluation was cancelled");
    }
    t->result->accuracy = anm_eval_proportion(t->result->correct, total);
    t->result->accuracy_normalised = anm_eval_proportion(t->result->correct_normalised, total);
    return ANM_OK;
}

static anm_status prepare(tasks *t) {
    if (!t->tokenizer)
        return anm_fail(t->err, ANM_ERROR_NOT_FOUND, anm_llm_name(t->llm),
                        "there is no tokenizer.json beside the packages");
    ANM_TRY(anm_eval_text_create_for(t->tokenizer, &t->text, t->err));
    t->timeline = anm_calloc(anm_llm_context_length(t->llm) + 1, sizeof *t->timeline);
    if (!t->timeline) return anm_fail_memory(t->err);
    ANM_TRY(anm_llm_require_logits(t->llm, t->err));
    return anm_session_create(t->llm, &t->session, t->err);
}

anm_status anm_eval_tasks(const anm_llm *llm, const char *path,
                          const anm_eval_tasks_options *options, anm_eval_tasks_result *result,
                          anm_error *err) {
    anm_eval_tasks_options defaults;
    anm_mapping file;
    anm_eval_tasks_options_init(&defaults);
    tasks t = {.llm = llm,
               .tokenizer = anm_llm_tokenizer(llm),
               .options = options ? options : &defaults,
               .result = result,
               .err = err};
    *result = (anm_eval_tasks_result){0};
    ANM_TRY(anm_mapping_open(path, &file, err));
    anm_status status = prepare(&t);
    if (status == ANM_OK)
        status = answer_all(&t, path, (lines){(const char *)file.data, file.size, 0});
    anm_mapping_close(&file);
    anm_token_list_free(&t.before);
    anm_token_list_free(&t.whole);
    anm_strbuf_free(&t.joined);
    anm_free(t.timeline);
    anm_session_destroy(t.session);
    anm_eval_text_free(t.text);
    return status;
}
