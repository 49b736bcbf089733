/* SPDX-License-Identifier: MIT */
/* States: named tensors that live across predictions. */
#include <stdint.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/program/program.h"

anm_status anm_precision_check(anm_precision precision, anm_error *err) {
    if (precision == ANM_PRECISION_FP16 || precision == ANM_PRECISION_FP32) return ANM_OK;
    return anm_fail(err, ANM_ERROR_ARGUMENT, "precision", "%d is no precision", (int)precision);
}

enum { ALIGNMENT = 64 }; /* rows of a cache lie in whole cache lines then */

/*
 * Zeroed memory at a multiple of ALIGNMENT; *memory is what is to be freed. As calloc() gives it:
 * pages that nothing touches take no memory.
 */
static void *zeroed(size_t bytes, void **memory) {
    if (bytes > SIZE_MAX - ALIGNMENT) return NULL;
    char *begin = *memory = anm_calloc(bytes + ALIGNMENT, 1);
    return begin ? begin + (ALIGNMENT - (uintptr_t)begin % ALIGNMENT) % ALIGNMENT : NULL;
}

static anm_status make_tensor(const anm_feature *feature, anm_precision precision, anm_tensor *t,
                              void **memory, anm_error *err) {
    t->dtype = feature->dtype;
    if (precision == ANM_PRECISION_FP32 && anm_dtype_is_float(t->dtype)) t->dtype = ANM_DTYPE_FP32;
    t->rank = feature->rank;
    memcpy(t->shape, feature->shape, sizeof t->shape);
    t->name = anm_strdup(feature->name);
    int64_t elements = anm_shape_elements(t->shape, t->rank);
    if (!t->name) return anm_fail_memory(err);
    if (!anm_dtype_bytes(t->dtype, elements, &t->bytes))
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, feature->name, "state has no fixed size");
    t->data = zeroed(t->bytes, memory);
    return t->data ? ANM_OK : anm_fail_memory(err);
}

anm_status anm_state_create(const anm_function *function, anm_precision precision, anm_state **out,
                            anm_error *err) {
    anm_status status = ANM_OK;
    *out = NULL;
    ANM_TRY(anm_precision_check(precision, err));
    anm_state *state = anm_calloc(1, sizeof *state);
    if (!state) return anm_fail_memory(err);
    state->precision = precision;
    state->tensors = anm_calloc(function->state_count, sizeof *state->tensors);
    state->memory = anm_calloc(function->state_count, sizeof *state->memory);
    if (!state->tensors || !state->memory) status = anm_fail_memory(err);
    for (size_t i = 0; i < function->state_count && status == ANM_OK; i++, state->count++)
        status = make_tensor(&function->states[i], precision, &state->tensors[i],
                             &state->memory[i], err);
    if (status == ANM_OK) *out = state;
    else anm_state_destroy(state);
    return status;
}

void anm_state_destroy(anm_state *state) {
    if (!state) return;
    for (size_t i = 0; i < state->count; i++) {
        anm_free((void *)state->tensors[i].name);
        anm_free(state->memory[i]);
    }
    anm_free(state->memory);
    anm_free(state->tensors);
    anm_free(state);
}

size_t anm_state_count(const anm_state *state) {
    return state->count;
}

anm_tensor *anm_state_tensor(anm_state *state, size_t index) {
    return index < state->count ? &state->tensors[index] : NULL;
}

anm_tensor *anm_state_find(anm_state *state, const char *name) {
    for (size_t i = 0; i < state->count; i++)
        if (strcmp(state->tensors[i].name, name) == 0) return &state->tensors[i];
    return NULL;
}
