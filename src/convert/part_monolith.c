/* SPDX-License-Identifier: MIT */
/* The whole model as one package: the decoder's functions, from token ids to logits. */
#include "src/convert/part.h"

static anm_status note(const anm_recipe *r, const anm_planned *p, anm_arena *arena,
                       anm_description *d, anm_error *err) {
    ANM_TRY(anm_part_note_decoder(r, p, arena, d, err));
    return anm_part_note_argmax(r, arena, d, err);
}

const anm_part anm_part_monolith = {
    .component = "monolithic",
    .suffix = "monolithic_full",
    .slot = ANM_SLOT_LAYER_FIRST,
    .summary = "Whole model: functions infer (one token) and prefill (a batch of tokens)",
    .build = anm_part_build_decoder,
    .note = note,
};
