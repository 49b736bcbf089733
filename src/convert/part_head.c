/* SPDX-License-Identifier: MIT */
/* The LM head: rows of its matrix (or of the embedding), split over several outputs. */
#include "src/convert/part.h"

static anm_status note(const anm_recipe *recipe, const anm_planned *planned, anm_arena *arena,
                       anm_description *d, anm_error *err) {
    return ANM_OK;
}

const anm_part anm_part_head = {
    .component = "lm_head",
    .suffix = "lm_head",
    .slot = ANM_SLOT_HEAD,
    .summary = "LM head: hidden state to logits",
    .build = anm_graph_head,
    .note = note,
};
