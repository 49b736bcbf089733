/* SPDX-License-Identifier: MIT */
#include "src/cli/chatline.h"

#include <editline/readline.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "src/cli/cli.h"

enum { HISTORY_LINES = 1000 };

static bool at_terminal;
static char history_path[1024]; /* empty: not kept */
static chatline_word_fn completion;

/* --- history -------------------------------------------------------------------------------- */

/* ANEMONE_HISTORY names the file, or is empty for none; else it is with the other state. */
static void find_history(char *path, size_t size) {
    const char *named = getenv("ANEMONE_HISTORY"), *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    path[0] = '\0';
    if (named) snprintf(path, size, "%s", named);
    else if (state && *state) snprintf(path, size, "%s/anemone/chat_history", state);
    else if (home && *home) snprintf(path, size, "%s/.local/state/anemone/chat_history", home);
}

/* Makes the folders above a file. What fails here fails again, and is told, at the file. */
static void make_folders(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

static char *next_completion(const char *text, int state) {
    static size_t at;
    if (state == 0) at = 0;
    for (const char *word; (word = completion(at)) != NULL;) {
        at++;
        if (strncmp(word, text, strlen(text)) == 0) return strdup(word);
    }
    return NULL;
}

static char **complete(const char *text, int start, int end) {
    (void)end;
    rl_attempted_completion_over = 1; /* never file names */
    return start == 0 ? rl_completion_matches(text, next_completion) : NULL;
}

void chatline_open(bool terminal, chatline_word_fn word) {
    at_terminal = terminal;
    completion = word;
    if (!terminal) return;
    find_history(history_path, sizeof history_path);
    using_history();
    stifle_history(HISTORY_LINES);
    if (history_path[0]) read_history(history_path);
    rl_attempted_completion_function = complete;
}

void chatline_close(void) {
    if (!at_terminal || !history_path[0]) return;
    make_folders(history_path);
    if (write_history(history_path) == 0) chmod(history_path, 0600);
}

/* --- lines ---------------------------------------------------------------------------------- */

static char *read_piped(void) {
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length = getline(&line, &capacity, stdin);
    if (length < 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

/* One line without its end. *interrupted: Ctrl-C. */
static char *read_one(const char *prompt, bool *interrupted) {
    if (!at_terminal) return read_piped();
    errno = 0;
    char *line = readline(prompt);
    *interrupted = cli_interrupted();
    if (*interrupted) {
        free(line);
        putchar('\n');
        return NULL;
    }
    return line;
}

/* Adds a line to a text, with a line break between. False when memory is out. */
static bool join(char **text, const char *line) {
    size_t before = strlen(*text), more = strlen(line);
    char *grown = realloc(*text, before + more + 2);
    if (!grown) return false;
    *text = grown;
    grown[before] = '\n';
    memcpy(grown + before + 1, line, more + 1);
    return true;
}

static bool ends_in(const char *text, const char *end) {
    size_t length = strlen(text), wanted = strlen(end);
    return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

static const char quotes[] = "\"\"\"";

/* Whether another line belongs to the text; takes the mark that says so off its end. */
static bool goes_on(char *text, bool quoted) {
    size_t length = strlen(text);
    if (quoted) {
        bool closed = ends_in(text, quotes) && length >= 2 * strlen(quotes);
        if (closed) text[length - strlen(quotes)] = '\0';
        return !closed;
    }
    bool more = ends_in(text, "\\");
    if (more) text[length - 1] = '\0';
    return more;
}

static void take_out_quotes(char *text) {
    const char *start = text + strlen(quotes);
    if (*start == '\n') start++;
    size_t length = strlen(start);
    if (length && start[length - 1] == '\n') length--;
    memmove(text, start, length);
    text[length] = '\0';
}

static void remember(const char *text) {
    if (at_terminal && *text) add_history(text);
}

char *chatline_read(const char *prompt) {
    bool interrupted = false, whole = true;
    char *text = read_one(prompt, &interrupted);
    if (!text) return interrupted ? strdup("") : NULL;
    bool quoted = strncmp(text, quotes, strlen(quotes)) == 0;
    while (whole && goes_on(text, quoted)) {
        char *line = read_one("... ", &interrupted);
        if (!line && interrupted) { /* what was begun is dropped */
            free(text);
            return strdup("");
        }
        whole = line && join(&text, line);
        free(line);
    }
    remember(text);
    if (quoted) take_out_quotes(text);
    return text;
}
