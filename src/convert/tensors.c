/* SPDX-License-Identifier: MIT */
/* The tensor check: what is missing, wrong or superfluous. */
#include "src/convert/tensors.h"

#include <stdio.h>

#include "src/base/arena.h"
#include "src/base/dtype.h"
#include "src/base/map.h"

enum { NAMED = 4 /* tensors that a message lists before it says "and N more" */ };

typedef struct problem {
    size_t count;
    anm_strbuf names;
} problem;

typedef struct check {
    const anm_recipe *recipe;
    const anm_checkpoint *checkpoint;
    anm_arena *arena;
    anm_map needed;
    problem missing, wrong, surplus;
    uint64_t parameters;
    size_t ignored;
} check;

anm_status anm_recipe_visit(const anm_recipe *recipe, anm_tensor_visit_fn visit, void *context,
                            anm_error *err) {
    for (int slot = 0; slot < ANM_SLOT_LAYER_FIRST; slot++)
        if (recipe->has[slot]) ANM_TRY(visit(context, (anm_slot)slot, 0, err));
    for (int64_t layer = 0; layer < recipe->layers; layer++)
        for (int slot = ANM_SLOT_LAYER_FIRST; slot < ANM_SLOT_COUNT; slot++)
            if (recipe->has[slot]) ANM_TRY(visit(context, (anm_slot)slot, layer, err));
    return ANM_OK;
}

static void add_problem(problem *p, const char *text) {
    if (p->count++ < NAMED) anm_strbuf_printf(&p->names, "%s%s", p->count > 1 ? ", " : "", text);
}

/* "model.norm.weight is fp32 [64], not [128]" */
static void check_one(check *c, const anm_weight *w, int rank, const int64_t *shape) {
    const anm_tensor *t = w->tensor;
    char have[ANM_SHAPE_TEXT], want[ANM_SHAPE_TEXT], text[ANM_TENSOR_NAME + 2 * ANM_SHAPE_TEXT];
    bool fits = t->rank == rank && memcmp(t->shape, shape, (size_t)rank * sizeof *shape) == 0;
    if (fits && anm_weight_is_readable(w)) return;
    anm_shape_format(t->shape, t->rank, have, sizeof have);
    anm_shape_format(shape, rank, want, sizeof want);
    if (fits)
        snprintf(text, sizeof text, "%.200s is %s, not fp16, bf16 or fp32", t->name,
                 anm_weight_form(w));
    else
        snprintf(text, sizeof text, "%.200s is %s, not %s", t->name, have, want);
    add_problem(&c->wrong, text);
}

static anm_status check_needed(void *context, anm_slot slot, int64_t layer, anm_error *err) {
    check *c = context;
    char buffer[ANM_TENSOR_NAME];
    int64_t shape[2];
    int rank = anm_recipe_shape(c->recipe, slot, shape);
    anm_family_tensor(c->recipe->family, slot, layer, buffer, sizeof buffer);
    const char *name = anm_arena_strdup(c->arena, buffer);
    if (!name || !anm_map_put(&c->needed, anm_sv_from(name), 1)) return anm_fail_memory(err);
    const anm_weight *w = anm_checkpoint_find(c->checkpoint, name);
    c->parameters += (uint64_t)anm_shape_elements(shape, rank);
    if (w) check_one(c, w, rank, shape);
    else add_problem(&c->missing, name);
    return ANM_OK;
}

static bool is_harmless(const anm_recipe *recipe, const char *name) {
    for (const char *const *end = recipe->family->harmless; *end; end++)
        if (anm_str_ends(name, *end)) return true;
    for (const char *const *part = recipe->family->other_parts; part && *part; part++)
        if (anm_str_starts(name, *part)) return true;
    return recipe->tied && strcmp(name, recipe->family->names[ANM_SLOT_HEAD]) == 0;
}

static void check_surplus(check *c) {
    for (size_t i = 0; i < anm_checkpoint_count(c->checkpoint); i++) {
        const char *name = anm_checkpoint_get(c->checkpoint, i)->tensor->name;
        if (anm_map_get(&c->needed, anm_sv_from(name), NULL)) continue;
        if (is_harmless(c->recipe, name)) c->ignored++;
        else add_problem(&c->surplus, name);
    }
}

static void describe(anm_strbuf *out, const problem *p, const char *what) {
    if (!p->count) return;
    anm_strbuf_printf(out, "%s%s %s", out->len ? "; " : "", what, anm_strbuf_cstr(&p->names));
    if (p->count > NAMED) anm_strbuf_printf(out, " and %zu more", p->count - NAMED);
}

static anm_status verdict(const check *c, anm_error *err) {
    if (!c->missing.count && !c->wrong.count && !c->surplus.count) return ANM_OK;
    anm_strbuf text = {0};
    describe(&text, &c->missing, "missing:");
    describe(&text, &c->wrong, "wrong:");
    describe(&text, &c->surplus, "not part of the model:");
    anm_status status =
        anm_fail(err, ANM_ERROR_MISMATCH, anm_checkpoint_dir(c->checkpoint),
                 "the tensors are not those of config.json's %s: %s", c->recipe->family->name,
                 anm_strbuf_cstr(&text));
    anm_strbuf_free(&text);
    return status;
}

anm_status anm_tensors_check(const anm_recipe *recipe, const anm_checkpoint *checkpoint,
                             uint64_t *parameters, size_t *ignored, anm_error *err) {
    check c = {.recipe = recipe, .checkpoint = checkpoint, .arena = anm_arena_create()};
    anm_status status = c.arena ? ANM_OK : anm_fail_memory(err);
    if (status == ANM_OK) status = anm_recipe_visit(recipe, check_needed, &c, err);
    if (status == ANM_OK) {
        check_surplus(&c);
        status = verdict(&c, err);
    }
    *parameters = c.parameters;
    *ignored = c.ignored;
    anm_strbuf_free(&c.missing.names);
    anm_strbuf_free(&c.wrong.names);
    anm_strbuf_free(&c.surplus.names);
    anm_map_free(&c.needed);
    anm_arena_destroy(c.arena);
    return status;
}
