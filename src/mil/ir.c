/* SPDX-License-Identifier: MIT */
/* Programs, op access and block lists. Types and literals are in type.c. */
#include "src/mil/ir.h"

#include <string.h>

#include "src/base/alloc.h"

anm_mil_program *anm_mil_program_create(void) {
    anm_arena *arena = anm_arena_create();
    anm_mil_program *program = arena ? ANM_ARENA_NEW(arena, anm_mil_program) : NULL;
    if (!program) {
        anm_arena_destroy(arena);
        return NULL;
    }
    program->arena = arena;
    program->version = 1;
    return program;
}

void anm_mil_program_destroy(anm_mil_program *program) {
    if (program) anm_arena_destroy(program->arena);
}

anm_mil_function *anm_mil_program_find(const anm_mil_program *program, const char *name) {
    for (size_t i = 0; i < program->function_count; i++)
        if (strcmp(program->functions[i]->name, name) == 0) return program->functions[i];
    return NULL;
}

typedef struct opset {
    const char *name, *tag;
    int number;
} opset;

static const opset *find_opset(const char *text) {
    static const opset known[] = {{"CoreML5", "ios15", 15}, {"CoreML6", "ios16", 16},
                                  {"CoreML7", "ios17", 17}, {"CoreML8", "ios18", 18},
                                  {"CoreML9", "ios26", 26}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(text, known[i].name) == 0 || strcmp(text, known[i].tag) == 0) return &known[i];
    return NULL;
}

int anm_mil_opset_number(const char *text) {
    const opset *found = find_opset(text);
    return found ? found->number : 0;
}

const char *anm_mil_opset_tag(const char *text) {
    const opset *found = find_opset(text);
    return found ? found->tag : text;
}

const char *anm_mil_opset_name(const char *text) {
    const opset *found = find_opset(text);
    return found ? found->name : text;
}

anm_mil_arg *anm_mil_op_arg(const anm_mil_op *op, const char *name) {
    for (size_t i = 0; i < op->arg_count; i++)
        if (strcmp(op->args[i].name, name) == 0) return &op->args[i];
    return NULL;
}

const anm_mil_literal *anm_mil_op_attr(const anm_mil_op *op, const char *name) {
    for (size_t i = 0; i < op->attr_count; i++)
        if (strcmp(op->attrs[i].name, name) == 0) return op->attrs[i].literal;
    return NULL;
}

anm_mil_operand anm_mil_op_operand(const anm_mil_op *op, const char *name) {
    const anm_mil_arg *arg = anm_mil_op_arg(op, name);
    if (arg && arg->count) return arg->operands[0];
    return (anm_mil_operand){.literal = anm_mil_op_attr(op, name)};
}

bool anm_mil_operand_present(anm_mil_operand operand) {
    return operand.value || operand.literal;
}

const anm_mil_type *anm_mil_operand_type(anm_mil_operand operand) {
    if (operand.value) return operand.value->type;
    return operand.literal ? operand.literal->type : NULL;
}

const anm_mil_literal *anm_mil_operand_constant(anm_mil_operand operand) {
    return operand.value ? operand.value->constant : operand.literal;
}

const char *anm_mil_op_label(const anm_mil_op *op) {
    const anm_mil_literal *name = anm_mil_op_attr(op, "name");
    /* Strings of literals are zero-terminated copies in the arena. */
    if (name && name->strings && name->count == 1) return name->strings[0].data;
    return op->output_count ? op->outputs[0]->name : op->type;
}

void anm_mil_block_append(anm_mil_block *block, anm_mil_op *op) {
    anm_mil_block_insert_before(block, NULL, op);
}

void anm_mil_block_insert_before(anm_mil_block *block, anm_mil_op *before, anm_mil_op *op) {
    op->next = before;
    op->prev = before ? before->prev : block->last;
    if (op->prev) op->prev->next = op;
    else block->first = op;
    if (before) before->prev = op;
    else block->last = op;
}

void anm_mil_block_remove(anm_mil_block *block, anm_mil_op *op) {
    if (op->prev) op->prev->next = op->next;
    else block->first = op->next;
    if (op->next) op->next->prev = op->prev;
    else block->last = op->prev;
    op->prev = op->next = NULL;
}

bool anm_mil_block_walk(anm_mil_block *block, anm_mil_visit_fn visit, void *context) {
    for (anm_mil_op *op = block->first, *next; op; op = next) {
        next = op->next;
        if (!visit(context, op)) return false;
        for (size_t i = 0; i < op->block_count; i++)
            if (!anm_mil_block_walk(op->blocks[i], visit, context)) return false;
    }
    return true;
}
