/* SPDX-License-Identifier: MIT */
/*
 * Weights stored once: what the functions of a part have in common must be the same blobs, and a
 * compiled model must hold the weights of the package beside it.
 */
#include "src/base/map.h"
#include "src/verify/verify_internal.h"

enum { LARGE = 4096 /* bytes; small constants may well differ */ };

/* Large blobs of one function, held against those of another. A blob is where its data lies. */
typedef struct blob_set {
    anm_map map;
    anm_arena *arena;
    const struct blob_set *known; /* NULL: everything is new */
    uint64_t bytes, new_bytes;
    bool failed;
} blob_set;

static bool add_blob(void *context, const anm_mil_literal *l) {
    blob_set *s = context;
    const void **key = ANM_ARENA_NEW(s->arena, const void *);
    if (!key) return !(s->failed = true);
    *key = l->data;
    anm_sv name = {(const char *)key, sizeof *key};
    if (l->bytes < LARGE || anm_map_get(&s->map, name, NULL)) return true;
    if (!anm_map_put(&s->map, name, 1)) return !(s->failed = true);
    s->bytes += l->bytes;
    if (s->known && !anm_map_get(&s->known->map, name, NULL)) s->new_bytes += l->bytes;
    return true;
}

/* The function that runs one token at a time has all weights; prefill may do with fewer. */
static const anm_mil_function *base_function(const anm_mil_program *p) {
    for (size_t i = 0; i < p->function_count; i++)
        if (anm_str_starts(p->functions[i]->name, "infer")) return p->functions[i];
    return p->functions[0];
}

/* Masks and tables of a function's own are fine; its own copy of the weights is not. */
static anm_status compare_functions(anm_verifier *v, const anm_verify_part *part,
                                    anm_arena *arena) {
    const anm_mil_program *p = part->program->package->program;
    const anm_mil_function *base = base_function(p);
    blob_set all = {.arena = arena};
    anm_status status = ANM_OK;
    size_t apart = 0;
    anm_verify_each_blob(base->body ? base : p->functions[0], add_blob, &all);
    for (size_t i = 0; i < p->function_count && status == ANM_OK && !all.failed; i++) {
        blob_set own = {.arena = arena, .known = &all};
        if (p->functions[i] != base) anm_verify_each_blob(p->functions[i], add_blob, &own);
        all.failed = own.failed;
        if (own.new_bytes > all.bytes / 10 && ++apart == 1)
            status = anm_verify_note(v, ANM_VERIFY_FAILED, "sharing", part->file,
                                     "function %s has %.1f MB of weights that %s does not name: "
                                     "they are stored twice or differ; combine the parts again "
                                     "(anemone combine)",
                                     p->functions[i]->name, (double)own.new_bytes / 1e6,
                                     base->name);
        anm_map_free(&own.map);
    }
    anm_map_free(&all.map);
    if (all.failed) return anm_fail_memory(v->err);
    if (status != ANM_OK || apart) return status;
    return anm_verify_note(v, ANM_VERIFY_OK, "sharing", part->file,
                           "%zu functions name the same %.1f MB of weights", p->function_count,
                           (double)all.bytes / 1e6);
}

anm_status anm_verify_sharing(anm_verifier *v, const anm_verify_part *part) {
    if (part->program->package->program->function_count < 2) return ANM_OK;
    anm_arena *arena = anm_arena_create();
    if (!arena) return anm_fail_memory(v->err);
    anm_status status = compare_functions(v, part, arena);
    anm_arena_destroy(arena);
    return status;
}

/* ---- a package and its compiled form ---- */

static const anm_verify_part *find_package_of(const anm_verifier *v, const anm_verify_part *part) {
    size_t stem = strlen(part->file) - strlen(".mlmodelc");
    for (size_t i = 0; i < v->part_count; i++) {
        const char *file = v->parts[i].file;
        if (anm_str_ends(file, ".mlpackage") && strlen(file) == stem + strlen(".mlpackage") &&
            strncmp(file, part->file, stem) == 0)
            return &v->parts[i];
    }
    return NULL;
}

static bool same_blobs(const anm_package *a, const anm_package *b) {
    if (a->blob_count != b->blob_count) return false;
    for (size_t i = 0; i < a->blob_count; i++) {
        const anm_mapping *x = &a->blobs[i].mapping, *y = &b->blobs[i].mapping;
        bool same = x->size == y->size && memcmp(x->data, y->data, x->size) == 0;
        anm_mapping_drop(x, 0, x->size);
        anm_mapping_drop(y, 0, y->size);
        if (!same) return false;
    }
    return true;
}

anm_status anm_verify_compiled(anm_verifier *v, const anm_verify_part *part) {
    if (!part->program->package->compiled) return ANM_OK;
    const anm_verify_part *source = find_package_of(v, part);
    if (!source || !source->program) return ANM_OK;
    if (same_blobs(part->program->package, source->program->package) &&
        anm_program_function_count(part->program) == anm_program_function_count(source->program))
        return anm_verify_note(v, ANM_VERIFY_OK, "compiled", part->file,
                               "it has the functions and weights of %s", source->file);
    return anm_verify_note(v, ANM_VERIFY_FAILED, "compiled", part->file,
                           "its functions or weights are not those of %s: compile that again "
                           "(anemone compile --overwrite)",
                           source->file);
}
