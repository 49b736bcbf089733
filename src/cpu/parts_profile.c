/* SPDX-License-Identifier: MIT */
/* The parts of a function as one list of steps. */
#include "src/base/alloc.h"
#include "src/cpu/part_plans.h"

/* Told of each engine (and op of the interpreter, `engine` NULL) in order; false stops. */
typedef bool (*visit_fn)(void *context, anm_engine *engine, const anm_part_block *b, size_t at);

static bool walk_block(anm_parts *parts, const anm_plan_block *block, visit_fn visit,
                       void *context) {
    const anm_part_block *b = &parts->blocks[block->number];
    for (size_t i = 0, next; i < block->count; i = next) {
        const anm_plan_step *step = &block->steps[i];
        const anm_part *part = b->cuts[i] ? b->cuts[i]->first : NULL;
        next = part ? part->to : i + 1;
        if (!visit(context, part ? part->engine : NULL, b, i)) return false;
        for (size_t k = 0; k < step->op->block_count; k++)
            if (!walk_block(parts, step->blocks[k], visit, context)) return false;
    }
    return true;
}

static void walk(anm_parts *parts, visit_fn visit, void *context) {
    pthread_mutex_lock(&parts->lock);
    walk_block(parts, parts->interp->body, visit, context);
    pthread_mutex_unlock(&parts->lock);
}

static bool add_facts(void *context, anm_engine *engine, const anm_part_block *b, size_t at) {
    anm_engine_facts *sum = context;
    anm_engine_facts f = {.steps = 1, .phases = 1, .fallbacks = 1};
    if (engine) f = anm_engine_get_facts(engine);
    if (f.workspace > sum->workspace) sum->workspace = f.workspace;
    sum->copied += f.copied;
    sum->steps += f.steps;
    sum->phases += f.phases;
    sum->fallbacks += f.fallbacks;
    (void)b;
    (void)at;
    return true;
}

anm_engine_facts anm_parts_facts(anm_parts *parts) {
    anm_engine_facts sum = {0};
    walk(parts, add_facts, &sum);
    return sum;
}

typedef struct search {
    size_t left; /* steps up to the one wanted */
    int phase;
    anm_engine_timing found;
} search;

static bool find_step(void *context, anm_engine *engine, const anm_part_block *b, size_t at) {
    search *s = context;
    const anm_mil_op *op = b->block->steps[at].op;
    anm_engine_facts f = {.steps = 1, .phases = 1};
    if (engine) f = anm_engine_get_facts(engine);
    if (s->left >= f.steps) {
        s->left -= f.steps;
        s->phase += (int)f.phases;
        return true;
    }
    if (engine) s->found = anm_engine_profile_at(engine, s->left);
    else
        s->found = (anm_engine_timing){.kind = op->type,
                                       .label = anm_mil_op_label(op),
                                       .nanoseconds = b->ticks ? b->ticks[at] : 0,
                                       .interpreted = true};
    s->found.phase += s->phase;
    return false;
}

anm_engine_timing anm_parts_step_at(anm_parts *parts, size_t index) {
    search s = {.left = index};
    walk(parts, find_step, &s);
    return s.found;
}

static void profile_cut(const anm_cut *cut, bool on) {
    for (anm_part *p = cut ? cut->first : NULL; p; p = p->next)
        if (p->engine) anm_engine_profile(p->engine, on);
}

void anm_parts_profile(anm_parts *parts, bool on) {
    bool ok = on;
    for (uint32_t n = 0; n < parts->interp->block_count; n++) {
        anm_part_block *b = &parts->blocks[n];
        anm_free(b->ticks);
        b->ticks = on ? anm_calloc(b->block->count + 1, sizeof *b->ticks) : NULL;
        ok = ok && b->ticks;
        for (size_t i = 0; i < b->block->count; i++) profile_cut(b->cuts[i], on);
    }
    parts->profiling = ok;
}
