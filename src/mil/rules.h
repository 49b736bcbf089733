/* SPDX-License-Identifier: MIT */
/* Type rules of the op table, grouped by subject: rules_*.c. Only optable.c uses this. */
#ifndef ANM_MIL_RULES_H
#define ANM_MIL_RULES_H

#include "src/mil/ops.h"

/* Sets infer->message and gives false, so that a rule can `return anm_mil_refuse(...)`. */
bool anm_mil_refuse(anm_mil_infer *infer, const char *fmt, ...) ANM_PRINTF(2, 3);
/* NumPy broadcasting of two shapes with unknown dimensions; false if they do not fit. */
bool anm_mil_broadcast(const anm_mil_type *a, const anm_mil_type *b, int *rank, int64_t *shape);
/* Sets output `index`; false (with a message) when memory is out. */
bool anm_mil_give(anm_mil_infer *infer, size_t index, anm_dtype dtype, int rank,
                  const int64_t *shape);

bool anm_mil_rule_const(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_binary(const anm_mil_op *op, anm_mil_infer *infer);

#endif
