/* SPDX-License-Identifier: MIT */
/*
 * Where a ModelConfig's packages are. A path is taken as it is, or from the JSON's own directory,
 * so that a copy of a model is whole, or from model_info.path, or from "coreml" in either. Files
 * made on another machine have its absolute paths: then the last component is looked for in these
 * places.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "src/base/file.h"
#include "src/base/str.h"
#include "src/llm/modelconfig.h"

enum { PLACES = 4, MOST_MATCHES = 99 };

typedef struct places {
    anm_arena *arena;
    const char *dirs[PLACES];
    size_t count;
    anm_error *err;
} places;

static anm_status add_place(places *p, const char *dir) {
    const char *inner = dir ? anm_path_join(p->arena, dir, "coreml") : NULL;
    if (!inner) return anm_fail_memory(p->err);
    if (!anm_path_is_dir(dir)) return ANM_OK;
    p->dirs[p->count++] = dir;
    if (anm_path_is_dir(inner)) p->dirs[p->count++] = inner;
    return ANM_OK;
}

static anm_status find_places(const anm_model_config *c, places *p) {
    const char *path = c->info.path;
    ANM_TRY(add_place(p, c->base));
    if (!path || !*path) return ANM_OK;
    return add_place(p, *path == '/' ? path : anm_path_join(p->arena, c->base, path));
}

/* NULL if it is nowhere. */
static const char *find_path(const places *p, const char *given) {
    const char *base = anm_path_base(p->arena, given);
    if (*given == '/' && anm_path_exists(given)) return given;
    for (size_t i = 0; i < p->count; i++) {
        const char *path = anm_path_join(p->arena, p->dirs[i], *given == '/' ? base : given);
        if (path && anm_path_exists(path)) return path;
    }
    return NULL;
}

/* Every match in the first place that has any. */
static anm_status find_matches(const places *p, const char *pattern, anm_config_component *out) {
    const char **files = ANM_ARENA_ARRAY(p->arena, const char *, MOST_MATCHES);
    if (!files) return anm_fail_memory(p->err);
    out->files = files;
    for (size_t i = 0; i < p->count && !out->file_count; i++) {
        char **names;
        size_t count;
        ANM_TRY(anm_dir_list(p->arena, p->dirs[i], &names, &count, p->err));
        for (size_t k = 0; k < count && out->file_count < MOST_MATCHES; k++) {
            if (fnmatch(pattern, names[k], 0) != 0) continue;
            files[out->file_count] = anm_path_join(p->arena, p->dirs[i], names[k]);
            if (!files[out->file_count++]) return anm_fail_memory(p->err);
        }
    }
    return ANM_OK;
}

static anm_status find_component(const places *p, anm_config_component *out) {
    if (!out->given) return ANM_OK;
    if (strpbrk(out->given, "*?[")) return find_matches(p, out->given, out);
    const char **files = ANM_ARENA_ARRAY(p->arena, const char *, 1);
    if (!files) return anm_fail_memory(p->err);
    files[0] = find_path(p, out->given);
    out->files = files;
    out->file_count = files[0] != NULL;
    return ANM_OK;
}

/* Where a tokenizer is; without one, where the first package is. */
static anm_status find_directory(const places *p, anm_model_config *c) {
    c->info.directory = c->base;
    for (size_t i = 0; i < c->component_count; i++) {
        if (!c->components[i].file_count) continue;
        char *dir = anm_arena_strdup(c->arena, c->components[i].files[0]);
        char *slash = dir ? strrchr(dir, '/') : NULL;
        if (!dir) return anm_fail_memory(p->err);
        if (slash && slash != dir) *slash = '\0';
        c->info.directory = slash ? dir : ".";
        break;
    }
    for (size_t i = 0; i < p->count; i++) {
        const char *tokenizer = anm_path_join(c->arena, p->dirs[i], "tokenizer.json");
        if (!tokenizer) return anm_fail_memory(p->err);
        if (!anm_path_exists(tokenizer)) continue;
        c->info.directory = p->dirs[i];
        break;
    }
    return ANM_OK;
}

anm_status anm_model_config_locate(anm_model_config *config, anm_error *err) {
    places p = {.arena = config->arena, .err = err};
    ANM_TRY(find_places(config, &p));
    for (size_t i = 0; i < config->component_count; i++)
        ANM_TRY(find_component(&p, &config->components[i]));
    return find_directory(&p, config);
}

/* ---- as sources of a model ---- */

anm_config_role anm_config_role_of(const char *component) {
    static const char *const names[] = {"ffn_prefill", "ffn_infer"};
    for (int i = 0; i < 2; i++) {
        if (!anm_str_starts(component, names[i])) continue;
        anm_llm_step step = i == 0 ? ANM_LLM_STEP_PREFILL : ANM_LLM_STEP_INFER;
        const char *rest = component + strlen(names[i]);
        unsigned chunk = 1;
        bool known = !*rest || sscanf(rest, "_chunk_%2u", &chunk) == 1 ||
                     sscanf(rest, "_%2u", &chunk) == 1;
        if (known && chunk >= 1) return (anm_config_role){step, chunk};
    }
    return (anm_config_role){0};
}

const anm_config_component *anm_config_find(const anm_model_config *config, anm_llm_step step,
                                            size_t chunk) {
    for (size_t i = 0; i < config->component_count; i++) {
        anm_config_role role = anm_config_role_of(config->components[i].name);
        if (role.step == step && role.chunk == chunk && step != ANM_LLM_STEP_ANY)
            return &config->components[i];
    }
    return NULL;
}

size_t anm_config_chunks(const anm_model_config *config) {
    size_t most = 0;
    for (size_t i = 0; i < config->component_count; i++) {
        size_t chunk = anm_config_role_of(config->components[i].name).chunk;
        if (chunk > most) most = chunk;
    }
    return most;
}

/* With both components, each gives its own step only; one alone gives what it has. */
static anm_llm_source make_source(const anm_model_config *c, const anm_config_component *from,
                                  size_t file) {
    anm_config_role role = anm_config_role_of(from->name);
    anm_llm_step other =
        role.step == ANM_LLM_STEP_PREFILL ? ANM_LLM_STEP_INFER : ANM_LLM_STEP_PREFILL;
    bool pair = role.step != ANM_LLM_STEP_ANY && anm_config_find(c, other, role.chunk);
    bool numbered = from->file_count == 1 && role.chunk;
    return (anm_llm_source){.path = from->files[file],
                            .file = from->files[file],
                            .step = pair ? role.step : ANM_LLM_STEP_ANY,
                            .chunk = numbered ? role.chunk : 0,
                            .chunks = numbered ? anm_config_chunks(c) : 0,
                            .functions = from->functions,
                            .function_count = from->function_count};
}

static anm_status not_found(const anm_model_config *c, const anm_config_component *missing,
                            anm_error *err) {
    if (!missing->given)
        return anm_fail(err, ANM_ERROR_FORMAT, c->where, "component %s has no file_path",
                        missing->name);
    return anm_fail(err, ANM_ERROR_NOT_FOUND, c->where,
                    "component %s: \"%s\" is not here; paths start from this file's "
                    "directory or model_info.path",
                    missing->name, missing->given);
}

anm_status anm_model_config_sources(const anm_model_config *config, anm_arena *arena,
                                    anm_llm_sources *out, anm_error *err) {
    size_t files = 0;
    for (size_t i = 0; i < config->component_count; i++) files += config->components[i].file_count;
    out->items = ANM_ARENA_ARRAY(arena, anm_llm_source, files + 1);
    if (!out->items) return anm_fail_memory(err);
    for (size_t i = 0; i < config->component_count; i++) {
        const anm_config_component *c = &config->components[i];
        if (!c->file_count) return not_found(config, c, err);
        for (size_t k = 0; k < c->file_count; k++) {
            anm_llm_source source = make_source(config, c, k);
            source.file = anm_path_base(arena, source.path);
            if (!source.file) return anm_fail_memory(err);
            out->items[out->count++] = source;
        }
    }
    if (out->count) return ANM_OK;
    return anm_fail(err, ANM_ERROR_FORMAT, config->where, "it has no components");
}
