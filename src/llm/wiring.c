/* SPDX-License-Identifier: MIT */
/*
 * Which package is what, and whether they fit. Roles come from the interfaces, not from file names:
 * input_ids gives hidden_states (embeddings); hidden_states with causal_mask gives hidden states
 * (a chunk); hidden_states gives logits (head). input_ids with causal_mask gives logits: everything
 * in one package: see role.c. The file name tells only a chunk's number, and prefill from infer
 * where both take one token.
 */
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/base/file.h"
#include "src/llm/role.h"

enum { MOST_CHUNKS = 99 };

typedef struct wiring {
    anm_llm *llm;
    const char *file; /* of the package at hand */
    const anm_llm_source *source;
    const anm_program *program;
    const char **paths; /* of llm->programs: one may be named twice */
    size_t expected_chunks;
    anm_error *err;
} wiring;

static anm_status fail(const wiring *w, const char *what) {
    return anm_fail(w->err, ANM_ERROR_MISMATCH, w->file, "%s", what);
}

/* Sets a size at the first sight and requires it ever after. */
static anm_status agree(const wiring *w, size_t *slot, int64_t value, const char *what) {
    if (value <= 0) return fail(w, "an interface has a dimension that is not known");
    if (!*slot) *slot = (size_t)value;
    if (*slot == (size_t)value) return ANM_OK;
    return anm_fail(w->err, ANM_ERROR_MISMATCH, w->file,
                    "%s is %lld here and %zu in the packages before", what, (long long)value,
                    *slot);
}

static anm_status take_embeddings(wiring *w, const anm_function *f) {
    const anm_feature *output = anm_function_output(f, 0);
    if (w->llm->embeddings) return fail(w, "a second package of embeddings");
    if (anm_function_output_count(f) != 1) return fail(w, "embeddings need one output");
    w->llm->embeddings = f;
    w->llm->embeddings_output = output->name;
    return output->rank == 3 ? agree(w, &w->llm->hidden, output->shape[2], "hidden size") : ANM_OK;
}

/* Logits from one function of a package and winners from another may stand side by side. */
static anm_status take_result(wiring *w, const anm_function *f) {
    anm_llm *llm = w->llm;
    if (!anm_llm_gives_winners(f)) return anm_llm_take_logits(llm, f, w->file, w->err);
    llm->winners = true;
    return anm_llm_take_winners(llm, w->program, f, w->file, w->err);
}

static anm_status take_head(wiring *w, const anm_function *f) {
    anm_llm *llm = w->llm;
    if (llm->head) return fail(w, "a second LM head");
    llm->head = f;
    ANM_TRY(take_result(w, f));
    const anm_feature *input = anm_llm_find_input(f, "hidden_states");
    return input->rank == 3 ? agree(w, &llm->hidden, input->shape[2], "hidden size") : ANM_OK;
}

static anm_status check_known_inputs(const wiring *w, const anm_function *f) {
    static const char *const known[] = {"hidden_states", "input_ids",   "position_ids",
                                        "causal_mask",   "current_pos", "update_mask"};
    for (size_t i = 0; i < anm_function_input_count(f); i++) {
        const char *name = anm_function_input(f, i)->name;
        bool ok = false;
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
            ok = ok || strcmp(name, known[k]) == 0;
        if (!ok)
            return anm_fail(w->err, ANM_ERROR_UNSUPPORTED, w->file,
                            "function %s takes the input \"%s\", which is not known here",
                            anm_function_name(f), name);
    }
    return ANM_OK;
}

/*
 * The session's buffers are sized by the rows and the context; an input that its interface makes
 * larger would be read beyond them. An unknown dimension counts as wrong.
 */
static anm_status check_sizes(const wiring *w, const anm_function *f, size_t rows) {
    const size_t context = w->llm->context;
    size_t mask;
    if (!anm_size_mul(rows, context, &mask) || mask > INT64_MAX)
        return fail(w, "context and batch are absurdly large");
    const struct {
        const char *name;
        size_t elements;
    } wanted[] = {{"position_ids", rows},
                  {"causal_mask", mask},
                  {"current_pos", 1},
                  {"update_mask", context}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const anm_feature *input = anm_llm_find_input(f, wanted[i].name);
        if (input && anm_shape_elements(input->shape, input->rank) != (int64_t)wanted[i].elements)
            return anm_fail(w->err, ANM_ERROR_MISMATCH, w->file,
                            "function %s: input \"%s\" should have %zu elements",
                            anm_function_name(f), wanted[i].name, wanted[i].elements);
    }
    return ANM_OK;
}

static const anm_feature *find_local_cache(const anm_function *f) {
    for (size_t i = 0; i < anm_function_state_count(f); i++)
        if (anm_str_ends(anm_function_state(f, i)->name, "kv_cache_local"))
            return anm_function_state(f, i);
    return NULL;
}

static anm_llm_role role_of(const anm_function *f, bool prefill) {
    bool rotate = anm_str_ends(anm_function_name(f), "_rotate");
    if (prefill) return rotate ? ANM_LLM_PREFILL_ROTATE : ANM_LLM_PREFILL;
    return rotate ? ANM_LLM_INFER_ROTATE : ANM_LLM_INFER;
}

/* Where the source says what its chunk is for, that is believed, within reason. */
static anm_status find_step(const wiring *w, const anm_function *f, int64_t tokens,
                            bool *prefill) {
    *prefill = w->source->step == ANM_LLM_STEP_PREFILL;
    if (w->source->step == ANM_LLM_STEP_ANY) *prefill = anm_llm_is_prefill(f, w->file);
    if (*prefill || tokens == 1) return ANM_OK;
    return anm_fail(w->err, ANM_ERROR_MISMATCH, w->file,
                    "function %s is to infer, but takes %lld tokens at a time instead of one",
                    anm_function_name(f), (long long)tokens);
}

/* A function that has layers, and takes `tokens` at a time. */
static anm_status take_layers(wiring *w, const anm_function *f, int64_t tokens) {
    anm_llm *llm = w->llm;
    const anm_feature *mask = anm_llm_find_input(f, "causal_mask");
    size_t number = w->source->chunk, total = w->source->chunks;
    bool prefill;
    if (!number) anm_llm_chunk_numbers(w->file, &number, &total);
    if (total < 1 || total > MOST_CHUNKS || number < 1 || number > total)
        return fail(w, "the file name has impossible chunk numbers");
    ANM_TRY(agree(w, &w->expected_chunks, (int64_t)total, "the number of chunks"));
    ANM_TRY(check_known_inputs(w, f));
    if (mask->rank != 4) return fail(w, "a causal mask has another rank than 4");
    ANM_TRY(agree(w, &llm->context, mask->shape[3], "context length"));
    ANM_TRY(find_step(w, f, tokens, &prefill));
    const anm_feature *local = find_local_cache(f);
    if (local && local->rank == 4)
        ANM_TRY(agree(w, &llm->window, local->shape[2], "the sliding window"));
    if (prefill) ANM_TRY(agree(w, &llm->batch, tokens, "prefill batch"));
    ANM_TRY(check_sizes(w, f, prefill ? llm->batch : 1));
    if (!anm_function_output_count(f)) return fail(w, "a chunk without outputs");
    anm_llm_chunk *chunk = &llm->chunks[number - 1];
    const anm_function **slot = &chunk->functions[role_of(f, prefill)];
    if (*slot) return fail(w, "a second package has the same chunk");
    *slot = f;
    if (number > llm->chunk_count) llm->chunk_count = number;
    return ANM_OK;
}

static anm_status take_chunk(wiring *w, const anm_function *f) {
    const anm_feature *hidden = anm_llm_find_input(f, "hidden_states");
    if (hidden->rank != 3) return fail(w, "a chunk's hidden states have another rank than 3");
    ANM_TRY(agree(w, &w->llm->hidden, hidden->shape[2], "hidden size"));
    return take_layers(w, f, hidden->shape[1]);
}

static anm_status take_whole(wiring *w, const anm_function *f) {
    const anm_feature *ids = anm_llm_find_input(f, "input_ids");
    if (ids->rank != 2) return fail(w, "token ids have another rank than 2");
    w->llm->monolithic = true;
    ANM_TRY(take_layers(w, f, ids->shape[1]));
    return take_result(w, f);
}

static anm_status take_function(wiring *w, const anm_function *f) {
    switch (anm_llm_kind_of(f)) {
    case ANM_LLM_WHOLE: return take_whole(w, f);
    case ANM_LLM_EMBEDDINGS: return take_embeddings(w, f);
    case ANM_LLM_CHUNK: return take_chunk(w, f);
    case ANM_LLM_HEAD: return take_head(w, f);
    case ANM_LLM_UNKNOWN: break;
    }
    return anm_fail(w->err, ANM_ERROR_UNSUPPORTED, w->file,
                    "function %s is neither embeddings, nor a chunk, nor an LM head: its inputs "
                    "and outputs are of no known kind",
                    anm_function_name(f));
}

/* Opened once, though several components may name it. */
static anm_status open_package(wiring *w, const char *path) {
    anm_llm *llm = w->llm;
    anm_program *program;
    for (size_t i = 0; i < llm->program_count; i++) {
        w->program = llm->programs[i];
        if (strcmp(w->paths[i], path) == 0) return ANM_OK;
    }
    ANM_TRY(anm_program_open(path, &program, w->err));
    w->paths[llm->program_count] = path;
    llm->programs[llm->program_count++] = program;
    w->program = program;
    return ANM_OK;
}

/* Of a package of several functions, a source for one step takes that step's only. */
static bool is_taken(const wiring *w, const anm_function *f) {
    const anm_llm_source *s = w->source;
    bool named = s->function_count == 0;
    for (size_t i = 0; i < s->function_count; i++)
        named = named || strcmp(s->functions[i], anm_function_name(f)) == 0;
    if (!named || s->step == ANM_LLM_STEP_ANY || anm_program_function_count(w->program) == 1)
        return named;
    return anm_llm_is_prefill(f, w->file) == (s->step == ANM_LLM_STEP_PREFILL);
}

static anm_status check_named(const wiring *w) {
    const anm_llm_source *s = w->source;
    for (size_t i = 0; i < s->function_count; i++)
        if (!anm_program_function(w->program, s->functions[i]))
            return anm_fail(w->err, ANM_ERROR_NOT_FOUND, w->file,
                            "it has no function \"%s\", which the configuration names",
                            s->functions[i]);
    return ANM_OK;
}

static anm_status take_source(wiring *w, const anm_llm_source *source) {
    w->source = source;
    w->file = source->file;
    ANM_TRY(open_package(w, source->path));
    ANM_TRY(check_named(w));
    /* Our converter's mark, on the last chunk: see docs/conversion.md. */
    const char *form = anm_program_metadata(w->program, "com.anemone.prefill_output");
    if (form && strcmp(form, "last_token") == 0) w->llm->prefill_gives_last = true;
    if (form && strcmp(form, "all_tokens") == 0) w->llm->prefill_gives_all = true;
    for (size_t i = 0; i < anm_program_function_count(w->program); i++) {
        const anm_function *f = anm_program_function_at(w->program, i);
        if (is_taken(w, f)) ANM_TRY(take_function(w, f));
    }
    return ANM_OK;
}

static bool has_role(const wiring *w, anm_llm_role role) {
    for (size_t i = 0; i < w->expected_chunks; i++)
        if (!w->llm->chunks[i].functions[role]) return false;
    return true;
}

static anm_status require_chunks(const wiring *w, anm_llm_role role, const char *name) {
    for (size_t i = 0; i < w->expected_chunks; i++)
        if (!w->llm->chunks[i].functions[role])
            return anm_fail(w->err, ANM_ERROR_MISMATCH, w->llm->dir,
                            "chunk %zu of %zu (function %s) is missing", i + 1,
                            w->expected_chunks, name);
    return ANM_OK;
}

/*
 * ANEMLL's own prefill_rotate lets the tokens of a batch see those after them: from packages that
 * are not ours, single steps are taken beyond the window.
 */
static anm_status check_window(wiring *w) {
    anm_llm *llm = w->llm;
    if (!llm->window || llm->window >= llm->context) {
        llm->window = llm->context;
        return ANM_OK;
    }
    llm->batches_rotate = (llm->prefill_gives_last || llm->prefill_gives_all) &&
                          has_role(w, ANM_LLM_PREFILL_ROTATE);
    return require_chunks(w, ANM_LLM_INFER_ROTATE, "infer_rotate");
}

/* Packages that take one token of a prompt at a time may be all there is. */
static void infer_by_prefill(wiring *w) {
    if (w->llm->batch != 1 || !has_role(w, ANM_LLM_PREFILL)) return;
    for (size_t i = 0; i < w->expected_chunks; i++) {
        const anm_function **functions = w->llm->chunks[i].functions;
        if (!functions[ANM_LLM_INFER]) functions[ANM_LLM_INFER] = functions[ANM_LLM_PREFILL];
    }
}

static anm_status check_functions(wiring *w) {
    infer_by_prefill(w);
    ANM_TRY(require_chunks(w, ANM_LLM_INFER, "infer"));
    if (!has_role(w, ANM_LLM_PREFILL)) w->llm->batch = 1;
    if (!w->llm->batch) w->llm->batch = 1;
    w->llm->prefills_singly = w->llm->batch == 1 && has_role(w, ANM_LLM_PREFILL) &&
                              !w->llm->prefill_gives_last;
    return check_window(w);
}

static anm_status check_complete(wiring *w) {
    const anm_llm *llm = w->llm;
    w->file = llm->dir;
    if (llm->monolithic && (llm->embeddings || llm->head))
        return fail(w, "a monolithic package stands beside packages of parts");
    if (llm->monolithic) return check_functions(w);
    if (!llm->embeddings) return fail(w, "the embeddings are missing (input_ids to hidden_states)");
    if (!llm->head) return fail(w, "the LM head is missing (hidden_states to logits)");
    if (!llm->chunk_count) return fail(w, "no FFN chunk is here (hidden_states and causal_mask)");
    return check_functions(w);
}

anm_status anm_llm_wire(anm_llm *llm, anm_error *err) {
    wiring w = {.llm = llm, .err = err};
    anm_llm_sources sources;
    ANM_TRY(anm_llm_list_sources(llm, &sources, err));
    llm->programs = ANM_ARENA_ARRAY(llm->arena, anm_program *, sources.count);
    llm->chunks = ANM_ARENA_ARRAY(llm->arena, anm_llm_chunk, MOST_CHUNKS);
    w.paths = ANM_ARENA_ARRAY(llm->arena, const char *, sources.count);
    if (!llm->programs || !llm->chunks || !w.paths) return anm_fail_memory(err);
    for (size_t i = 0; i < sources.count; i++) ANM_TRY(take_source(&w, &sources.items[i]));
    ANM_TRY(check_complete(&w));
    return anm_llm_settle_head(llm, err);
}
