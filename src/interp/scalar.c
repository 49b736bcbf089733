/* SPDX-License-Identifier: MIT */
#include "src/interp/scalar.h"

#include <math.h>

/* ln 2 and pi/2 in parts: n times the first part is exact for the n that occur. */
static const double LN2_HIGH = 0x1.62e42feep-1, LN2_LOW = 0x1.a39ef35793c76p-33;
static const double PIO2_1 = 0x1.921fb544p+0, PIO2_2 = 0x1.0b4611a6p-34,
                    PIO2_3 = 0x1.3198a2e037073p-69;
static const double PI = 0x1.921fb54442d18p+1;

static float polynomial(float r, const float *c, int n) {
    float sum = c[n - 1];
    for (int i = n - 2; i >= 0; i--) sum = fmaf(sum, r, c[i]);
    return sum;
}

float anm_expf(float x) {
    static const float above[] = {9.999999999980870924916e-01f, 7.257664613233124478488e-01f,
                                  2.473615434895520810817e-01f, 5.114512081637298353406e-02f,
                                  6.757896990527504603057e-03f, 5.082762527590693718096e-04f};
    static const float below[] = {1.0f, -2.742335390411667452936e-01f,
                                  2.159509375685829852307e-02f};
    if (isnan(x)) return x;
    if (x > 88.72283935546875f) return INFINITY;
    if (x < -103.97208404541015625f) return 0;
    float n = rintf(x * 1.44269504088896341f);
    float r = fmaf(n, -1.42860677e-6f, fmaf(n, -6.93145752e-1f, x)); /* ln 2 in two parts */
    return ldexpf(polynomial(r, above, 6) / polynomial(r, below, 3), (int)n);
}

double anm_exp(double x) {
    if (isnan(x)) return x;
    if (x > 709.7) return INFINITY;
    if (x < -745) return 0;
    double n = rint(x * 0x1.71547652b82fep+0);
    double r = (x - n * LN2_HIGH) - n * LN2_LOW, sum = 1;
    for (int k = 14; k >= 1; k--) sum = 1 + sum * r / k; /* Taylor; |r| < 0.35 */
    return ldexp(sum, (int)n);
}

double anm_log(double x) {
    int e;
    if (isnan(x) || x < 0) return NAN;
    if (x == 0) return -INFINITY;
    if (isinf(x)) return x;
    double m = frexp(x, &e);
    if (m < 0x1.6a09e667f3bcdp-1) m *= 2, e--;
    double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
    for (int k = 27; k >= 1; k -= 2) sum = sum * s2 + 1.0 / k; /* artanh series; |s| < 0.172 */
    return e * LN2_HIGH + (2 * s * sum + e * LN2_LOW);
}

static double power_of_integer(double x, int n) {
    double result = 1;
    for (unsigned k = (unsigned)(n < 0 ? -n : n); k; k >>= 1, x *= x)
        if (k & 1) result *= x;
    return n < 0 ? 1 / result : result;
}

double anm_pow(double x, double y) {
    if (y == 0 || x == 1) return 1;
    if (isnan(x) || isnan(y)) return NAN;
    if (rint(y) == y && fabs(y) <= 64) return power_of_integer(x, (int)y);
    if (x < 0 && rint(y) != y) return isinf(x) ? anm_exp(y * INFINITY) : NAN;
    double magnitude = anm_exp(y * anm_log(fabs(x)));
    if (fabs(x) == 1) magnitude = 1;
    return x < 0 && fmod(y, 2) != 0 ? -magnitude : magnitude;
}

static double sin_kernel(double r) {
    double r2 = r * r, sum = 1;
    for (int k = 20; k >= 2; k -= 2) sum = 1 - sum * r2 / (k * (k + 1)); /* |r| < pi/4 */
    return r * sum;
}

static double cos_kernel(double r) {
    double r2 = r * r, sum = 1;
    for (int k = 19; k >= 1; k -= 2) sum = 1 - sum * r2 / (k * (k + 1));
    return sum;
}

/* sin(x + quarter * pi/2) */
static double sin_shifted(double x, int quarter) {
    if (!isfinite(x)) return NAN;
    if (fabs(x) > 0x1p28) x = fmod(x, 2 * PI); /* no digit is certain out there */
    double n = rint(x * (2 / PI));
    double r = ((x - n * PIO2_1) - n * PIO2_2) - n * PIO2_3;
    switch (((long long)n + quarter) & 3) {
    case 0: return sin_kernel(r);
    case 1: return cos_kernel(r);
    case 2: return -sin_kernel(r);
    default: return -cos_kernel(r);
    }
}

double anm_sin(double x) {
    return sin_shifted(x, 0);
}

double anm_cos(double x) {
    return sin_shifted(x, 1);
}

double anm_tan(double x) {
    return sin_shifted(x, 0) / sin_shifted(x, 1);
}

double anm_atan(double x) {
    if (isnan(x)) return x;
    if (x < 0) return -anm_atan(-x);
    if (x > 1) return PI / 2 - anm_atan(1 / x);
    int halvings = 0;
    for (; x > 0.2; halvings++) x = x / (1 + sqrt(1 + x * x));
    double x2 = x * x, sum = 0;
    for (int k = 25; k >= 1; k -= 2) sum = 1.0 / k - sum * x2;
    return ldexp(x * sum, halvings);
}

double anm_asin(double x) {
    if (fabs(x) > 1) return NAN;
    if (fabs(x) == 1) return x * (PI / 2);
    return anm_atan(x / sqrt((1 - x) * (1 + x)));
}

double anm_acos(double x) {
    if (fabs(x) > 1) return NAN;
    if (x == -1) return PI;
    return 2 * anm_atan(sqrt((1 - x) / (1 + x)));
}

/* Series where the exponential form would cancel. */
static double small_sinh(double x) {
    double x2 = x * x;
    return x * (1 + x2 / 6 * (1 + x2 / 20 * (1 + x2 / 42 * (1 + x2 / 72))));
}

double anm_sinh(double x) {
    if (fabs(x) < 0.3) return small_sinh(x);
    return (anm_exp(x) - anm_exp(-x)) / 2;
}

double anm_cosh(double x) {
    return (anm_exp(x) + anm_exp(-x)) / 2;
}

double anm_tanh(double x) {
    if (fabs(x) < 0.3) return small_sinh(x) / anm_cosh(x);
    if (fabs(x) > 22) return x > 0 ? 1 : -1;
    double e = anm_exp(2 * x);
    return (e - 1) / (e + 1);
}

double anm_atanh(double x) {
    if (fabs(x) > 1) return NAN;
    if (fabs(x) > 0.1) return anm_log((1 + x) / (1 - x)) / 2;
    double x2 = x * x, sum = 0;
    for (int k = 19; k >= 1; k -= 2) sum = sum * x2 + 1.0 / k;
    return x * sum;
}

double anm_asinh(double x) {
    if (isinf(x)) return x;
    /* artanh(x / sqrt(1 + x^2)) has no cancellation for small x. */
    if (fabs(x) < 1) return anm_atanh(x / sqrt(1 + x * x));
    double magnitude = anm_log(fabs(x) + sqrt(x * x + 1));
    return x < 0 ? -magnitude : magnitude;
}

double anm_acosh(double x) {
    return x < 1 ? NAN : anm_log(x + sqrt((x - 1) * (x + 1)));
}

double anm_erf(double x) {
    if (isnan(x)) return x;
    double a = fabs(x);
    if (a > 6) return x > 0 ? 1 : -1;
    double term = a, sum = a; /* 2/sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (2n+1)!! */
    for (int n = 1; n < 200 && term > sum * 1e-18; n++) {
        term *= 2 * a * a / (2 * n + 1);
        sum += term;
    }
    double result = 0x1.20dd750429b6dp+0 * anm_exp(-a * a) * sum;
    if (result > 1) result = 1;
    return x < 0 ? -result : result;
}

double anm_sigmoid(double x) {
    return 1 / (1 + anm_expf(-(float)x));
}

double anm_softplus(double x) {
    double e = anm_exp(-fabs(x));
    /* log(1 + e) by artanh, exact for small e. */
    double rest = e < 0.2 ? 2 * anm_atanh(e / (2 + e)) : anm_log(1 + e);
    return rest + (x > 0 ? x : 0);
}
