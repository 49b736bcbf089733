/* SPDX-License-Identifier: MIT */
/* Verifying a model directory: the list of checks, and the report. */
#include <stdarg.h>
#include <stdio.h>

#include "src/base/alloc.h"
#include "src/base/file.h"
#include "src/base/options.h"
#include "src/verify/verify_internal.h"

void anm_verify_options_init(anm_verify_options *options) {
    *options = (anm_verify_options){.struct_size = sizeof *options};
}

anm_status anm_verify_note(anm_verifier *v, anm_verify_result result, const char *name,
                           const char *subject, const char *fmt, ...) {
    char message[900];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    anm_verify_check *check = ANM_ARENA_NEW(v->arena, anm_verify_check);
    if (!check) return anm_fail_memory(v->err);
    *check = (anm_verify_check){result, name, anm_arena_strdup(v->arena, subject),
                                anm_arena_strdup(v->arena, message)};
    if (!check->subject || !check->message || !anm_vec_push(&v->report->checks, check))
        return anm_fail_memory(v->err);
    v->report->failed += result == ANM_VERIFY_FAILED;
    if (v->options->on_check) v->options->on_check(v->options->callback_context, check);
    return ANM_OK;
}

anm_status anm_verify_note_error(anm_verifier *v, const char *name, const char *subject,
                                 const anm_error *error, const char *advice) {
    char text[800];
    if (error->status == ANM_ERROR_MEMORY || error->status == ANM_ERROR_CANCELLED ||
        error->status == ANM_ERROR_INTERNAL) {
        if (v->err) *v->err = *error;
        return error->status;
    }
    anm_error_format(error, text, sizeof text);
    return anm_verify_note(v, ANM_VERIFY_FAILED, name, subject, "%s%s%s", text, advice ? "; " : "",
                           advice ? advice : "");
}

static bool is_part(const char *name) {
    return anm_str_ends(name, ".mlpackage") || anm_str_ends(name, ".mlmodelc");
}

static anm_status list_directory(anm_verifier *v, const char *dir) {
    char **names;
    size_t count;
    ANM_TRY(anm_dir_list(v->arena, dir, &names, &count, v->err));
    v->parts = ANM_ARENA_ARRAY(v->arena, anm_verify_part, count);
    if (!v->parts) return anm_fail_memory(v->err);
    for (size_t i = 0; i < count; i++) {
        if (!is_part(names[i])) continue;
        const char *path = anm_path_join(v->arena, dir, names[i]);
        if (!path) return anm_fail_memory(v->err);
        v->parts[v->part_count++] = (anm_verify_part){names[i], path, NULL};
    }
    return ANM_OK;
}

/* Where a runner looks for them: see anm_llm_list_sources(). */
static anm_status list_parts(anm_verifier *v) {
    const char *inner = anm_path_join(v->arena, v->dir, "coreml");
    if (!inner) return anm_fail_memory(v->err);
    if (!anm_path_is_dir(v->dir))
        return anm_fail(v->err, ANM_ERROR_NOT_FOUND, v->dir, "there is no such directory");
    ANM_TRY(list_directory(v, v->dir));
    if (!v->part_count && anm_path_is_dir(inner)) ANM_TRY(list_directory(v, inner));
    if (v->part_count) return ANM_OK;
    return anm_fail(v->err, ANM_ERROR_NOT_FOUND, v->dir,
                    "no .mlpackage or .mlmodelc is in this directory: it is not the output of "
                    "`anemone convert`");
}

/* Opening checks the manifest, every reference, every op and every blob's place and type. */
static anm_status open_part(anm_verifier *v, anm_verify_part *part) {
    anm_error error;
    if (anm_program_open(part->path, &part->program, &error) != ANM_OK)
        return anm_verify_note_error(v, "opens", part->file, &error, "convert this part again");
    return anm_verify_note(v, ANM_VERIFY_OK, "opens", part->file, "%zu function%s, valid",
                           anm_program_function_count(part->program),
                           anm_program_function_count(part->program) == 1 ? "" : "s");
}

static anm_status check_part(anm_verifier *v, anm_verify_part *part) {
    ANM_TRY(open_part(v, part));
    if (!part->program) return ANM_OK;
    ANM_TRY(anm_verify_weights(v, part));
    return anm_verify_sharing(v, part);
}

static anm_status check_all(anm_verifier *v) {
    ANM_TRY(anm_verify_read_description(v));
    ANM_TRY(v->config ? anm_verify_list_described(v) : list_parts(v));
    for (size_t i = 0; i < v->part_count; i++) ANM_TRY(check_part(v, &v->parts[i]));
    for (size_t i = 0; i < v->part_count; i++)
        if (v->parts[i].program) ANM_TRY(anm_verify_compiled(v, &v->parts[i]));
    ANM_TRY(anm_verify_record(v));
    ANM_TRY(anm_verify_fit(v));
    ANM_TRY(anm_verify_states(v));
    ANM_TRY(anm_verify_meta(v));
    if (v->config) ANM_TRY(anm_verify_description(v));
    ANM_TRY(anm_verify_config(v, v->dir));
    return v->options->against ? anm_verify_against(v) : ANM_OK;
}

static void close_all(anm_verifier *v) {
    for (size_t i = 0; i < v->part_count; i++) anm_program_close(v->parts[i].program);
    anm_llm_close(v->llm);
    anm_model_config_close(v->config);
}

static anm_verify_report *create_report(void) {
    anm_arena *arena = anm_arena_create();
    anm_verify_report *report = arena ? ANM_ARENA_NEW(arena, anm_verify_report) : NULL;
    if (report) report->arena = arena;
    else anm_arena_destroy(arena);
    return report;
}

anm_status anm_verify(const char *dir, const anm_verify_options *options,
                      anm_verify_report **report, anm_error *err) {
    anm_verify_options all;
    *report = NULL;
    anm_verify_options_init(&all);
    ANM_TRY(anm_options_take(&all, sizeof all, options, err));
    anm_verify_report *r = create_report();
    if (!r) return anm_fail_memory(err);
    anm_verifier v = {.dir = dir, .options = &all, .report = r, .arena = r->arena, .err = err};
    anm_status status = check_all(&v);
    close_all(&v);
    if (status == ANM_OK) *report = r;
    else anm_verify_report_free(r);
    return status;
}

size_t anm_verify_report_failed(const anm_verify_report *r) {
    return r->failed;
}

const anm_verify_check *anm_verify_report_check(const anm_verify_report *r, size_t index) {
    return index < r->checks.len ? r->checks.data[index] : NULL;
}

const anm_verify_comparison *anm_verify_report_comparison(const anm_verify_report *r) {
    return r->compared ? &r->comparison : NULL;
}

void anm_verify_report_free(anm_verify_report *r) {
    if (!r) return;
    anm_vec_free(&r->checks);
    anm_arena_destroy(r->arena);
}
