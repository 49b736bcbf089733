/* SPDX-License-Identifier: MIT */
/* Checks a program against the op table and the rules of SSA; goes on after an error. */
#include "src/mil/validate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/dtype.h"
#include "src/base/log.h"
#include "src/base/vec.h"
#include "src/mil/ops.h"

enum { MOST_NESTED = 64, MOST_PROBLEMS = 1000 };

typedef struct checker {
    anm_arena *arena;
    ANM_VEC(anm_mil_problem) problems;
    const anm_mil_function *function;
    unsigned char *defined; /* by value id: in scope at the op at hand */
    size_t unknown_ops;
    bool optimised; /* the optimiser's ops are allowed */
    bool failed;    /* memory */
} checker;

static void note(checker *c, const anm_mil_op *op, const char *fmt, ...) ANM_PRINTF(3, 4);
static void note(checker *c, const anm_mil_op *op, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (c->problems.len >= MOST_PROBLEMS) return;
    anm_mil_problem problem = {c->function, op, anm_arena_strdup(c->arena, text)};
    if (!problem.message || !anm_vec_push(&c->problems, problem)) c->failed = true;
}

/*
 * Dimensions that the type rules can calculate with: they multiply pairs of those of images and
 * matrices (and of strides, which are 32-bit) without looking for overflow.
 */
static bool has_sane_dims(const anm_mil_type *type) {
    int64_t most = type->kind == ANM_MIL_TENSOR && type->rank < 2 ? (int64_t)1 << 40 : INT32_MAX;
    int dims = type->kind == ANM_MIL_TENSOR ? type->rank : 0;
    for (int i = 0; i < dims; i++)
        if (type->shape[i] < ANM_DIM_UNKNOWN || type->shape[i] > most) return false;
    for (size_t i = 0; i < type->count; i++)
        if (!has_sane_dims(type->items[i])) return false;
    return true;
}

static void define(checker *c, const anm_mil_op *op, const anm_mil_value *value) {
    if (value->id >= c->function->value_count)
        note(c, op, "value \"%s\" has an id outside its function", value->name);
    else if (c->defined[value->id]) note(c, op, "value \"%s\" is defined twice", value->name);
    else c->defined[value->id] = 1;
}

static bool in_scope(const checker *c, const anm_mil_value *value) {
    return value->id < c->function->value_count && c->defined[value->id];
}

static void check_literal(checker *c, const anm_mil_op *op, const anm_mil_literal *literal) {
    if (!literal) {
        note(c, op, "a literal is missing");
        return;
    }
    if (!has_sane_dims(literal->type)) {
        note(c, op, "a literal has a dimension out of range");
        return;
    }
    for (size_t i = 0; literal->items && i < literal->count; i++)
        check_literal(c, op, literal->items[i]);
    if (literal->type->kind != ANM_MIL_TENSOR) return;
    int64_t elements = anm_mil_literal_elements(literal);
    size_t bytes;
    if (literal->type->dtype == ANM_DTYPE_STRING) {
        if ((int64_t)literal->count != elements)
            note(c, op, "a string literal has %zu strings for %lld elements", literal->count,
                 (long long)elements);
    } else if (!anm_dtype_bytes(literal->type->dtype, elements, &bytes)) {
        note(c, op, "a literal has no known size");
    } else if (literal->data ? literal->bytes != bytes : !literal->blob_path && bytes > 0) {
        note(c, op, "a literal has %zu bytes instead of %zu", literal->bytes, bytes);
    }
}

static bool takes_states(const anm_mil_op *op) {
    return strcmp(op->type, "read_state") == 0 || strcmp(op->type, "write_state") == 0 ||
           strcmp(op->type, "coreml_update_state") == 0 ||
           strcmp(op->type, "anm_cache_update") == 0;
}

static void check_value(checker *c, const anm_mil_op *op, const anm_mil_arg *arg,
                        const anm_mil_value *value) {
    if (!in_scope(c, value))
        note(c, op, "argument \"%s\" uses \"%s\" before its definition or out of scope",
             arg->name, value->name);
    else if (!has_sane_dims(value->type))
        note(c, op, "argument \"%s\": \"%s\" has a dimension out of range", arg->name,
             value->name);
    else if (value->type->kind == ANM_MIL_STATE && !takes_states(op))
        note(c, op, "argument \"%s\" uses the state \"%s\" without read_state", arg->name,
             value->name);
}

static void check_operands(checker *c, const anm_mil_op *op) {
    for (size_t i = 0; i < op->attr_count; i++) check_literal(c, op, op->attrs[i].literal);
    for (size_t i = 0; i < op->arg_count; i++) {
        const anm_mil_arg *arg = &op->args[i];
        for (size_t k = 0; k < arg->count; k++) {
            const anm_mil_operand *o = &arg->operands[k];
            if (o->literal) check_literal(c, op, o->literal);
            else if (!o->value) note(c, op, "argument \"%s\" is bound to nothing", arg->name);
            else check_value(c, op, arg, o->value);
        }
    }
}

static void check_types(checker *c, const anm_mil_op *op) {
    anm_mil_infer infer = {.arena = c->arena, .output_count = op->output_count};
    infer.outputs = ANM_ARENA_ARRAY(c->arena, const anm_mil_type *, op->output_count + 1);
    if (!infer.outputs) {
        c->failed = true;
        return;
    }
    if (!anm_mil_infer_types(op, &infer)) {
        note(c, op, "%s", infer.message);
        return;
    }
    for (size_t i = 0; i < op->output_count; i++) {
        char declared[160], inferred[160];
        const anm_mil_type *type = infer.outputs[i];
        if (!type || anm_mil_type_compatible(type, op->outputs[i]->type)) continue;
        note(c, op, "output \"%s\" is declared %s; the op gives %s", op->outputs[i]->name,
             anm_mil_type_format(op->outputs[i]->type, declared, sizeof declared),
             anm_mil_type_format(type, inferred, sizeof inferred));
    }
}

static void check_block(checker *c, const anm_mil_block *block, int depth);

/* Not an error: programs made by hand often say an older opset than they use. */
static void warn_opset(const checker *c, const anm_mil_op *op) {
    int have = anm_mil_opset_number(c->function->opset);
    if (have && have < op->spec->opset)
        anm_log_write(ANM_LOG_WARNING, "function %s, op %s: %s needs iOS %d, the function says %s",
                      c->function->name, anm_mil_op_label(op), op->type, op->spec->opset,
                      c->function->opset);
}

/* What the op table says of the op; its operands and blocks are known to be right. */
static void check_spec(checker *c, const anm_mil_op *op) {
    warn_opset(c, op);
    if (op->block_count && !(op->spec->flags & ANM_OP_BLOCKS)) {
        note(c, op, "has %zu blocks but is no control flow", op->block_count);
        return;
    }
    size_t before = c->problems.len;
    anm_arena_mark mark = anm_arena_get_mark(c->arena);
    check_types(c, op);
    if (c->problems.len == before) anm_arena_release(c->arena, mark);
}

static void check_op(checker *c, const anm_mil_op *op, int depth) {
    size_t before = c->problems.len;
    check_operands(c, op);
    for (size_t i = 0; i < op->block_count; i++) check_block(c, op->blocks[i], depth + 1);
    if (!op->spec || (op->spec->flags & ANM_OP_INTERNAL && !c->optimised)) {
        c->unknown_ops++;
        note(c, op, "there is no op \"%s\" in the op table", op->type);
    } else if (c->problems.len == before) {
        check_spec(c, op);
    }
    for (size_t i = 0; i < op->output_count; i++) define(c, op, op->outputs[i]);
}

/* What a nested block defines is out of scope after it. */
static void leave_block(checker *c, const anm_mil_block *block) {
    for (size_t i = 0; i < block->input_count; i++)
        if (in_scope(c, block->inputs[i])) c->defined[block->inputs[i]->id] = 0;
    for (const anm_mil_op *op = block->first; op; op = op->next)
        for (size_t i = 0; i < op->output_count; i++)
            if (in_scope(c, op->outputs[i])) c->defined[op->outputs[i]->id] = 0;
}

static void check_block(checker *c, const anm_mil_block *block, int depth) {
    if (depth > MOST_NESTED) {
        note(c, NULL, "blocks nest deeper than %d", MOST_NESTED);
        return;
    }
    for (size_t i = 0; i < block->input_count; i++) define(c, NULL, block->inputs[i]);
    for (const anm_mil_op *op = block->first; op; op = op->next) check_op(c, op, depth);
    for (size_t i = 0; i < block->output_count; i++) {
        const anm_mil_value *value = block->outputs[i];
        if (!in_scope(c, value)) note(c, NULL, "output \"%s\" is not defined", value->name);
        else if (value->type->kind == ANM_MIL_STATE)
            note(c, NULL, "output \"%s\" is a state; read it first", value->name);
    }
    if (depth > 0) leave_block(c, block);
}

static void check_function(checker *c, const anm_mil_function *f) {
    c->function = f;
    c->defined = anm_calloc(f->value_count + 1, 1);
    if (!c->defined) {
        c->failed = true;
        return;
    }
    for (size_t i = 0; i < f->input_count; i++) define(c, NULL, f->inputs[i]);
    check_block(c, f->body, 0);
    anm_free(c->defined);
}

static anm_status first_problem(const checker *c, anm_error *err) {
    const anm_mil_problem *p = &c->problems.data[0];
    char where[200], others[64] = "";
    if (!p->function) snprintf(where, sizeof where, "program");
    else if (!p->op) snprintf(where, sizeof where, "function %s", p->function->name);
    else
        snprintf(where, sizeof where, "function %s, op %s (%s)", p->function->name,
                 anm_mil_op_label(p->op), p->op->type);
    if (c->problems.len > 1)
        snprintf(others, sizeof others, " (and %zu more problems)", c->problems.len - 1);
    bool only_unknown = c->unknown_ops == c->problems.len;
    return anm_fail(err, only_unknown ? ANM_ERROR_UNSUPPORTED : ANM_ERROR_FORMAT, where, "%s%s",
                    p->message, others);
}

anm_status anm_mil_validate(const anm_mil_program *program, anm_arena *arena,
                            anm_mil_report *report, anm_error *err) {
    checker c = {.arena = arena, .optimised = program->optimised};
    if (!program->function_count) note(&c, NULL, "the program has no function");
    for (size_t i = 0; i < program->function_count && !c.failed; i++)
        check_function(&c, program->functions[i]);
    anm_status status = ANM_OK;
    if (c.failed) status = anm_fail_memory(err);
    else if (c.problems.len) status = first_problem(&c, err);
    if (report && !c.failed) {
        report->count = c.problems.len;
        report->problems =
            anm_arena_copy(arena, c.problems.data, c.problems.len * sizeof *c.problems.data);
        if (!report->problems) status = anm_fail_memory(err);
    }
    anm_vec_free(&c.problems);
    return status;
}
