/* SPDX-License-Identifier: MIT */
/* A recurrent layer as it is run (step_recurrent.c) and read from an op (step_cell.c). */
#ifndef ANM_CPU_STEP_RECURRENT_H
#define ANM_CPU_STEP_RECURRENT_H

#include "src/cpu/planner.h"

typedef enum anm_recurrent_kind {
    ANM_RECURRENT_LSTM,
    ANM_RECURRENT_GRU,
    ANM_RECURRENT_RNN
} anm_recurrent_kind;

typedef struct anm_recurrent_act {
    anm_unary_kind kind; /* KINDS: none */
    bool parametric;
    float a, b;
} anm_recurrent_act;

/* Weights of one direction, turned: [input or hidden, gates hidden]. */
typedef struct anm_recurrent_way {
    const float *ih, *hh, *x_bias, *h_bias; /* biases may be NULL */
    const float *peephole;                  /* of lstm, for gates i, f, o; or NULL */
} anm_recurrent_way;

typedef struct anm_recurrent {
    anm_recurrent_kind kind;
    int64_t steps, batch, input, hidden;
    int gates, ways;
    bool reverse, sequence, reset_after;
    float clip; /* of lstm's memory; 0: none */
    anm_recurrent_act gate, cell, out;
    anm_recurrent_way way[2];
    anm_lie x, initial_h, initial_c; /* dense; initial_c only of lstm, else block -1 */
    anm_lie sums, states;            /* of the workspace */
    anm_lie all, final, memory;      /* memory only of lstm */
} anm_recurrent;

/* Plans the two steps. */
void anm_recurrent_add(anm_planner *p, const anm_mil_op *op, anm_recurrent *r);
/* A constant [rows, columns] as fp32 [columns, rows]; NULL after a failure, or if it is none. */
const float *anm_recurrent_turned(anm_planner *p, anm_mil_operand operand, int64_t rows,
                                  int64_t columns);

#endif
