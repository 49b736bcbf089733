/* SPDX-License-Identifier: MIT */
/*
 * A schema to a grammar: references and combinations are resolved here, what remains goes by its
 * types. Every text of the grammar is valid under the schema; not every valid text is in it
 * (docs/grammar.md tells what is left out).
 */
#include "src/grammar/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/grammar/gbnf.h"
#include "src/grammar/grammar_graph.h"
#include "src/grammar/grammar_json.h"

static const char *const notes[] = {
    "title",     "description", "default",     "examples", "example", "$schema", "$id",
    "$comment",  "deprecated",  "readOnly",    "writeOnly", "$defs",  "definitions", NULL};
static const char *const keywords[] = {
    "type",        "enum",       "const",       "anyOf",      "oneOf",   "allOf",
    "$ref",        "nullable",   "properties",  "required",   "additionalProperties",
    "items",       "prefixItems", "additionalItems", "minItems", "maxItems", "minLength",
    "maxLength",   "pattern",    "format",      "minimum",    "maximum", "exclusiveMinimum",
    "exclusiveMaximum", NULL};

static bool one_of(const char *key, const char *const *keys) {
    for (; *keys; keys++)
        if (strcmp(key, *keys) == 0) return true;
    return false;
}

bool anm_schema_is_note(const char *key) {
    return one_of(key, notes) || anm_str_starts(key, "x-");
}

bool anm_schema_demands(const json_t *schema) {
    const char *key;
    json_t *ignored;
    json_object_foreach((json_t *)schema, key, ignored)
        if (!anm_schema_is_note(key)) return true;
    return false;
}

/* --- errors --- */

static void print_path(const anm_schema_path *path, anm_strbuf *out) {
    if (!path) return;
    print_path(path->up, out);
    anm_strbuf_putc(out, '/');
    if (!path->name) anm_strbuf_printf(out, "%zu", path->index);
    for (const char *c = path->name; c && *c; c++) {
        if (*c == '~' || *c == '/')
            anm_strbuf_puts(out, *c == '~' ? "~0" : "~1");
        else
            anm_strbuf_putc(out, *c);
    }
}

anm_status anm_schema_fail(const anm_schema_maker *m, anm_status status,
                           const anm_schema_path *path, const char *fmt, ...) {
    char message[300];
    anm_strbuf pointer = {0};
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    print_path(path, &pointer);
    const char *shown = pointer.len ? pointer.data : "the schema";
    anm_fail(m->err, status, m->where, "%.200s: %s", shown, message);
    anm_strbuf_free(&pointer);
    return status;
}

static anm_status check_keywords(const anm_schema_maker *m, const json_t *schema,
                                 const anm_schema_path *path) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)schema, key, value) {
        const anm_schema_path here = {path, key, 0};
        bool off = strcmp(key, "uniqueItems") == 0 && json_is_false(value);
        if (off || one_of(key, keywords) || anm_schema_is_note(key)) continue;
        return anm_schema_fail(m, ANM_ERROR_UNSUPPORTED, &here,
                               "this keyword is not covered; docs/grammar.md lists those that are");
    }
    return ANM_OK;
}

anm_status anm_schema_count(const anm_schema_maker *m, const json_t *schema, const char *key,
                            int64_t absent, const anm_schema_path *path, int64_t *out) {
    const json_t *value = json_object_get(schema, key);
    const anm_schema_path here = {path, key, 0};
    *out = value ? (int64_t)json_integer_value(value) : absent;
    if (!value || (json_is_integer(value) && *out >= 0)) return ANM_OK;
    return anm_schema_fail(m, ANM_ERROR_FORMAT, &here, "expected a count");
}

/* --- short hands --- */

const anm_expr *anm_schema_named(anm_schema_maker *m, const char *name) {
    return anm_expr_rule(m->book, anm_book_rule(m->book, anm_sv_from(name), 0));
}

const anm_expr *anm_schema_text(anm_schema_maker *m, const char *text) {
    return anm_expr_literal(m->book, text, strlen(text));
}

static const anm_expr *with_ws(anm_schema_maker *m, const char *text, bool before) {
    const anm_expr *ws = anm_schema_named(m, "ws"), *all = anm_schema_text(m, text);
    if (before) all = anm_expr_seq(m->book, ws, all);
    return anm_expr_seq(m->book, all, ws);
}

static const anm_expr *scalar(anm_schema_maker *m, const json_t *value) {
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    const anm_expr *out = text ? anm_schema_text(m, text) : anm_expr_never();
    if (!text) m->book->failed = true;
    free(text); /* jansson's memory, not ours */
    return out;
}

static const anm_expr *array_value(anm_schema_maker *m, const json_t *value) {
    anm_grammar_book *b = m->book;
    const anm_expr *out = with_ws(m, "[", false);
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (i) out = anm_expr_seq(b, out, with_ws(m, ",", true));
        out = anm_expr_seq(b, out, anm_schema_value(m, json_array_get(value, i)));
    }
    out = anm_expr_seq(b, out, anm_schema_named(m, "ws"));
    return anm_expr_seq(b, out, anm_schema_text(m, "]"));
}

static const anm_expr *object_value(anm_schema_maker *m, const json_t *value) {
    anm_grammar_book *b = m->book;
    const anm_expr *out = with_ws(m, "{", false);
    const char *key;
    json_t *member;
    bool first = true;
    json_object_foreach((json_t *)value, key, member) {
        json_t *name = json_string(key);
        if (!first) out = anm_expr_seq(b, out, with_ws(m, ",", true));
        first = false;
        out = anm_expr_seq(b, out, scalar(m, name));
        out = anm_expr_seq(b, out, with_ws(m, ":", true));
        out = anm_expr_seq(b, out, anm_schema_value(m, member));
        json_decref(name);
    }
    out = anm_expr_seq(b, out, anm_schema_named(m, "ws"));
    return anm_expr_seq(b, out, anm_schema_text(m, "}"));
}

const anm_expr *anm_schema_value(anm_schema_maker *m, const json_t *value) {
    if (json_is_array(value)) return array_value(m, value);
    return json_is_object(value) ? object_value(m, value) : scalar(m, value);
}

/* --- types --- */

typedef struct type_row {
    const char *name;
    const char *keys[6]; /* which speak of values of this type */
    anm_status (*translate)(anm_schema_maker *m, const json_t *schema,
                            const anm_schema_path *path, const anm_expr **out);
} type_row;

static anm_status boolean(anm_schema_maker *m, const json_t *schema, const anm_schema_path *path,
                          const anm_expr **out) {
    *out = anm_schema_named(m, "boolean");
    return ANM_OK;
}

static anm_status null(anm_schema_maker *m, const json_t *schema, const anm_schema_path *path,
                       const anm_expr **out) {
    *out = anm_schema_named(m, "null");
    return ANM_OK;
}

static const type_row types[] = {
    {"object", {"properties", "required", "additionalProperties"}, anm_schema_object},
    {"array", {"items", "prefixItems", "minItems", "maxItems", "additionalItems"},
     anm_schema_array},
    {"string", {"minLength", "maxLength", "pattern", "format"}, anm_schema_string},
    {"number", {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}, anm_schema_number},
    {"integer", {NULL}, anm_schema_integer},
    {"boolean", {NULL}, boolean},
    {"null", {NULL}, null},
};
enum { TYPES = sizeof types / sizeof types[0] };

static bool is_of_type(const json_t *value, const char *type) {
    bool whole = json_is_integer(value) ||
                 (json_is_real(value) &&
                  json_real_value(value) == (double)(int64_t)json_real_value(value));
    return strcmp(type, "object") == 0    ? json_is_object(value)
           : strcmp(type, "array") == 0   ? json_is_array(value)
           : strcmp(type, "string") == 0  ? json_is_string(value)
           : strcmp(type, "number") == 0  ? json_is_number(value)
           : strcmp(type, "integer") == 0 ? whole
           : strcmp(type, "boolean") == 0 ? json_is_boolean(value)
                                          : json_is_null(value);
}

/* Which of the types the schema names, or, without "type", which its keywords speak of. */
static anm_status wanted_types(const anm_schema_maker *m, const json_t *schema,
                               const anm_schema_path *path, bool wanted[TYPES]) {
    const json_t *type = json_object_get(schema, "type");
    const anm_schema_path here = {path, "type", 0};
    size_t count = json_is_array(type) ? json_array_size(type) : 1;
    for (size_t i = 0; !type && i < TYPES; i++)
        for (size_t k = 0; types[i].keys[k]; k++)
            wanted[i] |= json_object_get(schema, types[i].keys[k]) != NULL;
    for (size_t i = 0; type && i < count; i++) {
        const json_t *one = json_is_array(type) ? json_array_get(type, i) : type;
        const char *name = json_string_value(one);
        size_t t = 0;
        while (t < TYPES && (!name || strcmp(types[t].name, name) != 0)) t++;
        if (t == TYPES)
            return anm_schema_fail(m, ANM_ERROR_FORMAT, &here, "\"%s\" is no type",
                                   name ? name : "?");
        wanted[t] = true;
    }
    if (json_is_true(json_object_get(schema, "nullable"))) wanted[TYPES - 1] = true;
    return ANM_OK;
}

static anm_status by_types(anm_schema_maker *m, const json_t *schema, const anm_schema_path *path,
                           const anm_expr **out) {
    bool wanted[TYPES] = {false}, any = false;
    ANM_TRY(wanted_types(m, schema, path, wanted));
    *out = anm_expr_never();
    for (size_t i = 0; i < TYPES; i++) {
        const anm_expr *one;
        if (!wanted[i]) continue;
        any = true;
        ANM_TRY(types[i].translate(m, schema, path, &one));
        *out = anm_expr_alt(m->book, *out, one);
    }
    if (!any && !json_object_get(schema, "type")) *out = anm_schema_named(m, "value");
    return ANM_OK;
}

/* --- const and enum --- */

static anm_status check_alone(const anm_schema_maker *m, const json_t *schema,
                              const anm_schema_path *path) {
    static const char *const beside[] = {"type", "enum", "const", "nullable", NULL};
    const char *key;
    json_t *ignored;
    json_object_foreach((json_t *)schema, key, ignored) {
        const anm_schema_path here = {path, key, 0};
        if (!one_of(key, beside) && !anm_schema_is_note(key))
            return anm_schema_fail(m, ANM_ERROR_UNSUPPORTED, &here,
                                   "not covered beside \"enum\" or \"const\"");
    }
    return ANM_OK;
}

static bool has_type(const bool wanted[TYPES], const json_t *value) {
    for (size_t i = 0; i < TYPES; i++)
        if (wanted[i] && is_of_type(value, types[i].name)) return true;
    return false;
}

static anm_status by_values(anm_schema_maker *m, const json_t *schema, const anm_schema_path *path,
                            const anm_expr **out) {
    const json_t *list = json_object_get(schema, "enum"), *only = json_object_get(schema, "const");
    const anm_schema_path here = {path, "enum", 0};
    bool wanted[TYPES] = {false}, typed = json_object_get(schema, "type") != NULL;
    if (list && !json_is_array(list))
        return anm_schema_fail(m, ANM_ERROR_FORMAT, &here, "expected an array of values");
    ANM_TRY(check_alone(m, schema, path));
    ANM_TRY(wanted_types(m, schema, path, wanted));
    *out = anm_expr_never();
    for (size_t i = 0; i < (list ? json_array_size(list) : 1); i++) {
        const json_t *value = list ? json_array_get(list, i) : only;
        bool fits = !(list && only) || json_equal((json_t *)value, (json_t *)only);
        if (!fits || (typed && !has_type(wanted, value))) continue;
        *out = anm_expr_alt(m->book, *out, anm_schema_value(m, value));
    }
    return ANM_OK;
}

/* --- combinations --- */

static anm_status translate(anm_schema_maker *m, const json_t *schema,
                            const anm_schema_path *path, const anm_expr **out);

/* A copy without the keyword; belongs to the maker. */
static anm_status without(anm_schema_maker *m, const json_t *schema, const char *key,
                          const json_t **out) {
    json_t *copy = json_copy((json_t *)schema);
    if (!copy || json_array_append_new(m->made, copy) != 0) return anm_fail_memory(m->err);
    json_object_del(copy, key);
    *out = copy;
    return ANM_OK;
}

static anm_status all_of(anm_schema_maker *m, const json_t *schema, const anm_schema_path *path,
                         const anm_expr **out) {
    const json_t *list = json_object_get(schema, "allOf"), *all;
    const anm_schema_path inside = {path, "allOf", 0};
    if (!json_is_array(list))
        return anm_schema_fail(m, ANM_ERROR_FORMAT, &inside, "expected an array of schemas");
    ANM_TRY(without(m, schema, "allOf", &all));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const anm_schema_path here = {&inside, NULL, i};
        ANM_TRY(anm_schema_merge(m, all, json_array_get(list, i), &here, &all));
    }
    return translate(m, all, path, out);
}

/* What stands beside the alternatives holds for each of them. */
static anm_status any_of(anm_schema_maker *m, const json_t *schema, const char *key,
                         const anm_schema_path *path, const anm_expr **out) {
    const json_t *list = json_object_get(schema, key), *beside = NULL;
    const anm_schema_path inside = {path, key, 0};
    if (!json_is_array(list))
        return anm_schema_fail(m, ANM_ERROR_FORMAT, &inside, "expected an array of schemas");
    ANM_TRY(without(m, schema, key, &beside));
    bool alone = !anm_schema_demands(beside);
    *out = anm_expr_never();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const anm_schema_path here = {&inside, NULL, i};
        const json_t *one = json_array_get(list, i);
        const anm_expr *way;
        if (!alone) ANM_TRY(anm_schema_merge(m, beside, one, &here, &one));
        ANM_TRY(anm_schema_rule(m, one, &here, &way));
        *out = anm_expr_alt(m->book, *out, way);
    }
    return ANM_OK;
}

static anm_status translate_object(anm_schema_maker *m, const json_t *schema,
                                   const anm_schema_path *path, const anm_expr **out) {
    const json_t *target;
    ANM_TRY(check_keywords(m, schema, path));
    if (json_object_get(schema, "$ref")) {
        ANM_TRY(anm_schema_resolve(m, schema, path, &target));
        return anm_schema_rule(m, target, path, out);
    }
    if (json_object_get(schema, "allOf")) return all_of(m, schema, path, out);
    if (json_object_get(schema, "anyOf")) return any_of(m, schema, "anyOf", path, out);
    if (json_object_get(schema, "oneOf")) return any_of(m, schema, "oneOf", path, out);
    if (json_object_get(schema, "enum") || json_object_get(schema, "const"))
        return by_values(m, schema, path, out);
    return by_types(m, schema, path, out);
}

static anm_status translate(anm_schema_maker *m, const json_t *schema,
                            const anm_schema_path *path, const anm_expr **out) {
    *out = anm_expr_never();
    if (json_is_false(schema)) return ANM_OK;
    if (json_is_true(schema)) {
        *out = anm_schema_named(m, "value");
        return ANM_OK;
    }
    if (!json_is_object(schema))
        return anm_schema_fail(m, ANM_ERROR_FORMAT, path, "expected a schema");
    if (++m->depth > ANM_SCHEMA_MAX_DEPTH)
        return anm_schema_fail(m, ANM_ERROR_LIMIT, path, "schemas nest more than %d deep",
                               ANM_SCHEMA_MAX_DEPTH);
    ANM_TRY(translate_object(m, schema, path, out));
    m->depth--;
    return ANM_OK;
}

/* The rule exists before its body, so that a schema may lead back to itself. */
anm_status anm_schema_rule(anm_schema_maker *m, const json_t *schema, const anm_schema_path *path,
                           const anm_expr **out) {
    const anm_expr *body;
    uint64_t known;
    if (!json_is_object(schema)) return translate(m, schema, path, out);
    const json_t **key = anm_arena_copy(m->book->arena, &schema, sizeof schema);
    if (!key) return anm_fail_memory(m->err);
    anm_sv address = {(const char *)key, sizeof schema};
    if (!anm_map_get(&m->rules, address, &known)) {
        known = anm_book_new_rule(m->book);
        if (!anm_map_put(&m->rules, address, known)) return anm_fail_memory(m->err);
        ANM_TRY(translate(m, schema, path, &body));
        anm_book_define(m->book, (uint32_t)known, body);
    }
    *out = anm_expr_rule(m->book, (uint32_t)known);
    return ANM_OK;
}

static anm_status make(anm_schema_maker *m, anm_grammar **out) {
    anm_grammar_book *b = m->book;
    anm_sv prelude = anm_sv_from(anm_grammar_json_rules);
    const anm_expr *body;
    ANM_TRY(anm_gbnf_read(b, prelude, m->where, m->err));
    uint32_t root = anm_book_new_rule(b);
    ANM_TRY(anm_schema_rule(m, m->document, NULL, &body));
    anm_book_define(b, root, body);
    return anm_graph_compile(b, root, (anm_sv){0}, m->where, out, m->err);
}

anm_status anm_grammar_from_json_schema(const char *schema, size_t len, const char *where,
                                        anm_grammar **out, anm_error *err) {
    anm_grammar_book book;
    json_t *document;
    *out = NULL;
    if (!where) where = "schema";
    ANM_TRY(anm_json_parse(schema, len, where, &document, err));
    anm_schema_maker m = {.book = &book, .document = document, .made = json_array(),
                          .where = where, .err = err};
    anm_status status = anm_book_init(&book) && m.made ? make(&m, out) : anm_fail_memory(err);
    anm_map_free(&m.rules);
    anm_book_free(&book);
    json_decref(m.made);
    json_decref(document);
    return status;
}
