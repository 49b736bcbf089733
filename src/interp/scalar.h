/* SPDX-License-Identifier: MIT */
/*
 * Elementary functions from exactly rounded operations only (+ - * /, sqrt, fma): the same bits on
 * every machine and with every C library. The error of those in double is around 1e-15, so that a
 * result rounded to float is the nearest float but for rare near-ties.
 */
#ifndef ANM_INTERP_SCALAR_H
#define ANM_INTERP_SCALAR_H

/*
 * e^x in fp32, as NumPy computes it for float32: x = n ln 2 + r, then a rational approximation in
 * r with fused multiply-adds; within 3 units in the last place. exp, softmax, sigmoid and silu are
 * defined by it, so that they give NumPy's bits. The others below are in double.
 */
float anm_expf(float x);

double anm_exp(double x);
double anm_log(double x);
double anm_pow(double x, double y);
double anm_sin(double x);
double anm_cos(double x);
double anm_tan(double x);
double anm_asin(double x);
double anm_acos(double x);
double anm_atan(double x);
double anm_sinh(double x);
double anm_cosh(double x);
double anm_tanh(double x);
double anm_asinh(double x);
double anm_acosh(double x);
double anm_atanh(double x);
double anm_erf(double x);
double anm_sigmoid(double x); /* in fp32: 1 / (1 + e^-x) */
double anm_softplus(double x);

#endif
