/* SPDX-License-Identifier: MIT */
/* Dividing a model into packages. */
#include "src/convert/partplan.h"

#include <stdio.h>

#include "src/convert/chunks.h"
#include "src/convert/part.h"

/* PREFIX_SUFFIX[_lutN][_chunk_IIofNN].mlpackage */
static const char *file_name(anm_arena *arena, const anm_recipe *r, const anm_planned *p) {
    char lut[16], chunk[64] = "";
    if (p->chunks)
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

anm_status anm_plan_make(anm_arena *arena, const anm_recipe *r, anm_plan *out, anm_error *err) {
    enum { OTHERS = 2 };
    int64_t ends[ANM_MAX_CHUNKS], chunks;
    ANM_TRY(anm_chunks_plan(r, ends, &chunks, err));
    *out = (anm_plan){.parts = ANM_ARENA_ARRAY(arena, anm_planned, chunks + OTHERS)};
    if (!out->parts) return anm_fail_memory(err);
    out->chunks = chunks;
    ANM_TRY(add(arena, r, out,
                (anm_planned){.kind = &anm_part_embeddings, .contents = {.embeddings = true}},
                err));
    ANM_TRY(add_chunks(arena, r, out, ends, chunks, err));
    return add(arena, r, out,
               (anm_planned){.kind = &anm_part_head, .contents = {.head = true}}, err);
}
