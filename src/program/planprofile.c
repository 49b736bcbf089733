/* SPDX-License-Identifier: MIT */
/* Looking at the plans of a function: facts, steps and times of the one used last. */
#include "anemone/profile.h"
#include "src/program/program.h"

static anm_engine *lock_latest(const anm_function *f) {
    pthread_mutex_lock(&f->program->lock);
    const anm_kept_plan *plan = anm_plans_latest(f);
    return plan ? plan->engine : NULL;
}

static void unlock(const anm_function *f) {
    pthread_mutex_unlock(&f->program->lock);
}

int anm_function_plan(const anm_function *function, anm_plan_facts *facts) {
    const anm_engine *engine = lock_latest(function);
    if (engine) {
        anm_engine_facts f = anm_engine_get_facts(engine);
        *facts = (anm_plan_facts){f.workspace, f.copied, f.steps, f.fallbacks, f.phases};
    }
    unlock(function);
    return engine != NULL;
}

anm_plan_counts anm_function_plans(const anm_function *function) {
    pthread_mutex_lock(&function->program->lock);
    const anm_plans *p = &function->plans;
    anm_plan_counts counts = {.kept = p->count, .made = p->made, .dropped = p->dropped};
    unlock(function);
    return counts;
}

void anm_function_profile(const anm_function *function, int on) {
    pthread_mutex_lock(&function->program->lock);
    for (anm_kept_plan *p = function->plans.first; p; p = p->next)
        if (p->engine) anm_engine_profile(p->engine, on != 0);
    unlock(function);
}

size_t anm_function_step_count(const anm_function *function) {
    const anm_engine *engine = lock_latest(function);
    size_t count = engine ? anm_engine_get_facts(engine).steps : 0;
    unlock(function);
    return count;
}

anm_step_timing anm_function_step(const anm_function *function, size_t index) {
    anm_step_timing step = {0};
    const anm_engine *engine = lock_latest(function);
    if (engine && index < anm_engine_get_facts(engine).steps) {
        anm_engine_timing t = anm_engine_profile_at(engine, index);
        step = (anm_step_timing){t.kind,  t.label, t.nanoseconds, t.bytes,
                                 t.flops, t.phase, t.interpreted, t.cache_bytes,
                                 t.kernel};
    }
    unlock(function);
    return step;
}
