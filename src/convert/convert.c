/* SPDX-License-Identifier: MIT */
/* A conversion from beginning to end: decide, check, make the parts, put them in place. */
#include "anemone/convert.h"

#include <string.h>
#include <time.h>

#include "src/base/log.h"
#include "src/base/options.h"
#include "src/convert/calibrate_job.h"
#include "src/convert/mixedbits.h"
#include "src/convert/output.h"
#include "src/convert/part.h"
#include "src/convert/planwarn.h"
#include "src/convert/prepare.h"
#include "src/convert/residual.h"
#include "src/convert/sidecar.h"
#include "src/convert/tensors.h"

void anm_convert_options_init(anm_convert_options *options) {
    *options = (anm_convert_options){.struct_size = sizeof *options};
}

anm_status anm_job_advance(anm_job *job, uint64_t bytes, anm_error *err) {
    job->progress.done += bytes;
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
    ANM_TRY(anm_job_calibrate(job, err));
    ANM_TRY(choose_scale(job, err));
    ANM_TRY(anm_job_choose_bits(job, err));
    ANM_TRY(anm_plan_make(job->arena, &job->recipe, &job->plan, err));
    job->progress.count = job->plan.count;
    for (size_t i = 0; i < job->plan.count; i++)
        job->progress.total += 2 * job->plan.parts[i].size.elements;
    if (ignored)
        ANM_TRY(anm_report_warn(job->report, err,
                                "%zu tensors of the checkpoint are not needed (buffers, or an LM "
                                "head beside a tied embedding)", ignored));
    return anm_plan_warn(&job->recipe, &job->plan, job->report, err);
}

static anm_status open_output(anm_job *job, const char *path, anm_output **out, anm_error *err) {
    enum { OTHERS = 32 }; /* the small files */
    size_t count = 0;
    const char **names = ANM_ARENA_ARRAY(job->arena, const char *, job->plan.count + OTHERS);
    if (!names) return anm_fail_memory(err);
    for (size_t i = 0; i < job->plan.count; i++) names[count++] = job->plan.parts[i].file;
    names[count++] = ANM_META_FILE;
    for (const char *const *name = anm_sidecar_files; *name; name++) names[count++] = *name;
    return anm_output_open(job->arena, path, job->model_dir, names, count, job->options.overwrite,
                           out, err);
}

static anm_status list_outputs(anm_job *job, anm_error *err) {
    char **names;
    size_t count;
    ANM_TRY(anm_dir_list(job->arena, job->out_dir, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        uint64_t bytes;
        const char *path = anm_path_join(job->arena, job->out_dir, names[i]);
        if (!path) return anm_fail_memory(err);
        ANM_TRY(anm_output_size(job->arena, path, &bytes, err));
        ANM_TRY(anm_report_part(job->report, names[i], bytes, err));
    }
    return ANM_OK;
}

static anm_status make_outputs(anm_job *job, anm_error *err) {
    ANM_TRY(anm_job_prepare(job, err));
    for (size_t i = 0; i < job->plan.count; i++)
        ANM_TRY(anm_part_make(job, &job->plan.parts[i], err));
    ANM_TRY(anm_sidecar_copy(job, err));
    ANM_TRY(anm_sidecar_meta(job, err));
    return list_outputs(job, err);
}

static anm_status convert(anm_job *job, const char *out_dir, anm_error *err) {
    anm_output *output;
    ANM_TRY(prepare(job, err));
    ANM_TRY(open_output(job, out_dir, &output, err));
    job->out_dir = anm_output_dir(output);
    anm_status status = make_outputs(job, err);
    if (status == ANM_OK) return anm_output_commit(output, ANM_META_FILE, err);
    anm_output_abort(output);
    return status;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

anm_status anm_convert(const char *model_dir, const char *out_dir,
                       const anm_convert_options *options, anm_convert_report **report,
                       anm_error *err) {
    anm_job job = {.model_dir = model_dir};
    double begin = now();
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
        job.report->seconds = now() - begin;
        *report = job.report;
    } else anm_convert_report_free(job.report);
    return status;
}
