/* SPDX-License-Identifier: MIT */
#include "src/pass/pass.h"

#include <stdlib.h>
#include <string.h>

#include "src/mil/validate.h"

static const anm_pass passes[] = {
    {"specialise", anm_pass_specialise, "types from the shapes at hand; constants are computed"},
    {"einsum", anm_pass_einsum, "einsum of two tensors is a product of matrices"},
    {"merge-equal", anm_pass_merge_equal, "of two ops that give the same, one goes"},
    {"rms-norm", anm_pass_rms_norm, "root mean square norms, however they are written"},
    {"rope", anm_pass_rope, "rotary position embeddings, however they are written"},
    {"softmax", anm_pass_softmax, "softmax written out by hand"},
    {"linear", anm_pass_linear, "1x1 convolutions, linear, matmul with a constant"},
    {"sink-moves", anm_pass_sink_moves, "transposes go behind elementwise ops"},
    {"join-moves", anm_pass_join_moves, "chains of transposes and reshapes become one or none"},
    {"merge-moves", anm_pass_merge_equal, "the same after joining"},
    {"cache", anm_pass_cache, "updates of a state happen in place"},
    {"attention", anm_pass_attention, "scores, mask, softmax and mixing in one"},
    {"spell-attention", anm_pass_spell_attention, "attention that is not one is written out"},
    {"gated", anm_pass_gated, "the gated unit of the feed-forward layer"},
    {"residual", anm_pass_residual, "a sum with the result of a linear op joins it"},
    {"linear-topk", anm_pass_linear_topk, "of a linear op only the largest results are kept"},
    {"sweep", anm_pass_sweep, "ops whose results nobody needs"},
};

const anm_pass *anm_pass_at(size_t index) {
    return index < sizeof passes / sizeof passes[0] ? &passes[index] : NULL;
}

bool anm_pass_listed(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *p = list; p && *p; p += strcspn(p, ","), p += *p == ',') {
        size_t n = strcspn(p, ",");
        if (n == length && strncmp(p, name, n) == 0) return true;
        if (n == 3 && strncmp(p, "all", 3) == 0) return true;
    }
    return false;
}

static anm_status check(const anm_flow *g, const char *name, anm_error *err) {
    anm_arena *arena = anm_arena_create();
    if (!arena) return anm_fail_memory(err);
    anm_status status = anm_mil_validate(g->program, arena, NULL, err);
    anm_arena_destroy(arena);
    if (status == ANM_OK) return ANM_OK;
    anm_fail_prefix(err, "after pass %s", name);
    if (err) err->status = ANM_ERROR_INTERNAL;
    return ANM_ERROR_INTERNAL;
}

anm_status anm_pass_sweep(anm_flow *g, anm_error *err) {
    (void)err;
    anm_flow_sweep(g);
    return ANM_OK;
}

anm_status anm_pass_run_all(anm_flow *g, const anm_pass_options *options, anm_error *err) {
    const char *skip = options && options->skip ? options->skip : getenv("ANEMONE_PASS_SKIP");
    for (size_t i = 0; i < sizeof passes / sizeof passes[0]; i++) {
        const anm_pass *pass = &passes[i];
        if (anm_pass_listed(skip, pass->name)) continue;
        g->at = NULL;
        ANM_TRY(pass->run(g, err));
        anm_flow_sweep(g);
        if (options && options->validate) ANM_TRY(check(g, pass->name, err));
        if (options && options->after)
            ANM_TRY(options->after(options->context, pass->name, g, err));
    }
    return ANM_OK;
}
