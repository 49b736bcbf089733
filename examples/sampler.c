/* SPDX-License-Identifier: MIT */
/*
 * A sampler of one's own on the logits: the most likely token that was not among the last N.
 *
 *     sampler MODEL_DIR TEXT TOKENS N
 *
 * prints the ids; with N 0 they are those of greedy decoding. The session does the rest: sync for
 * the prompt, logits to look at, append for what was chosen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <anemone/anemone.h>

static int is_recent(const int32_t *tokens, size_t count, size_t window, int32_t id) {
    for (size_t i = count > window ? count - window : 0; i < count; i++)
        if (tokens[i] == id) return 1;
    return 0;
}

static int32_t choose(const anm_session *session, size_t vocab, size_t window) {
    size_t count;
    const float *logits = anm_session_logits(session);
    const int32_t *tokens = anm_session_tokens(session, &count);
    int32_t best = -1;
    for (size_t i = 0; logits && i < vocab; i++)
        if ((best < 0 || logits[i] > logits[best]) &&
            !is_recent(tokens, count, window, (int32_t)i))
            best = (int32_t)i;
    return best;
}

static int is_stop(const anm_llm *llm, int32_t id) {
    size_t count;
    const int32_t *ids = anm_llm_stop_ids(llm, &count);
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id) return 1;
    return id < 0;
}

static anm_status run(const anm_llm *llm, char **argv, anm_error *err) {
    anm_token_list prompt = {0};
    anm_session *session = NULL;
    size_t window = (size_t)strtoul(argv[4], NULL, 10);
    anm_status status = anm_tokenizer_encode(anm_llm_tokenizer(llm), argv[2], strlen(argv[2]),
                                             NULL, &prompt, err);
    if (status == ANM_OK) status = anm_session_create(llm, &session, err);
    if (status == ANM_OK) status = anm_session_sync(session, prompt.ids, prompt.len, err);
    for (int n = atoi(argv[3]); status == ANM_OK && n > 0; n--) {
        int32_t id = choose(session, anm_llm_vocab_size(llm), window);
        if (is_stop(llm, id)) break;
        printf("%d\n", (int)id);
        if (n > 1) status = anm_session_append(session, id, err);
    }
    anm_session_destroy(session);
    anm_token_list_free(&prompt);
    return status;
}

int main(int argc, char **argv) {
    anm_error err;
    anm_llm *llm;
    if (argc != 5) {
        fprintf(stderr, "usage: sampler MODEL_DIR TEXT TOKENS N\n");
        return 64;
    }
    anm_status status = anm_llm_open(argv[1], NULL, &llm, &err);
    if (status == ANM_OK) {
        if (anm_llm_tokenizer(llm) && anm_llm_gives_logits(llm)) status = run(llm, argv, &err);
        else fprintf(stderr, "sampler: the model has no tokenizer, or gives no logits\n");
        anm_llm_close(llm);
    }
    if (status != ANM_OK) fprintf(stderr, "sampler: %s: %s\n", err.where, err.message);
    return status != ANM_OK;
}
