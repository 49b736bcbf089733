/* SPDX-License-Identifier: MIT */
/* anemone chat: a conversation at a terminal, or lines from a pipe. */
#include <ctype.h>
#include <editline/readline.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/cli/talk.h"

/* NULL at the end of input. The caller frees. Ctrl-C at the prompt gives an empty line. */
static char *read_line(bool terminal) {
    if (terminal) {
        char *line = readline("> ");
        if (!line && cli_interrupted()) {
            putchar('\n');
            return strdup("");
        }
        if (line && *line) add_history(line);
        return line;
    }
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length = getline(&line, &capacity, stdin);
    if (length < 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\n")] = '\0';
    return line;
}

static bool is_blank(const char *line) {
    while (isspace((unsigned char)*line)) line++;
    return *line == '\0';
}

static void print_commands(void) {
    puts("/reset  forget the conversation\n/stats  speed of the last answer\n"
         "/quit   leave (or Ctrl-D)\nCtrl-C stops an answer.");
}

/* True if the line was a command; *leave is set by /quit. */
static bool do_command(talk *t, const char *line, bool *leave) {
    if (*line != '/') return false;
    if (strcmp(line, "/quit") == 0 || strcmp(line, "/exit") == 0) *leave = true;
    else if (strcmp(line, "/reset") == 0) talk_reset(t);
    else if (strcmp(line, "/stats") == 0) talk_print_stats(t, stdout);
    else print_commands();
    return true;
}

/* The question of a failed answer is taken back, so that the next one starts clean. */
static anm_status ask(talk *t, const char *line) {
    size_t before = t->count;
    anm_status status = talk_add(t, "user", line);
    cli_interrupted();
    if (status == ANM_OK) status = talk_answer(t);
    putchar('\n');
    if (status != ANM_OK && t->count > before) {
        t->count--;
        free((char *)t->messages[t->count].content);
    }
    if (status == ANM_OK && t->settings->stats) talk_print_stats(t, stderr);
    return status;
}

/* At a terminal an error is shown and the conversation goes on; from a pipe it ends it. */
static int converse(talk *t, bool terminal) {
    bool leave = false;
    int code = 0;
    while (!leave && code == 0) {
        char *line = read_line(terminal);
        if (!line) break;
        if (!is_blank(line) && !do_command(t, line, &leave) && ask(t, line) != ANM_OK) {
            int failed = cli_fail(&t->err);
            if (!terminal) code = failed;
        }
        free(line);
    }
    if (terminal) putchar('\n');
    return code;
}

static void greet(const talk *t) {
    bool colour = cli_colour(stdout);
    printf("%s%s%s, context %zu tokens. /help shows the commands, Ctrl-D leaves.\n",
           colour ? "\033[1m" : "", anm_llm_name(t->llm), colour ? "\033[0m" : "",
           anm_llm_context_length(t->llm));
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
                           "In the chat, /help lists the commands; Ctrl-C stops an answer.",
                           options,
                           TALK_OPTIONS};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code < 0) code = talk_check(&spec, &settings);
    if (code < 0 && settings.raw) code = cli_usage(&spec, "--raw is for `anemone run`");
    if (code >= 0) return code;
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    talk t;
    if (talk_open(&t, operands[0], &settings) == ANM_OK) {
        cli_catch_interrupt();
        /* For typing in UTF-8; numbers keep the form of the C locale. */
        setlocale(LC_CTYPE, "");
        if (terminal) greet(&t);
        code = converse(&t, terminal);
    } else {
        code = cli_fail(&t.err);
    }
    talk_close(&t);
    return code;
}
