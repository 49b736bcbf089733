/* SPDX-License-Identifier: MIT */
#include "src/llm/role.h"

#include <stdio.h>
#include <string.h>

#include "src/base/str.h"

const anm_feature *anm_llm_find_input(const anm_function *f, const char *name) {
    for (size_t i = 0; i < anm_function_input_count(f); i++)
        if (strcmp(anm_function_input(f, i)->name, name) == 0) return anm_function_input(f, i);
    return NULL;
}

const anm_feature *anm_llm_find_state(const anm_function *f, const char *name) {
    for (size_t i = 0; i < anm_function_state_count(f); i++)
        if (strcmp(anm_function_state(f, i)->name, name) == 0) return anm_function_state(f, i);
    return NULL;
}

static bool gives_result(const anm_function *f) {
    return anm_llm_gives_winners(f) || (anm_function_output_count(f) &&
                                        strstr(anm_function_output(f, 0)->name, "logits"));
}

anm_llm_kind anm_llm_kind_of(const anm_function *f) {
    bool ids = anm_llm_find_input(f, "input_ids"), hidden = anm_llm_find_input(f, "hidden_states");
    bool mask = anm_llm_find_input(f, "causal_mask");
    if (ids && mask && gives_result(f)) return ANM_LLM_WHOLE;
    if (ids && !hidden) return ANM_LLM_EMBEDDINGS;
    if (hidden && mask) return ANM_LLM_CHUNK;
    return hidden && gives_result(f) ? ANM_LLM_HEAD : ANM_LLM_UNKNOWN;
}

int64_t anm_llm_tokens_of(const anm_function *f) {
    const anm_feature *hidden = anm_llm_find_input(f, "hidden_states");
    const anm_feature *ids = anm_llm_find_input(f, "input_ids");
    if (hidden) return hidden->rank == 3 ? hidden->shape[1] : 0;
    return ids && ids->rank == 2 ? ids->shape[1] : 0;
}

bool anm_llm_is_prefill(const anm_function *f, const char *file) {
    const char *name = anm_function_name(f);
    if (anm_llm_tokens_of(f) > 1 || anm_str_starts(name, "prefill")) return true;
    return !anm_str_starts(name, "infer") && strstr(file, "prefill") && !strstr(file, "infer");
}

void anm_llm_chunk_numbers(const char *file, size_t *number, size_t *total) {
    unsigned n = 1, of = 1;
    const char *mark = strstr(file, "_chunk_");
    if (mark && sscanf(mark, "_chunk_%2uof%2u", &n, &of) != 2) n = of = 1;
    *number = n;
    *total = of;
}
