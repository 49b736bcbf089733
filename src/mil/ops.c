/* SPDX-License-Identifier: MIT */
/* Looking ops up, reading constant arguments with their defaults, checking arguments. */
#include "src/mil/ops.h"

#include <stdio.h>
#include <string.h>

#include "src/base/dtype.h"

const anm_mil_arg_spec *anm_mil_op_spec_arg(const anm_mil_op_spec *spec, const char *name) {
    for (size_t i = 0; spec && i < spec->arg_count; i++)
        if (strcmp(spec->args[i].name, name) == 0) return &spec->args[i];
    return NULL;
}

/* The validator reads arguments of programs whose literals may have less data than they say. */
static bool data_is_whole(const anm_mil_literal *literal) {
    size_t needed;
    if (!literal->data) return true;
    return anm_dtype_bytes(literal->type->dtype, anm_mil_literal_elements(literal), &needed) &&
           literal->bytes >= needed;
}

bool anm_mil_literal_int(const anm_mil_literal *literal, int64_t index, int64_t *out) {
    if (!literal || literal->type->kind != ANM_MIL_TENSOR || !literal->data ||
        anm_dtype_is_float(literal->type->dtype) || !data_is_whole(literal) || index < 0 ||
        index >= anm_mil_literal_elements(literal))
        return false;
    *out = anm_element_get_int(literal->type->dtype, literal->data, index);
    return true;
}

static const anm_mil_literal *constant_arg(const anm_mil_op *op, const char *name, bool *absent) {
    anm_mil_operand operand = anm_mil_op_operand(op, name);
    *absent = !anm_mil_operand_present(operand);
    const anm_mil_literal *literal = *absent ? NULL : anm_mil_operand_constant(operand);
    if (!literal || literal->type->kind != ANM_MIL_TENSOR) return NULL;
    return data_is_whole(literal) ? literal : NULL;
}

static bool is_single(const anm_mil_literal *literal) {
    return literal && anm_mil_literal_elements(literal) == 1;
}

/* The default of an absent argument, if it is a number (or a bool). */
static bool default_number(const anm_mil_op *op, const char *name, double *out) {
    const anm_mil_arg_spec *spec = anm_mil_op_spec_arg(op->spec, name);
    if (!spec || spec->default_kind == ANM_DEFAULT_NONE ||
        spec->default_kind == ANM_DEFAULT_STRING)
        return false;
    *out = spec->default_number;
    return true;
}

bool anm_mil_op_get_float(const anm_mil_op *op, const char *name, double *out) {
    bool absent;
    const anm_mil_literal *literal = constant_arg(op, name, &absent);
    if (absent) return default_number(op, name, out);
    if (!is_single(literal) || !literal->data) return false;
    *out = anm_element_get(literal->type->dtype, literal->data, 0);
    return true;
}

bool anm_mil_op_get_int(const anm_mil_op *op, const char *name, int64_t *out) {
    bool absent;
    double number;
    const anm_mil_literal *literal = constant_arg(op, name, &absent);
    if (absent) {
        if (!default_number(op, name, &number)) return false;
        *out = (int64_t)number;
        return true;
    }
    if (!is_single(literal) || !literal->data || anm_dtype_is_float(literal->type->dtype))
        return false;
    *out = anm_element_get_int(literal->type->dtype, literal->data, 0);
    return true;
}

bool anm_mil_op_get_bool(const anm_mil_op *op, const char *name, bool *out) {
    int64_t number;
    if (!anm_mil_op_get_int(op, name, &number)) return false;
    *out = number != 0;
    return true;
}

bool anm_mil_op_get_string(const anm_mil_op *op, const char *name, const char **out) {
    bool absent;
    const anm_mil_literal *literal = constant_arg(op, name, &absent);
    if (absent) {
        const anm_mil_arg_spec *spec = anm_mil_op_spec_arg(op->spec, name);
        if (!spec || spec->default_kind != ANM_DEFAULT_STRING) return false;
        *out = spec->default_text;
        return true;
    }
    if (!literal || !literal->strings || literal->count != 1) return false;
    *out = literal->strings[0].data;
    return true;
}

bool anm_mil_op_get_ints(const anm_mil_op *op, const char *name, int64_t *out, int capacity,
                         int *count) {
    bool absent;
    double number;
    const anm_mil_literal *literal = constant_arg(op, name, &absent);
    if (absent) {
        if (*count < 0 || *count > capacity || !default_number(op, name, &number)) return false;
        for (int i = 0; i < *count; i++) out[i] = (int64_t)number;
        return true;
    }
    if (!literal || !literal->data || literal->type->rank > 1 ||
        anm_dtype_is_float(literal->type->dtype))
        return false;
    int64_t elements = anm_mil_literal_elements(literal);
    if (elements < 0 || elements > capacity) return false;
    for (int i = 0; i < elements; i++)
        out[i] = anm_element_get_int(literal->type->dtype, literal->data, i);
    *count = (int)elements;
    return true;
}

/* A state holds one tensor; one that holds anything else is accepted nowhere. */
static unsigned accept_bit(const anm_mil_type *type) {
    if (type->kind == ANM_MIL_STATE)
        return type->count == 1 && type->items[0]->kind == ANM_MIL_TENSOR ? ANM_ARG_STATE : 0;
    if (type->kind != ANM_MIL_TENSOR) return ANM_ARG_LIST;
    switch (type->dtype) {
    case ANM_DTYPE_FP16: return ANM_ARG_FP16;
    case ANM_DTYPE_FP32: return ANM_ARG_FP32;
    case ANM_DTYPE_INT32: return ANM_ARG_INT32;
    case ANM_DTYPE_INT16: return ANM_ARG_INT16;
    case ANM_DTYPE_UINT16: return ANM_ARG_UINT16;
    case ANM_DTYPE_INT8: return ANM_ARG_INT8;
    case ANM_DTYPE_UINT8: return ANM_ARG_UINT8;
    case ANM_DTYPE_BOOL: return ANM_ARG_BOOL;
    case ANM_DTYPE_STRING: return ANM_ARG_STRING;
    case ANM_DTYPE_INT4:
    case ANM_DTYPE_UINT1:
    case ANM_DTYPE_UINT2:
    case ANM_DTYPE_UINT3:
    case ANM_DTYPE_UINT4:
    case ANM_DTYPE_UINT6: return ANM_ARG_SUBBYTE;
    default: return ANM_ARG_WIDE;
    }
}

static bool refuse(char *message, size_t size, const char *arg, const char *what) {
    snprintf(message, size, "argument \"%s\" %s", arg, what);
    return false;
}

static bool check_form(const anm_mil_arg_spec *spec, const anm_mil_type *type, char *message,
                       size_t size) {
    if (type->kind != ANM_MIL_TENSOR || type->rank < 0) return true;
    if ((spec->accepts & ANM_ARG_SCALAR) && type->rank != 0 &&
        !(type->rank == 1 && (type->shape[0] == 1 || type->shape[0] < 0)))
        return refuse(message, size, spec->name, "must be a scalar");
    if ((spec->accepts & ANM_ARG_VECTOR) && type->rank != 1 && type->rank != 0)
        return refuse(message, size, spec->name, "must have rank 1");
    return true;
}

static bool check_operand(const anm_mil_arg_spec *spec, anm_mil_operand operand, char *message,
                          size_t size) {
    const anm_mil_type *type = anm_mil_operand_type(operand);
    if (!(spec->accepts & accept_bit(type))) {
        char text[160], what[224];
        anm_mil_type_format(type, text, sizeof text);
        snprintf(what, sizeof what, "does not accept %s", text);
        return refuse(message, size, spec->name, what);
    }
    if ((spec->accepts & ANM_ARG_CONST) && !anm_mil_operand_constant(operand)) {
        /* A constexpr result is known at load as well. */
        const anm_mil_op *def = operand.value->def;
        if (!def || !def->spec || !(def->spec->flags & ANM_OP_CONSTEXPR))
            return refuse(message, size, spec->name, "must be a constant");
    }
    return check_form(spec, type, message, size);
}

static bool check_one_arg(const anm_mil_op *op, const anm_mil_arg_spec *spec, char *message,
                          size_t size) {
    const anm_mil_arg *arg = anm_mil_op_arg(op, spec->name);
    anm_mil_operand first = anm_mil_op_operand(op, spec->name);
    if (!anm_mil_operand_present(first))
        return (spec->accepts & ANM_ARG_OPTIONAL) ||
               refuse(message, size, spec->name, "is missing");
    if (!arg) return check_operand(spec, first, message, size);
    if (arg->count > 1 && !(spec->accepts & ANM_ARG_VARIADIC))
        return refuse(message, size, spec->name, "takes one value, not several");
    for (size_t i = 0; i < arg->count; i++)
        if (!check_operand(spec, arg->operands[i], message, size)) return false;
    return true;
}

bool anm_mil_check_args(const anm_mil_op *op, char *message, size_t size) {
    for (size_t i = 0; i < op->arg_count; i++)
        if (!anm_mil_op_spec_arg(op->spec, op->args[i].name))
            return refuse(message, size, op->args[i].name, "is not one this op has");
    for (size_t i = 0; i < op->spec->arg_count; i++)
        if (!check_one_arg(op, &op->spec->args[i], message, size)) return false;
    return true;
}

bool anm_mil_infer_types(const anm_mil_op *op, anm_mil_infer *infer) {
    infer->message[0] = '\0';
    if (!anm_mil_check_args(op, infer->message, sizeof infer->message)) return false;
    if (op->spec->output_count >= 0 && infer->output_count != (size_t)op->spec->output_count) {
        snprintf(infer->message, sizeof infer->message, "has %zu outputs instead of %d",
                 infer->output_count, op->spec->output_count);
        return false;
    }
    return op->spec->rule(op, infer);
}
