/* SPDX-License-Identifier: MIT */
/*
 * A grammar ready to run: a graph over bytes with calls between rules. Characters beyond ASCII
 * have become sequences of bytes, so nothing behind this knows of UTF-8. Immutable once compiled.
 */
#ifndef ANM_GRAMMAR_GRAPH_H
#define ANM_GRAMMAR_GRAPH_H

#include "anemone/grammar.h"
#include "src/grammar/grammar_expr.h"

typedef enum anm_node_kind {
    ANM_NODE_RETURN, /* the end of the rule being matched */
    ANM_NODE_ACCEPT, /* the end of the text */
    ANM_NODE_DEAD,
    ANM_NODE_BYTES, /* one byte of set `arg`, then `next` */
    ANM_NODE_SPLIT, /* `next` or `arg` */
    ANM_NODE_CALL   /* rule `arg`, then `next` */
} anm_node_kind;

/* The first three nodes of every graph. */
enum { ANM_AT_RETURN = 0, ANM_AT_ACCEPT = 1, ANM_AT_DEAD = 2 };

typedef struct anm_node {
    uint32_t kind, next, arg;
} anm_node;

typedef struct anm_byte_set {
    uint64_t bits[4];
} anm_byte_set;

static inline bool anm_byte_set_has(const anm_byte_set *set, unsigned byte) {
    return set->bits[byte >> 6] >> (byte & 63) & 1;
}

typedef struct anm_graph_rule {
    uint32_t entry; /* node */
    uint32_t rank;  /* a rule that begins with a call of another has the lower rank */
    bool nullable;
} anm_graph_rule;

struct anm_grammar {
    ANM_VEC(anm_node) nodes;
    ANM_VEC(anm_byte_set) sets;
    ANM_VEC(anm_graph_rule) rules;
    bool *productive; /* by node: whether the end of its rule can be reached */
    uint32_t root;    /* rule */
    /* Bytes that no set tells apart share a class. */
    uint8_t classes[256], member[256]; /* class of a byte; some byte of a class */
    uint32_t class_count;
    bool failed; /* memory ran out while it was being made */
};

/*
 * Compiles the rules reachable or not; `where` names the text in errors. Refuses undefined rules,
 * left recursion, a root that matches no text, and what grows beyond the limits in
 * docs/grammar.md. `lines` is the notation's text for line and column of errors, or empty.
 */
ANM_MUST_CHECK anm_status anm_graph_compile(const anm_grammar_book *book, uint32_t root,
                                            anm_sv lines, const char *where, anm_grammar **out,
                                            anm_error *err);

/* The properties of rules that the compiler needs and the running relies on; see the .c file. */
ANM_MUST_CHECK anm_status anm_graph_analyse(anm_grammar *graph, const anm_grammar_book *book,
                                            anm_sv lines, const char *where, anm_error *err);

/* Nodes that match one character of the ranges in UTF-8, then `next`. */
uint32_t anm_graph_utf8(anm_grammar *graph, const anm_char_range *ranges, size_t count,
                        uint32_t next);
/* One node. When memory is out these give ANM_AT_DEAD and set `failed`. */
uint32_t anm_graph_node(anm_grammar *graph, anm_node_kind kind, uint32_t next, uint32_t arg);
uint32_t anm_graph_bytes(anm_grammar *graph, const anm_byte_set *set, uint32_t next);
/* A split, unless one side is dead. */
uint32_t anm_graph_either(anm_grammar *graph, uint32_t a, uint32_t b);

#endif
