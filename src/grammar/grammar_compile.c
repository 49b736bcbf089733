/* SPDX-License-Identifier: MIT */
/*
 * Expressions to the graph, each compiled in front of what follows it. A class of characters
 * beyond ASCII becomes a rule of its own, so that repetitions copy one call and not its dozen
 * nodes.
 */
#include "src/grammar/grammar_graph.h"
#include "src/grammar/grammar_place.h"

enum { MAX_NODES = 1 << 19, MAX_WORK = 1 << 22, MAX_RULES = 1 << 16 };

typedef struct compiler {
    anm_grammar *graph;
    anm_map classes; /* key: ranges; value: the class's rule */
    size_t work; /* calls so far: bounds repetitions of repetitions */
} compiler;

uint32_t anm_graph_node(anm_grammar *graph, anm_node_kind kind, uint32_t next, uint32_t arg) {
    if (anm_vec_push(&graph->nodes, ((anm_node){kind, next, arg})))
        return (uint32_t)graph->nodes.len - 1;
    graph->failed = true;
    return ANM_AT_DEAD;
}

/* Equal sets are joined where classes of bytes are made; few enough to look through here. */
static uint32_t set_index(anm_grammar *graph, const anm_byte_set *set) {
    for (size_t i = graph->sets.len; i > 0; i--)
        if (memcmp(&graph->sets.data[i - 1], set, sizeof *set) == 0) return (uint32_t)i - 1;
    if (!anm_vec_push(&graph->sets, *set)) graph->failed = true;
    return (uint32_t)graph->sets.len - 1;
}

uint32_t anm_graph_bytes(anm_grammar *graph, const anm_byte_set *set, uint32_t next) {
    if (next == ANM_AT_DEAD) return ANM_AT_DEAD;
    uint32_t index = set_index(graph, set);
    return anm_graph_node(graph, ANM_NODE_BYTES, next, index);
}

uint32_t anm_graph_either(anm_grammar *graph, uint32_t a, uint32_t b) {
    if (a == ANM_AT_DEAD) return b;
    if (b == ANM_AT_DEAD) return a;
    return anm_graph_node(graph, ANM_NODE_SPLIT, a, b);
}

static bool too_large(const compiler *c) {
    return c->work > MAX_WORK || c->graph->nodes.len > MAX_NODES;
}

static uint32_t compile(compiler *c, const anm_expr *e, uint32_t next);

static uint32_t literal(compiler *c, anm_sv text, uint32_t next) {
    for (size_t i = text.len; i > 0; i--) {
        unsigned byte = (unsigned char)text.data[i - 1];
        anm_byte_set set = {{0}};
        set.bits[byte >> 6] = (uint64_t)1 << (byte & 63);
        next = anm_graph_bytes(c->graph, &set, next);
    }
    return next;
}

static uint32_t class_rule(compiler *c, const anm_expr *e) {
    anm_sv key = {(const char *)e->ranges, e->range_count * sizeof *e->ranges};
    uint64_t known;
    if (anm_map_get(&c->classes, key, &known)) return (uint32_t)known;
    uint32_t rule = (uint32_t)c->graph->rules.len;
    anm_graph_rule made = {
        .entry = anm_graph_utf8(c->graph, e->ranges, e->range_count, ANM_AT_RETURN)};
    if (!anm_vec_push(&c->graph->rules, made) || !anm_map_put(&c->classes, key, rule))
        c->graph->failed = true;
    return rule;
}

static uint32_t chars(compiler *c, const anm_expr *e, uint32_t next) {
    if (e->ranges[e->range_count - 1].last < 0x80)
        return anm_graph_utf8(c->graph, e->ranges, e->range_count, next);
    uint32_t rule = class_rule(c, e);
    return c->graph->failed ? ANM_AT_DEAD : anm_graph_node(c->graph, ANM_NODE_CALL, next, rule);
}

/* The split that is the loop has to exist before its body can lead back to it. */
static uint32_t loop(compiler *c, const anm_expr *item, uint32_t next) {
    uint32_t split = anm_graph_node(c->graph, ANM_NODE_SPLIT, ANM_AT_DEAD, next);
    if (split == ANM_AT_DEAD) return split;
    uint32_t body = compile(c, item, split);
    c->graph->nodes.data[split].next = body;
    return split;
}

static uint32_t repeat(compiler *c, const anm_expr *e, uint32_t next) {
    uint32_t node = next;
    if (e->max == ANM_EXPR_UNBOUNDED) {
        node = loop(c, e->left, next);
    } else {
        for (int32_t i = e->min; i < e->max && !too_large(c); i++)
            node = anm_graph_either(c->graph, compile(c, e->left, node), next);
    }
    for (int32_t i = 0; i < e->min && !too_large(c); i++) node = compile(c, e->left, node);
    return node;
}

static uint32_t alternatives(compiler *c, const anm_expr *e, uint32_t next) {
    uint32_t node = ANM_AT_DEAD;
    for (; e->kind == ANM_EXPR_ALT; e = e->left)
        node = anm_graph_either(c->graph, compile(c, e->right, next), node);
    return anm_graph_either(c->graph, compile(c, e, next), node);
}

static uint32_t compile(compiler *c, const anm_expr *e, uint32_t next) {
    c->work++;
    if (too_large(c) || c->graph->failed) return ANM_AT_DEAD;
    for (; e->kind == ANM_EXPR_SEQ; e = e->left) next = compile(c, e->right, next);
    switch (e->kind) {
    case ANM_EXPR_NEVER: return ANM_AT_DEAD;
    case ANM_EXPR_EMPTY: return next;
    case ANM_EXPR_LITERAL: return literal(c, e->text, next);
    case ANM_EXPR_CHARS: return chars(c, e, next);
    case ANM_EXPR_ALT: return alternatives(c, e, next);
    case ANM_EXPR_REPEAT: return repeat(c, e, next);
    case ANM_EXPR_RULE: return anm_graph_node(c->graph, ANM_NODE_CALL, next, e->rule);
    case ANM_EXPR_SEQ: break;
    }
    return ANM_AT_DEAD;
}

/* Refines the classes by each set: bytes stay together if all sets hold both or neither. */
static void make_classes(anm_grammar *graph) {
    graph->class_count = 1;
    for (size_t s = 0; s < graph->sets.len; s++) {
        int inside[256], fresh = (int)graph->class_count;
        uint8_t before[256];
        memset(inside, -1, sizeof inside);
        memcpy(before, graph->classes, sizeof before);
        bool outside[256] = {false};
        for (unsigned b = 0; b < 256; b++)
            if (!anm_byte_set_has(&graph->sets.data[s], b)) outside[before[b]] = true;
        for (unsigned b = 0; b < 256; b++) {
            if (!anm_byte_set_has(&graph->sets.data[s], b) || !outside[before[b]]) continue;
            if (inside[before[b]] < 0) inside[before[b]] = fresh++;
            graph->classes[b] = (uint8_t)inside[before[b]];
        }
        graph->class_count = (uint32_t)fresh;
    }
    for (unsigned b = 0; b < 256; b++) graph->member[graph->classes[b]] = (uint8_t)b;
}

static anm_status check_defined(const anm_grammar_book *book, anm_sv lines, const char *where,
                                anm_error *err) {
    for (size_t i = 0; i < book->rules.len; i++) {
        const anm_grammar_rule *rule = &book->rules.data[i];
        if (rule->body) continue;
        anm_text_place place = anm_text_place_of(lines, rule->used_at);
        return anm_fail_at(err, ANM_ERROR_FORMAT, where, rule->used_at,
                           "line %zu, column %zu: there is no rule \"%.*s\"", place.line,
                           place.column, ANM_SV(rule->name));
    }
    return ANM_OK;
}

static anm_status compile_rules(compiler *c, const anm_grammar_book *book, const char *where,
                                anm_error *err) {
    anm_grammar *graph = c->graph;
    anm_graph_node(graph, ANM_NODE_RETURN, 0, 0);
    anm_graph_node(graph, ANM_NODE_ACCEPT, 0, 0);
    anm_graph_node(graph, ANM_NODE_DEAD, 0, 0);
    for (size_t i = 0; i < book->rules.len; i++)
        if (!anm_vec_push(&graph->rules, ((anm_graph_rule){0}))) return anm_fail_memory(err);
    for (size_t i = 0; i < book->rules.len; i++) {
        uint32_t entry = compile(c, book->rules.data[i].body, ANM_AT_RETURN);
        graph->rules.data[i].entry = entry;
    }
    if (too_large(c) || graph->rules.len > MAX_RULES)
        return anm_fail(err, ANM_ERROR_LIMIT, where,
                        "the grammar is too large: its repetitions make more than %d parts",
                        MAX_NODES);
    return c->graph->failed ? anm_fail_memory(err) : ANM_OK;
}

anm_status anm_graph_compile(const anm_grammar_book *book, uint32_t root, anm_sv lines,
                             const char *where, anm_grammar **out, anm_error *err) {
    *out = NULL;
    if (book->failed) return anm_fail_memory(err);
    anm_status status = check_defined(book, lines, where, err);
    if (status != ANM_OK) return status;
    compiler c = {.graph = anm_calloc(1, sizeof *c.graph)};
    if (!c.graph) return anm_fail_memory(err);
    c.graph->root = root;
    ANM_CHECK(compile_rules(&c, book, where, err));
    make_classes(c.graph);
    ANM_CHECK(anm_graph_analyse(c.graph, book, lines, where, err));
    *out = c.graph;
fail:
    anm_map_free(&c.classes);
    if (status != ANM_OK) anm_grammar_destroy(c.graph);
    return status;
}
