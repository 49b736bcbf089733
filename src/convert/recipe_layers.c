/* SPDX-License-Identifier: MIT */
/* Which layers of a recipe see everything, and which a sliding window. */
#include "src/convert/recipe.h"

/* For families without windows: one that the context does not exceed changes nothing. */
static anm_status check_no_window(const char *where, const anm_recipe *r, anm_error *err) {
    const anm_hf_config *c = &r->config;
    bool in_use = c->use_sliding_window && c->sliding_window > 0;
    if (in_use && r->context <= c->sliding_window) return ANM_OK;
    if (in_use)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                        "sliding-window attention is not supported for %s; a context length of at "
                        "most the window, %lld, does without",
                        r->family->name, (long long)c->sliding_window);
    if (!c->other_layer_types) return ANM_OK;
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                    "layer_types has other layers than full_attention");
}

static anm_status check_window(const char *where, const anm_recipe *r, anm_error *err) {
    const anm_hf_config *c = &r->config;
    if (c->unknown_layer_types)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                        "layer_types has other layers than full_attention and sliding_attention");
    if (c->other_layer_types && c->sliding_window < 1)
        return anm_fail(err, ANM_ERROR_FORMAT, where,
                        "key \"sliding_window\" is missing, and layers slide");
    if (c->bidirectional)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                        "use_bidirectional_attention is not supported: tokens see what was before");
    return ANM_OK;
}

static bool slides(const anm_recipe *r, int64_t layer) {
    return r->family->windows && anm_hf_config_is_sliding(&r->config, layer);
}

anm_status anm_recipe_set_layers(anm_arena *arena, const char *where, anm_recipe *r,
                                 anm_error *err) {
    bool *local = ANM_ARENA_ARRAY(arena, bool, r->layers);
    int64_t *row = ANM_ARENA_ARRAY(arena, int64_t, r->layers), window = r->config.sliding_window;
    if (!local || !row) return anm_fail_memory(err);
    ANM_TRY(r->family->windows ? check_window(where, r, err) : check_no_window(where, r, err));
    for (int64_t i = 0; i < r->layers; i++) {
        local[i] = slides(r, i);
        row[i] = local[i] ? r->local_layers++ : r->global_layers++;
    }
    r->local = local;
    r->cache_row = row;
    if (r->local_layers) r->window = window < r->context ? window : r->context;
    if (!anm_recipe_rotates(r) || r->window % r->batch == 0) return ANM_OK;
    return anm_fail(err, ANM_ERROR_ARGUMENT, "batch_size",
                    "%lld does not divide the sliding window of %lld: a batch would overrun it",
                    (long long)r->batch, (long long)r->window);
}
