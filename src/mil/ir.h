/* SPDX-License-Identifier: MIT */
/*
 * The MIL intermediate representation: what a CoreML ML Program says, as a graph in one arena.
 *
 * A program owns functions; a function has inputs, one block and attributes; a block has ops in
 * execution order and outputs; an op has named arguments, attributes, outputs, and (control flow)
 * nested blocks. Every value is defined once, before its uses. Nothing is freed on its own: all
 * memory belongs to the program's arena.
 *
 * The representation keeps what the file said (names, attribute or argument form, order), so that
 * it prints and writes back unchanged. It knows neither protobuf nor files: src/package and the
 * text parser build it, blobs being resolved to pointers into a mapping that outlives it.
 */
#ifndef ANM_MIL_IR_H
#define ANM_MIL_IR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "anemone/tensor.h"
#include "src/base/arena.h"
#include "src/base/str.h"

enum { ANM_DIM_UNKNOWN = -1 }; /* "?" in the text form */

typedef enum anm_mil_kind {
    ANM_MIL_TENSOR,
    ANM_MIL_STATE, /* items[0]: the wrapped tensor type */
    ANM_MIL_LIST,  /* items[0]: element type; shape[0]: length or ANM_DIM_UNKNOWN */
    ANM_MIL_TUPLE, /* items[0 .. count) */
    ANM_MIL_DICT   /* items[0]: key type, items[1]: value type */
} anm_mil_kind;

/* Types are immutable and compared by content: anm_mil_type_equal(). */
typedef struct anm_mil_type anm_mil_type;
struct anm_mil_type {
    anm_mil_kind kind;
    anm_dtype dtype; /* tensor */
    int rank;        /* tensor; -1: rank unknown */
    int64_t shape[ANM_MAX_RANK];
    const anm_mil_type *const *items;
    size_t count;
};

/* The value of a constant, an attribute or an inline argument. */
typedef struct anm_mil_literal anm_mil_literal;
struct anm_mil_literal {
    const anm_mil_type *type;
    /* Tensor of numbers: dense, sub-byte types packed; data may be unaligned. NULL otherwise, and
     * for a blob not resolved (a bundle without weights). */
    const void *data;
    size_t bytes;
    /* Tensor of strings: one slice per element. */
    const anm_sv *strings;
    /* List, tuple: elements. Dict: key, value, key, value. */
    const anm_mil_literal *const *items;
    size_t count; /* strings or items */
    /* Blob file as the program names it ("@model_path/weights/weight.bin"); NULL if immediate. */
    const char *blob_path;
    uint64_t blob_offset; /* of the blob's metadata */
};

typedef struct anm_mil_op anm_mil_op;
typedef struct anm_mil_block anm_mil_block;
typedef struct anm_mil_op_spec anm_mil_op_spec;

typedef struct anm_mil_value {
    const char *name;
    const anm_mil_type *type;
    anm_mil_op *def;                 /* NULL for inputs of functions and blocks */
    const anm_mil_literal *constant; /* the literal, when `def` is a const op; else NULL */
    uint32_t id;                     /* dense within the function, for side tables */
} anm_mil_value;

/* A use of a value, or a literal written inline. Exactly one is set; none: absent. */
typedef struct anm_mil_operand {
    anm_mil_value *value;
    const anm_mil_literal *literal;
} anm_mil_operand;

typedef struct anm_mil_arg {
    const char *name;
    anm_mil_operand *operands;
    size_t count; /* more than one: a variadic argument, `values = (a, b)` */
} anm_mil_arg;

typedef struct anm_mil_attr {
    const char *name;
    const anm_mil_literal *literal;
} anm_mil_attr;

struct anm_mil_op {
    const char *type;            /* "conv" */
    const anm_mil_op_spec *spec; /* NULL: not in the op table */
    anm_mil_arg *args;
    size_t arg_count;
    anm_mil_attr *attrs; /* "name", "val", and arguments of old constexpr ops */
    size_t attr_count;
    anm_mil_value **outputs;
    size_t output_count;
    anm_mil_block **blocks;
    size_t block_count;
    anm_mil_op *prev, *next; /* in its block */
};

struct anm_mil_block {
    anm_mil_value **inputs;
    size_t input_count;
    anm_mil_op *first, *last;
    anm_mil_value **outputs;
    size_t output_count;
    anm_mil_attr *attrs;
    size_t attr_count;
};

typedef struct anm_mil_function {
    const char *name;
    const char *opset; /* "CoreML8"; see anm_mil_opset_number */
    anm_mil_value **inputs; /* states among them, type kind ANM_MIL_STATE */
    size_t input_count;
    anm_mil_attr *attrs; /* FlexibleShapeInformation in text form */
    size_t attr_count;
    anm_mil_block *body;
    uint32_t value_count; /* ids are below this */
} anm_mil_function;

typedef struct anm_mil_program {
    anm_arena *arena;
    int64_t version;        /* of the protobuf; 1 */
    bool optimised;         /* may use ops that only the optimiser makes */
    int spec_version;       /* CoreML specification version: 6 iOS 15 ... 9 iOS 18; 0 unknown */
    int text_major, text_minor; /* "program(1.3)" as the text said it; 0, 0: not from text */
    anm_mil_function **functions;
    size_t function_count;
    anm_mil_attr *attrs; /* buildInfo */
    size_t attr_count;
} anm_mil_program;

/* An empty program with an arena of its own; NULL when memory is out. */
anm_mil_program *anm_mil_program_create(void);
void anm_mil_program_destroy(anm_mil_program *program); /* NULL is fine */
anm_mil_function *anm_mil_program_find(const anm_mil_program *program, const char *name);

/* 15 .. 18 for "CoreML5" .. "CoreML8" and "ios15" .. "ios18"; 26 for "CoreML9"; 0 if unknown. */
int anm_mil_opset_number(const char *opset);
/* The same opset as the text form and as the protobuf name it: "ios16" and "CoreML6" give each
 * other. An unknown one is given back as it is. */
const char *anm_mil_opset_tag(const char *opset);
const char *anm_mil_opset_name(const char *opset);

/* Types, allocated in the arena; NULL when memory is out. */
const anm_mil_type *anm_mil_type_tensor(anm_arena *arena, anm_dtype dtype, int rank,
                                        const int64_t *shape);
const anm_mil_type *anm_mil_type_compound(anm_arena *arena, anm_mil_kind kind,
                                          const anm_mil_type *const *items, size_t count,
                                          int64_t length);
bool anm_mil_type_equal(const anm_mil_type *a, const anm_mil_type *b);
/* Equal but for dimensions (or a rank) that one of them leaves unknown. */
bool anm_mil_type_compatible(const anm_mil_type *a, const anm_mil_type *b);
/* "tensor<fp16, [1, ?]>", "state<...>" for messages; returns `buffer`. */
const char *anm_mil_type_format(const anm_mil_type *type, char *buffer, size_t size);

/* Literals, allocated in the arena with a copy of the data; NULL when memory is out. */
const anm_mil_literal *anm_mil_literal_tensor(anm_arena *arena, anm_dtype dtype, int rank,
                                              const int64_t *shape, const void *data);
const anm_mil_literal *anm_mil_literal_string(anm_arena *arena, const char *text);
/* Elements of a literal tensor; 0 for other kinds. */
int64_t anm_mil_literal_elements(const anm_mil_literal *literal);
bool anm_mil_literal_equal(const anm_mil_literal *a, const anm_mil_literal *b);

/* Reading ops. An operand with neither value nor literal means absent. */
anm_mil_arg *anm_mil_op_arg(const anm_mil_op *op, const char *name); /* NULL if absent */
const anm_mil_literal *anm_mil_op_attr(const anm_mil_op *op, const char *name);
/* First operand of an argument; an attribute of that name counts (old constexpr ops). */
anm_mil_operand anm_mil_op_operand(const anm_mil_op *op, const char *name);
bool anm_mil_operand_present(anm_mil_operand operand);
const anm_mil_type *anm_mil_operand_type(anm_mil_operand operand); /* NULL if absent */
/* The literal, or the constant behind a value; NULL when only known at run time. */
const anm_mil_literal *anm_mil_operand_constant(anm_mil_operand operand);
/* The op's "name" attribute, or its first output's name, or its type. For messages. */
const char *anm_mil_op_label(const anm_mil_op *op);

/* Changing blocks. */
void anm_mil_block_append(anm_mil_block *block, anm_mil_op *op);
void anm_mil_block_insert_before(anm_mil_block *block, anm_mil_op *before, anm_mil_op *op);
void anm_mil_block_remove(anm_mil_block *block, anm_mil_op *op);

/* Calls visit for every op, nested blocks included, parents before children. False stops. */
typedef bool (*anm_mil_visit_fn)(void *context, anm_mil_op *op);
bool anm_mil_block_walk(anm_mil_block *block, anm_mil_visit_fn visit, void *context);

#endif
