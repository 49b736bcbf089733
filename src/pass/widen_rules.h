/* SPDX-License-Identifier: MIT */
/* What the files of the widening share: facts about values, and the rules that derive them. */
#ifndef ANM_PASS_WIDEN_RULES_H
#define ANM_PASS_WIDEN_RULES_H

#include "src/base/vec.h"
#include "src/pass/widen.h"

/* How far a value depends on what later rows have written to a state. */
typedef enum wide_columns {
    WIDE_PLAIN,  /* not at all */
    WIDE_MASK,   /* the mask itself */
    WIDE_OPEN,   /* scores of every column of a state, hidden ones too */
    WIDE_MASKED  /* scores with the mask added, or weights made of them */
} wide_columns;

typedef struct wide_fact {
    anm_wide_kind kind;
    int axis;      /* of the rows; the dimension is outer x rows x inner */
    int64_t outer;
    wide_columns columns;
    bool positions;             /* an input of positions, or its first */
    bool exact;                 /* POSITION: nothing was added */
    bool raw;                   /* STATE: all of it, not looked into yet */
    const anm_mil_value *state; /* STATE: which, and when it was so */
    size_t moment;
} wide_fact;

/* A box of a state that is read as it was at a moment, or written then. */
typedef struct wide_access {
    const anm_mil_value *state;
    size_t moment;
    bool write;
    int64_t begin[ANM_MAX_RANK], end[ANM_MAX_RANK];
} wide_access;

typedef struct widener {
    anm_flow *g;
    int64_t from, to;
    wide_fact *facts; /* by value id */
    size_t fact_count;
    ANM_VEC(wide_access) accesses;
    size_t moment; /* number of the op at hand */
    const char *why; /* of a refusal */
    bool out_of_memory;
} widener;

static inline wide_fact widen_fact(const widener *w, const anm_mil_value *value) {
    return value && value->id < w->fact_count ? w->facts[value->id] : (wide_fact){0};
}
static inline wide_fact widen_arg(const widener *w, const anm_mil_op *op, const char *name) {
    return widen_fact(w, anm_arg_value(op, name));
}
static inline bool widen_refuse(widener *w, const char *why) {
    w->why = why;
    return false;
}
/* The dimension that holds rows is rows alone. */
static inline bool widen_is_simple(const widener *w, const anm_mil_value *value, wide_fact f) {
    return f.outer == 1 && value->type->shape[f.axis] == w->to;
}

/* Gives the argument a new value; NULL is out of memory. */
bool widen_set_arg(widener *w, anm_mil_op *op, const char *name, anm_mil_value *value);
/* A state's contents are read in this box, or in all of it (begin NULL). */
bool widen_reads(widener *w, wide_fact f, const int64_t *begin, const int64_t *end);
/* After the walk: nothing was read for all rows before it was written. */
bool widen_reads_follow_writes(widener *w);

/*
 * A rule derives the fact of the op's outputs from those of its arguments, whose types are the wide
 * ones already (the outputs' are not), and rewrites constants that hold the number of rows. False:
 * refused, or out of memory.
 */
typedef bool (*widen_rule)(widener *w, anm_mil_op *op, wide_fact *out);
typedef struct widen_rule_of {
    const char *type;
    widen_rule rule;
} widen_rule_of;
extern const widen_rule_of widen_rules_of_moves[], widen_rules_of_math[], widen_rules_of_states[];

#endif
