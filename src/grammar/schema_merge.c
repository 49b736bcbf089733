/* SPDX-License-Identifier: MIT */
/*
 * Two schemas that must both hold, as one. Merged are the keywords for which that can be said in
 * one schema; a pair for which it cannot is refused with its JSON pointer.
 */
#include "src/grammar/schema.h"

enum { MAX_MADE = 10000 };

typedef struct merger {
    anm_schema_maker *m;
    json_t *out;           /* a's content, into which b's goes */
    const json_t *a, *b;   /* objects */
    const anm_schema_path *path;
} merger;

static anm_status keep(anm_schema_maker *m, json_t *made, const anm_schema_path *path) {
    if (!made || json_array_append_new(m->made, made) != 0) return anm_fail_memory(m->err);
    if (json_array_size(m->made) < MAX_MADE) return ANM_OK;
    return anm_schema_fail(m, ANM_ERROR_LIMIT, path, "combining schemas does not come to an end");
}

static anm_status put(merger *g, const char *key, const json_t *value) {
    if (json_object_set(g->out, key, (json_t *)value) == 0) return ANM_OK;
    return anm_fail_memory(g->m->err);
}

static anm_status put_new(merger *g, const char *key, json_t *value) {
    if (value && json_object_set_new(g->out, key, value) == 0) return ANM_OK;
    return anm_fail_memory(g->m->err);
}

static bool one_of(const char *key, const char *const *keys) {
    for (; *keys; keys++)
        if (strcmp(key, *keys) == 0) return true;
    return false;
}

/* --- keywords whose values are compared --- */

static anm_status tighter(merger *g, const char *key, const json_t *b, bool larger) {
    const json_t *a = json_object_get(g->out, key);
    if (!json_is_number(a) || !json_is_number(b))
        return anm_schema_fail(g->m, ANM_ERROR_UNSUPPORTED, g->path,
                               "\"%s\" cannot be combined unless it is a number", key);
    bool b_wins = larger ? json_number_value(b) > json_number_value(a)
                         : json_number_value(b) < json_number_value(a);
    return b_wins ? put(g, key, b) : ANM_OK;
}

static bool listed(const json_t *list, const json_t *value) {
    if (!json_is_array(list)) return json_equal((json_t *)list, (json_t *)value);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), (json_t *)value)) return true;
    return false;
}

static json_t *as_list(const json_t *value) {
    json_t *list = json_is_array(value) ? json_copy((json_t *)value) : json_array();
    if (list && !json_is_array(value)) json_array_append(list, (json_t *)value);
    return list;
}

/* An integer is a number, so that both together are an integer. */
static bool both_types(const json_t *list, const json_t *type) {
    const char *name = json_string_value(type);
    if (listed(list, type)) return true;
    json_t *number = json_string("number");
    bool ok = name && strcmp(name, "integer") == 0 && listed(list, number);
    json_decref(number);
    return ok;
}

static anm_status intersect(merger *g, const char *key, const json_t *b, bool types) {
    json_t *from = as_list(json_object_get(g->out, key)), *with = as_list(b);
    json_t *both = json_array();
    for (size_t i = 0; i < json_array_size(from); i++) {
        json_t *one = json_array_get(from, i);
        if (types ? both_types(with, one) : listed(with, one)) json_array_append(both, one);
    }
    for (size_t i = 0; types && i < json_array_size(with); i++) {
        json_t *one = json_array_get(with, i);
        if (!listed(both, one) && both_types(from, one)) json_array_append(both, one);
    }
    json_decref(from);
    json_decref(with);
    return put_new(g, key, both);
}

static anm_status join(merger *g, const char *key, const json_t *b) {
    json_t *all = as_list(json_object_get(g->out, key));
    for (size_t i = 0; i < json_array_size(b); i++)
        if (!listed(all, json_array_get(b, i))) json_array_append(all, json_array_get(b, i));
    return put_new(g, key, all);
}

/* --- schemas within --- */

static anm_status merge_into(merger *g, json_t *object, const char *key, const json_t *b) {
    const anm_schema_path here = {g->path, key, 0};
    const json_t *both;
    const json_t *a = json_object_get(object, key);
    if (!a) return json_object_set(object, key, (json_t *)b) == 0 ? ANM_OK
                                                                  : anm_fail_memory(g->m->err);
    ANM_TRY(anm_schema_merge(g->m, a, b, &here, &both));
    return json_object_set(object, key, (json_t *)both) == 0 ? ANM_OK
                                                             : anm_fail_memory(g->m->err);
}

/* A property that one side describes is an additional one to the other, if that says anything. */
static anm_status close_properties(merger *g, json_t *all, const json_t *mine,
                                   const json_t *other) {
    const json_t *theirs = json_object_get(other, "properties");
    const json_t *additional = json_object_get(other, "additionalProperties");
    const char *name;
    json_t *ignored;
    if (!additional || json_is_true(additional)) return ANM_OK;
    json_object_foreach((json_t *)json_object_get(mine, "properties"), name, ignored) {
        if (!json_object_get(theirs, name)) ANM_TRY(merge_into(g, all, name, additional));
    }
    return ANM_OK;
}

static anm_status merge_properties(merger *g) {
    const json_t *a = json_object_get(g->a, "properties");
    const json_t *b = json_object_get(g->b, "properties");
    json_t *all = json_is_object(a) ? json_copy((json_t *)a) : json_object();
    const char *name;
    json_t *schema;
    if (!a && !b) {
        json_decref(all);
        return ANM_OK;
    }
    ANM_TRY(put_new(g, "properties", all));
    json_object_foreach((json_t *)b, name, schema) ANM_TRY(merge_into(g, all, name, schema));
    ANM_TRY(close_properties(g, all, g->a, g->b));
    return close_properties(g, all, g->b, g->a);
}

static anm_status merge_key(merger *g, const char *key, const json_t *b) {
    static const char *const larger[] = {"minimum", "exclusiveMinimum", "minLength", "minItems",
                                         NULL};
    static const char *const smaller[] = {"maximum", "exclusiveMaximum", "maxLength", "maxItems",
                                          NULL};
    static const char *const lists[] = {"required", "allOf", NULL};
    static const char *const schemas[] = {"items", "additionalProperties", NULL};
    const json_t *a = json_object_get(g->out, key);
    if (strcmp(key, "properties") == 0) return ANM_OK; /* done for all at once */
    if (!a) return put(g, key, b);
    if (json_equal((json_t *)a, (json_t *)b) || anm_schema_is_note(key)) return ANM_OK;
    if (one_of(key, larger)) return tighter(g, key, b, true);
    if (one_of(key, smaller)) return tighter(g, key, b, false);
    if (strcmp(key, "type") == 0) return intersect(g, key, b, true);
    if (strcmp(key, "enum") == 0) return intersect(g, key, b, false);
    if (one_of(key, lists)) return join(g, key, b);
    if (one_of(key, schemas)) return merge_into(g, g->out, key, b);
    const anm_schema_path here = {g->path, key, 0};
    return anm_schema_fail(g->m, ANM_ERROR_UNSUPPORTED, &here,
                           "two different values of this keyword cannot be combined");
}

static anm_status merge_objects(merger *g) {
    const char *key;
    json_t *value;
    ANM_TRY(merge_properties(g));
    json_object_foreach((json_t *)g->b, key, value) ANM_TRY(merge_key(g, key, value));
    return ANM_OK;
}

anm_status anm_schema_merge(anm_schema_maker *m, const json_t *a, const json_t *b,
                            const anm_schema_path *path, const json_t **out) {
    *out = json_is_true(a) ? b : a;
    if (json_is_boolean(a) || json_is_true(b) || json_equal((json_t *)a, (json_t *)b)) {
        if (json_is_false(a)) *out = a;
        return ANM_OK;
    }
    *out = b;
    if (json_is_false(b)) return ANM_OK;
    if (++m->depth > ANM_SCHEMA_MAX_DEPTH)
        return anm_schema_fail(m, ANM_ERROR_LIMIT, path, "schemas nest too deeply");
    ANM_TRY(anm_schema_resolve(m, a, path, &a));
    ANM_TRY(anm_schema_resolve(m, b, path, &b));
    if (json_is_boolean(a) || json_is_boolean(b)) {
        m->depth--;
        return anm_schema_merge(m, a, b, path, out);
    }
    if (!json_is_object(a) || !json_is_object(b))
        return anm_schema_fail(m, ANM_ERROR_FORMAT, path, "expected a schema");
    merger g = {m, json_copy((json_t *)a), a, b, path};
    ANM_TRY(keep(m, g.out, path));
    ANM_TRY(merge_objects(&g));
    m->depth--;
    *out = g.out;
    return ANM_OK;
}
