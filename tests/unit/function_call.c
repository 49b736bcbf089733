/* SPDX-License-Identifier: MIT */
#include "tests/unit/function_call.h"

#include "src/base/dtype.h"
#include "tests/unit/testing.h"

static uint32_t seed;

float noise(void) {
    seed = seed * 1664525u + 1013904223u;
    return (float)(int32_t)seed * 0x1p-31f;
}

static anm_tensor make_tensor(const anm_mil_value *value, fill_fn fill) {
    const anm_mil_type *type = value->type;
    if (type->kind == ANM_MIL_STATE) type = type->items[0];
    anm_tensor t = {.name = value->name, .rank = type->rank};
    t.dtype = anm_dtype_is_float(type->dtype) ? ANM_DTYPE_FP32 : ANM_DTYPE_INT32;
    for (int i = 0; i < type->rank; i++) t.shape[i] = type->shape[i] < 0 ? 3 : type->shape[i];
    t.bytes = 4 * (size_t)anm_shape_elements(t.shape, t.rank);
    t.data = malloc(t.bytes);
    assert_non_null(t.data);
    fill(&t);
    return t;
}

function_call make_call(const anm_mil_function *f, fill_fn fill) {
    function_call c = {0};
    seed = 7;
    for (size_t i = 0; i < f->input_count; i++) {
        anm_tensor t = make_tensor(f->inputs[i], fill);
        bool state = f->inputs[i]->type->kind == ANM_MIL_STATE;
        assert_true((state ? c.state_count : c.input_count) < CALL_MOST);
        if (state) c.states[c.state_count++] = t;
        else c.inputs[c.input_count++] = t;
    }
    return c;
}

void free_call(function_call *c) {
    for (size_t i = 0; i < c->input_count; i++) free(c->inputs[i].data);
    for (size_t i = 0; i < c->state_count; i++) free(c->states[i].data);
}
