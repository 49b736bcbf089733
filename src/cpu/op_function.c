/* SPDX-License-Identifier: MIT */
#include "src/cpu/op_function.h"

#include "src/base/alloc.h"
#include "src/base/vec.h"
#include "src/pass/flow.h"

typedef struct maker {
    anm_arena *arena;
    anm_mil_block *body;
    unsigned char *seen; /* by value id: an input, or defined here */
    ANM_VEC(anm_mil_value *) inputs;
} maker;

static bool define(maker *m, const anm_mil_op *op);

static bool use(maker *m, anm_mil_value *value) {
    if (!value || m->seen[value->id]) return true;
    if (anm_is_constant(value)) return define(m, value->def);
    m->seen[value->id] = 1;
    return anm_vec_push(&m->inputs, value);
}

/* Constants that the op reads come in front of it, chains of constexpr ops included. */
static bool define(maker *m, const anm_mil_op *op) {
    anm_mil_op *copy = anm_arena_copy(m->arena, op, sizeof *op);
    if (!copy) return false;
    for (size_t i = 0; i < op->arg_count; i++)
        for (size_t n = 0; n < op->args[i].count; n++)
            if (!use(m, op->args[i].operands[n].value)) return false;
    for (size_t i = 0; i < op->output_count; i++) m->seen[op->outputs[i]->id] = 1;
    copy->prev = copy->next = NULL;
    anm_mil_block_append(m->body, copy);
    return true;
}

anm_mil_function *anm_op_function(anm_arena *arena, const anm_mil_function *whole,
                                  const anm_mil_op *const *ops, size_t count) {
    anm_mil_function *f = ANM_ARENA_NEW(arena, anm_mil_function);
    maker m = {.arena = arena, .body = ANM_ARENA_NEW(arena, anm_mil_block)};
    m.seen = anm_calloc(whole->value_count + 1, 1);
    bool ok = f && m.body && m.seen;
    for (size_t i = 0; i < count && ok; i++) ok = define(&m, ops[i]);
    if (ok) {
        *f = (anm_mil_function){.name = whole->name, .opset = whole->opset, .body = m.body,
                                .value_count = whole->value_count};
        f->input_count = m.inputs.len;
        f->inputs = anm_arena_copy(arena, m.inputs.data, m.inputs.len * sizeof *f->inputs);
    }
    anm_free(m.seen);
    anm_vec_free(&m.inputs);
    return ok && (f->inputs || !f->input_count) ? f : NULL;
}
