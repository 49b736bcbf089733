/* SPDX-License-Identifier: MIT */
/* The statement parser: tags, blocks and assignment targets, and the parser's small tools. */
#include "src/hf/jinja_parse.h"

#include <stdio.h>

void *anm_jinja_parse_memory(jinja_parser *p) {
    p->status = anm_fail_memory(p->err);
    return NULL;
}

static void describe(const jinja_token *token, char *out, size_t size) {
    anm_sv text = token->text;
    int length = text.len > 40 ? 40 : (int)text.len;
    switch (token->kind) {
    case JINJA_T_EOF: snprintf(out, size, "the end of the template"); break;
    case JINJA_T_DATA: snprintf(out, size, "text"); break;
    case JINJA_T_STRING: snprintf(out, size, "a string"); break;
    default: snprintf(out, size, "\"%.*s\"", length, text.data);
    }
}

void *anm_jinja_parse_expected(jinja_parser *p, const char *what) {
    char found[64];
    describe(jinja_current(p), found, sizeof found);
    return anm_jinja_parse_fail(p, ANM_ERROR_FORMAT, jinja_current(p)->pos,
                                "expected %s, found %s", what, found);
}

bool anm_jinja_at_op(const jinja_parser *p, const char *op) {
    return jinja_current(p)->kind == JINJA_T_OP && anm_sv_is(jinja_current(p)->text, op);
}

bool anm_jinja_at_name(const jinja_parser *p, const char *name) {
    return jinja_current(p)->kind == JINJA_T_NAME && anm_sv_is(jinja_current(p)->text, name);
}

bool anm_jinja_skip_op(jinja_parser *p, const char *op) {
    bool here = anm_jinja_at_op(p, op);
    p->at += here;
    return here;
}

bool anm_jinja_skip_name(jinja_parser *p, const char *name) {
    bool here = anm_jinja_at_name(p, name);
    p->at += here;
    return here;
}

static bool expected_quoted(jinja_parser *p, const char *what) {
    char text[64];
    snprintf(text, sizeof text, "\"%s\"", what);
    return anm_jinja_parse_expected(p, text);
}

bool anm_jinja_expect_op(jinja_parser *p, const char *op) {
    return anm_jinja_skip_op(p, op) || expected_quoted(p, op);
}

bool anm_jinja_expect_name(jinja_parser *p, const char *name) {
    return anm_jinja_skip_name(p, name) || expected_quoted(p, name);
}

bool anm_jinja_at_tag_end(const jinja_parser *p) {
    jinja_token_kind kind = jinja_current(p)->kind;
    return kind == JINJA_T_BLOCK_END || kind == JINJA_T_PRINT_END || kind == JINJA_T_EOF;
}

bool anm_jinja_enter(jinja_parser *p) {
    if (++p->depth <= JINJA_MAX_NESTING) return true;
    return anm_jinja_parse_fail(p, ANM_ERROR_LIMIT, jinja_current(p)->pos,
                                "nested deeper than %d levels", JINJA_MAX_NESTING);
}

void anm_jinja_leave(jinja_parser *p) {
    p->depth--;
}

jinja_node *anm_jinja_node(jinja_parser *p, jinja_node_kind kind, uint32_t pos) {
    jinja_node *node = ANM_ARENA_NEW(p->arena, jinja_node);
    if (!node) return anm_jinja_parse_memory(p);
    node->kind = (uint8_t)kind;
    node->pos = pos;
    return node;
}

/* Room doubles at every power of two from 4 on; the node may be NULL after a failure. */
bool anm_jinja_nodes_push(jinja_parser *p, jinja_nodes *nodes, jinja_node *node) {
    if (!node) return false;
    bool full = nodes->len == 0 || (nodes->len >= 4 && (nodes->len & (nodes->len - 1)) == 0);
    if (full) {
        jinja_node **grown =
            ANM_ARENA_ARRAY(p->arena, jinja_node *, nodes->len ? nodes->len * 2 : 4);
        if (!grown) return anm_jinja_parse_memory(p), false;
        if (nodes->len) memcpy(grown, nodes->items, nodes->len * sizeof *grown);
        nodes->items = grown;
    }
    nodes->items[nodes->len++] = node;
    return true;
}

bool anm_jinja_symbol(jinja_parser *p, anm_sv name, uint32_t *symbol) {
    uint64_t index;
    if (!anm_map_get(&p->symbol_index, name, &index)) {
        index = p->symbols.len;
        if (!anm_vec_push(&p->symbols, name) || !anm_map_put(&p->symbol_index, name, index))
            return anm_jinja_parse_memory(p), false;
    }
    *symbol = (uint32_t)index;
    return true;
}

jinja_node *anm_jinja_parse_name(jinja_parser *p) {
    const jinja_token *token = jinja_current(p);
    if (token->kind != JINJA_T_NAME) return anm_jinja_parse_expected(p, "a name");
    jinja_node *node = anm_jinja_node(p, JINJA_N_NAME, token->pos);
    if (!node || !anm_jinja_symbol(p, token->text, &node->symbol)) return NULL;
    node->name = token->text;
    if (anm_sv_is(node->name, "caller")) p->uses |= JINJA_USES_CALLER;
    if (anm_sv_is(node->name, "varargs")) p->uses |= JINJA_USES_VARARGS;
    if (anm_sv_is(node->name, "kwargs")) p->uses |= JINJA_USES_KWARGS;
    p->at++;
    return node;
}

static jinja_node *parse_target_part(jinja_parser *p, bool attributes) {
    if (!anm_jinja_skip_op(p, "(")) {
        jinja_node *name = anm_jinja_parse_name(p);
        if (!name || !attributes || !anm_jinja_skip_op(p, ".")) return name;
        const jinja_token *token = jinja_current(p);
        if (token->kind != JINJA_T_NAME) return anm_jinja_parse_expected(p, "an attribute's name");
        jinja_node *node = anm_jinja_node(p, JINJA_N_ATTR, token->pos);
        if (!node) return NULL;
        node->a = name;
        node->name = token->text;
        p->at++;
        return node;
    }
    if (!anm_jinja_enter(p)) return NULL;
    jinja_node *inner = anm_jinja_parse_target(p, attributes);
    anm_jinja_leave(p);
    return inner && anm_jinja_expect_op(p, ")") ? inner : NULL;
}

jinja_node *anm_jinja_parse_target(jinja_parser *p, bool attributes) {
    uint32_t pos = jinja_current(p)->pos;
    jinja_node *first = parse_target_part(p, attributes);
    if (!first || !anm_jinja_at_op(p, ",")) return first;
    jinja_node *node = anm_jinja_node(p, JINJA_N_TUPLE, pos);
    if (!node || !anm_jinja_nodes_push(p, &node->list, first)) return NULL;
    while (anm_jinja_skip_op(p, ",")) {
        if (jinja_current(p)->kind != JINJA_T_NAME && !anm_jinja_at_op(p, "(")) break;
        if (!anm_jinja_nodes_push(p, &node->list, parse_target_part(p, attributes))) return NULL;
    }
    return node;
}

/* --- blocks --- */

static jinja_node *parse_statement(jinja_parser *p);

static bool expect_block_end(jinja_parser *p) {
    if (jinja_current(p)->kind != JINJA_T_BLOCK_END)
        return anm_jinja_parse_expected(p, "\"%}\"");
    p->at++;
    return true;
}

/* Whether the tag at hand starts with one of the names, a list such as "elif else endif". */
static bool at_one_of(const jinja_parser *p, const char *names) {
    const jinja_token *token = &p->tokens.data[p->at + 1];
    if (token->kind != JINJA_T_NAME) return false;
    while (*names) {
        size_t n = strcspn(names, " ");
        if (anm_sv_equal(token->text, (anm_sv){names, n})) return true;
        names += n + (names[n] == ' ');
    }
    return false;
}

static jinja_node *parse_piece(jinja_parser *p) {
    const jinja_token *token = jinja_current(p);
    if (token->kind == JINJA_T_BLOCK_BEGIN) return p->at++, parse_statement(p);
    bool is_text = token->kind == JINJA_T_DATA;
    jinja_node *node = anm_jinja_node(p, is_text ? JINJA_N_TEXT : JINJA_N_PRINT, token->pos);
    if (!node) return NULL;
    p->at++;
    if (is_text) {
        node->value = jinja_string(token->text);
        return node;
    }
    node->a = anm_jinja_parse_tuple(p, true);
    if (!node->a) return NULL;
    if (jinja_current(p)->kind != JINJA_T_PRINT_END)
        return anm_jinja_parse_expected(p, "\"}}\"");
    p->at++;
    return node;
}

/* Statements up to a tag that starts with one of `ends`, which stays; NULL: to the end of all. */
static jinja_node *parse_block(jinja_parser *p, const char *ends) {
    jinja_node *node = anm_jinja_node(p, JINJA_N_BLOCK, jinja_current(p)->pos);
    if (!node || !anm_jinja_enter(p)) return NULL;
    for (;;) {
        const jinja_token *token = jinja_current(p);
        if (token->kind == JINJA_T_EOF && !ends) break;
        if (token->kind == JINJA_T_EOF)
            return anm_jinja_parse_fail(p, ANM_ERROR_FORMAT, token->pos,
                                        "the template ends inside a block: expected one of %s",
                                        ends);
        if (ends && token->kind == JINJA_T_BLOCK_BEGIN && at_one_of(p, ends)) break;
        if (!anm_jinja_nodes_push(p, &node->list, parse_piece(p))) return NULL;
    }
    anm_jinja_leave(p);
    return node;
}

/* The rest of an opening tag, the block, and its closing tag "{% end %}". */
static jinja_node *parse_body(jinja_parser *p, const char *end) {
    if (!expect_block_end(p)) return NULL;
    jinja_node *body = parse_block(p, end);
    if (!body) return NULL;
    p->at += 2;
    if (anm_jinja_at_tag_end(p)) return expect_block_end(p) ? body : NULL;
    /* {% endmacro name %} and the like */
    p->at += jinja_current(p)->kind == JINJA_T_NAME;
    return expect_block_end(p) ? body : NULL;
}

static jinja_node *parse_if(jinja_parser *p, uint32_t pos) {
    jinja_node *node = anm_jinja_node(p, JINJA_N_IF, pos);
    if (!node) return NULL;
    for (;;) {
        if (!anm_jinja_nodes_push(p, &node->list, anm_jinja_parse_tuple(p, true)) ||
            !expect_block_end(p) ||
            !anm_jinja_nodes_push(p, &node->list, parse_block(p, "elif else endif")))
            return NULL;
        p->at++;
        if (anm_jinja_skip_name(p, "elif")) continue;
        if (anm_jinja_skip_name(p, "endif")) return expect_block_end(p) ? node : NULL;
        p->at++;
        node->c = parse_body(p, "endif");
        return node->c ? node : NULL;
    }
}

static bool parse_for_head(jinja_parser *p, jinja_node *node) {
    node->a = anm_jinja_parse_target(p, false);
    if (!node->a || !anm_jinja_expect_name(p, "in")) return false;
    node->b = anm_jinja_parse_tuple(p, false);
    if (!node->b) return false;
    if (anm_jinja_skip_name(p, "if")) {
        node->c = anm_jinja_parse_expression(p);
        if (!node->c) return false;
    }
    node->op = anm_jinja_skip_name(p, "recursive");
    return expect_block_end(p);
}

static jinja_node *parse_for(jinja_parser *p, uint32_t pos) {
    jinja_node *node = anm_jinja_node(p, JINJA_N_FOR, pos);
    if (!node || !parse_for_head(p, node)) return NULL;
    p->loops++;
    node->body = parse_block(p, "else endfor");
    p->loops--;
    if (!node->body) return NULL;
    p->at++;
    if (anm_jinja_skip_name(p, "endfor")) return expect_block_end(p) ? node : NULL;
    p->at++;
    node->otherwise = parse_body(p, "endfor");
    return node->otherwise ? node : NULL;
}

static jinja_node *captured(jinja_parser *p, uint32_t pos) {
    return anm_jinja_node(p, JINJA_N_CAPTURED, pos);
}

static jinja_node *parse_set(jinja_parser *p, uint32_t pos) {
    jinja_node *node = anm_jinja_node(p, JINJA_N_SET, pos);
    if (!node) return NULL;
    node->a = anm_jinja_parse_target(p, true);
    if (!node->a) return NULL;
    if (anm_jinja_skip_op(p, "=")) {
        node->b = anm_jinja_parse_tuple(p, true);
        return node->b && expect_block_end(p) ? node : NULL;
    }
    node->kind = JINJA_N_SET_BLOCK;
    node->b = captured(p, pos);
    if (node->b && anm_jinja_at_op(p, "|")) node->b = anm_jinja_parse_filters(p, node->b, false);
    if (node->b && !anm_jinja_at_tag_end(p))
        return anm_jinja_parse_expected(p, "\"=\" or \"%}\"");
    if (node->b) node->body = parse_body(p, "endset");
    return node->body ? node : NULL;
}

static jinja_node *parse_filter_block(jinja_parser *p, uint32_t pos) {
    jinja_node *node = anm_jinja_node(p, JINJA_N_FILTER_BLOCK, pos), *base = captured(p, pos);
    if (!node || !base) return NULL;
    node->b = anm_jinja_parse_filters(p, base, true);
    if (node->b) node->body = parse_body(p, "endfilter");
    return node->body ? node : NULL;
}

/* "(a, b=1)" of a macro or call block. */
static bool parse_parameters(jinja_parser *p, jinja_nodes *list) {
    if (!anm_jinja_expect_op(p, "(")) return false;
    while (!anm_jinja_at_op(p, ")")) {
        if (list->len && !anm_jinja_expect_op(p, ",")) return false;
        if (anm_jinja_at_op(p, ")")) break;
        jinja_node *name = anm_jinja_parse_name(p);
        if (!anm_jinja_nodes_push(p, list, name)) return false;
        if (anm_jinja_skip_op(p, "=")) {
            name->a = anm_jinja_parse_expression(p);
            if (!name->a) return false;
        } else if (list->len > 1 && list->items[list->len - 2]->a) {
            return anm_jinja_parse_fail(p, ANM_ERROR_FORMAT, name->pos,
                                        "a parameter without default follows one with a default");
        }
    }
    p->at++;
    return true;
}

/* The body of a macro: loops outside it cannot be left from within. */
static bool parse_macro_body(jinja_parser *p, jinja_node *node, const char *end) {
    uint8_t outer_uses = p->uses;
    int outer_loops = p->loops;
    p->uses = 0;
    p->loops = 0;
    node->body = parse_body(p, end);
    node->op = p->uses;
    p->uses = outer_uses;
    p->loops = outer_loops;
    return node->body != NULL;
}

static jinja_node *parse_macro(jinja_parser *p, uint32_t pos) {
    jinja_node *node = anm_jinja_parse_name(p);
    if (!node) return NULL;
    node->kind = JINJA_N_MACRO;
    node->pos = pos;
    bool ok = parse_parameters(p, &node->list) && parse_macro_body(p, node, "endmacro");
    return ok ? node : NULL;
}

static jinja_node *parse_call_block(jinja_parser *p, uint32_t pos) {
    jinja_node *node = anm_jinja_node(p, JINJA_N_CALL_BLOCK, pos);
    jinja_node *caller = anm_jinja_node(p, JINJA_N_MACRO, pos);
    if (!node || !caller) return NULL;
    caller->name = anm_sv_from("caller");
    caller->symbol = p->tmpl->caller_symbol;
    if (anm_jinja_at_op(p, "(") && !parse_parameters(p, &caller->list)) return NULL;
    node->a = anm_jinja_parse_expression(p);
    if (!node->a) return NULL;
    if (node->a->kind != JINJA_N_CALL)
        return anm_jinja_parse_fail(p, ANM_ERROR_FORMAT, node->a->pos,
                                    "expected the call of a macro");
    node->b = caller;
    return parse_macro_body(p, caller, "endcall") ? node : NULL;
}

static jinja_node *parse_with(jinja_parser *p, uint32_t pos) {
    jinja_node *node = anm_jinja_node(p, JINJA_N_WITH, pos);
    if (!node) return NULL;
    while (!anm_jinja_at_tag_end(p)) {
        if (node->list.len && !anm_jinja_expect_op(p, ",")) return NULL;
        jinja_node *set = anm_jinja_node(p, JINJA_N_SET, jinja_current(p)->pos);
        if (!set) return NULL;
        set->a = parse_target_part(p, false);
        if (!set->a || !anm_jinja_expect_op(p, "=")) return NULL;
        set->b = anm_jinja_parse_expression(p);
        if (!set->b || !anm_jinja_nodes_push(p, &node->list, set)) return NULL;
    }
    node->body = parse_body(p, "endwith");
    return node->body ? node : NULL;
}

/* {% generation %} marks what the assistant wrote, for training; here it is only a block. */
static jinja_node *parse_generation(jinja_parser *p, uint32_t pos) {
    jinja_node *node = anm_jinja_node(p, JINJA_N_SCOPE, pos);
    if (node) node->body = parse_body(p, "endgeneration");
    return node && node->body ? node : NULL;
}

static jinja_node *parse_loop_control(jinja_parser *p, uint32_t pos, jinja_node_kind kind) {
    if (!p->loops)
        return anm_jinja_parse_fail(p, ANM_ERROR_FORMAT, pos,
                                    "break and continue are only allowed inside a for loop");
    return expect_block_end(p) ? anm_jinja_node(p, kind, pos) : NULL;
}

static jinja_node *parse_break(jinja_parser *p, uint32_t pos) {
    return parse_loop_control(p, pos, JINJA_N_BREAK);
}

static jinja_node *parse_continue(jinja_parser *p, uint32_t pos) {
    return parse_loop_control(p, pos, JINJA_N_CONTINUE);
}

static jinja_node *unknown_statement(jinja_parser *p, const jinja_token *token) {
    static const char *const unsupported[] = {"include", "import", "from", "extends", "block",
                                              "autoescape", "do", "trans", "debug"};
    for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++)
        if (anm_sv_is(token->text, unsupported[i]))
            return anm_jinja_parse_fail(p, ANM_ERROR_UNSUPPORTED, token->pos,
                                        "the tag \"%s\" is not supported in chat templates",
                                        unsupported[i]);
    if (anm_str_starts(token->text.data, "end"))
        return anm_jinja_parse_fail(p, ANM_ERROR_FORMAT, token->pos,
                                    "\"%.*s\" closes no block that is open here",
                                    ANM_SV(token->text));
    return anm_jinja_parse_fail(p, ANM_ERROR_FORMAT, token->pos, "unknown tag \"%.*s\"",
                                ANM_SV(token->text));
}

static jinja_node *parse_statement(jinja_parser *p) {
    static const struct {
        const char *name;
        jinja_node *(*parse)(jinja_parser *p, uint32_t pos);
    } statements[] = {
        {"if", parse_if},         {"for", parse_for},
        {"set", parse_set},       {"macro", parse_macro},
        {"call", parse_call_block}, {"filter", parse_filter_block},
        {"with", parse_with},     {"generation", parse_generation},
        {"break", parse_break},   {"continue", parse_continue},
    };
    const jinja_token *token = jinja_current(p);
    if (token->kind != JINJA_T_NAME) return anm_jinja_parse_expected(p, "a tag's name");
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        if (anm_sv_is(token->text, statements[i].name))
            return p->at++, statements[i].parse(p, token->pos);
    return unknown_statement(p, token);
}

/* --- templates --- */

static bool intern_specials(jinja_parser *p) {
    jinja_template *t = p->tmpl;
    return anm_jinja_symbol(p, anm_sv_from("loop"), &t->loop_symbol) &&
           anm_jinja_symbol(p, anm_sv_from("caller"), &t->caller_symbol) &&
           anm_jinja_symbol(p, anm_sv_from("varargs"), &t->varargs_symbol) &&
           anm_jinja_symbol(p, anm_sv_from("kwargs"), &t->kwargs_symbol);
}

static anm_status parse_template(jinja_parser *p) {
    jinja_template *t = p->tmpl;
    ANM_TRY(anm_jinja_lex(p->arena, &t->source, &p->tokens, p->err));
    if (!intern_specials(p)) return p->status;
    t->body = parse_block(p, NULL);
    if (!t->body) return p->status;
    t->symbols = anm_arena_copy(p->arena, p->symbols.data, p->symbols.len * sizeof *t->symbols);
    t->symbol_count = p->symbols.len;
    return t->symbols ? ANM_OK : anm_fail_memory(p->err);
}

anm_status anm_jinja_parse(const char *text, size_t len, const char *name, jinja_template **out,
                           anm_error *err) {
    *out = NULL;
    anm_arena *arena = anm_arena_create();
    jinja_template *t = arena ? ANM_ARENA_NEW(arena, jinja_template) : NULL;
    if (!t) {
        anm_arena_destroy(arena);
        return anm_fail_memory(err);
    }
    t->arena = arena;
    jinja_parser p = {.arena = arena, .tmpl = t, .err = err};
    anm_status status = anm_jinja_source_init(arena, name, text, len, &t->source, err);
    if (status == ANM_OK) status = parse_template(&p);
    anm_vec_free(&p.tokens);
    anm_vec_free(&p.symbols);
    anm_map_free(&p.symbol_index);
    if (status == ANM_OK)
        *out = t;
    else
        anm_arena_destroy(arena);
    return status;
}

void anm_jinja_free(jinja_template *tmpl) {
    if (tmpl) anm_arena_destroy(tmpl->arena);
}

anm_sv anm_jinja_source_text(const jinja_template *tmpl) {
    return tmpl->source.text;
}
