/* SPDX-License-Identifier: MIT */
/* The reading side of compileflexible.c, for bundles that have nothing but their MIL text. */
#include "src/package/flexibleread.h"

#include <string.h>

#include "src/base/dtype.h"

typedef struct reader {
    anm_arena *arena;
    const anm_mil_function *function;
    anm_interface *face;
    anm_error *err;
} reader;

static anm_status malformed(const reader *r, const char *what) {
    return anm_fail(r->err, ANM_ERROR_FORMAT, r->function->name, "FlexibleShapeInformation: %s",
                    what);
}

static bool is_text(const anm_mil_literal *l, anm_sv *out) {
    bool ok = l && l->type->kind == ANM_MIL_TENSOR && l->type->dtype == ANM_DTYPE_STRING &&
              l->count == 1;
    if (ok) *out = l->strings[0];
    return ok;
}

/* The value of an entry ("NAME", value) of the tuple; NULL if there is none. */
static const anm_mil_literal *find_entry(const anm_mil_literal *info, const char *name) {
    anm_sv text;
    for (size_t i = 0; info->type->kind == ANM_MIL_TUPLE && i < info->count; i++) {
        const anm_mil_literal *pair = info->items[i];
        if (pair->type->kind == ANM_MIL_TUPLE && pair->count == 2 &&
            is_text(pair->items[0], &text) && anm_sv_is(text, name))
            return pair->items[1];
    }
    return NULL;
}

/* What a dict (key, value, key, value) has for a name. */
static const anm_mil_literal *find_named(const anm_mil_literal *dict, const char *name) {
    anm_sv text;
    for (size_t i = 0; dict->type->kind == ANM_MIL_DICT && i + 1 < dict->count; i += 2)
        if (is_text(dict->items[i], &text) && anm_sv_is(text, name)) return dict->items[i + 1];
    return NULL;
}

static bool read_ints(const anm_mil_literal *l, int count, int64_t *out) {
    if (l->type->kind != ANM_MIL_TENSOR || l->type->dtype == ANM_DTYPE_STRING || !l->data ||
        anm_dtype_is_float(l->type->dtype) || anm_mil_literal_elements(l) != count)
        return false;
    for (int i = 0; i < count; i++)
        out[i] = (int64_t)anm_element_get(l->type->dtype, l->data, i);
    return true;
}

static anm_status read_default(const reader *r, const anm_mil_literal *dict, anm_feature *f) {
    const anm_mil_literal *shape = dict ? find_named(dict, f->name) : NULL;
    if (!shape || read_ints(shape, f->rank, f->shape)) return ANM_OK;
    return malformed(r, "a default shape is no list of the input's dimensions");
}

static anm_status read_range(const reader *r, const anm_mil_literal *dict, anm_feature *f) {
    const anm_mil_literal *pairs = dict ? find_named(dict, f->name) : NULL;
    if (!pairs) return ANM_OK;
    if (pairs->type->kind != ANM_MIL_LIST || pairs->count != (size_t)f->rank)
        return malformed(r, "a range has no pair for each dimension of the input");
    for (int d = 0; d < f->rank; d++) {
        int64_t pair[2];
        if (!read_ints(pairs->items[d], 2, pair) || pair[0] < 0)
            return malformed(r, "a range is no pair of bounds");
        f->lower[d] = pair[0];
        f->upper[d] = pair[1];
    }
    f->shape_kind = ANM_SHAPE_RANGE;
    return ANM_OK;
}

static anm_status read_sets(const reader *r, const anm_mil_literal *sets, anm_feature *f) {
    if (!sets || sets->type->kind != ANM_MIL_DICT) return ANM_OK;
    int64_t(*shapes)[ANM_MAX_RANK] = anm_arena_array(r->arena, sets->count + 1, sizeof *shapes);
    size_t count = 0;
    if (!shapes) return anm_fail_memory(r->err);
    for (size_t i = 1; i < sets->count; i += 2) {
        const anm_mil_literal *shape = find_named(sets->items[i], f->name);
        if (shape && !read_ints(shape, f->rank, shapes[count++]))
            return malformed(r, "an enumerated shape is no list of the input's dimensions");
    }
    if (!count) return ANM_OK;
    f->shape_kind = ANM_SHAPE_ENUMERATED;
    f->shape_count = count;
    f->shapes = (const int64_t(*)[ANM_MAX_RANK])shapes;
    return ANM_OK;
}

anm_status anm_flexible_read(anm_arena *arena, const anm_mil_function *function,
                             anm_interface *face, anm_error *err) {
    reader r = {arena, function, face, err};
    const anm_mil_literal *info = NULL;
    for (size_t i = 0; i < function->attr_count; i++)
        if (strcmp(function->attrs[i].name, "FlexibleShapeInformation") == 0)
            info = function->attrs[i].literal;
    if (!info) return ANM_OK;
    const anm_mil_literal *defaults = find_entry(info, "DefaultShapes");
    const anm_mil_literal *ranges = find_entry(info, "RangeDims");
    const anm_mil_literal *sets = find_entry(info, "EnumeratedShapes");
    for (size_t i = 0; i < face->input_count; i++) {
        ANM_TRY(read_default(&r, defaults, &face->inputs[i]));
        ANM_TRY(read_range(&r, ranges, &face->inputs[i]));
        ANM_TRY(read_sets(&r, sets, &face->inputs[i]));
    }
    return ANM_OK;
}
