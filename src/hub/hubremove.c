/* SPDX-License-Identifier: MIT */
/* Removing from the cache, and tidying it up. Nothing half-removed keeps its name. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/base/options.h"
#include "src/base/str.h"
#include "src/hub/hubjob.h"

typedef struct removal {
    anm_arena *arena;
    bool dry; /* only count */
    uint64_t freed;
    anm_error *err;
} removal;

/* ---- pieces ---- */

/* Under another name first: who looks in between finds nothing, not a part. */
static anm_status take_away(removal *r, const char *repo, const char *name) {
    const char *path = anm_path_join(r->arena, repo, name);
    const char *aside = anm_arena_printf(r->arena, "%s/.%.40s" ANM_HUB_SUFFIX_REMOVED, repo,
                                         name + (*name == '.'));
    if (!path || !aside) return anm_fail_memory(r->err);
    r->freed += anm_hub_tree_bytes(r->arena, path);
    if (r->dry || strcmp(path, aside) == 0) return r->dry ? ANM_OK : anm_path_remove(path, r->err);
    ANM_TRY(anm_path_remove(aside, r->err));
    if (rename(path, aside) != 0) return anm_path_remove(path, r->err);
    return anm_path_remove(aside, r->err);
}

static anm_status remove_refs(removal *r, const char *repo, const char *commit) {
    char **names, *text;
    size_t count, size;
    const char *refs = anm_path_join(r->arena, repo, "refs");
    if (!refs) return anm_fail_memory(r->err);
    if (r->dry || !anm_path_is_dir(refs)) return ANM_OK;
    ANM_TRY(anm_dir_list(r->arena, refs, &names, &count, r->err));
    for (size_t i = 0; i < count; i++) {
        const char *path = anm_path_join(r->arena, refs, names[i]);
        if (!path) return anm_fail_memory(r->err);
        if (anm_file_read(r->arena, path, 4096, &text, &size, NULL) == ANM_OK &&
            strncmp(text, commit, 40) == 0)
            ANM_TRY(anm_path_remove(path, r->err));
    }
    rmdir(refs); /* if it is empty */
    return ANM_OK;
}

/* Everything of a revision. */
static anm_status remove_commit(removal *r, const char *repo, const char *commit) {
    char **names;
    size_t count;
    ANM_TRY(remove_refs(r, repo, commit));
    ANM_TRY(anm_dir_list(r->arena, repo, &names, &count, r->err));
    for (size_t i = 0; i < count; i++) {
        const char *from = names[i] + (names[i][0] == '.');
        if (strncmp(from, commit, 40) == 0) ANM_TRY(take_away(r, repo, names[i]));
    }
    return ANM_OK;
}

static anm_status remove_repo(removal *r, const char *repo) {
    char **names;
    size_t count;
    ANM_TRY(anm_dir_list(r->arena, repo, &names, &count, r->err));
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], ".lock") != 0) ANM_TRY(take_away(r, repo, names[i]));
    return ANM_OK;
}

/* ---- a model ---- */

static anm_status fail_absent(const anm_hub_name *name, const char *revision, anm_error *err) {
    return anm_fail(err, ANM_ERROR_NOT_FOUND, name->repo,
                    "%s%s is not in the cache; `anemone list` shows what is",
                    *revision ? "revision " : "it", revision);
}

static anm_status remove_locked(removal *r, const char *text, const anm_hub_name *name,
                                const anm_hub_place *place) {
    char commit[64];
    if (!strchr(text, '@')) return remove_repo(r, place->repo);
    ANM_TRY(anm_hub_ref_read(r->arena, place, name->revision, commit, r->err));
    if (!*commit) return fail_absent(name, name->revision, r->err);
    ANM_TRY(remove_commit(r, place->repo, commit));
    return r->freed ? ANM_OK : fail_absent(name, name->revision, r->err);
}

static anm_status with_lock(removal *r, const char *repo, anm_lockfile *lock, bool *busy) {
    const char *path = anm_path_join(r->arena, repo, ".lock");
    return path ? anm_lockfile_try(path, busy, lock, r->err) : anm_fail_memory(r->err);
}

static anm_status remove_model(removal *r, const char *text, const anm_hub_options *options) {
    anm_hub_name name;
    anm_hub_place place;
    anm_lockfile lock = {0};
    bool busy;
    if (!anm_hub_name_parse(text, &name) || name.path[0])
        return anm_fail(r->err, ANM_ERROR_ARGUMENT, text,
                        "this is no name of a model, such as Qwen/Qwen3-0.6B");
    ANM_TRY(anm_hub_place_of(r->arena, options->cache_dir, &name, &place, r->err));
    if (!anm_path_is_dir(place.repo)) return fail_absent(&name, "", r->err);
    ANM_TRY(with_lock(r, place.repo, &lock, &busy));
    if (busy)
        return anm_fail(r->err, ANM_ERROR_IO, name.repo,
                        "another process is pulling it at the moment");
    anm_status status = remove_locked(r, text, &name, &place);
    anm_lockfile_release(&lock);
    rmdir(place.repo); /* if it is empty */
    return status;
}

static anm_status open_removal(removal *r, const anm_hub_options *given, anm_hub_options *all) {
    anm_hub_options_init(all);
    ANM_TRY(anm_options_take(all, sizeof *all, given, r->err));
    r->arena = anm_arena_create();
    return r->arena ? ANM_OK : anm_fail_memory(r->err);
}

anm_status anm_hub_remove(const char *name, const anm_hub_options *options, uint64_t *freed,
                          anm_error *err) {
    anm_hub_options all;
    removal r = {.err = err};
    anm_status status = open_removal(&r, options, &all);
    if (status == ANM_OK) status = remove_model(&r, name, &all);
    anm_arena_destroy(r.arena);
    if (freed) *freed = r.freed;
    return status;
}

/* ---- tidying ---- */

/* Pulls, conversions and removals that stopped. Nobody is at it: the lock is ours. */
static anm_status prune_leftovers(removal *r, const char *repo) {
    char **names;
    size_t count;
    ANM_TRY(anm_dir_list(r->arena, repo, &names, &count, r->err));
    for (size_t i = 0; i < count; i++)
        if (anm_str_ends(names[i], ANM_HUB_SUFFIX_PULL) ||
            anm_str_ends(names[i], ANM_HUB_SUFFIX_REMOVED) ||
            anm_str_ends(names[i], ANM_HUB_SUFFIX_CONVERTING))
            ANM_TRY(take_away(r, repo, names[i]));
    return ANM_OK;
}

static anm_status prune_repo(removal *r, const anm_hub_listing *list, const char *repo,
                             const char *name) {
    anm_lockfile lock = {0};
    bool busy;
    ANM_TRY(with_lock(r, repo, &lock, &busy));
    if (busy) return ANM_OK;
    anm_status status = prune_leftovers(r, repo);
    const anm_hub_entry *e;
    for (size_t i = 0; status == ANM_OK && (e = anm_hub_listing_entry(list, i)); i++)
        if (strcmp(e->name, name) == 0 && !*e->refs && (e->bytes || e->converted_bytes))
            status = remove_commit(r, repo, e->revision);
    anm_lockfile_release(&lock);
    rmdir(repo); /* if it is empty */
    return status;
}

static anm_status prune_all(removal *r, const anm_hub_listing *list, const char *models) {
    const anm_hub_entry *e;
    const char *last = "";
    for (size_t i = 0; (e = anm_hub_listing_entry(list, i)); i++) {
        anm_hub_name name;
        if (strcmp(e->name, last) == 0 || !anm_hub_name_parse(e->name, &name)) continue;
        const char *repo = anm_path_join(r->arena, models, name.folder);
        if (!repo) return anm_fail_memory(r->err);
        ANM_TRY(prune_repo(r, list, repo, e->name));
        last = e->name;
    }
    return ANM_OK;
}

anm_status anm_hub_prune(const anm_hub_options *options, int dry, uint64_t *freed,
                         anm_error *err) {
    anm_hub_options all;
    anm_hub_place place;
    anm_hub_listing *list = NULL;
    removal r = {.dry = dry != 0, .err = err};
    anm_status status = open_removal(&r, options, &all);
    if (status == ANM_OK)
        status = anm_hub_place_of(r.arena, all.cache_dir, NULL, &place, err);
    if (status == ANM_OK) status = anm_hub_list(&all, &list, err);
    if (status == ANM_OK) status = prune_all(&r, list, place.models);
    anm_hub_listing_free(list);
    anm_arena_destroy(r.arena);
    if (freed) *freed = r.freed;
    return status;
}
