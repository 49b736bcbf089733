/* SPDX-License-Identifier: MIT */
/* anm_split: a package per function, made beside each other and put in place together. */
#include <string.h>
#include <strings.h>

#include "anemone/combine.h"
#include "src/package/combine.h"

typedef struct splitter {
    anm_arena *arena;
    anm_package *package;
    const char *out;
    bool existed; /* the output directory: packages are moved into it one by one */
    anm_staged_dir *staged;
    anm_error *err;
} splitter;

void anm_split_options_init(anm_split_options *options) {
    *options = (anm_split_options){.struct_size = sizeof *options};
}

/* "DIR/NAME.mlpackage"; NULL when memory is out. */
static const char *place_of(const splitter *s, const char *dir, const anm_mil_function *f) {
    return anm_arena_printf(s->arena, "%s/%s.mlpackage", dir, f->name);
}

/* Names come from the file: they must not lead elsewhere, nor to one file where case is one. */
static anm_status check_names(const splitter *s) {
    const anm_mil_program *program = s->package->program;
    for (size_t i = 0; i < program->function_count; i++) {
        const char *name = program->functions[i]->name;
        if (!*name || *name == '.' || strchr(name, '/') || strlen(name) > 200)
            return anm_fail(s->err, ANM_ERROR_UNSUPPORTED, s->package->path,
                            "the function name \"%s\" makes no file name", name);
        for (size_t k = 0; k < i; k++)
            if (strcasecmp(program->functions[k]->name, name) == 0)
                return anm_fail(s->err, ANM_ERROR_UNSUPPORTED, s->package->path,
                                "the functions %s and %s would have one file name on some file "
                                "systems",
                                program->functions[k]->name, name);
    }
    return ANM_OK;
}

/* Its functions are read from the source until the last package is in place. */
static anm_status check_source(const splitter *s, const char *place) {
    const char *source = s->package->path;
    if (!anm_path_within(place, source) && !anm_path_within(source, place)) return ANM_OK;
    return anm_fail(s->err, ANM_ERROR_ARGUMENT, place,
                    "would be written over or into the package that is split; choose another "
                    "directory");
}

static anm_status check_places(const splitter *s, bool overwrite) {
    const anm_mil_program *program = s->package->program;
    if (anm_path_within(s->out, s->package->path)) return check_source(s, s->out);
    if (s->existed && !anm_path_is_dir(s->out))
        return anm_fail(s->err, ANM_ERROR_ARGUMENT, s->out, "exists and is not a directory");
    for (size_t i = 0; s->existed && i < program->function_count; i++) {
        const char *place = place_of(s, s->out, program->functions[i]);
        const char *manifest = place ? anm_path_join(s->arena, place, "Manifest.json") : NULL;
        if (!manifest) return anm_fail_memory(s->err);
        if (!anm_path_exists(place)) continue;
        ANM_TRY(check_source(s, place));
        if (!overwrite)
            return anm_fail(s->err, ANM_ERROR_ARGUMENT, place,
                            "exists already; choose another directory or ask to overwrite");
        if (!anm_path_exists(manifest))
            return anm_fail(s->err, ANM_ERROR_ARGUMENT, place,
                            "is not a package, so it is not overwritten");
    }
    return ANM_OK;
}

static anm_status write_one(const splitter *s, anm_mil_function *f) {
    anm_pick pick = {.package = s->package, .function = f, .name = "main"};
    anm_description description = s->package->description;
    const char *place = place_of(s, anm_staged_dir_path(s->staged), f);
    if (!place) return anm_fail_memory(s->err);
    ANM_TRY(anm_pick_interface(&pick, s->err));
    anm_interface face = *pick.interface;
    face.name = description.default_function = "main";
    description.functions = &face;
    description.function_count = 1;
    description.multi = false;
    return anm_picks_write(&pick, 1, place, s->package->program->spec_version, &description,
                           s->err);
}

static anm_status move(const splitter *s, const anm_mil_function *f) {
    const char *from = place_of(s, anm_staged_dir_path(s->staged), f);
    const char *to = place_of(s, s->out, f);
    if (!from || !to) return anm_fail_memory(s->err);
    return anm_path_replace(from, to, s->err);
}

/* Releases the staging directory in every case. */
static anm_status put_in_place(splitter *s) {
    const anm_mil_program *program = s->package->program;
    anm_staged_dir *staged = s->staged;
    anm_status status = ANM_OK;
    if (!s->existed) {
        s->staged = NULL;
        return anm_staged_dir_commit(staged, s->err);
    }
    for (size_t i = 0; i < program->function_count && status == ANM_OK; i++)
        status = move(s, program->functions[i]);
    return status;
}

static anm_status split(splitter *s, const char *path, bool overwrite) {
    ANM_TRY(anm_package_open(path, 0, &s->package, s->err));
    const anm_mil_program *program = s->package->program;
    if (!*s->out)
        return anm_fail(s->err, ANM_ERROR_ARGUMENT, path, "the output directory has no name");
    if (!program->function_count)
        return anm_fail(s->err, ANM_ERROR_FORMAT, path, "the program has no functions");
    s->existed = anm_path_exists(s->out);
    ANM_TRY(check_names(s));
    ANM_TRY(check_places(s, overwrite));
    const char *stage = s->existed ? anm_path_join(s->arena, s->out, "anemone-split") : s->out;
    if (!stage) return anm_fail_memory(s->err);
    ANM_TRY(anm_staged_dir_open(stage, &s->staged, s->err));
    for (size_t i = 0; i < program->function_count; i++)
        ANM_TRY(write_one(s, program->functions[i]));
    return put_in_place(s);
}

anm_status anm_split(const char *path, const char *out_dir, const anm_split_options *options,
                     anm_error *err) {
    splitter s = {.arena = anm_arena_create(), .out = out_dir, .err = err};
    if (!s.arena) return anm_fail_memory(err);
    anm_status status = split(&s, path, options && options->overwrite);
    anm_staged_dir_abort(s.staged);
    anm_package_close(s.package);
    anm_arena_destroy(s.arena);
    return status;
}
