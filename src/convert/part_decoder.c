/* SPDX-License-Identifier: MIT */
/*
 * A chunk of the decoder: functions infer and prefill, which share every weight; the same for full
 * windows, if layers have them.
 */
#include "src/convert/part.h"

void anm_part_build_decoder(anm_mil_builder *b, const anm_graph_source *from) {
    anm_graph_infer(b, from, false);
    anm_graph_prefill(b, from, false);
    if (!anm_recipe_rotates(from->recipe)) return;
    anm_graph_infer(b, from, true);
    anm_graph_prefill(b, from, true);
}

anm_status anm_part_note_decoder(const anm_recipe *r, const anm_planned *p, anm_arena *arena,
                                 anm_description *d, anm_error *err) {
    ANM_TRY(anm_interface_note(arena, d, err, "com.anemll.state_length", "%lld",
                               (long long)r->state));
    ANM_TRY(anm_interface_note(arena, d, err, "com.anemll.batch_size", "%lld",
                               (long long)r->batch));
    ANM_TRY(anm_interface_note(arena, d, err, "com.anemll.num_chunks", "%lld",
                               (long long)p->chunks));
    ANM_TRY(anm_interface_note(arena, d, err, "com.anemll.chunk_no", "%lld",
                               (long long)p->chunk));
    if (r->iso || !anm_contents_end(r, &p->contents)) return ANM_OK;
    /* Ours: what prefill gives is the last token's state after the final norm, or every token's. */
    return anm_interface_note(arena, d, err, "com.anemone.prefill_output", "%s",
                              r->prefill_all ? "all_tokens" : "last_token");
}

const anm_part anm_part_decoder = {
    .component = "decoder",
    .suffix = "FFN_PF",
    .slot = ANM_SLOT_LAYER_FIRST,
    .summary = "Decoder: functions infer (one token) and prefill (a batch of tokens)",
    .build = anm_part_build_decoder,
    .note = anm_part_note_decoder,
};
