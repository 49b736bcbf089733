/* SPDX-License-Identifier: MIT */
/*
 * FlexibleShapeInformation, the function attribute by which a compiled program knows the shapes
 * that its inputs may take: default shapes, and either ranges or enumerated sets of shapes.
 */
#include <inttypes.h>
#include <string.h>

#include "src/base/map.h"
#include "src/package/compile.h"

typedef struct maker {
    anm_arena *arena;
    const anm_interface *face;
    size_t *flexible; /* indices of the inputs with flexible shapes */
    size_t count;
    const anm_mil_type *text, *shape, *shapes; /* string, [?], dict of name and shape */
} maker;

static const anm_mil_type *compound_type(anm_arena *arena, anm_mil_kind kind, const anm_mil_type *a,
                                         const anm_mil_type *b) {
    const anm_mil_type *items[2] = {a, b};
    if (!a || (kind != ANM_MIL_LIST && !b)) return NULL;
    return anm_mil_type_compound(arena, kind, items, kind == ANM_MIL_LIST ? 1 : 2, ANM_DIM_UNKNOWN);
}

static bool make_types(maker *m) {
    static const int64_t unknown[1] = {ANM_DIM_UNKNOWN};
    m->text = anm_mil_type_tensor(m->arena, ANM_DTYPE_STRING, 0, NULL);
    m->shape = anm_mil_type_tensor(m->arena, ANM_DTYPE_INT32, 1, unknown);
    m->shapes = compound_type(m->arena, ANM_MIL_DICT, m->text, m->shape);
    return m->shapes != NULL;
}

static const anm_feature *feature_at(const maker *m, size_t index) {
    return &m->face->inputs[m->flexible[index]];
}

static const anm_mil_literal *ints(anm_arena *arena, const int64_t *values, int count) {
    int32_t narrow[ANM_MAX_RANK];
    const int64_t shape[1] = {count};
    for (int i = 0; i < count; i++) narrow[i] = (int32_t)values[i];
    return anm_mil_literal_tensor(arena, ANM_DTYPE_INT32, 1, shape, narrow);
}

/* Default shapes (set < 0), or the set'th shape of every input. */
static const anm_mil_literal *shapes_by_name(const maker *m, int64_t set) {
    const anm_mil_literal **items =
        ANM_ARENA_ARRAY(m->arena, const anm_mil_literal *, 2 * m->count);
    if (!items) return NULL;
    for (size_t i = 0; i < m->count; i++) {
        const anm_feature *f = feature_at(m, i);
        items[2 * i] = anm_mil_literal_string(m->arena, f->name);
        items[2 * i + 1] = ints(m->arena, set < 0 ? f->shape : f->shapes[set], f->rank);
    }
    return anm_compile_compound(m->arena, m->shapes, items, 2 * m->count);
}

static const anm_mil_literal *range(const maker *m, const anm_feature *f,
                                    const anm_mil_type *type) {
    const anm_mil_literal *pairs[ANM_MAX_RANK];
    for (int d = 0; d < f->rank; d++)
        pairs[d] = ints(m->arena, (const int64_t[]){f->lower[d], f->upper[d]}, 2);
    return anm_compile_compound(m->arena, type, pairs, (size_t)f->rank);
}

static const anm_mil_literal *ranges(const maker *m) {
    static const int64_t two[1] = {2};
    const anm_mil_type *pair = anm_mil_type_tensor(m->arena, ANM_DTYPE_INT32, 1, two);
    const anm_mil_type *list = compound_type(m->arena, ANM_MIL_LIST, pair, NULL);
    const anm_mil_type *dict = compound_type(m->arena, ANM_MIL_DICT, m->text, list);
    const anm_mil_literal **items =
        ANM_ARENA_ARRAY(m->arena, const anm_mil_literal *, 2 * m->count);
    if (!items) return NULL;
    for (size_t i = 0; i < m->count; i++) {
        items[2 * i] = anm_mil_literal_string(m->arena, feature_at(m, i)->name);
        items[2 * i + 1] = range(m, feature_at(m, i), list);
    }
    return anm_compile_compound(m->arena, dict, items, 2 * m->count);
}

/* Apple's key is a hash that nobody has worked out. Ours is one of our own, unique in the set. */
static const anm_mil_literal *invent_key(const maker *m, size_t set, anm_map *taken) {
    anm_strbuf text = {0};
    for (size_t i = 0; i < m->count; i++) {
        const anm_feature *f = feature_at(m, i);
        anm_strbuf_printf(&text, "%s:", f->name);
        for (int d = 0; d < f->rank; d++)
            anm_strbuf_printf(&text, "%" PRId64 ",", f->shapes[set][d]);
    }
    uint32_t hash = (uint32_t)anm_hash_bytes(anm_strbuf_cstr(&text), text.len);
    bool failed = text.failed;
    anm_strbuf_free(&text);
    for (; !failed; hash++) {
        const char *key = anm_arena_printf(m->arena, "%08" PRIx32, hash);
        if (!key) return NULL;
        if (anm_map_get(taken, anm_sv_from(key), NULL)) continue;
        return anm_map_put(taken, anm_sv_from(key), 1) ? anm_mil_literal_string(m->arena, key)
                                                       : NULL;
    }
    return NULL;
}

static const anm_mil_literal *enumerated(const maker *m) {
    size_t count = feature_at(m, 0)->shape_count;
    const anm_mil_type *type = compound_type(m->arena, ANM_MIL_DICT, m->text, m->shapes);
    const anm_mil_literal **items = ANM_ARENA_ARRAY(m->arena, const anm_mil_literal *, 2 * count);
    anm_map taken = {0};
    if (!items) return NULL;
    for (size_t i = 0; i < count; i++) {
        items[2 * i] = invent_key(m, i, &taken);
        items[2 * i + 1] = shapes_by_name(m, (int64_t)i);
    }
    anm_map_free(&taken);
    return anm_compile_compound(m->arena, type, items, 2 * count);
}

static const anm_mil_literal *named(const maker *m, const char *name,
                                    const anm_mil_literal *value) {
    const anm_mil_literal *items[2] = {anm_mil_literal_string(m->arena, name), value};
    if (!value) return NULL;
    return anm_compile_compound(
        m->arena, compound_type(m->arena, ANM_MIL_TUPLE, m->text, value->type), items, 2);
}

static const anm_mil_literal *information(const maker *m) {
    bool range = feature_at(m, 0)->shape_kind == ANM_SHAPE_RANGE;
    const anm_mil_literal *items[2] = {named(m, "DefaultShapes", shapes_by_name(m, -1)),
                                       range ? named(m, "RangeDims", ranges(m))
                                             : named(m, "EnumeratedShapes", enumerated(m))};
    if (!items[0] || !items[1]) return NULL;
    return anm_compile_compound(
        m->arena, compound_type(m->arena, ANM_MIL_TUPLE, items[0]->type, items[1]->type), items, 2);
}

static bool fits(int64_t dim) {
    return dim >= -1 && dim <= INT32_MAX;
}

static anm_status check_sizes(const maker *m, anm_error *err) {
    for (size_t i = 0; i < m->count; i++) {
        const anm_feature *f = feature_at(m, i);
        bool ok = true;
        for (int d = 0; d < f->rank; d++) {
            ok = ok && fits(f->shape[d]) && fits(f->lower[d]) && fits(f->upper[d]);
            for (size_t k = 0; k < f->shape_count; k++) ok = ok && fits(f->shapes[k][d]);
        }
        if (!ok)
            return anm_fail(err, ANM_ERROR_LIMIT, m->face->name,
                            "a shape of input \"%s\" does not fit 32 bits", f->name);
    }
    return ANM_OK;
}

/* Several enumerated inputs take their i-th shapes together, so they need as many. */
static anm_status check_kinds(const maker *m, anm_error *err) {
    const anm_feature *first = feature_at(m, 0);
    for (size_t i = 0; i < m->count; i++) {
        const anm_feature *f = feature_at(m, i);
        if (f->shape_kind != first->shape_kind || f->shape_count != first->shape_count)
            return anm_fail(err, ANM_ERROR_UNSUPPORTED, m->face->name,
                            "inputs \"%s\" and \"%s\" are flexible in different ways; how that "
                            "compiles is not known",
                            first->name, f->name);
    }
    return check_sizes(m, err);
}

static anm_status warn_of_choices(const maker *m, anm_compile_report *report, anm_error *err) {
    bool unbounded = false;
    for (size_t i = 0; i < m->count; i++)
        for (int d = 0; d < feature_at(m, i)->rank; d++)
            unbounded |=
                feature_at(m, i)->shape_kind == ANM_SHAPE_RANGE && feature_at(m, i)->upper[d] < 0;
    if (unbounded)
        ANM_TRY(anm_compile_warn(report, err,
                                 "function %s: an input without upper bound is written with the "
                                 "bound -1; Apple's form is not known",
                                 m->face->name));
    if (feature_at(m, 0)->shape_kind != ANM_SHAPE_ENUMERATED) return ANM_OK;
    return anm_compile_warn(report, err,
                            "function %s: the keys of its enumerated shapes are made up; Apple's "
                            "are a hash that is not known",
                            m->face->name);
}

static anm_status describe(anm_mil_program *program, anm_mil_function *f, maker *m,
                           anm_compile_report *report, anm_error *err) {
    ANM_TRY(check_kinds(m, err));
    ANM_TRY(warn_of_choices(m, report, err));
    const anm_mil_literal *literal = make_types(m) ? information(m) : NULL;
    if (!literal || !anm_compile_set_attr(program->arena, &f->attrs, &f->attr_count,
                                          "FlexibleShapeInformation", literal))
        return anm_fail_memory(err);
    return ANM_OK;
}

anm_status anm_compile_flexible(anm_mil_program *program, const anm_description *description,
                                anm_compile_report *report, anm_error *err) {
    for (size_t i = 0; i < description->function_count; i++) {
        const anm_interface *face = &description->functions[i];
        anm_mil_function *f = anm_mil_program_find(program, face->name);
        maker m = {.arena = program->arena, .face = face};
        m.flexible = ANM_ARENA_ARRAY(program->arena, size_t, face->input_count);
        if (!m.flexible) return anm_fail_memory(err);
        for (size_t k = 0; k < face->input_count; k++)
            if (face->inputs[k].shape_kind != ANM_SHAPE_FIXED) m.flexible[m.count++] = k;
        if (f && m.count) ANM_TRY(describe(program, f, &m, report, err));
    }
    return ANM_OK;
}
