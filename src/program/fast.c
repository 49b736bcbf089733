/* SPDX-License-Identifier: MIT */
#include "src/program/fast.h"

#include <stdlib.h>
#include <string.h>

#include "anemone/profile.h"
#include "src/base/alloc.h"
#include "src/base/options.h"
#include "src/base/threads.h"
#include "src/cpu/poolshare.h"

struct anm_engine_entry {
    anm_engine_entry *next;
    anm_engine *engine; /* NULL: the function is one for the interpreter */
    anm_pool *pool;
    anm_precision precision;
    anm_isa isa;
    int threads;
    anm_error reason; /* why there is no engine */
};

/* What the options ask for, the environment deciding where they do not. */
static anm_status wanted_engine(const anm_predict_options *o, anm_engine_kind *out,
                                anm_error *err) {
    const char *name = getenv("ANEMONE_ENGINE");
    *out = o->engine;
    if (o->engine != ANM_ENGINE_AUTO) return ANM_OK;
    if (name && strcmp(name, "reference") == 0) *out = ANM_ENGINE_REFERENCE;
    else if (name && strcmp(name, "fast") == 0) *out = ANM_ENGINE_FAST;
    else if (name && *name && strcmp(name, "auto") != 0)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "ANEMONE_ENGINE",
                        "\"%s\" is none of auto, fast and reference", name);
    /* Who asks for fp32 asks for the specification. */
    if (*out == ANM_ENGINE_AUTO && o->precision == ANM_PRECISION_FP32) *out = ANM_ENGINE_REFERENCE;
    return ANM_OK;
}

static anm_engine_entry *find_entry(const anm_function *f, const anm_tensor *inputs, size_t count,
                                    anm_precision precision, anm_isa isa, int threads) {
    for (anm_engine_entry *e = f->engines; e; e = e->next)
        if (e->precision == precision && e->isa == isa && e->threads == threads &&
            (!e->engine || anm_engine_fits(e->engine, inputs, count)))
            return e;
    return NULL;
}

static anm_status make_engine(anm_engine_entry *e, const anm_function *f, const anm_tensor *inputs,
                              size_t count, anm_error *err) {
    anm_engine_options options = {.isa = e->isa,
                                  .state_dtype = e->precision == ANM_PRECISION_FP32
                                                     ? ANM_DTYPE_FP32
                                                     : ANM_DTYPE_NONE,
                                  .threads = e->threads};
    ANM_TRY(anm_pool_share(e->threads, &e->pool, err));
    anm_status status = anm_engine_create(f->mil, inputs, count, &options, &e->engine, &e->reason);
    if (status == ANM_OK || status == ANM_ERROR_UNSUPPORTED) return ANM_OK;
    if (err) *err = e->reason;
    return status;
}

static anm_status new_entry(anm_function *f, const anm_tensor *inputs, size_t count,
                            anm_precision precision, anm_isa isa, int threads,
                            anm_engine_entry **out, anm_error *err) {
    anm_engine_entry *e = *out = anm_calloc(1, sizeof *e);
    if (!e) return anm_fail_memory(err);
    e->precision = precision;
    e->isa = isa;
    e->threads = threads;
    e->next = f->engines;
    anm_status status = make_engine(e, f, inputs, count, err);
    if (status == ANM_OK) {
        f->engines = e;
        return ANM_OK;
    }
    anm_pool_unshare(e->pool);
    anm_free(e);
    return status;
}

anm_status anm_function_engine(const anm_function *f, const anm_tensor *inputs, size_t input_count,
                               const anm_predict_options *options, anm_engine **out,
                               anm_pool **pool, anm_error *err) {
    anm_function *own = (anm_function *)f; /* functions are const to callers only */
    anm_engine_kind kind;
    anm_isa isa;
    anm_engine_entry *entry;
    anm_status status = ANM_OK;
    *out = NULL;
    ANM_TRY(wanted_engine(options, &kind, err));
    if (kind == ANM_ENGINE_REFERENCE) return ANM_OK;
    ANM_TRY(anm_isa_choose(options->cpu, &isa, err));
    int threads = options->threads > 0 ? options->threads : anm_cpu_count();
    pthread_mutex_lock(&own->program->lock);
    entry = find_entry(f, inputs, input_count, options->precision, isa, threads);
    if (!entry)
        status = new_entry(own, inputs, input_count, options->precision, isa, threads, &entry, err);
    pthread_mutex_unlock(&own->program->lock);
    if (status != ANM_OK) return status;
    *out = entry->engine;
    *pool = entry->pool;
    if (*out || kind != ANM_ENGINE_FAST) return ANM_OK;
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, f->name,
                    "the fast engine cannot run this function (%s: %s); use the reference engine",
                    entry->reason.where, entry->reason.message);
}

/* Tensors of the default shapes, without data. */
static anm_tensor *default_inputs(const anm_function *f) {
    anm_tensor *inputs = anm_calloc(f->input_count + 1, sizeof *inputs);
    for (size_t i = 0; inputs && i < f->input_count; i++) {
        const anm_feature *feature = &f->inputs[i];
        inputs[i] = (anm_tensor){.name = feature->name, .dtype = feature->dtype,
                                 .rank = feature->rank};
        memcpy(inputs[i].shape, feature->shape, sizeof inputs[i].shape);
    }
    return inputs;
}

anm_status anm_function_prepare(const anm_function *function, const anm_predict_options *options,
                                anm_error *err) {
    anm_predict_options all;
    anm_engine *engine;
    anm_pool *pool;
    anm_predict_options_init(&all);
    ANM_TRY(anm_options_take(&all, sizeof all, options, err));
    ANM_TRY(anm_precision_check(all.precision, err));
    ANM_TRY(anm_function_check_usable(function, err));
    anm_tensor *inputs = default_inputs(function);
    if (!inputs) return anm_fail_memory(err);
    anm_status status = anm_function_engine(function, inputs, function->input_count, &all, &engine,
                                            &pool, err);
    anm_free(inputs);
    return status;
}

void anm_function_release_engines(anm_function *f) {
    for (anm_engine_entry *e = f->engines, *next; e; e = next) {
        next = e->next;
        anm_engine_destroy(e->engine);
        anm_pool_unshare(e->pool);
        anm_free(e);
    }
    f->engines = NULL;
}

/* Profiling. */

static anm_engine *latest(const anm_function *f) {
    for (anm_engine_entry *e = f->engines; e; e = e->next)
        if (e->engine) return e->engine;
    return NULL;
}

int anm_function_plan(const anm_function *function, anm_plan_facts *facts) {
    const anm_engine *engine = latest(function);
    if (!engine) return 0;
    anm_engine_facts f = anm_engine_get_facts(engine);
    *facts = (anm_plan_facts){f.workspace, f.copied, f.steps, f.fallbacks, f.phases};
    return 1;
}

void anm_function_profile(const anm_function *function, int on) {
    for (anm_engine_entry *e = function->engines; e; e = e->next)
        if (e->engine) anm_engine_profile(e->engine, on != 0);
}

size_t anm_function_step_count(const anm_function *function) {
    const anm_engine *engine = latest(function);
    return engine ? anm_engine_get_facts(engine).steps : 0;
}

anm_step_timing anm_function_step(const anm_function *function, size_t index) {
    anm_engine_timing t = anm_engine_profile_at(latest(function), index);
    return (anm_step_timing){t.kind,  t.label, t.nanoseconds, t.bytes,
                             t.flops, t.phase, t.interpreted, t.cache_bytes};
}
