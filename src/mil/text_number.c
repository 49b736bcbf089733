/* SPDX-License-Identifier: MIT */
/*
 * Numbers of the text form, both ways. printf and strtod follow the process's locale, so floats
 * are written and hexadecimal ones read here; only decimal floats, which the compiler never
 * writes, go through strtod, in the "C" locale.
 */
#include "src/mil/text_number.h"

#include <ctype.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#if defined(__APPLE__)
#include <xlocale.h>
#endif

/* ---- writing ---- */

static void put_int(anm_strbuf *out, bool negative, uint64_t magnitude) {
    char text[24], *p = text + sizeof text;
    do *--p = (char)('0' + magnitude % 10);
    while (magnitude /= 10);
    if (negative) *--p = '-';
    anm_strbuf_append(out, p, (size_t)(text + sizeof text - p));
}

void anm_mil_text_put_float(anm_strbuf *out, double value) {
    if (isnan(value)) {
        anm_strbuf_puts(out, "nan");
        return;
    }
    if (signbit(value)) anm_strbuf_putc(out, '-');
    if (isinf(value)) {
        anm_strbuf_puts(out, "inf");
        return;
    }
    if (value == 0) {
        anm_strbuf_puts(out, "0x0p+0");
        return;
    }
    int exponent;
    double fraction = frexp(fabs(value), &exponent); /* in [0.5, 1) */
    uint64_t bits = (uint64_t)ldexp(fraction, 53) & (((uint64_t)1 << 52) - 1);
    char text[16], *p = text;
    for (int shift = 48; bits; shift -= 4) {
        *p++ = "0123456789abcdef"[bits >> shift & 15];
        bits &= ((uint64_t)1 << shift) - 1;
    }
    anm_strbuf_puts(out, p > text ? "0x1." : "0x1");
    anm_strbuf_append(out, text, (size_t)(p - text));
    exponent--;
    anm_strbuf_puts(out, exponent < 0 ? "p-" : "p+");
    put_int(out, false, (uint64_t)abs(exponent));
}

void anm_mil_text_put_element(anm_strbuf *out, anm_dtype dtype, const void *data, int64_t index) {
    if (anm_dtype_is_float(dtype)) {
        anm_mil_text_put_float(out, anm_element_get(dtype, data, index));
        return;
    }
    int64_t value = anm_element_get_int(dtype, data, index);
    bool negative = anm_dtype_is_signed(dtype) && value < 0;
    if (dtype == ANM_DTYPE_BOOL) anm_strbuf_puts(out, value ? "true" : "false");
    else put_int(out, negative, negative ? 0 - (uint64_t)value : (uint64_t)value);
}

/* ---- reading ---- */

static bool take_sign(anm_sv *word, bool allow_plus) {
    bool negative = word->len && word->data[0] == '-';
    if (negative || (allow_plus && word->len && word->data[0] == '+')) {
        word->data++;
        word->len--;
    }
    return negative;
}

anm_mil_text_number_status anm_mil_text_read_int(anm_sv word, bool is_signed, int bits,
                                                 int64_t *out) {
    bool negative = take_sign(&word, false), overflow = false;
    uint64_t magnitude = 0, largest = UINT64_MAX >> (64 - bits + (is_signed ? 1 : 0));
    if (!word.len) return ANM_MIL_NUMBER_SYNTAX;
    for (size_t i = 0; i < word.len; i++) {
        if (!isdigit((unsigned char)word.data[i])) return ANM_MIL_NUMBER_SYNTAX;
        overflow |= __builtin_mul_overflow(magnitude, (uint64_t)10, &magnitude);
        overflow |= __builtin_add_overflow(magnitude, (uint64_t)(word.data[i] - '0'), &magnitude);
    }
    if (negative) largest = is_signed ? largest + 1 : 0;
    if (overflow || magnitude > largest) return ANM_MIL_NUMBER_RANGE;
    *out = (int64_t)(negative ? 0 - magnitude : magnitude);
    return ANM_MIL_NUMBER_OK;
}

int anm_mil_text_hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* "p-24": at most 9 digits count, which is beyond every double's exponent already. */
static bool read_exponent(anm_sv word, int *out) {
    bool negative = take_sign(&word, true);
    int value = 0;
    if (!word.len) return false;
    for (size_t i = 0; i < word.len; i++) {
        if (!isdigit((unsigned char)word.data[i])) return false;
        if (value < 100000000) value = value * 10 + (word.data[i] - '0');
    }
    *out = negative ? -value : value;
    return true;
}

/* "1.8p+1", after "0x". Digits beyond 64 bits only matter for rounding: they set the last bit. */
static bool read_hex_float(anm_sv word, double *out) {
    uint64_t mantissa = 0;
    int64_t scale = 0;
    bool point = false, digits = false;
    size_t i = 0;
    for (; i < word.len; i++) {
        char c = word.data[i];
        int digit = anm_mil_text_hex_digit(c);
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (digit < 0) break;
        digits = true;
        if (mantissa >> 58) { /* keeps clear of the top, so that the sticky bit has a place */
            mantissa |= digit != 0;
            scale += point ? 0 : 4;
        } else {
            mantissa = mantissa << 4 | (uint64_t)digit;
            scale -= point ? 4 : 0;
        }
    }
    int exponent = 0;
    if (!digits) return false;
    if (i < word.len) {
        if (word.data[i] != 'p' && word.data[i] != 'P') return false;
        if (!read_exponent((anm_sv){word.data + i + 1, word.len - i - 1}, &exponent)) return false;
    }
    scale += exponent;
    if (scale > 100000) scale = 100000;
    if (scale < -100000) scale = -100000;
    *out = ldexp((double)mantissa, (int)scale);
    return true;
}

static bool read_decimal_float(anm_sv word, double *out) {
    char text[128], *end;
    if (!word.len || word.len >= sizeof text) return false;
    /* strtod alone would also take white space, "infinity" and "nan(...)". */
    for (size_t i = 0; i < word.len; i++)
        if (!strchr("0123456789.eE+-", word.data[i]) || !word.data[i]) return false;
    memcpy(text, word.data, word.len);
    text[word.len] = '\0';
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0) return false;
    *out = strtod_l(text, &end, c_locale);
    freelocale(c_locale);
    return *end == '\0';
}

static bool read_float(anm_sv word, double *out) {
    bool negative = take_sign(&word, true), ok = true;
    if (anm_sv_is(word, "nan")) *out = (double)NAN;
    else if (anm_sv_is(word, "inf")) *out = (double)INFINITY;
    else if (word.len > 2 && word.data[0] == '0' && (word.data[1] | 32) == 'x')
        ok = read_hex_float((anm_sv){word.data + 2, word.len - 2}, out);
    else ok = word.len && word.data[0] != '-' && word.data[0] != '+' &&
              read_decimal_float(word, out);
    if (ok && negative) *out = -*out;
    return ok;
}

static anm_mil_text_number_status store_float(anm_sv word, anm_dtype dtype, void *data,
                                              int64_t index) {
    double value;
    if (!read_float(word, &value)) return ANM_MIL_NUMBER_SYNTAX;
    anm_element_set(dtype, data, index, value);
    bool infinite_text = word.len >= 3 && memcmp(word.data + word.len - 3, "inf", 3) == 0;
    if (!isfinite(anm_element_get(dtype, data, index)) && !isnan(value) && !infinite_text)
        return ANM_MIL_NUMBER_RANGE;
    return ANM_MIL_NUMBER_OK;
}

anm_mil_text_number_status anm_mil_text_store_element(anm_sv word, anm_dtype dtype, void *data,
                                                      int64_t index) {
    int64_t value;
    if (anm_dtype_is_float(dtype)) return store_float(word, dtype, data, index);
    if (dtype == ANM_DTYPE_BOOL) {
        if (!anm_sv_is(word, "true") && !anm_sv_is(word, "false")) return ANM_MIL_NUMBER_SYNTAX;
        anm_element_set_int(dtype, data, index, anm_sv_is(word, "true"));
        return ANM_MIL_NUMBER_OK;
    }
    anm_mil_text_number_status status =
        anm_mil_text_read_int(word, anm_dtype_is_signed(dtype), anm_dtype_bits(dtype), &value);
    if (status == ANM_MIL_NUMBER_OK) anm_element_set_int(dtype, data, index, value);
    return status;
}
