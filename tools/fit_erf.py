#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The coefficients of erf in src/cpu/kernels/rows_template.h, as C, and how far off it is in fp32.

erf(x) = x p(x^2) for |x| <= 1 and 1 - exp(-q(|x|)) from there to 4: polynomials through the values
at Chebyshev nodes, which is near the best there are.
"""
import struct
from fractions import Fraction
from math import cos, erf, erfc, exp, log, pi, sqrt


def single(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def fit(f, low, high, degree):
    """Solves the Vandermonde system exactly, for the values as doubles have them."""
    n = degree + 1
    nodes = [Fraction((low + high) / 2 + (high - low) / 2 * cos(pi * (i + .5) / n))
             for i in range(n)]
    rows = [[x ** k for k in range(n)] + [Fraction(f(float(x)))] for x in nodes]
    for i in range(n):
        for r in range(n):
            if r != i:
                factor = rows[r][i] / rows[i][i]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i])]
    return [single(float(rows[i][n] / rows[i][i])) for i in range(n)]


def horner(c, x):
    y = c[-1]
    for a in c[-2::-1]:
        y = single(single(y * x) + a)
    return y


p = fit(lambda s: erf(sqrt(s)) / sqrt(s), 0.0, 1.0, 6)
q = fit(lambda t: -log(erfc(t)), 1.0, 4.0, 8)
for name, c, variable in (("p", p, "s"), ("q", q, "t")):
    text = "%.9gf" % c[-1]
    for a in c[-2::-1]:
        text = f"({text} * {variable} + {a:.9g}f)"
    print(f"{name} = {text}")
worst, relative = 0, 0
for i in range(1, 60001):
    x = single(i / 10000)
    t = min(x, 4)
    y = single(x * horner(p, single(x * x))) if t <= 1 else single(1 - single(exp(-horner(q, t))))
    worst = max(worst, abs(y - erf(x)))
    relative = max(relative, abs(y - erf(x)) / erf(x))
print("largest error %.3g, relative %.3g" % (worst, relative))
