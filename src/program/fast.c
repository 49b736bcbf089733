/* SPDX-License-Identifier: MIT */
#include "src/program/fast.h"

#include <stdlib.h>
#include <string.h>

#include "anemone/profile.h"
#include "src/base/alloc.h"
#include "src/base/options.h"
#include "src/base/threads.h"

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

static anm_status refuse(const anm_function *f, const anm_error *reason, anm_error *err) {
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, f->name,
                    "the fast engine cannot run this function (%s: %s); use the reference engine",
                    reason->where, reason->message);
}

anm_status anm_function_engine(const anm_function *f, const anm_tensor *inputs, size_t input_count,
                               const anm_predict_options *options, anm_kept_plan **out,
                               anm_error *err) {
    anm_function *own = (anm_function *)f; /* functions are const to callers only */
    anm_plan_key key = {.inputs = inputs, .input_count = input_count,
                        .precision = options->precision,
                        .threads = options->threads > 0 ? options->threads : anm_cpu_count()};
    anm_engine_kind kind;
    *out = NULL;
    ANM_TRY(wanted_engine(options, &kind, err));
    if (kind == ANM_ENGINE_REFERENCE) return ANM_OK;
    ANM_TRY(anm_isa_choose(options->cpu, &key.isa, err));
    ANM_TRY(anm_matmul_choose(options->matmul_precision, &key.matmul, err));
    size_t most = options->plans > 0 ? (size_t)options->plans : ANM_PLANS_MOST;
    pthread_mutex_lock(&own->program->lock);
    anm_status status = anm_plans_use(own, &key, most, out, err);
    if (status == ANM_OK && !(*out)->engine) {
        if (kind == ANM_ENGINE_FAST) status = refuse(f, &(*out)->reason, err);
        anm_plans_unuse(*out);
        *out = NULL;
    }
    pthread_mutex_unlock(&own->program->lock);
    return status;
}

void anm_function_engine_done(const anm_function *f, anm_kept_plan *plan) {
    if (!plan) return;
    pthread_mutex_lock(&f->program->lock);
    anm_plans_unuse(plan);
    pthread_mutex_unlock(&f->program->lock);
}

/* Default shapes may leave a dimension open; the least that it can be stands for it then. */
static int64_t default_dimension(const anm_feature *f, int i) {
    bool open = f->shape[i] < 0 && f->shape_kind == ANM_SHAPE_RANGE;
    return open ? f->lower[i] : f->shape[i];
}

static const anm_tensor *find_tensor(const anm_tensor *tensors, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (tensors[i].name && strcmp(tensors[i].name, name) == 0) return &tensors[i];
    return NULL;
}

static anm_status shape_input(const anm_function *f, const anm_feature *feature,
                              const anm_tensor *given, anm_tensor *out, anm_error *err) {
    *out = (anm_tensor){.name = feature->name, .dtype = feature->dtype, .rank = feature->rank};
    for (int i = 0; i < feature->rank; i++) out->shape[i] = default_dimension(feature, i);
    if (!given) return ANM_OK;
    if (given->rank < 0 || given->rank > ANM_MAX_RANK)
        return anm_fail(err, ANM_ERROR_ARGUMENT, given->name, "has rank %d", given->rank);
    ANM_TRY(anm_feature_check_shape(feature, f->name, given->shape, given->rank, err));
    memcpy(out->shape, given->shape, sizeof out->shape);
    return ANM_OK;
}

anm_status anm_function_shape_inputs(const anm_function *f, const anm_tensor *given, size_t count,
                                     anm_tensor *inputs, anm_error *err) {
    for (size_t i = 0; i < count; i++)
        ANM_TRY(anm_function_check_name(f, given[i].name, err));
    for (size_t i = 0; i < f->input_count; i++)
        ANM_TRY(shape_input(f, &f->inputs[i], find_tensor(given, count, f->inputs[i].name),
                            &inputs[i], err));
    return ANM_OK;
}

anm_status anm_function_prepare_shapes(const anm_function *function, const anm_tensor *inputs,
                                       size_t input_count, const anm_predict_options *options,
                                       anm_error *err) {
    anm_predict_options all;
    anm_kept_plan *plan = NULL;
    anm_predict_options_init(&all);
    ANM_TRY(anm_options_take(&all, sizeof all, options, err));
    ANM_TRY(anm_precision_check(all.precision, err));
    ANM_TRY(anm_function_check_usable(function, err));
    anm_tensor *shaped = anm_calloc(function->input_count + 1, sizeof *shaped);
    if (!shaped) return anm_fail_memory(err);
    anm_status status = anm_function_shape_inputs(function, inputs, input_count, shaped, err);
    if (status == ANM_OK)
        status = anm_function_engine(function, shaped, function->input_count, &all, &plan, err);
    anm_function_engine_done(function, plan);
    anm_free(shaped);
    return status;
}

anm_status anm_function_prepare(const anm_function *function, const anm_predict_options *options,
                                anm_error *err) {
    return anm_function_prepare_shapes(function, NULL, 0, options, err);
}
