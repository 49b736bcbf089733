/* SPDX-License-Identifier: MIT */
/* What the files of src/forward share. */
#ifndef ANM_FORWARD_FORWARD_INTERNAL_H
#define ANM_FORWARD_FORWARD_INTERNAL_H

#include "src/forward/forward_model.h"

/* The tensors of a layer; the table with their names and shapes is in forward_open.c. */
typedef enum anm_forward_slot {
    ANM_FORWARD_INPUT_NORM,
    ANM_FORWARD_Q,
    ANM_FORWARD_Q_BIAS,
    ANM_FORWARD_K,
    ANM_FORWARD_K_BIAS,
    ANM_FORWARD_V,
    ANM_FORWARD_V_BIAS,
    ANM_FORWARD_Q_NORM,
    ANM_FORWARD_K_NORM,
    ANM_FORWARD_O,
    ANM_FORWARD_O_BIAS,
    ANM_FORWARD_POST_ATTENTION_NORM,
    ANM_FORWARD_MLP_NORM,
    ANM_FORWARD_GATE,
    ANM_FORWARD_GATE_BIAS,
    ANM_FORWARD_UP,
    ANM_FORWARD_UP_BIAS,
    ANM_FORWARD_DOWN,
    ANM_FORWARD_DOWN_BIAS,
    ANM_FORWARD_POST_MLP_NORM,
    ANM_FORWARD_SLOTS
} anm_forward_slot;

/* NULL: the model has no such tensor. */
typedef struct anm_forward_layer {
    const anm_weight *weights[ANM_FORWARD_SLOTS];
} anm_forward_layer;

struct anm_forward {
    anm_hf_config config;
    anm_checkpoint *checkpoint;
    int64_t head_dim; /* the family's default applied */
    /* What families differ in beyond their tensors; caps: 0 for none. */
    float gain_offset, embedding_scale, score_scale, score_cap, logit_cap;
    bool gelu;    /* with tanh, in the place of silu */
    bool windows; /* config's sliding layers see config's window, and rotate by its local_rope */
    const anm_weight *embedding, *norm, *head;
    anm_forward_layer *layers;
};

/* Sequences that go through a layer together, and the space for it: [rows, size] each. */
typedef struct anm_forward_group {
    const anm_forward *forward;
    const anm_forward_hooks *hooks;
    const anm_forward_sequence *sequences;
    size_t count;   /* sequences */
    int64_t rows;   /* their tokens */
    float *hidden;  /* the residual stream, in and out */
    float *x;       /* normalised input; output of o and down */
    float *q, *k, *v, *mixed, *scores, *gate, *up;
    const float *cosines, *sines; /* of the layer: [positions, head_dim / 2] */
    int64_t window;               /* of the layer: tokens that one sees, itself included; 0: all */
    int threads;
    anm_error *err;
} anm_forward_group;

/*
 * y [rows, outputs] = x [rows, inputs] W' + bias; the hooks see x, and may replace W. `bias` may be
 * NULL.
 */
ANM_MUST_CHECK anm_status anm_forward_linear(const anm_forward_group *g, const anm_weight *weight,
                                             const anm_weight *bias, const float *x, float *y);
/* The linear hook alone. */
ANM_MUST_CHECK anm_status anm_forward_show_input(const anm_forward_group *g,
                                                 const anm_weight *weight, const float *x);
/* `count` elements from `first` on, as fp32. */
void anm_forward_read(const anm_weight *weight, int64_t first, int64_t count, float *out);
/* Lets go of its pages. */
void anm_forward_drop(const anm_weight *weight);

/* Whether a layer sees a window only. */
static inline bool anm_forward_is_local(const anm_forward *f, int64_t layer) {
    return f->windows && anm_hf_config_is_sliding(&f->config, layer);
}
/* cap * tanh(x / cap) of each value. */
void anm_forward_cap(float *x, int64_t count, float cap);

/* out = x / sqrt(mean(x^2) + eps) * (offset + weight) for each row; out may be x. */
ANM_MUST_CHECK anm_status anm_forward_norm(const anm_forward_group *g, const anm_weight *weight,
                                           const float *x, int64_t rows, int64_t columns,
                                           float *out);

/* Tables of positions * head_dim / 2 values, YaRN's attention factor included. */
void anm_forward_rope_tables(const anm_hf_rope *rope, int64_t head_dim, int64_t positions,
                             float *cosines, float *sines);

/* One layer: g->hidden in and out. */
ANM_MUST_CHECK anm_status anm_forward_layer_run(const anm_forward_group *g, int64_t layer);
/* g->q, k, v, already rotated, to g->mixed and g->scores. */
ANM_MUST_CHECK anm_status anm_forward_attend(const anm_forward_group *g);

#endif
