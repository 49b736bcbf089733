/* SPDX-License-Identifier: MIT */
/* Writing packages: Manifest.json, Data/com.apple.CoreML/{model.mlmodel, weights/weight.bin}. */
#include <string.h>

#include "src/base/alloc.h"
#include "src/package/manifest.h"
#include "src/package/package.h"
#include "src/package/protonew.h"
#include "src/package/protowrite.h"

#define MODEL_DIR "Data/com.apple.CoreML"

struct anm_package_writer {
    anm_arena *arena;
    anm_staged_dir *dir;
    anm_blob_writer *blobs; /* NULL until asked for */
    const char *seed;       /* base name of the package, for the manifest's identifiers */
};

anm_status anm_package_writer_open(const char *path, anm_package_writer **out, anm_error *err) {
    anm_status status;
    *out = NULL;
    anm_arena *arena = anm_arena_create();
    anm_package_writer *w = arena ? ANM_ARENA_NEW(arena, anm_package_writer) : NULL;
    if (!w) {
        anm_arena_destroy(arena);
        return anm_fail_memory(err);
    }
    w->arena = arena;
    w->seed = anm_path_base(arena, anm_arena_strdup(arena, path));
    ANM_CHECK(anm_staged_dir_open(path, &w->dir, err));
    const char *inner = anm_path_join(arena, anm_staged_dir_path(w->dir), MODEL_DIR);
    status = inner ? anm_dir_create(inner, err) : anm_fail_memory(err);
    if (status != ANM_OK) goto fail;
    *out = w;
    return ANM_OK;
fail:
    anm_package_writer_abort(w);
    return status;
}

anm_status anm_package_writer_blobs(anm_package_writer *w, anm_blob_writer **out, anm_error *err) {
    if (!w->blobs) {
        const char *dir =
            anm_path_join(w->arena, anm_staged_dir_path(w->dir), MODEL_DIR "/weights");
        const char *file = dir ? anm_path_join(w->arena, dir, "weight.bin") : NULL;
        if (!file) return anm_fail_memory(err);
        ANM_TRY(anm_dir_create(dir, err));
        ANM_TRY(anm_blob_writer_open(file, &w->blobs, err));
    }
    *out = w->blobs;
    return ANM_OK;
}

void anm_package_writer_abort(anm_package_writer *w) {
    if (!w) return;
    anm_blob_writer_abort(w->blobs);
    anm_staged_dir_abort(w->dir);
    anm_arena_destroy(w->arena);
}

static anm_status write_message(const char *dir, const Pb__Model *model, anm_error *err) {
    anm_arena *arena = anm_arena_create();
    const char *file = arena ? anm_path_join(arena, dir, MODEL_DIR "/model.mlmodel") : NULL;
    anm_writer *out = NULL;
    anm_status status = file ? anm_writer_open(file, &out, err) : anm_fail_memory(err);
    if (status == ANM_OK) {
        status = anm_proto_pack(&model->base, out, err);
        if (status == ANM_OK) status = anm_writer_commit(out, err);
        else anm_writer_abort(out);
    }
    anm_arena_destroy(arena);
    return status;
}

/* NULL when memory is out. */
static Pb__Model *make_model(anm_arena *arena, const anm_mil_program *program,
                             const anm_description *description) {
    Pb__Model *model = ANM_PROTO_NEW(arena, Pb__Model, pb__model);
    if (!model) return NULL;
    model->specificationversion = program->spec_version;
    model->description = anm_description_write(arena, description);
    model->type_case = PB__MODEL__TYPE_ML_PROGRAM;
    model->mlprogram = anm_proto_write_program(arena, program);
    return model->description && model->mlprogram ? model : NULL;
}

static anm_status write_model(anm_package_writer *w, const anm_mil_program *program,
                              const anm_description *description, anm_error *err) {
    Pb__Model *model = make_model(w->arena, program, description);
    if (!model) return anm_fail_memory(err);
    return write_message(anm_staged_dir_path(w->dir), model, err);
}

anm_status anm_package_measure(const anm_mil_program *program, const anm_description *description,
                               bool weights, uint64_t *out, anm_error *err) {
    anm_arena *arena = anm_arena_create();
    Pb__Model *model = arena ? make_model(arena, program, description) : NULL;
    *out = model ? protobuf_c_message_get_packed_size(&model->base) +
                       anm_manifest_bytes(arena, weights)
                 : 0;
    anm_arena_destroy(arena);
    return *out ? ANM_OK : anm_fail_memory(err);
}

anm_status anm_package_writer_commit(anm_package_writer *w, const anm_mil_program *program,
                                     const anm_description *description, anm_error *err) {
    anm_status status;
    bool weights = w->blobs != NULL;
    if (weights) {
        anm_blob_writer *blobs = w->blobs;
        w->blobs = NULL;
        ANM_CHECK(anm_blob_writer_commit(blobs, err));
    }
    ANM_CHECK(write_model(w, program, description, err));
    ANM_CHECK(anm_manifest_write(anm_staged_dir_path(w->dir), w->seed, weights, err));
    anm_staged_dir *dir = w->dir;
    w->dir = NULL;
    status = anm_staged_dir_commit(dir, err);
fail:
    anm_package_writer_abort(w);
    return status;
}

static anm_status copy_tree(anm_arena *arena, const char *from, const char *to, anm_error *err) {
    char **names;
    size_t count;
    ANM_TRY(anm_dir_list(arena, from, &names, &count, err));
    ANM_TRY(anm_dir_create(to, err));
    for (size_t i = 0; i < count; i++) {
        const char *a = anm_path_join(arena, from, names[i]);
        const char *b = anm_path_join(arena, to, names[i]);
        if (!a || !b) return anm_fail_memory(err);
        ANM_TRY(anm_path_is_dir(a) ? copy_tree(arena, a, b, err) : anm_file_copy(a, b, err));
    }
    return ANM_OK;
}

anm_status anm_package_rewrite(const char *from, const char *to, const Pb__Model *model,
                               anm_error *err) {
    anm_package_writer *w;
    anm_status status;
    ANM_TRY(anm_package_writer_open(to, &w, err));
    const char *dir = anm_staged_dir_path(w->dir), *file;
    ANM_CHECK(copy_tree(w->arena, from, dir, err));
    ANM_CHECK(anm_manifest_read(w->arena, dir, &file, err));
    ANM_CHECK(anm_path_remove(file, err)); /* it may have another name than ours */
    ANM_CHECK(write_message(dir, model, err));
    ANM_CHECK(anm_manifest_write(dir, w->seed, true, err));
    anm_staged_dir *staged = w->dir;
    w->dir = NULL;
    status = anm_staged_dir_commit(staged, err);
fail:
    anm_package_writer_abort(w);
    return status;
}
