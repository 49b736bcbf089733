/* SPDX-License-Identifier: MIT */
/* Puts the FP8 weights of a checkpoint and their scales together, and takes the scales away. */
#include "src/base/json.h"
#include "src/hf/checkpoint_internal.h"
#include "src/hf/config_internal.h"
#include "src/hf/fp8.h"

/* For quantised activations and caches, which we do not have. */
static const char *const unused[] = {
    ".input_scale", ".activation_scale", ".k_scale", ".v_scale", ".q_scale", ".kv_scale", NULL,
};

static bool is_fp8(const anm_weight *w) {
    return w->tensor->dtype == ANM_DTYPE_FP8E4M3FN || w->tensor->dtype == ANM_DTYPE_FP8E5M2;
}

static bool has_fp8(const anm_checkpoint *c) {
    for (size_t i = 0; i < c->weights.len; i++)
        if (is_fp8(&c->weights.data[i])) return true;
    return false;
}

/* The block size is in config.json only. A directory without one has scales of other kinds. */
static anm_status read_quant(anm_checkpoint *c, anm_hf_quant *quant, anm_error *err) {
    json_t *root;
    const char *path = anm_path_join(c->arena, c->dir, "config.json");
    *quant = (anm_hf_quant){0};
    if (!path) return anm_fail_memory(err);
    if (!anm_path_exists(path)) return ANM_OK;
    ANM_TRY(anm_json_load(path, &root, err));
    anm_config_source s = {root, path, err};
    anm_status status = anm_config_read_quant(&s, quant);
    json_decref(root);
    return status;
}

/* The scales of "x.weight" are "x.weight_scale_inv" (which is multiplied all the same) or
 * "x.weight_scale". NULL if there are none. */
static anm_status find_scales(anm_checkpoint *c, const char *name, const anm_weight **out,
                              anm_error *err) {
    static const char *const endings[] = {"_scale_inv", "_scale"};
    *out = NULL;
    for (int i = 0; i < 2 && !*out; i++) {
        const char *full = anm_arena_printf(c->arena, "%s%s", name, endings[i]);
        if (!full) return anm_fail_memory(err);
        *out = anm_checkpoint_find(c, full);
    }
    return ANM_OK;
}

static bool is_unused(const char *name) {
    for (const char *const *end = unused; *end; end++)
        if (anm_str_ends(name, *end)) return true;
    return false;
}

/* Leaves out what has been taken and what is not used. */
static anm_status rebuild(anm_checkpoint *c, const bool *taken, anm_error *err) {
    size_t kept = 0;
    anm_map_free(&c->by_name);
    c->by_name = (anm_map){0};
    for (size_t i = 0; i < c->weights.len; i++) {
        anm_weight w = c->weights.data[i];
        if (taken[i] || is_unused(w.tensor->name)) continue;
        if (!anm_map_put(&c->by_name, anm_sv_from(w.tensor->name), kept))
            return anm_fail_memory(err);
        c->weights.data[kept++] = w;
    }
    c->weights.len = kept;
    return ANM_OK;
}

anm_status anm_checkpoint_attach_scales(anm_checkpoint *c, anm_error *err) {
    anm_hf_quant quant;
    if (!has_fp8(c)) return ANM_OK;
    ANM_TRY(read_quant(c, &quant, err));
    bool *taken = ANM_ARENA_ARRAY(c->arena, bool, c->weights.len);
    if (!taken) return anm_fail_memory(err);
    for (size_t i = 0; i < c->weights.len; i++) {
        anm_weight *w = &c->weights.data[i];
        const anm_weight *scale;
        if (!is_fp8(w)) continue;
        ANM_TRY(find_scales(c, w->tensor->name, &scale, err));
        if (!scale) continue; /* the check of the model's tensors says so, if it needs this one */
        ANM_TRY(anm_fp8_attach(c->arena, w, scale, quant.block, err));
        taken[scale - c->weights.data] = true;
    }
    return rebuild(c, taken, err);
}
