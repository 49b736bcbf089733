/* SPDX-License-Identifier: MIT */
/* MIL types and literals: making, comparing, showing. */
#include <stdio.h>
#include <string.h>

#include "src/base/dtype.h"
#include "src/mil/ir.h"

const anm_mil_type *anm_mil_type_tensor(anm_arena *arena, anm_dtype dtype, int rank,
                                        const int64_t *shape) {
    anm_mil_type *type = ANM_ARENA_NEW(arena, anm_mil_type);
    if (!type) return NULL;
    type->kind = ANM_MIL_TENSOR;
    type->dtype = dtype;
    type->rank = rank;
    for (int i = 0; i < rank; i++) type->shape[i] = shape[i];
    return type;
}

const anm_mil_type *anm_mil_type_compound(anm_arena *arena, anm_mil_kind kind,
                                          const anm_mil_type *const *items, size_t count,
                                          int64_t length) {
    anm_mil_type *type = ANM_ARENA_NEW(arena, anm_mil_type);
    if (!type) return NULL;
    type->kind = kind;
    type->shape[0] = length;
    type->count = count;
    type->items = anm_arena_copy(arena, items, count * sizeof *items);
    return type->items ? type : NULL;
}

static bool compare_dims(const anm_mil_type *a, const anm_mil_type *b, int n, bool exact) {
    for (int i = 0; i < n; i++) {
        if (a->shape[i] == b->shape[i]) continue;
        if (exact || (a->shape[i] >= 0 && b->shape[i] >= 0)) return false;
    }
    return true;
}

static bool compare(const anm_mil_type *a, const anm_mil_type *b, bool exact) {
    if (a == b) return true;
    if (a->kind != b->kind) return false;
    if (a->kind == ANM_MIL_TENSOR) {
        if (a->dtype != b->dtype) return false;
        if (!exact && (a->rank < 0 || b->rank < 0)) return true;
        return a->rank == b->rank && compare_dims(a, b, a->rank, exact);
    }
    if (a->count != b->count) return false;
    if (a->kind == ANM_MIL_LIST && !compare_dims(a, b, 1, exact)) return false;
    for (size_t i = 0; i < a->count; i++)
        if (!compare(a->items[i], b->items[i], exact)) return false;
    return true;
}

bool anm_mil_type_equal(const anm_mil_type *a, const anm_mil_type *b) {
    return compare(a, b, true);
}

bool anm_mil_type_compatible(const anm_mil_type *a, const anm_mil_type *b) {
    return compare(a, b, false);
}

static void format_type(const anm_mil_type *type, anm_strbuf *out) {
    static const char *const names[] = {"tensor", "state", "list", "tuple", "dict"};
    char shape[ANM_SHAPE_TEXT];
    anm_strbuf_printf(out, "%s<", names[type->kind]);
    if (type->kind == ANM_MIL_TENSOR) {
        anm_strbuf_puts(out, anm_dtype_name(type->dtype));
        anm_strbuf_printf(out, ", %s", type->rank < 0 ? "[...]"
                          : anm_shape_format(type->shape, type->rank, shape, sizeof shape));
    }
    for (size_t i = 0; i < type->count; i++) {
        if (i) anm_strbuf_puts(out, ", ");
        format_type(type->items[i], out);
    }
    if (type->kind == ANM_MIL_LIST && type->shape[0] < 0) anm_strbuf_puts(out, ", ?");
    else if (type->kind == ANM_MIL_LIST)
        anm_strbuf_printf(out, ", %lld", (long long)type->shape[0]);
    anm_strbuf_putc(out, '>');
}

const char *anm_mil_type_format(const anm_mil_type *type, char *buffer, size_t size) {
    anm_strbuf text = {0};
    format_type(type, &text);
    snprintf(buffer, size, "%s", anm_strbuf_cstr(&text));
    anm_strbuf_free(&text);
    return buffer;
}

const anm_mil_literal *anm_mil_literal_tensor(anm_arena *arena, anm_dtype dtype, int rank,
                                              const int64_t *shape, const void *data) {
    anm_mil_literal *literal = ANM_ARENA_NEW(arena, anm_mil_literal);
    if (!literal) return NULL;
    literal->type = anm_mil_type_tensor(arena, dtype, rank, shape);
    if (!anm_dtype_bytes(dtype, anm_shape_elements(shape, rank), &literal->bytes)) return NULL;
    literal->data = anm_arena_copy(arena, data, literal->bytes);
    return literal->type && literal->data ? literal : NULL;
}

const anm_mil_literal *anm_mil_literal_string(anm_arena *arena, const char *text) {
    anm_mil_literal *literal = ANM_ARENA_NEW(arena, anm_mil_literal);
    anm_sv *slice = ANM_ARENA_NEW(arena, anm_sv);
    char *copy = anm_arena_strdup(arena, text);
    if (!literal || !slice || !copy) return NULL;
    *slice = anm_sv_from(copy);
    literal->type = anm_mil_type_tensor(arena, ANM_DTYPE_STRING, 0, NULL);
    literal->strings = slice;
    literal->count = 1;
    return literal->type ? literal : NULL;
}

int64_t anm_mil_literal_elements(const anm_mil_literal *literal) {
    if (literal->type->kind != ANM_MIL_TENSOR) return 0;
    return anm_shape_elements(literal->type->shape, literal->type->rank);
}

bool anm_mil_literal_equal(const anm_mil_literal *a, const anm_mil_literal *b) {
    if (a == b) return true;
    if (!anm_mil_type_equal(a->type, b->type) || a->bytes != b->bytes || a->count != b->count)
        return false;
    if (!a->blob_path != !b->blob_path) return false;
    if (a->blob_path && !a->data)
        return strcmp(a->blob_path, b->blob_path) == 0 && a->blob_offset == b->blob_offset;
    if (!a->data != !b->data || (a->data && a->bytes && memcmp(a->data, b->data, a->bytes) != 0))
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (a->strings && !anm_sv_equal(a->strings[i], b->strings[i])) return false;
        if (a->items && !anm_mil_literal_equal(a->items[i], b->items[i])) return false;
    }
    return true;
}
