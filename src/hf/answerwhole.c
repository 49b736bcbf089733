/* SPDX-License-Identifier: MIT */
/* A whole answer, collected from the parser's events. */
#include "anemone/tool_call.h"

#include "src/base/options.h"
#include "src/base/str.h"
#include "src/base/vec.h"

typedef struct collector {
    anm_strbuf text, reasoning, arguments;
    char *name; /* of the call being read */
    ANM_VEC(anm_tool_call) calls;
    bool broken, failed;
} collector;

static void drop_name(collector *c) {
    anm_free(c->name);
    c->name = NULL;
    anm_strbuf_clear(&c->arguments);
}

static void keep_call(collector *c) {
    anm_tool_call call = {c->name, anm_strdup(anm_strbuf_cstr(&c->arguments))};
    c->name = NULL;
    if (call.name && call.arguments && anm_vec_push(&c->calls, call)) return;
    anm_free(call.name);
    anm_free(call.arguments);
    c->failed = true;
}

static void on_event(void *context, const anm_answer_event *e) {
    collector *c = context;
    switch (e->kind) {
    case ANM_ANSWER_TEXT: anm_strbuf_append(&c->text, e->text, e->len); break;
    case ANM_ANSWER_REASONING: anm_strbuf_append(&c->reasoning, e->text, e->len); break;
    case ANM_ANSWER_CALL_BEGIN:
        drop_name(c);
        c->name = anm_strdup(e->text);
        break;
    case ANM_ANSWER_CALL_ARGUMENTS: anm_strbuf_append(&c->arguments, e->text, e->len); break;
    case ANM_ANSWER_CALL_END: keep_call(c); break;
    case ANM_ANSWER_CALL_BROKEN:
        drop_name(c);
        c->broken = true;
        anm_strbuf_append(&c->text, e->text, e->len);
        break;
    }
}

static void discard(collector *c) {
    for (size_t i = 0; i < c->calls.len; i++) {
        anm_free(c->calls.data[i].name);
        anm_free(c->calls.data[i].arguments);
    }
    anm_vec_free(&c->calls);
    anm_free(c->name);
    anm_strbuf_free(&c->arguments);
    anm_strbuf_free(&c->text);
    anm_strbuf_free(&c->reasoning);
}

/* Moves what was collected; the texts get memory even when empty. */
static anm_status hand_out(collector *c, anm_answer **out, anm_error *err) {
    anm_answer *answer = anm_calloc(1, sizeof *answer);
    anm_strbuf_append(&c->text, "", 0);
    anm_strbuf_append(&c->reasoning, "", 0);
    if (!answer || c->failed || c->text.failed || c->reasoning.failed || c->arguments.failed) {
        anm_free(answer);
        return anm_fail_memory(err);
    }
    *answer = (anm_answer){c->text.data, c->reasoning.data, c->calls.data, c->calls.len,
                           c->broken};
    c->text = c->reasoning = (anm_strbuf){0};
    c->calls.data = NULL;
    c->calls.len = 0;
    *out = answer;
    return ANM_OK;
}

anm_status anm_answer_parse(const anm_answer_options *options, const char *text, size_t len,
                            anm_answer **out, anm_error *err) {
    anm_answer_options known;
    anm_answer_parser *parser;
    collector c = {.broken = false};
    *out = NULL;
    anm_answer_options_init(&known);
    ANM_TRY(anm_options_take(&known, sizeof known, options, err));
    known.on_event = on_event;
    known.context = &c;
    ANM_TRY(anm_answer_parser_create(&known, &parser, err));
    anm_status status = anm_answer_parser_push(parser, text, len, err);
    if (status == ANM_OK) status = anm_answer_parser_finish(parser, err);
    if (status == ANM_OK) status = hand_out(&c, out, err);
    anm_answer_parser_destroy(parser);
    discard(&c);
    return status;
}

void anm_answer_free(anm_answer *answer) {
    if (!answer) return;
    collector rest = {.broken = false};
    rest.calls.data = answer->calls;
    rest.calls.len = answer->call_count;
    discard(&rest);
    anm_free(answer->text);
    anm_free(answer->reasoning);
    anm_free(answer);
}
