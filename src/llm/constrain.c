/* SPDX-License-Identifier: MIT */
/* A grammar's constraint as the hooks of a generation. */
#include "anemone/grammar.h"
#include "src/llm/llm.h"

static anm_status mask(void *context, float *logits, size_t count, anm_error *err) {
    return anm_constraint_mask(context, logits, count, err);
}

static anm_status accept(void *context, int32_t token, anm_error *err) {
    return anm_constraint_accept(context, token, err);
}

static int complete(void *context) {
    return anm_constraint_finished(context);
}

void anm_generate_constrain(anm_generate_options *options, anm_constraint *constraint) {
    options->constraint = (anm_constraint_hooks){constraint, mask, accept, complete};
    if (!constraint) options->constraint = (anm_constraint_hooks){.mask = NULL};
}
