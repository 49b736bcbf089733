/* SPDX-License-Identifier: MIT */
/* Changing a program's attributes into those of a compiled one; buildInfo. */
#include <string.h>

#include "src/package/compile.h"

bool anm_compile_set_attr(anm_arena *arena, anm_mil_attr **attrs, size_t *count, const char *name,
                          const anm_mil_literal *literal) {
    for (size_t i = 0; i < *count; i++) {
        if (strcmp((*attrs)[i].name, name) != 0) continue;
        (*attrs)[i].literal = literal;
        return true;
    }
    anm_mil_attr *grown = ANM_ARENA_ARRAY(arena, anm_mil_attr, *count + 1);
    if (!grown) return false;
    if (*count) memcpy(grown, *attrs, *count * sizeof **attrs);
    grown[*count] = (anm_mil_attr){name, literal};
    *attrs = grown;
    ++*count;
    return true;
}

const anm_mil_literal *anm_compile_compound(anm_arena *arena, const anm_mil_type *type,
                                            const anm_mil_literal *const *items, size_t count) {
    anm_mil_literal *literal = ANM_ARENA_NEW(arena, anm_mil_literal);
    if (!literal || !type) return NULL;
    for (size_t i = 0; i < count; i++)
        if (!items[i]) return NULL;
    literal->type = type;
    literal->items = anm_arena_copy(arena, items, count * sizeof *items);
    literal->count = count;
    return literal->items ? literal : NULL;
}

/* A loader may read these as versions, so they are numbers and ours: far below all of Apple's. */
static const char *const compiler_keys[] = {"coremlc-component-MIL", "coremlc-version"};
enum { COMPILER_KEYS = sizeof compiler_keys / sizeof compiler_keys[0] };

static bool is_compiler_key(const anm_mil_literal *key) {
    for (int i = 0; i < COMPILER_KEYS; i++)
        if (key->strings && key->count && anm_sv_is(key->strings[0], compiler_keys[i])) return true;
    return false;
}

static const anm_mil_type *build_info_type(anm_arena *arena) {
    const anm_mil_type *text = anm_mil_type_tensor(arena, ANM_DTYPE_STRING, 0, NULL);
    const anm_mil_type *items[2] = {text, text};
    return text ? anm_mil_type_compound(arena, ANM_MIL_DICT, items, 2, 0) : NULL;
}

static const anm_mil_literal *existing_build_info(const anm_mil_program *program) {
    for (size_t i = 0; i < program->attr_count; i++) {
        const anm_mil_literal *literal = program->attrs[i].literal;
        if (strcmp(program->attrs[i].name, "buildInfo") == 0 && literal->type->kind == ANM_MIL_DICT)
            return literal;
    }
    return NULL;
}

anm_status anm_compile_build_info(anm_mil_program *program, anm_error *err) {
    const anm_mil_literal *old = existing_build_info(program);
    size_t old_count = old ? old->count : 0, count = 0;
    const anm_mil_literal **items =
        ANM_ARENA_ARRAY(program->arena, const anm_mil_literal *, old_count + 2 * COMPILER_KEYS);
    if (!items) return anm_fail_memory(err);
    for (size_t i = 0; i + 1 < old_count; i += 2) {
        if (is_compiler_key(old->items[i])) continue;
        items[count++] = old->items[i];
        items[count++] = old->items[i + 1];
    }
    for (int i = 0; i < COMPILER_KEYS; i++) {
        items[count++] = anm_mil_literal_string(program->arena, compiler_keys[i]);
        items[count++] = anm_mil_literal_string(program->arena, ANM_VERSION);
    }
    const anm_mil_literal *info = anm_compile_compound(
        program->arena, old ? old->type : build_info_type(program->arena), items, count);
    if (!info || !anm_compile_set_attr(program->arena, &program->attrs, &program->attr_count,
                                       "buildInfo", info))
        return anm_fail_memory(err);
    return ANM_OK;
}
