/* SPDX-License-Identifier: MIT */
/* Making a package: the steps that all parts share. */
#include "src/convert/part.h"

#include "src/convert/weights.h"

anm_status anm_part_room(anm_arena *arena, const anm_recipe *r, anm_stored *stored,
                         anm_error *err) {
    stored->layers = anm_arena_array(arena, (size_t)r->layers, sizeof *stored->layers);
    stored->head = ANM_ARENA_ARRAY(arena, anm_place, r->splits);
    return stored->layers && stored->head ? ANM_OK : anm_fail_memory(err);
}

static anm_status build(const anm_planned *planned, const anm_recipe *recipe,
                        const anm_stored *stored, anm_mil_program *program, anm_error *err) {
    const anm_graph_source from = {recipe, &planned->contents, stored};
    anm_mil_builder b;
    program->version = 1;
    program->spec_version = 9; /* iOS 18: states, several functions */
    anm_mil_builder_init(&b, program);
    planned->kind->build(&b, &from);
    return anm_mil_builder_finish(&b, err);
}

static anm_status describe(const anm_planned *planned, const anm_recipe *recipe,
                           const anm_mil_program *program, anm_description *out, anm_error *err) {
    const anm_part *part = planned->kind;
    ANM_TRY(anm_interface_describe(program->arena, recipe, program, out, err));
    out->summary = part->summary;
    ANM_TRY(anm_interface_note(program->arena, out, err, "com.anemll.context_length", "%lld",
                               (long long)recipe->context));
    int bits = anm_recipe_lut_of(recipe, part->slot)->bits;
    if (bits)
        ANM_TRY(anm_interface_note(program->arena, out, err, "com.anemll.lut_bits", "%d", bits));
    double mean = anm_recipe_mean_bits(recipe, part->slot);
    if (mean > 0)
        ANM_TRY(anm_interface_note(program->arena, out, err, "com.anemone.lut_mean_bits", "%.3f",
                                   mean));
    return part->note(recipe, planned, program->arena, out, err);
}

anm_status anm_part_draft(const anm_planned *planned, const anm_recipe *recipe,
                          const anm_stored *stored, anm_mil_program *program,
                          anm_description *description, anm_error *err) {
    ANM_TRY(build(planned, recipe, stored, program, err));
    return describe(planned, recipe, program, description, err);
}

/* Weights and program; the caller commits or aborts the writer. */
static anm_status fill(anm_job *job, const anm_planned *planned, anm_package_writer *w,
                       anm_mil_program *program, anm_description *description, anm_error *err) {
    anm_stored stored = {0};
    anm_blob_writer *blobs;
    ANM_TRY(anm_part_room(program->arena, &job->recipe, &stored, err));
    ANM_TRY(anm_package_writer_blobs(w, &blobs, err));
    ANM_TRY(anm_part_store(job, &planned->contents, blobs, &stored, err));
    ANM_TRY(anm_weights_judge(job, err));
    return anm_part_draft(planned, &job->recipe, &stored, program, description, err);
}

anm_status anm_part_make(anm_job *job, const anm_planned *planned, anm_error *err) {
    anm_package_writer *w = NULL;
    anm_description description;
    const char *path = anm_path_join(job->arena, job->out_dir, planned->file);
    anm_mil_program *program = anm_mil_program_create();
    anm_status status = path && program ? ANM_OK : anm_fail_memory(err);
    if (status != ANM_OK) goto fail;
    job->progress.component = planned->kind->component;
    job->progress.file = planned->file;
    ANM_CHECK(anm_job_advance(job, 0, err));
    ANM_CHECK(anm_package_writer_open(path, &w, err));
    ANM_CHECK(fill(job, planned, w, program, &description, err));
    status = anm_package_writer_commit(w, program, &description, err);
    w = NULL;
    job->progress.index++;
fail:
    anm_package_writer_abort(w);
    anm_mil_program_destroy(program);
    return status;
}
