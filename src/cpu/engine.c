/* SPDX-License-Identifier: MIT */
#include "src/cpu/engine.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/clock.h"
#include "src/base/dtype.h"
#include "src/cpu/parts.h"
#include "src/cpu/plan_build.h"
#include "src/cpu/stream_walk.h"
#include "src/cpu/workspace.h"
#include "src/pass/pass.h"

struct anm_engine {
    anm_plan plan;
    pthread_mutex_t lock;
    anm_engine_result *idle; /* those that nobody uses, without a workspace */
    uint64_t *ticks, *cache_bytes; /* by step; NULL: not profiling */
    anm_parts *parts;   /* instead of the plan */
    anm_dtype *declared; /* of their outputs */
    bool borrows; /* fp32 and int32 inputs are read where they lie */
    bool profiling;
    bool light;   /* waking other threads would take longer than the run */
};

struct anm_engine_result {
    anm_engine *engine;
    anm_engine_result *next;
    anm_workspace *workspace; /* NULL while idle */
    const char *based; /* where `base` takes the workspace to be */
    char **base;
    anm_tensor *outputs;
    anm_interp_result *by_parts; /* of a function in parts; all else is unused then */
};

/* Making. */

static const anm_tensor *find_tensor(const anm_tensor *tensors, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (tensors[i].name && strcmp(tensors[i].name, name) == 0) return &tensors[i];
    return NULL;
}

static anm_status copy_function(anm_engine *e, const anm_mil_function *f, const anm_tensor *inputs,
                                size_t count, anm_error *err) {
    const anm_tensor **by_position = anm_calloc(f->input_count + 1, sizeof *by_position);
    if (!by_position) return anm_fail_memory(err);
    for (size_t i = 0; i < f->input_count; i++)
        by_position[i] = find_tensor(inputs, count, f->inputs[i]->name);
    anm_status status = anm_flow_copy(f, by_position, &e->plan.flow, err);
    anm_free(by_position);
    return status;
}

/* Few microseconds between two barriers. */
static bool is_light(const anm_plan *p) {
    uint64_t phases = p->step_count ? (uint64_t)p->steps[p->step_count - 1].phase + 1 : 1;
    uint64_t bytes = p->scratch_begin, flops = 0;
    for (size_t i = 0; i < p->step_count; i++) {
        bytes += p->steps[i].bytes;
        flops += p->steps[i].flops;
    }
    return bytes < phases << 16 && flops < phases << 17;
}

static anm_status build(anm_engine *e, const anm_mil_function *f, const anm_tensor *inputs,
                        size_t count, const anm_engine_options *o, anm_error *err) {
    anm_pass_options passes = {.skip = o->skip, .validate = o->validate};
    ANM_TRY(copy_function(e, f, inputs, count, err));
    e->plan.flow.constants = o->constants;
    ANM_TRY(anm_pass_run_all(&e->plan.flow, &passes, err));
    e->plan.arena = e->plan.flow.program->arena;
    e->plan.isa = o->isa;
    e->plan.matmul = o->matmul;
    e->plan.rows = anm_row_kernels_find(o->isa);
    e->plan.threads = o->threads > 0 ? o->threads : 1;
    e->plan.output_names = e->plan.flow.output_names;
    ANM_TRY(anm_plan_fill(&e->plan, o->state_dtype, err));
    e->borrows = o->part;
    e->light = o->part && is_light(&e->plan);
    return ANM_OK;
}

/* The plan's place is taken by parts, if there can be any; else what was said about it stands. */
static anm_status build_parts(anm_engine *e, const anm_mil_function *f, const anm_tensor *inputs,
                              size_t count, const anm_engine_options *o) {
    anm_error ignored;
    anm_flow_free(&e->plan.flow);
    e->plan = (anm_plan){0};
    ANM_TRY(anm_parts_create(f, inputs, count, o, &e->parts, &ignored));
    e->declared = anm_calloc(f->body->output_count + 1, sizeof *e->declared);
    if (!e->declared) return ANM_ERROR_MEMORY;
    for (size_t i = 0; i < f->body->output_count; i++)
        e->declared[i] = f->body->outputs[i]->type->dtype;
    return ANM_OK;
}

anm_status anm_engine_create(const anm_mil_function *function, const anm_tensor *inputs,
                             size_t input_count, const anm_engine_options *options,
                             anm_engine **out, anm_error *err) {
    *out = NULL;
    anm_engine *e = anm_calloc(1, sizeof *e);
    if (!e) return anm_fail_memory(err);
    if (pthread_mutex_init(&e->lock, NULL) != 0) {
        anm_free(e);
        return anm_fail_memory(err);
    }
    anm_workspaces_join();
    anm_status status = build(e, function, inputs, input_count, options, err);
    if (status != ANM_OK && options->refused && e->plan.refused)
        *options->refused = e->plan.refused->outputs[0]->id;
    if (status == ANM_ERROR_UNSUPPORTED && options->parts &&
        build_parts(e, function, inputs, input_count, options) == ANM_OK)
        status = ANM_OK;
    if (status == ANM_OK) *out = e;
    else anm_engine_destroy(e);
    return status;
}

static void free_result(anm_engine_result *r) {
    anm_free(r->base);
    anm_free(r->outputs);
    anm_free(r);
}

void anm_engine_destroy(anm_engine *e) {
    if (!e) return;
    for (anm_engine_result *r = e->idle, *next; r; r = next) {
        next = r->next;
        free_result(r);
    }
    for (size_t i = 0; i < e->plan.fallbacks && e->plan.interps; i++)
        anm_interp_destroy(e->plan.interps[i]);
    anm_flow_free(&e->plan.flow);
    anm_parts_destroy(e->parts);
    anm_free(e->declared);
    anm_free(e->ticks);
    anm_free(e->cache_bytes);
    pthread_mutex_destroy(&e->lock);
    anm_workspaces_leave();
    anm_free(e);
}

bool anm_engine_fits(const anm_engine *e, const anm_tensor *inputs, size_t input_count) {
    const anm_mil_function *f = e->plan.flow.function;
    if (e->parts) return true;
    for (size_t i = 0; i < f->input_count; i++) {
        if (f->inputs[i]->type->kind == ANM_MIL_STATE) continue;
        const anm_tensor *t = find_tensor(inputs, input_count, f->inputs[i]->name);
        const anm_mil_type *type = f->inputs[i]->type;
        if (!t || t->rank != type->rank ||
            memcmp(t->shape, type->shape, (size_t)t->rank * sizeof *t->shape) != 0)
            return false;
    }
    return true;
}

anm_engine_facts anm_engine_get_facts(const anm_engine *e) {
    const anm_plan *p = &e->plan;
    if (e->parts) return anm_parts_facts(e->parts);
    size_t phases = p->step_count ? (size_t)p->steps[p->step_count - 1].phase + 1 : 0;
    return (anm_engine_facts){p->workspace, p->flow.copied, p->step_count, phases, p->fallbacks};
}

/* Results, and the workspaces that they lie in. */

static anm_engine_result *new_result(anm_engine *e) {
    const anm_plan *p = &e->plan;
    size_t outputs = p->flow.function->body->output_count;
    anm_engine_result *r = anm_calloc(1, sizeof *r);
    if (!r) return NULL;
    r->engine = e;
    r->base = anm_calloc(p->block_count + 1, sizeof *r->base);
    r->outputs = anm_calloc(outputs + 1, sizeof *r->outputs);
    if (!r->base || !r->outputs) {
        free_result(r);
        return NULL;
    }
    for (size_t i = 0; i < p->block_count; i++)
        if (p->blocks[i].place == ANM_PLACE_CONST)
            memcpy(&r->base[i], &p->blocks[i].data, sizeof p->blocks[i].data);
    return r;
}

/* Blocks of the workspace begin where it lies this time. */
static void place_in(anm_engine_result *r, char *memory) {
    const anm_plan *p = &r->engine->plan;
    if (r->based == memory) return;
    for (size_t i = 0; i < p->block_count; i++)
        if (p->blocks[i].place == ANM_PLACE_WORK) r->base[i] = memory + p->blocks[i].offset;
    r->based = memory;
}

static anm_engine_result *take_result(anm_engine *e) {
    pthread_mutex_lock(&e->lock);
    anm_engine_result *r = e->idle;
    if (r) e->idle = r->next;
    pthread_mutex_unlock(&e->lock);
    if (!r) r = new_result(e);
    if (!r) return NULL;
    r->workspace = anm_workspace_take(e->plan.workspace + 64);
    if (!r->workspace) {
        anm_engine_result_release(r);
        return NULL;
    }
    place_in(r, r->workspace->memory);
    return r;
}

void anm_engine_result_release(anm_engine_result *r) {
    if (!r) return;
    anm_engine *e = r->engine;
    if (e->parts) {
        anm_interp_result_destroy(r->by_parts);
        anm_free(r);
        return;
    }
    anm_workspace_give(r->workspace);
    r->workspace = NULL;
    pthread_mutex_lock(&e->lock);
    r->next = e->idle;
    e->idle = r;
    pthread_mutex_unlock(&e->lock);
}

/* Running. */

static anm_status load_input(const anm_engine *e, size_t i, const anm_tensor *t,
                             anm_engine_result *r, anm_error *err) {
    const anm_plan *p = &e->plan;
    const anm_mil_value *value = p->flow.function->inputs[i];
    const anm_lie *lie = &p->inputs[i];
    size_t bytes;
    int64_t count = anm_view_elements(&lie->view);
    if (!t)
        return anm_fail(err, ANM_ERROR_NOT_FOUND, p->flow.function->name,
                        "input \"%s\" was not given", value->name);
    if (!anm_dtype_bytes(t->dtype, count, &bytes) || t->bytes < bytes || (bytes && !t->data))
        return anm_fail(err, ANM_ERROR_ARGUMENT, t->name, "has %zu bytes where %zu are needed",
                        t->bytes, bytes);
    if (e->borrows && t->dtype == lie->dtype && (uintptr_t)t->data % 16 == 0) {
        r->base[lie->block] = t->data; /* no step writes to an input */
        return ANM_OK;
    }
    r->base[lie->block] = r->workspace->memory + p->blocks[lie->block].offset;
    anm_elements_convert(lie->dtype, r->base[lie->block], t->dtype, t->data, count);
    return ANM_OK;
}

static anm_status load_state(const anm_plan *p, size_t i, const anm_tensor *t, char **base,
                             anm_error *err) {
    const anm_lie *lie = &p->inputs[i];
    if (!t || !t->data || t->dtype != lie->dtype)
        return anm_fail(err, ANM_ERROR_ARGUMENT, p->flow.function->name,
                        "state \"%s\" was not given in the type planned for",
                        p->flow.function->inputs[i]->name);
    base[lie->block] = t->data;
    return ANM_OK;
}

static anm_status load(const anm_engine *e, const anm_tensor *inputs, size_t input_count,
                       const anm_tensor *states, size_t state_count, anm_engine_result *r,
                       anm_error *err) {
    const anm_plan *p = &e->plan;
    const anm_mil_function *f = p->flow.function;
    for (size_t i = 0; i < f->input_count; i++) {
        const char *name = f->inputs[i]->name;
        if (f->inputs[i]->type->kind == ANM_MIL_STATE)
            ANM_TRY(load_state(p, i, find_tensor(states, state_count, name), r->base, err));
        else ANM_TRY(load_input(e, i, find_tensor(inputs, input_count, name), r, err));
    }
    return ANM_OK;
}

static void walk_steps(void *context, anm_team *team, int thread, int threads) {
    anm_exec *x = context;
    const anm_plan *p = x->plan;
    int phase = 0;
    bool timed = x->ticks && thread == 0;
    atomic_store_explicit(&x->team, team, memory_order_relaxed);
    anm_stream_walk *walk = anm_stream_walk_begin(x, thread, threads);
    uint64_t before = timed ? anm_nanoseconds() : 0;
    for (size_t i = 0; i < p->step_count; i++) {
        const anm_step *s = &p->steps[i];
        if (!s->streams) anm_stream_walk_on(walk);
        if (s->phase != phase) anm_team_barrier_idle(team, anm_stream_walk_on, walk);
        phase = s->phase;
        s->run(s, x, thread, threads);
        if (!timed) continue;
        uint64_t now = anm_nanoseconds();
        x->ticks[i] += now - before;
        before = now;
    }
}

static void give_outputs(const anm_plan *p, anm_engine_result *r) {
    size_t count = p->flow.function->body->output_count;
    for (size_t i = 0; i < count; i++) {
        const anm_lie *lie = &p->outputs[i];
        anm_tensor *t = &r->outputs[i];
        *t = (anm_tensor){.name = p->output_names[i], .dtype = lie->dtype, .rank = lie->view.rank};
        memcpy(t->shape, lie->view.shape, sizeof t->shape);
        t->data = r->base[lie->block] + 4 * lie->view.offset;
        t->bytes = 4 * (size_t)anm_view_elements(&lie->view);
    }
}

static anm_status run_parts(anm_engine *e, anm_pool *pool, const anm_tensor *inputs,
                            size_t input_count, anm_tensor *states, size_t state_count,
                            anm_engine_result **out, anm_error *err) {
    anm_engine_result *r = anm_calloc(1, sizeof *r);
    if (!r) return anm_fail_memory(err);
    r->engine = e;
    anm_status status = anm_parts_run(e->parts, pool, inputs, input_count, states, state_count,
                                      &r->by_parts, err);
    if (status == ANM_OK) *out = r;
    else anm_free(r);
    return status;
}

anm_status anm_engine_run(anm_engine *e, anm_pool *pool, const anm_tensor *inputs,
                          size_t input_count, anm_tensor *states, size_t state_count,
                          anm_engine_result **out, anm_error *err) {
    *out = NULL;
    if (e->parts)
        return run_parts(e, pool, inputs, input_count, states, state_count, out, err);
    anm_engine_result *r = take_result(e);
    if (!r) return anm_fail_memory(err);
    anm_exec x = {.plan = &e->plan,
                  .base = r->base,
                  .scratch = r->workspace->memory + e->plan.scratch_begin,
                  .err = err,
                  .ticks = e->ticks,
                  .cache_bytes = e->cache_bytes};
    anm_status status =
        load(e, inputs, input_count, states, state_count, r, err);
    if (status == ANM_OK) {
        if (e->light) anm_pool_run_alone(pool, walk_steps, &x);
        else anm_pool_run(pool, walk_steps, &x);
        status = (anm_status)x.failed;
    }
    if (status != ANM_OK) {
        anm_engine_result_release(r);
        return status;
    }
    give_outputs(&e->plan, r);
    *out = r;
    return ANM_OK;
}

const anm_tensor *anm_engine_result_tensors(const anm_engine_result *r, size_t *count,
                                            const anm_dtype **declared) {
    const anm_engine *e = r->engine;
    if (declared) *declared = e->parts ? e->declared : e->plan.output_dtypes;
    if (e->parts) return anm_interp_result_tensors(r->by_parts, count);
    *count = e->plan.flow.function->body->output_count;
    return r->outputs;
}

const anm_view *anm_engine_output_view(const anm_engine *e, size_t index) {
    return &e->plan.outputs[index].view;
}

/* Profiling. */

void anm_engine_profile(anm_engine *e, bool on) {
    e->profiling = on;
    if (e->parts) {
        anm_parts_profile(e->parts, on);
        return;
    }
    anm_free(e->ticks);
    anm_free(e->cache_bytes);
    e->ticks = on ? anm_calloc(e->plan.step_count + 1, sizeof *e->ticks) : NULL;
    e->cache_bytes = on ? anm_calloc(e->plan.step_count + 1, sizeof *e->cache_bytes) : NULL;
}

size_t anm_engine_profile_count(const anm_engine *e) {
    return e->profiling ? anm_engine_get_facts(e).steps : 0;
}

anm_engine_timing anm_engine_profile_at(const anm_engine *e, size_t index) {
    if (e->parts) return anm_parts_step_at(e->parts, index);
    const anm_step *s = &e->plan.steps[index];
    return (anm_engine_timing){.kind = s->kind,
                               .label = s->op ? anm_mil_op_label(s->op) : NULL,
                               .kernel = s->kernel,
                               .nanoseconds = e->ticks ? e->ticks[index] : 0,
                               .bytes = s->bytes,
                               .flops = s->flops,
                               .phase = s->phase,
                               .interpreted = s->interpreted,
                               .cache_bytes =
                                   e->cache_bytes ? e->cache_bytes[index] : 0};
}
