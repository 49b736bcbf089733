/* SPDX-License-Identifier: MIT */
/*
 * Normal forms. utf8proc decomposes and composes; the ordering of combining marks is done here,
 * because utf8proc's is quadratic and a text may hold a million marks in a row.
 */
#include "src/hf/tok_forms.h"

#include <utf8proc.h>

#include "src/hf/tok_unicode.h"

/* The most one character becomes in a compatibility decomposition is 18 (U+FDFA). */
enum { MAX_EXPANSION = 32, SMALL_RUN = 16 };

/* Blocks where each character is its own NFC form and never combines with one before it. */
static bool is_nfc_stable(uint32_t c) {
    return c < 0x300 || (c >= 0x400 && c <= 0x482) || (c >= 0x2010 && c <= 0x205F) ||
           (c >= 0x3001 && c <= 0x3029) || (c >= 0x3030 && c <= 0x3098) ||
           (c >= 0x309B && c <= 0x30FF) || (c >= 0x3400 && c <= 0x4DBF) ||
           (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0xAC00 && c <= 0xD7A3) ||
           (c >= 0xFF00 && c <= 0xFFEF) || (c >= 0x1F300 && c <= 0x1FAFF);
}

bool anm_form_is_certain(anm_unicode_form form, anm_sv text) {
    size_t at = 0, width;
    while (at < text.len) {
        uint64_t word;
        while (text.len - at >= 8 &&
               (memcpy(&word, text.data + at, 8), !(word & 0x8080808080808080u)))
            at += 8;
        if (at == text.len) break;
        uint32_t c = anm_utf8_get(text.data + at, &width);
        if (c >= 0x80 && (form != ANM_NFC || !is_nfc_stable(c))) return false;
        at += width;
    }
    return true;
}

static unsigned combining_class(int32_t c) {
    return c < 0x300 ? 0 : (unsigned)utf8proc_get_property(c)->combining_class & 0xFF;
}

static void insertion_sort(int32_t *run, size_t len) {
    for (size_t i = 1; i < len; i++) {
        int32_t c = run[i];
        size_t k = i;
        for (; k > 0 && combining_class(run[k - 1]) > combining_class(c); k--) run[k] = run[k - 1];
        run[k] = c;
    }
}

/* Stable, by counting the 256 classes. */
static bool counting_sort(int32_t *run, size_t len) {
    size_t begin[257] = {0};
    int32_t *sorted = anm_realloc_array(NULL, len, sizeof *sorted);
    if (!sorted) return false;
    for (size_t i = 0; i < len; i++) begin[combining_class(run[i]) + 1]++;
    for (int k = 1; k < 257; k++) begin[k] += begin[k - 1];
    for (size_t i = 0; i < len; i++) sorted[begin[combining_class(run[i])]++] = run[i];
    memcpy(run, sorted, len * sizeof *sorted);
    anm_free(sorted);
    return true;
}

/* Canonical ordering: each run of characters with a class other than zero is sorted by class. */
static bool order_marks(anm_code_points *points) {
    for (size_t i = 0; i < points->len;) {
        size_t start = i;
        while (i < points->len && combining_class(points->data[i])) i++;
        size_t len = i - start;
        if (len > SMALL_RUN) {
            if (!counting_sort(points->data + start, len)) return false;
        } else {
            insertion_sort(points->data + start, len);
        }
        i += len == 0;
    }
    return true;
}

static bool decompose(anm_unicode_form form, anm_sv text, anm_code_points *out) {
    bool compat = form == ANM_NFKC || form == ANM_NFKD;
    int options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compat ? UTF8PROC_COMPAT : 0);
    size_t width;
    int boundary = 0;
    out->len = 0;
    if (!anm_vec_reserve(out, text.len)) return false;
    for (size_t i = 0; i < text.len; i += width) {
        if (!anm_vec_reserve(out, out->len + MAX_EXPANSION)) return false;
        int32_t c = (int32_t)anm_utf8_get(text.data + i, &width);
        utf8proc_ssize_t n = c < 0x80 ? 0
                                      : utf8proc_decompose_char(c, out->data + out->len,
                                                                MAX_EXPANSION,
                                                                (utf8proc_option_t)options,
                                                                &boundary);
        if (n <= 0 || n > MAX_EXPANSION) { /* ASCII, or not a character for utf8proc */
            out->data[out->len] = c;
            n = 1;
        }
        out->len += (size_t)n;
    }
    return true;
}

anm_status anm_form_append(anm_unicode_form form, anm_code_points *scratch, anm_sv text,
                           anm_strbuf *out, anm_error *err) {
    if (!decompose(form, text, scratch) || !order_marks(scratch)) return anm_fail_memory(err);
    size_t len = scratch->len;
    if (len && (form == ANM_NFC || form == ANM_NFKC)) {
        utf8proc_ssize_t composed =
            utf8proc_normalize_utf32(scratch->data, (utf8proc_ssize_t)len,
                                     (utf8proc_option_t)(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
        if (composed < 0)
            return anm_fail(err, ANM_ERROR_INTERNAL, NULL, "utf8proc: %s",
                            utf8proc_errmsg(composed));
        len = (size_t)composed;
    }
    for (size_t i = 0; i < len; i++) anm_utf8_append(out, (uint32_t)scratch->data[i]);
    return out->failed ? anm_fail_memory(err) : ANM_OK;
}
