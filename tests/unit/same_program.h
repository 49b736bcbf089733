/* SPDX-License-Identifier: MIT */
/* Whether a package and a compiled model are the same program, by structure and by results. */
#ifndef ANM_TESTS_SAME_PROGRAM_H
#define ANM_TESTS_SAME_PROGRAM_H

#include "tests/unit/testing.h"

/* Op for op in the same order: types, outputs, bindings of arguments, literals with their data.
 * What compiling adds or sorts (buildInfo, flexible shapes, functions, inputs) may differ. */
void assert_same_program(const char *package, const char *bundle);
/* Every function run on the same inputs, states included, gives the same bytes. */
void assert_same_results(const char *package, const char *bundle);

#endif
