/* SPDX-License-Identifier: MIT */
/*
 * What the subcommands share: options, messages, exit codes. The command uses the public headers
 * only: what it can do, every caller of the library can do.
 *
 * Exit codes: 0 success; 1 to 10 the library's anm_status; 64 wrong usage; 130 interrupted, 128
 * and the signal's number in general.
 */
#ifndef ANM_CLI_CLI_H
#define ANM_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "anemone/status.h"

enum { CLI_USAGE = 64, CLI_INTERRUPTED = 130 };

typedef enum cli_kind {
    CLI_FLAG,   /* bool */
    CLI_STRING, /* const char * */
    CLI_INT,    /* int64_t, not negative */
    CLI_FLOAT,  /* double */
    CLI_LIST,   /* cli_list: each use of the option adds to it */
} cli_kind;

enum { CLI_MOST_ITEMS = 64 };
typedef struct cli_list {
    const char *items[CLI_MOST_ITEMS]; /* of the command line */
    size_t count;
} cli_list;

typedef struct cli_option {
    const char *name; /* "context" for --context */
    char letter;      /* 'o' for -o; 0: none */
    cli_kind kind;
    void *target;
    const char *metavar; /* shown in --help; NULL for flags */
    const char *help;
} cli_option;

typedef struct cli_spec {
    const char *name;     /* "convert" */
    const char *operands; /* "MODEL_DIR" */
    int least, most;      /* operands */
    const char *summary;  /* a sentence */
    const char *notes;    /* more for --help, or NULL */
    const cli_option *options;
    size_t option_count;
} cli_spec;

/*
 * Reads options anywhere among the operands; --help and "--" are understood. Gives -1 to go on,
 * *operands then being the first of *count operands (argv is permuted), or an exit code.
 */
int cli_parse(const cli_spec *spec, int argc, char **argv, char ***operands, int *count);

/*
 * Sets one of the options by its name, as the command line would; a flag takes "on" or "off". Gives
 * -1, or CLI_USAGE after a message. The text of a CLI_STRING is kept, not copied.
 */
int cli_set(const cli_spec *spec, const char *name, const char *text);

/* Fills in an error of the command's own; gives the status. */
anm_status cli_raise(anm_error *err, anm_status status, const char *where, const char *message);
/* Seconds since some moment, for durations. */
double cli_seconds(void);

/* "anemone: where: message" on stderr; gives the exit code for the status. */
int cli_fail(const anm_error *error);
/* "anemone COMMAND: message" and a hint at --help; gives CLI_USAGE. */
int cli_usage(const cli_spec *spec, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Whether to colour what goes to this stream: a terminal, TERM not "dumb", NO_COLOR not set. */
bool cli_colour(FILE *stream);
/* Columns of the terminal behind the stream; 80 if it is none. */
int cli_columns(FILE *stream);
/* "1.2 GB", decimal units, in a buffer of the caller's. */
const char *cli_size(double bytes, char *buffer, size_t size);

/*
 * "400MB", "1.5 GB", "2G", "1GiB", "300000000", in any case: kB, MB and GB are powers of 1000, KiB,
 * MiB and GiB of 1024. False for anything else, and for less than a byte.
 */
bool cli_bytes(const char *text, int64_t *out);

/*
 * From now on SIGINT, SIGTERM and SIGHUP let what is being written be taken back before the program
 * ends; the second one ends it at once. `cli_stopped` gives the first one, or 0.
 */
void cli_handle_signals(void);
int cli_stopped(void);
/*
 * While installed, Ctrl-C sets a flag instead of ending the program. `cli_interrupted` tells and
 * clears it.
 */
void cli_catch_interrupt(void);
void cli_release_interrupt(void);
bool cli_interrupted(void);

int cmd_bench(int argc, char **argv);
int cmd_chat(int argc, char **argv);
int cmd_combine(int argc, char **argv);
int cmd_compile(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_du(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_package(int argc, char **argv);
int cmd_path(int argc, char **argv);
int cmd_predict(int argc, char **argv);
int cmd_prune(int argc, char **argv);
int cmd_pull(int argc, char **argv);
int cmd_rm(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_split(int argc, char **argv);
int cmd_verify(int argc, char **argv);

#endif
