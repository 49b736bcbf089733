/* SPDX-License-Identifier: MIT */
/* Values to run a function with: its inputs and states, fp32 and int32, the same at every run. */
#ifndef ANM_TESTS_FUNCTION_CALL_H
#define ANM_TESTS_FUNCTION_CALL_H

#include "anemone/tensor.h"
#include "src/mil/ir.h"

enum { CALL_MOST = 8 };

typedef struct function_call {
    anm_tensor inputs[CALL_MOST], states[CALL_MOST];
    size_t input_count, state_count;
} function_call;

/* Writes a tensor's elements, whose type and shape are set. */
typedef void (*fill_fn)(anm_tensor *tensor);

/* Unknown dimensions become 3. Fails the running test if it cannot. */
function_call make_call(const anm_mil_function *f, fill_fn fill);
void free_call(function_call *call);
/* In [-1, 1); make_call() begins the row anew. */
float noise(void);

#endif
