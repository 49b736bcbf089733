/* SPDX-License-Identifier: MIT */
/*
 * The passes: each takes a graph and leaves one that means the same. They run in the order of one
 * list (pass.c).
 *
 * Environment: ANEMONE_PASS_SKIP names passes, separated by commas, that are left out ("all" is
 * every pass).
 */
#ifndef ANM_PASS_PASS_H
#define ANM_PASS_PASS_H

#include "src/pass/flow.h"

typedef struct anm_pass {
    const char *name;
    anm_status (*run)(anm_flow *g, anm_error *err);
    const char *doc; /* what it does, one line */
} anm_pass;

/* In the order in which they run; NULL past the end. */
const anm_pass *anm_pass_at(size_t index);

/* Whether a list of names, separated by commas, names it or "all"; NULL names nothing. */
bool anm_pass_listed(const char *list, const char *name);

typedef struct anm_pass_options {
    const char *skip; /* names, separated by commas; NULL: the environment's */
    bool validate;    /* check the graph after each pass; a failure is ANM_ERROR_INTERNAL */
    /* Told what each pass has left; another status than ANM_OK ends the passes. May be NULL. */
    anm_status (*after)(void *context, const char *pass, const anm_flow *g, anm_error *err);
    void *context;
} anm_pass_options;

/* Runs all passes. `options` may be NULL. */
ANM_MUST_CHECK anm_status anm_pass_run_all(anm_flow *g, const anm_pass_options *options,
                                           anm_error *err);

anm_status anm_pass_specialise(anm_flow *g, anm_error *err);
anm_status anm_pass_einsum(anm_flow *g, anm_error *err);
anm_status anm_pass_merge_equal(anm_flow *g, anm_error *err);
anm_status anm_pass_linear(anm_flow *g, anm_error *err);
anm_status anm_pass_sink_moves(anm_flow *g, anm_error *err);
anm_status anm_pass_join_moves(anm_flow *g, anm_error *err);
anm_status anm_pass_rms_norm(anm_flow *g, anm_error *err);
anm_status anm_pass_rope(anm_flow *g, anm_error *err);
anm_status anm_pass_softmax(anm_flow *g, anm_error *err);
anm_status anm_pass_cache(anm_flow *g, anm_error *err);
anm_status anm_pass_attention(anm_flow *g, anm_error *err);
anm_status anm_pass_spell_attention(anm_flow *g, anm_error *err);
anm_status anm_pass_gated(anm_flow *g, anm_error *err);
anm_status anm_pass_residual(anm_flow *g, anm_error *err);
anm_status anm_pass_linear_topk(anm_flow *g, anm_error *err);
anm_status anm_pass_sweep(anm_flow *g, anm_error *err);

#endif
