/* SPDX-License-Identifier: MIT */
/*
 * Writes programs as text, in the compiler's own spacing and order. Knows nothing of validity:
 * whatever the representation holds is shown, so that wrong programs can be looked at.
 */
#include <stdlib.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/mil/text.h"
#include "src/mil/text_number.h"

typedef struct printer {
    anm_strbuf *out;
    anm_mil_text_options options;
    bool scalars; /* of dialect 1.3: int32(2) */
    const anm_mil_function *function; /* being printed */
} printer;

static void put(printer *p, const char *text) {
    anm_strbuf_puts(p->out, text);
}

static void indent(printer *p, int columns) {
    anm_strbuf_printf(p->out, "%*s", columns, "");
}

/* ---- order ---- */

/* NULL when memory is out. */
static const void **new_order(printer *p, size_t count) {
    const void **order = anm_calloc(count, sizeof *order);
    if (!order) p->out->failed = true;
    return order;
}

/* A copy of `count` pointers in the order to print. */
static const void **ordered(printer *p, const void *const *items, size_t count,
                            int (*compare)(const void *, const void *)) {
    const void **order = new_order(p, count);
    if (order && count) memcpy(order, items, count * sizeof *order);
    if (order && !p->options.keep_order) qsort(order, count, sizeof *order, compare);
    return order;
}

/* The same for an array of structs, as pointers into it. */
static const void **ordered_structs(printer *p, const void *array, size_t count, size_t size,
                                    int (*compare)(const void *, const void *)) {
    const void **order = new_order(p, count);
    for (size_t i = 0; order && i < count; i++) order[i] = (const char *)array + i * size;
    if (order && !p->options.keep_order) qsort(order, count, sizeof *order, compare);
    return order;
}

/* qsort comparisons: both sides are pointers to pointers. Names are unique in their list. */
#define COMPARE_BY_NAME(function, type)                                                            \
    static int function(const void *a, const void *b) {                                            \
        const type *left = *(const type *const *)a, *right = *(const type *const *)b;              \
        return strcmp(left->name, right->name);                                                    \
    }
COMPARE_BY_NAME(compare_functions, anm_mil_function)
COMPARE_BY_NAME(compare_values, anm_mil_value)
COMPARE_BY_NAME(compare_args, anm_mil_arg)
COMPARE_BY_NAME(compare_attrs, anm_mil_attr)

/* Dict entries, as pointers to the key's place in items[]. Only string keys have an order. */
static int compare_entries(const void *a, const void *b) {
    const anm_mil_literal *left = **(const anm_mil_literal *const *const *)a;
    const anm_mil_literal *right = **(const anm_mil_literal *const *const *)b;
    int order = 0;
    if (left->strings && right->strings && left->count && right->count) {
        anm_sv x = left->strings[0], y = right->strings[0];
        size_t common = x.len < y.len ? x.len : y.len;
        order = common ? memcmp(x.data, y.data, common) : 0;
        if (!order) order = (x.len > y.len) - (x.len < y.len);
    }
    /* qsort is not stable: what compares equal keeps its place by address. */
    uintptr_t at = *(const uintptr_t *)a, other = *(const uintptr_t *)b;
    return order ? order : (at > other) - (at < other);
}

/* ---- types ---- */

static void print_dim(printer *p, int64_t dim) {
    if (dim < 0) put(p, "?");
    else anm_strbuf_printf(p->out, "%lld", (long long)dim);
}

static void print_tensor_type(printer *p, const anm_mil_type *type) {
    if (p->scalars && type->rank == 0) {
        put(p, anm_dtype_name(type->dtype));
        return;
    }
    put(p, "tensor<");
    put(p, anm_dtype_name(type->dtype));
    put(p, type->rank < 0 ? ", [..." : ", [");
    for (int i = 0; i < type->rank; i++) {
        if (i) put(p, ", ");
        print_dim(p, type->shape[i]);
    }
    put(p, "]>");
}

static void print_type(printer *p, const anm_mil_type *type) {
    static const char *const opening[] = {
        [ANM_MIL_TENSOR] = "tensor<", [ANM_MIL_STATE] = "state<", [ANM_MIL_LIST] = "list<",
        [ANM_MIL_TUPLE] = "tuple<",   [ANM_MIL_DICT] = "dict<",
    };
    if (type->kind == ANM_MIL_TENSOR) {
        print_tensor_type(p, type);
        return;
    }
    put(p, opening[type->kind]);
    for (size_t i = 0; i < type->count; i++) {
        if (i) put(p, ", ");
        print_type(p, type->items[i]);
    }
    if (type->kind == ANM_MIL_LIST) {
        put(p, ", ");
        print_dim(p, type->shape[0]);
    }
    put(p, ">");
}

/* ---- literals ---- */

static void print_string(printer *p, anm_sv text) {
    put(p, "\"");
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '"' || c == '\\') anm_strbuf_printf(p->out, "\\%c", c);
        else if (c == '\n') put(p, "\\n");
        else if (c == '\t') put(p, "\\t");
        else if (c == '\r') put(p, "\\r");
        else if ((unsigned char)c < 32 || c == 127)
            anm_strbuf_printf(p->out, "\\%03o", (unsigned)(unsigned char)c);
        else anm_strbuf_putc(p->out, c);
    }
    put(p, "\"");
}

static void print_element(printer *p, const anm_mil_literal *literal, int64_t index) {
    if (literal->strings) print_string(p, literal->strings[index]);
    else anm_mil_text_put_element(p->out, literal->type->dtype, literal->data, index);
}

/* Brackets of dimension `axis`; *next is the element to print next. */
static void print_rows(printer *p, const anm_mil_literal *literal, int axis, int64_t *next) {
    const anm_mil_type *type = literal->type;
    if (axis == type->rank) {
        print_element(p, literal, (*next)++);
        return;
    }
    put(p, "[");
    for (int64_t i = 0; i < type->shape[axis] && !p->out->failed; i++) {
        if (i) put(p, ", ");
        print_rows(p, literal, axis + 1, next);
    }
    put(p, "]");
}

static void print_tensor(printer *p, const anm_mil_literal *literal) {
    int64_t count = anm_mil_literal_elements(literal), next = 0;
    bool there = literal->strings ? (int64_t)literal->count >= count : literal->data != NULL;
    if (count < 0 || (!there && count > 0)) return; /* "fp16()": nothing to show */
    if (p->options.elide_above && (uint64_t)count > p->options.elide_above) {
        put(p, "[");
        print_element(p, literal, 0);
        anm_strbuf_printf(p->out, ", ... %lld values]", (long long)count);
        return;
    }
    /* [1000000, 0] would be a million empty rows. */
    if (count == 0) put(p, "[]");
    else print_rows(p, literal, 0, &next);
}

static void print_blob(printer *p, const anm_mil_literal *literal) {
    put(p, p->scalars ? "BLOBFILE(path = string(" : "BLOBFILE(path = tensor<string, []>(");
    print_string(p, anm_sv_from(literal->blob_path));
    put(p, p->scalars ? "), offset = uint64(" : "), offset = tensor<uint64, []>(");
    anm_strbuf_printf(p->out, "%llu))", (unsigned long long)literal->blob_offset);
}

static void print_literal(printer *p, const anm_mil_literal *literal);

static void print_items(printer *p, const anm_mil_literal *literal, const char *open,
                        const char *close) {
    put(p, open);
    for (size_t i = 0; i < literal->count; i++) {
        if (i) put(p, ", ");
        print_literal(p, literal->items[i]);
    }
    put(p, close);
}

static void print_dict(printer *p, const anm_mil_literal *literal) {
    size_t count = literal->count / 2;
    const void **entries = ordered_structs(p, literal->items, count, 2 * sizeof *literal->items,
                                           compare_entries);
    put(p, "{");
    for (size_t i = 0; entries && i < count; i++) {
        const anm_mil_literal *const *entry = entries[i];
        put(p, i ? ", {" : "{");
        print_literal(p, entry[0]);
        put(p, ", ");
        print_literal(p, entry[1]);
        put(p, "}");
    }
    put(p, "}");
    anm_free(entries);
}

static void print_literal(printer *p, const anm_mil_literal *literal) {
    if (literal->blob_path) {
        print_blob(p, literal);
        return;
    }
    switch (literal->type->kind) {
    case ANM_MIL_TENSOR: print_tensor(p, literal); break;
    case ANM_MIL_LIST: print_items(p, literal, "[", "]"); break;
    case ANM_MIL_TUPLE: print_items(p, literal, "(", ")"); break;
    case ANM_MIL_DICT: print_dict(p, literal); break;
    case ANM_MIL_STATE: break;
    }
}

static void print_value(printer *p, const anm_mil_literal *literal) {
    print_type(p, literal->type);
    put(p, "(");
    print_literal(p, literal);
    put(p, ")");
}

/* ---- ops ---- */

static void print_attrs(printer *p, const anm_mil_attr *attrs, size_t count) {
    const void **order = ordered_structs(p, attrs, count, sizeof *attrs, compare_attrs);
    put(p, "[");
    for (size_t i = 0; order && i < count; i++) {
        const anm_mil_attr *attr = order[i];
        if (i) put(p, ", ");
        put(p, attr->name);
        put(p, " = ");
        print_value(p, attr->literal);
    }
    put(p, "]");
    anm_free(order);
}

static void print_operand(printer *p, anm_mil_operand operand) {
    if (operand.value) put(p, operand.value->name);
    else if (operand.literal) print_value(p, operand.literal);
}

static void print_args(printer *p, const anm_mil_op *op) {
    const void **order = ordered_structs(p, op->args, op->arg_count, sizeof *op->args,
                                         compare_args);
    put(p, "(");
    for (size_t i = 0; order && i < op->arg_count; i++) {
        const anm_mil_arg *arg = order[i];
        if (i) put(p, ", ");
        put(p, arg->name);
        put(p, arg->count == 1 ? " = " : " = (");
        for (size_t k = 0; k < arg->count; k++) {
            if (k) put(p, ", ");
            print_operand(p, arg->operands[k]);
        }
        if (arg->count != 1) put(p, ")");
    }
    put(p, ")");
    anm_free(order);
}

static void print_values(printer *p, const void *const *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const anm_mil_value *value = values[i];
        if (i) put(p, ", ");
        print_type(p, value->type);
        put(p, " ");
        put(p, value->name);
    }
}

static void print_notes(printer *p, const anm_mil_op *op, int columns) {
    anm_strbuf note = {0};
    if (!p->options.note) return;
    p->options.note(p->options.note_context, p->function, op, &note);
    const char *line = anm_strbuf_cstr(&note), *end = line + note.len;
    while (line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline ? newline : end;
        indent(p, columns);
        put(p, "// ");
        anm_strbuf_append(p->out, line, (size_t)(stop - line));
        put(p, "\n");
        line = stop + 1;
    }
    p->out->failed |= note.failed;
    anm_strbuf_free(&note);
}

static void print_block(printer *p, const anm_mil_block *block, int columns);

/* Our own form, see docs/mil-text.md: the compiler's is not known. */
static void print_nested(printer *p, const anm_mil_op *op, int columns) {
    put(p, " {\n");
    for (size_t i = 0; i < op->block_count; i++) {
        const anm_mil_block *block = op->blocks[i];
        indent(p, columns + 4);
        put(p, "block (");
        print_values(p, (const void *const *)block->inputs, block->input_count);
        put(p, block->attr_count ? ") " : ")");
        if (block->attr_count) print_attrs(p, block->attrs, block->attr_count);
        print_block(p, block, columns + 4);
    }
    indent(p, columns);
    put(p, "}");
}

static void print_op(printer *p, const anm_mil_op *op, int columns) {
    print_values(p, (const void *const *)op->outputs, op->output_count);
    if (op->output_count) put(p, " = ");
    put(p, op->type);
    print_args(p, op);
    if (op->attr_count) print_attrs(p, op->attrs, op->attr_count);
    if (op->block_count) print_nested(p, op, columns);
    put(p, ";");
}

/* ---- blocks, functions, the program ---- */

/* From " {" to "-> (...);" and its newline; the line before is indented by `columns`. */
static void print_block(printer *p, const anm_mil_block *block, int columns) {
    put(p, " {\n");
    for (const anm_mil_op *op = block->first; op && !p->out->failed; op = op->next) {
        print_notes(p, op, columns + 8);
        indent(p, columns + 8);
        print_op(p, op, columns + 8);
        put(p, "\n");
    }
    indent(p, columns + 4);
    put(p, "} -> (");
    for (size_t i = 0; i < block->output_count; i++) {
        if (i) put(p, ", ");
        put(p, block->outputs[i]->name);
    }
    put(p, ");\n");
}

static void print_function(printer *p, const anm_mil_function *function) {
    const void **inputs = ordered(p, (const void *const *)function->inputs, function->input_count,
                                  compare_values);
    p->function = function;
    print_notes(p, NULL, 4);
    indent(p, 4);
    put(p, "func ");
    put(p, function->name);
    if (function->opset && function->opset[0])
        anm_strbuf_printf(p->out, "<%s>", anm_mil_opset_tag(function->opset));
    put(p, "(");
    if (inputs) print_values(p, inputs, function->input_count);
    put(p, function->attr_count ? ") " : ")");
    if (function->attr_count) print_attrs(p, function->attrs, function->attr_count);
    print_block(p, function->body, 4);
    anm_free(inputs);
}

static anm_mil_text_dialect dialect_of(const anm_mil_program *program,
                                       const anm_mil_text_options *options) {
    int newest = 0;
    if (options->dialect != ANM_MIL_TEXT_AUTO) return options->dialect;
    if (program->text_major) return program->text_minor >= 3 ? ANM_MIL_TEXT_1_3 : ANM_MIL_TEXT_1_0;
    if (program->spec_version)
        return program->spec_version >= 9 ? ANM_MIL_TEXT_1_3 : ANM_MIL_TEXT_1_0;
    for (size_t i = 0; i < program->function_count; i++) {
        int opset = anm_mil_opset_number(program->functions[i]->opset);
        if (opset > newest) newest = opset;
    }
    return newest >= 18 ? ANM_MIL_TEXT_1_3 : ANM_MIL_TEXT_1_0;
}

void anm_mil_text_print(const anm_mil_program *program, const anm_mil_text_options *options,
                        anm_strbuf *out) {
    printer p = {.out = out};
    if (options) p.options = *options;
    p.scalars = dialect_of(program, &p.options) == ANM_MIL_TEXT_1_3;
    bool as_read = p.options.dialect == ANM_MIL_TEXT_AUTO && program->text_major;
    anm_strbuf_printf(out, "program(1.%d)\n", as_read ? program->text_minor : p.scalars ? 3 : 0);
    if (program->attr_count) {
        print_attrs(&p, program->attrs, program->attr_count);
        put(&p, "\n");
    }
    put(&p, "{\n");
    const void **functions = ordered(&p, (const void *const *)program->functions,
                                     program->function_count, compare_functions);
    for (size_t i = 0; functions && i < program->function_count; i++)
        print_function(&p, functions[i]);
    put(&p, "}");
    anm_free(functions);
}

void anm_mil_text_print_op(const anm_mil_op *op, const anm_mil_text_options *options,
                           anm_strbuf *out) {
    printer p = {.out = out};
    if (options) p.options = *options;
    p.scalars = p.options.dialect != ANM_MIL_TEXT_1_0;
    print_op(&p, op, 0);
}
