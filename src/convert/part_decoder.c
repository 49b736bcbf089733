/* SPDX-License-Identifier: MIT */
/* The decoder: functions infer and prefill, which share every weight. One chunk. */
#include "src/convert/part.h"
#include "src/convert/rope.h"
#include "src/convert/tensors.h"
#include "src/convert/weights.h"

typedef struct store_context {
    anm_job *job;
    anm_blob_writer *blobs;
    anm_stored *stored;
} store_context;

static bool elsewhere(anm_slot slot) {
    return slot == ANM_SLOT_EMBEDDING || slot == ANM_SLOT_HEAD;
}

static anm_status store_one(void *context, anm_slot slot, int64_t layer, anm_error *err) {
    store_context *c = context;
    if (elsewhere(slot)) return ANM_OK;
    anm_place *place = slot < ANM_SLOT_LAYER_FIRST ? &c->stored->model[slot]
                                                   : &c->stored->layers[layer][slot];
    return anm_slot_store(c->job, c->blobs, slot, layer, place, err);
}

static anm_status store(anm_job *job, anm_blob_writer *blobs, anm_stored *stored, anm_error *err) {
    const anm_recipe *r = &job->recipe;
    const anm_hf_rope *rope = &r->config.rope;
    store_context context = {job, blobs, stored};
    ANM_TRY(anm_recipe_visit(r, store_one, &context, err));
    ANM_TRY(anm_rope_store(rope, r->head_dim, r->state, ANM_ROPE_COS, blobs, &stored->cos, err));
    return anm_rope_store(rope, r->head_dim, r->state, ANM_ROPE_SIN, blobs, &stored->sin, err);
}

static void build(anm_mil_builder *b, const anm_recipe *r, const anm_stored *stored) {
    anm_graph_infer(b, r, stored);
    anm_graph_prefill(b, r, stored);
}

static anm_status note(const anm_recipe *r, anm_arena *arena, anm_description *d, anm_error *err) {
    ANM_TRY(anm_interface_note(arena, d, err, "com.anemll.state_length", "%lld",
                               (long long)r->state));
    ANM_TRY(anm_interface_note(arena, d, err, "com.anemll.batch_size", "%lld",
                               (long long)r->batch));
    ANM_TRY(anm_interface_note(arena, d, err, "com.anemll.num_chunks", "1"));
    ANM_TRY(anm_interface_note(arena, d, err, "com.anemll.chunk_no", "1"));
    /* Ours: what prefill gives is the last token's state after the final norm. */
    return anm_interface_note(arena, d, err, "com.anemone.prefill_output", "last_token");
}

typedef struct tally {
    const anm_recipe *recipe;
    int64_t elements;
} tally;

static anm_status count(void *context, anm_slot slot, int64_t layer, anm_error *err) {
    tally *c = context;
    int64_t shape[2];
    int rank = anm_recipe_shape(c->recipe, slot, shape);
    if (!elsewhere(slot)) c->elements += anm_shape_elements(shape, rank);
    return ANM_OK;
}

static int64_t elements(const anm_recipe *r) {
    tally c = {r, 0};
    return anm_recipe_visit(r, count, &c, NULL) == ANM_OK ? c.elements : 0;
}

const anm_part anm_part_decoder = {
    .component = "decoder",
    .suffix = "FFN_PF",
    .chunk = "_chunk_01of01",
    .slot = ANM_SLOT_LAYER_FIRST,
    .summary = "Decoder: functions infer (one token) and prefill (a batch of tokens)",
    .store = store,
    .build = build,
    .note = note,
    .elements = elements,
};
