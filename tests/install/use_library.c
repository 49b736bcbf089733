/* SPDX-License-Identifier: MIT */
/*
 * What a user of the installed library writes, in the common part of C99 and C++11:
 * use_library CHECKPOINT OUT converts, opens, and prints six tokens.
 */
#include "anemone/anemone.h"

#include <stdio.h>
#include <string.h>

static int on_token(void *context, const anm_token_event *event) {
    ++*(int *)context;
    printf("%d ", (int)event->token);
    return 0;
}

static int fail(const anm_error *err) {
    fprintf(stderr, "%s: %s\n", err->where, err->message);
    return 1;
}

int main(int argc, char **argv) {
    const char *text = "Once upon a time";
    anm_error err;
    anm_llm *llm;
    anm_session *session;
    anm_token_list prompt;
    anm_generate_options options;
    int count = 0;
    if (argc != 3) return 64;
    memset(&prompt, 0, sizeof prompt);
    anm_generate_options_init(&options);
    options.max_tokens = 6;
    options.on_token = on_token;
    options.context = &count;
    if (anm_convert(argv[1], argv[2], NULL, NULL, &err) != ANM_OK) return fail(&err);
    if (anm_llm_open(argv[2], NULL, &llm, &err) != ANM_OK) return fail(&err);
    if (anm_session_create(llm, &session, &err) != ANM_OK) return fail(&err);
    if (anm_tokenizer_encode(anm_llm_tokenizer(llm), text, strlen(text), NULL, &prompt, &err) !=
        ANM_OK)
        return fail(&err);
    if (anm_generate(session, prompt.ids, prompt.len, &options, NULL, &err) != ANM_OK)
        return fail(&err);
    anm_token_list_free(&prompt);
    anm_session_destroy(session);
    anm_llm_close(llm);
    printf("(%d)\n", count);
    return 0;
}
