/* SPDX-License-Identifier: MIT */
/* Running a plan: inputs and states in, ops in order, results rounded and released, outputs out. */
#include "src/interp/interp.h"

#include <stdio.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/clock.h"
#include "src/base/dtype.h"
#include "src/interp/constexpr.h"
#include "src/interp/kcall.h"

struct anm_interp_result {
    anm_arena *arena;
    anm_tensor *tensors;
    size_t count;
};

anm_status anm_interp_create(const anm_mil_function *function, anm_precision precision,
                             anm_interp **out, anm_error *err) {
    *out = NULL;
    anm_arena *arena = anm_arena_create();
    anm_interp *interp = arena ? ANM_ARENA_NEW(arena, anm_interp) : NULL;
    if (!interp) {
        anm_arena_destroy(arena);
        return anm_fail_memory(err);
    }
    *interp = (anm_interp){.arena = arena, .function = function, .precision = precision};
    anm_status status = anm_plan_build(interp, err);
    if (status == ANM_OK) *out = interp;
    else anm_interp_destroy(interp);
    return status;
}

void anm_interp_destroy(anm_interp *interp) {
    if (interp) anm_arena_destroy(interp->arena);
}

const anm_tensor *anm_interp_result_tensors(const anm_interp_result *result, size_t *count) {
    *count = result->count;
    return result->tensors;
}

void anm_interp_result_destroy(anm_interp_result *result) {
    if (result) anm_arena_destroy(result->arena);
}

const anm_rvalue *anm_run_value(const anm_run *run, const anm_mil_value *value) {
    const anm_rvalue *constant = &run->interp->constants[value->id];
    return anm_rvalue_is_empty(constant) ? &run->slots[value->id] : constant;
}

/* The declared float type, or fp32 where floats are carried in fp32. */
static anm_dtype carried(const anm_run *run, anm_dtype dtype) {
    bool wide = run->interp->precision == ANM_PRECISION_FP32 && anm_dtype_is_float(dtype);
    return wide ? ANM_DTYPE_FP32 : dtype;
}

/* Rounds to the declared type, the one place where that happens. */
static void round_value(anm_run *run, anm_rvalue *v, anm_dtype declared) {
    v->dtype = declared;
    anm_dtype dtype = carried(run, declared);
    if (!v->buffer || v->buffer->rounded == dtype) return;
    if (v->f) anm_round_floats(dtype, v->f, v->count);
    else anm_round_ints(dtype, v->i, v->count);
    v->buffer->rounded = dtype;
}

static bool shape_fits(const anm_mil_type *type, int rank, const int64_t *shape) {
    if (type->rank < 0) return true;
    if (type->rank != rank) return false;
    for (int i = 0; i < rank; i++)
        if (type->shape[i] >= 0 && type->shape[i] != shape[i]) return false;
    return true;
}

/* Checks an op's output against its declaration and rounds it. */
static void finish_output(anm_kcall *k, size_t index) {
    anm_rvalue *v = &k->outputs[index];
    const anm_mil_type *type = k->op->outputs[index]->type;
    char declared[160], got[ANM_SHAPE_TEXT];
    if (v->list && type->kind == ANM_MIL_LIST) return;
    if (anm_rvalue_is_empty(v) || v->list || type->kind != ANM_MIL_TENSOR) {
        anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "output %s of type %s is not supported",
                   k->op->outputs[index]->name,
                   anm_mil_type_format(type, declared, sizeof declared));
        return;
    }
    if (!shape_fits(type, v->rank, v->shape) ||
        anm_k_is_float(v) != anm_dtype_is_float(type->dtype)) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "gives %s of shape %s, but %s is declared",
                   anm_k_is_float(v) ? "floats" : "integers",
                   anm_shape_format(v->shape, v->rank, got, sizeof got),
                   anm_mil_type_format(type, declared, sizeof declared));
        return;
    }
    round_value(k->run, v, type->dtype);
}

static anm_status run_step(anm_run *run, const anm_plan_step *step) {
    anm_rvalue few[4] = {{0}};
    size_t n = step->op->output_count;
    anm_rvalue *outputs = n <= 4 ? few : anm_calloc(n, sizeof *outputs);
    if (!outputs) return anm_fail_memory(run->err);
    anm_kcall k = {.run = run,
                   .step = step,
                   .op = step->op,
                   .kernel = step->kernel,
                   .outputs = outputs,
                   .err = run->err};
    step->kernel->run(&k);
    for (size_t i = 0; i < n && k.status == ANM_OK; i++) finish_output(&k, i);
    anm_kcall_end(&k);
    for (size_t i = 0; i < n; i++) {
        anm_rvalue *slot = &run->slots[step->op->outputs[i]->id];
        anm_rvalue_clear(slot);
        *slot = outputs[i];
    }
    if (k.status == ANM_OK) anm_run_release(run, step);
    if (outputs != few) anm_free(outputs);
    return k.status;
}

void anm_run_release(anm_run *run, const anm_plan_step *step) {
    for (size_t i = 0; i < step->released_count; i++)
        anm_rvalue_clear(&run->slots[step->released[i]]);
}

static anm_status load_states(anm_run *run);

/* A step that the hook left to the interpreter. */
static anm_status run_hooked_step(anm_run *run, const anm_plan_block *block, size_t at) {
    const anm_interp_hook *hook = run->hook;
    const anm_plan_step *step = &block->steps[at];
    if (step->has_state) ANM_TRY(load_states(run));
    bool timed = hook->timed && !step->op->block_count;
    uint64_t begin = timed ? anm_nanoseconds() : 0;
    ANM_TRY(run_step(run, step));
    if (timed) hook->timed(hook->context, block, at, anm_nanoseconds() - begin);
    return ANM_OK;
}

anm_status anm_run_block(anm_run *run, const anm_plan_block *block) {
    const anm_interp_hook *hook = run->hook;
    for (size_t i = 0, done = 1; i < block->count; i += done ? done : 1) {
        if (!hook) {
            ANM_TRY(run_step(run, &block->steps[i]));
            continue;
        }
        ANM_TRY(hook->run(hook->context, run, block, i, &done));
        if (!done) ANM_TRY(run_hooked_step(run, block, i));
    }
    return ANM_OK;
}

/* Inputs and states. */

static const anm_mil_value *find_input(const anm_mil_function *f, const char *name, bool state) {
    for (size_t i = 0; i < f->input_count; i++)
        if ((f->inputs[i]->type->kind == ANM_MIL_STATE) == state && name &&
            strcmp(f->inputs[i]->name, name) == 0)
            return f->inputs[i];
    return NULL;
}

static anm_status check_tensor(const anm_mil_type *type, const anm_tensor *t, anm_error *err) {
    size_t bytes;
    char declared[160], got[ANM_SHAPE_TEXT];
    if (t->rank < 0 || t->rank > ANM_MAX_RANK || anm_dtype_bits(t->dtype) == 0)
        return anm_fail(err, ANM_ERROR_ARGUMENT, t->name, "is not a tensor of numbers");
    if (type->kind != ANM_MIL_TENSOR || !shape_fits(type, t->rank, t->shape))
        return anm_fail(err, ANM_ERROR_MISMATCH, t->name, "has shape %s, but %s is declared",
                        anm_shape_format(t->shape, t->rank, got, sizeof got),
                        anm_mil_type_format(type, declared, sizeof declared));
    int64_t count = anm_value_count(t->rank, t->shape);
    if (count < 0) return anm_fail(err, ANM_ERROR_LIMIT, t->name, "has too many elements");
    if (!anm_dtype_bytes(t->dtype, count, &bytes) || t->bytes < bytes || (bytes && !t->data))
        return anm_fail(err, ANM_ERROR_ARGUMENT, t->name, "has %zu bytes where %zu are needed",
                        t->bytes, bytes);
    return ANM_OK;
}

/* Floats given for an integer input are truncated towards zero, as cast does. */
static void read_as_ints(const anm_tensor *t, int64_t count, int32_t *out) {
    if (!anm_dtype_is_float(t->dtype)) {
        anm_unpack_ints(t->dtype, t->data, 0, count, out);
        return;
    }
    for (int64_t k = 0; k < count; k++) {
        double value = anm_element_get(t->dtype, t->data, k);
        out[k] = value >= 2147483647.0    ? INT32_MAX
                 : value > -2147483648.0  ? (int32_t)value
                 : value <= -2147483648.0 ? INT32_MIN
                                          : 0;
    }
}

static anm_status load_tensor(anm_run *run, const anm_mil_type *type, const anm_tensor *t,
                              anm_rvalue *slot) {
    ANM_TRY(check_tensor(type, t, run->err));
    anm_rvalue v = {.dtype = type->dtype, .rank = t->rank};
    memcpy(v.shape, t->shape, sizeof v.shape);
    v.count = anm_value_count(t->rank, t->shape);
    v.buffer = anm_buffer_create(&run->account, v.count);
    if (!v.buffer) return anm_fail(run->err, ANM_ERROR_MEMORY, t->name, "out of memory");
    if (anm_dtype_is_float(type->dtype)) {
        v.f = anm_buffer_data(v.buffer);
        anm_unpack_floats(t->dtype, t->data, 0, v.count, v.f);
        if (t->dtype == type->dtype) v.buffer->rounded = t->dtype;
    } else {
        v.i = anm_buffer_data(v.buffer);
        read_as_ints(t, v.count, v.i);
    }
    round_value(run, &v, type->dtype);
    anm_rvalue_clear(slot);
    *slot = v;
    return ANM_OK;
}

static anm_status load_inputs(anm_run *run, const anm_tensor *inputs, size_t count) {
    const anm_mil_function *f = run->interp->function;
    for (size_t i = 0; i < count; i++) {
        const anm_mil_value *value = find_input(f, inputs[i].name, false);
        if (!value)
            return anm_fail(run->err, ANM_ERROR_NOT_FOUND, f->name, "has no input \"%s\"",
                            inputs[i].name ? inputs[i].name : "");
        ANM_TRY(load_tensor(run, value->type, &inputs[i], &run->slots[value->id]));
    }
    for (size_t i = 0; i < f->input_count; i++)
        if (f->inputs[i]->type->kind != ANM_MIL_STATE &&
            anm_rvalue_is_empty(&run->slots[f->inputs[i]->id]))
            return anm_fail(run->err, ANM_ERROR_NOT_FOUND, f->name, "input \"%s\" was not given",
                            f->inputs[i]->name);
    return ANM_OK;
}

/* States whose slots are empty. */
static anm_status load_states(anm_run *run) {
    const anm_mil_function *f = run->interp->function;
    for (size_t i = 0; i < f->input_count; i++) {
        const anm_mil_value *value = f->inputs[i];
        const anm_tensor *state = NULL;
        if (value->type->kind != ANM_MIL_STATE) continue;
        if (!anm_rvalue_is_empty(&run->slots[value->id])) continue;
        for (size_t n = 0; n < run->state_count; n++)
            if (run->states[n].name && strcmp(run->states[n].name, value->name) == 0)
                state = &run->states[n];
        if (!state || value->type->count != 1)
            return anm_fail(run->err, ANM_ERROR_NOT_FOUND, f->name, "state \"%s\" was not given",
                            value->name);
        ANM_TRY(load_tensor(run, value->type->items[0], state, &run->slots[value->id]));
    }
    return ANM_OK;
}

/* Without a hook only after a run without errors, so that a failed run leaves them as they were. */
void anm_run_states_out(anm_run *run) {
    const anm_mil_function *f = run->interp->function;
    for (size_t n = 0; n < run->state_count; n++) {
        anm_tensor *state = &run->states[n];
        const anm_mil_value *value = find_input(f, state->name, true);
        anm_rvalue *v = value ? &run->slots[value->id] : NULL;
        if (v && v->f) anm_pack_floats(state->dtype, v->f, v->count, state->data);
        else if (v && v->i) anm_pack_ints(state->dtype, v->i, v->count, state->data);
        if (v) anm_rvalue_clear(v);
    }
}

/* Outputs. */

static anm_status store_output(anm_run *run, const anm_mil_value *value, anm_arena *arena,
                               anm_tensor *out) {
    const anm_rvalue *v = anm_run_value(run, value);
    if (anm_rvalue_is_empty(v) || v->list)
        return anm_fail(run->err, ANM_ERROR_UNSUPPORTED, value->name,
                        "output is not a tensor of numbers");
    *out = (anm_tensor){.name = value->name, .dtype = carried(run, v->dtype), .rank = v->rank};
    memcpy(out->shape, v->shape, sizeof out->shape);
    if (!anm_dtype_bytes(out->dtype, v->count, &out->bytes)) return anm_fail_memory(run->err);
    out->data = anm_arena_alloc(arena, out->bytes + 1);
    if (!out->data) return anm_fail_memory(run->err);
    if (v->raw && out->dtype == v->dtype) memcpy(out->data, v->raw, out->bytes);
    else if (v->raw) anm_unpack_floats(v->dtype, v->raw, 0, v->count, out->data);
    else if (v->f) anm_pack_floats(out->dtype, v->f, v->count, out->data);
    else anm_pack_ints(out->dtype, v->i, v->count, out->data);
    return ANM_OK;
}

static anm_status store_outputs(anm_run *run, anm_interp_result **out) {
    const anm_mil_block *body = run->interp->function->body;
    anm_arena *arena = anm_arena_create();
    anm_interp_result *result = arena ? ANM_ARENA_NEW(arena, anm_interp_result) : NULL;
    anm_status status;
    if (!result) {
        anm_arena_destroy(arena);
        return anm_fail_memory(run->err);
    }
    *result = (anm_interp_result){arena, ANM_ARENA_ARRAY(arena, anm_tensor, body->output_count),
                                  body->output_count};
    ANM_CHECK(result->tensors ? ANM_OK : anm_fail_memory(run->err));
    for (size_t i = 0; i < body->output_count; i++)
        ANM_CHECK(store_output(run, body->outputs[i], arena, &result->tensors[i]));
    *out = result;
    return ANM_OK;
fail:
    anm_interp_result_destroy(result);
    return status;
}

anm_status anm_interp_run(const anm_interp *interp, const anm_tensor *inputs, size_t input_count,
                          anm_tensor *states, size_t state_count, anm_interp_result **out,
                          anm_error *err) {
    return anm_interp_run_hooked(interp, NULL, inputs, input_count, states, state_count, out, err);
}

anm_status anm_interp_run_hooked(const anm_interp *interp, const anm_interp_hook *hook,
                                 const anm_tensor *inputs, size_t input_count, anm_tensor *states,
                                 size_t state_count, anm_interp_result **out, anm_error *err) {
    anm_status status;
    uint32_t n = interp->function->value_count;
    anm_run run = {.interp = interp, .hook = hook, .states = states, .state_count = state_count,
                   .err = err};
    *out = NULL;
    run.slots = anm_calloc(n, sizeof *run.slots);
    if (!run.slots) return anm_fail_memory(err);
    ANM_CHECK(load_inputs(&run, inputs, input_count));
    if (!hook) ANM_CHECK(load_states(&run));
    ANM_CHECK(anm_run_block(&run, interp->body));
    ANM_CHECK(store_outputs(&run, out));
    anm_run_states_out(&run);
fail:
    for (uint32_t i = 0; i < n; i++) anm_rvalue_clear(&run.slots[i]);
    anm_free(run.slots);
    return status;
}

anm_status anm_interp_constant(const anm_mil_value *value, anm_arena *arena, anm_tensor *out,
                               anm_error *err) {
    *out = (anm_tensor){0};
    if (value->constant) return anm_constant_literal(value->constant, value->name, out, err);
    if (!value->def || !anm_is_constexpr(value->def))
        return anm_fail(err, ANM_ERROR_ARGUMENT, value->name, "is not a constant");
    anm_tensor *all = ANM_ARENA_ARRAY(arena, anm_tensor, value->def->output_count);
    if (!all) return anm_fail_memory(err);
    ANM_TRY(anm_constexpr_eval(value->def, NULL, arena, all, err));
    for (size_t i = 0; i < value->def->output_count; i++)
        if (value->def->outputs[i] == value) *out = all[i];
    return ANM_OK;
}
