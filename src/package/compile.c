/* SPDX-License-Identifier: MIT */
/* anm_compile(): finds the parts of a package, has each file made, puts the directory in place. */
#include "src/package/compile.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/log.h"
#include "src/mil/text.h"
#include "src/mil/validate.h"
#include "src/package/manifest.h"
#include "src/package/protoread.h"

/* ---- the report ---- */

void anm_compile_options_init(anm_compile_options *options) {
    *options = (anm_compile_options){.struct_size = sizeof *options};
}

const char *anm_compile_report_path(const anm_compile_report *report) {
    return report->path;
}

uint64_t anm_compile_report_bytes(const anm_compile_report *report) {
    return report->bytes;
}

const char *anm_compile_report_warning(const anm_compile_report *report, size_t index) {
    return index < report->warnings.len ? report->warnings.data[index] : NULL;
}

void anm_compile_report_free(anm_compile_report *report) {
    if (!report) return;
    anm_vec_free(&report->warnings);
    anm_arena_destroy(report->arena);
    anm_free(report);
}

static anm_compile_report *create_report(void) {
    anm_compile_report *report = anm_calloc(1, sizeof *report);
    if (report) report->arena = anm_arena_create();
    if (report && report->arena) return report;
    anm_free(report);
    return NULL;
}

anm_status anm_compile_warn(anm_compile_report *report, anm_error *err, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const char *copy = anm_arena_strdup(report->arena, text);
    if (!copy || !anm_vec_push(&report->warnings, copy)) return anm_fail_memory(err);
    anm_log_write(ANM_LOG_WARNING, "%s", text);
    return ANM_OK;
}

/* ---- the parts ---- */

typedef struct job {
    anm_arena *arena; /* of the report */
    anm_compile_report *report;
    anm_package *package;
    const char *model_file; /* .../model.mlmodel */
    anm_mapping model;
    anm_model_payload payload;
    Pb__ModelDescription *description;
    const char *stem; /* "X" of X.mlpackage */
} job;

static anm_status check_features(const job *j, const char *function,
                                 Pb__FeatureDescription *const *features, size_t count,
                                 anm_error *err) {
    for (size_t i = 0; i < count; i++)
        if (!anm_compile_feature_known(features[i]))
            return anm_fail(err, ANM_ERROR_UNSUPPORTED, j->package->path,
                            "function %s: feature \"%s\" is neither an array nor an image of fixed "
                            "size; how it compiles is not known",
                            function, features[i]->name);
    return ANM_OK;
}

static anm_status check_interface(const job *j, anm_error *err) {
    const Pb__ModelDescription *d = j->description;
    ANM_TRY(check_features(j, "main", d->input, d->n_input, err));
    ANM_TRY(check_features(j, "main", d->output, d->n_output, err));
    for (size_t i = 0; i < d->n_functions; i++) {
        const Pb__FunctionDescription *f = d->functions[i];
        ANM_TRY(check_features(j, f->name, f->input, f->n_input, err));
        ANM_TRY(check_features(j, f->name, f->output, f->n_output, err));
    }
    return ANM_OK;
}

static anm_status load(job *j, const char *path, anm_error *err) {
    ANM_TRY(anm_package_open(path, 0, &j->package, err));
    ANM_TRY(anm_manifest_read(j->arena, path, &j->model_file, err));
    ANM_TRY(anm_mapping_open(j->model_file, &j->model, err));
    ANM_TRY(
        anm_compile_find_payload(j->model.data, j->model.size, j->model_file, &j->payload, err));
    ANM_TRY(anm_proto_parse_description(j->payload.data, j->payload.size, j->model_file,
                                        &j->description, err));
    ANM_TRY(anm_compile_check(j->package, j->report, err)); /* before: it names what is no op */
    anm_status status = anm_mil_validate(j->package->program, j->arena, NULL, err);
    if (status != ANM_OK) return anm_fail_prefix(err, "%s", path), status;
    return check_interface(j, err);
}

static void unload(job *j) {
    if (j->description) pb__model_description__free_unpacked(j->description, NULL);
    anm_mapping_close(&j->model);
    anm_package_close(j->package);
}

/* ---- writing ---- */

/* Writes the text under the directory and frees it. */
static anm_status write_file(job *j, const char *dir, const char *name, anm_strbuf *text,
                             anm_error *err) {
    const char *path = anm_path_join(j->arena, dir, name);
    anm_status status = path && !text->failed ? anm_file_write(path, text->data, text->len, err)
                                              : anm_fail_memory(err);
    j->report->bytes += text->len;
    anm_strbuf_free(text);
    return status;
}

static anm_status write_program(job *j, const char *dir, anm_error *err) {
    anm_strbuf text = {0};
    anm_mil_text_print(j->package->program, NULL, &text);
    return write_file(j, dir, "model.mil", &text, err);
}

static anm_status write_archives(job *j, const char *dir, anm_error *err) {
    anm_strbuf archive = {0}, analytics = {0};
    char *name = anm_arena_strdup(j->arena, anm_path_base(j->arena, j->model_file));
    const char *folder = anm_path_join(j->arena, dir, "analytics");
    if (!name || !folder) return anm_fail_memory(err);
    char *dot = strrchr(name, '.');
    if (dot && dot != name) *dot = '\0';
    anm_compile_archive(&archive, j->package->program->spec_version, j->payload, j->description);
    ANM_TRY(write_file(j, dir, "coremldata.bin", &archive, err));
    ANM_TRY(anm_dir_create(folder, err));
    anm_status status = anm_compile_analytics(&analytics, j->model.data, j->model.size, name, err);
    if (status == ANM_OK) return write_file(j, folder, "coremldata.bin", &analytics, err);
    anm_strbuf_free(&analytics);
    return status;
}

static anm_status write_metadata(job *j, const char *dir, anm_error *err) {
    anm_strbuf text = {0};
    json_t *metadata = anm_compile_metadata(j->package->program, j->description, j->stem);
    if (!metadata) return anm_fail_memory(err);
    anm_compile_print_json(metadata, &text);
    json_decref(metadata);
    return write_file(j, dir, "metadata.json", &text, err);
}

static anm_status copy_file(job *j, const char *from, const char *to, anm_error *err) {
    anm_mapping source;
    ANM_TRY(anm_mapping_open(from, &source, err));
    anm_status status = anm_file_write(to, source.data, source.size, err);
    j->report->bytes += source.size;
    anm_mapping_close(&source);
    return status;
}

enum { MOST_FOLDERS = 16 };

static anm_status copy_tree(job *j, const char *from, const char *to, int depth, anm_error *err) {
    char **names;
    size_t count;
    if (depth > MOST_FOLDERS)
        return anm_fail(err, ANM_ERROR_LIMIT, from, "folders nested too deeply");
    ANM_TRY(anm_dir_list(j->arena, from, &names, &count, err));
    ANM_TRY(anm_dir_create(to, err));
    for (size_t i = 0; i < count; i++) {
        const char *a = anm_path_join(j->arena, from, names[i]);
        const char *b = anm_path_join(j->arena, to, names[i]);
        if (!a || !b) return anm_fail_memory(err);
        ANM_TRY(anm_path_is_dir(a) ? copy_tree(j, a, b, depth + 1, err) : copy_file(j, a, b, err));
    }
    return ANM_OK;
}

/* A weight file that the program names, if it is not among those of weights/. */
static anm_status copy_named(job *j, const anm_blob_file *blob, const char *dir, anm_error *err) {
    size_t prefix = strlen(j->package->model_path) + 1;
    char *to = anm_path_join(j->arena, dir, blob->path + prefix);
    if (!to) return anm_fail_memory(err);
    if (anm_path_exists(to)) return ANM_OK;
    char *slash = strrchr(to, '/');
    *slash = '\0';
    ANM_TRY(anm_dir_create(to, err));
    *slash = '/';
    return copy_file(j, blob->path, to, err);
}

static anm_status copy_weights(job *j, const char *dir, anm_error *err) {
    const char *from = anm_path_join(j->arena, j->package->model_path, "weights");
    const char *to = anm_path_join(j->arena, dir, "weights");
    if (!from || !to) return anm_fail_memory(err);
    if (anm_path_is_dir(from)) ANM_TRY(copy_tree(j, from, to, 0, err));
    for (size_t i = 0; i < j->package->blob_count; i++)
        ANM_TRY(copy_named(j, &j->package->blobs[i], dir, err));
    return ANM_OK;
}

static anm_status write_all(job *j, anm_error *err) {
    anm_staged_dir *staged;
    anm_status status;
    ANM_TRY(anm_staged_dir_open(j->report->path, &staged, err));
    const char *dir = anm_staged_dir_path(staged);
    ANM_CHECK(copy_weights(j, dir, err));
    ANM_CHECK(write_program(j, dir, err));
    ANM_CHECK(write_archives(j, dir, err));
    ANM_CHECK(write_metadata(j, dir, err));
    return anm_staged_dir_commit(staged, err);
fail:
    anm_staged_dir_abort(staged);
    return status;
}

/* ---- all of it ---- */

static anm_status choose_paths(job *j, const char *package, const char *out_dir, anm_error *err) {
    static const char ending[] = ".mlpackage";
    char *copy = anm_arena_strdup(j->arena, package);
    if (!copy) return anm_fail_memory(err);
    for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--) copy[n - 1] = '\0';
    const char *base = anm_path_base(j->arena, copy);
    if (!base) return anm_fail_memory(err);
    if (!anm_str_ends(base, ending) || strlen(base) == sizeof ending - 1)
        return anm_fail(err, ANM_ERROR_ARGUMENT, package,
                        "not a .mlpackage; only such is compiled");
    j->stem = anm_arena_strndup(j->arena, base, strlen(base) - (sizeof ending - 1));
    copy[strlen(copy) - (sizeof ending - 1)] = '\0';
    const char *name = j->stem ? anm_arena_printf(j->arena, "%s.mlmodelc", j->stem) : NULL;
    if (!name) return anm_fail_memory(err);
    j->report->path = !out_dir ? anm_arena_printf(j->arena, "%s.mlmodelc", copy)
                               : anm_path_join(j->arena, out_dir, name);
    return j->report->path ? ANM_OK : anm_fail_memory(err);
}

/* Overwriting removes what stands there: let it be a compiled model, and not hold the source. */
static anm_status check_output(const job *j, const char *package, bool overwrite, anm_error *err) {
    const char *out = j->report->path, *archive = anm_path_join(j->arena, out, "coremldata.bin");
    const char *program = anm_path_join(j->arena, out, "model.mil");
    if (!archive || !program) return anm_fail_memory(err);
    if (anm_path_within(out, package))
        return anm_fail(err, ANM_ERROR_ARGUMENT, out,
                        "lies inside the package that is compiled; choose another directory");
    if (anm_path_within(package, out))
        return anm_fail(err, ANM_ERROR_ARGUMENT, out,
                        "holds the package that is compiled; choose another directory");
    if (!anm_path_exists(out)) return ANM_OK;
    if (!overwrite)
        return anm_fail(err, ANM_ERROR_ARGUMENT, out,
                        "exists already; it is replaced only when asked to (overwrite)");
    if (!anm_path_exists(archive) && !anm_path_exists(program))
        return anm_fail(err, ANM_ERROR_ARGUMENT, out,
                        "is not a compiled model, so it is not overwritten");
    return ANM_OK;
}

static anm_status compile(job *j, const char *package, const char *out_dir, bool overwrite,
                          anm_error *err) {
    ANM_TRY(choose_paths(j, package, out_dir, err));
    ANM_TRY(check_output(j, package, overwrite, err));
    ANM_TRY(load(j, package, err));
    ANM_TRY(anm_compile_build_info(j->package->program, err));
    ANM_TRY(anm_compile_flexible(j->package->program, &j->package->description, j->report, err));
    if (out_dir) ANM_TRY(anm_dir_create(out_dir, err));
    return write_all(j, err);
}

anm_status anm_compile(const char *package, const char *out_dir, const anm_compile_options *options,
                       anm_compile_report **report, anm_error *err) {
    if (report) *report = NULL;
    anm_compile_report *r = create_report();
    if (!r) return anm_fail_memory(err);
    job j = {.arena = r->arena, .report = r};
    anm_status status = compile(&j, package, out_dir, options && options->overwrite, err);
    unload(&j);
    if (status == ANM_OK && report) *report = r;
    else anm_compile_report_free(r);
    return status;
}
