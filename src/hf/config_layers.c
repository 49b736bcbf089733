/* SPDX-License-Identifier: MIT */
/* Which layers see everything and which a sliding window, and what attention does to its scores. */
#include <string.h>

#include "src/base/json.h"
#include "src/hf/config_internal.h"

static anm_status read_type(const anm_config_source *s, const json_t *value, size_t layer,
                            anm_hf_config *c) {
    const char *name = json_string_value(value);
    if (!name)
        return anm_fail(s->err, ANM_ERROR_FORMAT, s->path,
                        "key \"layer_types\" has an entry that is no name");
    if (strcmp(name, "full_attention") == 0) return ANM_OK;
    c->other_layer_types = true;
    if (strcmp(name, "sliding_attention") != 0) c->unknown_layer_types = true;
    else c->sliding_layers[layer / 64] |= UINT64_C(1) << layer % 64;
    return ANM_OK;
}

static anm_status read_list(const anm_config_source *s, const json_t *list, anm_hf_config *c) {
    const json_t *value;
    size_t i;
    if (!json_is_array(list))
        return anm_fail(s->err, ANM_ERROR_FORMAT, s->path, "key \"layer_types\" is not a list");
    if (json_array_size(list) != (size_t)c->num_hidden_layers)
        return anm_fail(s->err, ANM_ERROR_FORMAT, s->path,
                        "key \"layer_types\" has %zu entries for %lld layers",
                        json_array_size(list), (long long)c->num_hidden_layers);
    json_array_foreach(list, i, value) ANM_TRY(read_type(s, value, i, c));
    return ANM_OK;
}

/* Every `pattern`th layer sees everything. */
static void by_pattern(int64_t pattern, anm_hf_config *c) {
    for (int64_t i = 0; i < c->num_hidden_layers; i++) {
        if ((i + 1) % pattern == 0) continue;
        c->sliding_layers[i / 64] |= UINT64_C(1) << i % 64;
        c->other_layer_types = true;
    }
}

static anm_status read_kinds(const anm_config_source *s, anm_hf_config *c) {
    const json_t *list = json_object_get(s->object, "layer_types");
    int64_t pattern;
    if (list && !json_is_null(list)) return read_list(s, list, c);
    ANM_TRY(anm_config_int(s, "sliding_window_pattern", 0, 1, ANM_HF_MAX_LAYERS, &pattern));
    if (!pattern)
        ANM_TRY(anm_config_int(s, "_sliding_window_pattern", 0, 1, ANM_HF_MAX_LAYERS, &pattern));
    if (pattern) by_pattern(pattern, c);
    return ANM_OK;
}

anm_status anm_config_read_layers(const anm_config_source *s, anm_hf_config *c) {
    ANM_TRY(read_kinds(s, c));
    ANM_TRY(anm_json_get_bool(s->object, "use_bidirectional_attention", false, &c->bidirectional,
                              s->path, s->err));
    ANM_TRY(anm_config_number(s, "query_pre_attn_scalar", 0, &c->query_pre_attn_scalar));
    ANM_TRY(anm_config_number(s, "attn_logit_softcapping", 0, &c->attn_logit_softcapping));
    return anm_config_number(s, "final_logit_softcapping", 0, &c->final_logit_softcapping);
}
