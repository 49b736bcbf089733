/* SPDX-License-Identifier: MIT */
/*
 * The expression grammar, loosest first: x if y else z, or, and, not, comparisons (in, not in),
 * + -, ~, * / // %, **, signs, then postfix .a [b] (c), filters and tests.
 */
#include <errno.h>
#include <stdlib.h>

#include "src/hf/jinja_parse.h"

static jinja_node *parse_condition(jinja_parser *p);
static jinja_node *parse_unary(jinja_parser *p, bool with_filters);
static bool parse_arguments(jinja_parser *p, jinja_nodes *list);

static jinja_node *unary(jinja_parser *p, jinja_node_kind kind, uint32_t pos, jinja_node *a) {
    jinja_node *node = a ? anm_jinja_node(p, kind, pos) : NULL;
    if (node) node->a = a;
    return node;
}

static jinja_node *binary(jinja_parser *p, jinja_node_kind kind, uint32_t pos, jinja_node *a,
                          jinja_node *b) {
    jinja_node *node = b ? unary(p, kind, pos, a) : NULL;
    if (node) node->b = b;
    return node;
}

static jinja_node *constant(jinja_parser *p, uint32_t pos, jinja_value value) {
    jinja_node *node = anm_jinja_node(p, JINJA_N_CONST, pos);
    if (node) node->value = value;
    return node;
}

/* Digits without the underscores that may stand between them, zero-terminated. */
static bool plain_digits(jinja_parser *p, anm_sv text, char **out) {
    char *copy = *out = anm_arena_alloc(p->arena, text.len + 1);
    if (!copy) return anm_jinja_parse_memory(p), false;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] != '_') *copy++ = text.data[i];
    return true;
}

static jinja_node *parse_number(jinja_parser *p) {
    const jinja_token *token = jinja_current(p);
    char *digits;
    if (!plain_digits(p, token->text, &digits)) return NULL;
    p->at++;
    if (token->kind == JINJA_T_FLOAT)
        return constant(p, token->pos, jinja_float(anm_jinja_read_float(digits)));
    char type = digits[0] == '0' ? (char)(digits[1] | 0x20) : '\0';
    int base = type == 'x' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
    errno = 0;
    int64_t value = strtoll(digits + (base == 10 ? 0 : 2), NULL, base);
    if (errno == ERANGE)
        return anm_jinja_parse_fail(p, ANM_ERROR_LIMIT, token->pos,
                                    "the number does not fit in 64 bits");
    return constant(p, token->pos, jinja_int(value));
}

/* Strings side by side are one string. */
static jinja_node *parse_string(jinja_parser *p) {
    const jinja_token *first = jinja_current(p);
    anm_sv text = first->text;
    size_t total = 0, count = 0;
    while (first[count].kind == JINJA_T_STRING) total += first[count++].text.len;
    p->at += count;
    if (count > 1) {
        char *joined = anm_arena_alloc(p->arena, total + 1);
        if (!joined) return anm_jinja_parse_memory(p);
        text = (anm_sv){joined, total};
        for (size_t i = 0; i < count; joined += first[i++].text.len)
            memcpy(joined, first[i].text.data, first[i].text.len);
    }
    return constant(p, first->pos, jinja_string(text));
}

static jinja_node *parse_word(jinja_parser *p) {
    const jinja_token *token = jinja_current(p);
    static const struct {
        const char *name;
        jinja_value value;
    } words[] = {
        {"true", {.kind = JINJA_BOOL, .truth = true}},
        {"false", {.kind = JINJA_BOOL, .truth = false}},
        {"True", {.kind = JINJA_BOOL, .truth = true}},
        {"False", {.kind = JINJA_BOOL, .truth = false}},
        {"none", {.kind = JINJA_NONE}},
        {"None", {.kind = JINJA_NONE}},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (anm_sv_is(token->text, words[i].name))
            return p->at++, constant(p, token->pos, words[i].value);
    return anm_jinja_parse_name(p);
}

static jinja_node *parse_list(jinja_parser *p) {
    jinja_node *node = anm_jinja_node(p, JINJA_N_LIST, jinja_current(p)->pos);
    if (!node) return NULL;
    p->at++;
    while (!anm_jinja_at_op(p, "]")) {
        if (node->list.len && !anm_jinja_expect_op(p, ",")) return NULL;
        if (anm_jinja_at_op(p, "]")) break;
        if (!anm_jinja_nodes_push(p, &node->list, anm_jinja_parse_expression(p))) return NULL;
    }
    p->at++;
    return node;
}

static jinja_node *parse_dict(jinja_parser *p) {
    jinja_node *node = anm_jinja_node(p, JINJA_N_DICT, jinja_current(p)->pos);
    if (!node) return NULL;
    p->at++;
    while (!anm_jinja_at_op(p, "}")) {
        if (node->list.len && !anm_jinja_expect_op(p, ",")) return NULL;
        if (anm_jinja_at_op(p, "}")) break;
        if (!anm_jinja_nodes_push(p, &node->list, anm_jinja_parse_expression(p)) ||
            !anm_jinja_expect_op(p, ":") ||
            !anm_jinja_nodes_push(p, &node->list, anm_jinja_parse_expression(p)))
            return NULL;
    }
    p->at++;
    return node;
}

static jinja_node *parse_group(jinja_parser *p) {
    uint32_t pos = jinja_current(p)->pos;
    p->at++;
    if (anm_jinja_skip_op(p, ")")) return anm_jinja_node(p, JINJA_N_TUPLE, pos);
    jinja_node *node = anm_jinja_parse_tuple(p, true);
    return node && anm_jinja_expect_op(p, ")") ? node : NULL;
}

static jinja_node *parse_primary(jinja_parser *p) {
    switch (jinja_current(p)->kind) {
    case JINJA_T_NAME: return parse_word(p);
    case JINJA_T_STRING: return parse_string(p);
    case JINJA_T_INT:
    case JINJA_T_FLOAT: return parse_number(p);
    default: break;
    }
    if (anm_jinja_at_op(p, "(")) return parse_group(p);
    if (anm_jinja_at_op(p, "[")) return parse_list(p);
    if (anm_jinja_at_op(p, "{")) return parse_dict(p);
    return anm_jinja_parse_expected(p, "an expression");
}

static jinja_node *parse_attribute(jinja_parser *p, jinja_node *object) {
    uint32_t pos = jinja_current(p)->pos;
    p->at++;
    const jinja_token *token = jinja_current(p);
    if (token->kind == JINJA_T_INT) return binary(p, JINJA_N_ITEM, pos, object, parse_number(p));
    if (token->kind != JINJA_T_NAME) return anm_jinja_parse_expected(p, "an attribute's name");
    jinja_node *node = unary(p, JINJA_N_ATTR, pos, object);
    if (node) node->name = token->text;
    p->at++;
    return node;
}

static bool parse_slice_part(jinja_parser *p, jinja_node **part) {
    *part = NULL;
    if (anm_jinja_at_op(p, ":") || anm_jinja_at_op(p, "]")) return true;
    *part = anm_jinja_parse_expression(p);
    return *part != NULL;
}

/* a[b], or a[b:c:d] with any part missing. */
static jinja_node *parse_subscript(jinja_parser *p, jinja_node *object) {
    uint32_t pos = jinja_current(p)->pos;
    p->at++;
    if (anm_jinja_at_op(p, "]")) return anm_jinja_parse_expected(p, "an index");
    jinja_node *part[3] = {NULL, NULL, NULL};
    size_t colons = 0;
    if (!parse_slice_part(p, &part[0])) return NULL;
    while (colons < 2 && anm_jinja_skip_op(p, ":"))
        if (!parse_slice_part(p, &part[++colons])) return NULL;
    if (!anm_jinja_expect_op(p, "]")) return NULL;
    if (!colons) return binary(p, JINJA_N_ITEM, pos, object, part[0]);
    jinja_node *node = unary(p, JINJA_N_SLICE, pos, object);
    if (!node) return NULL;
    node->list.items = anm_arena_copy(p->arena, part, sizeof part);
    node->list.len = 3;
    return node->list.items ? node : anm_jinja_parse_memory(p);
}

static jinja_node *parse_call(jinja_parser *p, jinja_node *callee) {
    jinja_node *node = unary(p, JINJA_N_CALL, jinja_current(p)->pos, callee);
    return node && parse_arguments(p, &node->list) ? node : NULL;
}

static jinja_node *parse_postfix(jinja_parser *p, jinja_node *node) {
    while (node) {
        if (anm_jinja_at_op(p, "."))
            node = parse_attribute(p, node);
        else if (anm_jinja_at_op(p, "["))
            node = parse_subscript(p, node);
        else if (anm_jinja_at_op(p, "("))
            node = parse_call(p, node);
        else
            break;
    }
    return node;
}

static jinja_node *parse_argument(jinja_parser *p) {
    const jinja_token *token = jinja_current(p);
    if (anm_jinja_skip_op(p, "*"))
        return unary(p, JINJA_N_STAR, token->pos, anm_jinja_parse_expression(p));
    if (anm_jinja_skip_op(p, "**"))
        return unary(p, JINJA_N_STAR_STAR, token->pos, anm_jinja_parse_expression(p));
    bool keyword = token->kind == JINJA_T_NAME && token[1].kind == JINJA_T_OP &&
                   anm_sv_is(token[1].text, "=");
    if (!keyword) return anm_jinja_parse_expression(p);
    p->at += 2;
    jinja_node *node = unary(p, JINJA_N_KEYWORD, token->pos, anm_jinja_parse_expression(p));
    if (node) node->name = token->text;
    return node;
}

/* "(a, *b, c=d, **e)", the parenthesis being the current token. */
static bool parse_arguments(jinja_parser *p, jinja_nodes *list) {
    p->at++;
    while (!anm_jinja_at_op(p, ")")) {
        if (list->len && !anm_jinja_expect_op(p, ",")) return false;
        if (anm_jinja_at_op(p, ")")) break;
        uint32_t pos = jinja_current(p)->pos;
        jinja_node *argument = parse_argument(p);
        if (!argument) return false;
        uint8_t last = list->len ? list->items[list->len - 1]->kind : JINJA_N_CONST;
        bool named = last == JINJA_N_KEYWORD || last == JINJA_N_STAR_STAR;
        if (named && argument->kind != JINJA_N_KEYWORD && argument->kind != JINJA_N_STAR_STAR)
            return anm_jinja_parse_fail(p, ANM_ERROR_FORMAT, pos,
                                        "an argument without a name follows one with a name");
        if (!anm_jinja_nodes_push(p, list, argument)) return false;
    }
    p->at++;
    return true;
}

/* A filter's or test's name, which may have dots. */
static bool parse_dotted_name(jinja_parser *p, const char *what, anm_sv *name) {
    const jinja_token *token = jinja_current(p);
    if (token->kind != JINJA_T_NAME) return anm_jinja_parse_expected(p, what);
    *name = token->text;
    p->at++;
    while (anm_jinja_at_op(p, ".") && p->tokens.data[p->at + 1].kind == JINJA_T_NAME) {
        const jinja_token *last = &p->tokens.data[p->at + 1];
        name->len = (size_t)(last->text.data + last->text.len - name->data);
        p->at += 2;
    }
    return true;
}

static jinja_node *parse_filter(jinja_parser *p, jinja_node *base) {
    jinja_node *node = anm_jinja_node(p, JINJA_N_FILTER, jinja_current(p)->pos);
    if (!node || !parse_dotted_name(p, "a filter's name", &node->name)) return NULL;
    node->a = base;
    node->builtin = anm_jinja_find_filter(node->name);
    if (anm_jinja_at_op(p, "(") && !parse_arguments(p, &node->list)) return NULL;
    return node;
}

/* A test's argument may stand without parentheses: "x is divisibleby 3". */
static bool at_bare_argument(const jinja_parser *p) {
    static const char *const keywords[] = {"else", "or", "and", "if", "is", "not", "in",
                                           "recursive"};
    const jinja_token *token = jinja_current(p);
    if (token->kind == JINJA_T_OP) return anm_jinja_at_op(p, "[") || anm_jinja_at_op(p, "{");
    if (token->kind == JINJA_T_STRING || token->kind == JINJA_T_INT || token->kind == JINJA_T_FLOAT)
        return true;
    if (token->kind != JINJA_T_NAME) return false;
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (anm_sv_is(token->text, keywords[i])) return false;
    return true;
}

static jinja_node *parse_test(jinja_parser *p, jinja_node *base) {
    uint32_t pos = jinja_current(p)->pos;
    p->at++;
    bool negated = anm_jinja_skip_name(p, "not");
    jinja_node *node = anm_jinja_node(p, JINJA_N_TEST, jinja_current(p)->pos);
    if (!node || !parse_dotted_name(p, "a test's name", &node->name)) return NULL;
    node->a = base;
    node->builtin = anm_jinja_find_test(node->name);
    if (anm_jinja_at_op(p, "(")) {
        if (!parse_arguments(p, &node->list)) return NULL;
    } else if (at_bare_argument(p)) {
        jinja_node *argument = parse_primary(p);
        if (argument) argument = parse_postfix(p, argument);
        if (!anm_jinja_nodes_push(p, &node->list, argument)) return NULL;
    }
    return negated ? unary(p, JINJA_N_NOT, pos, node) : node;
}

jinja_node *anm_jinja_parse_filters(jinja_parser *p, jinja_node *base, bool bare) {
    jinja_node *node = bare ? parse_filter(p, base) : base;
    while (node) {
        if (anm_jinja_skip_op(p, "|"))
            node = parse_filter(p, node);
        else if (!bare && anm_jinja_at_name(p, "is"))
            node = parse_test(p, node);
        else if (!bare && anm_jinja_at_op(p, "("))
            node = parse_call(p, node);
        else
            break;
    }
    return node;
}

/* A sign binds tighter than a filter: -1|abs is 1. */
static jinja_node *parse_signed(jinja_parser *p) {
    uint32_t pos = jinja_current(p)->pos;
    if (anm_jinja_skip_op(p, "-")) return unary(p, JINJA_N_NEGATE, pos, parse_unary(p, false));
    if (anm_jinja_skip_op(p, "+")) return unary(p, JINJA_N_PLUS, pos, parse_unary(p, false));
    return parse_primary(p);
}

static jinja_node *parse_unary(jinja_parser *p, bool with_filters) {
    if (!anm_jinja_enter(p)) return NULL;
    jinja_node *node = parse_signed(p);
    if (node) node = parse_postfix(p, node);
    if (node && with_filters) node = anm_jinja_parse_filters(p, node, false);
    anm_jinja_leave(p);
    return node;
}

typedef struct level {
    const char *text[4];
    jinja_op op[4];
    int count;
} level;

/* Operators of one precedence, from the left. ~ stands between levels 1 and 2. */
static const level levels[] = {
    {{"+", "-"}, {JINJA_OP_ADD, JINJA_OP_SUB}, 2},
    {{"*", "/", "//", "%"}, {JINJA_OP_MUL, JINJA_OP_DIV, JINJA_OP_FLOOR_DIV, JINJA_OP_MOD}, 4},
    {{"**"}, {JINJA_OP_POW}, 1},
};

static jinja_node *parse_concat(jinja_parser *p);

static jinja_node *parse_level(jinja_parser *p, int depth) {
    if (depth == 3) return parse_unary(p, true);
    jinja_node *node = depth == 0 ? parse_concat(p) : parse_level(p, depth + 1);
    const level *l = &levels[depth];
    while (node) {
        int i = 0;
        uint32_t pos = jinja_current(p)->pos;
        while (i < l->count && !anm_jinja_skip_op(p, l->text[i])) i++;
        if (i == l->count) break;
        jinja_node *right = depth == 0 ? parse_concat(p) : parse_level(p, depth + 1);
        node = binary(p, JINJA_N_BINARY, pos, node, right);
        if (node) node->op = (uint8_t)l->op[i];
    }
    return node;
}

static jinja_node *parse_concat(jinja_parser *p) {
    jinja_node *first = parse_level(p, 1);
    if (!first || !anm_jinja_at_op(p, "~")) return first;
    jinja_node *node = anm_jinja_node(p, JINJA_N_CONCAT, jinja_current(p)->pos);
    if (!node || !anm_jinja_nodes_push(p, &node->list, first)) return NULL;
    while (anm_jinja_skip_op(p, "~"))
        if (!anm_jinja_nodes_push(p, &node->list, parse_level(p, 1))) return NULL;
    return node;
}

static bool skip_comparison(jinja_parser *p, jinja_op *op) {
    static const struct {
        const char *text;
        jinja_op op;
    } comparisons[] = {{"==", JINJA_OP_EQ}, {"!=", JINJA_OP_NE}, {"<", JINJA_OP_LT},
                       {"<=", JINJA_OP_LE}, {">", JINJA_OP_GT},  {">=", JINJA_OP_GE}};
    for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++) {
        *op = comparisons[i].op;
        if (anm_jinja_skip_op(p, comparisons[i].text)) return true;
    }
    *op = JINJA_OP_IN;
    if (anm_jinja_skip_name(p, "in")) return true;
    const jinja_token *token = jinja_current(p);
    if (!anm_jinja_at_name(p, "not") || token[1].kind != JINJA_T_NAME ||
        !anm_sv_is(token[1].text, "in"))
        return false;
    p->at += 2;
    *op = JINJA_OP_NOT_IN;
    return true;
}

static jinja_node *parse_compare(jinja_parser *p) {
    jinja_node *first = parse_level(p, 0), *node = NULL;
    while (first) {
        uint32_t pos = jinja_current(p)->pos;
        jinja_op op;
        if (!skip_comparison(p, &op)) return node ? node : first;
        if (!node) node = unary(p, JINJA_N_COMPARE, pos, first);
        jinja_node *to = unary(p, JINJA_N_COMPARE_TO, pos, parse_level(p, 0));
        if (!node || !anm_jinja_nodes_push(p, &node->list, to)) return NULL;
        to->op = (uint8_t)op;
    }
    return NULL;
}

static jinja_node *parse_not(jinja_parser *p) {
    uint32_t pos = jinja_current(p)->pos;
    if (!anm_jinja_skip_name(p, "not")) return parse_compare(p);
    if (!anm_jinja_enter(p)) return NULL;
    jinja_node *node = unary(p, JINJA_N_NOT, pos, parse_not(p));
    anm_jinja_leave(p);
    return node;
}

static jinja_node *parse_and(jinja_parser *p) {
    jinja_node *node = parse_not(p);
    while (node && anm_jinja_at_name(p, "and")) {
        uint32_t pos = jinja_current(p)->pos;
        p->at++;
        node = binary(p, JINJA_N_AND, pos, node, parse_not(p));
    }
    return node;
}

static jinja_node *parse_or(jinja_parser *p) {
    jinja_node *node = parse_and(p);
    while (node && anm_jinja_at_name(p, "or")) {
        uint32_t pos = jinja_current(p)->pos;
        p->at++;
        node = binary(p, JINJA_N_OR, pos, node, parse_and(p));
    }
    return node;
}

static jinja_node *parse_condition(jinja_parser *p) {
    jinja_node *node = parse_or(p);
    while (node && anm_jinja_at_name(p, "if")) {
        uint32_t pos = jinja_current(p)->pos;
        p->at++;
        node = binary(p, JINJA_N_IF_ELSE, pos, node, parse_or(p));
        if (!node || !anm_jinja_skip_name(p, "else")) continue;
        node->c = anm_jinja_parse_expression(p);
        if (!node->c) return NULL;
    }
    return node;
}

jinja_node *anm_jinja_parse_expression(jinja_parser *p) {
    if (!anm_jinja_enter(p)) return NULL;
    jinja_node *node = parse_condition(p);
    anm_jinja_leave(p);
    return node;
}

static jinja_node *parse_element(jinja_parser *p, bool with_if) {
    if (with_if) return anm_jinja_parse_expression(p);
    if (!anm_jinja_enter(p)) return NULL;
    jinja_node *node = parse_or(p);
    anm_jinja_leave(p);
    return node;
}

jinja_node *anm_jinja_parse_tuple(jinja_parser *p, bool with_if) {
    uint32_t pos = jinja_current(p)->pos;
    jinja_node *first = parse_element(p, with_if);
    if (!first || !anm_jinja_at_op(p, ",")) return first;
    jinja_node *node = anm_jinja_node(p, JINJA_N_TUPLE, pos);
    if (!node || !anm_jinja_nodes_push(p, &node->list, first)) return NULL;
    while (anm_jinja_skip_op(p, ",")) {
        if (anm_jinja_at_tag_end(p) || anm_jinja_at_op(p, ")")) break;
        if (!anm_jinja_nodes_push(p, &node->list, parse_element(p, with_if))) return NULL;
    }
    return node;
}
