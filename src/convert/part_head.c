/* SPDX-License-Identifier: MIT */
/* The LM head: rows of its matrix (or of the embedding), split over several outputs. */
#include <stdio.h>

#include "src/convert/part.h"

/* argmax_idx counts from the first logit of each split: who reads it needs their sizes. */
anm_status anm_part_note_argmax(const anm_recipe *r, anm_arena *arena, anm_description *d,
                                anm_error *err) {
    char sizes[ANM_MAX_SPLITS * 8] = "";
    size_t length = 0;
    if (!r->argmax) return ANM_OK;
    for (int64_t i = 0, first; i < r->splits; i++)
        length += (size_t)snprintf(sizes + length, sizeof sizes - length, "%s%lld", i ? "," : "",
                                   (long long)anm_recipe_split(r, i, &first));
    ANM_TRY(anm_interface_note(arena, d, err, "com.anemll.argmax_in_model", "true"));
    ANM_TRY(anm_interface_note(arena, d, err, "com.anemll.vocab_size", "%lld",
                               (long long)r->vocab));
    return anm_interface_note(arena, d, err, "com.anemll.lm_head_chunk_sizes", "%s", sizes);
}

static anm_status note(const anm_recipe *recipe, const anm_planned *planned, anm_arena *arena,
                       anm_description *d, anm_error *err) {
    return anm_part_note_argmax(recipe, arena, d, err);
}

const anm_part anm_part_head = {
    .component = "lm_head",
    .suffix = "lm_head",
    .slot = ANM_SLOT_HEAD,
    .summary = "LM head: hidden state to logits",
    .build = anm_graph_head,
    .note = note,
};
