/* SPDX-License-Identifier: MIT */
/*
 * The one place that turns what a user calls a model into a directory to run it from: a path that
 * is there, the cache, the hub; and a plain checkpoint into packages.
 */
#include <stdio.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/options.h"
#include "src/base/str.h"
#include "src/base/temporary.h"
#include "src/hub/hubjob.h"
#include "src/hub/hubselect.h"

void anm_hub_options_init(anm_hub_options *options) {
    *options = (anm_hub_options){.struct_size = sizeof *options, .retries = -1};
}

int anm_hub_is_name(const char *text) {
    anm_hub_name name;
    return anm_hub_name_parse(text, &name);
}

void anm_hub_free(char *text) {
    anm_free(text);
}

/* ---- in the cache ---- */

/* Whether what the name asks for is there: all that is usual, or the path that was chosen. */
static bool is_enough(anm_hub_job *job) {
    if (!job->had.revision) return false;
    if (job->had.usual || !job->name.path[0]) return job->had.usual;
    const char *path = anm_path_join(job->arena, job->final, job->name.path);
    return path && anm_path_exists(path);
}

static anm_status look_in_cache(anm_hub_job *job, bool *found) {
    char commit[64];
    ANM_TRY(anm_hub_ref_read(job->arena, &job->place, job->name.revision, commit, job->err));
    *found = false;
    if (!*commit) return ANM_OK;
    ANM_TRY(anm_hub_job_at(job, commit));
    *found = is_enough(job);
    return ANM_OK;
}

static anm_status read_again(anm_hub_job *job) {
    anm_vec_free(&job->had.files);
    return anm_hub_manifest_read(job->arena, job->final, &job->had, job->err);
}

/* ---- from files to what can be opened ---- */

/* The GGUF file: the one that was chosen, or the only one, or the first part. */
static const char *gguf_file(const anm_hub_job *job) {
    for (size_t i = 0; i < job->had.files.len; i++) {
        const char *path = job->had.files.data[i].path;
        if (job->name.path[0] ? strcmp(path, job->name.path) == 0 : anm_str_ends(path, ".gguf"))
            return path;
    }
    return NULL;
}

static anm_status source_of(anm_hub_job *job, anm_hub_kind *kind, const char **out) {
    const char *within = "";
    *kind = anm_hub_kind_of(&job->had.files);
    bool file = job->name.path[0] && anm_str_ends(job->name.path, ".gguf");
    if (file) *kind = ANM_HUB_GGUF;
    if (*kind == ANM_HUB_COREML && anm_hub_is_component(job->name.path)) within = job->name.path;
    else if (*kind == ANM_HUB_COREML)
        ANM_TRY(anm_hub_model_folder(job->arena, &job->had.files, &job->name, &within, job->err));
    else if (*kind == ANM_HUB_GGUF) within = gguf_file(job);
    else if (job->name.path[0]) within = job->name.path;
    if (!within)
        return anm_fail(job->err, ANM_ERROR_NOT_FOUND, job->name.repo,
                        "%s is not among its files in the cache", job->name.path);
    *out = *within ? anm_path_join(job->arena, job->final, within) : job->final;
    return *out ? ANM_OK : anm_fail_memory(job->err);
}

/* ---- converting ---- */

static int on_convert(void *context, const anm_convert_progress *p) {
    anm_hub_meter *meter = context;
    meter->now.file = p->file;
    meter->now.files_done = p->index;
    meter->now.files = p->count;
    meter->now.total = p->total;
    return anm_hub_meter_at(meter, p->done, NULL) != ANM_OK;
}

static void tell_warnings(const anm_hub_job *job, const anm_convert_report *report) {
    for (size_t i = 0; i < anm_convert_report_warning_count(report); i++)
        anm_log_write(ANM_LOG_WARNING, "%s: %s", job->name.repo,
                      anm_convert_report_warning(report, i));
}

/*
 * In a folder of its own, so that packages of another conversion do not stay beside the new ones;
 * one that is interrupted is gone on with. The model's own name goes into meta.yaml, not that of
 * its folder, which is a commit.
 */
static anm_status convert(anm_hub_job *job, const char *source, const char *out) {
    anm_convert_options options;
    anm_convert_report *report = NULL;
    anm_convert_options_init(&options);
    ANM_TRY(anm_options_take(&options, sizeof options, job->options->convert, job->err));
    if (!options.name) options.name = strchr(job->name.repo, '/') + 1;
    options.overwrite = 1;
    options.progress = on_convert;
    options.progress_context = &job->meter;
    anm_log_write(ANM_LOG_INFO, "%s is a plain checkpoint: converting it into %s", job->name.repo,
                  out);
    const char *fresh = anm_arena_printf(job->arena, "%s/.%s" ANM_HUB_SUFFIX_CONVERTING,
                                         job->place.repo, job->commit);
    char *parent = anm_arena_strdup(job->arena, out);
    if (!fresh || !parent) return anm_fail_memory(job->err);
    *strrchr(parent, '/') = '\0';
    ANM_TRY(anm_hub_meter_phase(&job->meter, ANM_HUB_CONVERTING, 0, job->err));
    anm_status status = anm_convert(source, fresh, &options, &report, job->err);
    if (status == ANM_OK) tell_warnings(job, report);
    anm_convert_report_free(report);
    if (status == ANM_OK) status = anm_dir_create(parent, job->err);
    return status == ANM_OK ? anm_path_replace(fresh, out, job->err) : status;
}

static bool is_converted(anm_arena *arena, const char *out) {
    const char *meta = anm_path_join(arena, out, "meta.yaml");
    return meta && anm_path_exists(meta);
}

/* Of a GGUF repository, each file is a model of its own. */
static const char *converted_folder(anm_hub_job *job, anm_hub_kind kind, const char *source) {
    const char *all = anm_arena_printf(job->arena, "%s" ANM_HUB_SUFFIX_CONVERTED, job->final);
    if (!all || kind != ANM_HUB_GGUF) return all;
    return anm_path_join(job->arena, all, anm_path_base(job->arena, source));
}

/* The lock is the pull's: of two processes, the second finds it done. */
static anm_status convert_once(anm_hub_job *job, const char *source, const char *out) {
    anm_writing_begin();
    anm_status status = anm_hub_job_lock(job);
    if (status == ANM_OK && (job->options->convert || !is_converted(job->arena, out)))
        status = convert(job, source, out);
    anm_lockfile_release(&job->lock);
    anm_writing_end();
    return status;
}

static anm_status runnable_of(anm_hub_job *job, const char **out) {
    anm_hub_kind kind;
    const char *source;
    ANM_TRY(source_of(job, &kind, &source));
    *out = source;
    if (kind != ANM_HUB_CHECKPOINT && kind != ANM_HUB_GGUF) return ANM_OK;
    *out = converted_folder(job, kind, source);
    if (!*out) return anm_fail_memory(job->err);
    if (is_converted(job->arena, *out) && !job->options->convert) return ANM_OK;
    return convert_once(job, source, *out);
}

/* ---- all ---- */

typedef enum purpose { PULL, SOURCE, RUN } purpose;

static anm_status fetch(anm_hub_job *job, purpose why) {
    bool found = false;
    if (why != PULL) ANM_TRY(look_in_cache(job, &found));
    if (found) return ANM_OK;
    anm_vec_free(&job->had.files);
    job->had = (anm_hub_manifest){0};
    if (!job->hub.offline)
        anm_log_write(ANM_LOG_INFO, "pulling %s from %s", job->name.repo, job->hub.endpoint);
    ANM_TRY(anm_hub_pull_job(job));
    return read_again(job);
}

static anm_status deliver(anm_hub_job *job, purpose why, const char **out) {
    anm_hub_kind kind;
    ANM_TRY(fetch(job, why));
    if (why == SOURCE) return source_of(job, &kind, out);
    if (why == RUN || job->options->convert) return runnable_of(job, out);
    *out = job->final;
    return ANM_OK;
}

static anm_status go(const char *name, const anm_hub_options *options, purpose why, char **out,
                     anm_error *err) {
    anm_hub_options all;
    anm_hub_job job;
    const char *path = NULL;
    anm_hub_options_init(&all);
    ANM_TRY(anm_options_take(&all, sizeof all, options, err));
    anm_status status = anm_hub_job_open(&job, name, &all, err);
    if (status == ANM_OK) status = deliver(&job, why, &path);
    if (status == ANM_OK && out) *out = anm_strdup(path);
    if (status == ANM_OK && out && !*out) status = anm_fail_memory(err);
    anm_hub_job_close(&job);
    return status;
}

anm_status anm_hub_pull(const char *name, const anm_hub_options *options, char **dir,
                        anm_error *err) {
    if (dir) *dir = NULL;
    return go(name, options, PULL, dir, err);
}

/* It may have been meant as a path. */
static void add_hint(anm_error *err) {
    size_t used = err ? strlen(err->message) : 0;
    if (err && used + 60 < sizeof err->message)
        snprintf(err->message + used, sizeof err->message - used,
                 "; nor is there a directory of that name here");
}

/* What is no name stays what it is: who opens it says best what is wrong with it. */
static anm_status resolve(const char *name, const anm_hub_options *options, purpose why, char **out,
                          anm_error *err) {
    *out = NULL;
    if (anm_hub_is_name(name) && !anm_path_exists(name)) {
        anm_status status = go(name, options, why, out, err);
        if (status == ANM_ERROR_NOT_FOUND) add_hint(err);
        return status;
    }
    *out = anm_strdup(name);
    return *out ? ANM_OK : anm_fail_memory(err);
}

anm_status anm_hub_resolve(const char *name, const anm_hub_options *options, char **dir,
                           anm_error *err) {
    return resolve(name, options, RUN, dir, err);
}

anm_status anm_hub_resolve_source(const char *name, const anm_hub_options *options, char **path,
                                  anm_error *err) {
    return resolve(name, options, SOURCE, path, err);
}
