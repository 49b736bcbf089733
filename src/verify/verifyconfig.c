/* SPDX-License-Identifier: MIT */
/* A model that a ModelConfig describes: its parts are what that names, and it must be true. */
#include <stdio.h>

#include "src/base/file.h"
#include "src/verify/verify_internal.h"

anm_status anm_verify_read_description(anm_verifier *v) {
    bool inside = anm_path_is_dir(v->dir);
    const char *file = inside ? anm_path_join(v->arena, v->dir, ANM_MODEL_CONFIG_FILE) : v->dir;
    v->model = v->dir;
    if (!file) return anm_fail_memory(v->err);
    if (!anm_path_exists(file) || !anm_str_ends(file, ".json")) return ANM_OK;
    ANM_TRY(anm_model_config_read(file, &v->config, v->err));
    v->dir = anm_arena_strdup(v->arena, anm_model_config_get_info(v->config)->directory);
    return v->dir ? ANM_OK : anm_fail_memory(v->err);
}

static bool is_listed(const anm_verifier *v, const char *path) {
    for (size_t i = 0; i < v->part_count; i++)
        if (strcmp(v->parts[i].path, path) == 0) return true;
    return false;
}

anm_status anm_verify_list_described(anm_verifier *v) {
    const anm_config_component *c;
    size_t files = 0;
    for (size_t i = 0; (c = anm_model_config_component(v->config, i)); i++) files += c->file_count;
    v->parts = ANM_ARENA_ARRAY(v->arena, anm_verify_part, files + 1);
    if (!v->parts) return anm_fail_memory(v->err);
    for (size_t i = 0; (c = anm_model_config_component(v->config, i)); i++)
        for (size_t k = 0; k < c->file_count; k++) {
            if (is_listed(v, c->files[k])) continue;
            const char *path = anm_arena_strdup(v->arena, c->files[k]);
            const char *file = path ? anm_path_base(v->arena, path) : NULL;
            if (!file) return anm_fail_memory(v->err);
            v->parts[v->part_count++] = (anm_verify_part){file, path, NULL};
        }
    if (v->part_count) return ANM_OK;
    return anm_fail(v->err, ANM_ERROR_NOT_FOUND, v->model, "none of its components is here");
}

static void note_problem(void *context, const anm_config_problem *p) {
    anm_verifier *v = context;
    const char *colon = *p->tensor ? ": " : "";
    if (v->noted != ANM_OK) return;
    v->noted = anm_verify_note(v, ANM_VERIFY_FAILED, "config", p->component,
                               "%s%s%s: %s%s%s%s%s", p->file, colon, p->tensor, p->message,
                               *p->expected ? "; expected " : "", p->expected,
                               *p->found ? "; found " : "", p->found);
}

anm_status anm_verify_description(anm_verifier *v) {
    size_t count;
    ANM_TRY(anm_model_config_check(v->config, note_problem, v, &count, v->err));
    ANM_TRY(v->noted);
    if (count) return ANM_OK;
    return anm_verify_note(v, ANM_VERIFY_OK, "config", v->model,
                           "the components are as described, and fit together");
}
