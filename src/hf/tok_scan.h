/* SPDX-License-Identifier: MIT */
/*
 * A pull reader over a JSON text in memory, for the two large tables of a tokenizer.json: it
 * makes no tree and copies a string only when it holds escapes. Everything else goes through
 * jansson. The text must be valid UTF-8. Errors are ANM_ERROR_FORMAT with the byte offset.
 */
#ifndef ANM_HF_TOK_SCAN_H
#define ANM_HF_TOK_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/str.h"

enum { ANM_SCAN_MAX_DEPTH = 64 };

typedef struct anm_scan {
    const char *text;
    size_t size, at;
    const char *where; /* file name for errors */
    anm_strbuf unescaped;
    int depth;
} anm_scan;

void anm_scan_free(anm_scan *scan); /* the buffer only */

/* The next character that is not white space, or 0 at the end. Moves up to it. */
char anm_scan_peek(anm_scan *scan);
/* Fails unless the next character is `c`, else steps over it. */
ANM_MUST_CHECK anm_status anm_scan_expect(anm_scan *scan, char c, anm_error *err);
/*
 * Iteration over an object or array whose opening bracket was consumed: *more tells whether an
 * element follows; commas and the closing bracket are consumed. `first` is true for the first call.
 */
ANM_MUST_CHECK anm_status anm_scan_more(anm_scan *scan, char close, bool first, bool *more,
                                        anm_error *err);
/* A string; the slice lives until the next string is read. */
ANM_MUST_CHECK anm_status anm_scan_string(anm_scan *scan, anm_sv *out, anm_error *err);
/* A string and the colon after it. */
ANM_MUST_CHECK anm_status anm_scan_key(anm_scan *scan, anm_sv *out, anm_error *err);
/* An integer without fraction or exponent that fits in 64 bits. */
ANM_MUST_CHECK anm_status anm_scan_int(anm_scan *scan, int64_t *out, anm_error *err);
/* Steps over any value, checking its syntax. */
ANM_MUST_CHECK anm_status anm_scan_skip(anm_scan *scan, anm_error *err);
/* Fails when anything but white space is left. */
ANM_MUST_CHECK anm_status anm_scan_end(anm_scan *scan, anm_error *err);

#endif
