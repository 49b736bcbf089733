/* SPDX-License-Identifier: MIT */
/*
 * Runs a grammar over bytes: an automaton whose states are made when they are first reached.
 *
 * A state is the set of places where the text can stand: byte nodes, each with a frame. A frame
 * is the set of returns, with their own frames, of all calls of a rule that began at the same
 * byte. Frames and states are stored once, so that equal ones have equal numbers, and ambiguous
 * grammars, which have exponentially many stacks, share them (a graph-structured stack).
 */
#ifndef ANM_GRAMMAR_MACHINE_H
#define ANM_GRAMMAR_MACHINE_H

#include "src/grammar/grammar_graph.h"
#include "src/grammar/pairsets.h"

#define ANM_STATE_DEAD 0u
#define ANM_STATE_FAILED UINT32_MAX

/* A return into a rule, to be called when all its callers are known. */
typedef struct anm_call {
    uint32_t rule;
    anm_pair link;
} anm_call;

typedef struct anm_machine {
    const anm_grammar *graph;
    anm_pair_sets frames, states;
    ANM_VEC(uint32_t) next; /* by state and class of byte; ANM_STATE_FAILED: not known yet */
    uint32_t start;
    /* Working memory of a step. */
    anm_pairs work, found, links;
    ANM_VEC(anm_call) calls;
    anm_pairs seen; /* hash set; frame UINT32_MAX: free */
    size_t seen_count;
} anm_machine;

ANM_MUST_CHECK anm_status anm_machine_init(anm_machine *m, const anm_grammar *graph,
                                           anm_error *err);
void anm_machine_free(anm_machine *m);

/* ANM_STATE_DEAD when the byte cannot come; ANM_STATE_FAILED when memory or the limit is out. */
uint32_t anm_machine_make(anm_machine *m, uint32_t state, uint32_t byte_class);
static inline uint32_t anm_machine_step(anm_machine *m, uint32_t state, unsigned char byte) {
    uint32_t c = m->graph->classes[byte];
    uint32_t to = m->next.data[(size_t)state * m->graph->class_count + c];
    return to == ANM_STATE_FAILED ? anm_machine_make(m, state, c) : to;
}
/* The state of the places in m->found, which get sorted; ANM_STATE_FAILED as above. */
uint32_t anm_machine_state(anm_machine *m);
/* Whether the text may end here, and whether it could go on. */
bool anm_machine_accepts(const anm_machine *m, uint32_t state);
bool anm_machine_continues(const anm_machine *m, uint32_t state);

/* States made so far. Many: time to forget them. */
static inline size_t anm_machine_size(const anm_machine *m) {
    return m->states.first.len - 1;
}
/* Forgets all states but the start and `*state`, whose new number it becomes. */
ANM_MUST_CHECK anm_status anm_machine_forget(anm_machine *m, uint32_t *state, anm_error *err);

#endif
