/* SPDX-License-Identifier: MIT */
/*
 * Objects: the properties in the schema's order, those not required may be left out, and behind
 * them additional ones where the schema says so.
 */
#include "src/grammar/schema.h"

/* Of properties beside additional ones: their names are told apart byte by byte. */
enum { MAX_NAME = 256 };

typedef struct object {
    anm_schema_maker *m;
    const json_t *properties; /* an object, or NULL */
    const json_t *required;   /* an array, or NULL */
    const json_t *additional; /* a schema; NULL: none may come */
    const anm_schema_path *path;
} object;

static const anm_expr *member(anm_schema_maker *m, const anm_expr *key, const anm_expr *value) {
    anm_grammar_book *b = m->book;
    const anm_expr *colon = anm_expr_seq(b, anm_schema_named(m, "ws"), anm_schema_text(m, ":"));
    const anm_expr *head = anm_expr_seq(b, anm_expr_seq(b, key, colon), anm_schema_named(m, "ws"));
    return anm_expr_seq(b, head, value);
}

static const anm_expr *after_comma(anm_schema_maker *m, const anm_expr *what) {
    anm_grammar_book *b = m->book;
    const anm_expr *ws = anm_schema_named(m, "ws");
    const anm_expr *comma =
        anm_expr_seq(b, anm_expr_seq(b, ws, anm_schema_text(m, ",")), ws);
    return anm_expr_seq(b, comma, what);
}

/* --- names of additional properties: any but those of the properties --- */

typedef struct name_list {
    const char **names;
    size_t count;
} name_list;

static const anm_expr *plain_chars(anm_schema_maker *m, const anm_char_range *but, size_t count) {
    anm_char_range all[260] = {{0, 0x1F}, {'"', '"'}, {'\\', '\\'}};
    for (size_t i = 0; i < count; i++) all[3 + i] = but[i];
    return anm_expr_chars(m->book, all, 3 + count, true);
}

/*
 * What follows `depth` bytes that all names of the list share, without becoming one of them: a
 * character that none goes on with and then anything, one that some go on with, or the end. Bytes
 * beyond ASCII count as one class with all others like it, so that characters stay whole: a name
 * that differs only there is refused too.
 */
static const anm_expr *other_than(anm_schema_maker *m, name_list names, size_t depth) {
    anm_grammar_book *b = m->book;
    const anm_expr *rest = anm_expr_repeat(b, plain_chars(m, NULL, 0), 0, ANM_EXPR_UNBOUNDED);
    anm_char_range next[257];
    size_t count = 0, inside = 0;
    bool ends = false, wide = false;
    const anm_expr *out = anm_expr_never();
    const char **kept = anm_arena_array(b->arena, names.count + 1, sizeof *kept);
    if (!kept) b->failed = true;
    if (!kept) return out;
    for (size_t i = 0; i < names.count; i++) {
        unsigned char c = (unsigned char)names.names[i][depth];
        ends |= c == 0;
        wide |= c >= 0x80;
    }
    for (unsigned c = 1; c < 0x80; c++) {
        inside = 0;
        for (size_t i = 0; i < names.count; i++)
            if ((unsigned char)names.names[i][depth] == c) kept[inside++] = names.names[i];
        if (!inside) continue;
        next[count++] = (anm_char_range){c, c};
        if (c < 0x20 || c == '"' || c == '\\') continue; /* such names need an escape */
        char text[2] = {(char)c, 0};
        const anm_expr *on = other_than(m, (name_list){kept, inside}, depth + 1);
        out = anm_expr_alt(b, out, anm_expr_seq(b, anm_schema_text(m, text), on));
    }
    if (wide) next[count++] = (anm_char_range){0x80, ANM_CHAR_LAST};
    out = anm_expr_alt(b, out, anm_expr_seq(b, plain_chars(m, next, count), rest));
    return ends ? out : anm_expr_alt(b, out, anm_expr_empty());
}

/* Without escapes, by which a name could be written in another way. */
static const anm_expr *other_key(const object *o) {
    anm_schema_maker *m = o->m;
    size_t count = json_object_size(o->properties);
    if (!count) return anm_schema_named(m, "string");
    name_list list = {anm_arena_array(m->book->arena, count, sizeof *list.names), 0};
    if (!list.names) m->book->failed = true;
    if (!list.names) return anm_expr_never();
    const char *name;
    json_t *ignored;
    json_object_foreach((json_t *)o->properties, name, ignored) list.names[list.count++] = name;
    const anm_expr *quote = anm_schema_text(m, "\"");
    const anm_expr *body = other_than(m, list, 0);
    return anm_expr_seq(m->book, anm_expr_seq(m->book, quote, body), quote);
}

/* --- the properties --- */

static bool is_required(const object *o, const char *name) {
    for (size_t i = 0; i < json_array_size(o->required); i++) {
        const char *one = json_string_value(json_array_get(o->required, i));
        if (one && strcmp(one, name) == 0) return true;
    }
    return false;
}

static anm_status property(const object *o, const char *name, const json_t *schema,
                           const anm_expr **out) {
    const anm_schema_path inside = {o->path, "properties", 0}, here = {&inside, name, 0};
    const anm_expr *value, *key;
    ANM_TRY(anm_schema_rule(o->m, schema, &here, &value));
    json_t *text = json_string(name);
    key = text ? anm_schema_value(o->m, text) : anm_expr_never();
    if (!text) o->m->book->failed = true;
    json_decref(text);
    *out = member(o->m, key, value);
    return ANM_OK;
}

/* What may stand first, and what behind something. */
typedef struct members {
    const anm_expr *first, *tail;
} members;

static anm_status additional(const object *o, members *out) {
    anm_schema_maker *m = o->m;
    const anm_schema_path here = {o->path, "additionalProperties", 0};
    const anm_expr *value;
    const char *name;
    json_t *ignored;
    *out = (members){anm_expr_empty(), anm_expr_empty()};
    if (!o->additional) return ANM_OK;
    json_object_foreach((json_t *)o->properties, name, ignored)
        if (strlen(name) > MAX_NAME)
            return anm_schema_fail(m, ANM_ERROR_LIMIT, &here,
                                   "a property's name has more than %d bytes, beside others",
                                   MAX_NAME);
    ANM_TRY(anm_schema_rule(m, o->additional, &here, &value));
    const anm_expr *one = member(m, other_key(o), value);
    out->tail = anm_expr_repeat(m->book, after_comma(m, one), 0, ANM_EXPR_UNBOUNDED);
    out->first = anm_expr_repeat(m->book, anm_expr_seq(m->book, one, out->tail), 0, 1);
    return ANM_OK;
}

/* From the last property to the first: each is put in front of what can follow it. */
static anm_status put_in_front(const object *o, const char *name, const json_t *schema,
                               members *all) {
    anm_grammar_book *b = o->m->book;
    const anm_expr *one;
    bool needed = is_required(o, name);
    ANM_TRY(property(o, name, schema, &one));
    const anm_expr *begins = anm_expr_seq(b, one, all->tail);
    const anm_expr *goes_on = after_comma(o->m, one);
    all->first = needed ? begins : anm_expr_alt(b, all->first, begins);
    uint32_t rule = anm_book_new_rule(b);
    if (!needed) goes_on = anm_expr_repeat(b, goes_on, 0, 1);
    anm_book_define(b, rule, anm_expr_seq(b, goes_on, all->tail));
    all->tail = anm_expr_rule(b, rule);
    return ANM_OK;
}

static anm_status all_members(const object *o, members *all) {
    size_t count = json_object_size(o->properties), i = 0;
    const char **names = anm_arena_array(o->m->book->arena, count + 1, sizeof *names);
    const char *name;
    json_t *ignored;
    if (!names) return anm_fail_memory(o->m->err);
    json_object_foreach((json_t *)o->properties, name, ignored) names[i++] = name;
    ANM_TRY(additional(o, all));
    while (i-- > 0)
        ANM_TRY(put_in_front(o, names[i], json_object_get(o->properties, names[i]), all));
    return ANM_OK;
}

/* Properties that are required and not described: they have the additional ones' schema. */
static anm_status complete(object *o, bool open) {
    json_t *properties = o->properties ? json_copy((json_t *)o->properties) : json_object();
    if (!properties || json_array_append_new(o->m->made, properties) != 0)
        return anm_fail_memory(o->m->err);
    for (size_t i = 0; i < json_array_size(o->required); i++) {
        const char *name = json_string_value(json_array_get(o->required, i));
        const anm_schema_path here = {o->path, "required", 0};
        if (!name)
            return anm_schema_fail(o->m, ANM_ERROR_FORMAT, &here, "expected an array of names");
        if (json_object_get(properties, name)) continue;
        json_t *schema = open ? json_true() : json_false();
        if (o->additional) schema = (json_t *)o->additional;
        if (json_object_set(properties, name, schema) != 0) return anm_fail_memory(o->m->err);
    }
    o->properties = properties;
    return ANM_OK;
}

static anm_status check_kinds(const object *o) {
    const anm_schema_path properties = {o->path, "properties", 0};
    const anm_schema_path required = {o->path, "required", 0};
    if (o->properties && !json_is_object(o->properties))
        return anm_schema_fail(o->m, ANM_ERROR_FORMAT, &properties, "expected an object");
    if (o->required && !json_is_array(o->required))
        return anm_schema_fail(o->m, ANM_ERROR_FORMAT, &required, "expected an array of names");
    return ANM_OK;
}

/* Without a word about additional properties there are some only if none are described. */
anm_status anm_schema_object(anm_schema_maker *m, const json_t *schema,
                             const anm_schema_path *path, const anm_expr **out) {
    object o = {m, json_object_get(schema, "properties"), json_object_get(schema, "required"),
                json_object_get(schema, "additionalProperties"), path};
    anm_grammar_book *b = m->book;
    members all = {0};
    ANM_TRY(check_kinds(&o));
    bool silent = o.additional == NULL;
    if (json_is_false(o.additional)) o.additional = NULL;
    if (silent && !o.properties && !o.required) {
        *out = anm_schema_named(m, "object");
        return ANM_OK;
    }
    ANM_TRY(complete(&o, silent));
    ANM_TRY(all_members(&o, &all));
    const anm_expr *ws = anm_schema_named(m, "ws");
    const anm_expr *open = anm_expr_seq(b, anm_schema_text(m, "{"), ws);
    const anm_expr *close = anm_expr_seq(b, ws, anm_schema_text(m, "}"));
    *out = anm_expr_seq(b, anm_expr_seq(b, open, all.first), close);
    return ANM_OK;
}
