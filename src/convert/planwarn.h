/* SPDX-License-Identifier: MIT */
/* What a user should know of a plan before it is carried out. */
#ifndef ANM_CONVERT_PLANWARN_H
#define ANM_CONVERT_PLANWARN_H

#include "src/convert/partplan.h"
#include "src/convert/report.h"

ANM_MUST_CHECK anm_status anm_plan_warn(const anm_recipe *recipe, const anm_plan *plan,
                                        anm_convert_report *report, anm_error *err);

#endif
