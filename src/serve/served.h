/* SPDX-License-Identifier: MIT */
/* A model that the server offers, and the sessions it runs in. */
#ifndef ANM_SERVE_SERVED_H
#define ANM_SERVE_SERVED_H

#include <time.h>

#include "anemone/llm.h"
#include "anemone/serve.h"
#include "src/base/arena.h"
#include "src/serve/encoder.h"

/* A session and who uses it. The engine's thread alone touches it. */
typedef struct anm_slot {
    anm_session *session; /* NULL: not made yet */
    bool busy;
    uint64_t used; /* when it was last taken, counted in takings */
} anm_slot;

typedef struct anm_served {
    anm_arena *arena;
    const char *id, *path;
    time_t created;
    anm_llm *llm; /* one of these two */
    anm_encoder *encoder;
    double temperature, top_p; /* what generation_config.json says, else OpenAI's 1 and 1 */
    int top_k;
    anm_slot *slots;
    size_t slot_count;
    uint64_t takings;
    /* Under the scheduler's lock: */
    size_t running, waiting, sessions;
} anm_served;

/* Opens packages of a language model, or one package that is an encoder. */
ANM_MUST_CHECK anm_status anm_served_open(const anm_server_model *model,
                                          const anm_server_options *options, anm_served *out,
                                          anm_error *err);
void anm_served_close(anm_served *model);

/*
 * Takes the free session that shares most with these tokens, else one not made yet, else the one
 * that was not used for longest. There must be a free one.
 */
ANM_MUST_CHECK anm_status anm_served_take(anm_served *model, const int32_t *tokens, size_t count,
                                          anm_slot **out, anm_error *err);
void anm_served_give(anm_slot *slot);

#endif
