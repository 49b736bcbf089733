/* SPDX-License-Identifier: MIT */
/* Options, messages and the terminal. */
#include "src/cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { MOST_OPTIONS = 40, HELP_CODE = 1000 };

anm_status cli_raise(anm_error *err, anm_status status, const char *where, const char *message) {
    *err = (anm_error){.status = status, .offset = ANM_NO_OFFSET};
    snprintf(err->where, sizeof err->where, "%s", where);
    snprintf(err->message, sizeof err->message, "%s", message);
    return status;
}

double cli_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int cli_fail(const anm_error *error) {
    char text[1024];
    anm_error_format(error, text, sizeof text);
    fflush(stdout);
    fprintf(stderr, "anemone: %s\n", text);
    if (error->source) fprintf(stderr, "anemone: raised at %s\n", error->source);
    return (int)error->status;
}

int cli_usage(const cli_spec *spec, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "anemone %s: ", spec->name);
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\nTry `anemone %s --help`.\n", spec->name);
    va_end(args);
    return CLI_USAGE;
}

static void print_option(const cli_option *o) {
    char left[64];
    char letter[8] = "    ";
    if (o->letter) snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(left, sizeof left, "  %s--%s%s%s", letter, o->name, o->metavar ? " " : "",
             o->metavar ? o->metavar : "");
    printf("%-28s %s\n", left, o->help);
}

static int print_help(const cli_spec *spec) {
    printf("Usage: anemone %s [options] %s\n\n%s\n\nOptions:\n", spec->name, spec->operands,
           spec->summary);
    for (size_t i = 0; i < spec->option_count; i++) print_option(&spec->options[i]);
    printf("%-28s %s\n", "      --help", "show this text");
    if (spec->notes) printf("\n%s\n", spec->notes);
    return 0;
}

static int add_item(const cli_spec *spec, const cli_option *o, const char *text) {
    cli_list *list = o->target;
    if (list->count == CLI_MOST_ITEMS)
        return cli_usage(spec, "--%s may be given %d times at most", o->name, CLI_MOST_ITEMS);
    list->items[list->count++] = text;
    return -1;
}

static int set_option(const cli_spec *spec, const cli_option *o, const char *text) {
    char *end = NULL;
    errno = 0;
    switch (o->kind) {
    case CLI_FLAG: *(bool *)o->target = true; return -1;
    case CLI_STRING: *(const char **)o->target = text; return -1;
    case CLI_INT: {
        long long value = strtoll(text, &end, 10);
        if (errno || end == text || *end || value < 0)
            return cli_usage(spec, "--%s takes a whole number, not \"%s\"", o->name, text);
        *(int64_t *)o->target = value;
        return -1;
    }
    case CLI_FLOAT: {
        double value = strtod(text, &end);
        if (errno || end == text || *end)
            return cli_usage(spec, "--%s takes a number, not \"%s\"", o->name, text);
        *(double *)o->target = value;
        return -1;
    }
    case CLI_LIST: return add_item(spec, o, text);
    }
    return -1;
}

int cli_set(const cli_spec *spec, const char *name, const char *text) {
    for (size_t i = 0; i < spec->option_count; i++) {
        const cli_option *o = &spec->options[i];
        if (strcmp(o->name, name) != 0) continue;
        if (o->kind != CLI_FLAG) return set_option(spec, o, text);
        bool on = strcmp(text, "on") == 0;
        if (!on && strcmp(text, "off") != 0)
            return cli_usage(spec, "%s is on or off, not \"%s\"", name, text);
        *(bool *)o->target = on;
        return -1;
    }
    return cli_usage(spec, "there is no setting \"%s\"", name);
}

static void make_tables(const cli_spec *spec, struct option *longs, char *shorts) {
    char *s = shorts;
    size_t n = 0;
    *s++ = ':'; /* tell a missing argument from an unknown option */
    for (; n < spec->option_count && n < MOST_OPTIONS; n++) {
        const cli_option *o = &spec->options[n];
        int takes = o->kind == CLI_FLAG ? no_argument : required_argument;
        longs[n] = (struct option){o->name, takes, NULL, HELP_CODE + 1 + (int)n};
        if (!o->letter) continue;
        *s++ = o->letter;
        if (takes == required_argument) *s++ = ':';
    }
    longs[n] = (struct option){"help", no_argument, NULL, HELP_CODE};
    longs[n + 1] = (struct option){0};
    *s = '\0';
}

static const cli_option *option_of(const cli_spec *spec, int code) {
    if (code > HELP_CODE) return &spec->options[code - HELP_CODE - 1];
    for (size_t i = 0; i < spec->option_count; i++)
        if (spec->options[i].letter == code) return &spec->options[i];
    return NULL;
}

int cli_parse(const cli_spec *spec, int argc, char **argv, char ***operands, int *count) {
    struct option longs[MOST_OPTIONS + 2];
    char shorts[2 * MOST_OPTIONS + 2];
    make_tables(spec, longs, shorts);
    optind = 1;
    opterr = 0;
    for (int code; (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (code == HELP_CODE) return print_help(spec);
        if (code == ':') return cli_usage(spec, "%s needs a value", argv[optind - 1]);
        if (code == '?' && optopt > 0 && optopt < HELP_CODE)
            return cli_usage(spec, "unknown option -%c", optopt);
        if (code == '?') return cli_usage(spec, "unknown option %s", argv[optind - 1]);
        int result = set_option(spec, option_of(spec, code), optarg);
        if (result >= 0) return result;
    }
    *operands = argv + optind;
    *count = argc - optind;
    if (*count < spec->least) return cli_usage(spec, "expected %s", spec->operands);
    if (*count > spec->most)
        return cli_usage(spec, "unexpected argument \"%s\"", argv[optind + spec->most]);
    return -1;
}

bool cli_colour(FILE *stream) {
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(stream)) && !(none && *none) && term && strcmp(term, "dumb") != 0;
}

int cli_columns(FILE *stream) {
    struct winsize size;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

const char *cli_size(double bytes, char *buffer, size_t size) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    int unit = 0;
    for (; bytes >= 999.5 && unit < 4; unit++) bytes /= 1000;
    snprintf(buffer, size, unit && bytes < 99.95 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return buffer;
}

/* The factor that a unit stands for; 0: there is no such unit. */
static double unit_bytes(const char *unit) {
    static const char prefixes[] = "kmg";
    double decimal = 1, binary = 1;
    if (!*unit || strcasecmp(unit, "B") == 0) return 1;
    for (const char *p = prefixes; *p; p++) {
        decimal *= 1000;
        binary *= 1024;
        if ((*unit | 0x20) != *p) continue;
        if (!unit[1] || strcasecmp(unit + 1, "B") == 0) return decimal;
        return strcasecmp(unit + 1, "iB") == 0 ? binary : 0;
    }
    return 0;
}

bool cli_bytes(const char *text, int64_t *out) {
    char *end;
    double value = strtod(text, &end);
    bool number = end != text;
    while (*end == ' ') end++;
    value *= unit_bytes(end);
    if (!number || !(value >= 1 && value < 1e18)) return false;
    *out = (int64_t)value;
    return true;
}
