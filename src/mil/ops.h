/* SPDX-License-Identifier: MIT */
/*
 * The op table: each MIL op declared once. The validator, the builder, the accessors with their
 * defaults, `anemone ops` and docs/ops.md all read it. The meaning of an op is its kernel in
 * src/interp.
 */
#ifndef ANM_MIL_OPS_H
#define ANM_MIL_OPS_H

#include "src/mil/ir.h"

/* What an argument accepts. TYPES are or-ed; FORM flags say how it may be given. */
enum {
    ANM_ARG_FP16 = 1 << 0,
    ANM_ARG_FP32 = 1 << 1,
    ANM_ARG_INT32 = 1 << 2,
    ANM_ARG_INT16 = 1 << 3,
    ANM_ARG_UINT16 = 1 << 4,
    ANM_ARG_INT8 = 1 << 5,
    ANM_ARG_UINT8 = 1 << 6,
    ANM_ARG_BOOL = 1 << 7,
    ANM_ARG_STRING = 1 << 8,
    ANM_ARG_SUBBYTE = 1 << 9, /* int4, uint1, uint2, uint3, uint4, uint6 */
    ANM_ARG_WIDE = 1 << 10,   /* uint32, int64, uint64, fp64, bf16, fp8 */
    ANM_ARG_STATE = 1 << 11,
    ANM_ARG_LIST = 1 << 12,
    ANM_ARG_FLOAT = ANM_ARG_FP16 | ANM_ARG_FP32,
    ANM_ARG_INT = ANM_ARG_INT32 | ANM_ARG_INT16 | ANM_ARG_UINT16 | ANM_ARG_INT8 | ANM_ARG_UINT8,
    ANM_ARG_NUMBER = ANM_ARG_FLOAT | ANM_ARG_INT,
    ANM_ARG_ANY = 0x1fff,

    ANM_ARG_OPTIONAL = 1 << 16, /* may be absent; the default is in the spec, if any */
    ANM_ARG_CONST = 1 << 17,    /* must be known when the program is loaded */
    ANM_ARG_VARIADIC = 1 << 18, /* `values = (a, b)` */
    ANM_ARG_SCALAR = 1 << 19,   /* rank 0 (a rank-1 tensor with one element is tolerated) */
    ANM_ARG_VECTOR = 1 << 20    /* rank 1 */
};

typedef enum anm_mil_default_kind {
    ANM_DEFAULT_NONE, /* absent means absent */
    ANM_DEFAULT_INT,  /* for a vector argument: every element */
    ANM_DEFAULT_FLOAT,
    ANM_DEFAULT_BOOL,
    ANM_DEFAULT_STRING
} anm_mil_default_kind;

typedef struct anm_mil_arg_spec {
    const char *name;
    unsigned accepts;
    anm_mil_default_kind default_kind;
    double default_number;
    const char *default_text;
} anm_mil_arg_spec;

/* What a type rule gets and gives. */
typedef struct anm_mil_infer {
    anm_arena *arena;
    const anm_mil_type **outputs; /* output_count entries for the rule to fill; NULL: any type */
    size_t output_count;          /* as the op declares; rules with a fixed count check it */
    char message[256];            /* why the rule refuses */
} anm_mil_infer;

/*
 * Computes the output types from the arguments (which passed the argument checks: present,
 * accepted type, constant where required). Dimensions that depend on run-time values are
 * ANM_DIM_UNKNOWN. False, with a message, when the arguments do not fit each other.
 */
typedef bool (*anm_mil_type_rule)(const anm_mil_op *op, anm_mil_infer *infer);

enum {
    ANM_OP_STATEFUL = 1,    /* order matters: not removed, not moved */
    ANM_OP_CONSTEXPR = 2,   /* all arguments constant: evaluated at load */
    ANM_OP_BLOCKS = 4,      /* has nested blocks */
    ANM_OP_INTERNAL = 8     /* made by the optimiser; not in packages */
};

struct anm_mil_op_spec {
    const char *name;
    int opset;          /* first that has it: 15 .. 18 */
    int output_count;   /* -1: several (split) */
    unsigned flags;
    const anm_mil_arg_spec *args;
    size_t arg_count;
    anm_mil_type_rule rule;
    const char *doc; /* one line */
};

/* NULL if the table has no such op. */
const anm_mil_op_spec *anm_mil_op_spec_find(const char *name);
/* The whole table, sorted by name. */
const anm_mil_op_spec *anm_mil_op_spec_at(size_t index); /* NULL past the end */
const anm_mil_arg_spec *anm_mil_op_spec_arg(const anm_mil_op_spec *spec, const char *name);

/*
 * Constant arguments with the table's defaults. False when the argument is only known at run
 * time, has another type, or is absent without a default.
 */
bool anm_mil_op_get_int(const anm_mil_op *op, const char *name, int64_t *out);
bool anm_mil_op_get_float(const anm_mil_op *op, const char *name, double *out);
bool anm_mil_op_get_bool(const anm_mil_op *op, const char *name, bool *out);
bool anm_mil_op_get_string(const anm_mil_op *op, const char *name, const char **out);
/*
 * Integers or bools of a rank-1 (or scalar) argument. `count` in: how many a default is repeated
 * for (-1: a default is not used); out: how many there are, at most `capacity`.
 */
bool anm_mil_op_get_ints(const anm_mil_op *op, const char *name, int64_t *out, int capacity,
                         int *count);

/*
 * Element `index` of a tensor literal of integers or bools. False when it is NULL, another kind,
 * without data, or has less data than its type says.
 */
bool anm_mil_literal_int(const anm_mil_literal *literal, int64_t index, int64_t *out);

/*
 * Fills infer->outputs for `op` by its rule. Arguments are checked against the spec first. False
 * with infer->message set when they do not fit. Needs op->spec.
 */
bool anm_mil_infer_types(const anm_mil_op *op, anm_mil_infer *infer);

/* Checks presence, accepted types and constness of every argument; message as above. */
bool anm_mil_check_args(const anm_mil_op *op, char *message, size_t size);

#endif
