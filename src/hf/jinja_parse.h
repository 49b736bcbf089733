/* SPDX-License-Identifier: MIT */
/* What the statement parser and the expression parser share. */
#ifndef ANM_HF_JINJA_PARSE_H
#define ANM_HF_JINJA_PARSE_H

#include "src/base/map.h"
#include "src/hf/jinja_ast.h"

typedef struct jinja_parser {
    anm_arena *arena;
    jinja_template *tmpl;
    jinja_tokens tokens;
    size_t at;
    int depth;    /* nesting so far, at most JINJA_MAX_NESTING */
    int loops;    /* for loops around this place, within the same macro */
    uint8_t uses; /* which of caller, varargs and kwargs the current macro names */
    anm_map symbol_index;
    ANM_VEC(anm_sv) symbols;
    anm_status status; /* of the first failure; parse functions return NULL then */
    anm_error *err;
} jinja_parser;

/* Errors. Both give NULL, so that a parse function can return them. */
#define anm_jinja_parse_fail(p, code, pos, ...)                                                    \
    ((p)->status = anm_jinja_fail((p)->err, (code), &(p)->tmpl->source, (pos), __VA_ARGS__), NULL)
void *anm_jinja_parse_memory(jinja_parser *p);
/* "expected `what`, found ..." at the current token. */
void *anm_jinja_parse_expected(jinja_parser *p, const char *what);

/* Tokens. */
static inline const jinja_token *jinja_current(const jinja_parser *p) {
    return &p->tokens.data[p->at];
}
bool anm_jinja_at_op(const jinja_parser *p, const char *op);
bool anm_jinja_at_name(const jinja_parser *p, const char *name);
bool anm_jinja_skip_op(jinja_parser *p, const char *op);
bool anm_jinja_skip_name(jinja_parser *p, const char *name);
bool anm_jinja_expect_op(jinja_parser *p, const char *op);
bool anm_jinja_expect_name(jinja_parser *p, const char *name);
/* Before "}}", "%}" or the end of the template. */
bool anm_jinja_at_tag_end(const jinja_parser *p);

/* Nesting: enter gives false, with an error, when it is too deep. */
bool anm_jinja_enter(jinja_parser *p);
void anm_jinja_leave(jinja_parser *p);

/* Nodes. */
jinja_node *anm_jinja_node(jinja_parser *p, jinja_node_kind kind, uint32_t pos);
bool anm_jinja_nodes_push(jinja_parser *p, jinja_nodes *nodes, jinja_node *node);
/* The index of a variable's name; false when memory is out. */
bool anm_jinja_symbol(jinja_parser *p, anm_sv name, uint32_t *symbol);
/* The NAME node of the current token, which must be a name. */
jinja_node *anm_jinja_parse_name(jinja_parser *p);

/* Expressions. */
jinja_node *anm_jinja_parse_expression(jinja_parser *p);
/* `with_if`: whether "x if y" may stand in it: not in "for x in xs if y". */
jinja_node *anm_jinja_parse_tuple(jinja_parser *p, bool with_if);
/* "| f | g(x)" after `base`; the first bar may be missing when `bare`. */
jinja_node *anm_jinja_parse_filters(jinja_parser *p, jinja_node *base, bool bare);
/* A name, a tuple of targets or, with `attributes`, namespace.attribute. */
jinja_node *anm_jinja_parse_target(jinja_parser *p, bool attributes);

#endif
