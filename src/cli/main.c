/* SPDX-License-Identifier: MIT */
/* The command `anemone`: finds the subcommand. */
#include <stdlib.h>
#include <string.h>

#include "anemone/log.h"
#include "src/cli/cli.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"convert", cmd_convert, "make CoreML packages of a Hugging Face checkpoint"},
    {"chat", cmd_chat, "talk with a converted model"},
    {"run", cmd_run, "answer one prompt"},
    {"serve", cmd_serve, "offer models over HTTP, in the form of OpenAI's API"},
    {"eval", cmd_eval, "perplexity, two models compared, multiple choice"},
    {"bench", cmd_bench, "speed of a converted model, beside the machine's limits"},
    {"verify", cmd_verify, "check a converted model, alone or against its checkpoint"},
    {"inspect", cmd_inspect, "show what a package or compiled model holds"},
    {"compile", cmd_compile, "make a .mlmodelc of a .mlpackage, without a Mac"},
    {"package", cmd_package, "lay out a converted model for upload"},
    {"config", cmd_config, "show, make or check the description of a model's components"},
    {"pull", cmd_pull, "bring a model from the Hugging Face Hub into the cache"},
    {"list", cmd_list, "list the models in the cache"},
    {"path", cmd_path, "tell where a model in the cache is"},
    {"du", cmd_du, "show what the cache takes on the disk"},
    {"rm", cmd_rm, "remove models from the cache"},
    {"prune", cmd_prune, "remove from the cache what nothing needs any more"},
    {"predict", cmd_predict, "run a function of a package on tensors"},
    {"combine", cmd_combine, "put functions of several packages into one, sharing weights"},
    {"split", cmd_split, "make a package of each function"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *stream) {
    fputs("Usage: anemone COMMAND [options]\n\n"
          "Takes language models from Hugging Face to Apple's Neural Engine, and runs CoreML\n"
          "ML Programs on any CPU.\n\nCommands:\n",
          stream);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(stream, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`anemone COMMAND --help` tells more. `anemone --version` shows the version.\n"
          "Where a model is taken, ORG/NAME of the Hugging Face Hub will do; `anemone --offline\n"
          "COMMAND` keeps to what is in the cache.\n\n"
          "Exit codes: 0 success, 1 invalid argument, 2 out of memory, 3 input/output,\n"
          "4 not found, 5 malformed file, 6 not supported, 7 shape, type or name does not fit,\n"
          "8 beyond a limit, 9 cancelled, 10 internal error, 64 wrong usage, 130 interrupted,\n"
          "128 + N ended by signal N.\n",
          stream);
}

static void show_log(void *context, anm_log_level level, const char *message) {
    (void)context;
    if (level >= ANM_LOG_WARNING) fprintf(stderr, "anemone: warning: %s\n", message);
}

/* Output that a full disk swallowed is a failure, whatever the command thinks of it. */
static int end(int code) {
    if (code == ANM_ERROR_CANCELLED && cli_stopped()) code = 128 + cli_stopped();
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    fprintf(stderr, "anemone: standard output: cannot write all of it\n");
    return code == 0 || code > 128 ? ANM_ERROR_IO : code;
}

int main(int argc, char **argv) {
    anm_log_set(show_log, NULL);
    cli_handle_signals();
    if (argc > 1 && strcmp(argv[1], "--offline") == 0) {
        setenv("HF_HUB_OFFLINE", "1", 1);
        argv++;
        argc--;
    }
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return end(0);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("anemone " ANM_VERSION);
        return end(0);
    }
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0) return end(commands[i].run(argc - 1, argv + 1));
    fprintf(stderr, "anemone: no command \"%s\"; see `anemone --help`\n", argv[1]);
    return CLI_USAGE;
}
