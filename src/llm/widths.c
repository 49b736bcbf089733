/* SPDX-License-Identifier: MIT */
/*
 * Batches of more rows and of fewer than the packages have: prefill, rewritten by the program tier
 * for multiples and for parts of them, where that is proved equal to one call after the other. The
 * more rows, the less often weights are read and looked up; what bounds them is memory. Few rows
 * are for short prompts and the ends of long ones, which would fill a batch with padding. Each is
 * made when a prompt first needs it.
 */
#include <stdlib.h>
#include <string.h>

#include "src/llm/llm.h"
#include "src/program/wide.h"

enum { USUAL_ROWS = 512, USUAL_MASK = 1 << 21, USUAL_HIDDEN = 1 << 20 };
enum { LEAST_ROWS = 16, MOST_PADDING = 32 };

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

/* Sets what `width` has: functions of all chunks, the last of which still gives the last row. */
static anm_status make(anm_llm *llm, anm_llm_width *width, anm_error *err) {
    anm_wide_shape shape = {features, sizeof features / sizeof *features, (int64_t)llm->batch,
                            (int64_t)width->rows};
    bool gives_last = false;
    for (size_t i = 0; i < llm->chunk_count; i++) {
        anm_error refusal;
        const anm_function *f = llm->chunks[i].functions[ANM_LLM_PREFILL];
        anm_status status =
            anm_function_widen(f, &shape, &width->functions[i], &gives_last, &refusal);
        if (status == ANM_ERROR_UNSUPPORTED) {
            width->has = ANM_LLM_WIDTH_REFUSED;
            return ANM_OK;
        }
        if (status != ANM_OK && err) *err = refusal;
        if (status != ANM_OK) return status;
    }
    bool fits = gives_last || !llm->prefill_gives_last;
    width->has = fits ? ANM_LLM_WIDTH_FUNCTIONS : ANM_LLM_WIDTH_REFUSED;
    return ANM_OK;
}

/* `*out` is NULL where the packages cannot be proved to allow so many rows. */
static anm_status take(const anm_llm *llm, size_t index, const anm_llm_width **out,
                       anm_error *err) {
    anm_llm *own = (anm_llm *)llm; /* models are const to sessions only */
    anm_llm_width *width = &own->widths[index];
    anm_status status = ANM_OK;
    pthread_mutex_lock(&own->lock);
    if (width->has == ANM_LLM_WIDTH_NOTHING) status = make(own, width, err);
    *out = width->has == ANM_LLM_WIDTH_FUNCTIONS ? width : NULL;
    pthread_mutex_unlock(&own->lock);
    return status;
}

static anm_status add(anm_llm *llm, size_t rows, anm_error *err) {
    anm_llm_width *width = &llm->widths[llm->width_count++];
    *width = (anm_llm_width){.rows = rows};
    width->functions = ANM_ARENA_ARRAY(llm->arena, const anm_function *, llm->chunk_count);
    if (!width->functions) return anm_fail_memory(err);
    if (rows != llm->batch) return ANM_OK;
    width->has = ANM_LLM_WIDTH_FUNCTIONS;
    for (size_t i = 0; i < llm->chunk_count; i++)
        width->functions[i] = llm->chunks[i].functions[ANM_LLM_PREFILL];
    return ANM_OK;
}

/* From `rows` down: half of that, and half again, as multiples of the batch. */
static anm_status add_wide(anm_llm *llm, size_t rows, anm_error *err) {
    for (rows -= rows % llm->batch; rows > llm->batch && llm->width_count < ANM_LLM_WIDER;
         rows = rows / 2 / llm->batch * llm->batch)
        ANM_TRY(add(llm, rows, err));
    return ANM_OK;
}

static anm_status add_narrow(anm_llm *llm, anm_error *err) {
    for (size_t rows = llm->batch; rows % 2 == 0 && rows / 2 >= LEAST_ROWS; rows /= 2) {
        if (llm->width_count == ANM_LLM_MOST_WIDTHS) break;
        ANM_TRY(add(llm, rows / 2, err));
    }
    return ANM_OK;
}

anm_status anm_llm_widen(anm_llm *llm, int64_t option, anm_error *err) {
    size_t most = 0;
    llm->most_rows = llm->batch;
    ANM_TRY(wanted_rows(llm, option, &most, err));
    if (llm->batch < 2) return ANM_OK;
    /* The interpreter gains nothing by it. */
    bool interpreted = llm->engine == ANM_ENGINE_REFERENCE ||
                       (llm->engine == ANM_ENGINE_AUTO && llm->precision == ANM_PRECISION_FP32);
    bool others = most > 1 && (!interpreted || option);
    if (most > llm->window) most = llm->window;
    if (others) ANM_TRY(add_wide(llm, most, err));
    ANM_TRY(add(llm, llm->batch, err));
    if (others) ANM_TRY(add_narrow(llm, err));
    llm->most_rows = llm->widths[0].rows;
    return ANM_OK;
}

/*
 * Whether so many tokens are worth a pass of as many rows. Padding is computed as well, so of many
 * rows only so many may be padding as cost less than another pass. A pass of the fewest rows stands
 * against single steps: 16 rows cost as much as 6 of these in 4 bits, as 3 in fp16.
 */
static bool pays(const anm_llm_width *w, size_t tokens, bool least) {
    size_t padding = w->rows > tokens ? w->rows - tokens : 0;
    if (least) return tokens > w->rows / (w->rows > LEAST_ROWS ? 2 : 3);
    return padding <= MOST_PADDING && padding <= w->rows * 3 / 8;
}

anm_status anm_llm_width_choose(const anm_llm *llm, size_t tokens, size_t room,
                                const anm_llm_width **out, anm_error *err) {
    *out = NULL;
    for (size_t i = 0; i < llm->width_count && !*out; i++) {
        bool least = i + 1 == llm->width_count;
        if (llm->widths[i].rows <= room && pays(&llm->widths[i], tokens, least))
            ANM_TRY(take(llm, i, out, err));
    }
    return ANM_OK;
}

anm_status anm_llm_width_for(const anm_llm *llm, size_t tokens, const anm_llm_width **out,
                             anm_error *err) {
    *out = NULL;
    for (size_t i = llm->width_count; i-- > 0 && !*out;)
        if (llm->widths[i].rows >= tokens) ANM_TRY(take(llm, i, out, err));
    return ANM_OK;
}

const anm_llm_width *anm_llm_width_made(const anm_llm *llm, size_t index) {
    anm_llm *own = (anm_llm *)llm; /* models are const to sessions only */
    pthread_mutex_lock(&own->lock);
    bool made = llm->widths[index].has == ANM_LLM_WIDTH_FUNCTIONS;
    pthread_mutex_unlock(&own->lock);
    return made && llm->widths[index].rows != llm->batch ? &llm->widths[index] : NULL;
}
