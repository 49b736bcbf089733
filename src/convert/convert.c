/* SPDX-License-Identifier: MIT */
/* A conversion from beginning to end: decide, check, make the parts, put them in place. */
#include "anemone/convert.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/options.h"
#include "src/base/temporary.h"
#include "src/convert/calibrate_job.h"
#include "src/convert/mixedbits.h"
#include "src/convert/part.h"
#include "src/convert/planwarn.h"
#include "src/convert/prepare.h"
#include "src/convert/residual.h"
#include "src/convert/sidecar.h"
#include "src/convert/tensors.h"
#include "src/convert/todo.h"

void anm_convert_options_init(anm_convert_options *options) {
    memset(options, 0, sizeof *options); /* padding too: identity.c hashes bytes */
    options->struct_size = sizeof *options;
}

anm_status anm_job_advance(anm_job *job, uint64_t bytes, anm_error *err) {
    job->progress.done += bytes;
    ANM_TRY(anm_temporary_check(err));
    if (!job->options.progress ||
        job->options.progress(job->options.progress_context, &job->progress) == 0)
        return ANM_OK;
    return anm_fail(err, ANM_ERROR_CANCELLED, job->progress.file, "the conversion was cancelled");
}

static anm_status take_options(const anm_convert_options *given, anm_convert_options *out,
                               anm_error *err) {
    anm_convert_options_init(out);
    return anm_options_take(out, sizeof *out, given, err);
}

static anm_status choose_scale(anm_job *job, anm_error *err) {
    double bound;
    if (job->options.rescale == ANM_CONVERT_RESCALE_OFF) return ANM_OK;
    ANM_TRY(anm_residual_bound(&job->recipe, job->checkpoint, &bound, err));
    job->recipe.residual_scale = anm_residual_scale(bound);
    if (job->recipe.residual_scale < 1)
        anm_log_write(ANM_LOG_INFO, "the residual stream may reach %.3g: it is scaled by %g", bound,
                      job->recipe.residual_scale);
    return ANM_OK;
}

static anm_status prepare(anm_job *job, anm_error *err) {
    size_t ignored;
    ANM_TRY(anm_recipe_make(job->arena, job->model_dir, &job->options, &job->recipe, err));
    ANM_TRY(anm_checkpoint_open(job->model_dir, &job->checkpoint, err));
    ANM_TRY(anm_tensors_check(&job->recipe, job->checkpoint, &job->report->parameters, &ignored,
                              err));
    ANM_TRY(choose_scale(job, err));
    if (job->options.target_bytes) { /* the plan depends on it; else only the parts do */
        ANM_TRY(anm_job_calibrate(job, err));
        ANM_TRY(anm_job_choose_bits(job, err));
    }
    ANM_TRY(anm_plan_make(job->arena, &job->recipe, &job->plan, err));
    ANM_TRY(anm_plan_select(&job->plan, job->options.only, err));
    if (ignored)
        ANM_TRY(anm_report_warn(job->report, err,
                                "%zu tensors of the checkpoint are not needed (buffers, or an LM "
                                "head beside a tied embedding)", ignored));
    return anm_plan_warn(&job->recipe, &job->plan, job->report, err);
}

/* ---- the outputs ---- */

static anm_status make_part(anm_job *job, anm_output *output, anm_todo_part *part,
                            anm_error *err) {
    const char *file = part->planned->file;
    anm_report_mark mark = anm_report_here(job->report);
    ANM_TRY(anm_output_clear(output, file, err));
    ANM_TRY(anm_part_make(job, part->planned, err));
    return anm_output_finish(output, file, &part->identity, job->report, mark, err);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool was_kept(const anm_todo *todo, const char *name) {
    for (size_t i = 0; i < todo->count; i++)
        if (strcmp(todo->parts[i].planned->file, name) == 0) return !todo->parts[i].make;
    return false;
}

/* What is in place, by name. */
static anm_status list_outputs(anm_job *job, const anm_output *output, const anm_todo *todo,
                               anm_error *err) {
    size_t count = todo->name_count + 1;
    const char **names = ANM_ARENA_ARRAY(job->arena, const char *, count);
    if (!names) return anm_fail_memory(err);
    memcpy(names, todo->names, todo->name_count * sizeof *names);
    names[todo->name_count] = ANM_META_FILE;
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++) {
        uint64_t bytes;
        const char *path = anm_output_place(output, names[i]);
        if (!path) return anm_fail_memory(err);
        if (!anm_path_exists(path)) continue;
        ANM_TRY(anm_output_size(job->arena, path, &bytes, err));
        ANM_TRY(anm_report_part(job->report, names[i], bytes, was_kept(todo, names[i]), err));
    }
    return ANM_OK;
}

static anm_status make_outputs(anm_job *job, anm_output *output, anm_error *err) {
    anm_todo todo;
    ANM_TRY(anm_todo_make(job, output, &todo, err));
    for (size_t i = 0; i < todo.count; i++) {
        if (!todo.parts[i].make) continue;
        job->progress.count++;
        job->progress.total += 2 * todo.parts[i].planned->size.elements;
    }
    if (job->progress.count) {
        anm_writing_end(); /* it takes minutes in which nobody asks whether to stop */
        anm_status status = job->calibration ? ANM_OK : anm_job_calibrate(job, err);
        anm_writing_begin();
        ANM_TRY(status);
        ANM_TRY(anm_job_prepare(job, err));
    }
    for (size_t i = 0; i < todo.count; i++)
        if (todo.parts[i].make) ANM_TRY(make_part(job, output, &todo.parts[i], err));
    ANM_TRY(anm_output_commit(output, todo.names, todo.name_count, ANM_META_FILE,
                              job->options.overwrite || job->options.force, err));
    return list_outputs(job, output, &todo, err);
}

static anm_status convert(anm_job *job, const char *out_dir, anm_error *err) {
    anm_output *output;
    ANM_TRY(prepare(job, err));
    ANM_TRY(anm_output_open(job->arena, out_dir, job->model_dir, &output, err));
    job->out_dir = anm_output_dir(output);
    anm_writing_begin();
    anm_status status = make_outputs(job, output, err);
    size_t kept = anm_output_close(output);
    anm_writing_end();
    if (status != ANM_OK && kept)
        anm_log_write(ANM_LOG_WARNING,
                      "%s: %zu of %zu parts are finished and kept in %s; converting again makes "
                      "the others",
                      out_dir, kept, job->plan.count, job->out_dir);
    return status;
}

anm_status anm_convert(const char *model_dir, const char *out_dir,
                       const anm_convert_options *options, anm_convert_report **report,
                       anm_error *err) {
    anm_job job = {.model_dir = model_dir};
    double begin = anm_seconds();
    if (report) *report = NULL;
    if (!model_dir || !*model_dir || !out_dir || !*out_dir)
        return anm_fail(err, ANM_ERROR_ARGUMENT, NULL, "model_dir and out_dir must be given");
    ANM_TRY(take_options(options, &job.options, err));
    job.arena = anm_arena_create();
    job.report = anm_report_create();
    anm_status status = job.arena && job.report ? ANM_OK : anm_fail_memory(err);
    if (status == ANM_OK) status = convert(&job, out_dir, err);
    anm_prepared_free(job.prepared);
    anm_calibration_close(job.calibration);
    anm_checkpoint_close(job.checkpoint);
    anm_arena_destroy(job.arena);
    if (status == ANM_OK && report) {
        job.report->seconds = anm_seconds() - begin;
        *report = job.report;
    } else anm_convert_report_free(job.report);
    return status;
}
