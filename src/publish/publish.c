/* SPDX-License-Identifier: MIT */
/* The layout: which parts, compiled or copied, zipped or not, and the files beside them. */
#include <stdio.h>

#include "anemone/compile.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/options.h"
#include "src/publish/publish_internal.h"

enum { META_LIMIT = 1 << 20 };

void anm_publish_options_init(anm_publish_options *options) {
    *options = (anm_publish_options){.struct_size = sizeof *options};
}

/* What runners and tokenizers read. */
static const char *const beside[] = {
    "meta.yaml",         "config.json",           "generation_config.json",  "tokenizer.json",
    "tokenizer.model",   "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json",        "merges.txt",            "chat_template.jinja",     NULL,
};

static anm_status copy_beside(anm_publish_job *job) {
    for (const char *const *name = beside; *name; name++) {
        const char *from = anm_path_join(job->arena, job->dir, *name);
        const char *to = anm_path_join(job->arena, job->out, *name);
        if (!from || !to) return anm_fail_memory(job->err);
        if (anm_path_exists(from)) ANM_TRY(anm_file_copy(from, to, job->err));
    }
    return ANM_OK;
}

/* ---- parts ---- */

static bool stem_is_known(const anm_publish_job *job, const char *stem) {
    for (size_t i = 0; i < job->part_count; i++)
        if (strcmp(job->parts[i].stem, stem) == 0) return true;
    return false;
}

static anm_status list_parts(anm_publish_job *job) {
    char **names;
    size_t count;
    ANM_TRY(anm_dir_list(job->arena, job->dir, &names, &count, job->err));
    job->parts = ANM_ARENA_ARRAY(job->arena, anm_publish_part, count);
    if (!job->parts) return anm_fail_memory(job->err);
    for (size_t i = 0; i < count; i++) {
        if (!anm_str_ends(names[i], ".mlpackage") && !anm_str_ends(names[i], ".mlmodelc")) continue;
        *strrchr(names[i], '.') = '\0';
        if (!stem_is_known(job, names[i])) job->parts[job->part_count++].stem = names[i];
    }
    if (job->part_count) return ANM_OK;
    return anm_fail(job->err, ANM_ERROR_NOT_FOUND, job->dir,
                    "no .mlpackage or .mlmodelc is in this directory: it is not the output of "
                    "`anemone convert`");
}

/* Puts the compiled model at `target`, compiling the package if there is nothing compiled. */
static anm_status place_compiled(anm_publish_job *job, const char *stem, const char *target) {
    const char *compiled = anm_arena_printf(job->arena, "%s/%s.mlmodelc", job->dir, stem);
    const char *package = anm_arena_printf(job->arena, "%s/%s.mlpackage", job->dir, stem);
    if (!compiled || !package) return anm_fail_memory(job->err);
    if (anm_path_is_dir(compiled)) return anm_tree_copy(job->arena, compiled, target, job->err);
    return anm_compile(package, job->out, NULL, NULL, job->err);
}

static anm_status zip_part(anm_publish_job *job, anm_publish_part *part, const char *name,
                           const char *target) {
    anm_mapping file;
    const char *zip = anm_arena_printf(job->arena, "%s.zip", target);
    if (!zip) return anm_fail_memory(job->err);
    ANM_TRY(anm_zip_directory(job->arena, target, name, zip, job->err));
    ANM_TRY(anm_path_remove(target, job->err));
    ANM_TRY(anm_mapping_open(zip, &file, job->err));
    part->zipped = file.size;
    anm_mapping_close(&file);
    return ANM_OK;
}

static anm_status place_part(anm_publish_job *job, anm_publish_part *part) {
    const char *name = anm_arena_printf(job->arena, "%s.mlmodelc", part->stem);
    const char *target = name ? anm_path_join(job->arena, job->out, name) : NULL;
    if (!target) return anm_fail_memory(job->err);
    ANM_TRY(place_compiled(job, part->stem, target));
    ANM_TRY(anm_tree_bytes(job->arena, target, &part->bytes, job->err));
    if (job->options->target == ANM_PUBLISH_IOS) return ANM_OK;
    return zip_part(job, part, name, target);
}

/* ---- meta.yaml ---- */

static anm_status load_meta(anm_publish_job *job) {
    const char *path = anm_path_join(job->arena, job->dir, "meta.yaml");
    char *text;
    size_t size;
    if (!path) return anm_fail_memory(job->err);
    if (!anm_path_exists(path))
        return anm_fail(job->err, ANM_ERROR_NOT_FOUND, path,
                        "there is none: ANEMLL's runners find the parts by it; convert again");
    ANM_TRY(anm_file_read(job->arena, path, META_LIMIT, &text, &size, job->err));
    return anm_yaml_parse(text, size, path, &job->meta, job->err);
}

/* "qwen_FFN_PF.mlmodelc" may stand for the chunks: then a stem goes on with "_chunk_". */
static anm_status check_name(anm_publish_job *job, const char *key) {
    char path[64];
    snprintf(path, sizeof path, "model_info/parameters/%s", key);
    const char *name = anm_yaml_scalar(job->meta, path);
    if (!name) return ANM_OK;
    const char *dot = strrchr(name, '.');
    size_t length = dot ? (size_t)(dot - name) : strlen(name);
    for (size_t i = 0; i < job->part_count; i++) {
        const char *stem = job->parts[i].stem;
        if (strncmp(stem, name, length) != 0) continue;
        if (!stem[length] || anm_str_starts(stem + length, "_chunk_")) return ANM_OK;
    }
    return anm_fail(job->err, ANM_ERROR_MISMATCH, "meta.yaml",
                    "%s names %s, which is not here; `anemone verify` tells more", key, name);
}

static anm_status check_names(anm_publish_job *job) {
    static const char *const keys[] = {"embeddings", "ffn", "lm_head", "model"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) ANM_TRY(check_name(job, keys[i]));
    return ANM_OK;
}

/* ---- all ---- */

static anm_status lay_out(anm_publish_job *job) {
    const char *json = job->options->verify_json;
    if (!anm_path_is_dir(job->dir))
        return anm_fail(job->err, ANM_ERROR_NOT_FOUND, job->dir, "there is no such directory");
    ANM_TRY(list_parts(job));
    ANM_TRY(load_meta(job));
    ANM_TRY(check_names(job));
    if (json) ANM_TRY(anm_json_load(json, &job->verified, job->err));
    for (size_t i = 0; i < job->part_count; i++) ANM_TRY(place_part(job, &job->parts[i]));
    ANM_TRY(copy_beside(job));
    return anm_publish_card(job);
}

static anm_status check_out(const char *dir, const char *out, const anm_publish_options *options,
                            anm_error *err) {
    if (anm_path_within(out, dir))
        return anm_fail(err, ANM_ERROR_ARGUMENT, out,
                        "it is within %s, which is laid out; give another directory", dir);
    if (anm_path_within(dir, out))
        return anm_fail(err, ANM_ERROR_ARGUMENT, out, "it holds the model that is laid out");
    if (options->base_model && strpbrk(options->base_model, "\n\"'#: "))
        return anm_fail(err, ANM_ERROR_ARGUMENT, "base_model",
                        "\"%s\" is no name of a model such as Qwen/Qwen3-0.6B",
                        options->base_model);
    if (anm_path_exists(out) && !options->overwrite)
        return anm_fail(err, ANM_ERROR_ARGUMENT, out, "it exists (--overwrite replaces it)");
    return ANM_OK;
}

static anm_status publish(anm_publish_job *job, const char *out) {
    anm_staged_dir *staged;
    ANM_TRY(check_out(job->dir, out, job->options, job->err));
    ANM_TRY(anm_staged_dir_open(out, &staged, job->err));
    job->out = anm_staged_dir_path(staged);
    anm_status status = lay_out(job);
    if (status == ANM_OK) return anm_staged_dir_commit(staged, job->err);
    anm_staged_dir_abort(staged);
    return status;
}

anm_status anm_publish(const char *dir, const char *out, const anm_publish_options *options,
                       anm_error *err) {
    anm_publish_options all;
    anm_publish_options_init(&all);
    ANM_TRY(anm_options_take(&all, sizeof all, options, err));
    anm_publish_job job = {.dir = dir, .options = &all, .arena = anm_arena_create(), .err = err};
    if (!job.arena) return anm_fail_memory(err);
    anm_status status = publish(&job, out);
    json_decref(job.verified);
    anm_yaml_free(job.meta);
    anm_arena_destroy(job.arena);
    return status;
}
