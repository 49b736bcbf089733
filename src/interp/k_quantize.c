/* SPDX-License-Identifier: MIT */
/* quantize and dequantize at run time, per tensor or along an axis. */
#include <math.h>

#include "src/base/dtype.h"
#include "src/interp/kernels.h"

typedef struct affine {
    const anm_rvalue *input;
    const float *scale, *zero; /* zero may be NULL */
    int64_t scales, inner;     /* scales: 1 or the axis' length */
} affine;

static bool read_affine(anm_kcall *k, affine *a) {
    const anm_rvalue *scale = anm_k_arg(k, "scale"), *zero = anm_k_opt(k, "zero_point");
    a->input = anm_k_arg(k, "input");
    if (!a->input || !scale) return false;
    a->scale = anm_k_floats(k, scale);
    a->zero = zero ? anm_k_floats(k, zero) : NULL;
    a->scales = scale->count;
    a->inner = 1;
    if (scale->count != 1) {
        int axis = anm_k_axis(k, anm_k_int(k, "axis"), a->input->rank);
        if (k->status != ANM_OK) return false;
        a->inner = anm_shape_product(a->input->shape, axis + 1, a->input->rank);
        if (scale->count != a->input->shape[axis])
            anm_k_fail(k, ANM_ERROR_MISMATCH, "%lld scales for an axis of %lld",
                       (long long)scale->count, (long long)a->input->shape[axis]);
    }
    if (zero && zero->count != scale->count)
        anm_k_fail(k, ANM_ERROR_MISMATCH, "scale and zero_point differ in length");
    return k->status == ANM_OK;
}

/* clip(round(input / scale) + zero_point), half to even. */
static void quantize(anm_kcall *k) {
    affine a;
    if (!read_affine(k, &a)) return;
    anm_dtype dtype = k->op->outputs[0]->type->dtype;
    int bits = anm_dtype_bits(dtype);
    if (bits > 8 || bits < 1 || !anm_dtype_is_int(dtype)) {
        anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "cannot quantize to %s", anm_dtype_name(dtype));
        return;
    }
    double low = anm_dtype_is_signed(dtype) ? -ldexp(1, bits - 1) : 0;
    double high = low + ldexp(1, bits) - 1;
    const float *in = anm_k_floats(k, a.input);
    int32_t *out = anm_k_out_ints(k, 0, a.input->rank, a.input->shape);
    for (int64_t i = 0; out && i < a.input->count; i++) {
        int64_t n = i / a.inner % a.scales;
        double q = rintf(in[i] / a.scale[n]) + (a.zero ? a.zero[n] : 0.0);
        out[i] = isnan(q) ? 0 : (int32_t)(q < low ? low : q > high ? high : q);
    }
}

static void dequantize(anm_kcall *k) {
    affine a;
    if (!read_affine(k, &a)) return;
    const float *in = anm_k_floats(k, a.input);
    float *out = anm_k_out_floats(k, 0, a.input->rank, a.input->shape);
    for (int64_t i = 0; out && i < a.input->count; i++) {
        int64_t n = i / a.inner % a.scales;
        out[i] = a.scale[n] * (in[i] - (a.zero ? a.zero[n] : 0));
    }
}

const anm_kernel anm_kernels_quantize[] = {
    {"dequantize", dequantize, 0, NULL},
    {"quantize", quantize, 0, NULL},
    {NULL, NULL, 0, NULL},
};
