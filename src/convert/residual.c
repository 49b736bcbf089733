/* SPDX-License-Identifier: MIT */
/* The residual stream's bound, its scale, and what the scale does to weights and epsilons. */
#include "src/convert/residual.h"

#include <math.h>

#include "src/base/alloc.h"
#include "src/base/half.h"
#include "src/convert/fp16range.h"

enum { PIECE = 1 << 16 /* values looked at together */ };

static const double largest_half = 65504, smallest_half = 0x1p-24;

/*
 * transformers rounds sqrt(hidden_size) to the element type of the embeddings, and so did the
 * training: 25.25 for 640 in bf16.
 */
static double embedding_scale(const anm_recipe *r, const anm_weight *weight) {
    double root = sqrt((double)r->hidden);
    if (weight->coding) return root;
    switch (weight->tensor->dtype) {
    case ANM_DTYPE_BF16: return (double)anm_bf16_to_float(anm_bf16_from_float((float)root));
    case ANM_DTYPE_FP16: return (double)anm_half_to_float(anm_half_from_double(root));
    default: return (double)(float)root;
    }
}

static bool is_norm(anm_slot slot) {
    switch (slot) {
    case ANM_SLOT_FINAL_NORM:
    case ANM_SLOT_INPUT_NORM:
    case ANM_SLOT_Q_NORM:
    case ANM_SLOT_K_NORM:
    case ANM_SLOT_POST_ATTENTION_NORM:
    case ANM_SLOT_MLP_NORM:
    case ANM_SLOT_POST_MLP_NORM: return true;
    default: return false;
    }
}

/* Whether the slot's product is what is added to the stream. */
static bool feeds_stream(const anm_recipe *r, anm_slot slot) {
    bool norms = r->family->post_norms;
    switch (slot) {
    case ANM_SLOT_EMBEDDING: return true;
    case ANM_SLOT_POST_ATTENTION_NORM:
    case ANM_SLOT_POST_MLP_NORM: return norms;
    case ANM_SLOT_O:
    case ANM_SLOT_O_BIAS:
    case ANM_SLOT_DOWN:
    case ANM_SLOT_DOWN_BIAS: return !norms;
    default: return false;
    }
}

anm_weight anm_residual_weight(const anm_recipe *r, anm_slot slot, int64_t layer,
                               const anm_weight *weight) {
    anm_weight w = *weight;
    double factor = feeds_stream(r, slot) ? r->residual_scale : 1;
    factor *= anm_range_factor(r, slot, layer);
    if (slot == ANM_SLOT_EMBEDDING && r->family->scaled_embedding)
        factor *= embedding_scale(r, weight);
    if (is_norm(slot) && r->family->norm_adds_one) w.offset = 1;
    if (factor != 1 || w.offset != 0) w.factor = factor;
    return w;
}

/*
 * fp16 has no numbers below 2^-24, where coremltools ends too: never 0, which would divide zeros by
 * zero.
 */
double anm_residual_epsilon(const anm_recipe *r, anm_slot slot) {
    double epsilon = r->config.rms_norm_eps, s = r->residual_scale;
    bool of_stream = slot == ANM_SLOT_INPUT_NORM || slot == ANM_SLOT_MLP_NORM ||
                     slot == ANM_SLOT_FINAL_NORM;
    return fmax(of_stream ? s * s * epsilon : epsilon, smallest_half);
}

static double largest_of(const float *values, size_t count) {
    float most = 0;
    for (size_t i = 0; i < count; i++) most = fmaxf(most, fabsf(values[i]));
    return (double)most;
}

/* The largest magnitude that the graph will see of a slot's weight. */
static anm_status largest(const anm_recipe *r, const anm_checkpoint *checkpoint, anm_slot slot,
                          int64_t layer, float *values, double *out, anm_error *err) {
    char name[ANM_TENSOR_NAME];
    const anm_weight *stored;
    anm_family_tensor(r->family, slot, layer, name, sizeof name);
    ANM_TRY(anm_checkpoint_require(checkpoint, name, &stored, err));
    const anm_weight w = anm_residual_weight(r, slot, layer, stored);
    size_t count = (size_t)anm_shape_elements(w.tensor->shape, w.tensor->rank);
    *out = 0;
    for (size_t done = 0; done < count; done += PIECE) {
        size_t n = count - done < PIECE ? count - done : PIECE;
        anm_weight_floats(&w, done, n, values);
        *out = fmax(*out, largest_of(values, n));
        anm_weight_drop(&w, done, n);
    }
    return ANM_OK;
}

static anm_status add_up(const anm_recipe *r, const anm_checkpoint *checkpoint, float *values,
                         double *out, anm_error *err) {
    static const anm_slot norms[] = {ANM_SLOT_POST_ATTENTION_NORM, ANM_SLOT_POST_MLP_NORM};
    double most;
    ANM_TRY(largest(r, checkpoint, ANM_SLOT_EMBEDDING, 0, values, out, err));
    for (int64_t layer = 0; layer < r->layers; layer++)
        for (int i = 0; i < 2; i++) {
            ANM_TRY(largest(r, checkpoint, norms[i], layer, values, &most, err));
            *out += most * sqrt((double)r->hidden);
        }
    return ANM_OK;
}

anm_status anm_residual_bound(const anm_recipe *recipe, const anm_checkpoint *checkpoint,
                              double *out, anm_error *err) {
    anm_recipe unscaled = *recipe;
    *out = 0;
    if (!recipe->family->post_norms) return ANM_OK;
    float *values = anm_malloc_aligned(PIECE * sizeof *values);
    if (!values) return anm_fail_memory(err);
    unscaled.residual_scale = 1;
    anm_status status = add_up(&unscaled, checkpoint, values, out, err);
    anm_free(values);
    return status;
}

double anm_residual_scale(double bound) {
    double scale = 1;
    if (!isfinite(bound)) return scale; /* such weights are refused anyway */
    while (scale * bound > largest_half && scale > 0x1p-14) scale /= 2;
    return scale;
}
