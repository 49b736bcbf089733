/* SPDX-License-Identifier: MIT */
/* Programs, functions, blocks and ops. Types and literal values: protovalue.c. */
#include "src/package/protoread.h"

#include <string.h>

#include "src/base/map.h"
#include "src/mil/ops.h"
#include "src/package/protovalue.h"

enum { MOST_BLOCKS_NESTED = 32 };

typedef struct reader {
    anm_arena *arena;
    const char *where; /* file */
    anm_error *err;
    anm_mil_function *function;
    anm_map scopes[MOST_BLOCKS_NESTED]; /* value names to values, innermost last */
    int depth;                          /* scopes in use */
} reader;

static anm_status out_of_memory(reader *r) {
    return anm_fail_memory(r->err);
}

static anm_mil_value *lookup(reader *r, const char *name) {
    uint64_t found;
    for (int i = r->depth - 1; i >= 0; i--)
        if (anm_map_get(&r->scopes[i], anm_sv_from(name), &found))
            return (anm_mil_value *)(uintptr_t)found;
    return NULL;
}

static anm_status define(reader *r, const Pb__NamedValueType *named, anm_mil_op *def,
                         anm_mil_value **out) {
    anm_mil_value *value = ANM_ARENA_NEW(r->arena, anm_mil_value);
    if (!value || !(value->name = anm_arena_strdup(r->arena, named->name))) return out_of_memory(r);
    if (lookup(r, value->name))
        return anm_fail(r->err, ANM_ERROR_FORMAT, r->where,
                        "function %s defines the value \"%s\" twice", r->function->name,
                        value->name);
    anm_value_context context = {r->arena, r->where, value->name};
    ANM_TRY(anm_proto_read_type(&context, named->type, &value->type, r->err));
    value->def = def;
    value->id = r->function->value_count++;
    if (!anm_map_put(&r->scopes[r->depth - 1], anm_sv_from(value->name), (uintptr_t)value))
        return out_of_memory(r);
    *out = value;
    return ANM_OK;
}

static anm_status read_attrs(reader *r, const char *owner, size_t count,
                             Pb__Attribute *const *messages, anm_mil_attr **attrs,
                             size_t *attr_count) {
    *attrs = ANM_ARENA_ARRAY(r->arena, anm_mil_attr, count);
    if (!*attrs) return out_of_memory(r);
    for (size_t i = 0; i < count; i++) {
        anm_mil_attr *attr = &(*attrs)[i];
        anm_value_context context = {r->arena, r->where, owner};
        attr->name = anm_arena_strdup(r->arena, messages[i]->key);
        if (!attr->name) return out_of_memory(r);
        ANM_TRY(anm_proto_read_value(&context, messages[i]->value, &attr->literal, r->err));
    }
    *attr_count = count;
    return ANM_OK;
}

static anm_status read_operand(reader *r, anm_mil_op *op, const char *arg,
                               const Pb__Argument__Binding *binding, anm_mil_operand *out) {
    if (binding->binding_case == PB__ARGUMENT__BINDING__BINDING_NAME) {
        out->value = lookup(r, binding->name);
        if (out->value) return ANM_OK;
        return anm_fail(r->err, ANM_ERROR_FORMAT, r->where,
                        "function %s, op %s (%s): argument \"%s\" uses the value \"%s\", which is "
                        "not defined before it",
                        r->function->name, anm_mil_op_label(op), op->type, arg, binding->name);
    }
    if (binding->binding_case != PB__ARGUMENT__BINDING__BINDING_VALUE)
        return anm_fail(r->err, ANM_ERROR_FORMAT, r->where,
                        "function %s, op %s (%s): argument \"%s\" is bound to nothing",
                        r->function->name, anm_mil_op_label(op), op->type, arg);
    anm_value_context context = {r->arena, r->where, anm_mil_op_label(op)};
    return anm_proto_read_value(&context, binding->value, &out->literal, r->err);
}

static anm_status read_arg(reader *r, anm_mil_op *op, const Pb__Operation__InputEntry *entry,
                           anm_mil_arg *out) {
    const Pb__Argument *argument = entry->value;
    out->name = anm_arena_strdup(r->arena, entry->key);
    out->count = argument ? argument->n_arguments : 0;
    out->operands = ANM_ARENA_ARRAY(r->arena, anm_mil_operand, out->count);
    if (!out->name || !out->operands) return out_of_memory(r);
    for (size_t i = 0; i < out->count; i++)
        ANM_TRY(read_operand(r, op, out->name, argument->arguments[i], &out->operands[i]));
    return ANM_OK;
}

static anm_status read_block(reader *r, const Pb__Block *message, anm_mil_block *block);

static anm_status read_nested(reader *r, anm_mil_op *op, const Pb__Operation *message) {
    op->block_count = message->n_blocks;
    op->blocks = ANM_ARENA_ARRAY(r->arena, anm_mil_block *, op->block_count);
    if (!op->blocks) return out_of_memory(r);
    for (size_t i = 0; i < op->block_count; i++) {
        op->blocks[i] = ANM_ARENA_NEW(r->arena, anm_mil_block);
        if (!op->blocks[i]) return out_of_memory(r);
        ANM_TRY(read_block(r, message->blocks[i], op->blocks[i]));
    }
    return ANM_OK;
}

static anm_status read_outputs(reader *r, anm_mil_op *op, const Pb__Operation *message) {
    op->output_count = message->n_outputs;
    op->outputs = ANM_ARENA_ARRAY(r->arena, anm_mil_value *, op->output_count);
    if (!op->outputs) return out_of_memory(r);
    for (size_t i = 0; i < op->output_count; i++)
        ANM_TRY(define(r, message->outputs[i], op, &op->outputs[i]));
    if (op->output_count == 1 && strcmp(op->type, "const") == 0)
        op->outputs[0]->constant = anm_mil_op_attr(op, "val");
    return ANM_OK;
}

static anm_status read_op(reader *r, const Pb__Operation *message, anm_mil_op **out) {
    anm_mil_op *op = *out = ANM_ARENA_NEW(r->arena, anm_mil_op);
    if (!op) return out_of_memory(r);
    op->spec = anm_mil_op_spec_find(message->type);
    op->type = op->spec ? op->spec->name : anm_arena_strdup(r->arena, message->type);
    op->args = ANM_ARENA_ARRAY(r->arena, anm_mil_arg, message->n_inputs);
    if (!op->type || !op->args) return out_of_memory(r);
    ANM_TRY(read_attrs(r, message->n_outputs ? message->outputs[0]->name : op->type,
                       message->n_attributes, message->attributes, &op->attrs, &op->attr_count));
    for (size_t i = 0; i < message->n_inputs; i++, op->arg_count++)
        ANM_TRY(read_arg(r, op, message->inputs[i], &op->args[i]));
    ANM_TRY(read_nested(r, op, message));
    return read_outputs(r, op, message);
}

static anm_status read_block_body(reader *r, const Pb__Block *message, anm_mil_block *block) {
    block->inputs = ANM_ARENA_ARRAY(r->arena, anm_mil_value *, message->n_inputs);
    block->outputs = ANM_ARENA_ARRAY(r->arena, anm_mil_value *, message->n_outputs);
    if (!block->inputs || !block->outputs) return out_of_memory(r);
    for (size_t i = 0; i < message->n_inputs; i++, block->input_count++)
        ANM_TRY(define(r, message->inputs[i], NULL, &block->inputs[i]));
    for (size_t i = 0; i < message->n_operations; i++) {
        anm_mil_op *op;
        ANM_TRY(read_op(r, message->operations[i], &op));
        anm_mil_block_append(block, op);
    }
    for (size_t i = 0; i < message->n_outputs; i++, block->output_count++) {
        block->outputs[i] = lookup(r, message->outputs[i]);
        if (!block->outputs[i])
            return anm_fail(r->err, ANM_ERROR_FORMAT, r->where,
                            "function %s gives the output \"%s\", which is not defined",
                            r->function->name, message->outputs[i]);
    }
    return read_attrs(r, r->function->name, message->n_attributes, message->attributes,
                      &block->attrs, &block->attr_count);
}

static anm_status read_block(reader *r, const Pb__Block *message, anm_mil_block *block) {
    if (r->depth == MOST_BLOCKS_NESTED)
        return anm_fail(r->err, ANM_ERROR_LIMIT, r->where, "blocks nest deeper than %d",
                        MOST_BLOCKS_NESTED);
    r->scopes[r->depth++] = (anm_map){0};
    anm_status status = read_block_body(r, message, block);
    anm_map_free(&r->scopes[--r->depth]);
    return status;
}

/* A function may hold its body for several opsets; the one of its own opset is meant. */
static const Pb__Block *choose_block(const Pb__Function *message) {
    for (size_t i = 0; i < message->n_block_specializations; i++)
        if (strcmp(message->block_specializations[i]->key, message->opset) == 0)
            return message->block_specializations[i]->value;
    return message->n_block_specializations == 1 ? message->block_specializations[0]->value : NULL;
}

static anm_status read_signature(reader *r, const Pb__Function *message) {
    anm_mil_function *f = r->function;
    f->opset = anm_arena_strdup(r->arena, message->opset);
    f->body = ANM_ARENA_NEW(r->arena, anm_mil_block);
    f->inputs = ANM_ARENA_ARRAY(r->arena, anm_mil_value *, message->n_inputs);
    if (!f->opset || !f->body || !f->inputs) return out_of_memory(r);
    for (size_t i = 0; i < message->n_inputs; i++, f->input_count++)
        ANM_TRY(define(r, message->inputs[i], NULL, &f->inputs[i]));
    return read_attrs(r, f->name, message->n_attributes, message->attributes, &f->attrs,
                      &f->attr_count);
}

static anm_status read_function(reader *r, const Pb__Program__FunctionEntry *entry) {
    const Pb__Block *body = entry->value ? choose_block(entry->value) : NULL;
    r->function->name = anm_arena_strdup(r->arena, entry->key);
    if (!r->function->name) return out_of_memory(r);
    if (!body)
        return anm_fail(r->err, ANM_ERROR_FORMAT, r->where,
                        "function %s has no body for its opset \"%s\"", entry->key,
                        entry->value ? entry->value->opset : "");
    r->scopes[0] = (anm_map){0};
    r->depth = 1;
    anm_status status = read_signature(r, entry->value);
    if (status == ANM_OK) status = read_block(r, body, r->function->body);
    anm_map_free(&r->scopes[0]);
    return status;
}

static anm_status read_functions(reader *r, const Pb__Program *message, anm_mil_program *program) {
    program->version = message->version;
    program->functions = ANM_ARENA_ARRAY(r->arena, anm_mil_function *, message->n_functions);
    if (!program->functions) return out_of_memory(r);
    ANM_TRY(read_attrs(r, "program", message->n_attributes, message->attributes, &program->attrs,
                       &program->attr_count));
    for (size_t i = 0; i < message->n_functions; i++) {
        r->function = ANM_ARENA_NEW(r->arena, anm_mil_function);
        if (!r->function) return out_of_memory(r);
        ANM_TRY(read_function(r, message->functions[i]));
        if (anm_mil_program_find(program, r->function->name))
            return anm_fail(r->err, ANM_ERROR_FORMAT, r->where, "two functions are named \"%s\"",
                            r->function->name);
        program->functions[program->function_count++] = r->function;
    }
    return ANM_OK;
}

anm_status anm_proto_read_program(const Pb__Program *message, const char *where,
                                  anm_mil_program **out, anm_error *err) {
    *out = NULL;
    anm_mil_program *program = anm_mil_program_create();
    if (!program) return anm_fail_memory(err);
    reader r = {.arena = program->arena, .where = where, .err = err};
    anm_status status = read_functions(&r, message, program);
    if (status == ANM_OK) *out = program;
    else anm_mil_program_destroy(program);
    return status;
}
