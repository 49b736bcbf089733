/* SPDX-License-Identifier: MIT */
/* Whether the parts make one model: the runner's own opinion, and their shared KV cache. */
#include "src/base/dtype.h"
#include "src/llm/llm.h"
#include "src/mil/ops.h"
#include "src/verify/verify_internal.h"

anm_status anm_verify_fit(anm_verifier *v) {
    anm_error error;
    if (anm_llm_open(v->model, NULL, &v->llm, &error) != ANM_OK)
        return anm_verify_note_error(v, "fit", v->model, &error,
                                     "the parts are not those of one conversion");
    return anm_verify_note(v, ANM_VERIFY_OK, "fit", v->model,
                           "%zu chunk%s; context %zu, batch %zu, hidden size %zu, %zu logits",
                           v->llm->chunk_count, v->llm->chunk_count == 1 ? "" : "s",
                           anm_llm_context_length(v->llm), anm_llm_batch_size(v->llm),
                           v->llm->hidden, anm_llm_vocab_size(v->llm));
}

/* ---- states ---- */

enum { MOST_ROWS = 4096, MOST_STATES = 8 };

/* A state by its name, and which function of which part writes each of its rows (axis 0). */
typedef struct state_use {
    const anm_feature *feature;
    const anm_function *first;
    const char *part; /* where it was met first */
    uint8_t writers[MOST_ROWS];
    size_t written; /* rows with a writer */
} state_use;

typedef struct state_table {
    state_use *uses;
    size_t count;
    bool unknown; /* a write whose rows are not constants */
} state_table;

static bool same_type(const anm_feature *a, const anm_feature *b) {
    return a->dtype == b->dtype && a->rank == b->rank &&
           memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0;
}

static state_use *find_use(state_table *t, const char *name) {
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->uses[i].feature->name, name) == 0) return &t->uses[i];
    return NULL;
}

/* The first element of a vector that is a constant, or joined from constants and others. */
static bool first_element(anm_mil_operand operand, int64_t *out) {
    const anm_mil_literal *l = anm_mil_operand_constant(operand);
    if (l && l->data && anm_mil_literal_elements(l) > 0) {
        *out = anm_element_get_int(l->type->dtype, l->data, 0);
        return true;
    }
    const anm_mil_op *op = operand.value ? operand.value->def : NULL;
    if (!op) return false;
    const char *argument = strcmp(op->type, "concat") == 0        ? "values"
                           : strcmp(op->type, "expand_dims") == 0 ? "x"
                                                                  : NULL;
    return argument && first_element(anm_mil_op_operand(op, argument), out);
}

/* The state that a value was read from. */
static const char *state_behind(anm_mil_operand operand) {
    const anm_mil_op *op = operand.value ? operand.value->def : NULL;
    if (!op || strcmp(op->type, "read_state") != 0) return NULL;
    anm_mil_operand state = anm_mil_op_operand(op, "input");
    return state.value ? state.value->name : NULL;
}

static bool note_write(void *context, anm_mil_op *op) {
    state_table *t = context;
    if (strcmp(op->type, "slice_update") != 0) return true;
    const char *name = state_behind(anm_mil_op_operand(op, "x"));
    state_use *use = name ? find_use(t, name) : NULL;
    if (!use) return true;
    const anm_mil_type *update = anm_mil_operand_type(anm_mil_op_operand(op, "update"));
    int64_t row, rows = update && update->rank == use->feature->rank ? update->shape[0] : 1;
    if (!first_element(anm_mil_op_operand(op, "begin"), &row) || row < 0 ||
        row + rows > use->feature->shape[0]) {
        t->unknown = true;
        return true;
    }
    for (int64_t i = row; i < row + rows; i++)
        if (use->writers[i] < UINT8_MAX) use->written += use->writers[i]++ == 0;
    return true;
}

/* Every state of a function is known from the parts before, with the same type, or new. */
static anm_status take_states(anm_verifier *v, state_table *t, const anm_verify_part *part,
                              const anm_function *f, bool *fine) {
    for (size_t i = 0; i < anm_function_state_count(f); i++) {
        const anm_feature *s = anm_function_state(f, i);
        state_use *use = find_use(t, s->name);
        if (!use && (t->count == MOST_STATES || s->rank < 1 || s->shape[0] > MOST_ROWS)) continue;
        if (!use) {
            use = &t->uses[t->count++];
            *use = (state_use){.feature = s, .first = f, .part = part->file};
        }
        if (same_type(use->feature, s)) continue;
        *fine = false;
        return anm_verify_note(v, ANM_VERIFY_FAILED, "state", part->file,
                               "state %s of function %s has another type or shape than in %s: the "
                               "KV cache cannot be shared; convert all parts with one --context",
                               s->name, anm_function_name(f), use->part);
    }
    return ANM_OK;
}

/* Writes of the functions that run one token at a time; prefill's are the same rows. */
static anm_status scan_part(anm_verifier *v, state_table *t, const anm_verify_part *part,
                            bool *fine) {
    for (size_t i = 0; i < anm_program_function_count(part->program) && *fine; i++) {
        const anm_function *f = anm_program_function_at(part->program, i);
        ANM_TRY(take_states(v, t, part, f, fine));
        if (strcmp(anm_function_name(f), "infer") == 0 && *fine)
            anm_mil_block_walk(f->mil->body, note_write, t);
    }
    return ANM_OK;
}

/* A layer's rows are written by one chunk and by one only: else a chunk is missing or doubled. */
static anm_status note_rows(anm_verifier *v, const state_table *t) {
    int64_t rows = 0;
    bool known = !t->unknown;
    for (size_t i = 0; i < t->count; i++) {
        const state_use *use = &t->uses[i];
        for (int64_t r = 0; r < use->feature->shape[0]; r++)
            if (use->written && use->writers[r] != 1)
                return anm_verify_note(v, ANM_VERIFY_FAILED, "state", v->dir,
                                       "row %lld of %s is written by %d chunks instead of one: a "
                                       "chunk is missing, doubled or of another model; convert "
                                       "the decoder again",
                                       (long long)r, use->feature->name, use->writers[r]);
        rows += use->feature->shape[0];
        known = known && use->written;
    }
    return anm_verify_note(v, ANM_VERIFY_OK, "state", v->dir,
                           "%zu state%s of %lld rows in all, the same in all parts%s", t->count,
                           t->count == 1 ? "" : "s", (long long)rows,
                           known ? ", each row written by one chunk" : "");
}

/* A package and its compiled form are one part: the runner takes the package. */
static bool is_shadowed(const anm_verifier *v, size_t index) {
    const char *file = v->parts[index].file;
    if (!anm_str_ends(file, ".mlmodelc")) return false;
    size_t stem = strlen(file) - strlen("mlmodelc");
    for (size_t i = 0; i < v->part_count; i++)
        if (i != index && strncmp(v->parts[i].file, file, stem) == 0) return true;
    return false;
}

anm_status anm_verify_states(anm_verifier *v) {
    state_table t = {.uses = ANM_ARENA_ARRAY(v->arena, state_use, MOST_STATES)};
    bool fine = true;
    if (!t.uses) return anm_fail_memory(v->err);
    for (size_t i = 0; i < v->part_count && fine; i++)
        if (v->parts[i].program && !is_shadowed(v, i))
            ANM_TRY(scan_part(v, &t, &v->parts[i], &fine));
    if (!fine || !v->llm) return ANM_OK;
    if (!t.count)
        return anm_verify_note(v, ANM_VERIFY_FAILED, "state", v->dir,
                               "no function has a KV cache state: the decoder is missing");
    return note_rows(v, &t);
}
