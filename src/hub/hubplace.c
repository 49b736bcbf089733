/* SPDX-License-Identifier: MIT */
#include "src/hub/hubplace.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/file.h"

#ifdef __APPLE__
#define CACHES "Library/Caches"
#else
#define CACHES ".cache"
#endif

static const char *home(void) {
    const char *dir = getenv("HOME");
    if (dir && *dir == '/') return dir;
    const struct passwd *user = getpwuid(getuid());
    return user ? user->pw_dir : NULL;
}

anm_status anm_hub_root(anm_arena *arena, const char *given, const char **out, anm_error *err) {
    const char *own = given ? given : getenv("ANEMONE_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
    if (own && *own) *out = anm_arena_strdup(arena, own);
    else if (xdg && *xdg == '/') *out = anm_path_join(arena, xdg, "anemone");
    else if (home()) *out = anm_arena_printf(arena, "%s/" CACHES "/anemone", home());
    else
        return anm_fail(err, ANM_ERROR_NOT_FOUND, NULL,
                        "no home directory for the cache: set ANEMONE_CACHE to a directory");
    return *out ? ANM_OK : anm_fail_memory(err);
}

anm_status anm_hub_place_of(anm_arena *arena, const char *given, const anm_hub_name *name,
                            anm_hub_place *out, anm_error *err) {
    const char *root;
    ANM_TRY(anm_hub_root(arena, given, &root, err));
    out->models = anm_path_join(arena, root, "models");
    out->repo = out->models && name ? anm_path_join(arena, out->models, name->folder) : NULL;
    return out->models && (out->repo || !name) ? ANM_OK : anm_fail_memory(err);
}

/* A revision may have slashes, "refs/pr/1"; it has no "--" of its own. */
static char *ref_path(anm_arena *arena, const anm_hub_place *place, const char *revision) {
    char name[256];
    size_t n = 0;
    for (const char *p = revision; *p && n + 3 < sizeof name; p++) {
        if (*p == '/') name[n++] = '-';
        name[n++] = *p == '/' ? '-' : *p;
    }
    name[n] = '\0';
    return anm_arena_printf(arena, "%s/refs/%s", place->repo, name);
}

anm_status anm_hub_ref_read(anm_arena *arena, const anm_hub_place *place, const char *revision,
                            char commit[64], anm_error *err) {
    char *text, *path = ref_path(arena, place, revision);
    size_t size;
    commit[0] = '\0';
    if (!path) return anm_fail_memory(err);
    if (anm_hub_is_commit(revision)) {
        memcpy(commit, revision, 41);
        return ANM_OK;
    }
    if (!anm_path_exists(path)) return ANM_OK;
    ANM_TRY(anm_file_read(arena, path, 4096, &text, &size, err));
    text[strcspn(text, "\n")] = '\0';
    if (anm_hub_is_commit(text)) memcpy(commit, text, 41);
    return ANM_OK;
}

anm_status anm_hub_ref_write(anm_arena *arena, const anm_hub_place *place, const char *revision,
                             const char *commit, anm_error *err) {
    const char *refs = anm_path_join(arena, place->repo, "refs");
    const char *path = ref_path(arena, place, revision);
    char *line = anm_arena_printf(arena, "%s\n", commit);
    if (!refs || !path || !line) return anm_fail_memory(err);
    ANM_TRY(anm_dir_create(refs, err));
    return anm_file_write(path, line, strlen(line), err);
}

uint64_t anm_hub_tree_bytes(anm_arena *arena, const char *path) {
    struct stat st;
    char **names;
    size_t count;
    if (lstat(path, &st) != 0) return 0;
    uint64_t sum = (uint64_t)st.st_blocks * 512;
    /* Files that revisions share are counted once over all of them. */
    if (S_ISREG(st.st_mode) && st.st_nlink > 1) sum /= (uint64_t)st.st_nlink;
    if (!S_ISDIR(st.st_mode) || anm_dir_list(arena, path, &names, &count, NULL) != ANM_OK)
        return sum;
    for (size_t i = 0; i < count; i++) {
        const char *child = anm_path_join(arena, path, names[i]);
        if (child) sum += anm_hub_tree_bytes(arena, child);
    }
    return sum;
}
