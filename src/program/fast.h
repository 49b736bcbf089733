/* SPDX-License-Identifier: MIT */
/* The fast engine behind a function: one plan for each set of input shapes, made at first use. */
#ifndef ANM_PROGRAM_FAST_H
#define ANM_PROGRAM_FAST_H

#include "src/cpu/engine.h"
#include "src/program/program.h"

/*
 * The plan for these inputs, in use until anm_function_engine_done(). `*out` is NULL, and the
 * status ANM_OK, when the options or the environment ask for the interpreter or the function is
 * one for it with these shapes; with ANM_ENGINE_FAST that is the error ANM_ERROR_UNSUPPORTED.
 */
ANM_MUST_CHECK anm_status anm_function_engine(const anm_function *f, const anm_tensor *inputs,
                                              size_t input_count,
                                              const anm_predict_options *options,
                                              anm_kept_plan **out, anm_error *err);
void anm_function_engine_done(const anm_function *f, anm_kept_plan *plan); /* NULL is fine */
/* Tensors without data, one an input: of the shapes given, where there is one, or the default. */
ANM_MUST_CHECK anm_status anm_function_shape_inputs(const anm_function *f, const anm_tensor *given,
                                                    size_t count, anm_tensor *inputs,
                                                    anm_error *err);

#endif
