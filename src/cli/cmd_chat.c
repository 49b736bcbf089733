/* SPDX-License-Identifier: MIT */
/* anemone chat: a conversation at a terminal, or lines from a pipe. */
#include <ctype.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/cli/chat.h"
#include "src/cli/modelarg.h"
#include "src/cli/chatline.h"

static bool is_blank(const char *line) {
    while (isspace((unsigned char)*line)) line++;
    return *line == '\0';
}

/* --- an answer at a terminal: thoughts apart from text ---------------------------------------- */

static void on_event(void *context, const anm_answer_event *event) {
    chat *c = context;
    bool thought = event->kind == ANM_ANSWER_REASONING;
    bool shown = thought ? chatview_thought(&c->view, event->text, event->len)
                         : chatview_answer(&c->view, event->text, event->len);
    c->shown = c->shown && shown;
}

/* Before the first piece the prompt is not rendered yet, and tells nothing about thoughts. */
static bool begin_answer(chat *c) {
    anm_answer_options options;
    anm_answer_options_init(&options);
    options.in_reasoning = c->t.opens_reasoning;
    options.on_event = on_event;
    options.context = c;
    chatview_begin(&c->view);
    c->shown = true;
    return anm_answer_parser_create(&options, &c->parser, &c->t.err) == ANM_OK;
}

static bool show(void *context, const char *text, size_t length) {
    chat *c = context;
    if (!c->parser && !begin_answer(c)) return false;
    anm_status status = anm_answer_parser_push(c->parser, text, length, &c->t.err);
    return status == ANM_OK && c->shown;
}

static void end_answer(chat *c) {
    if (!c->parser) return;
    if (anm_answer_parser_finish(c->parser, &c->t.err) != ANM_OK) c->shown = false;
    anm_answer_parser_destroy(c->parser);
    c->parser = NULL;
    chatview_end(&c->view);
}

/* From a pipe answers go out as they are; at a terminal they are made readable. */
anm_status chat_answer(chat *c) {
    cli_interrupted();
    anm_status status = talk_answer(&c->t);
    if (c->terminal) end_answer(c);
    else if (status == ANM_OK || c->t.answer_length) putchar('\n');
    if (status == ANM_OK && c->settings->stats) talk_print_stats(&c->t, stderr);
    return status;
}

/* The question of a failed answer is taken back, so that the next one starts clean. */
static anm_status ask(chat *c, const char *line) {
    anm_status status = talk_add(&c->t, "user", line);
    if (status != ANM_OK) return status;
    status = chat_answer(c);
    if (status != ANM_OK) talk_drop_turn(&c->t);
    return status;
}

/* How full the context is stands before each question. */
static void make_prompt(const chat *c, char *prompt, size_t size) {
    size_t used, length = anm_llm_context_length(c->t.llm);
    anm_session_tokens(c->t.session, &used);
    if (used) snprintf(prompt, size, "%.0f%% > ", 100.0 * (double)used / (double)length);
    else snprintf(prompt, size, "> ");
}

/* At a terminal an error is shown and the conversation goes on; from a pipe it ends it. */
static int converse(chat *c) {
    int code = 0;
    while (!c->leave && code == 0) {
        char prompt[32];
        make_prompt(c, prompt, sizeof prompt);
        char *line = chatline_read(prompt);
        if (!line) break;
        if (*line == '/') {
            chat_command(c, line);
        } else if (!is_blank(line) && ask(c, line) != ANM_OK) {
            int failed = cli_fail(&c->t.err);
            if (!c->terminal) code = failed;
        }
        free(line);
    }
    if (c->terminal && !c->leave) putchar('\n');
    return code;
}

static void greet(const chat *c) {
    bool colour = cli_colour(stdout);
    printf("%s%s%s, context %zu tokens.\n", colour ? "\033[1m" : "", anm_llm_name(c->t.llm),
           colour ? "\033[0m" : "", anm_llm_context_length(c->t.llm));
    puts("/help lists the commands.");
}

static int chat_run(chat *c, const char *model) {
    int code;
    if (talk_open(&c->t, model, c->settings) != ANM_OK) {
        code = cli_fail(&c->t.err);
    } else if (!chatview_open(&c->view)) {
        fputs("anemone: out of memory\n", stderr);
        code = ANM_ERROR_MEMORY;
    } else {
        cli_catch_interrupt();
        chatline_open(c->terminal, chat_command_name);
        if (c->terminal) {
            c->t.show = show;
            c->t.show_context = c;
            greet(c);
        }
        code = converse(c);
        chatline_close();
    }
    for (size_t i = 0; i < c->text_count; i++) free(c->texts[i]);
    free(c->texts);
    chatview_close(&c->view);
    talk_close(&c->t);
    return code;
}

int cmd_chat(int argc, char **argv) {
    talk_settings settings;
    cli_option options[TALK_OPTIONS];
    talk_settings_init(&settings);
    talk_options(&settings, options);
    const cli_spec spec = {"chat",
                           "MODEL_DIR",
                           1,
                           1,
                           "Talks with a converted model. Lines may also come from a pipe.",
                           "In the chat, /help lists the commands; Ctrl-C stops an answer.\n"
                           "ANEMONE_HISTORY names the file of the lines typed; empty: none.",
                           options,
                           TALK_OPTIONS};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code < 0) code = talk_check(&spec, &settings);
    if (code < 0 && settings.raw) code = cli_usage(&spec, "--raw is for `anemone run`");
    const char *dir;
    if (code < 0) code = cli_model(operands[0], &dir);
    if (code >= 0) return code;
    /* For typing in UTF-8; numbers keep the form of the C locale. */
    setlocale(LC_CTYPE, "");
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    chat c = {.settings = &settings, .spec = &spec, .terminal = terminal};
    return chat_run(&c, dir);
}
