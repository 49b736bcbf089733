/* SPDX-License-Identifier: MIT */
/*
 * check_passes FILE..: what single passes make of small functions.
 *
 * A file NAME.mil begins with "// pass: NAME" (several, separated by spaces, run in turn), and then
 * a function. Behind a line "// becomes" stands what must come out, or "// unchanged" that nothing
 * must. Lines are compared without their indentation; comments and empty lines do not count. What
 * nobody uses any more is swept away after each pass, and the result is validated.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/file.h"
#include "src/mil/text.h"
#include "src/mil/validate.h"
#include "src/pass/pass.h"

enum { MOST_TEXT = 1 << 20, MOST_LINES = 400 };

typedef struct lines {
    char *line[MOST_LINES];
    size_t count;
} lines;

/* Cuts the text in place; what the program around the function is made of is left out. */
static void cut(char *text, lines *out) {
    out->count = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        line += strspn(line, " \t");
        if (!*line || strncmp(line, "//", 2) == 0 || strncmp(line, "program(", 8) == 0 ||
            strcmp(line, "{") == 0 || strcmp(line, "}") == 0 || strncmp(line, "[build", 6) == 0)
            continue;
        if (out->count < MOST_LINES) out->line[out->count++] = line;
    }
}

static bool compare(const char *name, const lines *want, const lines *got) {
    size_t most = want->count > got->count ? want->count : got->count, at = 0;
    while (at < most && at < want->count && at < got->count &&
           strcmp(want->line[at], got->line[at]) == 0)
        at++;
    if (at == most) return true;
    printf("%s: line %zu of the function differs\n", name, at + 1);
    for (size_t i = 0; i < at; i++) printf("  %s\n", got->line[i]);
    for (size_t i = at; i < want->count; i++) printf("- %s\n", want->line[i]);
    for (size_t i = at; i < got->count; i++) printf("+ %s\n", got->line[i]);
    return false;
}

static const anm_pass *find_pass(const char *name) {
    const anm_pass *pass;
    for (size_t i = 0; (pass = anm_pass_at(i)); i++)
        if (strcmp(pass->name, name) == 0) return pass;
    return NULL;
}

static anm_status validate(const anm_mil_program *program, anm_error *err) {
    anm_arena *arena = anm_arena_create();
    anm_status status = anm_mil_validate(program, arena, NULL, err);
    anm_arena_destroy(arena);
    return status;
}

/* `names` is cut. */
static anm_status run_passes(anm_flow *g, char *names, anm_error *err) {
    for (char *name = strtok(names, " "); name; name = strtok(NULL, " ")) {
        const anm_pass *pass = find_pass(name);
        if (!pass) return anm_fail(err, ANM_ERROR_NOT_FOUND, name, "there is no such pass");
        g->at = NULL;
        ANM_TRY(pass->run(g, err));
        anm_flow_sweep(g);
        ANM_TRY(validate(g->program, err));
    }
    return ANM_OK;
}

/* The program's text, wrapped around a function's, after the passes; NULL `names`: as it is. */
static anm_status transform(const char *function, char *names, anm_strbuf *out, anm_error *err) {
    anm_strbuf text = {0};
    anm_mil_program *program = NULL;
    anm_flow g = {0};
    anm_strbuf_printf(&text, "program(1.3)\n{\n%s\n}", function);
    anm_status status = anm_mil_text_parse(text.data, text.len, "function", &program, err);
    if (status == ANM_OK) status = validate(program, err);
    if (status == ANM_OK) status = anm_flow_copy(program->functions[0], NULL, &g, err);
    if (status == ANM_OK && names) status = run_passes(&g, names, err);
    if (status == ANM_OK) anm_mil_text_print(g.program, NULL, out);
    anm_flow_free(&g);
    anm_mil_program_destroy(program);
    anm_strbuf_free(&text);
    return status;
}

static bool fail(const char *name, const anm_error *err) {
    char text[900];
    anm_error_format(err, text, sizeof text);
    printf("%s: %s\n", name, text);
    return false;
}

/* The text in three: names of passes, function, and what is expected of it (NULL: the same). */
static bool divide(char *text, char **names, char **function, char **expected) {
    char *becomes = strstr(text, "// becomes\n"), *unchanged = strstr(text, "// unchanged\n");
    char *end = strchr(text, '\n');
    if (strncmp(text, "// pass: ", 9) != 0 || !end || (!becomes && !unchanged)) return false;
    *end = '\0';
    *names = text + 9;
    *function = end + 1;
    *(becomes ? becomes : unchanged) = '\0';
    *expected = becomes ? becomes + strlen("// becomes\n") : NULL;
    return true;
}

static bool check_text(const char *name, char *text) {
    char *names, *function, *expected;
    anm_strbuf got = {0}, same = {0};
    lines wanted_lines, got_lines;
    anm_error err;
    if (!divide(text, &names, &function, &expected)) {
        printf("%s: no \"// pass: NAME\", or no \"// becomes\" or \"// unchanged\"\n", name);
        return false;
    }
    anm_status status = transform(function, NULL, &same, &err);
    if (status == ANM_OK) status = transform(function, names, &got, &err);
    bool ok = status == ANM_OK || fail(name, &err);
    if (ok) {
        cut(expected ? expected : same.data, &wanted_lines);
        cut(got.data, &got_lines);
        ok = compare(name, &wanted_lines, &got_lines);
    }
    anm_strbuf_free(&got);
    anm_strbuf_free(&same);
    return ok;
}

static bool check_file(const char *path) {
    anm_error err;
    char *text;
    size_t size;
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    anm_arena *arena = anm_arena_create();
    anm_status status = anm_file_read(arena, path, MOST_TEXT, &text, &size, &err);
    bool ok = status == ANM_OK ? check_text(name, text) : fail(name, &err);
    printf(ok ? "[       OK ] %s\n" : "[  FAILED  ] %s\n", name);
    anm_arena_destroy(arena);
    return ok;
}

int main(int argc, char **argv) {
    int failed = 0;
    for (int i = 1; i < argc; i++) failed += !check_file(argv[i]);
    return failed > 0 || argc < 2;
}
