/* SPDX-License-Identifier: MIT */
/* JSON in the layout of Apple's serializer. Objects keep their order. */
#include "src/package/compile.h"

static void indent(anm_strbuf *out, int depth) {
    anm_strbuf_printf(out, "%*s", 2 * depth, "");
}

static void print_text(anm_strbuf *out, const char *text, size_t length) {
    anm_strbuf_putc(out, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\' || c == '/') anm_strbuf_printf(out, "\\%c", c);
        else if (c == '\n') anm_strbuf_puts(out, "\\n");
        else if (c == '\t') anm_strbuf_puts(out, "\\t");
        else if (c == '\r') anm_strbuf_puts(out, "\\r");
        else if (c < 32) anm_strbuf_printf(out, "\\u%04x", c);
        else anm_strbuf_putc(out, (char)c);
    }
    anm_strbuf_putc(out, '"');
}

static void print_value(const json_t *value, anm_strbuf *out, int depth);

static void print_array(const json_t *array, anm_strbuf *out, int depth) {
    size_t count = json_array_size(array);
    anm_strbuf_puts(out, count ? "[\n" : "[\n\n");
    for (size_t i = 0; i < count; i++) {
        indent(out, depth + 1);
        print_value(json_array_get(array, i), out, depth + 1);
        anm_strbuf_puts(out, i + 1 < count ? ",\n" : "\n");
    }
    indent(out, depth);
    anm_strbuf_putc(out, ']');
}

static void print_object(const json_t *object, anm_strbuf *out, int depth) {
    json_t *mutable = (json_t *)object; /* jansson's iterator takes no const */
    void *at = json_object_iter(mutable);
    anm_strbuf_puts(out, at ? "{\n" : "{\n\n");
    while (at) {
        const char *key = json_object_iter_key(at);
        indent(out, depth + 1);
        print_text(out, key, strlen(key));
        anm_strbuf_puts(out, " : ");
        print_value(json_object_iter_value(at), out, depth + 1);
        at = json_object_iter_next(mutable, at);
        anm_strbuf_puts(out, at ? ",\n" : "\n");
    }
    indent(out, depth);
    anm_strbuf_putc(out, '}');
}

static void print_value(const json_t *value, anm_strbuf *out, int depth) {
    if (json_is_array(value)) print_array(value, out, depth);
    else if (json_is_object(value)) print_object(value, out, depth);
    else if (json_is_string(value))
        print_text(out, json_string_value(value), json_string_length(value));
    else if (json_is_integer(value))
        anm_strbuf_printf(out, "%lld", (long long)json_integer_value(value));
    else anm_strbuf_puts(out, "null");
}

void anm_compile_print_json(const json_t *value, anm_strbuf *out) {
    print_value(value, out, 0);
}
