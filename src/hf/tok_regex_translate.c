/* SPDX-License-Identifier: MIT */
/*
 * Oniguruma to PCRE2. The two agree on most syntax; what differs (doc/RE of Oniguruma 6.9,
 * pcre2pattern(3)):
 *   \s \S \w \W  Oniguruma: the White_Space and Word properties; PCRE2 also counts U+180E as
 *                space and leaves marks out of \w. Spelled out as ranges.
 *   \b \B        boundaries of that \w
 *   \h \H        hexadecimal digit, not horizontal space
 *   \uHHHH       \x{HHHH}
 *   \p{Han}      the Script property; PCRE2 would take Script_Extensions: \p{sc:Han}
 *   (?m:...)     "." matches line feeds: (?s:...)
 *   X{n,m}+      (X{n,m})+ in Oniguruma, possessive in PCRE2: refused
 *   [a&&b]       set intersection, and sets within sets: refused
 * `^` and `$` are line anchors in Oniguruma: the compile options see to that.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <ctype.h>
#include <pcre2.h>
#include <stdio.h>

#include "src/hf/tok_regex.h"

#define SPACE_RANGES                                                                               \
    "\\x09-\\x0d\\x20\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"        \
    "\\x{205f}\\x{3000}"
#define NOT_SPACE_RANGES                                                                           \
    "\\x00-\\x08\\x0e-\\x1f\\x21-\\x{84}\\x{86}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}"       \
    "\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}"                 \
    "\\x{3001}-\\x{10ffff}"
/* Alphabetic, M, Nd and Pc; the ranges are the symbols that are Alphabetic. */
#define WORD_RANGES                                                                                \
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{24b6}-\\x{24e9}\\x{1f130}-\\x{1f149}"                    \
    "\\x{1f150}-\\x{1f169}\\x{1f170}-\\x{1f189}"
#define AFTER_WORD "(?<=[" WORD_RANGES "])"
#define NOT_AFTER_WORD "(?<![" WORD_RANGES "])"
#define BEFORE_WORD "(?=[" WORD_RANGES "])"
#define NOT_BEFORE_WORD "(?![" WORD_RANGES "])"
#define WORD_BOUNDARY "(?:" AFTER_WORD NOT_BEFORE_WORD "|" NOT_AFTER_WORD BEFORE_WORD ")"
#define NOT_WORD_BOUNDARY "(?:" AFTER_WORD BEFORE_WORD "|" NOT_AFTER_WORD NOT_BEFORE_WORD ")"

typedef struct translation {
    const char *p, *end;
    anm_sv pattern;
    const char *where;
    anm_strbuf *out;
    bool in_set;
} translation;

static anm_status refuse(const translation *t, const char *what, anm_error *err) {
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, t->where,
                    "regular expression \"%.*s\" has %s, which is not supported",
                    (int)(t->pattern.len < 120 ? t->pattern.len : 120), t->pattern.data, what);
}

static void put_class(translation *t, const char *ranges, bool negated) {
    if (t->in_set) {
        anm_strbuf_puts(t->out, ranges);
    } else {
        anm_strbuf_printf(t->out, "[%s%s]", negated ? "^" : "", ranges);
    }
}

static bool compiles(const char *pattern) {
    int code;
    PCRE2_SIZE offset;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF,
                                         &code, &offset, NULL);
    pcre2_code_free(compiled);
    return compiled != NULL;
}

/* Whether the name is a script; one and two letter names are general categories first. */
static bool is_script(const char *name, size_t len) {
    char pattern[80];
    if (len < 3 || len > 40 || !memcmp(name, "Any", 3)) return false;
    snprintf(pattern, sizeof pattern, "\\p{sc:%.*s}", (int)len, name);
    return compiles(pattern);
}

/* At "p{Name}" or "P{Name}"; a one-letter form is copied. */
static void property(translation *t) {
    const char *open = t->p + 1;
    const char *close = open < t->end && *open == '{' ? memchr(open, '}', (size_t)(t->end - open))
                                                      : NULL;
    if (!close) {
        anm_strbuf_printf(t->out, "\\%c", *t->p++);
        return;
    }
    const char *name = open + 1, *caret = name < close && *name == '^' ? "^" : "";
    name += strlen(caret);
    anm_strbuf_printf(t->out, "\\%c{%s%s%.*s}", *t->p, caret,
                      is_script(name, (size_t)(close - name)) ? "sc:" : "", (int)(close - name),
                      name);
    t->p = close + 1;
}

/* At "uHHHH". */
static anm_status code_point(translation *t, anm_error *err) {
    size_t digits = 0;
    while (digits < 4 && t->p + 1 + digits < t->end &&
           isxdigit((unsigned char)t->p[1 + digits]))
        digits++;
    if (digits < 4) return refuse(t, "\\u without four hexadecimal digits", err);
    anm_strbuf_printf(t->out, "\\x{%.4s}", t->p + 1);
    t->p += 5;
    return ANM_OK;
}

static anm_status escape(translation *t, anm_error *err) {
    char c = ++t->p < t->end ? *t->p : 0;
    switch (c) {
    case 0: return refuse(t, "a backslash at its end", err);
    case 's': put_class(t, SPACE_RANGES, false); break;
    case 'S': put_class(t, t->in_set ? NOT_SPACE_RANGES : SPACE_RANGES, true); break;
    case 'w': put_class(t, WORD_RANGES, false); break;
    case 'W':
        if (t->in_set) return refuse(t, "\\W within a set", err);
        put_class(t, WORD_RANGES, true);
        break;
    case 'h': put_class(t, "0-9a-fA-F", false); break;
    case 'H':
        if (t->in_set) return refuse(t, "\\H within a set", err);
        put_class(t, "0-9a-fA-F", true);
        break;
    case 'p':
    case 'P': property(t); return ANM_OK;
    case 'K':
    case 'k':
    case 'g':
    case 'C':
    case 'y':
    case 'Y':
    case 'O': return refuse(t, "an escape beyond plain matching", err);
    case 'b': /* inside a set it is backspace in both */
        anm_strbuf_puts(t->out, t->in_set ? "\\x08" : WORD_BOUNDARY);
        break;
    case 'B':
        if (t->in_set) return refuse(t, "\\B within a set", err);
        anm_strbuf_puts(t->out, NOT_WORD_BOUNDARY);
        break;
    case 'u': return code_point(t, err);
    default:
        anm_strbuf_putc(t->out, '\\');
        anm_strbuf_putc(t->out, c);
        break;
    }
    t->p++;
    return ANM_OK;
}

/* "(?" with options: Oniguruma's m is PCRE2's s. Everything else is copied. */
static anm_status group(translation *t, anm_error *err) {
    anm_strbuf_putc(t->out, *t->p++);
    if (t->p == t->end || *t->p != '?') return ANM_OK;
    anm_strbuf_putc(t->out, *t->p++);
    const char *options = t->p;
    while (t->p < t->end && (strchr("imx-", *t->p) && *t->p)) {
        anm_strbuf_putc(t->out, *t->p == 'm' ? 's' : *t->p);
        t->p++;
    }
    if (t->p > options && t->p < t->end && *t->p != ':' && *t->p != ')')
        return refuse(t, "an unknown group option", err);
    if (t->p < t->end && strchr("RP&|~0123456789C", *t->p) && *t->p)
        return refuse(t, "a group beyond plain matching", err);
    return ANM_OK;
}

static bool starts(const translation *t, const char *text) {
    size_t len = strlen(text);
    return (size_t)(t->end - t->p) >= len && memcmp(t->p, text, len) == 0;
}

static anm_status open_set(translation *t, anm_error *err) {
    if (t->in_set) {
        const char *close = starts(t, "[:") ? memmem(t->p, (size_t)(t->end - t->p), ":]", 2) : NULL;
        if (!close) return refuse(t, "a set within a set", err);
        anm_strbuf_append(t->out, t->p, (size_t)(close + 2 - t->p));
        t->p = close + 2;
        return ANM_OK;
    }
    t->in_set = true;
    anm_strbuf_putc(t->out, *t->p++);
    if (starts(t, "^")) anm_strbuf_putc(t->out, *t->p++);
    if (starts(t, "]")) { /* a first "]" is a member in both */
        anm_strbuf_puts(t->out, "\\]");
        t->p++;
    }
    return ANM_OK;
}

/* "{n}", "{n,}", "{,m}", "{n,m}": an interval; any other brace is a literal. */
static size_t interval(const translation *t) {
    const char *q = t->p + 1, *digits = q;
    while (q < t->end && *q >= '0' && *q <= '9') q++;
    size_t count = (size_t)(q - digits);
    if (q < t->end && *q == ',') {
        const char *upper = ++q;
        while (q < t->end && *q >= '0' && *q <= '9') q++;
        count += (size_t)(q - upper);
    }
    return count && q < t->end && *q == '}' ? (size_t)(q + 1 - t->p) : 0;
}

static anm_status brace(translation *t, anm_error *err) {
    size_t len = interval(t);
    if (!len) {
        anm_strbuf_puts(t->out, "\\{");
        t->p++;
        return ANM_OK;
    }
    if (t->p[1] == ',') { /* {,m} is a literal in PCRE2 10.42 */
        anm_strbuf_puts(t->out, "{0");
        anm_strbuf_append(t->out, t->p + 1, len - 1);
    } else {
        anm_strbuf_append(t->out, t->p, len);
    }
    t->p += len;
    if (starts(t, "+")) return refuse(t, "\"+\" after an interval", err);
    return ANM_OK;
}

static anm_status next_item(translation *t, anm_error *err) {
    char c = *t->p;
    if (c == '\\') return escape(t, err);
    if (c == '[') return open_set(t, err);
    if (t->in_set) {
        if (starts(t, "&&")) return refuse(t, "a set intersection", err);
        t->in_set = c != ']';
    } else if (c == '(') {
        if (starts(t, "(*")) return refuse(t, "a verb", err);
        return group(t, err);
    } else if (c == '{') {
        return brace(t, err);
    }
    anm_strbuf_putc(t->out, c);
    t->p++;
    return ANM_OK;
}

anm_status anm_regex_translate(anm_sv pattern, const char *where, anm_strbuf *out,
                               anm_error *err) {
    translation t = {pattern.data, pattern.data + pattern.len, pattern, where, out, false};
    while (t.p < t.end) ANM_TRY(next_item(&t, err));
    return out->failed ? anm_fail_memory(err) : ANM_OK;
}
