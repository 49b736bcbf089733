/* SPDX-License-Identifier: MIT */
/* Answers one question: generate MODEL_DIR "Who are you?" */
#include <stdio.h>

#include <anemone/anemone.h>

static int fail(const anm_error *err) {
    char text[1024];
    anm_error_format(err, text, sizeof text);
    fprintf(stderr, "generate: %s\n", text);
    return 1;
}

static int on_token(void *context, const anm_token_event *event) {
    (void)context;
    fwrite(event->text, 1, event->length, stdout);
    fflush(stdout);
    return 0; /* anything else stops */
}

/* The question in the model's own chat format, as token ids. */
static anm_status make_prompt(const anm_llm *llm, const char *question, anm_token_list *prompt,
                              anm_error *err) {
    anm_chat_message message = {.role = "user", .content = question};
    anm_chat_options chat;
    anm_encode_options encode;
    char *text;
    size_t length;
    anm_chat_options_init(&chat);
    chat.add_generation_prompt = 1;
    chat.python_text = 1; /* as transformers rendered what models were trained on */
    anm_status status = anm_chat_template_render(anm_llm_chat_template(llm), &message, 1, &chat,
                                                 &text, &length, err);
    if (status != ANM_OK) return status;
    anm_encode_options_init(&encode);
    encode.add_special_tokens = false; /* the template wrote them */
    encode.parse_special = true;
    status = anm_tokenizer_encode(anm_llm_tokenizer(llm), text, length, &encode, prompt, err);
    anm_chat_text_free(text);
    return status;
}

static anm_status answer(const anm_llm *llm, const char *question, anm_error *err) {
    anm_session *session = NULL;
    anm_token_list prompt = {0};
    anm_generate_options options;
    anm_generate_options_init(&options);
    options.on_token = on_token;
    anm_status status = make_prompt(llm, question, &prompt, err);
    if (status == ANM_OK) status = anm_session_create(llm, &session, err);
    if (status == ANM_OK)
        status = anm_generate(session, prompt.ids, prompt.len, &options, NULL, err);
    putchar('\n');
    anm_session_destroy(session);
    anm_token_list_free(&prompt);
    return status;
}

int main(int argc, char **argv) {
    anm_error err;
    anm_llm *llm;
    if (argc != 3) {
        fprintf(stderr, "usage: generate MODEL_DIR QUESTION\n");
        return 64;
    }
    if (anm_llm_open(argv[1], NULL, &llm, &err) != ANM_OK) return fail(&err);
    if (!anm_llm_tokenizer(llm) || !anm_llm_chat_template(llm)) {
        fprintf(stderr, "generate: the model has no tokenizer or chat template\n");
        anm_llm_close(llm);
        return 1;
    }
    anm_status status = answer(llm, argv[2], &err);
    anm_llm_close(llm);
    return status == ANM_OK ? 0 : fail(&err);
}
