/* SPDX-License-Identifier: MIT */
/*
 * Forgetting: what the current state stands on is copied into a fresh machine. A frame's links
 * name older frames only, so one pass down marks what is needed and one pass up copies it.
 */
#include "src/grammar/machine.h"

static void mark(const anm_pair_sets *sets, uint32_t set, bool *needed) {
    for (size_t i = sets->first.data[set]; i < sets->first.data[set + 1]; i++)
        needed[sets->pairs.data[i].frame] = true;
}

/* Set `set` of `from` into `out`, its frames renumbered. */
static bool rename_pairs(const anm_pair_sets *from, uint32_t set, const uint32_t *renamed,
                         anm_pairs *out) {
    out->len = 0;
    for (size_t i = from->first.data[set]; i < from->first.data[set + 1]; i++) {
        anm_pair pair = from->pairs.data[i];
        pair.frame = renamed[pair.frame];
        if (!anm_vec_push(out, pair)) return false;
    }
    return true;
}

static bool copy_frames(const anm_machine *old, anm_machine *m, uint32_t state,
                        uint32_t *renamed, bool *needed) {
    uint32_t count = (uint32_t)old->frames.first.len - 1;
    mark(&old->states, state, needed);
    for (uint32_t f = count; f-- > 1;)
        if (needed[f]) mark(&old->frames, f, needed);
    for (uint32_t f = 1; f < count; f++) {
        if (!needed[f]) continue;
        if (!rename_pairs(&old->frames, f, renamed, &m->links)) return false;
        renamed[f] = anm_pair_sets_intern(&m->frames, &m->links);
        if (renamed[f] == UINT32_MAX) return false;
    }
    return true;
}

anm_status anm_machine_forget(anm_machine *m, uint32_t *state, anm_error *err) {
    anm_machine old = *m;
    size_t frames = old.frames.first.len;
    uint32_t *renamed = anm_calloc(frames, sizeof *renamed), kept = ANM_STATE_FAILED;
    bool *needed = anm_calloc(frames, sizeof *needed);
    anm_status status = anm_machine_init(m, old.graph, err);
    if (status == ANM_OK && renamed && needed &&
        copy_frames(&old, m, *state, renamed, needed) &&
        rename_pairs(&old.states, *state, renamed, &m->found))
        kept = anm_machine_state(m);
    anm_free(renamed);
    anm_free(needed);
    if (kept == ANM_STATE_FAILED) {
        anm_machine_free(m);
        *m = old;
        return anm_fail_memory(err);
    }
    anm_machine_free(&old);
    *state = kept;
    return ANM_OK;
}
