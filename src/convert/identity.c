/* SPDX-License-Identifier: MIT */
#include "src/convert/identity.h"

#include <string.h>

#include "src/convert/palettize_form.h"
#include "src/convert/part.h"

/* ---- the recipe ---- */

/* Options that change no part, and those that the list of pieces says more exactly. */
static anm_convert_options unnamed_options(const anm_convert_options *given,
                                           const anm_contents *contents) {
    anm_convert_options o;
    memcpy(&o, given, sizeof o); /* not by assignment, which may leave padding behind */
    o.struct_size = 0;
    o.prefix = o.name = o.calibrate = o.only = NULL;
    o.overwrite = o.allow_overflow = o.force = o.verify_inputs = 0;
    o.progress = NULL;
    o.progress_context = NULL;
    memset(&o.lut_embeddings, 0, sizeof o.lut_embeddings);
    memset(&o.lut_ffn, 0, sizeof o.lut_ffn);
    memset(&o.lut_head, 0, sizeof o.lut_head);
    o.chunks = o.max_chunk_bytes = o.head_splits = o.state_length = o.target_bytes = 0;
    if (!contents->head) o.argmax = 0;
    o.target_os = ANM_CONVERT_MACOS;
    return o;
}

typedef struct writer {
    const anm_job *job;
    const anm_inputs *inputs;
    anm_sha256 *recipe, *tensors, *contents; /* contents: NULL unless asked for */
} writer;

static anm_status add_tensor(const writer *w, const anm_piece *piece, anm_error *err) {
    char buffer[ANM_TENSOR_NAME];
    const anm_weight *weight;
    const char *name = anm_piece_tensor(&w->job->recipe, piece, buffer, sizeof buffer);
    if (!name) return ANM_OK;
    ANM_TRY(anm_checkpoint_require(w->job->checkpoint, name, &weight, err));
    anm_inputs_add(w->inputs, weight, w->tensors);
    if (w->contents) anm_inputs_add_contents(w->inputs, weight, w->contents);
    return ANM_OK;
}

static anm_status add_piece(void *context, const anm_piece *p, anm_error *err) {
    const writer *w = context;
    anm_palette_form form =
        anm_palette_form_of(&w->job->recipe, p->slot, p->layer, p->rows, p->columns);
    anm_sha256_line(w->recipe,
                    "piece %d slot %d layer %lld split %lld rows %lld from %lld of %lld", p->kind,
                    p->slot, (long long)p->layer, (long long)p->split, (long long)p->rows,
                    (long long)p->first, (long long)p->columns);
    anm_sha256_line(w->recipe, "palette %d axis %d group %lld of %lld x %lld", form.bits, form.axis,
                    (long long)form.group, (long long)form.rows, (long long)form.columns);
    return add_tensor(w, p, err);
}

static anm_status add_file(const char *path, anm_sha256 *hash, anm_error *err) {
    anm_mapping file;
    ANM_TRY(anm_mapping_open(path, &file, err));
    anm_sha256_line(hash, "%zu bytes", file.size);
    anm_sha256_add(hash, file.data, file.size);
    anm_mapping_close(&file);
    return ANM_OK;
}

/* A checkpoint without the file has the like in the header of its weights. */
static anm_status add_model_file(const anm_job *job, const char *name, anm_sha256 *hash,
                                 anm_error *err) {
    const char *path = anm_path_join(job->arena, job->model_dir, name);
    if (!path) return anm_fail_memory(err);
    anm_sha256_line(hash, "%s", name);
    return anm_path_exists(path) ? add_file(path, hash, err) : ANM_OK;
}

/* A calibration looks at the whole model. */
static anm_status add_calibration(const writer *w, anm_error *err) {
    const char *text = w->job->options.calibrate;
    if (!text) return ANM_OK;
    ANM_TRY(add_file(text, w->recipe, err));
    ANM_TRY(add_model_file(w->job, "tokenizer.json", w->recipe, err));
    for (size_t i = 0; i < anm_checkpoint_count(w->job->checkpoint); i++) {
        const anm_weight *weight = anm_checkpoint_get(w->job->checkpoint, i);
        anm_inputs_add(w->inputs, weight, w->tensors);
        if (w->contents) anm_inputs_add_contents(w->inputs, weight, w->contents);
    }
    return ANM_OK;
}

static anm_status add_recipe(const anm_job *job, const anm_planned *planned, anm_sha256 *hash,
                             anm_error *err) {
    const anm_recipe *r = &job->recipe;
    const anm_convert_options options = unnamed_options(&job->options, &planned->contents);
    anm_sha256_line(hash, "anemone " ANM_VERSION " %s", anm_convert_revision);
    anm_sha256_line(hash, "%s %s %lld of %lld", planned->file, planned->kind->component,
                    (long long)planned->chunk, (long long)planned->chunks);
    anm_sha256_line(hash, "context %lld batch %lld state %lld scale %a", (long long)r->context,
                    (long long)r->batch, (long long)r->state, r->residual_scale);
    anm_sha256_add(hash, &options, sizeof options);
    return add_model_file(job, "config.json", hash, err);
}

anm_status anm_identity_make(const anm_job *job, const anm_planned *planned,
                             const anm_inputs *inputs, anm_identity *out, anm_error *err) {
    anm_sha256 recipe, tensors, contents;
    bool deep = job->options.verify_inputs;
    const writer w = {job, inputs, &recipe, &tensors, deep ? &contents : NULL};
    *out = (anm_identity){0};
    anm_sha256_begin(&recipe);
    anm_sha256_begin(&tensors);
    anm_sha256_begin(&contents);
    anm_status status = add_recipe(job, planned, &recipe, err);
    if (status == ANM_OK)
        status = anm_contents_visit(&job->recipe, &planned->contents, add_piece, (void *)&w, err);
    if (status == ANM_OK) status = add_calibration(&w, err);
    anm_status ends[3] = {anm_sha256_end(&recipe, out->recipe, err),
                          anm_sha256_end(&tensors, out->inputs, err),
                          anm_sha256_end(&contents, out->contents, err)};
    for (int i = 0; i < 3 && status == ANM_OK; i++) status = ends[i];
    if (!deep) out->contents[0] = '\0';
    return status;
}
