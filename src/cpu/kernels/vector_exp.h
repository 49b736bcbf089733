/* SPDX-License-Identifier: MIT */
/*
 * exp() and tanh() of a vector, for templates: a header of the level's vector comes first. Every
 * level computes the same steps.
 */
#ifndef ANM_CPU_VECTOR_EXP_H
#define ANM_CPU_VECTOR_EXP_H

/*
 * exp(x) for x <= 0, within 1 ulp; 0 where the result is below 2^-126. x = n ln 2 + r, with ln 2
 * in two parts of which the first times n is exact; exp(r) = 1 + r + r^2 q(r), q of degree 4 with
 * the least relative error (0.06 * 2^-24) on |r| <= ln 2 / 2.
 */
static inline vf v_exp(vf x) {
    vf n = v_round(v_mul(x, v_set(0x1.715476p0f)));
    n = v_max(n, v_set(-126));
    vf r = v_fma(n, v_set(-0x1.62e4p-1f), x);
    r = v_fma(n, v_set(-0x1.7f7d1cp-20f), r);
    vf q = v_set(0x1.6a23cfp-10f);
    q = v_fma(q, r, v_set(0x1.123a20p-7f));
    q = v_fma(q, r, v_set(0x1.5558f2p-5f));
    q = v_fma(q, r, v_set(0x1.555492p-3f));
    q = v_fma(q, r, v_set(0x1.fffffcp-2f));
    vf p = v_add(v_set(1), v_fma(q, v_mul(r, r), r));
    return v_where_less(x, v_set(-0x1.5d58ap6f), v_zero(), v_scale(p, n));
}

/* Within 4e-7 of tanh(x): 1 - e of 2^-24 and a quotient. */
static inline vf v_tanh(vf x) {
    vf e = v_exp(v_mul(v_abs(x), v_set(-2)));
    vf y = v_div(v_sub(v_set(1), e), v_add(v_set(1), e));
    return v_where_less(x, v_zero(), v_sub(v_zero(), y), y);
}

#endif
