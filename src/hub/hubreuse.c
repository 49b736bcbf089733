/* SPDX-License-Identifier: MIT */
/*
 * A new revision mostly has the files of the one before: what has the same hash is linked, and
 * takes neither time nor room. Where links cannot be, it is fetched.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/base/str.h"
#include "src/hub/hubjob.h"

/* Files and folders below; false where something cannot be linked. */
static bool link_tree(anm_arena *arena, const char *from, const char *to) {
    char **names;
    size_t count;
    if (!anm_path_is_dir(from)) return link(from, to) == 0;
    if (mkdir(to, 0777) != 0 || anm_dir_list(arena, from, &names, &count, NULL) != ANM_OK)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *a = anm_path_join(arena, from, names[i]);
        const char *b = anm_path_join(arena, to, names[i]);
        if (!a || !b || !link_tree(arena, a, b)) return false;
    }
    return true;
}

/* Under a name of its own first: what is under its name is whole. */
static anm_status link_one(anm_hub_job *job, const char *from, const char *path) {
    const char *to = anm_path_join(job->arena, job->staged, path);
    const char *temporary = anm_path_join(job->arena, job->work, "link");
    char *parent = to ? anm_arena_strdup(job->arena, to) : NULL;
    if (!parent || !temporary) return anm_fail_memory(job->err);
    *strrchr(parent, '/') = '\0';
    ANM_TRY(anm_dir_create(parent, job->err));
    ANM_TRY(anm_path_remove(temporary, job->err));
    if (!link_tree(job->arena, from, temporary)) return anm_path_remove(temporary, job->err);
    return anm_path_replace(temporary, to, job->err);
}

static const anm_hub_file *find_hash(const anm_hub_files *files, const anm_hub_file *wanted) {
    for (size_t i = 0; i < files->len; i++) {
        const anm_hub_file *f = &files->data[i];
        /* A zip that was unpacked stands for the same path only: its folder is named by it. */
        if (strcmp(f->hash, wanted->hash) == 0 && f->size == wanted->size &&
            (!f->unpacked || strcmp(f->path, wanted->path) == 0))
            return f;
    }
    return NULL;
}

static anm_status reuse_from(anm_hub_job *job, const char *dir, const anm_hub_files *files) {
    for (size_t i = 0; i < job->wanted.len; i++) {
        const anm_hub_file *wanted = &job->wanted.data[i];
        const anm_hub_file *there = find_hash(files, wanted);
        if (!there || anm_hub_job_has(job, wanted)) continue;
        const char *from =
            anm_path_join(job->arena, dir, there->unpacked ? there->unpacked : there->path);
        if (!from) return anm_fail_memory(job->err);
        ANM_TRY(link_one(job, from, there->unpacked ? there->unpacked : wanted->path));
    }
    return ANM_OK;
}

anm_status anm_hub_reuse(anm_hub_job *job) {
    char **names;
    size_t count;
    ANM_TRY(anm_dir_create(job->staged, job->err));
    ANM_TRY(anm_dir_list(job->arena, job->place.repo, &names, &count, job->err));
    for (size_t i = 0; i < count; i++) {
        anm_hub_manifest other;
        if (!anm_hub_is_commit(names[i]) || strcmp(names[i], job->commit) == 0) continue;
        const char *dir = anm_path_join(job->arena, job->place.repo, names[i]);
        if (!dir) return anm_fail_memory(job->err);
        if (anm_hub_manifest_read(job->arena, dir, &other, NULL) != ANM_OK) continue;
        anm_status status = reuse_from(job, dir, &other.files);
        anm_vec_free(&other.files);
        ANM_TRY(status);
    }
    return ANM_OK;
}
