/* SPDX-License-Identifier: MIT */
/* Arrays: the first elements by position, then any number of one kind. */
#include "src/grammar/schema.h"

enum { MAX_PREFIX = 1000 };

typedef struct array {
    anm_schema_maker *m;
    const json_t *prefix; /* an array of schemas, or NULL */
    const json_t *items;  /* a schema; NULL: none behind the prefix */
    int64_t min, max;
    const anm_schema_path *path;
} array;

static const anm_expr *after_comma(anm_schema_maker *m, const anm_expr *what) {
    anm_grammar_book *b = m->book;
    const anm_expr *ws = anm_schema_named(m, "ws");
    return anm_expr_seq(b, anm_expr_seq(b, anm_expr_seq(b, ws, anm_schema_text(m, ",")), ws), what);
}

static int32_t bounded(int64_t count) {
    return count >= ANM_EXPR_UNBOUNDED ? ANM_EXPR_UNBOUNDED : (int32_t)count;
}

const anm_expr *anm_schema_list(anm_schema_maker *m, const anm_expr *item, int64_t min,
                                int64_t max) {
    anm_grammar_book *b = m->book;
    if (max <= 0) return anm_expr_empty();
    int64_t more = max == INT64_MAX ? max : max - 1;
    const anm_expr *rest = anm_expr_repeat(b, after_comma(m, item), bounded(min > 0 ? min - 1 : 0),
                                           bounded(more));
    return anm_expr_repeat(b, anm_expr_seq(b, item, rest), min > 0, 1);
}

/* Behind `count` elements of the prefix. */
static anm_status rest_of(const array *a, int64_t count, const anm_expr **out) {
    const anm_schema_path here = {a->path, "items", 0};
    const anm_expr *item;
    int64_t min = a->min > count ? a->min - count : 0;
    int64_t max = a->max == INT64_MAX ? a->max : a->max - count;
    *out = min ? anm_expr_never() : anm_expr_empty();
    if (!a->items || max <= 0) return ANM_OK;
    ANM_TRY(anm_schema_rule(a->m, a->items, &here, &item));
    if (!count)
        *out = anm_schema_list(a->m, item, min, max);
    else
        *out = anm_expr_repeat(a->m->book, after_comma(a->m, item), bounded(min), bounded(max));
    return ANM_OK;
}

/* From the last element to the first; those beyond `min` may be missing with all behind them. */
static anm_status elements(const array *a, const anm_expr **out) {
    anm_grammar_book *b = a->m->book;
    const anm_schema_path inside = {a->path, "prefixItems", 0};
    int64_t count = (int64_t)json_array_size(a->prefix);
    if (count > a->max) count = a->max;
    ANM_TRY(rest_of(a, count, out));
    for (int64_t i = count; i-- > 0;) {
        const anm_schema_path here = {&inside, NULL, (size_t)i};
        const anm_expr *one;
        ANM_TRY(anm_schema_rule(a->m, json_array_get(a->prefix, (size_t)i), &here, &one));
        *out = anm_expr_seq(b, i ? after_comma(a->m, one) : one, *out);
        if (i >= a->min) *out = anm_expr_repeat(b, *out, 0, 1);
    }
    return ANM_OK;
}

static anm_status limit(const array *a) {
    const anm_schema_path min = {a->path, "minItems", 0}, max = {a->path, "maxItems", 0};
    if (json_array_size(a->prefix) > MAX_PREFIX)
        return anm_schema_fail(a->m, ANM_ERROR_LIMIT, a->path, "more than %d prefixItems",
                               MAX_PREFIX);
    if (a->min > ANM_EXPR_MAX_REPEAT)
        return anm_schema_fail(a->m, ANM_ERROR_LIMIT, &min, "more than %d", ANM_EXPR_MAX_REPEAT);
    if (a->max != INT64_MAX && a->max > ANM_EXPR_MAX_REPEAT)
        return anm_schema_fail(a->m, ANM_ERROR_LIMIT, &max, "more than %d", ANM_EXPR_MAX_REPEAT);
    return ANM_OK;
}

/* The older form has the prefix in "items" and the rest in "additionalItems". */
static void take_schemas(array *a, const json_t *schema) {
    a->prefix = json_object_get(schema, "prefixItems");
    a->items = json_object_get(schema, "items");
    if (!json_is_array(a->items)) return;
    a->prefix = a->items;
    a->items = json_object_get(schema, "additionalItems");
}

/* Without "items", elements behind a prefix come only if minItems asks for them. */
anm_status anm_schema_array(anm_schema_maker *m, const json_t *schema,
                            const anm_schema_path *path, const anm_expr **out) {
    array a = {.m = m, .path = path};
    anm_grammar_book *b = m->book;
    const anm_schema_path here = {path, "prefixItems", 0};
    ANM_TRY(anm_schema_count(m, schema, "minItems", 0, path, &a.min));
    ANM_TRY(anm_schema_count(m, schema, "maxItems", INT64_MAX, path, &a.max));
    take_schemas(&a, schema);
    if (a.prefix && !json_is_array(a.prefix))
        return anm_schema_fail(m, ANM_ERROR_FORMAT, &here, "expected an array of schemas");
    ANM_TRY(limit(&a));
    bool asks = a.min > (int64_t)json_array_size(a.prefix);
    if (!a.items && (!a.prefix || asks)) a.items = json_true();
    if (json_is_false(a.items)) a.items = NULL;
    const anm_expr *body, *ws = anm_schema_named(m, "ws");
    ANM_TRY(elements(&a, &body));
    if (a.min > a.max) body = anm_expr_never();
    const anm_expr *open = anm_expr_seq(b, anm_schema_text(m, "["), ws);
    const anm_expr *close = anm_expr_seq(b, ws, anm_schema_text(m, "]"));
    *out = anm_expr_seq(b, anm_expr_seq(b, open, body), close);
    return ANM_OK;
}
