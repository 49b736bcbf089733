/* SPDX-License-Identifier: MIT */
/*
 * A function under optimisation: a copy that passes may change, and the few operations they are
 * written with. Literals are shared with the program that was copied, which must stay.
 *
 * A pass walks the ops once, in order (anm_flow_walk). It never changes an op that others see in
 * another form: it inserts new ops and says that a value is to be replaced; later uses are
 * rewritten as the walk reaches them, and what nobody needs any more goes with the next
 * anm_flow_sweep. So a pattern may be matched by looking backwards from its last op.
 */
#ifndef ANM_PASS_FLOW_H
#define ANM_PASS_FLOW_H

#include "src/mil/builder.h"
#include "src/mil/ops.h"

typedef struct anm_constants anm_constants; /* constants.h */

typedef struct anm_flow {
    anm_mil_program *program; /* owns the copy */
    anm_mil_function *function;
    anm_mil_builder builder;
    /* By value id: what replaces it; how many operands (and outputs) use it. */
    anm_mil_value **replaced;
    uint32_t *uses;
    size_t capacity;
    anm_mil_op *at; /* the op at hand: new ops go before it */
    const char *const *output_names;
    void *context; /* of the pass at work */
    anm_constants *constants; /* of all plans of the function; NULL: this one's alone */
    size_t copied;            /* bytes of constants that were made anew for this one */
} anm_flow;

/*
 * Copies a function without nested blocks. `inputs` (by position; may be NULL) gives shapes for
 * inputs whose dimensions are unknown. ANM_ERROR_UNSUPPORTED if there are blocks, lists or unknown
 * ops; ANM_ERROR_MEMORY.
 */
ANM_MUST_CHECK anm_status anm_flow_copy(const anm_mil_function *function,
                                         const anm_tensor *const *inputs, anm_flow *out,
                                         anm_error *err);
void anm_flow_free(anm_flow *g); /* a graph of zeros is fine */

/* Visits each op once; false from `visit` stops. Gives the builder's status. */
typedef bool (*anm_flow_visit)(anm_flow *g, anm_mil_op *op);
ANM_MUST_CHECK anm_status anm_flow_walk(anm_flow *g, anm_flow_visit visit, anm_error *err);
/* Removes ops whose results nobody uses; gives how many. */
size_t anm_flow_sweep(anm_flow *g);

/* From here on `value` is `by`. NULL (after a failed insertion) changes nothing. */
void anm_flow_replace(anm_flow *g, anm_mil_value *value, anm_mil_value *by);
/* The op's output 0 is `by`. */
void anm_flow_replace_op(anm_flow *g, anm_mil_op *op, anm_mil_value *by);

/* Inserts an op with one output before the one at hand. */
#define anm_flow_emit(g, type, name, ...)                                                         \
    anm_flow_insert((g), (type), (name), (const anm_mil_binding[]){__VA_ARGS__},                  \
                     sizeof((const anm_mil_binding[]){__VA_ARGS__}) / sizeof(anm_mil_binding))
anm_mil_value *anm_flow_insert(anm_flow *g, const char *type, const char *name,
                                const anm_mil_binding *bindings, size_t count);
/* The same for an op with several outputs. */
bool anm_flow_insert_multi(anm_flow *g, const char *type, const char *name,
                           const anm_mil_binding *bindings, size_t count, anm_mil_value **outputs,
                           size_t output_count);
/* An op without outputs. */
bool anm_flow_insert_effect(anm_flow *g, const char *type, const char *name,
                             const anm_mil_binding *bindings, size_t count);
/* Constants before the op at hand. */
anm_mil_value *anm_flow_ints(anm_flow *g, const char *name, int count, const int64_t *values);
/* `data` is used where it lies and must stay (constants.h). */
anm_mil_value *anm_flow_constant(anm_flow *g, const char *name, anm_dtype dtype, int rank,
                                 const int64_t *shape, const void *data);
anm_mil_value *anm_flow_int(anm_flow *g, const char *name, int64_t value);
anm_mil_value *anm_flow_float(anm_flow *g, const char *name, double value);
anm_mil_value *anm_flow_bool(anm_flow *g, const char *name, bool value);
anm_mil_value *anm_flow_string(anm_flow *g, const char *name, const char *text);
/* reshape to a type's shape, or the value itself if it has that shape. */
anm_mil_value *anm_flow_reshape(anm_flow *g, anm_mil_value *value, int rank,
                                 const int64_t *shape);
anm_mil_value *anm_flow_transpose(anm_flow *g, anm_mil_value *value, const int64_t *perm);

/* Reading patterns. NULL and false when it is not so. */
bool anm_is_op(const anm_mil_op *op, const char *type);
/* An argument's value if it is computed at run time or by a constexpr op; NULL for literals. */
anm_mil_value *anm_arg_value(const anm_mil_op *op, const char *name);
/* The op that gives the argument, if it is of this type. */
anm_mil_op *anm_arg_def(const anm_mil_op *op, const char *name, const char *type);
/* The op that gives the value, if it is of this type. */
anm_mil_op *anm_value_def(const anm_mil_value *value, const char *type);
/* The number in a constant with one element, or whose elements are all equal. */
bool anm_operand_number(anm_mil_operand operand, double *out);
/* Of a commutative op: `constant` is the number, the result the other operand's value. */
anm_mil_value *anm_other_operand(const anm_mil_op *op, double *constant);
bool anm_is_constant(const anm_mil_value *value); /* const or constexpr */
bool anm_same_shape(const anm_mil_type *a, const anm_mil_type *b);
int64_t anm_type_elements(const anm_mil_type *type);
/* Whether the type can say every place in `n` elements. */
bool anm_holds_places(anm_dtype dtype, int64_t n);

#endif
