/* SPDX-License-Identifier: MIT */
/*
 * What has no kernel runs in the interpreter, as a function of one op: slow, allocating, and right.
 */
#include <string.h>

#include "src/base/dtype.h"
#include "src/cpu/op_function.h"
#include "src/cpu/planner.h"

typedef struct interp_step {
    anm_interp *interp;
    const anm_mil_function *function;
    anm_lie *inputs, *outputs; /* dense */
    size_t input_count, output_count;
    anm_tensor *tensors; /* names and shapes of the inputs, states behind them */
    anm_tensor *states;
    anm_lie *state_lies;
    size_t state_count;
} interp_step;

static void fill_tensor(anm_exec *x, const anm_lie *lie, anm_tensor *t) {
    t->dtype = lie->dtype;
    t->data = anm_exec_at(x, lie);
    anm_dtype_bytes(t->dtype, anm_view_elements(&lie->view), &t->bytes);
}

static void store(anm_exec *x, const anm_lie *lie, const anm_tensor *t) {
    anm_elements_convert(lie->dtype, anm_exec_at(x, lie), t->dtype, t->data,
                         anm_view_elements(&lie->view));
}

static void run_interp(const anm_step *s, anm_exec *x, int thread, int threads) {
    const interp_step *i = s->data;
    anm_interp_result *result = NULL;
    anm_tensor inputs[16], states[4];
    size_t count;
    if (thread != 0 || x->failed != ANM_OK) return;
    for (size_t k = 0; k < i->input_count; k++) {
        inputs[k] = i->tensors[k];
        fill_tensor(x, &i->inputs[k], &inputs[k]);
    }
    for (size_t k = 0; k < i->state_count; k++) {
        states[k] = i->states[k];
        fill_tensor(x, &i->state_lies[k], &states[k]);
    }
    anm_status status = anm_interp_run(i->interp, inputs, i->input_count, states, i->state_count,
                                       &result, x->err);
    if (status != ANM_OK) {
        x->failed = (int)status;
        return;
    }
    const anm_tensor *tensors = anm_interp_result_tensors(result, &count);
    for (size_t k = 0; k < i->output_count && k < count; k++)
        store(x, &i->outputs[k], &tensors[k]);
    anm_interp_result_destroy(result);
}

/* The op in a function of its own, whose inputs are what is not constant. */
static anm_mil_function *wrap(anm_planner *p, const anm_mil_op *op) {
    enum { MOST = 16 };
    if (op->output_count >= MOST) return NULL;
    anm_mil_function *f = anm_op_function(p->plan->arena, p->plan->flow.function, &op, 1);
    if (!f) {
        p->status = anm_fail_memory(p->err);
        return NULL;
    }
    f->body->outputs = op->outputs;
    f->body->output_count = op->output_count;
    return f->input_count <= MOST ? f : NULL;
}

static bool bind(anm_planner *p, interp_step *s, int *reads, int *writes) {
    const anm_mil_function *f = s->function;
    size_t r = 0, w = 0;
    for (size_t i = 0; i < f->input_count; i++) {
        const anm_mil_value *value = f->inputs[i];
        bool state = value->type->kind == ANM_MIL_STATE;
        anm_lie lie = anm_lie_of(p, value);
        if (!state) lie = anm_lie_dense(p, lie);
        if (lie.block < 0 || (state && s->state_count == 4)) return false;
        const anm_mil_type *type = state ? value->type->items[0] : value->type;
        anm_tensor t = {.name = value->name, .rank = type->rank};
        memcpy(t.shape, type->shape, sizeof t.shape);
        if (state) {
            s->states[s->state_count] = t;
            s->state_lies[s->state_count++] = lie;
            writes[w++] = lie.block;
        } else {
            s->tensors[s->input_count] = t;
            s->inputs[s->input_count++] = lie;
            reads[r++] = lie.block;
        }
    }
    reads[r] = -1;
    writes[w] = -1;
    return p->status == ANM_OK;
}

static bool add_outputs(anm_planner *p, interp_step *s, const anm_mil_op *op, int *writes) {
    size_t w = 0;
    while (writes[w] >= 0) w++;
    for (size_t i = 0; i < op->output_count; i++) {
        const anm_mil_type *type = op->outputs[i]->type;
        if (type->kind != ANM_MIL_TENSOR || type->rank < 0 || type->dtype == ANM_DTYPE_STRING)
            return false;
        for (int k = 0; k < type->rank; k++)
            if (type->shape[k] < 0) return false;
        anm_dtype dtype = anm_dtype_is_float(type->dtype) ? ANM_DTYPE_FP32 : ANM_DTYPE_INT32;
        s->outputs[i] = anm_lie_new(p, dtype, type->rank, type->shape);
        if (s->outputs[i].block < 0) return false;
        anm_lie_set(p, op->outputs[i], s->outputs[i]);
        writes[w++] = s->outputs[i].block;
    }
    writes[w] = -1;
    s->output_count = op->output_count;
    return true;
}

static anm_status refuse(anm_planner *p, const anm_mil_op *op) {
    return anm_fail(p->err, ANM_ERROR_UNSUPPORTED, p->plan->flow.function->name,
                    "%s (%s) cannot be planned", anm_mil_op_label(op), op->type);
}

bool anm_build_interp(anm_planner *p, const anm_mil_op *op) {
    enum { MOST = 40 };
    int reads[MOST], writes[MOST];
    interp_step *s = anm_plan_alloc(p, sizeof *s);
    anm_mil_function *f = s ? wrap(p, op) : NULL;
    if (!f) {
        if (p->status == ANM_OK) p->status = refuse(p, op);
        return true;
    }
    s->function = f;
    s->inputs = anm_plan_alloc(p, 16 * sizeof *s->inputs);
    s->outputs = anm_plan_alloc(p, 16 * sizeof *s->outputs);
    s->tensors = anm_plan_alloc(p, 16 * sizeof *s->tensors);
    s->states = anm_plan_alloc(p, 4 * sizeof *s->states);
    s->state_lies = anm_plan_alloc(p, 4 * sizeof *s->state_lies);
    if (!s->state_lies) return true;
    if (!bind(p, s, reads, writes) || !add_outputs(p, s, op, writes)) {
        if (p->status == ANM_OK) p->status = refuse(p, op);
        return true;
    }
    p->status = anm_interp_create(f, ANM_PRECISION_FP32, &s->interp, p->err);
    if (p->status != ANM_OK) return true;
    if (!anm_vec_push(&p->interps, s->interp)) {
        anm_interp_destroy(s->interp);
        p->status = anm_fail_memory(p->err);
        return true;
    }
    anm_step_add(p, run_interp, op->type, s, reads, writes)->interpreted = true;
    p->plan->fallbacks++;
    return true;
}
