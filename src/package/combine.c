/* SPDX-License-Identifier: MIT */
/* anm_combine: which functions are meant, and whether one package can hold them together. */
#include "anemone/combine.h"

#include <string.h>

#include "src/package/combine.h"

enum { FIRST_MULTI_FUNCTION = 9 }; /* specification version of iOS 18 */

/* What a call holds on to: packages opened once each, and a pick per source. */
typedef struct job {
    anm_arena *arena;
    const anm_combine_source *sources;
    size_t count;
    anm_package **packages;
    size_t package_count;
    anm_pick *picks;
    anm_error *err;
} job;

void anm_combine_options_init(anm_combine_options *options) {
    *options = (anm_combine_options){.struct_size = sizeof *options};
}

static bool is_identifier(const char *name) {
    for (const char *p = name; *p; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_';
        if (!letter && !(*p >= '0' && *p <= '9' && p != name)) return false;
    }
    return *name != '\0';
}

/* "infer, prefill" of a package, for messages; cut if there are very many. */
static const char *function_names(anm_arena *arena, const anm_mil_program *program) {
    const char *text = "";
    for (size_t i = 0; text && i < program->function_count && i < 16; i++)
        text = anm_arena_printf(arena, "%s%s%s", text, i ? ", " : "", program->functions[i]->name);
    return text ? text : "";
}

static anm_status open_source(job *j, const char *path, anm_package **out) {
    for (size_t i = 0; i < j->package_count; i++) {
        *out = j->packages[i];
        if (strcmp((*out)->path, path) == 0) return ANM_OK;
    }
    ANM_TRY(anm_package_open(path, 0, out, j->err));
    j->packages[j->package_count++] = *out;
    return ANM_OK;
}

static anm_mil_function *default_function(const anm_package *package) {
    const anm_mil_program *program = package->program;
    if (program->function_count == 1) return program->functions[0];
    return anm_mil_program_find(program, package->description.default_function);
}

/* The table in the public header. */
static anm_status pick_function(job *j, const anm_combine_source *source, anm_pick *pick) {
    const anm_mil_program *program = pick->package->program;
    const char *wanted = source->function;
    pick->function = wanted ? anm_mil_program_find(program, wanted) : NULL;
    if (!wanted) {
        pick->function = default_function(pick->package);
        if (!pick->function)
            return anm_fail(j->err, ANM_ERROR_NOT_FOUND, source->path,
                            "has no default function: choose one of %s",
                            function_names(j->arena, program));
        pick->name = source->name ? source->name : pick->function->name;
    } else if (pick->function) {
        pick->name = source->name ? source->name : wanted;
    } else if (!source->name && program->function_count == 1) {
        pick->function = program->functions[0];
        pick->name = wanted;
    } else {
        return anm_fail(j->err, ANM_ERROR_NOT_FOUND, source->path,
                        "the package has no function \"%s\"; it has: %s", wanted,
                        function_names(j->arena, program));
    }
    if (strcmp(pick->name, pick->function->name) == 0 || is_identifier(pick->name)) return ANM_OK;
    return anm_fail(j->err, ANM_ERROR_ARGUMENT, source->path,
                    "\"%s\" cannot name a function: letters, digits and '_' can", pick->name);
}

static anm_status check_name(const job *j, size_t index) {
    const anm_pick *pick = &j->picks[index];
    for (size_t i = 0; i < index; i++)
        if (strcmp(j->picks[i].name, pick->name) == 0)
            return anm_fail(j->err, ANM_ERROR_ARGUMENT, j->sources[index].path,
                            "a second function would be named \"%s\" (the first is from %s): "
                            "give one of them another name",
                            pick->name, j->sources[i].path);
    return ANM_OK;
}

static const anm_mil_value *state_of(const anm_mil_function *f, const char *name) {
    for (size_t i = 0; i < f->input_count; i++)
        if (f->inputs[i]->type->kind == ANM_MIL_STATE && strcmp(f->inputs[i]->name, name) == 0)
            return f->inputs[i];
    return NULL;
}

static anm_status check_two_states(const job *j, const anm_pick *a, const anm_pick *b,
                                   const anm_mil_value *state) {
    char one[160], two[160];
    const anm_mil_value *other = state_of(b->function, state->name);
    if (!other || anm_mil_type_equal(state->type, other->type)) return ANM_OK;
    return anm_fail(j->err, ANM_ERROR_MISMATCH, b->package->path,
                    "function %s: state \"%s\" is %s, but %s in function %s of %s; functions of "
                    "one package share their states",
                    b->name, state->name, anm_mil_type_format(other->type, two, sizeof two),
                    anm_mil_type_format(state->type, one, sizeof one), a->name, a->package->path);
}

static anm_status check_states(const job *j, size_t index) {
    const anm_pick *b = &j->picks[index];
    for (size_t i = 0; i < index; i++) {
        const anm_pick *a = &j->picks[i];
        for (size_t k = 0; k < a->function->input_count; k++)
            if (a->function->inputs[k]->type->kind == ANM_MIL_STATE)
                ANM_TRY(check_two_states(j, a, b, a->function->inputs[k]));
    }
    return ANM_OK;
}

static anm_status pick_all(job *j) {
    j->packages = ANM_ARENA_ARRAY(j->arena, anm_package *, j->count);
    j->picks = ANM_ARENA_ARRAY(j->arena, anm_pick, j->count);
    if (!j->packages || !j->picks) return anm_fail_memory(j->err);
    for (size_t i = 0; i < j->count; i++) {
        anm_pick *pick = &j->picks[i];
        ANM_TRY(open_source(j, j->sources[i].path, &pick->package));
        ANM_TRY(pick_function(j, &j->sources[i], pick));
        ANM_TRY(check_name(j, i));
        ANM_TRY(check_states(j, i));
        ANM_TRY(anm_pick_interface(pick, j->err));
    }
    return ANM_OK;
}

static anm_status pick_default(const job *j, const char *wanted, const char **out) {
    *out = wanted ? wanted : j->picks[0].name;
    for (size_t i = 0; i < j->count; i++)
        if (strcmp(j->picks[i].name, *out) == 0) return ANM_OK;
    return anm_fail(j->err, ANM_ERROR_NOT_FOUND, NULL,
                    "the default function \"%s\" is none of those that are combined", *out);
}

static int highest_version(const job *j) {
    int version = FIRST_MULTI_FUNCTION;
    for (size_t i = 0; i < j->package_count; i++)
        if (j->packages[i]->program->spec_version > version)
            version = j->packages[i]->program->spec_version;
    return version;
}

/* A package may replace one that it is made of, but not lie in it, nor hold it. */
static anm_status check_sources(const job *j, const char *out) {
    for (size_t i = 0; i < j->count; i++) {
        const char *source = j->sources[i].path;
        bool inside = anm_path_within(out, source), around = anm_path_within(source, out);
        if (inside != around)
            return anm_fail(j->err, ANM_ERROR_ARGUMENT, out, "%s %s, which is to be combined",
                            inside ? "lies inside" : "holds", source);
    }
    return ANM_OK;
}

/* Overwriting removes what stands there: let it be a package, not somebody's directory. */
static anm_status check_output(const job *j, const char *out, bool overwrite) {
    const char *base = anm_path_base(j->arena, out);
    const char *manifest = anm_path_join(j->arena, out, "Manifest.json");
    if (!base || !manifest) return anm_fail_memory(j->err);
    if (!anm_str_ends(base, ".mlpackage") || base[0] == '.')
        return anm_fail(j->err, ANM_ERROR_ARGUMENT, out,
                        "the name of a package ends in \".mlpackage\"");
    ANM_TRY(check_sources(j, out));
    if (!anm_path_exists(out)) return ANM_OK;
    if (!overwrite)
        return anm_fail(j->err, ANM_ERROR_ARGUMENT, out,
                        "exists already; choose another name or ask to overwrite");
    if (!anm_path_exists(manifest))
        return anm_fail(j->err, ANM_ERROR_ARGUMENT, out,
                        "is not a package, so it is not overwritten");
    return ANM_OK;
}

static anm_status combine(job *j, const char *out, const anm_combine_options *options) {
    anm_description description;
    const char *standard;
    if (!j->count) return anm_fail(j->err, ANM_ERROR_ARGUMENT, out, "there is nothing to combine");
    ANM_TRY(check_output(j, out, options->overwrite));
    ANM_TRY(pick_all(j));
    ANM_TRY(pick_default(j, options->default_function, &standard));
    ANM_TRY(anm_picks_describe(j->arena, j->picks, j->count, standard, &description, j->err));
    return anm_picks_write(j->picks, j->count, out, highest_version(j), &description, j->err);
}

anm_status anm_combine(const anm_combine_source *sources, size_t count, const char *out,
                       const anm_combine_options *options, anm_error *err) {
    static const anm_combine_options standard = {.struct_size = sizeof standard};
    job j = {.arena = anm_arena_create(), .sources = sources, .count = count, .err = err};
    if (!j.arena) return anm_fail_memory(err);
    anm_status status = combine(&j, out, options ? options : &standard);
    for (size_t i = 0; i < j.package_count; i++) anm_package_close(j.packages[i]);
    anm_arena_destroy(j.arena);
    return status;
}
