/* SPDX-License-Identifier: MIT */
/* Picked functions: their interfaces, the description of what they make together, writing it. */
#include <string.h>

#include "src/base/log.h"
#include "src/package/combine.h"
#include "src/package/combineblobs.h"

/* An interface as it is written has arrays of these types only. */
static bool can_be_written(const anm_feature *f) {
    static const anm_dtype types[] = {ANM_DTYPE_FP16, ANM_DTYPE_FP32, ANM_DTYPE_FP64,
                                      ANM_DTYPE_INT32, ANM_DTYPE_INT8};
    if (f->kind != ANM_FEATURE_TENSOR) return false;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i] == f->dtype) return true;
    return false;
}

static anm_status check_features(const anm_pick *pick, const anm_feature *features, size_t count,
                                 bool output, anm_error *err) {
    for (size_t i = 0; i < count; i++) {
        const anm_feature *f = &features[i];
        if (!can_be_written(f))
            return anm_fail(err, ANM_ERROR_UNSUPPORTED, pick->package->path,
                            "function %s: \"%s\" is not an array of fp16, fp32, fp64, int8 or "
                            "int32 (images, dictionaries and strings cannot be carried over)",
                            pick->function->name, f->name);
        /* From a compiled model without coremldata.bin; elsewhere a default shape is given. */
        for (int d = 0; d < f->rank && !output; d++)
            if (f->shape[d] < 0)
                return anm_fail(err, ANM_ERROR_UNSUPPORTED, pick->package->path,
                                "function %s: the shapes that \"%s\" may have are not known: "
                                "coremldata.bin is missing",
                                pick->function->name, f->name);
    }
    return ANM_OK;
}

anm_status anm_pick_interface(anm_pick *pick, anm_error *err) {
    const anm_description *d = &pick->package->description;
    const anm_interface *face = anm_description_find(d, pick->function->name);
    /* A one-function model may call its function something else than "main". */
    if (!face && !d->multi && pick->package->program->function_count == 1) face = &d->functions[0];
    if (!face)
        return anm_fail(err, ANM_ERROR_FORMAT, pick->package->path,
                        "the interface does not describe function %s", pick->function->name);
    pick->interface = face;
    if (face->predicted_feature && *face->predicted_feature)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, pick->package->path,
                        "function %s is a classifier, whose labels cannot be carried over",
                        pick->function->name);
    ANM_TRY(check_features(pick, face->inputs, face->input_count, false, err));
    ANM_TRY(check_features(pick, face->states, face->state_count, false, err));
    return check_features(pick, face->outputs, face->output_count, true, err);
}

/* Metadata. */

static void warn_conflict(const anm_pick *pick, const char *key, const char *kept,
                          const char *lost) {
    anm_log_write(ANM_LOG_WARNING, "%s: %s is \"%s\"; keeping \"%s\" of an earlier package",
                  pick->package->path, key, lost, kept);
}

static void merge_text(const anm_pick *pick, const char *key, const char **kept, const char *text) {
    if (!text || !*text) return;
    if (!*kept || !**kept) *kept = text;
    else if (strcmp(*kept, text) != 0) warn_conflict(pick, key, *kept, text);
}

static void merge_user(const anm_pick *pick, anm_description *out) {
    const anm_description *d = &pick->package->description;
    for (size_t i = 0; i < d->user_count; i++) {
        size_t k = 0;
        while (k < out->user_count && strcmp(out->user[k].key, d->user[i].key) != 0) k++;
        if (k == out->user_count) out->user[out->user_count++] = d->user[i];
        else if (strcmp(out->user[k].value, d->user[i].value) != 0)
            warn_conflict(pick, d->user[i].key, out->user[k].value, d->user[i].value);
    }
}

static bool seen_before(const anm_pick *picks, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (picks[i].package == picks[index].package) return true;
    return false;
}

static anm_status merge_metadata(anm_arena *arena, const anm_pick *picks, size_t count,
                                 anm_description *out, anm_error *err) {
    size_t most = 0;
    for (size_t i = 0; i < count; i++) most += picks[i].package->description.user_count;
    out->user = ANM_ARENA_ARRAY(arena, anm_metadata_entry, most);
    if (!out->user) return anm_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        const anm_description *d = &picks[i].package->description;
        if (seen_before(picks, i)) continue;
        merge_text(&picks[i], "the description", &out->summary, d->summary);
        merge_text(&picks[i], "the version", &out->version, d->version);
        merge_text(&picks[i], "the author", &out->author, d->author);
        merge_text(&picks[i], "the license", &out->license, d->license);
        merge_user(&picks[i], out);
    }
    return ANM_OK;
}

anm_status anm_picks_describe(anm_arena *arena, const anm_pick *picks, size_t count,
                              const char *standard, anm_description *out, anm_error *err) {
    *out = (anm_description){.multi = true, .default_function = standard};
    out->summary = out->version = out->author = out->license = "";
    out->functions = ANM_ARENA_ARRAY(arena, anm_interface, count);
    if (!out->functions) return anm_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        out->functions[i] = *picks[i].interface;
        out->functions[i].name = picks[i].name;
    }
    out->function_count = count;
    return merge_metadata(arena, picks, count, out, err);
}

/* Writing. */

/* The compiler puts this attribute into model.mil; a package says it in its interface. */
static void drop_compiled_attrs(const anm_pick *pick, anm_mil_function *copy) {
    if (!pick->package->compiled) return;
    size_t kept = 0;
    for (size_t i = 0; i < copy->attr_count; i++)
        if (strcmp(copy->attrs[i].name, "FlexibleShapeInformation") != 0)
            copy->attrs[kept++] = copy->attrs[i];
    copy->attr_count = kept;
}

static anm_status make_program(const anm_pick *picks, size_t count, int spec_version,
                               anm_mil_program *program, anm_error *err) {
    const anm_mil_program *first = picks[0].package->program;
    program->version = first->version ? first->version : 1;
    program->spec_version = spec_version;
    program->attrs = first->attrs;
    program->attr_count = first->attr_count;
    program->functions = ANM_ARENA_ARRAY(program->arena, anm_mil_function *, count);
    if (!program->functions) return anm_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        const anm_mil_function *f = picks[i].function;
        anm_mil_function *copy = anm_arena_copy(program->arena, f, sizeof *f);
        if (!copy) return anm_fail_memory(err);
        copy->name = picks[i].name;
        copy->attrs = anm_arena_copy(program->arena, f->attrs, f->attr_count * sizeof *f->attrs);
        if (!copy->attrs) return anm_fail_memory(err);
        drop_compiled_attrs(&picks[i], copy);
        program->functions[program->function_count++] = copy;
    }
    return ANM_OK;
}

static anm_status write_blobs(const anm_pick *picks, size_t count, anm_package_writer *writer,
                              anm_error *err) {
    anm_blob_pool *pool;
    ANM_TRY(anm_blob_pool_create(writer, &pool, err));
    anm_status status = ANM_OK;
    for (size_t i = 0; i < count && status == ANM_OK; i++)
        status = anm_blob_pool_add(pool, picks[i].package, picks[i].function, err);
    anm_blob_pool_destroy(pool);
    return status;
}

anm_status anm_picks_write(const anm_pick *picks, size_t count, const char *path, int spec_version,
                           const anm_description *description, anm_error *err) {
    anm_package_writer *writer = NULL;
    anm_status status;
    anm_mil_program *program = anm_mil_program_create();
    if (!program) return anm_fail_memory(err);
    ANM_CHECK(make_program(picks, count, spec_version, program, err));
    ANM_CHECK(anm_package_writer_open(path, &writer, err));
    ANM_CHECK(write_blobs(picks, count, writer, err));
    status = anm_package_writer_commit(writer, program, description, err);
    writer = NULL;
fail:
    anm_package_writer_abort(writer);
    anm_mil_program_destroy(program);
    return status;
}
