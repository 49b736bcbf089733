/* SPDX-License-Identifier: MIT */
/* Reading types and literal values. Nesting is bounded by the check in protoparse.c. */
#include "src/package/protovalue.h"

#include <string.h>

#include "src/base/dtype.h"

static anm_status fail(const anm_value_context *c, anm_error *err, const char *what) {
    return anm_fail(err, ANM_ERROR_FORMAT, c->where, "%s: %s", c->owner, what);
}

/* The data types of the format have the same numbers as ours; 0 and unknown ones are refused. */
static bool known_dtype(int32_t number) {
    return number == ANM_DTYPE_STRING || anm_dtype_bits((anm_dtype)number) > 0;
}

static anm_status read_dim(const anm_value_context *c, const Pb__Dimension *d, int64_t *out,
                           anm_error *err) {
    *out = ANM_DIM_UNKNOWN;
    if (!d || d->dimension_case != PB__DIMENSION__DIMENSION_CONSTANT) return ANM_OK;
    if (d->constant->size > INT64_MAX) return fail(c, err, "a dimension is absurdly large");
    *out = (int64_t)d->constant->size;
    return ANM_OK;
}

static bool is_variadic(const Pb__TensorType *t) {
    return t->n_dimensions == 1 &&
           t->dimensions[0]->dimension_case == PB__DIMENSION__DIMENSION_UNKNOWN &&
           t->dimensions[0]->unknown->variadic;
}

static anm_status read_tensor_type(const anm_value_context *c, const Pb__TensorType *t,
                                   anm_mil_type *type, anm_error *err) {
    type->kind = ANM_MIL_TENSOR;
    type->dtype = (anm_dtype)t->datatype;
    type->rank = is_variadic(t) ? -1 : (int)t->rank;
    if (!known_dtype(t->datatype))
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, c->where, "%s: unknown element type %d",
                        c->owner, t->datatype);
    if (type->rank < 0) return ANM_OK;
    if (t->rank < 0 || t->rank > ANM_MAX_RANK || t->n_dimensions != (size_t)t->rank)
        return anm_fail(err, ANM_ERROR_FORMAT, c->where,
                        "%s: rank %lld with %zu dimensions; at most rank %d is supported", c->owner,
                        (long long)t->rank, t->n_dimensions, ANM_MAX_RANK);
    for (int i = 0; i < type->rank; i++)
        ANM_TRY(read_dim(c, t->dimensions[i], &type->shape[i], err));
    return ANM_OK;
}

static anm_status read_items(const anm_value_context *c, Pb__ValueType *const *messages,
                             size_t count, anm_mil_type *type, anm_error *err) {
    const anm_mil_type **items = ANM_ARENA_ARRAY(c->arena, const anm_mil_type *, count);
    if (!items) return anm_fail_memory(err);
    for (size_t i = 0; i < count; i++) ANM_TRY(anm_proto_read_type(c, messages[i], &items[i], err));
    type->items = items;
    type->count = count;
    return ANM_OK;
}

anm_status anm_proto_read_type(const anm_value_context *c, const Pb__ValueType *message,
                               const anm_mil_type **out, anm_error *err) {
    anm_mil_type *type = ANM_ARENA_NEW(c->arena, anm_mil_type);
    *out = type;
    if (!type) return anm_fail_memory(err);
    switch (message ? message->type_case : PB__VALUE_TYPE__TYPE__NOT_SET) {
    case PB__VALUE_TYPE__TYPE_TENSOR_TYPE:
        return read_tensor_type(c, message->tensortype, type, err);
    case PB__VALUE_TYPE__TYPE_LIST_TYPE:
        type->kind = ANM_MIL_LIST;
        ANM_TRY(read_dim(c, message->listtype->length, &type->shape[0], err));
        return read_items(c, &message->listtype->type, 1, type, err);
    case PB__VALUE_TYPE__TYPE_TUPLE_TYPE:
        type->kind = ANM_MIL_TUPLE;
        return read_items(c, message->tupletype->types, message->tupletype->n_types, type, err);
    case PB__VALUE_TYPE__TYPE_DICTIONARY_TYPE: {
        Pb__ValueType *both[2] = {message->dictionarytype->keytype,
                                  message->dictionarytype->valuetype};
        type->kind = ANM_MIL_DICT;
        return read_items(c, both, 2, type, err);
    }
    case PB__VALUE_TYPE__TYPE_STATE_TYPE:
        type->kind = ANM_MIL_STATE;
        return read_items(c, &message->statetype->wrappedtype, 1, type, err);
    default: return fail(c, err, "has no type");
    }
}

/* How many numbers a tensor value holds, by the field it uses. */
static size_t value_count(const Pb__TensorValue *t) {
    switch (t->value_case) {
    case PB__TENSOR_VALUE__VALUE_FLOATS: return t->floats->n_values;
    case PB__TENSOR_VALUE__VALUE_INTS: return t->ints->n_values;
    case PB__TENSOR_VALUE__VALUE_BOOLS: return t->bools->n_values;
    case PB__TENSOR_VALUE__VALUE_STRINGS: return t->strings->n_values;
    case PB__TENSOR_VALUE__VALUE_LONG_INTS: return t->longints->n_values;
    case PB__TENSOR_VALUE__VALUE_DOUBLES: return t->doubles->n_values;
    default: return 0;
    }
}

static void store_number(const Pb__TensorValue *t, size_t i, anm_dtype dtype, void *data) {
    int64_t at = (int64_t)i;
    switch (t->value_case) {
    case PB__TENSOR_VALUE__VALUE_FLOATS:
        anm_element_set(dtype, data, at, (double)t->floats->values[i]);
        break;
    case PB__TENSOR_VALUE__VALUE_DOUBLES:
        anm_element_set(dtype, data, at, t->doubles->values[i]);
        break;
    case PB__TENSOR_VALUE__VALUE_INTS:
        anm_element_set_int(dtype, data, at, t->ints->values[i]);
        break;
    case PB__TENSOR_VALUE__VALUE_LONG_INTS:
        anm_element_set_int(dtype, data, at, t->longints->values[i]);
        break;
    case PB__TENSOR_VALUE__VALUE_BOOLS:
        anm_element_set_int(dtype, data, at, t->bools->values[i]);
        break;
    default: break;
    }
}

static anm_status read_strings(const anm_value_context *c, const Pb__TensorValue *t,
                               anm_mil_literal *literal, anm_error *err) {
    size_t count = t->value_case == PB__TENSOR_VALUE__VALUE_STRINGS ? t->strings->n_values : 0;
    anm_sv *strings = ANM_ARENA_ARRAY(c->arena, anm_sv, count);
    if (!strings) return anm_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        const ProtobufCBinaryData *s = &t->strings->values[i];
        strings[i].len = s->len;
        strings[i].data = anm_arena_strndup(c->arena, s->len ? (const char *)s->data : "", s->len);
        if (!strings[i].data) return anm_fail_memory(err);
    }
    literal->strings = strings;
    literal->count = count;
    if ((int64_t)count != anm_mil_literal_elements(literal))
        return fail(c, err, "the number of strings does not fit the shape");
    return ANM_OK;
}

static anm_status read_tensor(const anm_value_context *c, const Pb__TensorValue *t,
                              anm_mil_literal *literal, anm_error *err) {
    anm_dtype dtype = literal->type->dtype;
    int64_t elements = anm_mil_literal_elements(literal);
    bool packed = t->value_case == PB__TENSOR_VALUE__VALUE_BYTES;
    if (literal->type->kind != ANM_MIL_TENSOR) return fail(c, err, "value and type disagree");
    if (dtype == ANM_DTYPE_STRING) return read_strings(c, t, literal, err);
    if (!anm_dtype_bytes(dtype, elements, &literal->bytes))
        return fail(c, err, "an immediate value needs a known shape");
    if (packed ? t->bytes->values.len != literal->bytes : (int64_t)value_count(t) != elements)
        return fail(c, err, "the number of values does not fit the shape");
    void *data = anm_arena_alloc(c->arena, literal->bytes);
    if (!data) return anm_fail_memory(err);
    if (packed && literal->bytes) memcpy(data, t->bytes->values.data, literal->bytes);
    for (size_t i = 0; !packed && i < (size_t)elements; i++) store_number(t, i, dtype, data);
    literal->data = data;
    return ANM_OK;
}

static anm_status read_list(const anm_value_context *c, Pb__Value *const *values, size_t count,
                            anm_mil_literal *literal, anm_error *err) {
    const anm_mil_literal **items = ANM_ARENA_ARRAY(c->arena, const anm_mil_literal *, count);
    if (!items) return anm_fail_memory(err);
    for (size_t i = 0; i < count; i++) ANM_TRY(anm_proto_read_value(c, values[i], &items[i], err));
    literal->items = items;
    literal->count = count;
    return ANM_OK;
}

static anm_status read_dictionary(const anm_value_context *c, const Pb__DictionaryValue *d,
                                  anm_mil_literal *literal, anm_error *err) {
    const anm_mil_literal **items =
        ANM_ARENA_ARRAY(c->arena, const anm_mil_literal *, d->n_values * 2);
    if (!items) return anm_fail_memory(err);
    for (size_t i = 0; i < d->n_values; i++) {
        ANM_TRY(anm_proto_read_value(c, d->values[i]->key, &items[2 * i], err));
        ANM_TRY(anm_proto_read_value(c, d->values[i]->value, &items[2 * i + 1], err));
    }
    literal->items = items;
    literal->count = d->n_values * 2;
    return ANM_OK;
}

static anm_status read_immediate(const anm_value_context *c,
                                 const Pb__Value__ImmediateValue *immediate,
                                 anm_mil_literal *literal, anm_error *err) {
    switch (immediate->value_case) {
    case PB__VALUE__IMMEDIATE_VALUE__VALUE_TENSOR:
        return read_tensor(c, immediate->tensor, literal, err);
    case PB__VALUE__IMMEDIATE_VALUE__VALUE_TUPLE:
        return read_list(c, immediate->tuple->values, immediate->tuple->n_values, literal, err);
    case PB__VALUE__IMMEDIATE_VALUE__VALUE_LIST:
        return read_list(c, immediate->list->values, immediate->list->n_values, literal, err);
    case PB__VALUE__IMMEDIATE_VALUE__VALUE_DICTIONARY:
        return read_dictionary(c, immediate->dictionary, literal, err);
    default: return fail(c, err, "has an empty value");
    }
}

anm_status anm_proto_read_value(const anm_value_context *c, const Pb__Value *message,
                                const anm_mil_literal **out, anm_error *err) {
    anm_mil_literal *literal = ANM_ARENA_NEW(c->arena, anm_mil_literal);
    *out = literal;
    if (!literal) return anm_fail_memory(err);
    if (!message) return fail(c, err, "has no value");
    ANM_TRY(anm_proto_read_type(c, message->type, &literal->type, err));
    if (message->value_case == PB__VALUE__VALUE_BLOB_FILE_VALUE) {
        literal->blob_path = anm_arena_strdup(c->arena, message->blobfilevalue->filename);
        literal->blob_offset = message->blobfilevalue->offset;
        return literal->blob_path ? ANM_OK : anm_fail_memory(err);
    }
    if (message->value_case != PB__VALUE__VALUE_IMMEDIATE_VALUE)
        return fail(c, err, "has no value");
    return read_immediate(c, message->immediatevalue, literal, err);
}
