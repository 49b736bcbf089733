/* SPDX-License-Identifier: MIT */
/*
 * Constants: literals of const ops, and what constexpr_* ops decode to. Decoding is exact and
 * does not depend on the run's precision: results have their declared type.
 */
#ifndef ANM_INTERP_CONSTEXPR_H
#define ANM_INTERP_CONSTEXPR_H

#include "src/base/arena.h"
#include "src/mil/ir.h"

/*
 * Constants that are known already, by value id; data NULL where not. May be NULL: then arguments
 * that are constexpr results are decoded again for each use.
 */
typedef struct anm_const_table {
    anm_tensor *tensors;
    size_t count;
} anm_const_table;

/* A literal as a tensor on the literal's own memory. */
ANM_MUST_CHECK anm_status anm_constant_literal(const anm_mil_literal *literal, const char *where,
                                               anm_tensor *out, anm_error *err);
bool anm_is_constexpr(const anm_mil_op *op);
/* Evaluates a constexpr op; outputs[] has op->output_count entries, data in `arena`. */
ANM_MUST_CHECK anm_status anm_constexpr_eval(const anm_mil_op *op, const anm_const_table *known,
                                             anm_arena *arena, anm_tensor *outputs, anm_error *err);

#endif
