/* SPDX-License-Identifier: MIT */
/*
 * One step of the automaton: from the places behind a byte to all byte nodes that can be reached
 * without another one. First the old frames: splits, returns, calls noted down. Then the rules
 * called, callers before callees (by rank), so that a rule's frame is whole when it is entered.
 * A rule entered here that ends here was empty, and its callers have stepped over it already.
 */
#include "src/grammar/machine.h"

enum { MAX_PLACES = 1 << 16, MAX_STATES = 1 << 19 };

static bool seen_grow(anm_machine *m);

/* False when memory or the limit is out. A pair met before is not added again. */
static bool visit(anm_machine *m, uint32_t node, uint32_t frame) {
    if (!m->graph->productive[node]) return true;
    if (m->seen_count * 2 >= m->seen.len && !seen_grow(m)) return false;
    size_t mask = m->seen.len - 1;
    size_t at = ((uint64_t)node * 0x9E3779B97F4A7C15u + frame * 0xC2B2AE3D27D4EB4Fu) >> 20 & mask;
    for (; m->seen.data[at].frame != UINT32_MAX; at = (at + 1) & mask)
        if (m->seen.data[at].node == node && m->seen.data[at].frame == frame) return true;
    m->seen.data[at] = (anm_pair){node, frame};
    m->seen_count++;
    return m->seen_count < MAX_PLACES && anm_vec_push(&m->work, ((anm_pair){node, frame}));
}

static void seen_clear(anm_machine *m) {
    if (m->seen.len) memset(m->seen.data, 0xFF, m->seen.len * sizeof *m->seen.data);
    m->seen_count = 0;
}

static bool seen_grow(anm_machine *m) {
    size_t len = m->seen.len ? m->seen.len * 2 : 256;
    anm_pairs old = {0}, pending = m->work;
    bool ok = true;
    for (size_t i = 0; ok && i < m->seen.len; i++)
        if (m->seen.data[i].frame != UINT32_MAX) ok = anm_vec_push(&old, m->seen.data[i]);
    ok = ok && anm_vec_reserve(&m->seen, len);
    if (ok) m->seen.len = len;
    if (ok) seen_clear(m);
    m->work = (anm_pairs){0}; /* what visit adds is known already */
    for (size_t i = 0; ok && i < old.len; i++) ok = visit(m, old.data[i].node, old.data[i].frame);
    anm_vec_free(&m->work);
    m->work = pending;
    anm_vec_free(&old);
    return ok;
}

static bool note_call(anm_machine *m, uint32_t rule, uint32_t node, uint32_t frame) {
    return anm_vec_push(&m->calls, ((anm_call){rule, {node, frame}}));
}

static const anm_pair *links_of(const anm_machine *m, uint32_t frame, size_t *count) {
    uint32_t first = m->frames.first.data[frame];
    *count = m->frames.first.data[frame + 1] - first;
    return m->frames.pairs.data + first;
}

/* A call at the end of a rule returns to where the rule would: lists do not pile up frames. */
static bool call(anm_machine *m, const anm_node *node, uint32_t frame) {
    const anm_graph_rule *rule = &m->graph->rules.data[node->arg];
    size_t count;
    if (!m->graph->productive[rule->entry]) return true;
    if (rule->nullable && !visit(m, node->next, frame)) return false;
    if (node->next != ANM_AT_RETURN) return note_call(m, node->arg, node->next, frame);
    const anm_pair *links = links_of(m, frame, &count);
    for (size_t i = 0; i < count; i++)
        if (!note_call(m, node->arg, links[i].node, links[i].frame)) return false;
    return true;
}

static bool give_back(anm_machine *m, uint32_t frame) {
    size_t count;
    const anm_pair *links = links_of(m, frame, &count);
    for (size_t i = 0; i < count; i++)
        if (!visit(m, links[i].node, links[i].frame)) return false;
    return true;
}

/* Follows what is in `work`; `fresh` is the frame entered in this step, or UINT32_MAX. */
static bool follow(anm_machine *m, uint32_t fresh) {
    bool ok = true;
    while (ok && m->work.len) {
        anm_pair at = m->work.data[--m->work.len];
        const anm_node *node = &m->graph->nodes.data[at.node];
        switch (node->kind) {
        case ANM_NODE_RETURN: ok = at.frame == fresh || give_back(m, at.frame); break;
        case ANM_NODE_SPLIT:
            ok = visit(m, node->next, at.frame) && visit(m, node->arg, at.frame);
            break;
        case ANM_NODE_CALL: ok = call(m, node, at.frame); break;
        default: ok = anm_vec_push(&m->found, at); break; /* a byte, or the end of the text */
        }
    }
    return ok;
}

/* Takes the noted calls of the first rule in rank into `links`. */
static bool take_calls(anm_machine *m, uint32_t *rule) {
    const anm_graph_rule *rules = m->graph->rules.data;
    size_t kept = 0;
    *rule = m->calls.data[0].rule;
    for (size_t i = 1; i < m->calls.len; i++)
        if (rules[m->calls.data[i].rule].rank < rules[*rule].rank) *rule = m->calls.data[i].rule;
    m->links.len = 0;
    for (size_t i = 0; i < m->calls.len; i++) {
        if (m->calls.data[i].rule != *rule)
            m->calls.data[kept++] = m->calls.data[i];
        else if (!anm_vec_push(&m->links, m->calls.data[i].link))
            return false;
    }
    m->calls.len = kept;
    return true;
}

static bool enter_calls(anm_machine *m) {
    while (m->calls.len) {
        uint32_t rule, frame;
        if (!take_calls(m, &rule)) return false;
        frame = anm_pair_sets_intern(&m->frames, &m->links);
        if (frame == UINT32_MAX) return false;
        if (!visit(m, m->graph->rules.data[rule].entry, frame) || !follow(m, frame)) return false;
    }
    return true;
}

uint32_t anm_machine_state(anm_machine *m) {
    uint32_t state = anm_pair_sets_intern(&m->states, &m->found);
    size_t size = (m->states.first.len - 1) * m->graph->class_count;
    if (state == UINT32_MAX || m->states.first.len > MAX_STATES) return ANM_STATE_FAILED;
    if (m->next.len == size) return state;
    if (!anm_vec_reserve(&m->next, size)) return ANM_STATE_FAILED;
    memset(m->next.data + m->next.len, 0xFF, (size - m->next.len) * sizeof *m->next.data);
    m->next.len = size;
    return state;
}

/* Of what was visited so far. */
static uint32_t close_state(anm_machine *m) {
    bool ok = follow(m, UINT32_MAX) && enter_calls(m);
    uint32_t state = ok ? anm_machine_state(m) : ANM_STATE_FAILED;
    m->work.len = m->calls.len = 0;
    return state;
}

static void begin(anm_machine *m) {
    m->work.len = m->found.len = m->calls.len = 0;
    seen_clear(m);
}

uint32_t anm_machine_make(anm_machine *m, uint32_t state, uint32_t byte_class) {
    const anm_grammar *g = m->graph;
    unsigned byte = g->member[byte_class];
    begin(m);
    for (size_t i = m->states.first.data[state]; i < m->states.first.data[state + 1]; i++) {
        anm_pair place = m->states.pairs.data[i];
        const anm_node *node = &g->nodes.data[place.node];
        if (node->kind != ANM_NODE_BYTES || !anm_byte_set_has(&g->sets.data[node->arg], byte))
            continue;
        if (!visit(m, node->next, place.frame)) return ANM_STATE_FAILED;
    }
    uint32_t to = close_state(m);
    if (to != ANM_STATE_FAILED) m->next.data[(size_t)state * g->class_count + byte_class] = to;
    return to;
}

/* The root is called with a return to the end of the text. */
static uint32_t make_start(anm_machine *m) {
    begin(m);
    if (!note_call(m, m->graph->root, ANM_AT_ACCEPT, 0)) return ANM_STATE_FAILED;
    if (m->graph->rules.data[m->graph->root].nullable && !visit(m, ANM_AT_ACCEPT, 0))
        return ANM_STATE_FAILED;
    return close_state(m);
}

static anm_status start(anm_machine *m, anm_error *err) {
    uint32_t dead = ANM_STATE_FAILED;
    m->found.len = 0;
    bool ok = anm_pair_sets_init(&m->frames) && anm_pair_sets_init(&m->states);
    if (ok) dead = anm_machine_state(m);
    if (dead == ANM_STATE_DEAD) {
        memset(m->next.data, 0, m->next.len * sizeof *m->next.data);
        m->start = make_start(m);
    }
    return dead == ANM_STATE_DEAD && m->start != ANM_STATE_FAILED ? ANM_OK : anm_fail_memory(err);
}

anm_status anm_machine_init(anm_machine *m, const anm_grammar *graph, anm_error *err) {
    *m = (anm_machine){.graph = graph};
    return start(m, err);
}

void anm_machine_free(anm_machine *m) {
    anm_pair_sets_free(&m->frames);
    anm_pair_sets_free(&m->states);
    anm_vec_free(&m->next);
    anm_vec_free(&m->work);
    anm_vec_free(&m->found);
    anm_vec_free(&m->links);
    anm_vec_free(&m->calls);
    anm_vec_free(&m->seen);
}

bool anm_machine_accepts(const anm_machine *m, uint32_t state) {
    for (size_t i = m->states.first.data[state]; i < m->states.first.data[state + 1]; i++)
        if (m->states.pairs.data[i].node == ANM_AT_ACCEPT) return true;
    return false;
}

bool anm_machine_continues(const anm_machine *m, uint32_t state) {
    for (size_t i = m->states.first.data[state]; i < m->states.first.data[state + 1]; i++)
        if (m->states.pairs.data[i].node != ANM_AT_ACCEPT) return true;
    return false;
}
