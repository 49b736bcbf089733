/* SPDX-License-Identifier: MIT */
#include "src/cli/talk.h"

#include <stdlib.h>
#include <string.h>

#include "anemone/tool_call.h"
#include "src/cli/loadline.h"

static anm_status raise(talk *t, anm_status status, const char *message) {
    return cli_raise(&t->err, status, t->llm ? anm_llm_name(t->llm) : "", message);
}

static anm_status open_draft(talk *t, const char *dir, const anm_llm_options *options) {
    anm_status status = anm_llm_open(dir, options, &t->draft_llm, &t->err);
    return status == ANM_OK ? anm_session_create(t->draft_llm, &t->draft, &t->err) : status;
}

anm_status talk_open(talk *t, const char *dir, const talk_settings *settings) {
    *t = (talk){.settings = settings};
    anm_llm_options options;
    anm_llm_options_init(&options);
    if (strcmp(settings->precision, "fp32") == 0) options.precision = ANM_PRECISION_FP32;
    options.matmul_precision = settings->matmul;
    anm_status status = answer_form_read(&t->form, settings->json, settings->json_schema,
                                         settings->grammar, &t->err);
    if (status == ANM_OK) status = anm_llm_open(dir, &options, &t->llm, &t->err);
    if (status != ANM_OK) return status;
    if (!anm_llm_tokenizer(t->llm))
        return raise(t, ANM_ERROR_NOT_FOUND, "there is no tokenizer.json beside the packages");
    if (!settings->raw && !anm_llm_chat_template(t->llm))
        return raise(t, ANM_ERROR_NOT_FOUND,
                     "there is no chat template (chat_template.jinja or tokenizer_config.json); "
                     "--raw continues plain text");
    status = answer_form_open(&t->form, t->llm, &t->err);
    if (status == ANM_OK) status = anm_session_create(t->llm, &t->session, &t->err);
    if (status == ANM_OK && settings->draft) status = open_draft(t, settings->draft, &options);
    if (status == ANM_OK) status = cli_load(t->llm, &t->err);
    if (status == ANM_OK && settings->system) status = talk_add(t, "system", settings->system);
    return status;
}

static void drop_messages(talk *t, size_t first, size_t count) {
    if (!count) return;
    for (size_t i = first; i < first + count; i++) free((char *)t->messages[i].content);
    memmove(t->messages + first, t->messages + first + count,
            (t->count - first - count) * sizeof *t->messages);
    t->count -= count;
}

void talk_close(talk *t) {
    drop_messages(t, 0, t->count);
    free(t->messages);
    free(t->answer);
    logprob_lines_free(&t->log);
    answer_form_close(&t->form);
    anm_session_destroy(t->draft);
    anm_llm_close(t->draft_llm);
    anm_session_destroy(t->session);
    anm_llm_close(t->llm);
}

static size_t system_count(const talk *t) {
    return t->count && strcmp(t->messages[0].role, "system") == 0;
}

void talk_reset(talk *t) {
    size_t kept = system_count(t);
    drop_messages(t, kept, t->count - kept);
}

anm_status talk_add(talk *t, const char *role, const char *content) {
    if (t->count == t->capacity) {
        size_t wanted = t->capacity * 2 + 8;
        anm_chat_message *grown = realloc(t->messages, wanted * sizeof *grown);
        if (!grown) return raise(t, ANM_ERROR_MEMORY, "out of memory");
        t->messages = grown;
        t->capacity = wanted;
    }
    char *copy = strdup(content);
    if (!copy) return raise(t, ANM_ERROR_MEMORY, "out of memory");
    t->messages[t->count++] = (anm_chat_message){.role = role, .content = copy};
    return ANM_OK;
}

static bool is_role(const anm_chat_message *message, const char *role) {
    return strcmp(message->role, role) == 0;
}

bool talk_drop_answer(talk *t) {
    if (!t->count || !is_role(&t->messages[t->count - 1], "assistant")) return false;
    drop_messages(t, t->count - 1, 1);
    return true;
}

bool talk_drop_turn(talk *t) {
    size_t at = t->count;
    while (at && !is_role(&t->messages[at - 1], "user")) at--;
    if (!at) return false;
    drop_messages(t, at - 1, t->count - at + 1);
    return true;
}

anm_status talk_set_system(talk *t, const char *content) {
    if (!system_count(t)) {
        anm_status status = talk_add(t, "system", content);
        if (status != ANM_OK) return status;
        anm_chat_message last = t->messages[t->count - 1];
        memmove(t->messages + 1, t->messages, (t->count - 1) * sizeof *t->messages);
        t->messages[0] = last;
        return ANM_OK;
    }
    char *copy = strdup(content);
    if (!copy) return raise(t, ANM_ERROR_MEMORY, "out of memory");
    free((char *)t->messages[0].content);
    t->messages[0].content = copy;
    return ANM_OK;
}

/* The same text for as long as the program runs. */
static const char *lasting_role(const char *role) {
    static const char *const roles[] = {"system", "user", "assistant", "tool"};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(role, roles[i]) == 0) return roles[i];
    return "user";
}

anm_status talk_replace(talk *t, const anm_chat_message *messages, size_t count) {
    size_t before = t->count;
    anm_status status = ANM_OK;
    for (size_t i = 0; i < count && status == ANM_OK; i++)
        status = talk_add(t, lasting_role(messages[i].role), messages[i].content);
    if (status == ANM_OK) drop_messages(t, 0, before);
    else drop_messages(t, before, t->count - before);
    return status;
}

static bool keep_text(talk *t, const char *text, size_t length) {
    if (t->answer_length + length + 1 > t->answer_capacity) {
        size_t wanted = (t->answer_length + length + 1) * 2;
        char *grown = realloc(t->answer, wanted);
        if (!grown) return false;
        t->answer = grown;
        t->answer_capacity = wanted;
    }
    if (length) memcpy(t->answer + t->answer_length, text, length);
    t->answer_length += length;
    t->answer[t->answer_length] = '\0';
    return true;
}

static bool show_plain(const char *text, size_t length) {
    fwrite(text, 1, length, stdout);
    fflush(stdout);
    return !ferror(stdout);
}

static int on_token(void *context, const anm_token_event *event) {
    talk *t = context;
    bool shown = t->show ? t->show(t->show_context, event->text, event->length)
                         : show_plain(event->text, event->length);
    bool kept = keep_text(t, event->text, event->length) &&
                logprob_lines_add(&t->log, anm_llm_tokenizer(t->llm), event);
    return !kept || !shown || cli_interrupted();
}

static anm_status generate(talk *t, const anm_token_list *prompt) {
    const talk_settings *s = t->settings;
    anm_logit_bias biases[CLI_MOST_ITEMS];
    anm_sampling_options sampling;
    anm_generate_options options;
    talk_sampling(s, &sampling, biases);
    anm_generate_options_init(&options);
    options.sampling = &sampling;
    options.max_tokens = s->max_tokens;
    options.stop_strings = s->stops.items;
    options.stop_string_count = s->stops.count;
    options.logprobs = (int)s->logprobs;
    options.draft = t->draft;
    options.draft_tokens = (int)s->draft_tokens;
    options.on_token = on_token;
    options.context = t;
    anm_status status = answer_form_begin(&t->form, t->opens_reasoning, &options, &t->err);
    if (status != ANM_OK) return status;
    t->answer_length = 0;
    if (!keep_text(t, "", 0)) return raise(t, ANM_ERROR_MEMORY, "out of memory");
    return anm_generate(t->session, prompt->ids, prompt->len, &options, &t->result, &t->err);
}

static anm_status encode_text(talk *t, const char *text, anm_token_list *out) {
    anm_encode_options options;
    anm_encode_options_init(&options);
    options.add_special_tokens = options.parse_special = true;
    return anm_tokenizer_encode(anm_llm_tokenizer(t->llm), text, strlen(text), &options, out,
                                &t->err);
}

/* An answer of known length gets room for it, unless that would cost most of the conversation. */
static int64_t reserve(const talk *t) {
    int64_t half = (int64_t)anm_llm_context_length(t->llm) / 2, most = t->settings->max_tokens;
    return most >= 0 && most <= half ? most : -1;
}

/* The tokens are what is at hand of the prompt; a mark of reasoning is at most a few of them. */
static anm_status see_reasoning(talk *t, const anm_token_list *prompt) {
    size_t seen = prompt->len < 16 ? prompt->len : 16, length;
    char *text;
    anm_status status =
        anm_tokenizer_decode(anm_llm_tokenizer(t->llm), prompt->ids + prompt->len - seen, seen,
                             false, &text, &length, &t->err);
    if (status != ANM_OK) return status;
    t->opens_reasoning = anm_prompt_opens_reasoning(text, length);
    anm_tokenizer_text_free(text);
    return ANM_OK;
}

/* As transformers rendered what models were trained on. */
static anm_status encode_conversation(talk *t, anm_token_list *out) {
    anm_chat_options chat;
    anm_chat_fit_options options;
    char *variables = talk_template_json(t->settings);
    size_t dropped = 0;
    if (!variables) return raise(t, ANM_ERROR_MEMORY, "out of memory");
    anm_chat_options_init(&chat);
    chat.add_generation_prompt = chat.python_text = 1;
    chat.extra_json = variables;
    anm_chat_fit_options_init(&options);
    options.chat = &chat;
    options.reserve = reserve(t);
    anm_status status =
        anm_chat_fit(t->llm, t->messages, t->count, &options, out, &dropped, &t->err);
    free(variables);
    if (dropped > t->left_out)
        fprintf(stderr, "(the oldest messages no longer fit the context and are left out)\n");
    t->left_out = dropped;
    if (status == ANM_OK) status = see_reasoning(t, out);
    return status;
}

anm_status talk_answer(talk *t) {
    anm_token_list prompt = {0};
    anm_status status = encode_conversation(t, &prompt);
    if (status == ANM_OK) status = generate(t, &prompt);
    anm_token_list_free(&prompt);
    if (status == ANM_OK) status = talk_add(t, "assistant", t->answer);
    return status;
}

anm_status talk_complete(talk *t, const char *prompt) {
    anm_token_list ids = {0};
    anm_status status = encode_text(t, prompt, &ids);
    if (status == ANM_OK) status = generate(t, &ids);
    anm_token_list_free(&ids);
    return status;
}

void talk_print_stats(const talk *t, FILE *stream) {
    const anm_generate_result *r = &t->result;
    fflush(stdout); /* the answer's end comes first, wherever the two streams go */
    double rest = r->generated_tokens > 1 ? (double)r->generated_tokens - 1 : 0;
    fprintf(stream, "[prompt %zu tokens (%zu reused), first token after %.2f s; answer %zu tokens",
            r->prompt_tokens, r->reused_tokens, r->prefill_seconds, r->generated_tokens);
    if (rest > 0 && r->decode_seconds > 0)
        fprintf(stream, ", %.1f tokens/s", rest / r->decode_seconds);
    if (r->drafted_tokens)
        fprintf(stream, ", %zu of %zu proposed tokens right", r->accepted_tokens,
                r->drafted_tokens);
    fputs("]\n", stream);
}
