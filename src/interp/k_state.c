/* SPDX-License-Identifier: MIT */
/*
 * States. A state's slot holds its present value; reading gives another reference to the same
 * memory, so that nothing is copied until somebody writes into it. A read that the plan marked
 * takes the memory out of the slot: the write that follows puts the new value in.
 */
#include <string.h>

#include "src/interp/plan.h"
#include "src/interp/strided.h"

static anm_rvalue *state_slot(anm_kcall *k, const char *name) {
    const anm_mil_value *state = anm_mil_op_operand(k->op, name).value;
    if (state && state->type->kind == ANM_MIL_STATE) return &k->run->slots[state->id];
    anm_k_fail(k, ANM_ERROR_FORMAT, "argument \"%s\" is not a state", name);
    return NULL;
}

static void read_state(anm_kcall *k) {
    anm_rvalue *slot = state_slot(k, "input");
    if (!slot) return;
    if (anm_rvalue_is_empty(slot)) {
        anm_k_fail(k, ANM_ERROR_INTERNAL, "the state was moved away");
        return;
    }
    anm_rvalue value;
    anm_rvalue_copy(&value, slot);
    if (k->step->moves) anm_rvalue_clear(slot);
    anm_k_give(k, 0, &value);
}

static bool same_shape(const anm_mil_type *state, const anm_rvalue *v) {
    const anm_mil_type *type = state->count == 1 ? state->items[0] : NULL;
    bool same = type && type->kind == ANM_MIL_TENSOR && type->rank == v->rank && !v->list;
    for (int i = 0; same && i < v->rank; i++)
        same = type->shape[i] < 0 || type->shape[i] == v->shape[i];
    return same;
}

/* Stores the argument in the state. */
static const anm_rvalue *write(anm_kcall *k, const char *state, const char *data) {
    anm_rvalue *slot = state_slot(k, state);
    const anm_rvalue *v = anm_k_arg(k, data);
    if (!slot || !v) return NULL;
    const anm_mil_value *value = anm_mil_op_operand(k->op, state).value;
    if (!same_shape(value->type, v) || v->raw) {
        anm_rvalue plain;
        if (!v->raw || !same_shape(value->type, v)) {
            anm_k_fail(k, ANM_ERROR_MISMATCH, "the value does not have the state's type");
            return NULL;
        }
        if (!anm_k_take(k, data, &plain)) return NULL; /* a packed constant: expand it */
        anm_rvalue_clear(slot);
        *slot = plain;
        return slot;
    }
    anm_rvalue copy;
    anm_rvalue_copy(&copy, v);
    anm_rvalue_clear(slot);
    *slot = copy;
    return slot;
}

static void write_state(anm_kcall *k) {
    write(k, "input", "data");
}

static void update_state(anm_kcall *k) {
    const anm_rvalue *v = write(k, "state", "value");
    if (v) anm_k_share(k, 0, v, v->rank, v->shape);
}

/* The state's memory for this op alone: copied if somebody who read it still needs it. */
static float *own_floats(anm_kcall *k, anm_rvalue *slot) {
    if (slot->f && slot->buffer && slot->buffer->refs == 1) return slot->f;
    const float *in = anm_k_floats(k, slot);
    anm_rvalue copy = *slot;
    copy.buffer = in ? anm_buffer_create(&k->run->account, slot->count) : NULL;
    if (!copy.buffer) {
        anm_k_fail(k, ANM_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    copy.f = anm_buffer_data(copy.buffer);
    copy.raw = NULL;
    memcpy(copy.f, in, (size_t)slot->count * sizeof *in);
    anm_rvalue_clear(slot);
    *slot = copy;
    return slot->f;
}

static void cache_update(anm_kcall *k) {
    anm_rvalue *slot = state_slot(k, "input");
    const anm_rvalue *update = anm_k_arg(k, "update"), *position = anm_k_arg(k, "position");
    int64_t begin[ANM_MAX_RANK], stride[ANM_MAX_RANK], axis = anm_k_int(k, "axis"), start = 0;
    if (!slot || k->status != ANM_OK || !anm_k_ints(k, "begin", begin, slot->rank)) return;
    const int32_t *at = anm_k_int32s(k, position);
    const float *in = anm_k_floats(k, update);
    if (!at || !in) return;
    begin[axis] += at[0];
    if (begin[axis] < 0 || begin[axis] + update->shape[axis] > slot->shape[axis]) {
        anm_k_fail(k, ANM_ERROR_ARGUMENT, "position %d is outside the state", (int)at[0]);
        return;
    }
    float *out = own_floats(k, slot);
    if (!out) return;
    anm_dense_strides(slot->rank, slot->shape, stride);
    for (int i = 0; i < slot->rank; i++) start += begin[i] * stride[i];
    anm_store_strided(update->rank, update->shape, stride, start, (const anm_word *)in,
                      (anm_word *)out);
}

const anm_kernel anm_kernels_state[] = {
    {"anm_cache_update", cache_update, 0, NULL},
    {"coreml_update_state", update_state, 0, NULL},
    {"read_state", read_state, 0, NULL},
    {"write_state", write_state, 0, NULL},
    {NULL, NULL, 0, NULL},
};
