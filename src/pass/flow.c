/* SPDX-License-Identifier: MIT */
/* Copying a function, walking it, replacing values, sweeping what is dead. */
#include "src/pass/flow.h"

#include <string.h>

#include "src/base/alloc.h"

/* Copying. */

typedef struct copier {
    anm_arena *arena;
    anm_mil_value **map; /* by old id */
    const anm_mil_function *from;
    anm_mil_function *to;
    anm_error *err;
} copier;

static anm_status refuse(const copier *c, const anm_mil_op *op, const char *what) {
    return anm_fail(c->err, ANM_ERROR_UNSUPPORTED, c->from->name, "%s (%s): %s",
                    anm_mil_op_label(op), op->type, what);
}

static anm_mil_value *copy_value(copier *c, const anm_mil_value *value, anm_mil_op *def) {
    anm_mil_value *copy = ANM_ARENA_NEW(c->arena, anm_mil_value);
    if (!copy) return NULL;
    *copy = *value;
    copy->def = def;
    c->map[value->id] = copy;
    return copy;
}

static bool copy_arg(copier *c, const anm_mil_arg *from, anm_mil_arg *to) {
    *to = *from;
    to->operands = ANM_ARENA_ARRAY(c->arena, anm_mil_operand, from->count);
    for (size_t i = 0; to->operands && i < from->count; i++) {
        to->operands[i] = from->operands[i];
        if (from->operands[i].value) to->operands[i].value = c->map[from->operands[i].value->id];
    }
    return to->operands != NULL;
}

static anm_status copy_op(copier *c, const anm_mil_op *from) {
    if (from->block_count) return refuse(c, from, "control flow stays with the interpreter");
    if (!from->spec) return refuse(c, from, "no such op");
    anm_mil_op *op = ANM_ARENA_NEW(c->arena, anm_mil_op);
    if (!op) return anm_fail_memory(c->err);
    *op = *from;
    op->prev = op->next = NULL;
    op->args = ANM_ARENA_ARRAY(c->arena, anm_mil_arg, from->arg_count);
    op->outputs = ANM_ARENA_ARRAY(c->arena, anm_mil_value *, from->output_count);
    if (!op->args || !op->outputs) return anm_fail_memory(c->err);
    for (size_t i = 0; i < from->arg_count; i++)
        if (!copy_arg(c, &from->args[i], &op->args[i])) return anm_fail_memory(c->err);
    for (size_t i = 0; i < from->output_count; i++) {
        if (from->outputs[i]->type->kind != ANM_MIL_TENSOR)
            return refuse(c, from, "gives no tensor");
        op->outputs[i] = copy_value(c, from->outputs[i], op);
        if (!op->outputs[i]) return anm_fail_memory(c->err);
    }
    anm_mil_block_append(c->to->body, op);
    return ANM_OK;
}

/* An input with unknown dimensions takes the shape given. */
static anm_status copy_input(copier *c, const anm_mil_value *input, const anm_tensor *given,
                             anm_mil_value **out) {
    anm_mil_value *copy = *out = copy_value(c, input, NULL);
    if (!copy) return anm_fail_memory(c->err);
    if (given && input->type->kind == ANM_MIL_TENSOR)
        copy->type =
            anm_mil_type_tensor(c->arena, input->type->dtype, given->rank, given->shape);
    return copy->type ? ANM_OK : anm_fail_memory(c->err);
}

static anm_status copy_function(copier *c, const anm_tensor *const *inputs) {
    const anm_mil_function *from = c->from;
    *c->to = (anm_mil_function){.name = from->name,
                                .opset = from->opset,
                                .input_count = from->input_count,
                                .value_count = from->value_count,
                                .body = ANM_ARENA_NEW(c->arena, anm_mil_block)};
    c->to->inputs = ANM_ARENA_ARRAY(c->arena, anm_mil_value *, from->input_count);
    if (!c->to->body || !c->to->inputs) return anm_fail_memory(c->err);
    for (size_t i = 0; i < from->input_count; i++)
        ANM_TRY(copy_input(c, from->inputs[i], inputs ? inputs[i] : NULL, &c->to->inputs[i]));
    for (const anm_mil_op *op = from->body->first; op; op = op->next) ANM_TRY(copy_op(c, op));
    anm_mil_block *body = c->to->body;
    body->output_count = from->body->output_count;
    body->outputs = ANM_ARENA_ARRAY(c->arena, anm_mil_value *, body->output_count);
    if (!body->outputs) return anm_fail_memory(c->err);
    for (size_t i = 0; i < body->output_count; i++)
        body->outputs[i] = c->map[from->body->outputs[i]->id];
    return ANM_OK;
}

/* Names are the builder's to keep unique. */
static anm_status take_names(anm_flow *g, anm_error *err) {
    bool ok = true;
    for (size_t i = 0; i < g->function->input_count; i++)
        ok = ok && anm_map_put(&g->builder.names, anm_sv_from(g->function->inputs[i]->name), 0);
    for (anm_mil_op *op = g->function->body->first; op; op = op->next)
        for (size_t i = 0; i < op->output_count; i++)
            ok = ok && anm_map_put(&g->builder.names, anm_sv_from(op->outputs[i]->name), 0);
    return ok ? ANM_OK : anm_fail_memory(err);
}

static anm_status wrap(anm_flow *g, const anm_mil_function *from, anm_error *err) {
    anm_arena *arena = g->program->arena;
    size_t count = from->body->output_count;
    const char **names = ANM_ARENA_ARRAY(arena, const char *, count);
    g->program->functions = ANM_ARENA_ARRAY(arena, anm_mil_function *, 1);
    if (!names || !g->program->functions) return anm_fail_memory(err);
    for (size_t i = 0; i < count; i++) names[i] = from->body->outputs[i]->name;
    g->output_names = names;
    g->program->functions[0] = g->function;
    g->program->function_count = 1;
    g->program->optimised = true;
    anm_mil_builder_init(&g->builder, g->program);
    g->builder.function = g->function;
    return take_names(g, err);
}

anm_status anm_flow_copy(const anm_mil_function *function, const anm_tensor *const *inputs,
                          anm_flow *out, anm_error *err) {
    *out = (anm_flow){.program = anm_mil_program_create()};
    anm_arena *arena = out->program ? out->program->arena : NULL;
    out->function = arena ? ANM_ARENA_NEW(arena, anm_mil_function) : NULL;
    copier c = {arena, anm_calloc(function->value_count + 1, sizeof *c.map), function,
                out->function, err};
    anm_status status =
        c.map && c.to ? copy_function(&c, inputs) : anm_fail_memory(err);
    anm_free(c.map);
    if (status == ANM_OK) status = wrap(out, function, err);
    if (status != ANM_OK) anm_flow_free(out);
    return status;
}

void anm_flow_free(anm_flow *g) {
    anm_map_free(&g->builder.names);
    anm_free(g->replaced);
    anm_free(g->uses);
    anm_mil_program_destroy(g->program);
    *g = (anm_flow){0};
}

/* Walking. */

static bool reserve(anm_flow *g) {
    size_t wanted = g->function->value_count, old = g->capacity;
    if (wanted <= old) return true;
    wanted += wanted / 2;
    anm_mil_value **replaced = anm_realloc_array(g->replaced, wanted, sizeof *replaced);
    if (!replaced) return false;
    g->replaced = replaced;
    uint32_t *uses = anm_realloc_array(g->uses, wanted, sizeof *uses);
    if (!uses) return false;
    g->uses = uses;
    memset(replaced + old, 0, (wanted - old) * sizeof *replaced);
    memset(uses + old, 0, (wanted - old) * sizeof *uses);
    g->capacity = wanted;
    return true;
}

static anm_mil_value *resolve(const anm_flow *g, anm_mil_value *value) {
    while (value && value->id < g->capacity && g->replaced[value->id])
        value = g->replaced[value->id];
    return value;
}

static void count_uses(anm_flow *g) {
    const anm_mil_block *body = g->function->body;
    memset(g->uses, 0, g->capacity * sizeof *g->uses);
    for (const anm_mil_op *op = body->first; op; op = op->next)
        for (size_t i = 0; i < op->arg_count; i++)
            for (size_t n = 0; n < op->args[i].count; n++)
                if (op->args[i].operands[n].value) g->uses[op->args[i].operands[n].value->id]++;
    for (size_t i = 0; i < body->output_count; i++) g->uses[body->outputs[i]->id]++;
}

static void rewrite_operands(const anm_flow *g, anm_mil_op *op) {
    for (size_t i = 0; i < op->arg_count; i++)
        for (size_t n = 0; n < op->args[i].count; n++)
            op->args[i].operands[n].value = resolve(g, op->args[i].operands[n].value);
}

anm_status anm_flow_walk(anm_flow *g, anm_flow_visit visit, anm_error *err) {
    anm_mil_block *body = g->function->body;
    if (!reserve(g)) return anm_fail_memory(err);
    memset(g->replaced, 0, g->capacity * sizeof *g->replaced);
    count_uses(g);
    for (anm_mil_op *op = body->first, *next; op; op = next) {
        next = op->next;
        g->at = op;
        rewrite_operands(g, op);
        if (!visit(g, op)) break;
    }
    for (anm_mil_op *op = g->at; op; op = op->next) rewrite_operands(g, op);
    for (size_t i = 0; i < body->output_count; i++)
        body->outputs[i] = resolve(g, body->outputs[i]);
    if (g->builder.status != ANM_OK && err) *err = g->builder.error;
    return g->builder.status;
}

void anm_flow_replace(anm_flow *g, anm_mil_value *value, anm_mil_value *by) {
    if (!value || !by || value == by) return;
    if (!reserve(g)) {
        if (g->builder.status == ANM_OK) g->builder.status = anm_fail_memory(&g->builder.error);
        return;
    }
    g->replaced[value->id] = by;
    g->uses[by->id] += g->uses[value->id];
}

void anm_flow_replace_op(anm_flow *g, anm_mil_op *op, anm_mil_value *by) {
    anm_flow_replace(g, op->outputs[0], by);
}

static bool is_needed(const anm_flow *g, const anm_mil_op *op) {
    if (op->spec->flags & ANM_OP_STATEFUL && !anm_is_op(op, "read_state")) return true;
    for (size_t i = 0; i < op->output_count; i++)
        if (g->uses[op->outputs[i]->id]) return true;
    return false;
}

size_t anm_flow_sweep(anm_flow *g) {
    size_t removed = 0;
    if (!reserve(g)) return 0;
    count_uses(g);
    for (anm_mil_op *op = g->function->body->last, *prev; op; op = prev) {
        prev = op->prev;
        if (is_needed(g, op)) continue;
        for (size_t i = 0; i < op->arg_count; i++)
            for (size_t n = 0; n < op->args[i].count; n++)
                if (op->args[i].operands[n].value) g->uses[op->args[i].operands[n].value->id]--;
        anm_mil_block_remove(g->function->body, op);
        removed++;
    }
    return removed;
}
