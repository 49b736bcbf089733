/* SPDX-License-Identifier: MIT */
#include "src/convert/todo.h"

#include <string.h>

#include "src/convert/sidecar.h"

static bool may_replace(const anm_job *job) {
    return job->options.overwrite || job->options.force;
}

/* ---- parts ---- */

static anm_status check_place(const anm_job *job, const anm_output *output,
                              const anm_todo_part *part, anm_error *err) {
    const char *file = part->planned->file, *place = anm_output_place(output, file);
    if (!place) return anm_fail_memory(err);
    if (!anm_path_exists(place)) return ANM_OK;
    ANM_TRY(anm_output_check_source(output, file, job->model_dir, err));
    if ((part->state == ANM_OUTPUT_PLACED && !part->make) || may_replace(job)) return ANM_OK;
    if (part->state == ANM_OUTPUT_STALE)
        return anm_fail(err, ANM_ERROR_ARGUMENT, place,
                        "exists already and differs from what would be made: by other options, "
                        "another checkpoint or version, or changed since; choose another directory "
                        "or ask to overwrite");
    return anm_fail(err, ANM_ERROR_ARGUMENT, place,
                    "exists already; choose another directory or ask to overwrite");
}

/* A kept part that has values beyond fp16 is made again unless they are allowed: that fails, and
 * says so. */
static bool is_kept(const anm_job *job, const anm_todo_part *part) {
    if (job->options.force || !part->entry) return false;
    return job->options.allow_overflow || !anm_entry_overflows(part->entry);
}

static anm_status decide(anm_job *job, const anm_output *output, const anm_inputs *inputs,
                         anm_todo_part *part, anm_error *err) {
    ANM_TRY(anm_identity_make(job, part->planned, inputs, &part->identity, err));
    part->state =
        anm_output_look(output, part->planned->file, &part->identity, &part->entry);
    if (!part->planned->selected) return ANM_OK;
    part->make = !is_kept(job, part);
    ANM_TRY(check_place(job, output, part, err));
    return part->make ? ANM_OK : anm_entry_tell(part->entry, job->report, err);
}

/* ---- small files ---- */

static anm_status same_file(const char *a, const char *b, bool *same, anm_error *err) {
    anm_mapping x, y;
    *same = false;
    if (anm_path_is_dir(b)) return ANM_OK;
    ANM_TRY(anm_mapping_open(a, &x, err));
    anm_status status = anm_mapping_open(b, &y, err);
    if (status == ANM_OK) {
        *same = x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
        anm_mapping_close(&y);
    }
    anm_mapping_close(&x);
    return status;
}

static anm_status settle(const anm_job *job, const anm_output *output, const char *name,
                         anm_error *err) {
    bool same;
    const char *staged = anm_path_join(job->arena, job->out_dir, name);
    const char *place = anm_output_place(output, name);
    if (!staged || !place) return anm_fail_memory(err);
    if (!anm_path_exists(staged) || !anm_path_exists(place)) return ANM_OK;
    ANM_TRY(anm_output_check_source(output, name, job->model_dir, err));
    ANM_TRY(same_file(staged, place, &same, err));
    if (same) return anm_path_remove(staged, err);
    if (may_replace(job)) return ANM_OK;
    return anm_fail(err, ANM_ERROR_ARGUMENT, place,
                    "exists already and differs; choose another directory or ask to overwrite");
}

static anm_status stage_files(anm_job *job, const anm_output *output, anm_error *err) {
    ANM_TRY(anm_sidecar_copy(job, err));
    ANM_TRY(anm_sidecar_meta(job, err));
    for (const char *const *name = anm_sidecar_files; *name; name++)
        ANM_TRY(settle(job, output, *name, err));
    return settle(job, output, ANM_META_FILE, err);
}

/* ---- all ---- */

/* Without a part that is not in place and will not be, there is nothing for runners to find yet. */
static bool will_be_complete(const anm_todo *todo) {
    for (size_t i = 0; i < todo->count; i++)
        if (!todo->parts[i].planned->selected && todo->parts[i].state != ANM_OUTPUT_PLACED)
            return false;
    return true;
}

static anm_status name_all(anm_job *job, const anm_output *output, anm_todo *todo,
                           anm_error *err) {
    todo->name_count = 0;
    for (size_t i = 0; i < todo->count; i++)
        if (todo->parts[i].planned->selected)
            todo->names[todo->name_count++] = todo->parts[i].planned->file;
    if (!will_be_complete(todo)) return ANM_OK;
    for (const char *const *name = anm_sidecar_files; *name; name++)
        todo->names[todo->name_count++] = *name;
    return stage_files(job, output, err);
}

static anm_status make_room(const anm_job *job, anm_todo *out, anm_error *err) {
    size_t files = 0;
    while (anm_sidecar_files[files]) files++;
    *out = (anm_todo){.count = job->plan.count};
    out->parts = ANM_ARENA_ARRAY(job->arena, anm_todo_part, out->count);
    out->names = ANM_ARENA_ARRAY(job->arena, const char *, out->count + files);
    if (!out->parts || !out->names) return anm_fail_memory(err);
    for (size_t i = 0; i < out->count; i++)
        out->parts[i] = (anm_todo_part){.planned = &job->plan.parts[i]};
    return ANM_OK;
}

anm_status anm_todo_make(anm_job *job, anm_output *output, anm_todo *out, anm_error *err) {
    anm_inputs *inputs;
    ANM_TRY(make_room(job, out, err));
    ANM_TRY(anm_inputs_make(job->arena, job->checkpoint, job->options.verify_inputs, &inputs, err));
    for (size_t i = 0; i < out->count; i++)
        ANM_TRY(decide(job, output, inputs, &out->parts[i], err));
    return name_all(job, output, out, err);
}
