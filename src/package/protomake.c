/* SPDX-License-Identifier: MIT */
/* Making type and value messages from the IR. */
#include <string.h>

#include "src/base/dtype.h"
#include "src/package/protonew.h"
#include "src/package/protovalue.h"

static Pb__Dimension *make_dim(anm_arena *arena, int64_t size, bool variadic) {
    Pb__Dimension *d = ANM_PROTO_NEW(arena, Pb__Dimension, pb__dimension);
    if (!d) return NULL;
    if (size >= 0) {
        d->dimension_case = PB__DIMENSION__DIMENSION_CONSTANT;
        d->constant = ANM_PROTO_NEW(arena, Pb__Dimension__ConstantDimension,
                                    pb__dimension__constant_dimension);
        if (!d->constant) return NULL;
        d->constant->size = (uint64_t)size;
        return d;
    }
    d->dimension_case = PB__DIMENSION__DIMENSION_UNKNOWN;
    d->unknown =
        ANM_PROTO_NEW(arena, Pb__Dimension__UnknownDimension, pb__dimension__unknown_dimension);
    if (!d->unknown) return NULL;
    d->unknown->variadic = variadic;
    return d;
}

static bool make_tensor_type(anm_arena *arena, const anm_mil_type *type, Pb__ValueType *message) {
    Pb__TensorType *t = ANM_PROTO_NEW(arena, Pb__TensorType, pb__tensor_type);
    if (!t) return false;
    int dims = type->rank < 0 ? 1 : type->rank;
    t->datatype = type->dtype;
    t->rank = type->rank;
    t->n_dimensions = (size_t)dims;
    t->dimensions = ANM_ARENA_ARRAY(arena, Pb__Dimension *, dims);
    if (!t->dimensions) return false;
    for (int i = 0; i < dims; i++) {
        t->dimensions[i] = make_dim(arena, type->rank < 0 ? -1 : type->shape[i], type->rank < 0);
        if (!t->dimensions[i]) return false;
    }
    message->type_case = PB__VALUE_TYPE__TYPE_TENSOR_TYPE;
    message->tensortype = t;
    return true;
}

static bool make_tuple_type(anm_arena *arena, const anm_mil_type *type, Pb__ValueType *message) {
    Pb__TupleType *t = ANM_PROTO_NEW(arena, Pb__TupleType, pb__tuple_type);
    Pb__ValueType **types = ANM_ARENA_ARRAY(arena, Pb__ValueType *, type->count);
    if (!t || !types) return false;
    for (size_t i = 0; i < type->count; i++)
        if (!(types[i] = anm_proto_make_type(arena, type->items[i]))) return false;
    t->types = types;
    t->n_types = type->count;
    message->type_case = PB__VALUE_TYPE__TYPE_TUPLE_TYPE;
    message->tupletype = t;
    return true;
}

static bool make_list_type(anm_arena *arena, const anm_mil_type *type, Pb__ValueType *message) {
    Pb__ListType *t = ANM_PROTO_NEW(arena, Pb__ListType, pb__list_type);
    if (!t) return false;
    t->type = anm_proto_make_type(arena, type->items[0]);
    t->length = make_dim(arena, type->shape[0], false);
    message->type_case = PB__VALUE_TYPE__TYPE_LIST_TYPE;
    message->listtype = t;
    return t->type && t->length;
}

static bool make_dict_type(anm_arena *arena, const anm_mil_type *type, Pb__ValueType *message) {
    Pb__DictionaryType *t = ANM_PROTO_NEW(arena, Pb__DictionaryType, pb__dictionary_type);
    if (!t) return false;
    t->keytype = anm_proto_make_type(arena, type->items[0]);
    t->valuetype = anm_proto_make_type(arena, type->items[1]);
    message->type_case = PB__VALUE_TYPE__TYPE_DICTIONARY_TYPE;
    message->dictionarytype = t;
    return t->keytype && t->valuetype;
}

static bool make_state_type(anm_arena *arena, const anm_mil_type *type, Pb__ValueType *message) {
    Pb__StateType *t = ANM_PROTO_NEW(arena, Pb__StateType, pb__state_type);
    if (!t) return false;
    t->wrappedtype = anm_proto_make_type(arena, type->items[0]);
    message->type_case = PB__VALUE_TYPE__TYPE_STATE_TYPE;
    message->statetype = t;
    return t->wrappedtype != NULL;
}

Pb__ValueType *anm_proto_make_type(anm_arena *arena, const anm_mil_type *type) {
    static bool (*const makers[])(anm_arena *, const anm_mil_type *, Pb__ValueType *) = {
        [ANM_MIL_TENSOR] = make_tensor_type, [ANM_MIL_STATE] = make_state_type,
        [ANM_MIL_LIST] = make_list_type,     [ANM_MIL_TUPLE] = make_tuple_type,
        [ANM_MIL_DICT] = make_dict_type,
    };
    Pb__ValueType *message = ANM_PROTO_NEW(arena, Pb__ValueType, pb__value_type);
    return message && makers[type->kind](arena, type, message) ? message : NULL;
}

static bool make_strings(anm_arena *arena, const anm_mil_literal *literal, Pb__TensorValue *t) {
    t->value_case = PB__TENSOR_VALUE__VALUE_STRINGS;
    t->strings =
        ANM_PROTO_NEW(arena, Pb__TensorValue__RepeatedStrings, pb__tensor_value__repeated_strings);
    if (!t->strings) return false;
    t->strings->n_values = literal->count;
    t->strings->values = ANM_ARENA_ARRAY(arena, ProtobufCBinaryData, literal->count);
    if (!t->strings->values) return false;
    for (size_t i = 0; i < literal->count; i++)
        t->strings->values[i] =
            (ProtobufCBinaryData){literal->strings[i].len, (uint8_t *)literal->strings[i].data};
    return true;
}

static bool make_ints(anm_arena *arena, const anm_mil_literal *literal, size_t n,
                      Pb__TensorValue *t) {
    int32_t *values = ANM_ARENA_ARRAY(arena, int32_t, n);
    t->value_case = PB__TENSOR_VALUE__VALUE_INTS;
    t->ints = ANM_PROTO_NEW(arena, Pb__TensorValue__RepeatedInts, pb__tensor_value__repeated_ints);
    if (!t->ints || !values) return false;
    for (size_t i = 0; i < n; i++)
        values[i] = (int32_t)anm_element_get_int(literal->type->dtype, literal->data, (int64_t)i);
    t->ints->n_values = n;
    t->ints->values = values;
    return true;
}

static bool make_long_ints(anm_arena *arena, const anm_mil_literal *literal, size_t n,
                           Pb__TensorValue *t) {
    t->value_case = PB__TENSOR_VALUE__VALUE_LONG_INTS;
    t->longints = ANM_PROTO_NEW(arena, Pb__TensorValue__RepeatedLongInts,
                                pb__tensor_value__repeated_long_ints);
    if (!t->longints) return false;
    t->longints->n_values = n;
    t->longints->values = anm_arena_copy(arena, literal->data, literal->bytes);
    return t->longints->values != NULL;
}

static bool make_bools(anm_arena *arena, const anm_mil_literal *literal, size_t n,
                       Pb__TensorValue *t) {
    protobuf_c_boolean *values = ANM_ARENA_ARRAY(arena, protobuf_c_boolean, n);
    t->value_case = PB__TENSOR_VALUE__VALUE_BOOLS;
    t->bools =
        ANM_PROTO_NEW(arena, Pb__TensorValue__RepeatedBools, pb__tensor_value__repeated_bools);
    if (!t->bools || !values) return false;
    for (size_t i = 0; i < n; i++) values[i] = ((const unsigned char *)literal->data)[i] != 0;
    t->bools->n_values = n;
    t->bools->values = values;
    return true;
}

static bool make_floats(anm_arena *arena, const anm_mil_literal *literal, size_t n,
                        Pb__TensorValue *t) {
    t->value_case = PB__TENSOR_VALUE__VALUE_FLOATS;
    t->floats =
        ANM_PROTO_NEW(arena, Pb__TensorValue__RepeatedFloats, pb__tensor_value__repeated_floats);
    if (!t->floats) return false;
    t->floats->n_values = n;
    t->floats->values = anm_arena_copy(arena, literal->data, literal->bytes);
    return t->floats->values != NULL;
}

static bool make_doubles(anm_arena *arena, const anm_mil_literal *literal, size_t n,
                         Pb__TensorValue *t) {
    t->value_case = PB__TENSOR_VALUE__VALUE_DOUBLES;
    t->doubles =
        ANM_PROTO_NEW(arena, Pb__TensorValue__RepeatedDoubles, pb__tensor_value__repeated_doubles);
    if (!t->doubles) return false;
    t->doubles->n_values = n;
    t->doubles->values = anm_arena_copy(arena, literal->data, literal->bytes);
    return t->doubles->values != NULL;
}

static bool make_bytes(anm_arena *arena, const anm_mil_literal *literal, Pb__TensorValue *t) {
    t->value_case = PB__TENSOR_VALUE__VALUE_BYTES;
    t->bytes =
        ANM_PROTO_NEW(arena, Pb__TensorValue__RepeatedBytes, pb__tensor_value__repeated_bytes);
    if (!t->bytes) return false;
    t->bytes->values = (ProtobufCBinaryData){literal->bytes, (uint8_t *)literal->data};
    return true;
}

/* The field for each element type is the one from which Core ML reads it. */
static Pb__TensorValue *make_tensor(anm_arena *arena, const anm_mil_literal *literal) {
    Pb__TensorValue *t = ANM_PROTO_NEW(arena, Pb__TensorValue, pb__tensor_value);
    size_t n = (size_t)anm_mil_literal_elements(literal);
    bool ok = t != NULL;
    if (!ok) return NULL;
    switch (literal->type->dtype) {
    case ANM_DTYPE_STRING: ok = make_strings(arena, literal, t); break;
    case ANM_DTYPE_BOOL: ok = make_bools(arena, literal, n, t); break;
    case ANM_DTYPE_INT16:
    case ANM_DTYPE_UINT16:
    case ANM_DTYPE_INT32: ok = make_ints(arena, literal, n, t); break;
    case ANM_DTYPE_INT64:
    case ANM_DTYPE_UINT64: ok = make_long_ints(arena, literal, n, t); break;
    case ANM_DTYPE_FP32: ok = make_floats(arena, literal, n, t); break;
    case ANM_DTYPE_FP64: ok = make_doubles(arena, literal, n, t); break;
    default: ok = make_bytes(arena, literal, t); break;
    }
    return ok ? t : NULL;
}

static Pb__Value **make_items(anm_arena *arena, const anm_mil_literal *literal) {
    Pb__Value **items = ANM_ARENA_ARRAY(arena, Pb__Value *, literal->count);
    for (size_t i = 0; items && i < literal->count; i++)
        if (!(items[i] = anm_proto_make_value(arena, literal->items[i]))) return NULL;
    return items;
}

static bool make_dictionary(anm_arena *arena, Pb__Value *const *items, size_t count,
                            Pb__Value__ImmediateValue *immediate) {
    Pb__DictionaryValue *d = ANM_PROTO_NEW(arena, Pb__DictionaryValue, pb__dictionary_value);
    if (!d) return false;
    d->n_values = count / 2;
    d->values = ANM_ARENA_ARRAY(arena, Pb__DictionaryValue__KeyValuePair *, d->n_values);
    if (!d->values) return false;
    for (size_t i = 0; i < d->n_values; i++) {
        d->values[i] = ANM_PROTO_NEW(arena, Pb__DictionaryValue__KeyValuePair,
                                     pb__dictionary_value__key_value_pair);
        if (!d->values[i]) return false;
        d->values[i]->key = items[2 * i];
        d->values[i]->value = items[2 * i + 1];
    }
    immediate->value_case = PB__VALUE__IMMEDIATE_VALUE__VALUE_DICTIONARY;
    immediate->dictionary = d;
    return true;
}

static bool make_compound(anm_arena *arena, const anm_mil_literal *literal,
                          Pb__Value__ImmediateValue *immediate) {
    Pb__Value **items = make_items(arena, literal);
    if (!items) return false;
    if (literal->type->kind == ANM_MIL_DICT)
        return make_dictionary(arena, items, literal->count, immediate);
    if (literal->type->kind == ANM_MIL_TUPLE) {
        immediate->value_case = PB__VALUE__IMMEDIATE_VALUE__VALUE_TUPLE;
        immediate->tuple = ANM_PROTO_NEW(arena, Pb__TupleValue, pb__tuple_value);
        if (!immediate->tuple) return false;
        immediate->tuple->values = items;
        immediate->tuple->n_values = literal->count;
        return true;
    }
    immediate->value_case = PB__VALUE__IMMEDIATE_VALUE__VALUE_LIST;
    immediate->list = ANM_PROTO_NEW(arena, Pb__ListValue, pb__list_value);
    if (!immediate->list) return false;
    immediate->list->values = items;
    immediate->list->n_values = literal->count;
    return true;
}

static bool make_blob(anm_arena *arena, const anm_mil_literal *literal, Pb__Value *value) {
    value->value_case = PB__VALUE__VALUE_BLOB_FILE_VALUE;
    value->blobfilevalue =
        ANM_PROTO_NEW(arena, Pb__Value__BlobFileValue, pb__value__blob_file_value);
    if (!value->blobfilevalue) return false;
    value->blobfilevalue->filename = (char *)literal->blob_path;
    value->blobfilevalue->offset = literal->blob_offset;
    return true;
}

Pb__Value *anm_proto_make_value(anm_arena *arena, const anm_mil_literal *literal) {
    Pb__Value *value = ANM_PROTO_NEW(arena, Pb__Value, pb__value);
    if (!value || !(value->type = anm_proto_make_type(arena, literal->type))) return NULL;
    if (literal->blob_path) return make_blob(arena, literal, value) ? value : NULL;
    Pb__Value__ImmediateValue *immediate =
        ANM_PROTO_NEW(arena, Pb__Value__ImmediateValue, pb__value__immediate_value);
    if (!immediate) return NULL;
    value->value_case = PB__VALUE__VALUE_IMMEDIATE_VALUE;
    value->immediatevalue = immediate;
    if (literal->type->kind != ANM_MIL_TENSOR)
        return make_compound(arena, literal, immediate) ? value : NULL;
    immediate->value_case = PB__VALUE__IMMEDIATE_VALUE__VALUE_TENSOR;
    immediate->tensor = make_tensor(arena, literal);
    return immediate->tensor ? value : NULL;
}
