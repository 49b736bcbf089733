/* SPDX-License-Identifier: MIT */
#include "src/pass/constants.h"

#include "src/base/alloc.h"
#include "src/interp/interp.h"

enum { FORMS = 3 };

struct anm_constants {
    anm_arena *arena;
    uint32_t count;
    const anm_tensor **made; /* by number and form; NULL: not yet */
};

anm_constants *anm_constants_create(uint32_t count) {
    anm_constants *c = anm_calloc(1, sizeof *c);
    if (c) c->arena = anm_arena_create();
    size_t places = FORMS * (size_t)count;
    if (c && c->arena) c->made = ANM_ARENA_ARRAY(c->arena, const anm_tensor *, places);
    if (c && c->made) {
        c->count = count;
        return c;
    }
    anm_constants_destroy(c);
    return NULL;
}

void anm_constants_destroy(anm_constants *c) {
    if (!c) return;
    anm_arena_destroy(c->arena);
    anm_free(c);
}

static bool is_shared(const anm_flow *g, const anm_mil_value *value) {
    return g->constants && value->id < g->constants->count;
}

const anm_tensor *anm_constants_find(const anm_flow *g, const anm_mil_value *value,
                                     anm_constant_form form) {
    return is_shared(g, value) ? g->constants->made[value->id * FORMS + form] : NULL;
}

anm_arena *anm_constants_arena(const anm_flow *g, const anm_mil_value *value) {
    return is_shared(g, value) ? g->constants->arena : g->program->arena;
}

bool anm_constants_keep(anm_flow *g, const anm_mil_value *value, anm_constant_form form,
                        const anm_tensor *made) {
    g->copied += made->bytes;
    if (!is_shared(g, value)) return true;
    const anm_tensor *kept = anm_arena_copy(g->constants->arena, made, sizeof *made);
    g->constants->made[value->id * FORMS + form] = kept;
    return kept != NULL;
}

anm_status anm_constants_decode(anm_flow *g, const anm_mil_value *value, anm_tensor *out,
                                anm_error *err) {
    const anm_tensor *have = anm_constants_find(g, value, ANM_CONSTANT_DECODED);
    if (have) {
        *out = *have;
        return ANM_OK;
    }
    ANM_TRY(anm_interp_constant(value, anm_constants_arena(g, value), out, err));
    return anm_constants_keep(g, value, ANM_CONSTANT_DECODED, out) ? ANM_OK : anm_fail_memory(err);
}
