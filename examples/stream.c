/* SPDX-License-Identifier: MIT */
/*
 * Streaming: a callback gets each token and the text that it completes, and stops the answer.
 *
 *     stream MODEL_DIR TEXT TOKENS [--until WORD]
 *
 * continues the text; a line for each token: its id, then the text in quotes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <anemone/anemone.h>

typedef struct watcher {
    const char *until; /* NULL: nothing stops early */
    char seen[4096];
} watcher;

/* Pieces are whole UTF-8 characters, but a word may come in several: it is looked for in all. */
static int on_token(void *context, const anm_token_event *event) {
    watcher *w = context;
    printf("%d \"%.*s\"\n", (int)event->token, (int)event->length, event->text);
    if (strlen(w->seen) + event->length < sizeof w->seen)
        strncat(w->seen, event->text, event->length);
    return w->until && strstr(w->seen, w->until) != NULL; /* not 0 stops */
}

static const char *reason(anm_stop_reason stop) {
    switch (stop) {
    case ANM_STOP_TOKEN: return "the model ended";
    case ANM_STOP_LENGTH: return "enough tokens";
    case ANM_STOP_CONTEXT: return "the context is full";
    case ANM_STOP_CALLBACK: return "the callback stopped";
    default: return "another reason";
    }
}

static anm_status run(const anm_llm *llm, char **argv, watcher *w, anm_error *err) {
    anm_session *session = NULL;
    anm_token_list prompt = {0};
    anm_generate_options options;
    anm_generate_result result;
    anm_generate_options_init(&options);
    options.max_tokens = atoi(argv[3]);
    options.on_token = on_token;
    options.context = w;
    anm_status status = anm_tokenizer_encode(anm_llm_tokenizer(llm), argv[2], strlen(argv[2]),
                                             NULL, &prompt, err);
    if (status == ANM_OK) status = anm_session_create(llm, &session, err);
    if (status == ANM_OK)
        status = anm_generate(session, prompt.ids, prompt.len, &options, &result, err);
    if (status == ANM_OK)
        fprintf(stderr, "%d tokens: %s\n", (int)result.generated_tokens,
                reason(result.stop_reason));
    anm_session_destroy(session);
    anm_token_list_free(&prompt);
    return status;
}

int main(int argc, char **argv) {
    anm_error err;
    anm_llm *llm;
    watcher w = {0};
    if (argc == 6 && strcmp(argv[4], "--until") == 0) w.until = argv[5];
    else if (argc != 4) {
        fprintf(stderr, "usage: stream MODEL_DIR TEXT TOKENS [--until WORD]\n");
        return 64;
    }
    anm_status status = anm_llm_open(argv[1], NULL, &llm, &err);
    if (status == ANM_OK) {
        if (anm_llm_tokenizer(llm)) status = run(llm, argv, &w, &err);
        else fprintf(stderr, "stream: the model has no tokenizer\n");
        anm_llm_close(llm);
    }
    if (status != ANM_OK) fprintf(stderr, "stream: %s: %s\n", err.where, err.message);
    return status != ANM_OK;
}
