/* SPDX-License-Identifier: MIT */
/* The fast engine behind a function: one plan for each set of input shapes, made at first use. */
#ifndef ANM_PROGRAM_FAST_H
#define ANM_PROGRAM_FAST_H

#include "src/cpu/engine.h"
#include "src/program/program.h"

/*
 * The engine for these inputs. `*out` is NULL, and the status ANM_OK, when the options or the
 * environment ask for the interpreter or the function is one for it; with ANM_ENGINE_FAST that is
 * the error ANM_ERROR_UNSUPPORTED.
 */
ANM_MUST_CHECK anm_status anm_function_engine(const anm_function *f, const anm_tensor *inputs,
                                              size_t input_count,
                                              const anm_predict_options *options,
                                              anm_engine **out, anm_pool **pool, anm_error *err);
/* Releases the engines of a function. */
void anm_function_release_engines(anm_function *f);

#endif
