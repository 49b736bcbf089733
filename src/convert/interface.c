/* SPDX-License-Identifier: MIT */
/* Descriptions from program signatures; metadata. */
#include "src/convert/interface.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define AUTHOR "Converted with anemone " ANM_VERSION

/* [1, ?] is [1, 1] or [1, batch]. */
static bool enumerate(anm_arena *arena, const anm_recipe *r, anm_feature *f) {
    int64_t(*shapes)[ANM_MAX_RANK] = anm_arena_array(arena, 2, sizeof *shapes);
    if (!shapes) return false;
    for (int s = 0; s < 2; s++)
        for (int d = 0; d < f->rank; d++)
            shapes[s][d] = f->shape[d] != ANM_DIM_UNKNOWN ? f->shape[d] : s ? r->batch : 1;
    memcpy(f->shape, shapes[0], sizeof f->shape);
    f->shape_kind = ANM_SHAPE_ENUMERATED;
    f->shape_count = 2;
    f->shapes = (const int64_t(*)[ANM_MAX_RANK])shapes;
    return true;
}

static bool is_flexible(const anm_mil_type *type) {
    for (int d = 0; d < type->rank; d++)
        if (type->shape[d] == ANM_DIM_UNKNOWN) return true;
    return false;
}

static bool make_feature(anm_arena *arena, const anm_recipe *r, const anm_mil_value *value,
                         bool output, anm_feature *f) {
    const anm_mil_type *type = value->type;
    if (type->kind == ANM_MIL_STATE) type = type->items[0];
    *f = (anm_feature){.name = value->name, .description = "", .kind = ANM_FEATURE_TENSOR};
    f->dtype = type->dtype;
    /* Of an output whose shape varies the description says nothing, as coremltools writes it. */
    if (output && is_flexible(type)) return true;
    f->rank = type->rank;
    memcpy(f->shape, type->shape, (size_t)type->rank * sizeof *type->shape);
    return !is_flexible(type) || enumerate(arena, r, f);
}

static bool make_interface(anm_arena *arena, const anm_recipe *r, const anm_mil_function *f,
                           anm_interface *out) {
    const anm_mil_block *body = f->body;
    *out = (anm_interface){.name = f->name, .predicted_feature = ""};
    out->inputs = ANM_ARENA_ARRAY(arena, anm_feature, f->input_count);
    out->states = ANM_ARENA_ARRAY(arena, anm_feature, f->input_count);
    out->outputs = ANM_ARENA_ARRAY(arena, anm_feature, body->output_count);
    if (!out->inputs || !out->states || !out->outputs) return false;
    for (size_t i = 0; i < f->input_count; i++) {
        bool state = f->inputs[i]->type->kind == ANM_MIL_STATE;
        anm_feature *to = state ? &out->states[out->state_count++]
                                : &out->inputs[out->input_count++];
        if (!make_feature(arena, r, f->inputs[i], false, to)) return false;
    }
    for (size_t i = 0; i < body->output_count; i++)
        if (!make_feature(arena, r, body->outputs[i], true, &out->outputs[out->output_count++]))
            return false;
    return true;
}

anm_status anm_interface_describe(anm_arena *arena, const anm_recipe *recipe,
                                  const anm_mil_program *program, anm_description *out,
                                  anm_error *err) {
    size_t count = program->function_count;
    *out = (anm_description){.multi = count > 1, .version = ANM_VERSION, .author = AUTHOR};
    out->default_function = program->functions[0]->name;
    out->functions = ANM_ARENA_ARRAY(arena, anm_interface, count);
    out->user = ANM_ARENA_ARRAY(arena, anm_metadata_entry, ANM_METADATA_MAX);
    if (!out->functions || !out->user) return anm_fail_memory(err);
    for (size_t i = 0; i < count; i++, out->function_count++)
        if (!make_interface(arena, recipe, program->functions[i], &out->functions[i]))
            return anm_fail_memory(err);
    return anm_interface_note(arena, out, err, "com.anemll.info", "%s", AUTHOR);
}

anm_status anm_interface_note(anm_arena *arena, anm_description *d, anm_error *err,
                              const char *key, const char *fmt, ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (d->user_count == ANM_METADATA_MAX)
        return anm_fail(err, ANM_ERROR_INTERNAL, key, "too many metadata entries");
    anm_metadata_entry entry = {anm_arena_strdup(arena, key), anm_arena_strdup(arena, text)};
    if (!entry.key || !entry.value) return anm_fail_memory(err);
    d->user[d->user_count++] = entry;
    return ANM_OK;
}
