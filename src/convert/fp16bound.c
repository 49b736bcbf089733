/* SPDX-License-Identifier: MIT */
#include "src/convert/fp16bound.h"

#include <math.h>

#include "src/base/alloc.h"
#include "src/convert/residual.h"
#include "src/convert/tensors.h"

typedef struct scan {
    const anm_recipe *recipe;
    const anm_checkpoint *checkpoint;
    anm_range_bounds *out;
    float *gains, *row;
} scan;

/* A linear layer behind a norm. */
typedef struct link {
    anm_slot weight, bias, norm;
} link;

static const link links[] = {
    {ANM_SLOT_Q, ANM_SLOT_Q_BIAS, ANM_SLOT_INPUT_NORM},
    {ANM_SLOT_K, ANM_SLOT_K_BIAS, ANM_SLOT_INPUT_NORM},
    {ANM_SLOT_V, ANM_SLOT_V_BIAS, ANM_SLOT_INPUT_NORM},
    {ANM_SLOT_GATE, ANM_SLOT_GATE_BIAS, ANM_SLOT_MLP_NORM},
    {ANM_SLOT_UP, ANM_SLOT_UP_BIAS, ANM_SLOT_MLP_NORM},
};

static anm_status find(const scan *s, anm_slot slot, int64_t layer, anm_weight *out,
                       anm_error *err) {
    char name[ANM_TENSOR_NAME];
    const anm_weight *weight;
    anm_family_tensor(s->recipe->family, slot, layer, name, sizeof name);
    ANM_TRY(anm_checkpoint_require(s->checkpoint, name, &weight, err));
    *out = anm_residual_weight(s->recipe, slot, layer, weight);
    return ANM_OK;
}

static anm_status read_gains(scan *s, anm_slot slot, int64_t layer, anm_error *err) {
    anm_weight w;
    ANM_TRY(find(s, slot, layer, &w, err));
    anm_weight_floats(&w, 0, (size_t)s->recipe->hidden, s->gains);
    for (int64_t i = 0; i < s->recipe->hidden; i++) {
        double gain = fabs((double)s->gains[i]);
        if (gain < s->out->least_gain) s->out->least_gain = gain;
        if (gain > s->out->most_gain) s->out->most_gain = gain;
    }
    return ANM_OK;
}

/* The largest bound of the layer's outputs. */
static anm_status bound_of(const scan *s, const link *l, int64_t layer, double *out,
                           anm_error *err) {
    anm_weight w, b = {0};
    size_t n = (size_t)s->recipe->hidden;
    ANM_TRY(find(s, l->weight, layer, &w, err));
    if (s->recipe->has[l->bias]) ANM_TRY(find(s, l->bias, layer, &b, err));
    *out = 0;
    for (size_t r = 0; r < (size_t)w.tensor->shape[0]; r++) {
        double squares = 0;
        float bias = 0;
        anm_weight_floats(&w, r * n, n, s->row);
        if (b.tensor) anm_weight_floats(&b, r, 1, &bias);
        for (size_t i = 0; i < n; i++) {
            double v = (double)s->row[i] * (double)s->gains[i];
            squares += v * v;
        }
        double bound = sqrt((double)n * squares) + fabs((double)bias);
        if (bound > *out) *out = bound;
    }
    anm_weight_drop(&w, 0, n * (size_t)w.tensor->shape[0]);
    return ANM_OK;
}

static anm_status scan_layer(scan *s, int64_t layer, anm_error *err) {
    anm_slot norm = ANM_SLOT_COUNT;
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        double bound;
        if (!s->recipe->has[links[i].weight]) continue;
        if (norm != links[i].norm) ANM_TRY(read_gains(s, links[i].norm, layer, err));
        norm = links[i].norm;
        ANM_TRY(bound_of(s, &links[i], layer, &bound, err));
        s->out->layers++;
        s->out->safe += bound <= 65504;
        if (bound <= s->out->largest) continue;
        s->out->largest = bound;
        s->out->slot = links[i].weight;
        s->out->layer = layer;
    }
    return ANM_OK;
}

anm_status anm_range_bound(const anm_recipe *recipe, const anm_checkpoint *checkpoint,
                           anm_range_bounds *out, anm_error *err) {
    scan s = {.recipe = recipe, .checkpoint = checkpoint, .out = out};
    *out = (anm_range_bounds){.least_gain = INFINITY};
    s.gains = anm_realloc_array(NULL, (size_t)recipe->hidden, sizeof *s.gains);
    s.row = anm_realloc_array(NULL, (size_t)recipe->hidden, sizeof *s.row);
    anm_status status = s.gains && s.row ? ANM_OK : anm_fail_memory(err);
    for (int64_t layer = 0; layer < recipe->layers && status == ANM_OK; layer++)
        status = scan_layer(&s, layer, err);
    anm_free(s.gains);
    anm_free(s.row);
    return status;
}
