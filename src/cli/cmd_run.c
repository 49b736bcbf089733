/* SPDX-License-Identifier: MIT */
/* anemone run: one prompt, one answer. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/cli/modelarg.h"
#include "src/cli/talk.h"

/* The prompt "-" is standard input, whole. *zero tells of a NUL byte, where the text would end. */
static char *read_stdin(bool *zero) {
    size_t length = 0, capacity = 4096;
    char *text = malloc(capacity);
    for (size_t n; text && (n = fread(text + length, 1, capacity - length - 1, stdin)) > 0;) {
        length += n;
        if (capacity - length > 1) continue;
        char *grown = realloc(text, capacity *= 2);
        if (!grown) free(text);
        text = grown;
    }
    if (text) text[length] = '\0';
    *zero = text && strlen(text) != length;
    return text;
}

static anm_status answer(talk *t, const char *prompt) {
    anm_status status;
    if (t->settings->raw) {
        fputs(prompt, stdout);
        status = talk_complete(t, prompt);
    } else {
        status = talk_add(t, "user", prompt);
        if (status == ANM_OK) status = talk_answer(t);
    }
    if (status == ANM_OK || t->answer_length) putchar('\n');
    return status;
}

enum { RUN_OPTIONS = TALK_OPTIONS + 4 };

static void run_options(talk_settings *s, const char **session, cli_option *options) {
    talk_options(s, options);
    options[TALK_OPTIONS + 2] = (cli_option){
        "draft", 0, CLI_STRING, &s->draft, "DIR",
        "a small model that proposes tokens, for a model converted with --prefill-all"};
    options[TALK_OPTIONS + 3] = (cli_option){"draft-tokens", 0, CLI_INT, &s->draft_tokens, "K",
                                             "proposed at a time (default 4)"};
    options[TALK_OPTIONS] = (cli_option){
        "logprobs", 0, CLI_INT, &s->logprobs, "N",
        "print each token's log-probability and the N likeliest as JSON lines to stderr"};
    options[TALK_OPTIONS + 1] = (cli_option){
        "session", 0, CLI_STRING, session, "FILE",
        "begin with what FILE has evaluated of the prompt, and write it anew afterwards"};
}

/* A file that is not there yet is made at the end. */
static anm_status begin_session(talk *t, const char *path) {
    if (!path || access(path, F_OK) != 0) return ANM_OK;
    return anm_session_restore(t->session, path, &t->err);
}

static anm_status answer_in_session(talk *t, const char *prompt, const char *path) {
    anm_status status = begin_session(t, path);
    if (status == ANM_OK) status = answer(t, prompt);
    if (status == ANM_OK && path) status = anm_session_save(t->session, path, &t->err);
    return status;
}

int cmd_run(int argc, char **argv) {
    talk_settings settings;
    cli_option options[RUN_OPTIONS];
    const char *session = NULL;
    talk_settings_init(&settings);
    run_options(&settings, &session, options);
    const cli_spec spec = {"run",
                           "MODEL_DIR PROMPT",
                           2,
                           2,
                           "Answers one prompt, streaming; the prompt \"-\" is read from standard "
                           "input.",
                           "Ctrl-C ends the answer.",
                           options,
                           RUN_OPTIONS};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code < 0) code = talk_check(&spec, &settings);
    const char *dir;
    if (code < 0) code = cli_model(operands[0], &dir);
    if (code >= 0) return code;
    talk t;
    bool zero = false;
    char *input = strcmp(operands[1], "-") == 0 ? read_stdin(&zero) : strdup(operands[1]);
    if (zero) {
        free(input);
        return cli_usage(&spec, "the prompt on standard input has a NUL byte: it is no text");
    }
    anm_status status = talk_open(&t, dir, &settings);
    if (status == ANM_OK && input) {
        cli_catch_interrupt();
        status = answer_in_session(&t, input, session);
    }
    code = status == ANM_OK ? 0 : cli_fail(&t.err);
    if (!input) code = ANM_ERROR_MEMORY;
    if (code == 0 && t.result.stop_reason == ANM_STOP_CALLBACK) code = CLI_INTERRUPTED;
    fflush(stdout);
    logprob_lines_print(&t.log, stderr);
    if (code == 0 && settings.stats) talk_print_stats(&t, stderr);
    talk_close(&t);
    free(input);
    return code;
}
