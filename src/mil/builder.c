/* SPDX-License-Identifier: MIT */
#include "src/mil/builder.h"

#include <ctype.h>
#include <string.h>

#include "src/base/dtype.h"
#include "src/base/half.h"
#include "src/mil/ops.h"

void anm_mil_builder_init(anm_mil_builder *b, anm_mil_program *program) {
    *b = (anm_mil_builder){.program = program};
}

anm_status anm_mil_builder_finish(anm_mil_builder *b, anm_error *err) {
    anm_map_free(&b->names);
    if (b->status != ANM_OK && err) *err = b->error;
    return b->status;
}

static bool alive(const anm_mil_builder *b) {
    return b->status == ANM_OK;
}

static void *fail_memory(anm_mil_builder *b) {
    if (alive(b)) b->status = anm_fail_memory(&b->error);
    return NULL;
}

/* [A-Za-z_][A-Za-z0-9_]*, as coremltools' name sanitiser makes it. */
static char *identifier(anm_arena *arena, const char *hint) {
    bool prefix = !isalpha((unsigned char)hint[0]) && hint[0] != '_';
    char *name = anm_arena_printf(arena, "%s%s", prefix ? "var_" : "", hint);
    for (char *p = name; p && *p; p++)
        if (!isalnum((unsigned char)*p)) *p = '_';
    return name;
}

/* The map keeps for each name which suffix to try next, so that a thousand equal hints are not
 * half a million lookups. */
static const char *unique_name(anm_mil_builder *b, const char *hint) {
    anm_arena *arena = b->program->arena;
    char *base = identifier(arena, hint), *name = base;
    uint64_t next = 0;
    if (!base) return fail_memory(b);
    if (anm_map_get(&b->names, anm_sv_from(base), &next)) {
        while (name && anm_map_get(&b->names, anm_sv_from(name), NULL))
            name = anm_arena_printf(arena, "%s_%llu", base, (unsigned long long)next++);
        if (!anm_map_put(&b->names, anm_sv_from(base), next)) return fail_memory(b);
    }
    if (!name || !anm_map_put(&b->names, anm_sv_from(name), 0)) return fail_memory(b);
    return name;
}

static anm_mil_value *new_value(anm_mil_builder *b, const char *hint, const anm_mil_type *type,
                                anm_mil_op *def) {
    if (!alive(b)) return NULL;
    anm_mil_value *value = ANM_ARENA_NEW(b->program->arena, anm_mil_value);
    if (!value || !type) return fail_memory(b);
    value->name = unique_name(b, hint);
    value->type = type;
    value->def = def;
    value->id = b->function->value_count++;
    return value->name ? value : NULL;
}

/* Grows an arena array by one; arrays of functions and inputs are short. */
static void *appended(anm_arena *arena, const void *old, size_t count, const void *item,
                      size_t size) {
    char *grown = anm_arena_array(arena, count + 1, size);
    if (!grown) return NULL;
    if (count) memcpy(grown, old, count * size);
    memcpy(grown + count * size, item, size);
    return grown;
}

void anm_mil_builder_function(anm_mil_builder *b, const char *name, const char *opset) {
    if (!alive(b)) return;
    anm_arena *arena = b->program->arena;
    anm_mil_function *f = ANM_ARENA_NEW(arena, anm_mil_function);
    anm_map_free(&b->names);
    b->function = f;
    if (!f) {
        fail_memory(b);
        return;
    }
    f->name = anm_arena_strdup(arena, name);
    f->opset = anm_arena_strdup(arena, opset);
    f->body = ANM_ARENA_NEW(arena, anm_mil_block);
    b->program->functions = appended(arena, b->program->functions, b->program->function_count, &f,
                                     sizeof f);
    if (!f->name || !f->opset || !f->body || !b->program->functions) fail_memory(b);
    else b->program->function_count++;
}

static anm_mil_value *add_input(anm_mil_builder *b, const char *name, const anm_mil_type *type) {
    anm_mil_value *value = new_value(b, name, type, NULL);
    if (!value) return NULL;
    anm_mil_function *f = b->function;
    f->inputs = appended(b->program->arena, f->inputs, f->input_count, &value, sizeof value);
    if (!f->inputs) return fail_memory(b);
    f->input_count++;
    return value;
}

anm_mil_value *anm_mil_builder_input(anm_mil_builder *b, const char *name, anm_dtype dtype,
                                     int rank, const int64_t *shape) {
    if (!alive(b)) return NULL;
    return add_input(b, name, anm_mil_type_tensor(b->program->arena, dtype, rank, shape));
}

anm_mil_value *anm_mil_builder_state(anm_mil_builder *b, const char *name, anm_dtype dtype,
                                     int rank, const int64_t *shape) {
    if (!alive(b)) return NULL;
    const anm_mil_type *tensor = anm_mil_type_tensor(b->program->arena, dtype, rank, shape);
    if (!tensor) return fail_memory(b);
    return add_input(b, name,
                     anm_mil_type_compound(b->program->arena, ANM_MIL_STATE, &tensor, 1, 0));
}

void anm_mil_builder_outputs(anm_mil_builder *b, anm_mil_value *const *outputs, size_t count) {
    if (!alive(b)) return;
    anm_mil_block *body = b->function->body;
    body->outputs = anm_arena_copy(b->program->arena, outputs, count * sizeof *outputs);
    body->output_count = count;
    if (!body->outputs) fail_memory(b);
}

static bool set_name_attr(anm_mil_builder *b, anm_mil_op *op, const char *name, size_t room) {
    op->attrs = ANM_ARENA_ARRAY(b->program->arena, anm_mil_attr, 1 + room);
    if (!op->attrs) return false;
    op->attrs[0] = (anm_mil_attr){"name", anm_mil_literal_string(b->program->arena, name)};
    op->attr_count = 1;
    return op->attrs[0].literal != NULL;
}

static anm_mil_op *new_op(anm_mil_builder *b, const char *type, size_t outputs) {
    anm_arena *arena = b->program->arena;
    anm_mil_op *op = ANM_ARENA_NEW(arena, anm_mil_op);
    if (!op) return fail_memory(b);
    op->spec = anm_mil_op_spec_find(type);
    op->type = op->spec ? op->spec->name : type;
    op->output_count = outputs;
    op->outputs = ANM_ARENA_ARRAY(arena, anm_mil_value *, outputs);
    return op->outputs ? op : fail_memory(b);
}

static anm_mil_value *add_const(anm_mil_builder *b, const char *name,
                                const anm_mil_literal *literal) {
    if (!alive(b)) return NULL;
    if (!literal) return fail_memory(b);
    anm_mil_op *op = new_op(b, "const", 1);
    anm_mil_value *value = op ? new_value(b, name, literal->type, op) : NULL;
    if (!value) return NULL;
    value->constant = literal;
    op->outputs[0] = value;
    if (!set_name_attr(b, op, value->name, 1)) return fail_memory(b);
    op->attrs[op->attr_count++] = (anm_mil_attr){"val", literal};
    anm_mil_block_append(b->function->body, op);
    return value;
}

anm_mil_value *anm_mil_builder_tensor(anm_mil_builder *b, const char *name, anm_dtype dtype,
                                      int rank, const int64_t *shape, const void *data) {
    if (!alive(b)) return NULL;
    return add_const(b, name, anm_mil_literal_tensor(b->program->arena, dtype, rank, shape, data));
}

anm_mil_value *anm_mil_builder_borrow(anm_mil_builder *b, const char *name, anm_dtype dtype,
                                      int rank, const int64_t *shape, const void *data) {
    if (!alive(b)) return NULL;
    anm_mil_literal *literal = ANM_ARENA_NEW(b->program->arena, anm_mil_literal);
    if (!literal) return fail_memory(b);
    literal->type = anm_mil_type_tensor(b->program->arena, dtype, rank, shape);
    literal->data = data;
    anm_dtype_bytes(dtype, anm_shape_elements(shape, rank), &literal->bytes);
    return literal->type ? add_const(b, name, literal) : fail_memory(b);
}

anm_mil_value *anm_mil_builder_int(anm_mil_builder *b, const char *name, int32_t value) {
    return anm_mil_builder_tensor(b, name, ANM_DTYPE_INT32, 0, NULL, &value);
}

anm_mil_value *anm_mil_builder_ints(anm_mil_builder *b, const char *name, int count,
                                    const int32_t *values) {
    int64_t shape[1] = {count};
    return anm_mil_builder_tensor(b, name, ANM_DTYPE_INT32, 1, shape, values);
}

anm_mil_value *anm_mil_builder_bool(anm_mil_builder *b, const char *name, bool value) {
    return anm_mil_builder_tensor(b, name, ANM_DTYPE_BOOL, 0, NULL, &value);
}

anm_mil_value *anm_mil_builder_bools(anm_mil_builder *b, const char *name, int count,
                                     const bool *values) {
    int64_t shape[1] = {count};
    return anm_mil_builder_tensor(b, name, ANM_DTYPE_BOOL, 1, shape, values);
}

anm_mil_value *anm_mil_builder_half(anm_mil_builder *b, const char *name, double value) {
    uint16_t half = anm_half_from_double(value);
    return anm_mil_builder_tensor(b, name, ANM_DTYPE_FP16, 0, NULL, &half);
}

anm_mil_value *anm_mil_builder_string(anm_mil_builder *b, const char *name, const char *text) {
    if (!alive(b)) return NULL;
    return add_const(b, name, anm_mil_literal_string(b->program->arena, text));
}

static anm_mil_literal *blob_literal(anm_mil_builder *b, anm_dtype dtype, int rank,
                                     const int64_t *shape, const char *path, uint64_t offset) {
    if (!alive(b)) return NULL;
    anm_arena *arena = b->program->arena;
    anm_mil_literal *literal = ANM_ARENA_NEW(arena, anm_mil_literal);
    if (!literal) return fail_memory(b);
    literal->type = anm_mil_type_tensor(arena, dtype, rank, shape);
    literal->blob_path = anm_arena_strdup(arena, path);
    literal->blob_offset = offset;
    return literal->type && literal->blob_path ? literal : fail_memory(b);
}

const anm_mil_literal *anm_mil_builder_blob_literal(anm_mil_builder *b, anm_dtype dtype, int rank,
                                                    const int64_t *shape, const char *path,
                                                    uint64_t offset) {
    return blob_literal(b, dtype, rank, shape, path, offset);
}

anm_mil_value *anm_mil_builder_blob(anm_mil_builder *b, const char *name, anm_dtype dtype,
                                    int rank, const int64_t *shape, const char *path,
                                    uint64_t offset, const void *data) {
    anm_mil_literal *literal = blob_literal(b, dtype, rank, shape, path, offset);
    if (!literal) return NULL;
    literal->data = data;
    if (data) anm_dtype_bytes(dtype, anm_shape_elements(shape, rank), &literal->bytes);
    return add_const(b, name, literal);
}

static bool bind(anm_mil_builder *b, anm_mil_op *op, const anm_mil_binding *binding) {
    bool several = binding->values != NULL;
    anm_mil_arg *arg = &op->args[op->arg_count];
    arg->name = binding->arg;
    arg->count = several ? binding->count : 1;
    arg->operands = ANM_ARENA_ARRAY(b->program->arena, anm_mil_operand, arg->count);
    if (!arg->operands) return false;
    for (size_t i = 0; i < arg->count; i++)
        arg->operands[i] = (anm_mil_operand){several ? binding->values[i] : binding->value,
                                             binding->literal};
    op->arg_count++;
    return true;
}

/* A binding without value and literal leaves an optional argument out. */
static bool bind_all(anm_mil_builder *b, anm_mil_op *op, const anm_mil_binding *bindings,
                     size_t count) {
    op->args = ANM_ARENA_ARRAY(b->program->arena, anm_mil_arg, count);
    if (!op->args) return false;
    for (size_t i = 0; i < count; i++) {
        bool given = bindings[i].value || bindings[i].values || bindings[i].literal;
        if (given && !bind(b, op, &bindings[i])) return false;
    }
    return true;
}

static bool infer(anm_mil_builder *b, anm_mil_op *op, const char *name,
                  const anm_mil_type **types) {
    if (!op->spec) {
        b->status = anm_fail(&b->error, ANM_ERROR_INTERNAL, name, "no op \"%s\"", op->type);
        return false;
    }
    anm_mil_infer result = {.arena = b->program->arena, .outputs = types,
                            .output_count = op->output_count};
    if (anm_mil_infer_types(op, &result)) return true;
    b->status = anm_fail(&b->error, ANM_ERROR_MISMATCH, name, "%s: %s", op->type, result.message);
    return false;
}

bool anm_mil_builder_op_multi(anm_mil_builder *b, const char *type, const char *name,
                              const anm_mil_binding *bindings, size_t count,
                              anm_mil_value **outputs, size_t output_count) {
    if (!alive(b)) return false;
    anm_mil_op *op = new_op(b, type, output_count);
    if (!op) return false;
    const anm_mil_type **types = ANM_ARENA_ARRAY(b->program->arena, const anm_mil_type *,
                                                 output_count + 1);
    if (!types || !bind_all(b, op, bindings, count)) return fail_memory(b) != NULL;
    if (!infer(b, op, name, types)) return false;
    for (size_t i = 0; i < output_count; i++) {
        op->outputs[i] = outputs[i] = new_value(b, name, types[i], op);
        if (!outputs[i]) return false;
    }
    if (!set_name_attr(b, op, output_count ? outputs[0]->name : name, 0))
        return fail_memory(b) != NULL;
    anm_mil_block_append(b->function->body, op);
    return true;
}

anm_mil_value *anm_mil_builder_op(anm_mil_builder *b, const char *type, const char *name,
                                  const anm_mil_binding *bindings, size_t count) {
    anm_mil_value *output = NULL;
    return anm_mil_builder_op_multi(b, type, name, bindings, count, &output, 1) ? output : NULL;
}

void anm_mil_builder_rename(anm_mil_builder *b, anm_mil_value *value, const char *name) {
    if (!alive(b) || !value) return;
    if (anm_map_get(&b->names, anm_sv_from(name), NULL)) {
        b->status = anm_fail(&b->error, ANM_ERROR_INTERNAL, name, "name is already taken");
        return;
    }
    value->name = anm_arena_strdup(b->program->arena, name);
    if (!value->name || !anm_map_put(&b->names, anm_sv_from(value->name), 0)) fail_memory(b);
}
