/* SPDX-License-Identifier: MIT */
/*
 * Lists of tensors. Writing past the end lengthens a list; an element that was never written
 * reads as zeros when its shape is declared.
 */
#include <string.h>

#include "src/interp/plan.h"

enum { MAX_LENGTH = 1 << 20 };

static const anm_rvalue *list_arg(anm_kcall *k) {
    const anm_rvalue *v = anm_k_arg(k, "ls");
    if (v && !v->list) anm_k_fail(k, ANM_ERROR_MISMATCH, "argument \"ls\" is not a list");
    return v && v->list ? v : NULL;
}

static void make_list(anm_kcall *k) {
    int64_t length = anm_k_int(k, "init_length");
    if (length < 0 || length > MAX_LENGTH)
        anm_k_fail(k, ANM_ERROR_LIMIT, "init_length is %lld", (long long)length);
    if (k->status != ANM_OK) return;
    anm_rvalue v = {.list = anm_rlist_create(length)};
    if (v.list) anm_k_give(k, 0, &v);
    else anm_k_fail(k, ANM_ERROR_MEMORY, "out of memory");
}

static void list_length(anm_kcall *k) {
    const anm_rvalue *ls = list_arg(k);
    int32_t *out = ls ? anm_k_out_ints(k, 0, 0, NULL) : NULL;
    if (out) *out = (int32_t)ls->list->length;
}

/* The type that elements are declared to have. */
static const anm_mil_type *element_type(const anm_kcall *k) {
    const anm_mil_type *type = anm_mil_operand_type(anm_mil_op_operand(k->op, "ls"));
    return type && type->kind == ANM_MIL_LIST && type->count == 1 ? type->items[0] : NULL;
}

/* A written element, or what stands for an unwritten one. */
static bool element(anm_kcall *k, const anm_rlist *list, int64_t index, anm_rvalue *out) {
    if (index < 0) index += list->length;
    if (index < 0 || index >= list->length) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "element %lld of a list of %lld", (long long)index,
                   (long long)list->length);
        return false;
    }
    *out = list->items[index];
    if (!anm_rvalue_is_empty(out)) return true;
    const anm_mil_type *type = element_type(k);
    bool known = type && type->kind == ANM_MIL_TENSOR && type->rank >= 0;
    for (int i = 0; known && i < type->rank; i++) known = type->shape[i] >= 0;
    if (!known) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "element %lld was never written", (long long)index);
        return false;
    }
    *out = (anm_rvalue){.dtype = type->dtype, .rank = type->rank};
    memcpy(out->shape, type->shape, sizeof out->shape);
    out->count = anm_value_count(type->rank, type->shape);
    anm_word *zeros = anm_k_scratch(k, out->count, sizeof *zeros);
    if (!zeros) return false;
    memset(zeros, 0, (size_t)out->count * sizeof *zeros);
    bool floats = type->dtype == ANM_DTYPE_FP16 || type->dtype == ANM_DTYPE_FP32;
    out->f = floats ? (float *)zeros : NULL;
    out->i = floats ? NULL : (int32_t *)zeros;
    return true;
}

static void list_read(anm_kcall *k) {
    const anm_rvalue *ls = list_arg(k);
    int64_t index = anm_k_int(k, "index");
    anm_rvalue v;
    if (!ls || k->status != ANM_OK || !element(k, ls->list, index, &v)) return;
    if (v.buffer) {
        anm_k_share(k, 0, &v, v.rank, v.shape);
        return;
    }
    anm_word *out = anm_k_out_words(k, 0, &v, v.rank, v.shape);
    if (out) anm_rvalue_read_words(&v, 0, v.count, out);
}

/* Puts a reference to `v` at a position that exists. */
static void set_element(anm_rlist *list, int64_t index, const anm_rvalue *v) {
    anm_rvalue copy;
    anm_rvalue_copy(&copy, v);
    anm_rvalue_clear(&list->items[index]);
    list->items[index] = copy;
}

static bool make_room(anm_kcall *k, anm_rlist *list, int64_t index) {
    if (index < 0 || index >= MAX_LENGTH) {
        anm_k_fail(k, ANM_ERROR_LIMIT, "element %lld of a list", (long long)index);
        return false;
    }
    if (anm_rlist_grow(list, index + 1)) return true;
    anm_k_fail(k, ANM_ERROR_MEMORY, "out of memory");
    return false;
}

static void list_write(anm_kcall *k) {
    int64_t index = anm_k_int(k, "index");
    const anm_rvalue *value = anm_k_arg(k, "value");
    anm_rvalue ls;
    if (!list_arg(k) || !value || k->status != ANM_OK || !anm_k_take(k, "ls", &ls)) return;
    if (make_room(k, ls.list, index)) set_element(ls.list, index, value);
    anm_k_give(k, 0, &ls);
}

/* Shape of the packed elements, which must all be alike. */
static bool packed_shape(anm_kcall *k, const anm_rvalue *first, const anm_rvalue *v,
                         int64_t *shape) {
    bool same = v->rank == first->rank && anm_k_is_float(v) == anm_k_is_float(first) &&
                v->rank < ANM_MAX_RANK &&
                memcmp(v->shape, first->shape, (size_t)v->rank * sizeof *v->shape) == 0;
    if (!same) anm_k_fail(k, ANM_ERROR_MISMATCH, "the list's elements differ in shape");
    for (int i = 0; same && i < v->rank; i++) shape[i + 1] = v->shape[i];
    return same;
}

static void list_gather(anm_kcall *k) {
    const anm_rvalue *ls = list_arg(k), *indices = anm_k_arg(k, "indices");
    const int32_t *at = indices ? anm_k_int32s(k, indices) : NULL;
    if (!ls || !at) return;
    int64_t n = indices->count, shape[ANM_MAX_RANK] = {n};
    anm_rvalue *items = anm_k_scratch(k, n, sizeof *items);
    if (n == 0) anm_k_fail(k, ANM_ERROR_MISMATCH, "indices are empty");
    for (int64_t i = 0; items && k->status == ANM_OK && i < n; i++)
        if (element(k, ls->list, at[i], &items[i])) packed_shape(k, &items[0], &items[i], shape);
    if (k->status != ANM_OK) return;
    anm_word *out = anm_k_out_words(k, 0, &items[0], items[0].rank + 1, shape);
    for (int64_t i = 0; out && i < n; i++, out += items[0].count)
        anm_rvalue_read_words(&items[i], 0, items[0].count, out);
}

/* Row `row` of `value` as a tensor of its own. */
static bool row_of(anm_kcall *k, const anm_rvalue *value, int64_t row, anm_rvalue *out) {
    int64_t count = anm_shape_product(value->shape, 1, value->rank);
    *out = (anm_rvalue){.dtype = value->dtype, .rank = value->rank - 1, .count = count};
    for (int i = 1; i < value->rank; i++) out->shape[i - 1] = value->shape[i];
    out->buffer = anm_buffer_create(&k->run->account, count);
    if (!out->buffer) {
        anm_k_fail(k, ANM_ERROR_MEMORY, "out of memory");
        return false;
    }
    void *data = anm_buffer_data(out->buffer);
    anm_rvalue_read_words(value, row * count, count, data);
    if (anm_k_is_float(value)) out->f = data;
    else out->i = data;
    if (value->buffer) out->buffer->rounded = value->buffer->rounded;
    return true;
}

static void list_scatter(anm_kcall *k) {
    const anm_rvalue *indices = anm_k_arg(k, "indices"), *value = anm_k_arg(k, "value");
    const int32_t *at = indices ? anm_k_int32s(k, indices) : NULL;
    anm_rvalue ls, row;
    if (!list_arg(k) || !at || !value) return;
    if (value->list || value->rank < 1 || value->shape[0] != indices->count) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "value and indices do not fit each other");
        return;
    }
    if (!anm_k_take(k, "ls", &ls)) return;
    for (int64_t i = 0; i < indices->count && make_room(k, ls.list, at[i]); i++) {
        if (!row_of(k, value, i, &row)) break;
        set_element(ls.list, at[i], &row);
        anm_rvalue_clear(&row);
    }
    anm_k_give(k, 0, &ls);
}

const anm_kernel anm_kernels_list[] = {
    {"list_gather", list_gather, 0, NULL},
    {"list_length", list_length, 0, NULL},
    {"list_read", list_read, 0, NULL},
    {"list_scatter", list_scatter, 0, NULL},
    {"list_write", list_write, 0, NULL},
    {"make_list", make_list, 0, NULL},
    {NULL, NULL, 0, NULL},
};
