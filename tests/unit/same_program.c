/* SPDX-License-Identifier: MIT */
#include "tests/unit/same_program.h"

#include <string.h>

#include "anemone/program.h"
#include "src/mil/ir.h"
#include "src/package/package.h"

/* ---- structure ---- */

static void assert_same_literal(const anm_mil_literal *a, const anm_mil_literal *b) {
    assert_int_equal(a != NULL, b != NULL);
    if (a) assert_true(anm_mil_literal_equal(a, b));
}

static void assert_same_value(const anm_mil_value *a, const anm_mil_value *b) {
    assert_non_null(b);
    assert_string_equal(a->name, b->name);
    assert_true(anm_mil_type_equal(a->type, b->type));
}

static void assert_same_argument(const anm_mil_arg *a, const anm_mil_arg *b) {
    assert_non_null(b);
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const anm_mil_operand *x = &a->operands[i], *y = &b->operands[i];
        assert_int_equal(x->value != NULL, y->value != NULL);
        if (x->value) assert_same_value(x->value, y->value);
        assert_same_literal(x->literal, y->literal);
    }
}

static void assert_same_op(const anm_mil_op *a, const anm_mil_op *b) {
    assert_non_null(b);
    assert_string_equal(a->type, b->type);
    assert_int_equal(a->arg_count, b->arg_count);
    assert_int_equal(a->attr_count, b->attr_count);
    assert_int_equal(a->output_count, b->output_count);
    for (size_t i = 0; i < a->arg_count; i++)
        assert_same_argument(&a->args[i], anm_mil_op_arg(b, a->args[i].name));
    for (size_t i = 0; i < a->attr_count; i++)
        assert_same_literal(a->attrs[i].literal, anm_mil_op_attr(b, a->attrs[i].name));
    for (size_t i = 0; i < a->output_count; i++) assert_same_value(a->outputs[i], b->outputs[i]);
}

static const anm_mil_value *input_of(const anm_mil_function *f, const char *name) {
    for (size_t i = 0; i < f->input_count; i++)
        if (strcmp(f->inputs[i]->name, name) == 0) return f->inputs[i];
    return NULL;
}

static void assert_same_body(const anm_mil_function *f, const anm_mil_function *g) {
    assert_non_null(g);
    assert_string_equal(f->opset, g->opset);
    assert_int_equal(f->input_count, g->input_count);
    for (size_t i = 0; i < f->input_count; i++)
        assert_same_value(f->inputs[i], input_of(g, f->inputs[i]->name));
    const anm_mil_op *q = g->body->first;
    for (const anm_mil_op *p = f->body->first; p; p = p->next, q = q->next) assert_same_op(p, q);
    assert_null(q);
    assert_int_equal(f->body->output_count, g->body->output_count);
    for (size_t i = 0; i < f->body->output_count; i++)
        assert_same_value(f->body->outputs[i], g->body->outputs[i]);
}

void assert_same_program(const char *package, const char *bundle) {
    anm_error err;
    anm_package *a, *b;
    assert_ok(anm_package_open(package, 0, &a, &err), &err);
    assert_ok(anm_package_open(bundle, 0, &b, &err), &err);
    assert_true(b->compiled && b->described);
    assert_int_equal(a->program->spec_version, b->program->spec_version);
    assert_int_equal(a->program->function_count, b->program->function_count);
    for (size_t i = 0; i < a->program->function_count; i++) {
        const anm_mil_function *f = a->program->functions[i];
        assert_same_body(f, anm_mil_program_find(b->program, f->name));
    }
    anm_package_close(a);
    anm_package_close(b);
}

/* ---- results ---- */

/* A tensor of the feature's type, filled by rule. */
static anm_tensor make_input(const anm_feature *f) {
    bool ints = f->dtype == ANM_DTYPE_INT32;
    anm_tensor t = {.name = f->name,
                    .dtype = ints ? ANM_DTYPE_INT32 : ANM_DTYPE_FP32,
                    .rank = f->rank,
                    .bytes = 4};
    memcpy(t.shape, f->shape, sizeof f->shape);
    for (int d = 0; d < f->rank; d++) t.bytes *= (size_t)f->shape[d];
    t.data = malloc(t.bytes);
    for (size_t k = 0; k < t.bytes / 4; k++) {
        if (ints) ((int32_t *)t.data)[k] = (int32_t)(k % 3);
        else ((float *)t.data)[k] = (float)(k % 7) * 0.25f - 0.5f;
    }
    return t;
}

static void run_function(const anm_function *f, anm_tensor *outputs, size_t count) {
    anm_tensor inputs[8];
    anm_state *states = NULL;
    anm_error err;
    size_t n = anm_function_input_count(f);
    assert_true(n <= 8 && count <= 32);
    for (size_t i = 0; i < n; i++) inputs[i] = make_input(anm_function_input(f, i));
    if (anm_function_state_count(f))
        assert_ok(anm_state_create(f, ANM_PRECISION_FP16, &states, &err), &err);
    for (size_t i = 0; i < count; i++)
        outputs[i] = (anm_tensor){.name = anm_function_output(f, i)->name};
    assert_ok(anm_predict_alloc(f, inputs, n, outputs, count, states, NULL, &err), &err);
    anm_state_destroy(states);
    for (size_t i = 0; i < n; i++) free(inputs[i].data);
}

static void assert_same_function(const anm_function *f, const anm_function *g) {
    anm_tensor x[32] = {0}, y[32] = {0};
    size_t count = anm_function_output_count(f);
    assert_int_equal(anm_function_output_count(g), count);
    run_function(f, x, count);
    run_function(g, y, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(x[i].bytes, y[i].bytes);
        assert_true(x[i].bytes > 0);
        assert_memory_equal(x[i].data, y[i].data, x[i].bytes);
        anm_tensor_release(&x[i]);
        anm_tensor_release(&y[i]);
    }
}

void assert_same_results(const char *package, const char *bundle) {
    anm_error err;
    anm_program *a, *b;
    assert_ok(anm_program_open(package, &a, &err), &err);
    assert_ok(anm_program_open(bundle, &b, &err), &err);
    assert_int_equal(anm_program_function_count(a), anm_program_function_count(b));
    for (size_t i = 0; i < anm_program_function_count(a); i++) {
        const anm_function *f = anm_program_function_at(a, i);
        assert_same_function(f, anm_program_function(b, anm_function_name(f)));
    }
    anm_program_close(a);
    anm_program_close(b);
}
