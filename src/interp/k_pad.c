/* SPDX-License-Identifier: MIT */
/* pad: constant, reflect, replicate, on the last N axes. */
#include <string.h>

#include "src/interp/strided.h"

enum { CONSTANT, REFLECT, REPLICATE };

static int pad_mode(anm_kcall *k) {
    const char *mode = anm_k_string(k, "mode");
    if (strcmp(mode, "constant") == 0) return CONSTANT;
    if (strcmp(mode, "reflect") == 0) return REFLECT;
    if (strcmp(mode, "replicate") == 0 || strcmp(mode, "edge") == 0) return REPLICATE;
    anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "mode \"%s\" is unknown", mode);
    return CONSTANT;
}

/* Where position i of the padded axis comes from; -1 for the constant. */
static int64_t source(int mode, int64_t i, int64_t n) {
    if (i >= 0 && i < n) return i;
    if (mode == CONSTANT) return -1;
    if (mode == REPLICATE || n == 1) return i < 0 ? 0 : n - 1;
    int64_t period = 2 * (n - 1), at = (i % period + period) % period;
    return at < n ? at : period - at;
}

/* before[] of each axis and the padded shape. */
static bool pad_shape(anm_kcall *k, const anm_rvalue *x, int mode, int64_t *before,
                      int64_t *shape) {
    int64_t pad[2 * ANM_MAX_RANK];
    int n = anm_k_int_list(k, "pad", pad, 2 * ANM_MAX_RANK);
    if (n < 0) return false;
    if (n % 2 || n / 2 > x->rank) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "pad has %d elements for rank %d", n, x->rank);
        return false;
    }
    for (int i = 0; i < x->rank; i++) {
        int at = i - (x->rank - n / 2);
        int64_t low = at < 0 ? 0 : pad[2 * at], high = at < 0 ? 0 : pad[2 * at + 1];
        if (low < 0 || high < 0 || (mode != CONSTANT && x->shape[i] == 0 && low + high > 0)) {
            anm_k_fail(k, ANM_ERROR_MISMATCH, "cannot pad %lld elements by %lld and %lld",
                       (long long)x->shape[i], (long long)low, (long long)high);
            return false;
        }
        before[i] = low;
        shape[i] = x->shape[i] + low + high;
    }
    return true;
}

static anm_word pad_value(anm_kcall *k, const anm_rvalue *x, int mode) {
    if (mode != CONSTANT) return 0;
    float f = (float)anm_k_float(k, "constant_val");
    int32_t i = f >= 2147483647.0f ? INT32_MAX : f > -2147483648.0f ? (int32_t)f : INT32_MIN;
    anm_word word;
    memcpy(&word, anm_k_is_float(x) ? (const void *)&f : (const void *)&i, sizeof word);
    return word;
}

static void pad(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int mode = pad_mode(k);
    int64_t before[ANM_MAX_RANK], shape[ANM_MAX_RANK], dense[ANM_MAX_RANK];
    if (!x || k->status != ANM_OK || !pad_shape(k, x, mode, before, shape)) return;
    anm_word fill = pad_value(k, x, mode);
    const anm_word *in = anm_k_words(k, x);
    anm_word *out = in ? anm_k_out_words(k, 0, x, x->rank, shape) : NULL;
    if (!out) return;
    int last = x->rank - 1;
    anm_dense_strides(x->rank, x->shape, dense);
    anm_walk w;
    anm_walk_init(&w, x->rank, shape);
    for (bool more = anm_walk_begin(&w); more; more = anm_walk_next(&w)) {
        int64_t from = 0;
        for (int i = 0; i < last && from >= 0; i++) {
            int64_t at = source(mode, w.index[i] - before[i], x->shape[i]);
            from = at < 0 ? -1 : from + at * dense[i];
        }
        for (int64_t i = 0; i < w.length; i++) {
            int64_t at = x->rank ? source(mode, i - before[last], x->shape[last]) : 0;
            *out++ = from < 0 || at < 0 ? fill : in[from + at];
        }
    }
}

const anm_kernel anm_kernels_pad[] = {
    {"pad", pad, 0, NULL},
    {NULL, NULL, 0, NULL},
};
