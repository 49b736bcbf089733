/* SPDX-License-Identifier: MIT */
/* What a conversion did; filled while it runs. The public accessors are in report.c. */
#ifndef ANM_CONVERT_REPORT_H
#define ANM_CONVERT_REPORT_H

#include "anemone/convert.h"
#include "src/base/arena.h"
#include "src/base/vec.h"

struct anm_convert_report {
    anm_arena *arena; /* the strings */
    ANM_VEC(anm_convert_part) parts;
    ANM_VEC(anm_convert_overflow) overflows;
    ANM_VEC(const char *) warnings;
    uint64_t parameters;
    double seconds;
};

/* NULL when memory is out. */
anm_convert_report *anm_report_create(void);
ANM_MUST_CHECK anm_status anm_report_part(anm_convert_report *r, const char *file, uint64_t bytes,
                                          bool kept, anm_error *err);
/* Also logged. */
ANM_MUST_CHECK anm_status anm_report_overflow(anm_convert_report *r, const char *tensor,
                                              uint64_t count, double largest, anm_error *err);
ANM_MUST_CHECK anm_status anm_report_warn(anm_convert_report *r, anm_error *err, const char *fmt,
                                          ...) ANM_PRINTF(3, 4);

#endif
