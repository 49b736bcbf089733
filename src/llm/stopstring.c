/* SPDX-License-Identifier: MIT */
#include "src/llm/stopstring.h"

#include "src/base/alloc.h"

static anm_status add(anm_stop_search *s, const char *text, anm_error *err) {
    bool inside = text && ((unsigned char)text[0] & 0xc0) == 0x80;
    if (!text || !*text || inside)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "stop strings", "number %zu %s", s->count + 1,
                        inside ? "begins within a UTF-8 character" : "is empty");
    char *copy = anm_strdup(text);
    if (!copy) return anm_fail_memory(err);
    s->strings[s->count++] = copy;
    return ANM_OK;
}

anm_status anm_stop_search_init(anm_stop_search *s, const char *const *strings, size_t count,
                                anm_error *err) {
    *s = (anm_stop_search){0};
    if (count && !strings)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "stop strings", "there are none to their count");
    s->strings = anm_calloc(count, sizeof *s->strings);
    if (!s->strings) return anm_fail_memory(err);
    for (size_t i = 0; i < count; i++) ANM_TRY(add(s, strings[i], err));
    return ANM_OK;
}

void anm_stop_search_free(anm_stop_search *s) {
    for (size_t i = 0; i < s->count; i++) anm_free(s->strings[i]);
    anm_free(s->strings);
    anm_strbuf_free(&s->text);
}

/* Drops what the last call gave out. */
static void forget_given(anm_stop_search *s) {
    if (s->given) memmove(s->text.data, s->text.data + s->given, s->text.len - s->given);
    s->text.len -= s->given;
    s->given = 0;
}

/* The longest string that ends at byte `end`, or -1. */
static int ending_at(const anm_stop_search *s, size_t end, size_t *length) {
    int found = -1;
    *length = 0;
    for (size_t i = 0; i < s->count; i++) {
        size_t n = strlen(s->strings[i]);
        if (n <= *length || n > end) continue;
        if (memcmp(s->text.data + end - n, s->strings[i], n) != 0) continue;
        found = (int)i;
        *length = n;
    }
    return found;
}

/* Bytes at the end that a string begins with. */
static size_t pending(const anm_stop_search *s) {
    size_t most = 0;
    for (size_t i = 0; i < s->count; i++) {
        size_t n = strlen(s->strings[i]) - 1;
        if (n > s->text.len) n = s->text.len;
        while (n > most && memcmp(s->text.data + s->text.len - n, s->strings[i], n) != 0) n--;
        if (n > most) most = n;
    }
    return most;
}

anm_status anm_stop_search_push(anm_stop_search *s, anm_sv piece, anm_sv *out, int *found,
                                anm_error *err) {
    size_t length = 0;
    *found = -1;
    *out = piece;
    if (!s->count) return ANM_OK;
    forget_given(s);
    size_t end = s->text.len;
    anm_strbuf_append(&s->text, piece.data, piece.len);
    if (s->text.failed) return anm_fail_memory(err);
    while (*found < 0 && end < s->text.len) *found = ending_at(s, ++end, &length);
    s->given = *found < 0 ? s->text.len - pending(s) : end - length;
    *out = (anm_sv){s->text.data, s->given};
    return ANM_OK;
}

anm_sv anm_stop_search_rest(anm_stop_search *s) {
    forget_given(s);
    s->given = s->text.len;
    return (anm_sv){s->text.data, s->text.len};
}
