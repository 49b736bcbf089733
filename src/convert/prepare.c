/* SPDX-License-Identifier: MIT */
#include "src/convert/prepare.h"

#include <string.h>
#include <unistd.h>

#include "src/base/alloc.h"
#include "src/base/vec.h"
#include "src/convert/hessian.h"
#include "src/convert/palettize_store.h"
#include "src/convert/piece.h"
#include "src/convert/residual.h"
#include "src/convert/tensors.h"

typedef struct anm_prepared_list anm_prepared_list;
struct anm_prepared_list {
    ANM_VEC(anm_prepared) items;
    anm_blob_file file;
    bool open;
};

/* A linear layer's matrix, or the part of it that one piece has. */
typedef struct target {
    anm_piece piece;
    const anm_weight *weight;
} target;

/* The inputs of linear layers that share them: q, k and v; gate and up. */
typedef struct input {
    anm_hessian hessian;
    const float *x; /* where they were last */
    int64_t rows;   /* added when the last layer that shares them was seen */
    ANM_VEC(const char *) weights; /* names, which live in the checkpoint */
} input;

typedef struct pass {
    anm_job *job;
    anm_blob_writer *blobs;
    ANM_VEC(target) targets;
    ANM_VEC(input) inputs; /* of the layer under way */
    int64_t layer;         /* of these; the head has one of its own */
} pass;

static anm_status add_target(void *context, const anm_piece *piece, anm_error *err) {
    pass *p = context;
    char name[ANM_TENSOR_NAME];
    target t = {.piece = *piece};
    if (piece->slot == ANM_SLOT_EMBEDDING || !anm_piece_tensor(&p->job->recipe, piece, name,
                                                               sizeof name))
        return ANM_OK;
    anm_palette_form form = anm_palette_form_of(&p->job->recipe, piece->slot, piece->layer,
                                                piece->rows, piece->columns);
    if (!form.bits) return ANM_OK;
    ANM_TRY(anm_checkpoint_require(p->job->checkpoint, name, &t.weight, err));
    return anm_vec_push(&p->targets, t) ? ANM_OK : anm_fail_memory(err);
}

static anm_status store_target(pass *p, const target *t, anm_error *err) {
    const anm_piece *piece = &t->piece;
    anm_prepared item = {.slot = piece->slot, .tensor = t->weight->tensor, .first = piece->first};
    const anm_weight adjusted = anm_residual_weight(&p->job->recipe, piece->slot, piece->layer,
                                                   t->weight);
    item.place.form = anm_palette_form_of(&p->job->recipe, piece->slot, piece->layer, piece->rows,
                                          piece->columns);
    ANM_TRY(anm_palette_store(p->job, p->blobs, piece->slot, &adjusted, piece->first, piece->rows,
                              &item.place, &item.bad, err));
    return anm_vec_push(&p->job->prepared->items, item) ? ANM_OK : anm_fail_memory(err);
}

static anm_status store_input(pass *p, input *in, anm_error *err) {
    ANM_TRY(anm_hessian_factor(&in->hessian, err));
    p->job->hessian = &in->hessian;
    anm_status status = ANM_OK;
    for (size_t w = 0; w < in->weights.len; w++)
        for (size_t t = 0; t < p->targets.len && status == ANM_OK; t++)
            if (strcmp(p->targets.data[t].weight->tensor->name, in->weights.data[w]) == 0)
                status = store_target(p, &p->targets.data[t], err);
    p->job->hessian = NULL;
    return status;
}

static void drop_inputs(pass *p) {
    for (size_t i = 0; i < p->inputs.len; i++) {
        anm_hessian_free(&p->inputs.data[i].hessian);
        anm_vec_free(&p->inputs.data[i].weights);
    }
    p->inputs.len = 0;
}

/* All tokens have been through the layer. */
static anm_status finish_layer(pass *p, anm_error *err) {
    anm_status status = ANM_OK;
    for (size_t i = 0; i < p->inputs.len && status == ANM_OK; i++)
        status = store_input(p, &p->inputs.data[i], err);
    drop_inputs(p);
    return status;
}

static const target *find_target(const pass *p, const char *weight) {
    for (size_t t = 0; t < p->targets.len; t++)
        if (strcmp(p->targets.data[t].weight->tensor->name, weight) == 0)
            return &p->targets.data[t];
    return NULL;
}

static input *find_input(pass *p, const char *weight) {
    for (size_t i = 0; i < p->inputs.len; i++)
        for (size_t w = 0; w < p->inputs.data[i].weights.len; w++)
            if (strcmp(p->inputs.data[i].weights.data[w], weight) == 0) return &p->inputs.data[i];
    return NULL;
}

/* The same x again, in the first group of sequences, means that inputs are shared. */
static anm_status place_weight(pass *p, const target *t, const float *x, int64_t rows,
                               input **out, anm_error *err) {
    input *last = p->inputs.len ? &p->inputs.data[p->inputs.len - 1] : NULL;
    if (!last || last->x != x || last->rows != rows || last->hessian.n != t->piece.columns) {
        input fresh = {0};
        if (!anm_vec_push(&p->inputs, fresh)) return anm_fail_memory(err);
        last = &p->inputs.data[p->inputs.len - 1];
        ANM_TRY(anm_hessian_init(&last->hessian, t->piece.columns, err));
    }
    *out = last;
    const char *name = t->weight->tensor->name;
    return anm_vec_push(&last->weights, name) ? ANM_OK : anm_fail_memory(err);
}

static anm_status see(void *context, const char *weight, const float *x, int64_t rows,
                      int64_t columns, anm_error *err) {
    pass *p = context;
    const target *t = find_target(p, weight);
    if (!t) return ANM_OK;
    int64_t layer = t->piece.slot == ANM_SLOT_HEAD ? p->job->recipe.layers : t->piece.layer;
    if (layer != p->layer) ANM_TRY(finish_layer(p, err));
    p->layer = layer;
    input *in = find_input(p, weight);
    if (!in) ANM_TRY(place_weight(p, t, x, rows, &in, err));
    /* The first of those that share them adds the rows. */
    if (strcmp(in->weights.data[0], weight) != 0) return ANM_OK;
    in->x = x;
    in->rows = rows;
    ANM_TRY(anm_job_advance(p->job, 0, err));
    return anm_hessian_add(&in->hessian, x, rows, err);
}

static anm_status run(pass *p, anm_error *err) {
    const anm_contents all = {true, true, 0, p->job->recipe.layers};
    const anm_forward_hooks hooks = {.context = p, .linear = see};
    ANM_TRY(anm_contents_visit(&p->job->recipe, &all, add_target, p, err));
    ANM_TRY(anm_calibration_run(p->job->calibration, &hooks, err));
    return finish_layer(p, err);
}

/* The file loses its name once it is mapped: nothing is left of it, whatever happens. */
static anm_status run_into(pass *p, const char *path, anm_error *err) {
    anm_prepared_list *list = p->job->prepared;
    ANM_TRY(anm_blob_writer_open(path, &p->blobs, err));
    anm_status status = run(p, err);
    drop_inputs(p);
    if (status != ANM_OK) {
        anm_blob_writer_abort(p->blobs);
        return status;
    }
    ANM_TRY(anm_blob_writer_commit(p->blobs, err));
    status = anm_blob_file_open(path, &list->file, err);
    list->open = status == ANM_OK;
    unlink(path);
    return status;
}

anm_status anm_job_prepare(anm_job *job, anm_error *err) {
    pass p = {.job = job};
    if (!job->options.lut_feedback || !job->calibration) return ANM_OK;
    const char *path = anm_path_join(job->arena, job->out_dir, "prepared-weights.bin");
    job->prepared = anm_calloc(1, sizeof *job->prepared);
    if (!path || !job->prepared) return anm_fail_memory(err);
    anm_status status = run_into(&p, path, err);
    anm_vec_free(&p.targets);
    anm_vec_free(&p.inputs);
    return status;
}

void anm_prepared_free(anm_prepared_list *list) {
    if (!list) return;
    if (list->open) anm_blob_file_close(&list->file);
    anm_vec_free(&list->items);
    anm_free(list);
}

const anm_prepared *anm_prepared_find(const anm_job *job, anm_slot slot, const anm_weight *weight,
                                      int64_t first) {
    if (!job->prepared || job->hessian) return NULL; /* it is being made */
    for (size_t i = 0; i < job->prepared->items.len; i++) {
        const anm_prepared *item = &job->prepared->items.data[i];
        if (item->slot == slot && item->tensor == weight->tensor && item->first == first)
            return item;
    }
    return NULL;
}

anm_status anm_prepared_copy(const anm_job *job, anm_blob_writer *blobs, anm_dtype dtype,
                             int64_t elements, uint64_t *offset, anm_error *err) {
    enum { PIECE = 1 << 22 };
    anm_blob blob;
    ANM_TRY(anm_blob_file_expect(&job->prepared->file, *offset, dtype, elements, &blob, err));
    ANM_TRY(anm_blob_writer_begin(blobs, dtype, elements, offset, err));
    for (size_t done = 0; done < blob.bytes; done += PIECE) {
        size_t n = blob.bytes - done < PIECE ? blob.bytes - done : PIECE;
        ANM_TRY(anm_blob_writer_write(blobs, (const char *)blob.data + done, n, err));
    }
    return anm_blob_writer_end(blobs, err);
}
