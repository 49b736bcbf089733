/* SPDX-License-Identifier: MIT */
/* What lines that start with '/' do. */
#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/cli/chat.h"
#include "src/cli/chatfile.h"

typedef struct chat_command_entry {
    const char *name, *argument, *help;
    void (*run)(chat *c, const char *argument);
} chat_command_entry;

static void do_help(chat *c, const char *argument);

/* Text of ours, wrapped at the window's width; whole in a pipe. */
__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    int columns = isatty(STDOUT_FILENO) ? cli_columns(stdout) : INT_MAX / 2;
    mdterm *m = mdterm_open(&(mdterm_options){.out = stdout, .columns = columns});
    if (!m) return;
    mdterm_write(m, text, strlen(text));
    mdterm_end(m);
    mdterm_free(m);
}

/* --- the conversation ----------------------------------------------------------------------- */

static void do_reset(chat *c, const char *argument) {
    (void)argument;
    talk_reset(&c->t);
}

static void do_undo(chat *c, const char *argument) {
    (void)argument;
    if (!talk_drop_turn(&c->t)) say("There is no question to take back.");
}

static void do_system(chat *c, const char *argument) {
    if (talk_set_system(&c->t, argument) != ANM_OK) cli_fail(&c->t.err);
}

/* A sampled answer is drawn anew; a greedy one would be the same again. */
static void do_regen(chat *c, const char *argument) {
    (void)argument;
    if (!talk_drop_answer(&c->t)) {
        say("There is no answer to write again.");
        return;
    }
    if (c->settings->temperature > 0) c->settings->seed++;
    else say("(greedy: the answer will be the same; /set temperature 0.8 makes it vary)");
    if (chat_answer(c) != ANM_OK) cli_fail(&c->t.err);
}

/* --- files ---------------------------------------------------------------------------------- */

static void do_save(chat *c, const char *argument) {
    talk *t = &c->t;
    anm_status status = chatfile_save(argument, anm_llm_name(t->llm), t->messages, t->count,
                                      &t->err);
    if (status != ANM_OK) cli_fail(&t->err);
    else say("%zu messages are in %s.\n", t->count, argument);
}

static void do_load(chat *c, const char *argument) {
    chatfile file;
    talk *t = &c->t;
    anm_status status = chatfile_load(argument, &file, &t->err);
    if (status == ANM_OK) status = talk_replace(t, file.messages, file.count);
    if (status != ANM_OK) cli_fail(&t->err);
    else say("%zu messages from %s.\n", file.count, argument);
    chatfile_free(&file);
}

/* --- settings ------------------------------------------------------------------------------- */

static void do_stats(chat *c, const char *argument) {
    (void)argument;
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream) return;
    talk_print_stats(&c->t, stream);
    fclose(stream);
    say("%s", text);
    free(text);
}

static void print_setting(const cli_option *o) {
    printf("  %-20s ", o->name);
    switch (o->kind) {
    case CLI_FLAG: puts(*(bool *)o->target ? "on" : "off"); break;
    case CLI_INT: printf("%" PRId64 "\n", *(int64_t *)o->target); break;
    case CLI_FLOAT: printf("%g\n", *(double *)o->target); break;
    case CLI_STRING: {
        const char *text = *(const char **)o->target;
        puts(text ? text : "-");
        break;
    }
    case CLI_LIST: {
        const cli_list *list = o->target;
        for (size_t i = 0; i < list->count; i++) printf("%s%s", i ? ", " : "", list->items[i]);
        puts(list->count ? "" : "-");
        break;
    }
    }
}

/* What the model was opened with cannot change any more. */
static bool is_fixed(const char *name) {
    static const char *const names[] = {"system", "precision", "raw"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

static const char *keep(chat *c, const char *text) {
    char **grown = realloc(c->texts, (c->text_count + 1) * sizeof *grown);
    if (!grown) return "";
    c->texts = grown;
    char *copy = strdup(text);
    c->texts[c->text_count] = copy;
    c->text_count += copy != NULL;
    return copy ? copy : "";
}

/* A value that makes no sense leaves everything as it was. */
static void set(chat *c, const char *name, const char *value) {
    if (is_fixed(name)) {
        say("%s is fixed when the chat starts%s.\n", name,
               strcmp(name, "system") == 0 ? "; /system TEXT replaces the prompt" : "");
        return;
    }
    talk_settings before = *c->settings;
    bool done =
        cli_set(c->spec, name, keep(c, value)) < 0 && talk_check(c->spec, c->settings) < 0;
    if (!done) *c->settings = before;
}

static void do_set(chat *c, const char *argument) {
    char name[64];
    size_t length = strcspn(argument, " \t=");
    if (!length) {
        for (size_t i = 0; i < c->spec->option_count; i++) print_setting(&c->spec->options[i]);
        return;
    }
    snprintf(name, sizeof name, "%.*s", (int)length, argument);
    const char *value = argument + length;
    value += strspn(value, " \t=");
    set(c, name, value);
}

static void do_think(chat *c, const char *argument) {
    if (!*argument) chatview_show_thoughts(&c->view);
    else if (strcmp(argument, "show") == 0) c->view.thinking = CHAT_THINK_SHOW;
    else if (strcmp(argument, "fold") == 0) c->view.thinking = CHAT_THINK_FOLD;
    else if (strcmp(argument, "off") == 0) c->settings->no_think = true;
    else if (strcmp(argument, "on") == 0) c->settings->no_think = false;
    else say("/think takes show, fold, on or off; alone it shows the last thoughts");
}

static void do_quit(chat *c, const char *argument) {
    (void)argument;
    c->leave = true;
}

/* --- the table ------------------------------------------------------------------------------ */

static const chat_command_entry commands[] = {
    {"/help", "", "show this", do_help},
    {"/reset", "", "forget the conversation, all but the system prompt", do_reset},
    {"/regen", "", "write the last answer again", do_regen},
    {"/undo", "", "take back the last question and its answer", do_undo},
    {"/system", "TEXT", "replace the system prompt", do_system},
    {"/set", "[NAME VALUE]", "change a setting, such as temperature; alone: show all", do_set},
    {"/think", "[show|fold|on|off]", "the last thoughts; how thoughts are shown; or none",
     do_think},
    {"/save", "FILE", "write the conversation to a file", do_save},
    {"/load", "FILE", "go on with a conversation from a file", do_load},
    {"/stats", "", "speed of the last answer", do_stats},
    {"/quit", "", "leave (or Ctrl-D)", do_quit},
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

const char *chat_command_name(size_t index) {
    return index < COMMAND_COUNT ? commands[index].name : NULL;
}

/* In a narrow window the explanations go below their commands. */
static void do_help(chat *c, const char *argument) {
    (void)c;
    (void)argument;
    bool narrow = cli_columns(stdout) < 72;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        char left[40];
        snprintf(left, sizeof left, "%s %s", commands[i].name, commands[i].argument);
        if (narrow) say("%s\n    %s", left, commands[i].help);
        else printf("%-26s %s\n", left, commands[i].help);
    }
    say("A line that ends in \\ goes on in the next; \"\"\" opens and closes many lines; Ctrl-C "
        "stops an answer.");
}

static bool wants_argument(const chat_command_entry *command) {
    return command->argument[0] && command->argument[0] != '[';
}

static void run_command(chat *c, const chat_command_entry *command, const char *argument) {
    if (!*argument && wants_argument(command))
        say("%s needs a %s.\n", command->name, command->argument);
    else if (*argument && !command->argument[0])
        say("%s takes nothing more.\n", command->name);
    else command->run(c, argument);
}

void chat_command(chat *c, const char *line) {
    size_t length = strcspn(line, " \t");
    const char *argument = line + length + strspn(line + length, " \t");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strlen(commands[i].name) != length || strncmp(commands[i].name, line, length) != 0)
            continue;
        run_command(c, &commands[i], argument);
        return;
    }
    if (strcmp(line, "/exit") == 0 || strcmp(line, "/bye") == 0) c->leave = true;
    else say("There is no command %.*s; /help lists them.\n", (int)length, line);
}
