/* SPDX-License-Identifier: MIT */
#include "src/convert/fp16range.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/half.h"
#include "src/base/log.h"
#include "src/convert/fp16bound.h"
#include "src/convert/residual.h"
#include "src/convert/tensors.h"

enum { PIECE = 1 << 14, MOST_SHIFT = 14, TOLD = 3 /* values of a kind that are named */ };

/* Another text may reach further than the one that was seen. */
#define MARGIN 4.0
static const double largest_half = 65504;

double anm_range_factor(const anm_recipe *r, anm_slot slot, int64_t layer) {
    if (slot < ANM_SLOT_LAYER_FIRST || !r->up_shift || !r->v_shift) return 1;
    switch (slot) {
    case ANM_SLOT_UP:
    case ANM_SLOT_UP_BIAS: return ldexp(1, -r->up_shift[layer]);
    case ANM_SLOT_DOWN: return ldexp(1, r->up_shift[layer]);
    case ANM_SLOT_V:
    case ANM_SLOT_V_BIAS: return ldexp(1, -r->v_shift[layer]);
    case ANM_SLOT_O: return ldexp(1, r->v_shift[layer]);
    default: return 1;
    }
}

static double peak_of(const anm_calibration *c, int64_t layer, const char *what) {
    char name[96];
    snprintf(name, sizeof name, "model.layers.%lld.%s", (long long)layer, what);
    for (size_t i = 0; i < anm_calibration_peak_count(c); i++)
        if (strcmp(anm_calibration_peak(c, i)->name, name) == 0)
            return anm_calibration_peak(c, i)->value;
    return 0;
}

/* The part of a value's name behind its layer's number; the whole name for the model's. */
static const char *kind_of(const char *name) {
    const char *layer = strstr(name, "model.layers.");
    const char *dot = layer ? strchr(layer + strlen("model.layers."), '.') : NULL;
    return dot ? dot + 1 : name;
}

static bool is_stream(const char *kind) {
    return strcmp(kind, "embedding") == 0 || strcmp(kind, "residual_attention") == 0 ||
           strcmp(kind, "residual_mlp") == 0 || strcmp(kind, "attention_out") == 0 ||
           strcmp(kind, "mlp_out") == 0;
}

static int shift_for(double peak) {
    int shift = 0;
    while (shift < MOST_SHIFT && isfinite(peak) && ldexp(peak, -shift) * MARGIN > largest_half)
        shift++;
    return shift;
}

/* How far a value is from where the forward pass has it. */
static double scale_of(const anm_recipe *r, const char *kind, int64_t layer) {
    if (is_stream(kind)) return r->residual_scale;
    if (strcmp(kind, "up") == 0 || strcmp(kind, "inner") == 0)
        return anm_range_factor(r, ANM_SLOT_UP, layer);
    if (strcmp(kind, "v") == 0 || strcmp(kind, "attention") == 0)
        return anm_range_factor(r, ANM_SLOT_V, layer);
    /* The graph scales queries before the product. */
    if (strcmp(kind, "scores") == 0) return 1 / sqrt((double)r->head_dim);
    return 1;
}

static anm_status choose_stream(anm_job *job, anm_error *err) {
    const anm_peak *most = NULL;
    const anm_calibration *c = job->calibration;
    for (size_t i = 0; i < anm_calibration_peak_count(c); i++) {
        const anm_peak *peak = anm_calibration_peak(c, i);
        if (is_stream(kind_of(peak->name)) && (!most || peak->value > most->value)) most = peak;
    }
    if (!most) return ANM_OK;
    double scale = anm_residual_scale(most->value * MARGIN);
    if (scale >= job->recipe.residual_scale) return ANM_OK;
    job->recipe.residual_scale = scale;
    return anm_report_warn(job->report, err,
                           "the residual stream reaches %.3g (%s): embeddings and what is added to "
                           "them are multiplied by %g, which changes nothing else", most->value,
                           most->name, scale);
}

static anm_status choose_shifts(anm_job *job, anm_error *err) {
    anm_recipe *r = &job->recipe;
    r->up_shift = anm_arena_array(job->arena, (size_t)r->layers, 1);
    r->v_shift = anm_arena_array(job->arena, (size_t)r->layers, 1);
    if (!r->up_shift || !r->v_shift) return anm_fail_memory(err);
    for (int64_t layer = 0; layer < r->layers; layer++) {
        double up = fmax(peak_of(job->calibration, layer, "up"),
                         peak_of(job->calibration, layer, "inner"));
        double v = fmax(peak_of(job->calibration, layer, "v"),
                        peak_of(job->calibration, layer, "attention"));
        r->up_shift[layer] = (int8_t)shift_for(up);
        r->v_shift[layer] = (int8_t)shift_for(v);
        if (r->up_shift[layer])
            ANM_TRY(anm_report_warn(job->report, err,
                                    "layer %lld: the MLP reaches %.3g between up_proj and "
                                    "down_proj; 2^%d moves from one to the other",
                                    (long long)layer, up, r->up_shift[layer]));
        if (r->v_shift[layer])
            ANM_TRY(anm_report_warn(job->report, err,
                                    "layer %lld: values reach %.3g between v_proj and o_proj; "
                                    "2^%d moves from one to the other", (long long)layer, v,
                                    r->v_shift[layer]));
    }
    return ANM_OK;
}

/* Weights whose fp16 value is not the scaled one's: it became subnormal, or too large. */
typedef struct loss {
    uint64_t weights, lost;
    float *before, *after;
} loss;

static anm_status count_loss(loss *l, const anm_job *job, anm_slot slot, int64_t layer,
                             anm_error *err) {
    char name[ANM_TENSOR_NAME];
    const anm_weight *weight;
    anm_family_tensor(job->recipe.family, slot, layer, name, sizeof name);
    ANM_TRY(anm_checkpoint_require(job->checkpoint, name, &weight, err));
    anm_recipe plain = job->recipe;
    plain.residual_scale = 1;
    plain.up_shift = plain.v_shift = NULL;
    const anm_weight a = anm_residual_weight(&plain, slot, layer, weight);
    const anm_weight b = anm_residual_weight(&job->recipe, slot, layer, weight);
    double ratio = (b.factor != 0 ? b.factor : 1) / (a.factor != 0 ? a.factor : 1);
    size_t n = (size_t)anm_shape_elements(weight->tensor->shape, weight->tensor->rank);
    for (size_t done = 0; ratio != 1 && done < n; done += PIECE) {
        size_t count = n - done < PIECE ? n - done : PIECE;
        anm_weight_floats(&a, done, count, l->before);
        anm_weight_floats(&b, done, count, l->after);
        anm_weight_drop(weight, done, count);
        l->weights += count;
        for (size_t i = 0; i < count; i++) {
            double x = (double)anm_half_to_float(anm_half_from_float(l->before[i]));
            double y = (double)anm_half_to_float(anm_half_from_float(l->after[i]));
            l->lost += isfinite(x) && y != x * ratio;
        }
    }
    return ANM_OK;
}

static anm_status count_losses(loss *l, const anm_job *job, anm_error *err) {
    const anm_recipe *r = &job->recipe;
    ANM_TRY(count_loss(l, job, ANM_SLOT_EMBEDDING, 0, err));
    for (int64_t layer = 0; layer < r->layers; layer++)
        for (int slot = ANM_SLOT_LAYER_FIRST; slot < ANM_SLOT_COUNT; slot++)
            if (r->has[slot]) ANM_TRY(count_loss(l, job, (anm_slot)slot, layer, err));
    return ANM_OK;
}

/* A power of two is exact but for what it pushes out of fp16's normal range. */
static anm_status tell_losses(anm_job *job, anm_error *err) {
    loss l = {.before = anm_realloc_array(NULL, PIECE, sizeof(float)),
              .after = anm_realloc_array(NULL, PIECE, sizeof(float))};
    anm_status status = l.before && l.after ? count_losses(&l, job, err) : anm_fail_memory(err);
    anm_free(l.before);
    anm_free(l.after);
    if (status != ANM_OK || !l.lost) return status;
    return anm_report_warn(job->report, err,
                           "%llu of %llu scaled weights lose digits, mostly as numbers below "
                           "fp16's normal range", (unsigned long long)l.lost,
                           (unsigned long long)l.weights);
}

static bool has_shifts(const anm_recipe *r) {
    for (int64_t layer = 0; layer < r->layers; layer++)
        if (r->up_shift[layer] || r->v_shift[layer]) return true;
    return false;
}

static anm_status tell_peaks(anm_job *job, anm_error *err) {
    size_t beyond = 0;
    for (size_t i = 0; i < anm_calibration_peak_count(job->calibration); i++) {
        const anm_peak *peak = anm_calibration_peak(job->calibration, i);
        const char *kind = kind_of(peak->name), *digits = peak->name + strlen("model.layers.");
        int64_t layer = kind != peak->name ? strtoll(digits, NULL, 10) : 0;
        double value = peak->value * scale_of(&job->recipe, kind, layer);
        if (value <= largest_half || beyond++ >= TOLD) continue;
        ANM_TRY(anm_report_warn(job->report, err, "%s reaches %.3g, beyond fp16's 65504",
                                peak->name, value));
    }
    if (beyond <= TOLD) return ANM_OK;
    return anm_report_warn(job->report, err, "%zu more values are beyond fp16's 65504",
                           beyond - TOLD);
}

/* What can be said without a text, for the log. */
static anm_status tell_bounds(const anm_job *job, anm_error *err) {
    char name[ANM_TENSOR_NAME];
    anm_range_bounds b;
    ANM_TRY(anm_range_bound(&job->recipe, job->checkpoint, &b, err));
    if (!b.layers) return ANM_OK;
    anm_family_tensor(job->recipe.family, b.slot, b.layer, name, sizeof name);
    anm_log_write(ANM_LOG_INFO,
                  "fp16: %zu of %zu linear layers behind norms cannot pass 65504 whatever the "
                  "input; the largest bound is %.3g (%s); gains of norms: %.3g to %.3g",
                  b.safe, b.layers, b.largest, name, b.least_gain, b.most_gain);
    return ANM_OK;
}

anm_status anm_job_fit_range(anm_job *job, anm_error *err) {
    if (!job->calibration) return ANM_OK;
    ANM_TRY(tell_bounds(job, err));
    if (job->options.rescale == ANM_CONVERT_RESCALE_AUTO) {
        double before = job->recipe.residual_scale;
        ANM_TRY(choose_stream(job, err));
        ANM_TRY(choose_shifts(job, err));
        if (job->recipe.residual_scale != before || has_shifts(&job->recipe))
            ANM_TRY(tell_losses(job, err));
    }
    return tell_peaks(job, err);
}
