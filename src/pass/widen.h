/* SPDX-License-Identifier: MIT */
/*
 * A function for a fixed number of rows (tokens at a time), rewritten for a multiple of it, where
 * that is provable: one call of the wide function gives what several calls of the original give,
 * one after the other, each on its part of the rows and at the position where the one before ended.
 * Or for a part of it that divides it: what is proved holds in either direction, so that several
 * calls of the narrow function give what one of the original gives.
 *
 * What is followed through the function is the dimension that holds the rows. Every op must keep
 * rows apart (computing one row from others of the same call is refused), rows may be written to a
 * state at the first row's position on, and a state may be read for all rows only after they were
 * written, through scores to which the mask is added: rows further on, which a call of the original
 * would not find there yet, are what the mask hides. Anything else is refused.
 *
 * The positions of the rows are taken to be ascending, as they are where one row is looked for by
 * the highest of them.
 */
#ifndef ANM_PASS_WIDEN_H
#define ANM_PASS_WIDEN_H

#include "src/pass/flow.h"

typedef enum anm_wide_kind {
    ANM_WIDE_FIXED,    /* the same in every call */
    ANM_WIDE_ROWS,     /* a dimension holds the rows */
    ANM_WIDE_LAST,     /* of the last row alone: what the last of the calls gives */
    ANM_WIDE_FIRST,    /* of the first row alone: what the first of the calls gives */
    ANM_WIDE_POSITION, /* that of the first row */
    ANM_WIDE_HIGHEST,  /* of the rows' positions */
    ANM_WIDE_INDEX,    /* where among the rows the highest position is */
    ANM_WIDE_STATE     /* a state, or a part of it, as it was at a moment */
} anm_wide_kind;

/* What an input is: its rows' dimension, and what the proof needs to know of its content. */
typedef struct anm_wide_input {
    anm_wide_kind kind; /* FIXED, ROWS or POSITION; not looked at for states */
    int axis;
    bool positions; /* of the rows, by rows */
    bool mask;      /* added to scores, it hides the columns of later rows */
} anm_wide_input;

typedef struct anm_widening {
    const anm_wide_input *inputs; /* by position */
    int64_t from, to;             /* rows: as they are, and a multiple or a part of that */
} anm_widening;

/*
 * `out` gets the wide function (out->function, to be released by anm_flow_free), and `outputs`, by
 * position, what its outputs are: ROWS (all rows), LAST, FIRST or FIXED. ANM_ERROR_UNSUPPORTED,
 * naming the op at fault, where the proof fails.
 */
ANM_MUST_CHECK anm_status anm_widen(const anm_mil_function *function, const anm_widening *widening,
                                    anm_flow *out, anm_wide_kind *outputs, anm_error *err);

#endif
