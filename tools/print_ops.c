/* SPDX-License-Identifier: MIT */
/*
 * Prints the op table as docs/ops.md, or checks that a file is what would be printed:
 *
 *     print_ops                 to standard output
 *     print_ops --check FILE    exit status 1 if FILE differs
 */
#include <stdio.h>
#include <string.h>

#include "src/base/file.h"
#include "src/base/str.h"
#include "src/mil/ops.h"

enum { MOST_BYTES = 1 << 22 };

static const char head[] =
    "# MIL operations\n"
    "\n"
    "The op table of `src/mil/optable*.c`: what the validator accepts, with the defaults that the\n"
    "interpreter uses. This page is printed by `build/tools/print_ops`; the test `docs-ops` fails\n"
    "when it is out of date. Names, defaults and first opsets are those of coremltools, which has\n"
    "no `acosh` and `asinh`.\n"
    "\n"
    "`const` must be known when the program is loaded, `several` is a tuple of values, `= ...` is\n"
    "the default of an argument that may be absent. `number` is fp16, fp32 and integers of up to\n"
    "32 bits (not uint32), `tensor` is number or bool, `wide` is 64-bit numbers, uint32, bf16 and\n"
    "fp8, `sub-byte` integers below 8 bits.\n"
    "Opset 15 is iOS 15 (CoreML5), 18 is iOS 18 (CoreML8).\n"
    "\n"
    "| op | opset | arguments | gives |\n"
    "|---|---|---|---|\n";

/* Wider sets stand before what they contain. */
static const struct {
    unsigned bits;
    const char *name;
} kinds[] = {
    {ANM_ARG_ANY, "any"},
    {ANM_ARG_ANY & ~ANM_ARG_STATE, "any but state"},
    {ANM_ARG_NUMBER | ANM_ARG_BOOL, "tensor"},
    {ANM_ARG_NUMBER, "number"},
    {ANM_ARG_FLOAT, "float"},
    {ANM_ARG_INT, "int"},
    {ANM_ARG_INT8 | ANM_ARG_UINT8, "int8/uint8"},
    {ANM_ARG_FP16, "fp16"},
    {ANM_ARG_FP32, "fp32"},
    {ANM_ARG_INT32, "int32"},
    {ANM_ARG_INT16, "int16"},
    {ANM_ARG_UINT16, "uint16"},
    {ANM_ARG_INT8, "int8"},
    {ANM_ARG_UINT8, "uint8"},
    {ANM_ARG_BOOL, "bool"},
    {ANM_ARG_STRING, "string"},
    {ANM_ARG_SUBBYTE, "sub-byte"},
    {ANM_ARG_WIDE, "wide"},
    {ANM_ARG_STATE, "state"},
    {ANM_ARG_LIST, "list"},
};

static void print_kinds(anm_strbuf *out, unsigned accepts) {
    unsigned left = accepts & ANM_ARG_ANY;
    for (size_t i = 0; left && i < sizeof kinds / sizeof kinds[0]; i++) {
        if ((left & kinds[i].bits) != kinds[i].bits) continue;
        anm_strbuf_printf(out, "%s%s", left == (accepts & ANM_ARG_ANY) ? " " : "/", kinds[i].name);
        left &= ~kinds[i].bits;
    }
}

static void print_default(anm_strbuf *out, const anm_mil_arg_spec *arg) {
    switch (arg->default_kind) {
    case ANM_DEFAULT_NONE: anm_strbuf_puts(out, ", optional"); break;
    case ANM_DEFAULT_BOOL:
        anm_strbuf_puts(out, arg->default_number != 0 ? " = true" : " = false");
        break;
    case ANM_DEFAULT_STRING: anm_strbuf_printf(out, " = \"%s\"", arg->default_text); break;
    default: anm_strbuf_printf(out, " = %.10g", arg->default_number); break;
    }
}

static void print_arg(anm_strbuf *out, const anm_mil_arg_spec *arg) {
    anm_strbuf_printf(out, "`%s`", arg->name);
    if (arg->accepts & ANM_ARG_VARIADIC) anm_strbuf_puts(out, " several");
    if (arg->accepts & ANM_ARG_CONST) anm_strbuf_puts(out, " const");
    print_kinds(out, arg->accepts);
    if (arg->accepts & ANM_ARG_SCALAR) anm_strbuf_puts(out, " scalar");
    if (arg->accepts & ANM_ARG_VECTOR) anm_strbuf_puts(out, " vector");
    if (arg->accepts & ANM_ARG_OPTIONAL) print_default(out, arg);
}

/* A bar would end the table's cell. */
static void print_doc(anm_strbuf *out, const char *doc) {
    for (; *doc; doc++) {
        if (*doc == '|' || *doc == '*') anm_strbuf_putc(out, '\\');
        anm_strbuf_putc(out, *doc);
    }
}

static void print_op(anm_strbuf *out, const anm_mil_op_spec *spec) {
    anm_strbuf_printf(out, "| `%s` | %d | ", spec->name, spec->opset);
    for (size_t i = 0; i < spec->arg_count; i++) {
        if (i) anm_strbuf_puts(out, "; ");
        print_arg(out, &spec->args[i]);
    }
    anm_strbuf_puts(out, " | ");
    print_doc(out, spec->doc);
    if (spec->output_count > 1) anm_strbuf_printf(out, " (%d outputs)", spec->output_count);
    if (spec->output_count < 0) anm_strbuf_puts(out, " (several outputs)");
    anm_strbuf_puts(out, " |\n");
}

static int check(const anm_strbuf *wanted, const char *path) {
    anm_error err;
    char *text = NULL, message[900];
    size_t size = 0;
    anm_arena *arena = anm_arena_create();
    anm_status status = anm_file_read(arena, path, MOST_BYTES, &text, &size, &err);
    bool same = status == ANM_OK && size == wanted->len &&
                memcmp(text, anm_strbuf_cstr(wanted), size) == 0;
    if (status != ANM_OK) {
        anm_error_format(&err, message, sizeof message);
        fprintf(stderr, "%s\n", message);
    } else if (!same) {
        fprintf(stderr, "%s is out of date: build/tools/print_ops > %s\n", path, path);
    }
    anm_arena_destroy(arena);
    return same ? 0 : 1;
}

int main(int argc, char **argv) {
    anm_strbuf out = {0};
    const anm_mil_op_spec *spec;
    int failed = 0;
    anm_strbuf_puts(&out, head);
    for (size_t i = 0; (spec = anm_mil_op_spec_at(i)); i++) print_op(&out, spec);
    if (argc == 3 && strcmp(argv[1], "--check") == 0) failed = check(&out, argv[2]);
    else if (argc == 1) failed = fputs(anm_strbuf_cstr(&out), stdout) < 0;
    else failed = fprintf(stderr, "usage: print_ops [--check FILE]\n");
    anm_strbuf_free(&out);
    return failed ? 1 : 0;
}
