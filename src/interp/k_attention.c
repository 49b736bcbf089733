/* SPDX-License-Identifier: MIT */
/* scaled_dot_product_attention. Scores and weights stay in fp32; the result is rounded once. */
#include <math.h>
#include <string.h>

#include "src/interp/dot.h"
#include "src/interp/softmax.h"

typedef struct attention {
    const float *q, *k, *v, *mask;
    const int32_t *bool_mask;
    int64_t L, S, E, V;
    float *scores, *columns; /* S; V x S, the transposed values */
} attention;

/* One head; the mask's offset and strides over target and source positions. */
static void attend(const attention *a, int64_t mask_at, int64_t mask_row, int64_t mask_step,
                   float *out) {
    float scale = (float)(1 / sqrt((double)a->E));
    for (int64_t s = 0; s < a->S; s++)
        for (int64_t c = 0; c < a->V; c++) a->columns[c * a->S + s] = a->v[s * a->V + c];
    for (int64_t l = 0; l < a->L; l++) {
        for (int64_t s = 0; s < a->S; s++) {
            int64_t m = mask_at + l * mask_row + s * mask_step;
            float score = anm_dot(a->q + l * a->E, a->k + s * a->E, a->E) * scale;
            if (a->mask) score += a->mask[m];
            if (a->bool_mask && !a->bool_mask[m]) score = -INFINITY;
            a->scores[s] = score;
        }
        anm_softmax(a->scores, a->S, 1);
        for (int64_t c = 0; c < a->V; c++)
            out[l * a->V + c] = anm_dot(a->scores, a->columns + c * a->S, a->S);
    }
}

static bool same_batch(const anm_rvalue *q, const anm_rvalue *k, const anm_rvalue *v) {
    if (q->rank < 3 || q->rank != k->rank || q->rank != v->rank) return false;
    for (int i = 0; i < q->rank - 2; i++)
        if (q->shape[i] != k->shape[i] || q->shape[i] != v->shape[i]) return false;
    return q->shape[q->rank - 1] == k->shape[q->rank - 1] &&
           k->shape[q->rank - 2] == v->shape[q->rank - 2];
}

/* Strides of the mask over [batch.., L, S]; all 0 without a mask. */
static bool mask_strides(const anm_rvalue *mask, const anm_rvalue *q, int64_t S, int64_t *stride) {
    memset(stride, 0, ANM_MAX_RANK * sizeof *stride);
    if (!mask) return true;
    if (mask->rank > q->rank) return false;
    for (int i = 0; i < mask->rank; i++) {
        int at = q->rank - mask->rank + i;
        int64_t full = at == q->rank - 1 ? S : q->shape[at];
        if (mask->shape[i] != 1 && mask->shape[i] != full) return false;
    }
    anm_broadcast_strides(mask->rank, mask->shape, q->rank, stride);
    return true;
}

static bool load(anm_kcall *k, const anm_rvalue *const t[4], attention *a) {
    int r = t[0]->rank;
    a->L = t[0]->shape[r - 2], a->E = t[0]->shape[r - 1];
    a->S = t[1]->shape[r - 2], a->V = t[2]->shape[r - 1];
    a->q = anm_k_floats(k, t[0]);
    a->k = anm_k_floats(k, t[1]);
    a->v = anm_k_floats(k, t[2]);
    a->mask = t[3] && anm_k_is_float(t[3]) ? anm_k_floats(k, t[3]) : NULL;
    a->bool_mask = t[3] && !anm_k_is_float(t[3]) ? anm_k_int32s(k, t[3]) : NULL;
    a->scores = anm_k_scratch(k, a->S, sizeof *a->scores);
    a->columns = anm_k_scratch(k, a->S * a->V, sizeof *a->columns);
    return k->status == ANM_OK;
}

static void attention_op(anm_kcall *k) {
    const anm_rvalue *t[4] = {anm_k_arg(k, "query"), anm_k_arg(k, "key"), anm_k_arg(k, "value"),
                              anm_k_opt(k, "attn_mask")};
    int64_t stride[ANM_MAX_RANK], shape[ANM_MAX_RANK];
    attention a;
    anm_walk w;
    if (k->status != ANM_OK) return;
    if (!same_batch(t[0], t[1], t[2]) ||
        !mask_strides(t[3], t[0], t[1]->shape[t[1]->rank - 2], stride)) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "query, key, value and mask do not fit each other");
        return;
    }
    if (!load(k, t, &a)) return;
    int r = t[0]->rank;
    memcpy(shape, t[0]->shape, sizeof shape);
    shape[r - 1] = a.V;
    float *out = anm_k_out_floats(k, 0, r, shape);
    anm_walk_init(&w, r - 2, shape);
    anm_walk_add(&w, stride, 0);
    for (bool more = out && anm_walk_begin(&w); more; more = anm_walk_next(&w))
        for (int64_t i = 0; i < w.length; i++) {
            attend(&a, w.at[0] + i * w.step[0], stride[r - 2], stride[r - 1], out);
            out += a.L * a.V;
            a.q += a.L * a.E, a.k += a.S * a.E, a.v += a.S * a.V;
        }
}

const anm_kernel anm_kernels_attention[] = {
    {"scaled_dot_product_attention", attention_op, 0, NULL},
    {NULL, NULL, 0, NULL},
};
