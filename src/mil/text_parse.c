/* SPDX-License-Identifier: MIT */
/*
 * The structure of the text form: program, functions, blocks, ops, and which name means which
 * value. Words are text_lex.c's, types and literals text_value.c's.
 */
#include "src/mil/ops.h"
#include "src/mil/text.h"
#include "src/mil/text_reader.h"

/* ---- attributes ---- */

static anm_status read_attr(anm_mil_reader *r, anm_mil_attr *attr) {
    ANM_TRY(anm_mil_reader_word(r, "an attribute name", &attr->name));
    ANM_TRY(anm_mil_reader_expect(r, "="));
    return anm_mil_reader_value(r, &attr->literal);
}

/* Names are interned, so equal names are equal pointers; the limit bounds the comparisons. */
static anm_status check_new_name(anm_mil_reader *r, const char *const *names, size_t count,
                                 const char *name, const char *at) {
    if (count == ANM_MIL_TEXT_MAX_NAMED)
        return anm_mil_reader_fail(r, ANM_ERROR_LIMIT, at, "more than %d names in one list",
                                   ANM_MIL_TEXT_MAX_NAMED);
    for (size_t i = 0; i < count; i++)
        if (names[i] == name)
            return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, at, "%s is given twice", name);
    return ANM_OK;
}

/* "[a = ..., b = ...]", or nothing at all. */
static anm_status read_attrs(anm_mil_reader *r, anm_mil_attr **attrs, size_t *count) {
    anm_mil_attr found[ANM_MIL_TEXT_MAX_NAMED];
    const char *names[ANM_MIL_TEXT_MAX_NAMED];
    size_t n = 0;
    if (!anm_mil_reader_take(r, "[")) return ANM_OK;
    for (bool more = !anm_mil_reader_take(r, "]"); more; n++) {
        anm_mil_attr attr;
        anm_mil_reader_skip(r);
        const char *at = r->at;
        ANM_TRY(read_attr(r, &attr));
        ANM_TRY(check_new_name(r, names, n, attr.name, at));
        names[n] = attr.name;
        found[n] = attr;
        ANM_TRY(anm_mil_reader_next_item(r, "]", &more));
    }
    *attrs = anm_arena_copy(r->arena, found, n * sizeof *found);
    *count = n;
    return *attrs ? ANM_OK : anm_fail_memory(r->err);
}

/* ---- names of values ---- */

static anm_mil_value *find_value(const anm_mil_reader *r, anm_sv name) {
    uint64_t found = 0;
    anm_map_get(&r->values, name, &found);
    return (anm_mil_value *)(uintptr_t)found;
}

/* "type name": a value that is not visible yet. */
static anm_status read_new_value(anm_mil_reader *r, anm_mil_op *def, anm_mil_value **out) {
    anm_mil_value *value = ANM_ARENA_NEW(r->arena, anm_mil_value);
    *out = NULL;
    if (!value) return anm_fail_memory(r->err);
    ANM_TRY(anm_mil_reader_type(r, &value->type));
    anm_mil_reader_skip(r);
    const char *at = r->at;
    ANM_TRY(anm_mil_reader_word(r, "a name for the value", &value->name));
    if (find_value(r, anm_sv_from(value->name)))
        return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, at, "%s is defined twice", value->name);
    value->def = def;
    value->id = r->function->value_count++;
    *out = value;
    return ANM_OK;
}

static anm_status define(anm_mil_reader *r, anm_mil_value *value) {
    anm_sv name = anm_sv_from(value->name);
    /* Two of one list: `a, a = split(...)`. */
    if (find_value(r, name))
        return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, r->at, "%s is defined twice", value->name);
    if (!anm_map_put(&r->values, name, (uint64_t)(uintptr_t)value) ||
        !anm_vec_push(&r->scope, value->name))
        return anm_fail_memory(r->err);
    return ANM_OK;
}

/* Names defined since `base` become unknown again. */
static void leave_scope(anm_mil_reader *r, size_t base) {
    while (r->scope.len > base) {
        /* The key is there already, so this needs no memory. */
        bool kept = anm_map_put(&r->values, anm_sv_from(r->scope.data[--r->scope.len]), 0);
        (void)kept;
    }
}

static anm_status read_value_use(anm_mil_reader *r, anm_mil_value **out) {
    anm_sv name = anm_mil_reader_peek_word(r);
    if (!name.len) return anm_mil_reader_expected(r, "the name of a value");
    *out = find_value(r, name);
    if (!*out)
        return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, r->at, "%.*s is not defined before here",
                                   name.len > 200 ? 200 : (int)name.len, name.data);
    r->at += name.len;
    return ANM_OK;
}

/* ---- arguments ---- */

static anm_status read_operand(anm_mil_reader *r, anm_mil_operand *operand) {
    char after = anm_mil_reader_peek_after_word(r);
    *operand = (anm_mil_operand){0};
    if (after == '(' || after == '<') return anm_mil_reader_value(r, &operand->literal);
    return read_value_use(r, &operand->value);
}

static anm_status push_operand(anm_mil_reader *r) {
    anm_mil_operand *operand = ANM_ARENA_NEW(r->arena, anm_mil_operand);
    if (!operand) return anm_fail_memory(r->err);
    ANM_TRY(read_operand(r, operand));
    return anm_mil_reader_push(r, operand);
}

/* "(a, b)": how many there are is known at the end only. */
static anm_status read_operand_tuple(anm_mil_reader *r, anm_mil_arg *arg) {
    size_t base = r->stack.len;
    ANM_TRY(anm_mil_reader_expect(r, "("));
    for (bool more = !anm_mil_reader_take(r, ")"); more;) {
        ANM_TRY(push_operand(r));
        ANM_TRY(anm_mil_reader_next_item(r, ")", &more));
    }
    arg->count = r->stack.len - base;
    arg->operands = ANM_ARENA_ARRAY(r->arena, anm_mil_operand, arg->count);
    if (!arg->operands) return anm_fail_memory(r->err);
    for (size_t i = 0; i < arg->count; i++)
        arg->operands[i] = *(const anm_mil_operand *)r->stack.data[base + i];
    r->stack.len = base;
    return ANM_OK;
}

static anm_status read_arg(anm_mil_reader *r, anm_mil_arg *arg) {
    ANM_TRY(anm_mil_reader_word(r, "an argument name", &arg->name));
    ANM_TRY(anm_mil_reader_expect(r, "="));
    if (anm_mil_reader_at(r, "(")) return read_operand_tuple(r, arg);
    arg->count = 1;
    arg->operands = ANM_ARENA_NEW(r->arena, anm_mil_operand);
    return arg->operands ? read_operand(r, arg->operands) : anm_fail_memory(r->err);
}

static anm_status read_args(anm_mil_reader *r, anm_mil_op *op) {
    anm_mil_arg found[ANM_MIL_TEXT_MAX_NAMED];
    const char *names[ANM_MIL_TEXT_MAX_NAMED];
    size_t n = 0;
    ANM_TRY(anm_mil_reader_expect(r, "("));
    for (bool more = !anm_mil_reader_take(r, ")"); more; n++) {
        anm_mil_arg arg;
        anm_mil_reader_skip(r);
        const char *at = r->at;
        ANM_TRY(read_arg(r, &arg));
        ANM_TRY(check_new_name(r, names, n, arg.name, at));
        names[n] = arg.name;
        found[n] = arg;
        ANM_TRY(anm_mil_reader_next_item(r, ")", &more));
    }
    op->args = anm_arena_copy(r->arena, found, n * sizeof *found);
    op->arg_count = n;
    return op->args ? ANM_OK : anm_fail_memory(r->err);
}

/* ---- ops and blocks ---- */

static anm_status read_block(anm_mil_reader *r, int depth, anm_mil_block *block);

/* Outputs of an op (def), or parameters, which are visible at once. */
static anm_status read_values(anm_mil_reader *r, anm_mil_op *def, const char *closing,
                              anm_mil_value ***values, size_t *count) {
    size_t base = r->stack.len;
    for (bool more = true; more;) {
        anm_mil_value *value;
        ANM_TRY(read_new_value(r, def, &value));
        if (!def) ANM_TRY(define(r, value));
        ANM_TRY(anm_mil_reader_push(r, value));
        ANM_TRY(anm_mil_reader_next_item(r, closing, &more));
    }
    return anm_mil_reader_pop_all(r, base, values, count);
}

/* "(type name, ...)": inputs of a function or of a nested block, visible from here on. */
static anm_status read_params(anm_mil_reader *r, anm_mil_value ***values, size_t *count) {
    ANM_TRY(anm_mil_reader_expect(r, "("));
    if (anm_mil_reader_take(r, ")")) return ANM_OK;
    return read_values(r, NULL, ")", values, count);
}

/* "block (params) [attrs] { ... } -> (outputs);", our own form: Apple's is not known. */
static anm_status read_nested(anm_mil_reader *r, int depth, anm_mil_block **out) {
    anm_mil_block *block = ANM_ARENA_NEW(r->arena, anm_mil_block);
    size_t scope = r->scope.len;
    *out = block;
    if (!block) return anm_fail_memory(r->err);
    if (depth >= ANM_MIL_TEXT_MAX_BLOCK_DEPTH)
        return anm_mil_reader_fail(r, ANM_ERROR_LIMIT, r->at, "blocks nested deeper than %d",
                                   ANM_MIL_TEXT_MAX_BLOCK_DEPTH);
    ANM_TRY(anm_mil_reader_expect(r, "block"));
    ANM_TRY(read_params(r, &block->inputs, &block->input_count));
    ANM_TRY(read_attrs(r, &block->attrs, &block->attr_count));
    ANM_TRY(read_block(r, depth + 1, block));
    leave_scope(r, scope);
    return ANM_OK;
}

static anm_status read_nested_blocks(anm_mil_reader *r, int depth, anm_mil_op *op) {
    size_t base = r->stack.len;
    if (!anm_mil_reader_take(r, "{")) return ANM_OK;
    while (!anm_mil_reader_take(r, "}")) {
        anm_mil_block *block;
        ANM_TRY(read_nested(r, depth, &block));
        ANM_TRY(anm_mil_reader_push(r, block));
    }
    return anm_mil_reader_pop_all(r, base, &op->blocks, &op->block_count);
}

static void note_constant(const anm_mil_op *op) {
    if (strcmp(op->type, "const") != 0 || op->output_count != 1) return;
    op->outputs[0]->constant = anm_mil_op_operand(op, "val").literal;
}

static anm_status read_op(anm_mil_reader *r, int depth, anm_mil_block *block) {
    anm_mil_op *op = ANM_ARENA_NEW(r->arena, anm_mil_op);
    if (!op) return anm_fail_memory(r->err);
    if (anm_mil_reader_peek_after_word(r) != '(')
        ANM_TRY(read_values(r, op, "=", &op->outputs, &op->output_count));
    ANM_TRY(anm_mil_reader_word(r, "an op", &op->type));
    op->spec = anm_mil_op_spec_find(op->type);
    ANM_TRY(read_args(r, op));
    ANM_TRY(read_attrs(r, &op->attrs, &op->attr_count));
    ANM_TRY(read_nested_blocks(r, depth, op));
    /* An op's outputs are unknown to its own arguments and blocks. */
    for (size_t i = 0; i < op->output_count; i++) ANM_TRY(define(r, op->outputs[i]));
    note_constant(op);
    anm_mil_block_append(block, op);
    return anm_mil_reader_expect(r, ";");
}

static anm_status read_block_outputs(anm_mil_reader *r, anm_mil_block *block) {
    size_t base = r->stack.len;
    ANM_TRY(anm_mil_reader_expect(r, "->"));
    ANM_TRY(anm_mil_reader_expect(r, "("));
    for (bool more = !anm_mil_reader_take(r, ")"); more;) {
        anm_mil_value *value;
        ANM_TRY(read_value_use(r, &value));
        ANM_TRY(anm_mil_reader_push(r, value));
        ANM_TRY(anm_mil_reader_next_item(r, ")", &more));
    }
    ANM_TRY(anm_mil_reader_expect(r, ";"));
    return anm_mil_reader_pop_all(r, base, &block->outputs, &block->output_count);
}

static anm_status read_block(anm_mil_reader *r, int depth, anm_mil_block *block) {
    ANM_TRY(anm_mil_reader_expect(r, "{"));
    while (!anm_mil_reader_take(r, "}")) ANM_TRY(read_op(r, depth, block));
    return read_block_outputs(r, block);
}

/* ---- functions and the program ---- */

static anm_status read_opset(anm_mil_reader *r, anm_mil_function *function) {
    const char *tag;
    function->opset = "";
    if (!anm_mil_reader_take(r, "<")) return ANM_OK;
    ANM_TRY(anm_mil_reader_word(r, "an opset such as ios17", &tag));
    function->opset = anm_mil_opset_name(tag);
    return anm_mil_reader_expect(r, ">");
}

static anm_status read_function(anm_mil_reader *r, anm_map *seen) {
    anm_mil_function *function = ANM_ARENA_NEW(r->arena, anm_mil_function);
    if (!function) return anm_fail_memory(r->err);
    r->function = function;
    function->body = ANM_ARENA_NEW(r->arena, anm_mil_block);
    if (!function->body) return anm_fail_memory(r->err);
    ANM_TRY(anm_mil_reader_expect(r, "func"));
    anm_mil_reader_skip(r);
    const char *at = r->at;
    ANM_TRY(anm_mil_reader_word(r, "a function name", &function->name));
    if (anm_map_get(seen, anm_sv_from(function->name), NULL))
        return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, at, "function %s is defined twice",
                                   function->name);
    if (!anm_map_put(seen, anm_sv_from(function->name), 1)) return anm_fail_memory(r->err);
    ANM_TRY(read_opset(r, function));
    ANM_TRY(read_params(r, &function->inputs, &function->input_count));
    ANM_TRY(read_attrs(r, &function->attrs, &function->attr_count));
    ANM_TRY(read_block(r, 0, function->body));
    leave_scope(r, 0);
    return anm_mil_reader_push(r, function);
}

static anm_status read_functions(anm_mil_reader *r, anm_mil_program *program) {
    anm_map seen = {0};
    anm_status status = anm_mil_reader_expect(r, "{");
    while (status == ANM_OK && !anm_mil_reader_take(r, "}")) status = read_function(r, &seen);
    anm_map_free(&seen);
    if (status != ANM_OK) return status;
    return anm_mil_reader_pop_all(r, 0, &program->functions, &program->function_count);
}

/* "program(1.3)". */
static anm_status read_version(anm_mil_reader *r, anm_mil_program *program) {
    int64_t major, minor;
    ANM_TRY(anm_mil_reader_expect(r, "program"));
    ANM_TRY(anm_mil_reader_expect(r, "("));
    anm_mil_reader_skip(r);
    const char *at = r->at;
    ANM_TRY(anm_mil_reader_int(r, "a version", &major));
    ANM_TRY(anm_mil_reader_expect(r, "."));
    ANM_TRY(anm_mil_reader_int(r, "a minor version", &minor));
    if (major != 1 || minor > 1000)
        return anm_mil_reader_fail(r, ANM_ERROR_UNSUPPORTED, at,
                                   "only version 1 of the text form is known");
    program->text_major = (int)major;
    program->text_minor = (int)minor;
    return anm_mil_reader_expect(r, ")");
}

/* The text does not say it; opset and specification version go together (iOS 15: 6). */
static int spec_version_of(const anm_mil_program *program) {
    int version = program->text_minor >= 3 ? 9 : 6;
    for (size_t i = 0; i < program->function_count; i++) {
        int opset = anm_mil_opset_number(program->functions[i]->opset);
        int needed = opset == 26 ? 10 : opset - 9;
        if (opset && needed > version) version = needed;
    }
    return version;
}

static anm_status read_program(anm_mil_reader *r, anm_mil_program *program) {
    ANM_TRY(read_version(r, program));
    ANM_TRY(read_attrs(r, &program->attrs, &program->attr_count));
    ANM_TRY(read_functions(r, program));
    anm_mil_reader_skip(r);
    if (r->at != r->end) return anm_mil_reader_expected(r, "the end");
    program->spec_version = spec_version_of(program);
    return ANM_OK;
}

anm_status anm_mil_text_parse(const char *text, size_t size, const char *where,
                              anm_mil_program **out, anm_error *err) {
    *out = NULL;
    anm_mil_program *program = anm_mil_program_create();
    if (!program) return anm_fail_memory(err);
    anm_mil_reader r = {.text = text, .end = text + size, .at = text, .where = where,
                        .arena = program->arena, .err = err};
    anm_status status = read_program(&r, program);
    anm_mil_reader_free(&r);
    if (status == ANM_OK) *out = program;
    else anm_mil_program_destroy(program);
    return status;
}
