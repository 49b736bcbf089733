/* SPDX-License-Identifier: MIT */
/*
 * Writing MIL programs from C. Output types come from the op table's rules, so what is built
 * validates. Failure is sticky: after the first one every call gives NULL and changes nothing,
 * and anm_mil_builder_finish() reports it.
 *
 * Values get the name asked for, made a valid identifier and unique within the function; each
 * constant is a const op of its own, and each op carries its name attribute, as coremltools writes.
 */
#ifndef ANM_MIL_BUILDER_H
#define ANM_MIL_BUILDER_H

#include "src/base/map.h"
#include "src/mil/ir.h"

typedef struct anm_mil_builder {
    anm_mil_program *program;
    anm_mil_function *function; /* being built */
    anm_map names;              /* of the function's values */
    anm_error error;
    anm_status status;
} anm_mil_builder;

void anm_mil_builder_init(anm_mil_builder *b, anm_mil_program *program);
/* Releases what the builder itself holds and gives its first failure; the program stays. */
ANM_MUST_CHECK anm_status anm_mil_builder_finish(anm_mil_builder *b, anm_error *err);

/* Starts a function; opset as in "CoreML8". Inputs come next, in the order of the signature. */
void anm_mil_builder_function(anm_mil_builder *b, const char *name, const char *opset);
anm_mil_value *anm_mil_builder_input(anm_mil_builder *b, const char *name, anm_dtype dtype,
                                     int rank, const int64_t *shape);
anm_mil_value *anm_mil_builder_state(anm_mil_builder *b, const char *name, anm_dtype dtype,
                                     int rank, const int64_t *shape);
/* Ends the function. An output's name is the value's; rename it first if need be. */
void anm_mil_builder_outputs(anm_mil_builder *b, anm_mil_value *const *outputs, size_t count);

/* Constants. `name` is a hint, as everywhere. */
anm_mil_value *anm_mil_builder_tensor(anm_mil_builder *b, const char *name, anm_dtype dtype,
                                      int rank, const int64_t *shape, const void *data);
/* Like that, but `data` is used where it lies and must stay. */
anm_mil_value *anm_mil_builder_borrow(anm_mil_builder *b, const char *name, anm_dtype dtype,
                                      int rank, const int64_t *shape, const void *data);
anm_mil_value *anm_mil_builder_int(anm_mil_builder *b, const char *name, int32_t value);
anm_mil_value *anm_mil_builder_ints(anm_mil_builder *b, const char *name, int count,
                                    const int32_t *values);
anm_mil_value *anm_mil_builder_bool(anm_mil_builder *b, const char *name, bool value);
anm_mil_value *anm_mil_builder_bools(anm_mil_builder *b, const char *name, int count,
                                     const bool *values);
anm_mil_value *anm_mil_builder_string(anm_mil_builder *b, const char *name, const char *text);
anm_mil_value *anm_mil_builder_half(anm_mil_builder *b, const char *name, double value);
/* A constant in a blob file. `data` may be NULL when only the file has it (conversion). */
anm_mil_value *anm_mil_builder_blob(anm_mil_builder *b, const char *name, anm_dtype dtype,
                                    int rank, const int64_t *shape, const char *path,
                                    uint64_t offset, const void *data);

/* The same as a literal, for constexpr ops, which take theirs inline. */
const anm_mil_literal *anm_mil_builder_blob_literal(anm_mil_builder *b, anm_dtype dtype, int rank,
                                                    const int64_t *shape, const char *path,
                                                    uint64_t offset);

typedef struct anm_mil_binding {
    const char *arg;
    anm_mil_value *value;
    anm_mil_value *const *values; /* variadic: `count` values instead of `value` */
    size_t count;
    const anm_mil_literal *literal; /* inline, for constexpr ops */
} anm_mil_binding;

/* Appends an op with one output and gives that output; NULL after a failure. */
anm_mil_value *anm_mil_builder_op(anm_mil_builder *b, const char *type, const char *name,
                                  const anm_mil_binding *bindings, size_t count);
/* The same for any number of outputs, written to outputs[]; an op without outputs: 0. */
bool anm_mil_builder_op_multi(anm_mil_builder *b, const char *type, const char *name,
                              const anm_mil_binding *bindings, size_t count,
                              anm_mil_value **outputs, size_t output_count);

/* anm_mil_emit(b, "mul", "scaled", {"x", x}, {"y", y}) */
#define anm_mil_emit(b, type, name, ...)                                                           \
    anm_mil_builder_op((b), (type), (name), (const anm_mil_binding[]){__VA_ARGS__},                \
                       sizeof((const anm_mil_binding[]){__VA_ARGS__}) / sizeof(anm_mil_binding))

/* Gives the value exactly this name (an interface name); fails if it is taken. */
void anm_mil_builder_rename(anm_mil_builder *b, anm_mil_value *value, const char *name);

#endif
