/* SPDX-License-Identifier: MIT */
#include "src/program/wide.h"

#include <string.h>

#include "src/base/alloc.h"
#include "src/pass/widen.h"
#include "src/program/fast.h"

struct anm_wide_function {
    anm_wide_function *next;
    anm_function f;
    const anm_function *base;
    int64_t rows;
    anm_flow flow; /* owns f.mil, and the arena of what f lists */
    anm_wide_kind *kinds;
};

static const anm_wide_feature *find_feature(const anm_wide_shape *s, const char *name) {
    for (size_t i = 0; i < s->feature_count; i++)
        if (strcmp(s->features[i].name, name) == 0) return &s->features[i];
    return NULL;
}

static anm_wide_input describe(const anm_wide_shape *s, const char *name) {
    const anm_wide_feature *feature = find_feature(s, name);
    anm_wide_input in = {.kind = ANM_WIDE_FIXED};
    if (!feature) return in;
    in.kind = feature->role == ANM_WIDE_BEGIN ? ANM_WIDE_POSITION : ANM_WIDE_ROWS;
    in.axis = feature->axis;
    in.positions = feature->role == ANM_WIDE_POSITIONS;
    in.mask = feature->role == ANM_WIDE_MASK;
    return in;
}

/* The shapes that the wide function has now. */
static void take_shape(anm_feature *feature, const anm_mil_value *value) {
    feature->shape_kind = ANM_SHAPE_FIXED;
    feature->rank = value->type->rank;
    memcpy(feature->shape, value->type->shape, sizeof feature->shape);
}

static bool copy_features(anm_wide_function *w) {
    anm_arena *arena = w->flow.program->arena;
    const anm_mil_function *mil = w->flow.function;
    anm_function *f = &w->f;
    f->inputs = anm_arena_copy(arena, f->inputs, f->input_count * sizeof *f->inputs);
    f->outputs = anm_arena_copy(arena, f->outputs, f->output_count * sizeof *f->outputs);
    if (!f->inputs || !f->outputs) return false;
    for (size_t i = 0; i < f->input_count; i++)
        for (size_t k = 0; k < mil->input_count; k++)
            if (strcmp(mil->inputs[k]->name, f->inputs[i].name) == 0)
                take_shape(&f->inputs[i], mil->inputs[k]);
    for (size_t i = 0; i < f->output_count; i++)
        for (size_t k = 0; k < mil->body->output_count; k++)
            if (strcmp(w->flow.output_names[k], f->outputs[i].name) == 0)
                take_shape(&f->outputs[i], mil->body->outputs[k]);
    return true;
}

static anm_status widen_mil(anm_wide_function *w, const anm_wide_shape *s, anm_error *err) {
    const anm_mil_function *mil = w->base->mil;
    anm_wide_input *inputs = anm_calloc(mil->input_count + 1, sizeof *inputs);
    if (!inputs) return anm_fail_memory(err);
    for (size_t i = 0; i < mil->input_count; i++) inputs[i] = describe(s, mil->inputs[i]->name);
    anm_widening widening = {.inputs = inputs, .from = s->from, .to = s->to};
    anm_status status = anm_widen(mil, &widening, &w->flow, w->kinds, err);
    anm_free(inputs);
    return status;
}

static void destroy(anm_wide_function *w) {
    for (int p = 0; p < ANM_PRECISIONS; p++) anm_interp_destroy(w->f.interps[p]);
    anm_plans_release(&w->f);
    anm_flow_free(&w->flow);
    anm_free(w->kinds);
    anm_free(w);
}

static anm_status make(const anm_function *base, const anm_wide_shape *s, anm_wide_function **out,
                       anm_error *err) {
    anm_wide_function *w = *out = anm_calloc(1, sizeof *w);
    if (!w) return anm_fail_memory(err);
    w->base = base;
    w->rows = s->to;
    w->kinds = anm_calloc(base->mil->body->output_count + 1, sizeof *w->kinds);
    anm_status status = w->kinds ? widen_mil(w, s, err) : anm_fail_memory(err);
    w->f = (anm_function){.program = base->program, .mil = w->flow.function, .name = base->name,
                          .inputs = base->inputs, .outputs = base->outputs,
                          .states = base->states, .input_count = base->input_count,
                          .output_count = base->output_count, .state_count = base->state_count};
    if (status == ANM_OK && !copy_features(w)) status = anm_fail_memory(err);
    if (status == ANM_OK) return ANM_OK;
    destroy(w);
    *out = NULL;
    return status;
}

static anm_wide_function *find(const anm_program *p, const anm_function *base, int64_t rows) {
    for (anm_wide_function *w = p->wide; w; w = w->next)
        if (w->base == base && w->rows == rows) return w;
    return NULL;
}

/* The kinds are those of the program's outputs, the caller's first is the interface's. */
static bool first_is_last(const anm_wide_function *w) {
    const anm_mil_block *body = w->flow.function->body;
    for (size_t i = 0; i < body->output_count && w->f.output_count; i++)
        if (strcmp(w->flow.output_names[i], w->f.outputs[0].name) == 0)
            return w->kinds[i] == ANM_WIDE_LAST;
    return false;
}

anm_status anm_function_widen(const anm_function *f, const anm_wide_shape *shape,
                              const anm_function **out, bool *gives_last, anm_error *err) {
    anm_program *program = f->program;
    anm_status status = ANM_OK;
    *out = NULL;
    pthread_mutex_lock(&program->lock);
    anm_wide_function *w = find(program, f, shape->to);
    if (!w) {
        status = make(f, shape, &w, err);
        if (w) {
            w->next = program->wide;
            program->wide = w;
        }
    }
    pthread_mutex_unlock(&program->lock);
    if (status != ANM_OK) return status;
    *out = &w->f;
    if (gives_last) *gives_last = first_is_last(w);
    return ANM_OK;
}

void anm_program_release_wide(anm_program *program) {
    for (anm_wide_function *w = program->wide, *next; w; w = next) {
        next = w->next;
        destroy(w);
    }
    program->wide = NULL;
}
