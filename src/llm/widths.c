/* SPDX-License-Identifier: MIT */
/*
 * Batches of more rows than the packages have: prefill, rewritten by the program tier for
 * multiples of them, where that is proved equal to one call after the other. The more rows, the
 * less often weights are read and looked up; what bounds them is memory.
 */
#include <stdlib.h>
#include <string.h>

#include "src/llm/llm.h"
#include "src/program/wide.h"

enum { USUAL_ROWS = 512, USUAL_MASK = 1 << 21, USUAL_HIDDEN = 1 << 20 };

static const anm_wide_feature features[] = {
    {"hidden_states", ANM_WIDE_DATA, 1},        {"input_ids", ANM_WIDE_DATA, 1},
    {"position_ids", ANM_WIDE_POSITIONS, 0}, {"causal_mask", ANM_WIDE_MASK, 2},
    {"current_pos", ANM_WIDE_BEGIN, 0},
};

/* As many as there is memory for without a thought: masks of 8 MB, hidden states of 4. */
static size_t usual_rows(const anm_llm *llm) {
    size_t rows = USUAL_ROWS, hidden = llm->hidden ? llm->hidden : 1;
    while (rows > llm->batch && (rows * llm->context > USUAL_MASK || rows * hidden > USUAL_HIDDEN))
        rows /= 2;
    return rows;
}

static anm_status wanted_rows(const anm_llm *llm, int64_t option, size_t *out, anm_error *err) {
    const char *text = getenv("ANEMONE_PREFILL_ROWS");
    if (option < 0)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "prefill_rows", "%lld rows cannot be",
                        (long long)option);
    *out = option ? (size_t)option : usual_rows(llm);
    if (option || !text || !*text) return ANM_OK;
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end || value < 1 || value > INT32_MAX)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "ANEMONE_PREFILL_ROWS",
                        "\"%s\" is no number of rows", text);
    *out = (size_t)value;
    return ANM_OK;
}

/* `*ok`: all chunks have it, and the last one still gives the last row where it did. */
static anm_status widen_chunks(anm_llm *llm, anm_llm_width *width, bool *ok, anm_error *err) {
    anm_wide_shape shape = {features, sizeof features / sizeof *features, (int64_t)llm->batch,
                            (int64_t)width->rows};
    width->functions = ANM_ARENA_ARRAY(llm->arena, const anm_function *, llm->chunk_count);
    if (!width->functions) return anm_fail_memory(err);
    *ok = true;
    bool gives_last = false;
    for (size_t i = 0; i < llm->chunk_count && *ok; i++) {
        anm_error refusal;
        const anm_function *f = llm->chunks[i].functions[ANM_LLM_PREFILL];
        anm_status status =
            anm_function_widen(f, &shape, &width->functions[i], &gives_last, &refusal);
        *ok = status == ANM_OK;
        if (status == ANM_OK || status == ANM_ERROR_UNSUPPORTED) continue;
        if (err) *err = refusal;
        return status;
    }
    if (llm->prefill_gives_last && !gives_last) *ok = false;
    return ANM_OK;
}

anm_status anm_llm_widen(anm_llm *llm, int64_t option, anm_error *err) {
    size_t most = 0;
    bool ok = true;
    llm->most_rows = llm->batch;
    ANM_TRY(wanted_rows(llm, option, &most, err));
    /* The interpreter gains nothing by it. */
    bool interpreted = llm->engine == ANM_ENGINE_REFERENCE ||
                       (llm->engine == ANM_ENGINE_AUTO && llm->precision == ANM_PRECISION_FP32);
    if (llm->batch < 2 || (interpreted && !option)) return ANM_OK;
    if (most > llm->window) most = llm->window;
    for (size_t rows = most / llm->batch * llm->batch; rows > llm->batch && ok;) {
        anm_llm_width *width = &llm->widths[llm->width_count];
        *width = (anm_llm_width){.rows = rows};
        ANM_TRY(widen_chunks(llm, width, &ok, err));
        if (ok && rows > llm->most_rows) llm->most_rows = rows;
        llm->width_count += ok;
        if (llm->width_count == ANM_LLM_MOST_WIDTHS) break;
        rows = rows / 2 / llm->batch * llm->batch;
    }
    return ANM_OK;
}

const anm_llm_width *anm_llm_width_for(const anm_llm *llm, size_t rows) {
    const anm_llm_width *found = NULL;
    for (size_t i = 0; i < llm->width_count && llm->widths[i].rows >= rows; i++)
        found = &llm->widths[i];
    return rows > llm->batch ? found : NULL;
}
