/* SPDX-License-Identifier: MIT */
/* One prediction: inputs checked against the interface, run, outputs into the caller's buffers. */
#include <stdio.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/base/options.h"
#include "src/program/fast.h"

void anm_predict_options_init(anm_predict_options *options) {
    *options =
        (anm_predict_options){.struct_size = sizeof *options, .precision = ANM_PRECISION_FP16};
}

static const char *where_of(char *buffer, size_t size, const char *function, const char *feature) {
    snprintf(buffer, size, "function %s, input \"%s\"", function, feature);
    return buffer;
}

static bool in_range(const anm_feature *f, const int64_t *shape) {
    for (int i = 0; i < f->rank; i++)
        if (shape[i] < f->lower[i] || (f->upper[i] >= 0 && shape[i] > f->upper[i])) return false;
    return true;
}

static bool is_enumerated(const anm_feature *f, const int64_t *shape) {
    for (size_t i = 0; i < f->shape_count; i++)
        if (memcmp(f->shapes[i], shape, (size_t)f->rank * sizeof *shape) == 0) return true;
    return false;
}

static void expected_shapes(const anm_feature *f, anm_strbuf *out) {
    char text[ANM_SHAPE_TEXT];
    if (f->shape_kind == ANM_SHAPE_RANGE) {
        anm_strbuf_puts(out, anm_shape_format(f->lower, f->rank, text, sizeof text));
        anm_strbuf_printf(out, " to %s", anm_shape_format(f->upper, f->rank, text, sizeof text));
    } else if (f->shape_kind == ANM_SHAPE_ENUMERATED) {
        for (size_t i = 0; i < f->shape_count; i++)
            anm_strbuf_printf(out, "%s%s", i ? " or " : "",
                              anm_shape_format(f->shapes[i], f->rank, text, sizeof text));
    } else {
        anm_strbuf_puts(out, anm_shape_format(f->shape, f->rank, text, sizeof text));
    }
}

anm_status anm_feature_check_shape(const anm_feature *f, const char *function, const int64_t *shape,
                                   int rank, anm_error *err) {
    bool ok = rank == f->rank;
    if (ok && f->shape_kind == ANM_SHAPE_RANGE) ok = in_range(f, shape);
    else if (ok && f->shape_kind == ANM_SHAPE_ENUMERATED) ok = is_enumerated(f, shape);
    else if (ok) ok = memcmp(f->shape, shape, (size_t)rank * sizeof *shape) == 0;
    if (ok) return ANM_OK;
    char where[200], got[ANM_SHAPE_TEXT];
    anm_strbuf expected = {0};
    expected_shapes(f, &expected);
    anm_status status =
        anm_fail(err, ANM_ERROR_MISMATCH, where_of(where, sizeof where, function, f->name),
                 "has shape %s; the model takes %s", anm_shape_format(shape, rank, got, sizeof got),
                 anm_strbuf_cstr(&expected));
    anm_strbuf_free(&expected);
    return status;
}

static const anm_feature *find_feature(const anm_feature *features, size_t count,
                                       const char *name) {
    for (size_t i = 0; i < count; i++)
        if (name && strcmp(features[i].name, name) == 0) return &features[i];
    return NULL;
}

static void list_names(const anm_feature *features, size_t count, anm_strbuf *out) {
    for (size_t i = 0; i < count; i++)
        anm_strbuf_printf(out, "%s%s", i ? ", " : "", features[i].name);
}

static anm_status no_such(const anm_function *f, const char *kind, const char *name,
                          const anm_feature *features, size_t count, anm_error *err) {
    anm_strbuf names = {0};
    list_names(features, count, &names);
    anm_status status =
        anm_fail(err, ANM_ERROR_NOT_FOUND, f->name, "the function has no %s \"%s\"; it has: %s",
                 kind, name ? name : "(null)", anm_strbuf_cstr(&names));
    anm_strbuf_free(&names);
    return status;
}

anm_status anm_function_check_name(const anm_function *f, const char *name, anm_error *err) {
    if (name && find_feature(f->inputs, f->input_count, name)) return ANM_OK;
    return no_such(f, "input", name, f->inputs, f->input_count, err);
}

static anm_status check_input(const anm_function *f, const anm_tensor *input, anm_error *err) {
    const anm_feature *feature = find_feature(f->inputs, f->input_count, input->name);
    char where[200];
    size_t bytes;
    if (!feature) return no_such(f, "input", input->name, f->inputs, f->input_count, err);
    where_of(where, sizeof where, f->name, input->name);
    if (input->rank < 0 || input->rank > ANM_MAX_RANK)
        return anm_fail(err, ANM_ERROR_ARGUMENT, where, "has rank %d", input->rank);
    ANM_TRY(anm_feature_check_shape(feature, f->name, input->shape, input->rank, err));
    bool floats = anm_dtype_is_float(input->dtype);
    if (floats && !anm_dtype_is_float(feature->dtype))
        return anm_fail(err, ANM_ERROR_MISMATCH, where, "has type %s; the model takes %s",
                        anm_dtype_name(input->dtype), anm_dtype_name(feature->dtype));
    if (!anm_dtype_bytes(input->dtype, anm_shape_elements(input->shape, input->rank), &bytes) ||
        input->bytes < bytes || !input->data)
        return anm_fail(err, ANM_ERROR_ARGUMENT, where,
                        "has %zu bytes of data, which is too little for its shape and type",
                        input->bytes);
    return ANM_OK;
}

static anm_status check_inputs(const anm_function *f, const anm_tensor *inputs, size_t count,
                               anm_error *err) {
    for (size_t i = 0; i < count; i++) ANM_TRY(check_input(f, &inputs[i], err));
    for (size_t i = 0; i < f->input_count; i++) {
        size_t given = 0;
        for (size_t k = 0; k < count; k++) given += strcmp(inputs[k].name, f->inputs[i].name) == 0;
        if (given == 1) continue;
        return anm_fail(err, given ? ANM_ERROR_ARGUMENT : ANM_ERROR_MISMATCH, f->name,
                        given ? "input \"%s\" is given twice" : "input \"%s\" is missing",
                        f->inputs[i].name);
    }
    return ANM_OK;
}

static anm_status check_state(const anm_function *f, anm_state *state, anm_precision precision,
                              anm_error *err) {
    if (!f->state_count) return ANM_OK;
    if (!state)
        return anm_fail(err, ANM_ERROR_ARGUMENT, f->name,
                        "the function has states; make them with anm_state_create()");
    if (state->precision != precision)
        return anm_fail(err, ANM_ERROR_ARGUMENT, f->name,
                        "the state was made for another precision than the run's");
    for (size_t i = 0; i < f->state_count; i++) {
        const anm_feature *s = &f->states[i];
        const anm_tensor *t = anm_state_find(state, s->name);
        if (!t || t->rank != s->rank ||
            memcmp(t->shape, s->shape, (size_t)s->rank * sizeof *s->shape) != 0)
            return anm_fail(err, ANM_ERROR_MISMATCH, f->name,
                            "the state given has no \"%s\" of the shape that the function needs",
                            s->name);
    }
    return ANM_OK;
}

/* `declared`: the type of an output for which the caller names none. */
static anm_status give_output(const anm_function *f, const anm_tensor *result, anm_dtype declared,
                              anm_tensor *wanted, bool allocate, anm_error *err) {
    size_t room = wanted->bytes;
    int64_t elements = anm_shape_elements(result->shape, result->rank);
    if (wanted->dtype == ANM_DTYPE_NONE) wanted->dtype = declared;
    wanted->rank = result->rank;
    memcpy(wanted->shape, result->shape, sizeof wanted->shape);
    if (!anm_dtype_bytes(wanted->dtype, elements, &wanted->bytes))
        return anm_fail(err, ANM_ERROR_ARGUMENT, f->name, "output \"%s\" cannot be given as %s",
                        wanted->name, anm_dtype_name(wanted->dtype));
    if (allocate) {
        room = wanted->bytes;
        wanted->data = anm_malloc(room);
        if (!wanted->data) return anm_fail_memory(err);
    }
    if (!wanted->data) return ANM_OK;
    if (room < wanted->bytes)
        return anm_fail(err, ANM_ERROR_LIMIT, f->name,
                        "output \"%s\" needs %zu bytes, the buffer has %zu", wanted->name,
                        wanted->bytes, room);
    anm_elements_convert(wanted->dtype, wanted->data, result->dtype, result->data, elements);
    return ANM_OK;
}

/* `declared` NULL: results have their declared types. */
static anm_status give_outputs(const anm_function *f, const anm_tensor *tensors, size_t results,
                               const anm_dtype *declared, anm_tensor *outputs, size_t count,
                               bool allocate, anm_error *err) {
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < results && !(outputs[i].name && strcmp(tensors[k].name, outputs[i].name) == 0))
            k++;
        if (k == results)
            return no_such(f, "output", outputs[i].name, f->outputs, f->output_count, err);
        anm_dtype dtype = declared ? declared[k] : tensors[k].dtype;
        ANM_TRY(give_output(f, &tensors[k], dtype, &outputs[i], allocate, err));
    }
    return ANM_OK;
}

/* A call as the two engines take it. */
typedef struct call {
    const anm_function *f;
    const anm_tensor *inputs;
    size_t input_count;
    anm_tensor *outputs;
    size_t output_count;
    bool allocate;
    anm_tensor *states;
    size_t state_count;
} call;

static anm_status run_reference(const call *c, anm_precision precision, anm_error *err) {
    anm_interp *interp;
    anm_interp_result *result;
    size_t count;
    ANM_TRY(anm_function_interp(c->f, precision, &interp, err));
    ANM_TRY(anm_interp_run(interp, c->inputs, c->input_count, c->states, c->state_count, &result,
                           err));
    const anm_tensor *tensors = anm_interp_result_tensors(result, &count);
    anm_status status = give_outputs(c->f, tensors, count, NULL, c->outputs, c->output_count,
                                     c->allocate, err);
    anm_interp_result_destroy(result);
    return status;
}

static anm_status run_fast(const call *c, anm_engine *engine, anm_pool *pool, bool fp32,
                           anm_error *err) {
    anm_engine_result *result;
    const anm_dtype *declared;
    size_t count;
    ANM_TRY(anm_engine_run(engine, pool, c->inputs, c->input_count, c->states, c->state_count,
                           &result, err));
    const anm_tensor *tensors = anm_engine_result_tensors(result, &count, &declared);
    anm_status status = give_outputs(c->f, tensors, count, fp32 ? NULL : declared, c->outputs,
                                     c->output_count, c->allocate, err);
    anm_engine_result_release(result);
    return status;
}

static anm_status predict(const anm_function *f, const anm_tensor *inputs, size_t input_count,
                          anm_tensor *outputs, size_t output_count, bool allocate, anm_state *state,
                          const anm_predict_options *options, anm_error *err) {
    anm_predict_options all;
    anm_kept_plan *plan;
    anm_predict_options_init(&all);
    ANM_TRY(anm_options_take(&all, sizeof all, options, err));
    ANM_TRY(anm_precision_check(all.precision, err));
    ANM_TRY(anm_function_check_usable(f, err));
    ANM_TRY(check_inputs(f, inputs, input_count, err));
    ANM_TRY(check_state(f, state, all.precision, err));
    call c = {f,        inputs,
              input_count, outputs,
              output_count, allocate,
              state ? state->tensors : NULL, state ? state->count : 0};
    ANM_TRY(anm_function_engine(f, inputs, input_count, &all, &plan, err));
    if (!plan) return run_reference(&c, all.precision, err);
    anm_status status =
        run_fast(&c, plan->engine, plan->pool, all.precision == ANM_PRECISION_FP32, err);
    anm_function_engine_done(f, plan);
    return status;
}

anm_status anm_predict(const anm_function *f, const anm_tensor *inputs, size_t input_count,
                       anm_tensor *outputs, size_t output_count, anm_state *state,
                       const anm_predict_options *options, anm_error *err) {
    return predict(f, inputs, input_count, outputs, output_count, false, state, options, err);
}

anm_status anm_predict_alloc(const anm_function *f, const anm_tensor *inputs, size_t input_count,
                             anm_tensor *outputs, size_t output_count, anm_state *state,
                             const anm_predict_options *options, anm_error *err) {
    return predict(f, inputs, input_count, outputs, output_count, true, state, options, err);
}

void anm_tensor_release(anm_tensor *tensor) {
    anm_free(tensor->data);
    tensor->data = NULL;
}

anm_status anm_tensor_convert(const anm_tensor *from, anm_tensor *to, anm_error *err) {
    size_t bytes, source;
    int64_t elements = anm_shape_elements(from->shape, from->rank);
    if (from->rank != to->rank ||
        memcmp(from->shape, to->shape, (size_t)from->rank * sizeof *from->shape) != 0) {
        char a[ANM_SHAPE_TEXT], b[ANM_SHAPE_TEXT];
        return anm_fail(err, ANM_ERROR_MISMATCH, from->name, "has shape %s; expected %s",
                        anm_shape_format(from->shape, from->rank, a, sizeof a),
                        anm_shape_format(to->shape, to->rank, b, sizeof b));
    }
    if (!anm_dtype_bytes(to->dtype, elements, &bytes) || to->bytes < bytes ||
        !anm_dtype_bytes(from->dtype, elements, &source) || from->bytes < source)
        return anm_fail(err, ANM_ERROR_ARGUMENT, from->name, "the buffer is too small");
    anm_elements_convert(to->dtype, to->data, from->dtype, from->data, elements);
    return ANM_OK;
}
