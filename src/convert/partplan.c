/* SPDX-License-Identifier: MIT */
/* Dividing a model into packages. */
#include "src/convert/partplan.h"

#include <stdio.h>
#include <string.h>

#include "src/convert/chunks.h"
#include "src/convert/part.h"

/* PREFIX_SUFFIX[_lutN][_chunk_IIofNN].mlpackage */
static const char *file_name(anm_arena *arena, const anm_recipe *r, const anm_planned *p) {
    char lut[16], chunk[64] = "";
    if (p->kind == &anm_part_decoder)
        snprintf(chunk, sizeof chunk, "_chunk_%02lldof%02lld", (long long)p->chunk,
                 (long long)p->chunks);
    return anm_arena_printf(arena, "%s_%s%s%s.mlpackage", r->prefix, p->kind->suffix,
                            anm_recipe_lut_suffix(r, p->kind->slot, lut, sizeof lut), chunk);
}

static anm_status add(anm_arena *arena, const anm_recipe *r, anm_plan *plan, anm_planned part,
                      anm_error *err) {
    part.file = file_name(arena, r, &part);
    if (!part.file) return anm_fail_memory(err);
    part.size = anm_contents_measure(r, &part.contents);
    plan->parts[plan->count++] = part;
    return ANM_OK;
}

static anm_status add_chunks(anm_arena *arena, const anm_recipe *r, anm_plan *plan,
                             const int64_t *ends, int64_t count, anm_error *err) {
    for (int64_t i = 0; i < count; i++) {
        anm_planned chunk = {.kind = &anm_part_decoder, .chunk = i + 1, .chunks = count};
        chunk.contents.first_layer = i ? ends[i - 1] : 0;
        chunk.contents.end_layer = ends[i];
        ANM_TRY(add(arena, r, plan, chunk, err));
    }
    return ANM_OK;
}

static anm_status plan_monolith(anm_arena *arena, const anm_recipe *r, anm_plan *plan,
                                anm_error *err) {
    anm_planned whole = {.kind = &anm_part_monolith, .chunk = 1, .chunks = 1};
    whole.contents = (anm_contents){.embeddings = true, .head = true, .end_layer = r->layers};
    return add(arena, r, plan, whole, err);
}

static anm_status plan_parts(anm_arena *arena, const anm_recipe *r, anm_plan *plan,
                             const int64_t *ends, anm_error *err) {
    const anm_planned embeddings = {.kind = &anm_part_embeddings, .contents.embeddings = true};
    const anm_planned head = {.kind = &anm_part_head, .contents.head = true};
    ANM_TRY(add(arena, r, plan, embeddings, err));
    ANM_TRY(add_chunks(arena, r, plan, ends, plan->chunks, err));
    return add(arena, r, plan, head, err);
}

anm_status anm_plan_make(anm_arena *arena, const anm_recipe *r, anm_plan *out, anm_error *err) {
    enum { OTHERS = 2 };
    int64_t ends[ANM_MAX_CHUNKS];
    *out = (anm_plan){0};
    ANM_TRY(anm_chunks_plan(r, ends, &out->chunks, err));
    out->parts = ANM_ARENA_ARRAY(arena, anm_planned, out->chunks + OTHERS);
    if (!out->parts) return anm_fail_memory(err);
    return r->monolithic ? plan_monolith(arena, r, out, err)
                         : plan_parts(arena, r, out, ends, err);
}

/* "ffn" is every chunk, "ffn:2" the second; other kinds go by the name of their component. */
static bool is_named(const anm_planned *p, const char *only) {
    if (p->kind != &anm_part_decoder) return strcmp(p->kind->component, only) == 0;
    char chunk[32];
    snprintf(chunk, sizeof chunk, "ffn:%lld", (long long)p->chunk);
    return strcmp(only, "ffn") == 0 || strcmp(only, chunk) == 0;
}

anm_status anm_plan_select(anm_plan *plan, const char *only, anm_error *err) {
    bool any = false;
    for (size_t i = 0; i < plan->count; i++) {
        plan->parts[i].selected = !only || is_named(&plan->parts[i], only);
        any |= plan->parts[i].selected;
    }
    if (any) return ANM_OK;
    if (plan->parts[0].kind == &anm_part_monolith)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "only",
                        "there is no part \"%s\"; a monolithic model is \"monolithic\"", only);
    return anm_fail(err, ANM_ERROR_ARGUMENT, "only",
                    "there is no part \"%s\"; there are embeddings, ffn, ffn:1 to ffn:%lld and "
                    "lm_head", only, (long long)plan->chunks);
}
