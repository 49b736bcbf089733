/* SPDX-License-Identifier: MIT */
/*
 * The public plan. Programs and descriptions are made as a conversion makes them, for weights whose
 * places are computed, so shapes and sizes are those that will be written.
 */
#include "anemone/convert_plan.h"

#include <string.h>

#include "src/base/alloc.h"
#include "src/base/options.h"
#include "src/convert/part.h"
#include "src/convert/planwarn.h"
#include "src/convert/tensors.h"

typedef struct planned {
    anm_convert_planned shown;
    anm_mil_program *program; /* in its arena: the description */
    anm_description description;
} planned;

struct anm_convert_plan {
    anm_arena *arena;
    anm_recipe recipe;
    anm_plan plan;
    planned *parts; /* [plan.count] */
    anm_convert_report *report;
    anm_convert_totals totals;
};

static anm_status draft(const anm_convert_plan *p, const anm_planned *from, planned *out,
                        anm_error *err) {
    anm_stored stored = {0};
    uint64_t others;
    out->program = anm_mil_program_create();
    if (!out->program) return anm_fail_memory(err);
    ANM_TRY(anm_part_room(out->program->arena, &p->recipe, &stored, err));
    ANM_TRY(anm_part_layout(&p->recipe, &from->contents, &stored, &out->shown.weight_bytes, err));
    ANM_TRY(anm_part_draft(from, &p->recipe, &stored, out->program, &out->description, err));
    ANM_TRY(anm_package_measure(out->program, &out->description, true, &others, err));
    out->shown.bytes = out->shown.weight_bytes + others;
    return ANM_OK;
}

static anm_status make_part(const anm_convert_plan *p, const anm_planned *from, planned *out,
                            anm_error *err) {
    out->shown = (anm_convert_planned){
        .file = from->file,
        .component = from->kind->component,
        .first_layer = from->contents.first_layer,
        .end_layer = from->contents.end_layer,
        .chunk = from->chunk,
        .chunks = from->chunks,
        .parameters = from->size.elements,
    };
    ANM_TRY(draft(p, from, out, err));
    out->shown.function_count = out->description.function_count;
    return ANM_OK;
}

static anm_status count_parameters(void *context, anm_slot slot, int64_t layer, anm_error *err) {
    anm_convert_plan *p = context;
    int64_t shape[2] = {1, 1};
    anm_recipe_shape(&p->recipe, slot, shape);
    p->totals.parameters += (uint64_t)(shape[0] * shape[1]);
    return ANM_OK;
}

static uint64_t state_bytes(const planned *part) {
    const anm_interface *f = part->description.functions;
    uint64_t bytes = 0;
    for (size_t i = 0; i < f->state_count; i++)
        bytes += 2 * (uint64_t)anm_shape_elements(f->states[i].shape, f->states[i].rank);
    return bytes;
}

/*
 * Pieces of a tensor on their way, workspaces where something is palettized, and one program with
 * its protobuf form, several times what is written. Measured on 8 layers of Qwen3-0.6B's shape, two
 * threads: 10.8 MB where this says 15, palettized 17 MB where this says 32.
 */
static uint64_t estimate_memory(const anm_convert_plan *p) {
    const uint64_t base = 12 << 20, workspace = 16 << 20;
    const anm_recipe *r = &p->recipe;
    bool palettized = r->lut_embeddings.bits || r->lut_ffn.bits || r->lut_head.bits;
    uint64_t largest = 0;
    for (size_t i = 0; i < p->plan.count; i++) {
        const anm_convert_planned *part = &p->parts[i].shown;
        if (part->bytes - part->weight_bytes > largest) largest = part->bytes - part->weight_bytes;
    }
    return base + (palettized ? workspace : 0) + 8 * largest;
}

static anm_status add_up(anm_convert_plan *p, anm_error *err) {
    const anm_recipe *r = &p->recipe;
    p->totals.name = r->name;
    p->totals.family = r->family->name;
    p->totals.layers = r->layers;
    p->totals.context_length = r->context;
    p->totals.batch_size = r->batch;
    p->totals.state_length = r->state;
    for (size_t i = 0; i < p->plan.count; i++) {
        p->totals.bytes += p->parts[i].shown.bytes;
        uint64_t state = state_bytes(&p->parts[i]); /* of every chunk the whole cache */
        if (state > p->totals.state_bytes) p->totals.state_bytes = state;
    }
    p->totals.memory = estimate_memory(p);
    return anm_recipe_visit(r, count_parameters, p, err);
}

static void keep_selected(anm_plan *plan) {
    size_t kept = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->parts[i].selected) plan->parts[kept++] = plan->parts[i];
    plan->count = kept;
}

static anm_status make(anm_convert_plan *p, const char *dir, const anm_convert_options *options,
                       anm_error *err) {
    anm_convert_options all;
    anm_convert_options_init(&all);
    ANM_TRY(anm_options_take(&all, sizeof all, options, err));
    ANM_TRY(anm_recipe_make(p->arena, dir, &all, &p->recipe, err));
    ANM_TRY(anm_plan_make(p->arena, &p->recipe, &p->plan, err));
    ANM_TRY(anm_plan_select(&p->plan, all.only, err));
    keep_selected(&p->plan);
    p->parts = ANM_ARENA_ARRAY(p->arena, planned, p->plan.count);
    if (!p->parts) return anm_fail_memory(err);
    for (size_t i = 0; i < p->plan.count; i++)
        ANM_TRY(make_part(p, &p->plan.parts[i], &p->parts[i], err));
    ANM_TRY(add_up(p, err));
    if (all.target_bytes)
        ANM_TRY(anm_report_warn(p->report, err,
                                "the bits of a target size are chosen by the weights, which a plan "
                                "does not read: sizes here are those without it"));
    return anm_plan_warn(&p->recipe, &p->plan, p->report, err);
}

anm_status anm_convert_plan_make(const char *model_dir, const anm_convert_options *options,
                                 anm_convert_plan **out, anm_error *err) {
    *out = NULL;
    if (!model_dir || !*model_dir)
        return anm_fail(err, ANM_ERROR_ARGUMENT, NULL, "model_dir must be given");
    anm_convert_plan *p = anm_calloc(1, sizeof *p);
    if (!p) return anm_fail_memory(err);
    p->arena = anm_arena_create();
    p->report = anm_report_create();
    anm_status status = p->arena && p->report ? make(p, model_dir, options, err)
                                              : anm_fail_memory(err);
    if (status == ANM_OK) *out = p;
    else anm_convert_plan_free(p);
    return status;
}

void anm_convert_plan_free(anm_convert_plan *p) {
    if (!p) return;
    for (size_t i = 0; p->parts && i < p->plan.count; i++)
        anm_mil_program_destroy(p->parts[i].program);
    anm_convert_report_free(p->report);
    anm_arena_destroy(p->arena);
    anm_free(p);
}

size_t anm_convert_plan_count(const anm_convert_plan *p) {
    return p->plan.count;
}

const anm_convert_planned *anm_convert_plan_part(const anm_convert_plan *p, size_t part) {
    return part < p->plan.count ? &p->parts[part].shown : NULL;
}

static const anm_interface *find_function(const anm_convert_plan *p, size_t part,
                                          size_t function) {
    if (part >= p->plan.count || function >= p->parts[part].description.function_count) return NULL;
    return &p->parts[part].description.functions[function];
}

const char *anm_convert_plan_function(const anm_convert_plan *p, size_t part, size_t function) {
    const anm_interface *f = find_function(p, part, function);
    return f ? f->name : NULL;
}

const anm_feature *anm_convert_plan_feature(const anm_convert_plan *p, size_t part,
                                            size_t function, anm_convert_role role,
                                            size_t index) {
    const anm_interface *f = find_function(p, part, function);
    if (!f) return NULL;
    const anm_feature *list = role == ANM_CONVERT_INPUT ? f->inputs
                              : role == ANM_CONVERT_OUTPUT ? f->outputs : f->states;
    size_t count = role == ANM_CONVERT_INPUT ? f->input_count
                   : role == ANM_CONVERT_OUTPUT ? f->output_count : f->state_count;
    return index < count ? &list[index] : NULL;
}

size_t anm_convert_plan_warning_count(const anm_convert_plan *p) {
    return anm_convert_report_warning_count(p->report);
}

const char *anm_convert_plan_warning(const anm_convert_plan *p, size_t index) {
    return anm_convert_report_warning(p->report, index);
}

const anm_convert_totals *anm_convert_plan_totals(const anm_convert_plan *p) {
    return &p->totals;
}
