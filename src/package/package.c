/* SPDX-License-Identifier: MIT */
/* Opening: finding the parts of a package or compiled model and tying weights to the program. */
#include "src/package/package.h"

#include <string.h>

#include "src/base/vec.h"
#include "src/package/compiled.h"
#include "src/package/manifest.h"
#include "src/package/protoread.h"

void anm_package_close(anm_package *package) {
    if (!package) return;
    for (size_t i = 0; i < package->blob_count; i++) anm_blob_file_close(&package->blobs[i]);
    anm_free(package->blobs);
    anm_mil_program_destroy(package->program);
    anm_arena_destroy(package->arena);
}

static anm_status load_message(const char *file, Pb__Model **out, anm_error *err) {
    anm_mapping mapping;
    ANM_TRY(anm_mapping_open(file, &mapping, err));
    anm_status status = anm_proto_parse_model(mapping.data, mapping.size, file, out, err);
    anm_mapping_close(&mapping);
    return status;
}

static anm_status read_message(anm_package *p, const char *file, const Pb__Model *model,
                               anm_error *err) {
    if (model->type_case != PB__MODEL__TYPE_ML_PROGRAM)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, file,
                        "not an ML Program: older model types (neural networks, trees, "
                        "pipelines) are not supported");
    ANM_TRY(anm_proto_read_program(model->mlprogram, file, &p->program, err));
    p->program->spec_version = model->specificationversion;
    if (!model->description)
        return anm_fail(err, ANM_ERROR_FORMAT, file, "the model has no description");
    p->described = true;
    return anm_description_read(p->arena, model->description, file, &p->description, err);
}

static anm_status load_model_file(anm_package *p, const char *file, anm_error *err) {
    Pb__Model *model;
    ANM_TRY(load_message(file, &model, err));
    anm_status status = read_message(p, file, model, err);
    pb__model__free_unpacked(model, NULL);
    char *dir = anm_arena_strdup(p->arena, file);
    if (status == ANM_OK && !dir) return anm_fail_memory(err);
    if (status == ANM_OK) {
        char *slash = strrchr(dir, '/');
        if (slash) *slash = '\0';
        p->model_path = slash ? dir : ".";
    }
    return status;
}

static anm_status load_package(anm_package *p, anm_error *err) {
    const char *file;
    ANM_TRY(anm_manifest_read(p->arena, p->path, &file, err));
    return load_model_file(p, file, err);
}

/* Some packages of others have no manifest: their model lies where coremltools puts it. */
static const char *bare_model(const anm_package *p) {
    const char *file =
        anm_path_join(p->arena, p->path, "Data/com.apple.CoreML/model.mlmodel");
    return file && anm_path_exists(file) ? file : NULL;
}

/* Tying blobs. A walk over every literal of the program; nested lists hold no blobs. */
typedef struct resolver {
    anm_package *package;
    unsigned flags;
    ANM_VEC(anm_blob_file) files;
    ANM_VEC(const char *) names; /* blob_path of each file */
    const char *function;
    anm_status status;
    anm_error *err;
} resolver;

static anm_status open_blob_file(resolver *r, const char *name, anm_blob_file **out) {
    static const char prefix[] = "@model_path/";
    anm_package *p = r->package;
    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return anm_fail(r->err, ANM_ERROR_FORMAT, p->path,
                        "weight file \"%s\" is not below @model_path", name);
    if (strstr(name, "/../"))
        return anm_fail(r->err, ANM_ERROR_FORMAT, p->path,
                        "weight file \"%s\" leads out of the package", name);
    const char *path = anm_path_join(p->arena, p->model_path, name + sizeof prefix - 1);
    anm_blob_file file = {0};
    if (!path) return anm_fail_memory(r->err);
    if ((r->flags & ANM_PACKAGE_NO_WEIGHTS) && !anm_path_exists(path)) {
        if (!p->missing_weights) p->missing_weights = path;
    } else {
        ANM_TRY(anm_blob_file_open(path, &file, r->err));
    }
    if (!anm_vec_push(&r->names, name) || !anm_vec_push(&r->files, file)) {
        anm_blob_file_close(&file);
        return anm_fail_memory(r->err);
    }
    *out = &r->files.data[r->files.len - 1];
    return ANM_OK;
}

static anm_status find_blob_file(resolver *r, const char *name, anm_blob_file **out) {
    for (size_t i = 0; i < r->names.len; i++) {
        if (strcmp(r->names.data[i], name) == 0) {
            *out = &r->files.data[i];
            return ANM_OK;
        }
    }
    return open_blob_file(r, name, out);
}

static anm_status resolve(resolver *r, const anm_mil_op *op, const anm_mil_literal *literal) {
    anm_blob_file *file = NULL;
    anm_blob blob;
    if (!literal || !literal->blob_path) return ANM_OK;
    ANM_TRY(find_blob_file(r, literal->blob_path, &file));
    if (!file->path) return ANM_OK; /* absent, and that is fine */
    anm_status status = anm_blob_file_expect(file, literal->blob_offset, literal->type->dtype,
                                             anm_mil_literal_elements(literal), &blob, r->err);
    if (status != ANM_OK) {
        anm_fail_prefix(r->err, "function %s, op %s (%s)", r->function, anm_mil_op_label(op),
                        op->type);
        return status;
    }
    /* The package owns the program; literals are const to everybody else. */
    anm_mil_literal *own = (anm_mil_literal *)literal;
    own->data = blob.data;
    own->bytes = blob.bytes;
    return ANM_OK;
}

static bool resolve_op(void *context, anm_mil_op *op) {
    resolver *r = context;
    for (size_t i = 0; i < op->attr_count && r->status == ANM_OK; i++)
        r->status = resolve(r, op, op->attrs[i].literal);
    for (size_t i = 0; i < op->arg_count && r->status == ANM_OK; i++)
        for (size_t k = 0; k < op->args[i].count && r->status == ANM_OK; k++)
            r->status = resolve(r, op, op->args[i].operands[k].literal);
    return r->status == ANM_OK;
}

static anm_status resolve_all(anm_package *p, unsigned flags, anm_error *err) {
    resolver r = {.package = p, .flags = flags, .err = err};
    for (size_t i = 0; i < p->program->function_count && r.status == ANM_OK; i++) {
        r.function = p->program->functions[i]->name;
        anm_mil_block_walk(p->program->functions[i]->body, resolve_op, &r);
    }
    p->blobs = r.files.data;
    p->blob_count = r.files.len;
    anm_vec_free(&r.names);
    return r.status;
}

static anm_status load(anm_package *p, unsigned flags, anm_error *err) {
    if (!anm_path_exists(p->path))
        return anm_fail(err, ANM_ERROR_NOT_FOUND, p->path, "there is no such file or directory");
    if (!anm_path_is_dir(p->path)) {
        ANM_TRY(load_model_file(p, p->path, err));
    } else if (anm_path_exists(anm_path_join(p->arena, p->path, "Manifest.json"))) {
        ANM_TRY(load_package(p, err));
    } else if (bare_model(p)) {
        ANM_TRY(load_model_file(p, bare_model(p), err));
    } else {
        ANM_TRY(anm_compiled_load(p, err));
    }
    return resolve_all(p, flags, err);
}

anm_status anm_package_open(const char *path, unsigned flags, anm_package **out, anm_error *err) {
    *out = NULL;
    anm_arena *arena = anm_arena_create();
    anm_package *p = arena ? ANM_ARENA_NEW(arena, anm_package) : NULL;
    if (!p) {
        anm_arena_destroy(arena);
        return anm_fail_memory(err);
    }
    p->arena = arena;
    p->path = anm_arena_strdup(arena, path);
    anm_status status = p->path ? load(p, flags, err) : anm_fail_memory(err);
    if (status == ANM_OK) *out = p;
    else anm_package_close(p);
    return status;
}

anm_status anm_package_read_message(const char *path, Pb__Model **out, anm_error *err) {
    const char *file;
    *out = NULL;
    anm_arena *arena = anm_arena_create();
    if (!arena) return anm_fail_memory(err);
    anm_status status = anm_manifest_read(arena, path, &file, err);
    if (status == ANM_OK) status = load_message(file, out, err);
    anm_arena_destroy(arena);
    return status;
}
