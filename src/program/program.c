/* SPDX-License-Identifier: MIT */
/* Opening programs and describing them. Running: predict.c; states: state.c. */
#include "src/program/fast.h"

#include <string.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/mil/validate.h"

static anm_mil_value *mil_input(const anm_mil_function *f, const char *name) {
    for (size_t i = 0; i < f->input_count; i++)
        if (strcmp(f->inputs[i]->name, name) == 0) return f->inputs[i];
    return NULL;
}

static anm_mil_value *mil_output(const anm_mil_function *f, const char *name) {
    for (size_t i = 0; i < f->body->output_count; i++)
        if (strcmp(f->body->outputs[i]->name, name) == 0) return f->body->outputs[i];
    return NULL;
}

static anm_status disagree(const anm_function *f, const char *kind, const char *name,
                           const char *what, anm_error *err) {
    return anm_fail(err, ANM_ERROR_FORMAT, f->program->package->path,
                    "function %s: the interface's %s \"%s\" %s", f->name, kind, name, what);
}

/* The element type comes from the program where the interface cannot say it (an image). */
static anm_status check_input(const anm_function *f, anm_feature *feature, bool state,
                              anm_error *err) {
    const char *kind = state ? "state" : "input";
    const anm_mil_value *value = mil_input(f->mil, feature->name);
    if (!value) return disagree(f, kind, feature->name, "is not in the program", err);
    const anm_mil_type *type = value->type;
    if ((type->kind == ANM_MIL_STATE) != state)
        return disagree(f, kind, feature->name, "has another kind in the program", err);
    if (state) type = type->items[0];
    if (type->kind != ANM_MIL_TENSOR)
        return disagree(f, kind, feature->name, "is not a tensor in the program", err);
    if (feature->kind == ANM_FEATURE_IMAGE) feature->dtype = type->dtype;
    if (type->rank >= 0 && feature->rank != type->rank)
        return disagree(f, kind, feature->name, "has another rank in the program", err);
    return ANM_OK;
}

/* Interfaces often leave an output's shape out; the program knows it. */
static void complete_output(const anm_function *f, anm_feature *feature) {
    const anm_mil_value *value = mil_output(f->mil, feature->name);
    if (!value || value->type->kind != ANM_MIL_TENSOR) return;
    const anm_mil_type *type = value->type;
    if (feature->kind == ANM_FEATURE_TENSOR && feature->rank == 0 && type->rank > 0) {
        feature->rank = type->rank;
        memcpy(feature->shape, type->shape, sizeof feature->shape);
    }
    if (feature->dtype == ANM_DTYPE_NONE) feature->dtype = type->dtype;
}

static anm_status bind_function(anm_program *program, const anm_interface *face, anm_function *f,
                                anm_error *err) {
    *f = (anm_function){.program = program,
                        .name = face->name,
                        .inputs = face->inputs,
                        .outputs = face->outputs,
                        .states = face->states,
                        .input_count = face->input_count,
                        .output_count = face->output_count,
                        .state_count = face->state_count};
    const anm_mil_program *mil = program->package->program;
    f->mil = anm_mil_program_find(mil, face->name);
    /* A one-function model may call its function something else than "main". */
    if (!f->mil && !program->package->description.multi && mil->function_count == 1) {
        f->mil = mil->functions[0];
        f->name = f->mil->name;
    }
    if (!f->mil)
        return anm_fail(err, ANM_ERROR_FORMAT, program->package->path,
                        "the interface describes a function \"%s\" that the program lacks",
                        face->name);
    for (size_t i = 0; i < f->input_count; i++) ANM_TRY(check_input(f, &f->inputs[i], false, err));
    for (size_t i = 0; i < f->state_count; i++) ANM_TRY(check_input(f, &f->states[i], true, err));
    for (size_t i = 0; i < f->output_count; i++) complete_output(f, &f->outputs[i]);
    return ANM_OK;
}

static anm_status validate(const anm_program *program, anm_error *err) {
    anm_arena *arena = anm_arena_create();
    if (!arena) return anm_fail_memory(err);
    anm_status status = anm_mil_validate(program->package->program, arena, NULL, err);
    anm_arena_destroy(arena);
    if (status != ANM_OK) anm_fail_prefix(err, "%s", program->package->path);
    return status;
}

anm_status anm_program_bind(anm_program *program, anm_error *err) {
    const anm_description *d = &program->package->description;
    program->functions = anm_calloc(d->function_count, sizeof *program->functions);
    if (!program->functions) return anm_fail_memory(err);
    for (size_t i = 0; i < d->function_count; i++, program->function_count++)
        ANM_TRY(bind_function(program, &d->functions[i], &program->functions[i], err));
    return ANM_OK;
}

static anm_status open_program(anm_program *program, const char *path, anm_error *err) {
    ANM_TRY(anm_package_open(path, 0, &program->package, err));
    ANM_TRY(validate(program, err));
    return anm_program_bind(program, err);
}

anm_status anm_program_open(const char *path, anm_program **out, anm_error *err) {
    *out = NULL;
    anm_program *program = anm_calloc(1, sizeof *program);
    if (!program) return anm_fail_memory(err);
    pthread_mutex_init(&program->lock, NULL);
    anm_status status = open_program(program, path, err);
    if (status == ANM_OK) *out = program;
    else anm_program_close(program);
    return status;
}

void anm_program_close(anm_program *program) {
    if (!program) return;
    anm_program_release_wide(program);
    for (size_t i = 0; i < program->function_count; i++) {
        for (int p = 0; p < ANM_PRECISIONS; p++)
            anm_interp_destroy(program->functions[i].interps[p]);
        anm_plans_release(&program->functions[i]);
    }
    anm_free(program->functions);
    anm_package_close(program->package);
    anm_arena_destroy(program->arena);
    pthread_mutex_destroy(&program->lock);
    anm_free(program);
}

size_t anm_program_function_count(const anm_program *program) {
    return program->function_count;
}

const anm_function *anm_program_function_at(const anm_program *program, size_t index) {
    return index < program->function_count ? &program->functions[index] : NULL;
}

const anm_function *anm_program_function(const anm_program *program, const char *name) {
    if (!name && program->function_count == 1) return &program->functions[0];
    if (!name) name = program->package->description.default_function;
    for (size_t i = 0; i < program->function_count; i++)
        if (strcmp(program->functions[i].name, name) == 0) return &program->functions[i];
    return NULL;
}

const char *anm_function_name(const anm_function *function) {
    return function->name;
}

size_t anm_function_input_count(const anm_function *function) {
    return function->input_count;
}

const anm_feature *anm_function_input(const anm_function *function, size_t index) {
    return index < function->input_count ? &function->inputs[index] : NULL;
}

size_t anm_function_output_count(const anm_function *function) {
    return function->output_count;
}

const anm_feature *anm_function_output(const anm_function *function, size_t index) {
    return index < function->output_count ? &function->outputs[index] : NULL;
}

size_t anm_function_state_count(const anm_function *function) {
    return function->state_count;
}

const anm_feature *anm_function_state(const anm_function *function, size_t index) {
    return index < function->state_count ? &function->states[index] : NULL;
}

static const char *non_empty(const char *text) {
    return text && *text ? text : NULL;
}

const char *anm_program_metadata(const anm_program *program, const char *key) {
    const anm_description *d = &program->package->description;
    if (strcmp(key, "author") == 0) return non_empty(d->author);
    if (strcmp(key, "version") == 0) return non_empty(d->version);
    if (strcmp(key, "license") == 0) return non_empty(d->license);
    if (strcmp(key, "description") == 0) return non_empty(d->summary);
    for (size_t i = 0; i < d->user_count; i++)
        if (strcmp(d->user[i].key, key) == 0) return d->user[i].value;
    return NULL;
}

const char *anm_program_metadata_key(const anm_program *program, size_t index) {
    const anm_description *d = &program->package->description;
    return index < d->user_count ? d->user[index].key : NULL;
}

int anm_program_specification(const anm_program *program) {
    return program->package->program->spec_version;
}

anm_status anm_function_check_usable(const anm_function *f, anm_error *err) {
    if (!f->program->broken) return ANM_OK;
    return anm_fail(err, ANM_ERROR_ARGUMENT, f->program->package->path,
                    "opened to inspect only: %s", f->program->problems[0]);
}

anm_status anm_function_interp(const anm_function *f, anm_precision precision, anm_interp **out,
                               anm_error *err) {
    anm_function *own = (anm_function *)f; /* functions are const to callers only */
    anm_status status = ANM_OK;
    *out = NULL;
    pthread_mutex_lock(&own->program->lock);
    if (!own->interps[precision])
        status = anm_interp_create(f->mil, precision, &own->interps[precision], err);
    *out = own->interps[precision];
    pthread_mutex_unlock(&own->program->lock);
    return status;
}
