/* SPDX-License-Identifier: MIT */
#include "src/hub/hubselect.h"

#include <stdio.h>
#include <string.h>

#include "src/base/str.h"

static bool ends_with_any(const char *path, const char *const *endings) {
    for (; *endings; endings++)
        if (anm_str_ends(path, *endings)) return true;
    return false;
}

/* ---- what is what ---- */

bool anm_hub_is_zip(const char *path, size_t *stem) {
    static const char *const endings[] = {".mlmodelc.zip", ".mlpackage.zip", NULL};
    *stem = strlen(path) - (ends_with_any(path, endings) ? 4 : 0);
    return path[*stem] != '\0';
}

bool anm_hub_is_component(const char *path) {
    static const char *const endings[] = {".mlmodelc", ".mlpackage", NULL};
    return ends_with_any(path, endings);
}

/* The length of the path up to and with "X.mlpackage" or "X.mlmodelc"; 0 if it is in none. */
static size_t component_length(const char *path) {
    size_t stem;
    if (anm_hub_is_zip(path, &stem)) return stem;
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t n = (size_t)(slash - path);
        if (n > 10 && strncmp(slash - 10, ".mlpackage", 10) == 0) return n;
        if (n > 9 && strncmp(slash - 9, ".mlmodelc", 9) == 0) return n;
    }
    return 0;
}

anm_hub_kind anm_hub_kind_of(const anm_hub_files *files) {
    bool tensors = false, config = false, gguf = false;
    for (size_t i = 0; i < files->len; i++) {
        const char *path = files->data[i].path;
        if (component_length(path)) return ANM_HUB_COREML;
        gguf = gguf || anm_str_ends(path, ".gguf");
        config = config || strcmp(path, "config.json") == 0;
        tensors = tensors || (anm_str_ends(path, ".safetensors") && !strchr(path, '/'));
    }
    if (config && tensors) return ANM_HUB_CHECKPOINT;
    return gguf ? ANM_HUB_GGUF : ANM_HUB_OTHER;
}

/* ---- what is usually wanted ---- */

static bool is_small_file(const char *path) {
    static const char *const endings[] = {".json",  ".jinja", ".txt", ".model", ".yaml",
                                          ".md",    "LICENSE", "NOTICE", ".py",  NULL};
    return ends_with_any(path, endings);
}

/* Weights of other programs, and bundles of what is there file by file. */
static bool is_foreign(const char *path) {
    static const char *const endings[] = {".safetensors", ".bin", ".pt",  ".pth", ".onnx",
                                          ".onnx_data",   ".h5",  ".gguf", ".zip", ".msgpack",
                                          ".npz",         ".tar", ".gz",  ".mp4", ".tflite", NULL};
    return ends_with_any(path, endings);
}

/* A package makes its compiled form unnecessary, and a folder its zip. */
static bool is_double(const anm_hub_files *all, const char *path, size_t component) {
    size_t stem, package = component;
    char beside[512];
    bool zip = anm_hub_is_zip(path, &stem);
    if (component >= 9 && strncmp(path + component - 9, ".mlmodelc", 9) == 0)
        package = component - 9;
    snprintf(beside, sizeof beside, "%.*s.mlpackage", (int)package, path);
    size_t length = strlen(beside);
    for (size_t i = 0; i < all->len; i++) {
        const char *other = all->data[i].path;
        if (package != component && strncmp(other, beside, length) == 0 &&
            (other[length] == '/' || strcmp(other + length, ".zip") == 0))
            return true;
        if (zip && strncmp(other, path, component) == 0 && other[component] == '/') return true;
    }
    return false;
}

static bool wanted_of_coreml(const anm_hub_files *all, const char *path) {
    size_t component = component_length(path);
    if (component) return !is_double(all, path, component);
    return !is_foreign(path);
}

static bool wanted_of_checkpoint(const char *path) {
    if (strchr(path, '/')) return false;
    return is_small_file(path) || anm_str_ends(path, ".safetensors");
}

static bool wanted_of_gguf(const char *path) {
    return anm_str_ends(path, ".gguf") || (!strchr(path, '/') && is_small_file(path));
}

static bool is_wanted(anm_hub_kind kind, const anm_hub_files *all, const char *path) {
    switch (kind) {
    case ANM_HUB_COREML: return wanted_of_coreml(all, path);
    case ANM_HUB_CHECKPOINT: return wanted_of_checkpoint(path);
    case ANM_HUB_GGUF: return wanted_of_gguf(path);
    case ANM_HUB_OTHER: break;
    }
    return !is_foreign(path);
}

/* ---- what the user chose ---- */

/* The folder or file of "org/name:PATH", and what small files lie at the root. */
static bool fits_path(const char *chosen, const char *path) {
    size_t n = strlen(chosen);
    if (!n) return true;
    if (strncmp(path, chosen, n) == 0 &&
        (!path[n] || path[n] == '/' || strcmp(path + n, ".zip") == 0))
        return true;
    return !strchr(path, '/') && is_small_file(path);
}

/* "model-00001-of-00003.gguf" are one model. */
static size_t gguf_models(const anm_hub_files *files, anm_strbuf *names) {
    size_t count = 0;
    for (size_t i = 0; i < files->len; i++) {
        const char *path = files->data[i].path, *of = strstr(path, "-of-");
        if (!anm_str_ends(path, ".gguf") || anm_str_starts(path, "mmproj")) continue;
        if (of && of - path > 6 && strncmp(of - 6, "-00001", 6) != 0) continue;
        anm_strbuf_printf(names, "%s%s", count++ ? ", " : "", path);
    }
    return count;
}

static anm_status check_gguf(const anm_hub_files *out, const anm_hub_name *name, anm_error *err) {
    anm_strbuf names = {0};
    anm_status status = ANM_OK;
    if (gguf_models(out, &names) > 1)
        status = anm_fail(err, ANM_ERROR_ARGUMENT, name->repo,
                          "several GGUF models are there; choose one as %s:FILE: %.300s",
                          name->repo, anm_strbuf_cstr(&names));
    anm_strbuf_free(&names);
    return status;
}

anm_status anm_hub_select(const anm_hub_files *all, const anm_hub_name *name,
                          const anm_hub_options *options, anm_hub_files *out, bool *usual,
                          anm_error *err) {
    anm_hub_kind kind = anm_hub_kind_of(all);
    *usual = !options->include && !options->exclude && !name->path[0];
    if (name->path[0] && anm_str_ends(name->path, ".gguf")) kind = ANM_HUB_GGUF;
    for (size_t i = 0; i < all->len; i++) {
        const char *path = all->data[i].path;
        bool wanted = options->include ? anm_hub_pattern_fits(options->include, path)
                                       : is_wanted(kind, all, path);
        if (options->exclude && anm_hub_pattern_fits(options->exclude, path)) wanted = false;
        if (strcmp(path, ".gitattributes") == 0 && !options->include) wanted = false;
        if (anm_str_starts(path, ".anemone")) wanted = false; /* our own notes have such names */
        if (!wanted || !fits_path(name->path, path)) continue;
        if (!anm_vec_push(out, all->data[i])) return anm_fail_memory(err);
    }
    if (!out->len)
        return anm_fail(err, ANM_ERROR_NOT_FOUND, name->repo,
                        "none of its %zu files %s", all->len,
                        *usual ? "is wanted" : "fits: check --include, --exclude and the path");
    return kind == ANM_HUB_GGUF && *usual ? check_gguf(out, name, err) : ANM_OK;
}

/* ---- where the model is ---- */

/* Folders that directly hold components, each once, in `text`; the first one of them. */
static size_t model_folders(anm_arena *arena, const anm_hub_files *files, const char *under,
                            const char **first, anm_strbuf *text) {
    size_t count = 0, n = strlen(under);
    const char *last = NULL;
    for (size_t i = 0; i < files->len; i++) {
        const char *path = files->data[i].path;
        size_t length = component_length(path);
        if (!length || (n && (strncmp(path, under, n) != 0 || path[n] != '/'))) continue;
        do length--;
        while (length && path[length] != '/');
        if (last && strlen(last) == length && strncmp(last, path, length) == 0) continue;
        last = anm_arena_strndup(arena, path, length);
        if (!last) continue;
        if (!count || strlen(last) < strlen(*first)) *first = last;
        anm_strbuf_printf(text, "%s%s", count++ ? ", " : "", *last ? last : ".");
    }
    return count;
}

anm_status anm_hub_model_folder(anm_arena *arena, const anm_hub_files *files,
                                const anm_hub_name *name, const char **out, anm_error *err) {
    anm_strbuf text = {0};
    anm_status status = ANM_OK;
    *out = "";
    size_t count = model_folders(arena, files, name->path, out, &text);
    if (count > 1 && **out && strcmp(*out, name->path) != 0)
        status = anm_fail(err, ANM_ERROR_ARGUMENT, name->repo,
                          "several models are there; choose one as %s:FOLDER: %.300s", name->repo,
                          anm_strbuf_cstr(&text));
    anm_strbuf_free(&text);
    return status;
}
