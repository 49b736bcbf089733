/* SPDX-License-Identifier: MIT */
/* What every prompt would wait for at first: plans, and weights on their way from the disk. */
#include "anemone/profile.h"
#include "src/llm/llm.h"

/* Functions of several rows wait for a prompt that needs them: which, only its length tells. */
static anm_status plan_functions(const anm_llm *llm, anm_error *err) {
    anm_predict_options options;
    anm_llm_part part;
    anm_llm_predict_options(llm, &options);
    for (size_t i = 0; anm_llm_part_at(llm, i, &part); i++)
        if (part.rows <= 1)
            ANM_TRY(anm_function_prepare(part.function, &options, err));
    return ANM_OK;
}

/* Of an embedding table only the rows of a prompt are read: it need not be in memory. */
static bool wanted_whole(const anm_llm *llm, const anm_program *program) {
    return anm_program_function_at(program, 0) != llm->embeddings;
}

typedef struct whole {
    anm_bytes_fn progress;
    void *context;
    uint64_t before, total; /* bytes: of the programs before this one, of all */
} whole;

static int tell_whole(void *context, uint64_t done, uint64_t total) {
    const whole *w = context;
    (void)total;
    return w->progress(w->context, w->before + done, w->total);
}

anm_status anm_llm_prepare(const anm_llm *llm, anm_bytes_fn progress, void *context,
                           anm_error *err) {
    whole w = {.progress = progress, .context = context};
    for (size_t i = 0; i < llm->program_count; i++)
        if (wanted_whole(llm, llm->programs[i]))
            w.total += anm_program_weight_bytes(llm->programs[i]);
    ANM_TRY(plan_functions(llm, err));
    for (size_t i = 0; i < llm->program_count; i++) {
        if (!wanted_whole(llm, llm->programs[i])) continue;
        ANM_TRY(anm_program_load_weights(llm->programs[i], progress ? tell_whole : NULL, &w, err));
        w.before += anm_program_weight_bytes(llm->programs[i]);
    }
    return ANM_OK;
}
