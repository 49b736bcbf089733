/* SPDX-License-Identifier: MIT */
/*
 * Types and literals of the text form. A literal is read by its type, so what its brackets mean
 * is never guessed, and its nesting is limited by the type's.
 */
#include <stdio.h>

#include "src/base/dtype.h"
#include "src/mil/text_number.h"
#include "src/mil/text_reader.h"

/* ---- types ---- */

static anm_status read_type(anm_mil_reader *r, int depth, const anm_mil_type **out);

/* "[1, ?, 4]", or "[...]" for an unknown rank, which only our own printer writes. */
static anm_status read_shape(anm_mil_reader *r, anm_mil_type *type) {
    bool more = true;
    ANM_TRY(anm_mil_reader_expect(r, "["));
    if (anm_mil_reader_take(r, "]")) return ANM_OK;
    if (anm_mil_reader_take(r, "...")) {
        type->rank = -1;
        return anm_mil_reader_expect(r, "]");
    }
    while (more) {
        anm_mil_reader_skip(r);
        if (type->rank == ANM_MAX_RANK)
            return anm_mil_reader_fail(r, ANM_ERROR_LIMIT, r->at,
                                       "a tensor has at most %d dimensions", ANM_MAX_RANK);
        int64_t *dim = &type->shape[type->rank++];
        *dim = ANM_DIM_UNKNOWN;
        if (!anm_mil_reader_take(r, "?"))
            ANM_TRY(anm_mil_reader_int(r, "a dimension (a number or '?')", dim));
        ANM_TRY(anm_mil_reader_next_item(r, "]", &more));
    }
    return ANM_OK;
}

static anm_status read_tensor_type(anm_mil_reader *r, anm_mil_type *type) {
    anm_sv name = anm_mil_reader_peek_word(r);
    type->dtype = anm_dtype_from_name(name);
    if (type->dtype == ANM_DTYPE_NONE) return anm_mil_reader_expected(r, "an element type");
    r->at += name.len;
    ANM_TRY(anm_mil_reader_expect(r, ","));
    ANM_TRY(read_shape(r, type));
    return anm_mil_reader_expect(r, ">");
}

/* The types between "<" and ">"; a tuple's are as many as there are. */
static anm_status read_item_types(anm_mil_reader *r, anm_mil_type *type, size_t wanted,
                                  int depth) {
    size_t base = r->stack.len;
    bool more = !(type->kind == ANM_MIL_TUPLE && anm_mil_reader_take(r, ">"));
    while (more) {
        const anm_mil_type *item;
        ANM_TRY(read_type(r, depth + 1, &item));
        ANM_TRY(anm_mil_reader_push(r, item));
        size_t have = r->stack.len - base;
        if (type->kind == ANM_MIL_LIST) break;
        if (type->kind == ANM_MIL_TUPLE) {
            ANM_TRY(anm_mil_reader_next_item(r, ">", &more));
        } else {
            more = have < wanted;
            ANM_TRY(anm_mil_reader_expect(r, more ? "," : ">"));
        }
    }
    return anm_mil_reader_pop_all(r, base, &type->items, &type->count);
}

static anm_status read_list_length(anm_mil_reader *r, anm_mil_type *type) {
    ANM_TRY(anm_mil_reader_expect(r, ","));
    type->shape[0] = ANM_DIM_UNKNOWN;
    if (!anm_mil_reader_take(r, "?"))
        ANM_TRY(anm_mil_reader_int(r, "a list length (a number or '?')", &type->shape[0]));
    return anm_mil_reader_expect(r, ">");
}

static anm_status read_compound_type(anm_mil_reader *r, int depth, anm_mil_type *type) {
    if (depth >= ANM_MIL_TEXT_MAX_TYPE_DEPTH)
        return anm_mil_reader_fail(r, ANM_ERROR_LIMIT, r->at, "types nested deeper than %d",
                                   ANM_MIL_TEXT_MAX_TYPE_DEPTH);
    switch (type->kind) {
    case ANM_MIL_TENSOR: return read_tensor_type(r, type);
    case ANM_MIL_STATE: return read_item_types(r, type, 1, depth);
    case ANM_MIL_TUPLE: return read_item_types(r, type, 0, depth);
    case ANM_MIL_DICT: return read_item_types(r, type, 2, depth);
    case ANM_MIL_LIST: break;
    }
    ANM_TRY(read_item_types(r, type, 1, depth));
    return read_list_length(r, type);
}

static anm_status read_type(anm_mil_reader *r, int depth, const anm_mil_type **out) {
    static const struct {
        const char *name;
        anm_mil_kind kind;
    } compound[] = {{"tensor", ANM_MIL_TENSOR}, {"state", ANM_MIL_STATE}, {"list", ANM_MIL_LIST},
                    {"tuple", ANM_MIL_TUPLE}, {"dict", ANM_MIL_DICT}};
    anm_sv name = anm_mil_reader_peek_word(r);
    anm_mil_type *type = ANM_ARENA_NEW(r->arena, anm_mil_type);
    if (!type) return anm_fail_memory(r->err);
    *out = type;
    type->dtype = anm_dtype_from_name(name);
    if (type->dtype != ANM_DTYPE_NONE) { /* a scalar */
        r->at += name.len;
        return ANM_OK;
    }
    for (size_t i = 0; i < sizeof compound / sizeof compound[0]; i++) {
        if (!anm_sv_is(name, compound[i].name)) continue;
        type->kind = compound[i].kind;
        r->at += name.len;
        ANM_TRY(anm_mil_reader_expect(r, "<"));
        return read_compound_type(r, depth, type);
    }
    return anm_mil_reader_expected(r, "a type");
}

anm_status anm_mil_reader_type(anm_mil_reader *r, const anm_mil_type **out) {
    return read_type(r, 0, out);
}

/* ---- tensors written out ---- */

/* A tensor while its brackets are read. */
typedef struct tensor_text {
    anm_dtype dtype;
    int rank;
    int64_t shape[ANM_MAX_RANK]; /* unknown dimensions get known by the first row */
    int64_t count;               /* elements so far */
    size_t strings;              /* where they begin on the reader's stack */
} tensor_text;

static anm_status read_string_element(anm_mil_reader *r, tensor_text *t) {
    anm_sv *slice = ANM_ARENA_NEW(r->arena, anm_sv);
    if (!slice) return anm_fail_memory(r->err);
    ANM_TRY(anm_mil_reader_string(r, slice));
    t->count++;
    return anm_mil_reader_push(r, slice);
}

static anm_status read_element(anm_mil_reader *r, tensor_text *t) {
    if (t->dtype == ANM_DTYPE_STRING) return read_string_element(r, t);
    anm_sv word = anm_mil_reader_peek_number(r);
    size_t bytes;
    if (!anm_dtype_bytes(t->dtype, t->count + 1, &bytes) || !anm_vec_reserve(&r->bytes, bytes))
        return anm_fail_memory(r->err);
    /* Elements of sub-byte types share bytes, and setting one keeps the others' bits. */
    if (bytes > r->bytes.len) memset(r->bytes.data + r->bytes.len, 0, bytes - r->bytes.len);
    r->bytes.len = bytes;
    char what[40];
    switch (anm_mil_text_store_element(word, t->dtype, r->bytes.data, t->count)) {
    case ANM_MIL_NUMBER_OK:
        t->count++;
        r->at += word.len;
        return ANM_OK;
    case ANM_MIL_NUMBER_RANGE:
        return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, r->at, "%.*s does not fit %s",
                                   word.len > 60 ? 60 : (int)word.len, word.data,
                                   anm_dtype_name(t->dtype));
    case ANM_MIL_NUMBER_SYNTAX: break;
    }
    snprintf(what, sizeof what, "a number of type %s", anm_dtype_name(t->dtype));
    return anm_mil_reader_expected(r, t->dtype == ANM_DTYPE_BOOL ? "true or false" : what);
}

static anm_status read_rows(anm_mil_reader *r, tensor_text *t, int axis) {
    if (axis == t->rank) return read_element(r, t);
    int64_t rows = 0;
    ANM_TRY(anm_mil_reader_expect(r, "["));
    const char *start = r->at - 1;
    for (bool more = !anm_mil_reader_take(r, "]"); more; rows++) {
        ANM_TRY(read_rows(r, t, axis + 1));
        ANM_TRY(anm_mil_reader_next_item(r, "]", &more));
    }
    if (t->shape[axis] == ANM_DIM_UNKNOWN) t->shape[axis] = rows;
    /* No row, nothing to say about the dimensions further in. */
    for (int i = axis + 1; rows == 0 && i < t->rank; i++)
        if (t->shape[i] == ANM_DIM_UNKNOWN) t->shape[i] = 0;
    if (t->shape[axis] == rows) return ANM_OK;
    /* Any tensor without elements may be written "[]", as our printer does. */
    if (axis == 0 && rows == 0 && anm_shape_elements(t->shape, t->rank) == 0) return ANM_OK;
    return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, start,
                               "expected %lld items in dimension %d, found %lld",
                               (long long)t->shape[axis], axis, (long long)rows);
}

static anm_status finish_strings(anm_mil_reader *r, const tensor_text *t,
                                 anm_mil_literal *literal) {
    anm_sv *strings = ANM_ARENA_ARRAY(r->arena, anm_sv, t->count);
    if (!strings) return anm_fail_memory(r->err);
    for (size_t i = 0; i < (size_t)t->count; i++)
        strings[i] = *(const anm_sv *)r->stack.data[t->strings + i];
    r->stack.len = t->strings;
    literal->strings = strings;
    literal->count = (size_t)t->count;
    return ANM_OK;
}

static anm_status read_tensor(anm_mil_reader *r, const anm_mil_type *type,
                              anm_mil_literal *literal) {
    tensor_text t = {.dtype = type->dtype, .rank = type->rank, .strings = r->stack.len};
    if (type->rank < 0)
        return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, r->at, "a value needs a known rank");
    memcpy(t.shape, type->shape, sizeof t.shape);
    r->bytes.len = 0;
    ANM_TRY(read_rows(r, &t, 0));
    literal->type = anm_mil_type_tensor(r->arena, t.dtype, t.rank, t.shape);
    if (!literal->type) return anm_fail_memory(r->err);
    if (t.dtype == ANM_DTYPE_STRING) return finish_strings(r, &t, literal);
    literal->bytes = r->bytes.len;
    literal->data = anm_arena_alloc(r->arena, literal->bytes);
    if (!literal->data) return anm_fail_memory(r->err);
    if (literal->bytes) memcpy((void *)literal->data, r->bytes.data, literal->bytes);
    return ANM_OK;
}

/* ---- blobs ---- */

/* A scalar of one given type, written out: this is what keeps BLOBFILE from nesting. */
static anm_status read_scalar(anm_mil_reader *r, const char *label, anm_dtype dtype,
                              anm_mil_literal *out) {
    const anm_mil_type *type;
    ANM_TRY(anm_mil_reader_expect(r, label));
    ANM_TRY(anm_mil_reader_expect(r, "="));
    anm_mil_reader_skip(r);
    const char *start = r->at;
    ANM_TRY(anm_mil_reader_type(r, &type));
    if (type->kind != ANM_MIL_TENSOR || type->dtype != dtype || type->rank != 0)
        return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, start, "BLOBFILE wants its %s as a %s",
                                   label, anm_dtype_name(dtype));
    ANM_TRY(anm_mil_reader_expect(r, "("));
    ANM_TRY(read_tensor(r, type, out));
    return anm_mil_reader_expect(r, ")");
}

static anm_status read_blob(anm_mil_reader *r, const anm_mil_type *type,
                            anm_mil_literal *literal) {
    anm_mil_literal path = {0}, offset = {0};
    const char *start = r->at;
    literal->type = type;
    if (anm_shape_elements(type->shape, type->rank) < 0 || type->rank < 0 ||
        type->dtype == ANM_DTYPE_STRING)
        return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, start,
                                   "a BLOBFILE needs a tensor of numbers with a known shape");
    ANM_TRY(anm_mil_reader_expect(r, "BLOBFILE"));
    ANM_TRY(anm_mil_reader_expect(r, "("));
    ANM_TRY(read_scalar(r, "path", ANM_DTYPE_STRING, &path));
    ANM_TRY(anm_mil_reader_expect(r, ","));
    ANM_TRY(read_scalar(r, "offset", ANM_DTYPE_UINT64, &offset));
    if (memchr(path.strings[0].data, 0, path.strings[0].len))
        return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, start, "a zero byte in a BLOBFILE path");
    literal->blob_path = path.strings[0].data;
    literal->blob_offset = (uint64_t)anm_element_get_int(ANM_DTYPE_UINT64, offset.data, 0);
    return anm_mil_reader_expect(r, ")");
}

/* ---- lists, tuples, dicts ---- */

static anm_status read_literal(anm_mil_reader *r, const anm_mil_type *type,
                               const anm_mil_literal **out);

static anm_status push_literal(anm_mil_reader *r, const anm_mil_type *type) {
    const anm_mil_literal *item;
    ANM_TRY(read_literal(r, type, &item));
    return anm_mil_reader_push(r, item);
}

static anm_status read_list(anm_mil_reader *r, const anm_mil_type *type, size_t base) {
    ANM_TRY(anm_mil_reader_expect(r, "["));
    const char *start = r->at - 1;
    for (bool more = !anm_mil_reader_take(r, "]"); more;) {
        ANM_TRY(push_literal(r, type->items[0]));
        ANM_TRY(anm_mil_reader_next_item(r, "]", &more));
    }
    int64_t count = (int64_t)(r->stack.len - base);
    if (type->shape[0] == ANM_DIM_UNKNOWN || type->shape[0] == count) return ANM_OK;
    return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, start,
                               "expected a list of %lld items, found %lld",
                               (long long)type->shape[0], (long long)count);
}

static anm_status read_tuple(anm_mil_reader *r, const anm_mil_type *type) {
    ANM_TRY(anm_mil_reader_expect(r, "("));
    for (size_t i = 0; i < type->count; i++) {
        if (i) ANM_TRY(anm_mil_reader_expect(r, ","));
        ANM_TRY(push_literal(r, type->items[i]));
    }
    return anm_mil_reader_expect(r, ")");
}

static anm_status read_dict(anm_mil_reader *r, const anm_mil_type *type) {
    ANM_TRY(anm_mil_reader_expect(r, "{"));
    for (bool more = !anm_mil_reader_take(r, "}"); more;) {
        ANM_TRY(anm_mil_reader_expect(r, "{"));
        ANM_TRY(push_literal(r, type->items[0]));
        ANM_TRY(anm_mil_reader_expect(r, ","));
        ANM_TRY(push_literal(r, type->items[1]));
        ANM_TRY(anm_mil_reader_expect(r, "}"));
        ANM_TRY(anm_mil_reader_next_item(r, "}", &more));
    }
    return ANM_OK;
}

static anm_status read_compound(anm_mil_reader *r, const anm_mil_type *type,
                                anm_mil_literal *literal) {
    size_t base = r->stack.len;
    literal->type = type;
    switch (type->kind) {
    case ANM_MIL_LIST: ANM_TRY(read_list(r, type, base)); break;
    case ANM_MIL_TUPLE: ANM_TRY(read_tuple(r, type)); break;
    case ANM_MIL_DICT: ANM_TRY(read_dict(r, type)); break;
    case ANM_MIL_STATE:
    case ANM_MIL_TENSOR:
        return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, r->at, "a state has no written value");
    }
    return anm_mil_reader_pop_all(r, base, &literal->items, &literal->count);
}

static anm_status read_literal(anm_mil_reader *r, const anm_mil_type *type,
                               const anm_mil_literal **out) {
    anm_mil_literal *literal = ANM_ARENA_NEW(r->arena, anm_mil_literal);
    if (!literal) return anm_fail_memory(r->err);
    *out = literal;
    if (type->kind != ANM_MIL_TENSOR) return read_compound(r, type, literal);
    if (anm_mil_reader_at(r, "BLOBFILE")) return read_blob(r, type, literal);
    return read_tensor(r, type, literal);
}

anm_status anm_mil_reader_value(anm_mil_reader *r, const anm_mil_literal **out) {
    const anm_mil_type *type;
    ANM_TRY(anm_mil_reader_type(r, &type));
    ANM_TRY(anm_mil_reader_expect(r, "("));
    ANM_TRY(read_literal(r, type, out));
    return anm_mil_reader_expect(r, ")");
}
