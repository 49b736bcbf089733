/* SPDX-License-Identifier: MIT */
/* Activations with parameters, shared by the activation and the recurrent kernels. */
#ifndef ANM_INTERP_ACTIVATION_H
#define ANM_INTERP_ACTIVATION_H

typedef enum anm_activation {
    ANM_ACT_LINEAR, /* alpha x + beta */
    ANM_ACT_RELU,
    ANM_ACT_TANH,
    ANM_ACT_SCALED_TANH, /* alpha tanh(beta x) */
    ANM_ACT_SIGMOID,
    ANM_ACT_HARD_SIGMOID, /* alpha x + beta within 0 .. 1 */
    ANM_ACT_CLAMPED_RELU,
    ANM_ACT_ELU,
    ANM_ACT_LEAKY_RELU,
    ANM_ACT_THRESHOLDED_RELU,
    ANM_ACT_SOFTPLUS /* alpha log(1 + e^(beta x)) */
} anm_activation;

double anm_activate(anm_activation a, double x, double alpha, double beta);

#endif
