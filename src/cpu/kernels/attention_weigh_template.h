/* SPDX-License-Identifier: MIT */
/* The softmax of many queries in lanes, in floats: see attention_lanes_template.h. */
#ifndef ANM_CPU_ATTENTION_WEIGH_TEMPLATE_H
#define ANM_CPU_ATTENTION_WEIGH_TEMPLATE_H

#include "src/cpu/kernels/attention_lanes_template.h"

/* Scores of n columns become weights; what was summed before shrinks to the new maxima. */
static void many_weigh(many_state *m, int64_t n) {
    for (int64_t j = 0; j < m->lanes; j += VN) {
        vf before = v_load(m->largest + j), now = before, sum = v_zero();
        for (int64_t c = 0; c < n; c++) now = v_max(now, v_load(m->s + c * m->lanes + j));
        for (int64_t c = 0; c < n; c++) {
            vf p = v_exp(v_sub(v_load(m->s + c * m->lanes + j), now));
            v_store(m->s + c * m->lanes + j, p);
            sum = v_add(sum, p);
        }
        vf shrink = v_exp(v_sub(before, now));
        v_store(m->largest + j, now);
        v_store(m->sum + j, v_fma(v_load(m->sum + j), shrink, sum));
        if (v_least(shrink) == 1) continue;
        for (int64_t d = 0; d < m->value_dim; d++)
            v_store(m->value + d * m->lanes + j,
                    v_mul(v_load(m->value + d * m->lanes + j), shrink));
    }
}

#endif
