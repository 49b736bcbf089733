/* SPDX-License-Identifier: MIT */
/* A conversation in 30 lines: chat MODEL_DIR, questions on standard input, one a line. */
#include <stdio.h>
#include <string.h>

#include <anemone/anemone.h>

enum { TURNS = 64, LINE = 1024, ANSWER = 65536 };

/* Writes the answer as it comes, and keeps it for the next prompt. */
static int on_token(void *answer, const anm_token_event *event) {
    fwrite(event->text, 1, event->length, stdout);
    if (strlen(answer) + event->length < ANSWER) strncat(answer, event->text, event->length);
    return fflush(stdout);
}

int main(int argc, char **argv) {
    static char questions[TURNS][LINE], answers[TURNS][ANSWER];
    anm_chat_message messages[2 * TURNS];
    anm_chat_options chat;
    anm_encode_options encode;
    anm_generate_options options;
    anm_token_list prompt = {0};
    anm_llm *llm = NULL;
    anm_session *session = NULL;
    anm_error err = {ANM_OK, 0, "chat", "usage: chat MODEL_DIR", NULL};
    anm_chat_options_init(&chat);
    chat.add_generation_prompt = chat.python_text = 1;
    anm_encode_options_init(&encode);
    encode.add_special_tokens = false; /* the template writes them */
    encode.parse_special = true;
    anm_generate_options_init(&options);
    options.on_token = on_token;
    int ok = argc == 2 && anm_llm_open(argv[1], NULL, &llm, &err) == ANM_OK &&
             anm_session_create(llm, &session, &err) == ANM_OK;
    for (size_t n = 0; ok && n < TURNS && fgets(questions[n], LINE, stdin); n++) {
        char *text = NULL;
        size_t length;
        questions[n][strcspn(questions[n], "\n")] = '\0';
        messages[2 * n] = (anm_chat_message){"user", questions[n]};
        messages[2 * n + 1] = (anm_chat_message){"assistant", answers[n]};
        options.context = answers[n];
        ok = anm_chat_template_render(anm_llm_chat_template(llm), messages, 2 * n + 1, &chat, &text,
                                      &length, &err) == ANM_OK &&
             anm_tokenizer_encode(anm_llm_tokenizer(llm), text, length, &encode, &prompt, &err) ==
                 ANM_OK &&
             anm_generate(session, prompt.ids, prompt.len, &options, NULL, &err) == ANM_OK;
        anm_chat_text_free(text);
        putchar('\n');
    }
    if (!ok) fprintf(stderr, "%s: %s\n", err.where, err.message);
    anm_token_list_free(&prompt);
    anm_session_destroy(session);
    anm_llm_close(llm);
    return !ok;
}
