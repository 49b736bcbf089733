/* SPDX-License-Identifier: MIT */
#include "src/serve/served.h"

#include <string.h>

#include "src/base/alloc.h"
#include "src/base/file.h"
#include "src/base/json.h"

/* What the model's authors recommend; a file that is broken was refused by anm_llm_open. */
static anm_status read_defaults(anm_served *m, anm_error *err) {
    const char *path = anm_path_join(m->arena, m->path, "generation_config.json");
    json_t *root;
    int64_t top_k = 0;
    m->temperature = m->top_p = 1;
    if (!path) return anm_fail_memory(err);
    if (!anm_llm_gives_logits(m->llm)) m->temperature = 0;
    if (!anm_path_exists(path)) return ANM_OK;
    ANM_TRY(anm_json_load(path, &root, err));
    anm_status status = ANM_OK;
    if (anm_llm_gives_logits(m->llm))
        status = anm_json_get_double(root, "temperature", 1, &m->temperature, path, err);
    if (status == ANM_OK) status = anm_json_get_double(root, "top_p", 1, &m->top_p, path, err);
    if (status == ANM_OK) status = anm_json_get_int(root, "top_k", 0, &top_k, path, err);
    m->top_k = top_k > 0 && top_k < INT32_MAX ? (int)top_k : 0;
    if (!(m->temperature >= 0)) m->temperature = 1;
    if (!(m->top_p > 0 && m->top_p <= 1)) m->top_p = 1;
    json_decref(root);
    return status;
}

static anm_status open_llm(anm_served *m, const anm_server_options *options, anm_error *err) {
    ANM_TRY(anm_llm_open(m->path, &options->model, &m->llm, err));
    if (!anm_llm_tokenizer(m->llm))
        return anm_fail(err, ANM_ERROR_NOT_FOUND, m->path,
                        "there is no tokenizer.json beside the packages");
    /* The first request is to wait for no disk. */
    ANM_TRY(anm_llm_prepare(m->llm, NULL, NULL, err));
    m->slot_count = (size_t)options->sessions;
    m->slots = ANM_ARENA_ARRAY(m->arena, anm_slot, m->slot_count);
    if (!m->slots) return anm_fail_memory(err);
    return read_defaults(m, err);
}

static anm_status open_either(anm_served *m, const anm_server_options *options, anm_error *err) {
    bool encoder;
    m->created = time(NULL);
    ANM_TRY(anm_encoder_open(m->path, &options->model, &m->encoder, &encoder, err));
    return encoder ? ANM_OK : open_llm(m, options, err);
}

static anm_status name(anm_served *m, const char *given, anm_error *err) {
    const char *id = given;
    if (!id && m->llm) id = anm_llm_name(m->llm);
    if (!id) id = anm_path_base(m->arena, m->path);
    m->id = id ? anm_arena_strdup(m->arena, id) : NULL;
    return m->id ? ANM_OK : anm_fail_memory(err);
}

anm_status anm_served_open(const anm_server_model *model, const anm_server_options *options,
                           anm_served *out, anm_error *err) {
    *out = (anm_served){.arena = anm_arena_create()};
    if (!out->arena) return anm_fail_memory(err);
    out->path = anm_arena_strdup(out->arena, model->path);
    if (!out->path) return anm_fail_memory(err);
    ANM_TRY(open_either(out, options, err));
    return name(out, model->id, err);
}

void anm_served_close(anm_served *m) {
    for (size_t i = 0; i < m->slot_count && m->slots; i++) anm_session_destroy(m->slots[i].session);
    anm_encoder_close(m->encoder);
    anm_llm_close(m->llm);
    anm_arena_destroy(m->arena);
}

static size_t shared(const anm_slot *slot, const int32_t *tokens, size_t count) {
    if (!slot->session) return 0;
    size_t have, n = 0;
    const int32_t *held = anm_session_tokens(slot->session, &have);
    while (n < have && n < count && held[n] == tokens[n]) n++;
    return n;
}

/*
 * A session belongs to the conversation if more of it is kept than lost; otherwise the one that is
 * longest unused is taken, one never used first, so that a common system prompt does not make
 * every new conversation take the place of the same old one.
 */
static bool better(const anm_slot *a, size_t in_a, const anm_slot *b, size_t in_b) {
    if (in_a != in_b) return in_a > in_b;
    return a->used < b->used;
}

/* What counts as shared when a session is chosen. */
static size_t affinity(const anm_slot *slot, const int32_t *tokens, size_t count) {
    size_t have = 0, same = shared(slot, tokens, count);
    if (slot->session) anm_session_tokens(slot->session, &have);
    return 2 * same > have ? same : 0;
}

anm_status anm_served_take(anm_served *m, const int32_t *tokens, size_t count, anm_slot **out,
                           anm_error *err) {
    anm_slot *best = NULL;
    size_t most = 0;
    *out = NULL;
    for (size_t i = 0; i < m->slot_count; i++) {
        anm_slot *slot = &m->slots[i];
        if (slot->busy) continue;
        size_t same = affinity(slot, tokens, count);
        if (best && !better(slot, same, best, most)) continue;
        best = slot;
        most = same;
    }
    if (!best) return anm_fail(err, ANM_ERROR_INTERNAL, m->id, "no session is free");
    if (!best->session) ANM_TRY(anm_session_create(m->llm, &best->session, err));
    best->busy = true;
    best->used = ++m->takings;
    *out = best;
    return ANM_OK;
}

void anm_served_give(anm_slot *slot) {
    slot->busy = false;
}
