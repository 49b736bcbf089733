/* SPDX-License-Identifier: MIT */
/* String slices and a growable text buffer. */
#ifndef ANM_BASE_STR_H
#define ANM_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "src/base/status.h"

/* A slice of text that somebody else owns; not zero-terminated. Print with "%.*s", ANM_SV(s). */
typedef struct anm_sv {
    const char *data;
    size_t len;
} anm_sv;
#define ANM_SV(s) (int)(s).len, (s).data

static inline anm_sv anm_sv_from(const char *text) {
    return (anm_sv){text, strlen(text)};
}
static inline bool anm_sv_equal(anm_sv a, anm_sv b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
static inline bool anm_sv_is(anm_sv a, const char *text) {
    return anm_sv_equal(a, anm_sv_from(text));
}
static inline bool anm_str_starts(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}
bool anm_str_ends(const char *text, const char *suffix);

/*
 * Growable, always zero-terminated once something was added. Memory failure is sticky: appends
 * after it do nothing and `failed` stays set, so that one check at the end is enough.
 */
typedef struct anm_strbuf {
    char *data;
    size_t len, cap;
    bool failed;
} anm_strbuf;

void anm_strbuf_append(anm_strbuf *buf, const char *text, size_t len);
void anm_strbuf_puts(anm_strbuf *buf, const char *text);
void anm_strbuf_putc(anm_strbuf *buf, char c);
void anm_strbuf_printf(anm_strbuf *buf, const char *fmt, ...) ANM_PRINTF(2, 3);
void anm_strbuf_clear(anm_strbuf *buf); /* keeps the memory and resets `failed` */
void anm_strbuf_free(anm_strbuf *buf);
/* "" when nothing was added; never NULL. */
const char *anm_strbuf_cstr(const anm_strbuf *buf);

#endif
