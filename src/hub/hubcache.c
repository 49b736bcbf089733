/* SPDX-License-Identifier: MIT */
/* What is in the cache. */
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/file.h"
#include "src/base/options.h"
#include "src/base/str.h"
#include "src/base/vec.h"
#include "src/hub/hubjob.h"
#include "src/hub/hubselect.h"

struct anm_hub_listing {
    anm_arena *arena;
    ANM_VEC(anm_hub_entry) entries;
};

static anm_status take_options(const anm_hub_options *given, anm_hub_options *out,
                               anm_error *err) {
    anm_hub_options_init(out);
    return anm_options_take(out, sizeof *out, given, err);
}

anm_status anm_hub_cache_dir(const anm_hub_options *options, char **dir, anm_error *err) {
    anm_hub_options all;
    const char *root;
    *dir = NULL;
    ANM_TRY(take_options(options, &all, err));
    anm_arena *arena = anm_arena_create();
    anm_status status = arena ? anm_hub_root(arena, all.cache_dir, &root, err)
                              : anm_fail_memory(err);
    if (status == ANM_OK) *dir = anm_strdup(root);
    anm_arena_destroy(arena);
    return status == ANM_OK && !*dir ? anm_fail_memory(err) : status;
}

/* ---- listing ---- */

/* "main, v2": the revisions whose commit this is. */
static const char *refs_at(anm_arena *arena, const char *repo, const char *commit) {
    anm_strbuf out = {0};
    char **names, *text;
    size_t count, size;
    const char *refs = anm_path_join(arena, repo, "refs");
    if (!refs || anm_dir_list(arena, refs, &names, &count, NULL) != ANM_OK) return "";
    for (size_t i = 0; i < count; i++) {
        const char *path = anm_path_join(arena, refs, names[i]);
        if (names[i][0] == '.' || !path ||
            anm_file_read(arena, path, 4096, &text, &size, NULL) != ANM_OK ||
            strncmp(text, commit, 40) != 0)
            continue;
        const char *shown = anm_hub_is_commit(names[i]) ? "pinned" : names[i];
        anm_strbuf_printf(&out, "%s%s", out.len ? ", " : "", shown);
    }
    char *copy = anm_arena_strdup(arena, anm_strbuf_cstr(&out));
    anm_strbuf_free(&out);
    return copy ? copy : "";
}

/* The commit in "COMMIT", "COMMIT.converted" or ".COMMIT.pull". */
static bool commit_of(const char *name, char commit[64]) {
    const char *from = *name == '.' ? name + 1 : name;
    if (strlen(from) < 40) return false;
    memcpy(commit, from, 40);
    commit[40] = '\0';
    bool pull = strcmp(from + 40, ANM_HUB_SUFFIX_PULL) == 0;
    if (*name == '.' ? !pull : from[40] && strcmp(from + 40, ANM_HUB_SUFFIX_CONVERTED) != 0)
        return false;
    return anm_hub_is_commit(commit);
}

static anm_status describe_files(anm_arena *arena, const char *path, anm_hub_entry *e) {
    anm_hub_manifest manifest;
    e->path = NULL;
    if (!anm_path_is_dir(path) ||
        anm_hub_manifest_read(arena, path, &manifest, NULL) != ANM_OK)
        return ANM_OK; /* damaged: it counts as nothing, and can be removed */
    e->path = path;
    e->files = manifest.files.len;
    e->kind = anm_hub_kind_of(&manifest.files);
    e->bytes = anm_hub_tree_bytes(arena, path);
    anm_vec_free(&manifest.files);
    return ANM_OK;
}

static anm_status describe(anm_arena *arena, const char *repo, const char *name,
                           const char *commit, anm_hub_entry *e, anm_error *err) {
    const char *path = anm_path_join(arena, repo, commit);
    char *converted = anm_arena_printf(arena, "%s/%s" ANM_HUB_SUFFIX_CONVERTED, repo, commit);
    const char *pull = anm_arena_printf(arena, "%s/.%s" ANM_HUB_SUFFIX_PULL, repo, commit);
    const char *half = anm_arena_printf(arena, "%s/.%s" ANM_HUB_SUFFIX_CONVERTING, repo, commit);
    const char *meta = converted ? anm_path_join(arena, converted, "meta.yaml") : NULL;
    *e = (anm_hub_entry){.name = name, .revision = anm_arena_strdup(arena, commit),
                         .kind = ANM_HUB_OTHER, .refs = refs_at(arena, repo, commit)};
    if (!path || !meta || !pull || !half || !e->revision) return anm_fail_memory(err);
    ANM_TRY(describe_files(arena, path, e));
    if (anm_path_exists(meta)) e->converted = converted;
    e->converted_bytes = anm_hub_tree_bytes(arena, converted);
    e->partial_bytes = anm_hub_tree_bytes(arena, pull) + anm_hub_tree_bytes(arena, half);
    return ANM_OK;
}

static bool is_listed(const anm_hub_listing *l, size_t from, const char *commit) {
    for (size_t i = from; i < l->entries.len; i++)
        if (strcmp(l->entries.data[i].revision, commit) == 0) return true;
    return false;
}

static anm_status list_repo(anm_hub_listing *l, const char *repo, const char *name,
                            anm_error *err) {
    char **names, commit[64];
    size_t count, from = l->entries.len;
    ANM_TRY(anm_dir_list(l->arena, repo, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        anm_hub_entry entry;
        if (!commit_of(names[i], commit) || is_listed(l, from, commit)) continue;
        ANM_TRY(describe(l->arena, repo, name, commit, &entry, err));
        if (!anm_vec_push(&l->entries, entry)) return anm_fail_memory(err);
    }
    return ANM_OK;
}

/* "org--name" is "org/name"; NULL if it is no name of a model. */
static char *name_of_folder(anm_arena *arena, const char *folder) {
    anm_hub_name parsed;
    char *name = anm_arena_strdup(arena, folder);
    char *dashes = name ? strstr(name, "--") : NULL;
    if (!dashes) return NULL;
    *dashes = '/';
    memmove(dashes + 1, dashes + 2, strlen(dashes + 2) + 1);
    return anm_hub_name_parse(name, &parsed) ? name : NULL;
}

static anm_status list_all(anm_hub_listing *l, const char *models, anm_error *err) {
    char **names;
    size_t count;
    if (!anm_path_is_dir(models)) return ANM_OK;
    ANM_TRY(anm_dir_list(l->arena, models, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        const char *name = name_of_folder(l->arena, names[i]);
        const char *repo = anm_path_join(l->arena, models, names[i]);
        if (!repo) return anm_fail_memory(err);
        if (name && anm_path_is_dir(repo)) ANM_TRY(list_repo(l, repo, name, err));
    }
    return ANM_OK;
}

anm_status anm_hub_list(const anm_hub_options *options, anm_hub_listing **out, anm_error *err) {
    anm_hub_options all;
    anm_hub_place place;
    *out = NULL;
    ANM_TRY(take_options(options, &all, err));
    anm_hub_listing *l = anm_calloc(1, sizeof *l);
    if (l) l->arena = anm_arena_create();
    anm_status status = l && l->arena ? ANM_OK : anm_fail_memory(err);
    if (status == ANM_OK)
        status = anm_hub_place_of(l->arena, all.cache_dir, NULL, &place, err);
    if (status == ANM_OK) status = list_all(l, place.models, err);
    if (status == ANM_OK) *out = l;
    else anm_hub_listing_free(l);
    return status;
}

size_t anm_hub_listing_count(const anm_hub_listing *listing) {
    return listing->entries.len;
}

const anm_hub_entry *anm_hub_listing_entry(const anm_hub_listing *listing, size_t index) {
    return index < listing->entries.len ? &listing->entries.data[index] : NULL;
}

void anm_hub_listing_free(anm_hub_listing *listing) {
    if (!listing) return;
    anm_vec_free(&listing->entries);
    anm_arena_destroy(listing->arena);
    anm_free(listing);
}
