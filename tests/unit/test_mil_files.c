/* SPDX-License-Identifier: MIT */
/*
 * Runs the text files of tests/mil, each of which says in comments what to do with it and what
 * comes of that:
 *
 *     // RUN: COMMAND [ARGUMENT]   see commands[] below; several may follow each other
 *     // EXPECT: STATUS            "ok", or the name of the status: "format", "unsupported" ...
 *     // EXPECT-ERROR: FRAGMENT    a part of one problem's text; one line for each problem,
 *                                  in any order, and no problem may be left over
 *
 * A file *.expected.mil is no test: it holds what a command's output is compared with.
 */
#include "tests/unit/testing.h"

#include <string.h>

#include "src/base/alloc.h"
#include "src/base/file.h"
#include "src/mil/text.h"
#include "src/mil/validate.h"

enum { MAX_RUNS = 8, MAX_ERRORS = 16 };

typedef struct mil_file {
    const char *path, *text;
    size_t size;
    anm_sv runs[MAX_RUNS], errors[MAX_ERRORS], status; /* slices of text */
    int run_count, error_count;
} mil_file;

/* What a command found: one text for each problem, in the arena. */
typedef struct outcome {
    anm_arena *arena;
    anm_status status;
    const char *problems[4 * MAX_ERRORS];
    int problem_count;
} outcome;

static void add_problem(outcome *o, const char *text) {
    if (o->problem_count < 4 * MAX_ERRORS) o->problems[o->problem_count++] = text;
}

/* ---- commands ---- */

static anm_mil_program *parse(const mil_file *file) {
    anm_mil_program *program;
    anm_error err;
    assert_ok(anm_mil_text_parse(file->text, file->size, file->path, &program, &err), &err);
    return program;
}

static void run_parse(const mil_file *file, anm_sv argument, outcome *o) {
    anm_mil_program *program;
    anm_error err = {0};
    o->status = anm_mil_text_parse(file->text, file->size, file->path, &program, &err);
    if (o->status != ANM_OK) add_problem(o, anm_arena_strdup(o->arena, err.message));
    anm_mil_program_destroy(program);
}

/* The file without its comment lines. */
static void strip_comments(const mil_file *file, anm_strbuf *out) {
    const char *end = file->text + file->size;
    for (const char *line = file->text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *next = newline ? newline + 1 : end, *first = line;
        while (first < next && *first == ' ') first++;
        if (next - first < 2 || memcmp(first, "//", 2) != 0)
            anm_strbuf_append(out, line, (size_t)(next - line));
        line = next;
    }
}

/* Without comments it is exactly what the printer writes, and a newline. */
static void run_roundtrip(const mil_file *file, anm_sv argument, outcome *o) {
    anm_mil_program *program = parse(file);
    anm_strbuf printed = {0}, stripped = {0};
    anm_mil_text_print(program, NULL, &printed);
    anm_strbuf_putc(&printed, '\n');
    strip_comments(file, &stripped);
    assert_string_equal(anm_strbuf_cstr(&printed), anm_strbuf_cstr(&stripped));
    o->status = ANM_OK;
    anm_strbuf_free(&printed);
    anm_strbuf_free(&stripped);
    anm_mil_program_destroy(program);
}

/* Problems read "main: op sum (add): shapes ..."; without an op "main: ...". */
static void run_validate(const mil_file *file, anm_sv argument, outcome *o) {
    anm_mil_program *program = parse(file);
    anm_mil_report report = {0};
    anm_error err = {0};
    o->status = anm_mil_validate(program, o->arena, &report, &err);
    for (size_t i = 0; i < report.count; i++) {
        const anm_mil_problem *p = &report.problems[i];
        const char *function = p->function ? p->function->name : "program";
        add_problem(o, p->op ? anm_arena_printf(o->arena, "%s: op %s (%s): %s", function,
                                                anm_mil_op_label(p->op), p->op->type, p->message)
                             : anm_arena_printf(o->arena, "%s: %s", function, p->message));
    }
    if (o->status != ANM_OK) assert_string_not_equal(err.message, "");
    assert_int_equal(o->status == ANM_OK, report.count == 0);
    anm_mil_program_destroy(program);
}

static const struct {
    const char *name;
    void (*run)(const mil_file *file, anm_sv argument, outcome *o);
} commands[] = {
    {"parse", run_parse},
    {"roundtrip", run_roundtrip},
    {"validate", run_validate},
};

/* ---- directives ---- */

/* What follows `key` on a comment line, without spaces around; data NULL if it is another line. */
static anm_sv directive(anm_sv line, const char *key) {
    size_t length = strlen(key);
    if (line.len < length || memcmp(line.data, key, length) != 0) return (anm_sv){0};
    anm_sv rest = {line.data + length, line.len - length};
    while (rest.len && rest.data[0] == ' ') rest.data++, rest.len--;
    while (rest.len && strchr(" \r", rest.data[rest.len - 1])) rest.len--;
    return rest;
}

static void read_directive(mil_file *file, anm_sv line) {
    anm_sv run = directive(line, "// RUN:"), status = directive(line, "// EXPECT:");
    anm_sv error = directive(line, "// EXPECT-ERROR:");
    if (run.data) {
        assert_in_range(file->run_count, 0, MAX_RUNS - 1);
        file->runs[file->run_count++] = run;
    } else if (status.data) {
        assert_null(file->status.data);
        file->status = status;
    } else if (error.data) {
        assert_in_range(file->error_count, 0, MAX_ERRORS - 1);
        assert_int_not_equal(error.len, 0);
        file->errors[file->error_count++] = error;
    } else if (directive(line, "// EXPECT").data || directive(line, "// RUN").data) {
        fail_msg("%s: unknown directive: %.*s", file->path, ANM_SV(line));
    }
}

static void read_directives(mil_file *file) {
    const char *end = file->text + file->size;
    for (const char *line = file->text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline ? newline : end;
        while (line < stop && *line == ' ') line++;
        read_directive(file, (anm_sv){line, (size_t)(stop - line)});
        line = stop + 1;
    }
    if (!file->run_count || !file->status.data)
        fail_msg("%s: needs a RUN and an EXPECT line", file->path);
    if (anm_sv_is(file->status, "ok") != (file->error_count == 0))
        fail_msg("%s: EXPECT-ERROR lines go with a status that is not ok", file->path);
}

/* ---- comparing ---- */

static bool contains(const char *text, anm_sv fragment) {
    return memmem(text, strlen(text), fragment.data, fragment.len) != NULL;
}

static void print_problems(const outcome *o) {
    for (int i = 0; i < o->problem_count; i++) printf("  problem: %s\n", o->problems[i]);
}

static void check_outcome(const mil_file *file, anm_sv run, const outcome *o) {
    bool used[4 * MAX_ERRORS] = {false};
    int matched = 0;
    if (!anm_sv_is(file->status, anm_status_name(o->status))) {
        print_problems(o);
        fail_msg("%s: %.*s: expected %.*s, got %s", file->path, ANM_SV(run), ANM_SV(file->status),
                 anm_status_name(o->status));
    }
    for (int e = 0; e < file->error_count; e++) {
        int i = 0;
        while (i < o->problem_count && (used[i] || !contains(o->problems[i], file->errors[e]))) i++;
        if (i == o->problem_count) {
            print_problems(o);
            fail_msg("%s: %.*s: no problem with \"%.*s\"", file->path, ANM_SV(run),
                     ANM_SV(file->errors[e]));
        }
        used[i] = true;
        matched++;
    }
    if (matched != o->problem_count) {
        print_problems(o);
        fail_msg("%s: %.*s: %d problems, %d expected", file->path, ANM_SV(run), o->problem_count,
                 matched);
    }
}

static void run_command(const mil_file *file, anm_sv run) {
    size_t length = 0, i = 0, count = sizeof commands / sizeof commands[0];
    while (length < run.len && run.data[length] != ' ') length++;
    anm_sv name = {run.data, length}, argument = {run.data + length, run.len - length};
    while (argument.len && argument.data[0] == ' ') argument.data++, argument.len--;
    while (i < count && !anm_sv_is(name, commands[i].name)) i++;
    if (i == count) fail_msg("%s: there is no RUN command %.*s", file->path, ANM_SV(name));
    outcome o = {.arena = anm_arena_create()};
    commands[i].run(file, argument, &o);
    check_outcome(file, run, &o);
    anm_arena_destroy(o.arena);
}

static void runs_as_it_says(void **state) {
    mil_file file = {.path = *state};
    anm_mapping mapping;
    anm_error err;
    assert_ok(anm_mapping_open(file.path, &mapping, &err), &err);
    file.text = (const char *)mapping.data;
    file.size = mapping.size;
    read_directives(&file);
    for (int i = 0; i < file.run_count; i++) run_command(&file, file.runs[i]);
    anm_mapping_close(&mapping);
}

/* One cmocka test for each file, named after it. */
int main(void) {
    anm_arena *arena = anm_arena_create();
    const char *folder = ANM_TEST_SOURCE_ROOT "/tests/mil";
    char **names;
    size_t name_count, count = 0;
    anm_error err;
    if (!arena || anm_dir_list(arena, folder, &names, &name_count, &err) != ANM_OK) return 1;
    struct CMUnitTest *tests = anm_calloc(name_count, sizeof *tests);
    for (size_t i = 0; tests && i < name_count; i++) {
        if (!anm_str_ends(names[i], ".mil") || anm_str_ends(names[i], ".expected.mil")) continue;
        tests[count++] = (struct CMUnitTest){.name = names[i], .test_func = runs_as_it_says,
                                             .initial_state =
                                                 anm_path_join(arena, folder, names[i])};
    }
    int failed = count ? _cmocka_run_group_tests("mil_files", tests, count, NULL, NULL) : 1;
    anm_free(tests);
    anm_arena_destroy(arena);
    return failed;
}
