/* SPDX-License-Identifier: MIT */
/*
 * Recognises, by the marks that a template writes, how its model calls tools and whether a prompt
 * leaves it reasoning.
 */
#include "src/hf/toolform.h"

static bool shows(anm_sv text, const char *mark) {
    size_t len = strlen(mark);
    for (const char *at = text.data, *end = text.data + text.len; (size_t)(end - at) >= len; at++) {
        at = memchr(at, mark[0], (size_t)(end - at) - len + 1);
        if (!at) return false;
        if (memcmp(at, mark, len) == 0) return true;
    }
    return false;
}

/* Qwen3-Coder and GLM write <tool_call> around XML, which is another form. */
static bool shows_qwen(anm_sv text) {
    return shows(text, "<tool_call>") && shows(text, "arguments") && !shows(text, "<function=") &&
           !shows(text, "<arg_key>");
}

static bool shows_llama(anm_sv text) {
    return (shows(text, "ipython") && shows(text, "\"parameters\"")) ||
           shows(text, "<|python_tag|>");
}

anm_tool_form anm_tool_form_in(anm_sv text) {
    if (shows(text, "<\xEF\xBD\x9Ctool\xE2\x96\x81sep\xEF\xBD\x9C>")) return ANM_TOOL_FORM_DEEPSEEK;
    if (shows_qwen(text)) return ANM_TOOL_FORM_QWEN;
    return shows_llama(text) ? ANM_TOOL_FORM_LLAMA : ANM_TOOL_FORM_NONE;
}

bool anm_prompt_opens_reasoning(const char *prompt, size_t len) {
    static const char mark[] = "<think>";
    while (len && strchr(" \n\t\r", prompt[len - 1])) len--;
    return len >= strlen(mark) && memcmp(prompt + len - strlen(mark), mark, strlen(mark)) == 0;
}
