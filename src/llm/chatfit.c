/* SPDX-License-Identifier: MIT */
/* Which turns of a conversation fit the context, and the prompt that they give. */
#include "anemone/chat.h"

#include <string.h>

#include "src/base/alloc.h"
#include "src/base/json.h"
#include "src/base/options.h"
#include "src/llm/llm.h"

/* A conversation of either form. Cut i leaves out the messages [head, cuts[i]); cuts[0] is head. */
typedef struct fit {
    const anm_llm *llm;
    anm_chat_options chat;
    const anm_chat_message *messages; /* NULL: json */
    json_t *json;                     /* borrowed messages and variables */
    size_t count, head;
    size_t *cuts, cut_count;
    size_t limit, step; /* tokens of a prompt that leaves the reserve; by which the cut moves */
} fit;

void anm_chat_fit_options_init(anm_chat_fit_options *options) {
    *options =
        (anm_chat_fit_options){.struct_size = sizeof *options, .reserve = -1, .step = -1};
}

static const char *role_of(const fit *f, size_t index) {
    if (f->messages) return f->messages[index].role ? f->messages[index].role : "";
    const json_t *message = json_array_get(json_object_get(f->json, "messages"), index);
    const char *role = json_string_value(json_object_get(message, "role"));
    return role ? role : "";
}

static bool is_system(const char *role) {
    return strcmp(role, "system") == 0 || strcmp(role, "developer") == 0;
}

static anm_status find_cuts(fit *f, anm_error *err) {
    f->cuts = anm_calloc(f->count + 1, sizeof *f->cuts);
    if (!f->cuts) return anm_fail_memory(err);
    while (f->head < f->count && is_system(role_of(f, f->head))) f->head++;
    f->cuts[f->cut_count++] = f->head;
    for (size_t i = f->head + 1; i < f->count; i++)
        if (strcmp(role_of(f, i), "user") == 0) f->cuts[f->cut_count++] = i;
    return ANM_OK;
}

static anm_status render_messages(const fit *f, size_t at, char **text, size_t *length,
                                  anm_error *err) {
    size_t kept = f->count - at;
    anm_chat_message *list = anm_calloc(f->head + kept, sizeof *list);
    if (!list) return anm_fail_memory(err);
    for (size_t i = 0; i < f->head; i++) list[i] = f->messages[i];
    for (size_t i = 0; i < kept; i++) list[f->head + i] = f->messages[at + i];
    anm_status status = anm_chat_template_render(f->llm->chat_template, list, f->head + kept,
                                                 &f->chat, text, length, err);
    anm_free(list);
    return status;
}

static json_t *with_messages(const fit *f, size_t at) {
    const json_t *all = json_object_get(f->json, "messages");
    json_t *context = json_copy(f->json), *list = json_array();
    for (size_t i = 0; i < f->count; i++)
        if (i < f->head || i >= at) json_array_append(list, json_array_get(all, i));
    json_object_set_new(context, "messages", list);
    return context;
}

static anm_status render_json(const fit *f, size_t at, char **text, size_t *length,
                              anm_error *err) {
    json_t *context = with_messages(f, at);
    char *dump = json_dumps(context, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(context);
    if (!dump) return anm_fail_memory(err);
    anm_status status = anm_chat_template_render_json(f->llm->chat_template, dump, strlen(dump),
                                                      &f->chat, text, length, err);
    free(dump);
    return status;
}

/* The prompt with a cut. A template writes BOS itself where the model wants it. */
static anm_status encode(const fit *f, size_t cut, anm_token_list *prompt, anm_error *err) {
    char *text;
    size_t length, at = f->cuts[cut];
    anm_encode_options options;
    anm_encode_options_init(&options);
    options.add_special_tokens = false;
    options.parse_special = true;
    if (f->messages || !f->json) ANM_TRY(render_messages(f, at, &text, &length, err));
    else ANM_TRY(render_json(f, at, &text, &length, err));
    anm_status status =
        anm_tokenizer_encode(f->llm->tokenizer, text, length, &options, prompt, err);
    anm_chat_text_free(text);
    return status;
}

/* Tokens to leave out: a multiple of the step, so that more turns do not move the cut at once. */
static size_t excess(const fit *f, size_t whole) {
    size_t over = whole > f->limit ? whole - f->limit : 0;
    if (f->step) over = (over + f->step - 1) / f->step * f->step;
    return over;
}

/* The first cut whose prompt is short enough, by bisection; `prompt` is of another one. */
static anm_status find_cut(const fit *f, size_t most, size_t *cut, anm_token_list *prompt,
                           anm_error *err) {
    size_t low = 0, high = f->cut_count - 1; /* low is too long; the last cut is all there is */
    while (low + 1 < high) {
        size_t middle = low + (high - low) / 2;
        ANM_TRY(encode(f, middle, prompt, err));
        if (prompt->len <= most) high = middle;
        else low = middle;
    }
    *cut = high;
    return ANM_OK;
}

static anm_status find_prompt(const fit *f, anm_token_list *prompt, size_t *dropped,
                              anm_error *err) {
    size_t cut = 0;
    ANM_TRY(encode(f, 0, prompt, err));
    size_t whole = prompt->len, over = excess(f, whole);
    if (over && f->cut_count > 1) {
        ANM_TRY(find_cut(f, whole > over ? whole - over : 0, &cut, prompt, err));
        ANM_TRY(encode(f, cut, prompt, err));
    }
    if (dropped) *dropped = f->cuts[cut] - f->head;
    if (prompt->len <= f->llm->context) return ANM_OK;
    return anm_fail(err, ANM_ERROR_LIMIT, f->llm->name,
                    "the newest message, with the system prompt, has %zu tokens, the model's "
                    "context %zu: shorten it or convert with a larger --context",
                    prompt->len, f->llm->context);
}

static anm_status check_model(const anm_llm *llm, anm_error *err) {
    if (!llm->tokenizer)
        return anm_fail(err, ANM_ERROR_NOT_FOUND, llm->name,
                        "there is no tokenizer.json beside the packages");
    if (!llm->chat_template)
        return anm_fail(err, ANM_ERROR_NOT_FOUND, llm->name,
                        "there is no chat template (chat_template.jinja or "
                        "tokenizer_config.json)");
    return ANM_OK;
}

static anm_status take_options(fit *f, const anm_chat_fit_options *options, anm_error *err) {
    anm_chat_fit_options all;
    size_t context = f->llm->context;
    anm_chat_fit_options_init(&all);
    ANM_TRY(anm_options_take(&all, sizeof all, options, err));
    if (all.reserve < -1 || all.step < -1)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "options", "reserve and step are -1 or more");
    anm_chat_options_init(&f->chat);
    f->chat.add_generation_prompt = f->chat.python_text = 1;
    ANM_TRY(anm_options_take(&f->chat, sizeof f->chat, all.chat, err));
    uint64_t reserve = all.reserve < 0 ? context / 4 : (uint64_t)all.reserve;
    f->limit = reserve < context ? context - (size_t)reserve : 0;
    f->step = all.step < 0 ? context / 4 : (size_t)all.step;
    return ANM_OK;
}

static anm_status run(fit *f, const anm_chat_fit_options *options, anm_token_list *prompt,
                      size_t *dropped, anm_error *err) {
    ANM_TRY(check_model(f->llm, err));
    ANM_TRY(take_options(f, options, err));
    if (f->json && !json_object_get(f->json, "add_generation_prompt"))
        json_object_set_new(f->json, "add_generation_prompt",
                            json_boolean(f->chat.add_generation_prompt));
    anm_status status = find_cuts(f, err);
    if (status == ANM_OK) status = find_prompt(f, prompt, dropped, err);
    anm_free(f->cuts);
    return status;
}

anm_status anm_chat_fit(const anm_llm *llm, const anm_chat_message *messages, size_t count,
                        const anm_chat_fit_options *options, anm_token_list *prompt,
                        size_t *dropped, anm_error *err) {
    fit f = {.llm = llm, .messages = messages, .count = count};
    if (dropped) *dropped = 0;
    return run(&f, options, prompt, dropped, err);
}

anm_status anm_chat_fit_json(const anm_llm *llm, const char *context_json, size_t length,
                             const anm_chat_fit_options *options, anm_token_list *prompt,
                             size_t *dropped, anm_error *err) {
    fit f = {.llm = llm};
    if (dropped) *dropped = 0;
    ANM_TRY(anm_json_parse(context_json, length, "messages", &f.json, err));
    const json_t *list = json_object_get(f.json, "messages");
    anm_status status = ANM_OK;
    if (!json_is_array(list))
        status = anm_fail(err, ANM_ERROR_FORMAT, "messages", "there is no array \"messages\"");
    f.count = json_array_size(list);
    if (status == ANM_OK) status = run(&f, options, prompt, dropped, err);
    json_decref(f.json);
    return status;
}
