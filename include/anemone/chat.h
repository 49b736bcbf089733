/* SPDX-License-Identifier: MIT */
/*
 * From a conversation to a model's prompt, whatever its length: what no longer fits the context
 * is left out, the oldest turns first; the system prompt and the newest turn always stay.
 */
#ifndef ANEMONE_CHAT_H
#define ANEMONE_CHAT_H

#include "anemone/chat_template.h"
#include "anemone/llm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct anm_chat_fit_options {
    size_t struct_size;
    /* NULL (default): add_generation_prompt and python_text, as models are trained. */
    const anm_chat_options *chat;
    int64_t reserve; /* tokens to leave for the answer; -1 (default): a quarter of the context */
    /*
     * The cut moves by at least so many tokens; -1 (default): a quarter of the context. Between two
     * moves the prompts of a growing conversation begin alike, so that a session evaluates only
     * what is new. 0: no more is left out than must be, and every turn moves everything.
     */
    int64_t step;
} anm_chat_fit_options;
ANM_API void anm_chat_fit_options_init(anm_chat_fit_options *options);

/*
 * Renders the conversation with the model's chat template and encodes it into `prompt`. A turn is a
 * message of the role "user" and what follows up to the next one. Leading messages of the
 * roles "system" and "developer" are kept. *dropped (NULL: not wanted) is how many messages behind
 * them were left out. `options` may be NULL. If the newest turn leaves less than the reserve, that
 * is all that the answer gets; ANM_ERROR_LIMIT if it alone is longer than the context.
 * ANM_ERROR_NOT_FOUND without a tokenizer or a chat template.
 */
ANM_API ANM_MUST_CHECK anm_status anm_chat_fit(const anm_llm *llm,
                                               const anm_chat_message *messages, size_t count,
                                               const anm_chat_fit_options *options,
                                               anm_token_list *prompt, size_t *dropped,
                                               anm_error *err);
/*
 * The same for anm_chat_template_render_json(): an object with "messages", e.g. with tool calls,
 * and other variables; add_generation_prompt is set as the options say, if it is not there.
 */
ANM_API ANM_MUST_CHECK anm_status anm_chat_fit_json(const anm_llm *llm, const char *context_json,
                                                    size_t length,
                                                    const anm_chat_fit_options *options,
                                                    anm_token_list *prompt, size_t *dropped,
                                                    anm_error *err);

#ifdef __cplusplus
}
#endif

#endif
