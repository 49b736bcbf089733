/* SPDX-License-Identifier: MIT */
/* References: JSON pointers into the document itself. */
#include "src/grammar/schema.h"

#include <stdlib.h>

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One name of a pointer: ~0 and ~1, and %XX as in a URI. Gives where the next one begins. */
static const char *read_name(const char *at, anm_strbuf *out) {
    anm_strbuf_clear(out);
    anm_strbuf_puts(out, "");
    while (*at && *at != '/') {
        int high = at[0] == '%' ? hex_digit(at[1]) : -1, low = high >= 0 ? hex_digit(at[2]) : -1;
        if (low >= 0) {
            anm_strbuf_putc(out, (char)(high * 16 + low));
            at += 3;
        } else if (at[0] == '~' && (at[1] == '0' || at[1] == '1')) {
            anm_strbuf_putc(out, at[1] == '0' ? '~' : '/');
            at += 2;
        } else {
            anm_strbuf_putc(out, *at++);
        }
    }
    return at;
}

static const json_t *step(const json_t *at, const char *name) {
    if (json_is_object(at)) return json_object_get(at, name);
    if (!json_is_array(at) || !*name || strspn(name, "0123456789") != strlen(name)) return NULL;
    return json_array_get(at, strtoul(name, NULL, 10));
}

static anm_status find(anm_schema_maker *m, const char *ref, const anm_schema_path *path,
                       const json_t **out) {
    anm_strbuf name = {0};
    const json_t *at = m->document;
    if (ref[0] != '#' || (ref[1] && ref[1] != '/'))
        return anm_schema_fail(m, ANM_ERROR_UNSUPPORTED, path,
                               "only references into the same schema, \"#/...\", are covered");
    for (const char *next = ref + 1; at && *next == '/';) {
        next = read_name(next + 1, &name);
        at = step(at, anm_strbuf_cstr(&name));
    }
    bool failed = name.failed;
    anm_strbuf_free(&name);
    if (failed) return anm_fail_memory(m->err);
    *out = at;
    if (at) return ANM_OK;
    return anm_schema_fail(m, ANM_ERROR_FORMAT, path, "the schema has no %s", ref);
}

/* What stands beside a reference holds too, unless it only describes. */
anm_status anm_schema_resolve(anm_schema_maker *m, const json_t *schema,
                              const anm_schema_path *path, const json_t **out) {
    const json_t *ref = json_object_get(schema, "$ref");
    const anm_schema_path here = {path, "$ref", 0};
    *out = schema;
    if (!ref) return ANM_OK;
    if (!json_is_string(ref))
        return anm_schema_fail(m, ANM_ERROR_FORMAT, &here, "expected a text");
    ANM_TRY(find(m, json_string_value(ref), &here, out));
    json_t *beside = json_copy((json_t *)schema);
    if (!beside || json_array_append_new(m->made, beside) != 0) return anm_fail_memory(m->err);
    json_object_del(beside, "$ref");
    if (!anm_schema_demands(beside)) {
        const json_t *next = json_object_get(*out, "$ref");
        if (!next) return ANM_OK;
        if (++m->depth > ANM_SCHEMA_MAX_DEPTH)
            return anm_schema_fail(m, ANM_ERROR_FORMAT, &here, "the references lead in a circle");
        ANM_TRY(anm_schema_resolve(m, *out, &here, out));
        m->depth--;
        return ANM_OK;
    }
    return anm_schema_merge(m, beside, *out, &here, out);
}
