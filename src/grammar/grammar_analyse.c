/* SPDX-License-Identifier: MIT */
/*
 * What can be known of rules before running them:
 *   productive  the end can be reached, so that a prefix is never allowed that nothing completes;
 *   nullable    the rule matches the empty text, so a call of it may be stepped over;
 *   rank        an order in which a rule stands before those it may begin with. There is none
 *               where rules are left recursive, which is refused: running them would not end.
 */
#include "src/grammar/grammar_graph.h"
#include "src/grammar/grammar_place.h"

static bool productive_now(const anm_grammar *g, const anm_node *node) {
    const bool *p = g->productive;
    switch (node->kind) {
    case ANM_NODE_RETURN:
    case ANM_NODE_ACCEPT: return true;
    case ANM_NODE_BYTES: return p[node->next];
    case ANM_NODE_SPLIT: return p[node->next] || p[node->arg];
    case ANM_NODE_CALL: return p[node->next] && p[g->rules.data[node->arg].entry];
    default: return false;
    }
}

/* Nodes come after what follows them, so one pass mostly suffices; loops and calls need more. */
static bool find_productive(anm_grammar *g) {
    g->productive = anm_calloc(g->nodes.len, sizeof *g->productive);
    if (!g->productive) return false;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < g->nodes.len; i++) {
            if (g->productive[i] || !productive_now(g, &g->nodes.data[i])) continue;
            g->productive[i] = changed = true;
        }
    }
    return true;
}

static bool nullable_now(const anm_grammar *g, const bool *null, const anm_node *node) {
    switch (node->kind) {
    case ANM_NODE_RETURN: return true;
    case ANM_NODE_SPLIT: return null[node->next] || null[node->arg];
    case ANM_NODE_CALL: return null[node->next] && null[g->rules.data[node->arg].entry];
    default: return false;
    }
}

static bool find_nullable(anm_grammar *g) {
    bool *null = anm_calloc(g->nodes.len, sizeof *null);
    if (!null) return false;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < g->nodes.len; i++) {
            if (null[i] || !nullable_now(g, null, &g->nodes.data[i])) continue;
            null[i] = changed = true;
        }
    }
    for (size_t i = 0; i < g->rules.len; i++)
        g->rules.data[i].nullable = null[g->rules.data[i].entry];
    anm_free(null);
    return true;
}

/* --- ranks --- */

typedef struct edge_list {
    ANM_VEC(uint32_t) to; /* of all rules */
    uint32_t *first;      /* by rule, one more at the end */
    uint32_t *stamp;      /* by node: the rule that visited it, + 1 */
    ANM_VEC(uint32_t) work;
} edge_list;

/* The rules that this one may begin with. */
static bool gather(const anm_grammar *g, uint32_t rule, edge_list *edges) {
    bool ok = anm_vec_push(&edges->work, g->rules.data[rule].entry);
    while (ok && edges->work.len) {
        uint32_t at = edges->work.data[--edges->work.len];
        const anm_node *node = &g->nodes.data[at];
        if (edges->stamp[at] == rule + 1) continue;
        edges->stamp[at] = rule + 1;
        if (node->kind == ANM_NODE_SPLIT)
            ok = anm_vec_push(&edges->work, node->next) && anm_vec_push(&edges->work, node->arg);
        if (node->kind != ANM_NODE_CALL) continue;
        ok = anm_vec_push(&edges->to, node->arg);
        if (ok && g->rules.data[node->arg].nullable) ok = anm_vec_push(&edges->work, node->next);
    }
    return ok;
}

static bool gather_all(const anm_grammar *g, edge_list *edges) {
    edges->first = anm_calloc(g->rules.len + 1, sizeof *edges->first);
    edges->stamp = anm_calloc(g->nodes.len, sizeof *edges->stamp);
    if (!edges->first || !edges->stamp) return false;
    for (uint32_t i = 0; i < g->rules.len; i++) {
        if (!gather(g, i, edges)) return false;
        edges->first[i + 1] = (uint32_t)edges->to.len;
    }
    return true;
}

/* Depth first; `cursor` is the next edge to follow, `state` 0 new, 1 on the path, 2 done. */
typedef struct ranker {
    anm_grammar *graph;
    const edge_list *edges;
    uint32_t *cursor, *path;
    uint8_t *state;
    uint32_t next_rank;
} ranker;

/* UINT32_MAX, or a rule that leads to itself. */
static uint32_t rank_from(ranker *r, uint32_t start) {
    size_t depth = 0;
    if (r->state[start]) return UINT32_MAX;
    r->path[depth++] = start;
    r->state[start] = 1;
    while (depth) {
        uint32_t rule = r->path[depth - 1];
        if (r->cursor[rule] == r->edges->first[rule + 1]) {
            r->graph->rules.data[rule].rank = --r->next_rank;
            r->state[rule] = 2;
            depth--;
            continue;
        }
        uint32_t to = r->edges->to.data[r->cursor[rule]++];
        if (r->state[to] == 1) return to;
        if (r->state[to] == 2) continue;
        r->state[to] = 1;
        r->path[depth++] = to;
    }
    return UINT32_MAX;
}

static bool rank_all(ranker *r, uint32_t *recursive) {
    size_t count = r->graph->rules.len;
    r->cursor = anm_malloc(count * sizeof *r->cursor);
    r->path = anm_malloc(count * sizeof *r->path);
    r->state = anm_calloc(count, 1);
    bool ok = r->cursor && r->path && r->state;
    if (ok) memcpy(r->cursor, r->edges->first, count * sizeof *r->cursor);
    r->next_rank = (uint32_t)count;
    *recursive = UINT32_MAX;
    for (uint32_t i = 0; ok && i < count && *recursive == UINT32_MAX; i++)
        *recursive = rank_from(r, i);
    anm_free(r->cursor);
    anm_free(r->path);
    anm_free(r->state);
    return ok;
}

static bool find_ranks(anm_grammar *g, uint32_t *recursive) {
    edge_list edges = {0};
    ranker r = {.graph = g, .edges = &edges};
    bool ok = gather_all(g, &edges) && rank_all(&r, recursive);
    anm_vec_free(&edges.to);
    anm_vec_free(&edges.work);
    anm_free(edges.first);
    anm_free(edges.stamp);
    return ok;
}

static anm_status refuse_recursion(const anm_grammar_book *book, anm_sv lines, uint32_t rule,
                                   const char *where, anm_error *err) {
    const anm_grammar_rule *r = &book->rules.data[rule];
    if (!lines.data)
        return anm_fail(err, ANM_ERROR_FORMAT, where,
                        "the schema refers to itself with nothing in between");
    anm_text_place place = anm_text_place_of(lines, r->defined_at);
    return anm_fail_at(err, ANM_ERROR_FORMAT, where, r->defined_at,
                       "line %zu, column %zu: the rule \"%.*s\" is left recursive: it can begin "
                       "with itself; write the repetition with * instead",
                       place.line, place.column, ANM_SV(r->name));
}

anm_status anm_graph_analyse(anm_grammar *g, const anm_grammar_book *book, anm_sv lines,
                             const char *where, anm_error *err) {
    uint32_t recursive;
    if (!find_productive(g) || !find_nullable(g) || !find_ranks(g, &recursive))
        return anm_fail_memory(err);
    if (recursive != UINT32_MAX) return refuse_recursion(book, lines, recursive, where, err);
    if (g->productive[g->rules.data[g->root].entry]) return ANM_OK;
    return anm_fail(err, ANM_ERROR_FORMAT, where,
                    lines.data ? "no text matches the rule \"root\": it never comes to an end"
                               : "no value is valid under the schema");
}
