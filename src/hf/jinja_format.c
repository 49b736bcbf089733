/* SPDX-License-Identifier: MIT */
/*
 * Formatting of values: "%05.1f" % x and its filter, and "{:>8}".format(x). Both read their own
 * notation into one description, which the same code then carries out.
 */
#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>

#include "src/hf/jinja_strings.h"
#include "src/hf/jinja_utf8.h"

enum { MAX_WIDTH = 1 << 20, MAX_PRECISION = 100 };

typedef struct spec {
    anm_sv fill;
    char align;         /* < > ^, = for fill between sign and digits; 0 for the kind's own */
    char sign;          /* + or space: shown before positive numbers */
    bool alternate;     /* 0x before hexadecimal digits */
    char group;         /* , or _ between thousands */
    int64_t width;      /* 0: none */
    int64_t precision;  /* -1: none */
    char type;          /* d x f s ...; 0 for the kind's own */
} spec;

static bool bad_format(jinja_run *run, const char *what) {
    return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "format: %s", what);
}

/* --- carrying it out --- */

/* `head` is a sign or prefix, which "=" keeps before the fill. */
static bool put_aligned(jinja_text *out, const spec *s, anm_sv head, anm_sv body, char align) {
    size_t length = anm_jinja_utf8_length(head) + anm_jinja_utf8_length(body);
    size_t missing = s->width > (int64_t)length ? (size_t)s->width - length : 0;
    size_t before = align == '>' || align == '=' ? missing : align == '^' ? missing / 2 : 0;
    if (align != '=' ) {
        anm_sv parts[2] = {head, body};
        head = (anm_sv){"", 0};
        if (!anm_jinja_join(out->run, parts, 2, &body)) return false;
    }
    return anm_jinja_text_add(out, head) &&
           anm_jinja_pad(out->run, body, before, missing - before, s->fill, &body) &&
           anm_jinja_text_add(out, body);
}

static bool put_string(jinja_text *out, const spec *s, anm_sv text) {
    if (s->precision >= 0) text.len = anm_jinja_utf8_offset(text, (size_t)s->precision);
    return put_aligned(out, s, (anm_sv){"", 0}, text, s->align ? s->align : '<');
}

/* Copies the digits with separators every three before the point. */
static size_t group_digits(char *out, const char *digits, char separator) {
    size_t whole = strspn(digits, "0123456789"), used = 0;
    for (size_t i = 0; digits[i]; i++) {
        if (separator && i && i < whole && (whole - i) % 3 == 0) out[used++] = separator;
        out[used++] = digits[i];
    }
    return used;
}

static bool put_number(jinja_text *out, const spec *s, bool negative, const char *prefix,
                       const char *digits) {
    char head[8], grouped[800];
    snprintf(head, sizeof head, "%s%s",
             negative  ? "-"
             : s->sign == '+' ? "+"
             : s->sign == ' ' ? " "
                              : "",
             s->alternate ? prefix : "");
    anm_sv body = {grouped, group_digits(grouped, digits, s->group)};
    return put_aligned(out, s, anm_sv_from(head), body, s->align ? s->align : '>');
}

static bool put_integer(jinja_text *out, const spec *s, int64_t value) {
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    unsigned base = s->type == 'x' || s->type == 'X' ? 16 : s->type == 'o' ? 8
                    : s->type == 'b'                 ? 2
                                                     : 10;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char digits[MAX_PRECISION + 72], *at = digits + sizeof digits - 1;
    int64_t count = 0;
    *at = '\0';
    for (; rest || count == 0 || count < s->precision; count++, rest /= base)
        *--at = (s->type == 'X' ? upper : lower)[rest % base];
    const char *prefix = s->type == 'x' ? "0x" : s->type == 'X' ? "0X" : s->type == 'o' ? "0o"
                         : s->type == 'b' ? "0b" : "";
    return put_number(out, s, value < 0, prefix, at);
}

static bool put_float(jinja_text *out, const spec *s, double value) {
    char digits[500], type = s->type ? s->type : 'g';
    int precision = s->precision < 0 ? 6 : (int)s->precision;
    const char *percent = type == '%' ? "%" : "";
    double size = fabs(type == '%' ? value * 100 : value);
    if (type == 'E' || type == 'G')
        snprintf(digits, sizeof digits, type == 'E' ? "%.*E" : "%.*G", precision, size);
    else if (type == 'e' || type == 'g' || type == 'n')
        snprintf(digits, sizeof digits, type == 'e' ? "%.*e" : "%.*g", precision, size);
    else
        snprintf(digits, sizeof digits, "%.*f%s", precision, size, percent);
    char *point = strchr(digits, *localeconv()->decimal_point);
    if (point) *point = '.';
    return put_number(out, s, signbit(value) && !isnan(value), "", digits);
}

static bool put_plain_float(jinja_text *out, const spec *s, double value) {
    char digits[40];
    anm_jinja_format_float(fabs(value), digits);
    return put_number(out, s, signbit(value) && !isnan(value), "", digits);
}

static bool put_value(jinja_text *out, const spec *s, jinja_value v) {
    anm_sv text;
    if (JINJA_IS(v, JINJA_UNDEFINED) && s->type) return anm_jinja_raise_undefined(out->run, v);
    bool number = jinja_is_number(v) && s->type != 's' && s->type != 'r' && s->type != 'a';
    bool real = s->type && strchr("eEfFgG%", s->type);
    if (s->type && strchr("dioxXbceEfFgGn%", s->type) && !number)
        return bad_format(out->run, "a number is needed");
    if (!number || (JINJA_IS(v, JINJA_BOOL) && !s->type))
        return anm_jinja_text(out->run, v, &text) && put_string(out, s, text);
    if (real || (JINJA_IS(v, JINJA_FLOAT) && !s->type && s->precision >= 0))
        return put_float(out, s, anm_jinja_number(v));
    if (JINJA_IS(v, JINJA_FLOAT)) {
        if (!s->type) return put_plain_float(out, s, v.real);
        if (!(fabs(v.real) < 9.2e18)) return bad_format(out->run, "the number is too large");
        v = jinja_int((int64_t)v.real);
    }
    int64_t integer = JINJA_IS(v, JINJA_BOOL) ? v.truth : v.integer;
    if (s->type != 'c') return put_integer(out, s, integer);
    char character[4];
    if (integer < 0 || integer > 0x10ffff) return bad_format(out->run, "no such character");
    size_t size = anm_jinja_utf8_put(character, (uint32_t)integer);
    return put_string(out, s, (anm_sv){character, size});
}

/* --- reading a notation --- */

typedef struct format {
    jinja_run *run;
    anm_sv in;
    size_t at;
    const jinja_args *args;
    size_t next; /* argument that is taken next */
    jinja_text out;
} format;

static char peek(const format *f) {
    return f->at < f->in.len ? f->in.data[f->at] : '\0';
}

static bool read_digits(format *f, int64_t *out, int64_t limit) {
    for (*out = 0; isdigit((unsigned char)peek(f)); f->at++) {
        *out = *out * 10 + (peek(f) - '0');
        if (*out > limit) return bad_format(f->run, "the width or precision is too large");
    }
    return true;
}

static bool next_argument(format *f, jinja_value *out) {
    if (f->next >= f->args->len) return bad_format(f->run, "there are not enough arguments");
    *out = f->args->items[f->next++];
    return true;
}

/* Digits, or * for the next argument. */
static bool read_size(format *f, int64_t *out, int64_t limit) {
    jinja_value v;
    if (peek(f) != '*') return read_digits(f, out, limit);
    f->at++;
    if (!next_argument(f, &v) || !anm_jinja_int_arg(f->run, v, 0, out)) return false;
    return (*out >= 0 && *out <= limit) || bad_format(f->run, "bad width or precision");
}

static void read_percent_flags(format *f, spec *s) {
    for (;; f->at++) {
        char c = peek(f);
        if (c == '-')
            s->align = '<';
        else if (c == '0' && s->align != '<')
            s->align = '=', s->fill = anm_sv_from("0");
        else if (c == '+' || (c == ' ' && s->sign != '+'))
            s->sign = c;
        else if (c == '#')
            s->alternate = true;
        else if (c != '0' && c != ' ')
            break;
    }
    if (s->align == '<') s->fill = anm_sv_from(" ");
}

/* "(name)" picks a keyword, or a key of the only argument. */
static bool read_percent_name(format *f, jinja_value *v) {
    size_t start = ++f->at;
    while (peek(f) && peek(f) != ')') f->at++;
    if (!peek(f)) return bad_format(f->run, "a name without \")\"");
    anm_sv name = {f->in.data + start, f->at++ - start};
    for (size_t i = 0; i < f->args->keyword_count; i++)
        if (anm_sv_equal(f->args->keywords[i].name, name))
            return *v = f->args->keywords[i].value, true;
    if (f->args->len != 1) return bad_format(f->run, "a name needs one dict as argument");
    f->next = 1;
    return anm_jinja_item(f->run, f->args->items[0], jinja_string(name), v);
}

static bool put_percent(format *f) {
    spec s = {.fill = anm_sv_from(" "), .precision = -1};
    jinja_value v = {.kind = JINJA_ABSENT};
    if (peek(f) == '(' && !read_percent_name(f, &v)) return false;
    read_percent_flags(f, &s);
    if (!read_size(f, &s.width, MAX_WIDTH)) return false;
    if (peek(f) == '.' && (f->at++, !read_size(f, &s.precision, MAX_PRECISION))) return false;
    while (peek(f) == 'l' || peek(f) == 'h' || peek(f) == 'L') f->at++;
    s.type = peek(f);
    f->at++;
    if (s.type == '%') return anm_jinja_text_puts(&f->out, "%");
    if (!s.type || !strchr("diuoxXeEfFgGcrsa", s.type))
        return bad_format(f->run, "unknown conversion after %");
    if (v.kind == JINJA_ABSENT && !next_argument(f, &v)) return false;
    if (s.type == 'i' || s.type == 'u') s.type = 'd';
    if (!s.align) s.align = '>';
    if (s.align == '=' && (s.type == 's' || s.type == 'c' || s.type == 'r')) {
        s.align = '>';
        s.fill = anm_sv_from(" ");
    }
    if (s.type == 'r' || s.type == 'a') {
        anm_sv text;
        return anm_jinja_repr(f->run, v, &text) && put_string(&f->out, &s, text);
    }
    if (s.type == 'c' && JINJA_IS(v, JINJA_STRING)) s.type = 's';
    return put_value(&f->out, &s, v);
}

bool anm_jinja_percent_format(jinja_run *run, anm_sv text, const jinja_args *args, anm_sv *out) {
    format f = {.run = run, .in = text, .args = args, .out = {.run = run}};
    while (f.at < f.in.len) {
        const char *start = f.in.data + f.at;
        const char *hit = memchr(start, '%', f.in.len - f.at);
        size_t n = hit ? (size_t)(hit - start) : f.in.len - f.at;
        if (!anm_jinja_charge(run, 1) || !anm_jinja_text_add(&f.out, (anm_sv){start, n}))
            return false;
        f.at += n + (hit != NULL);
        if (hit && !put_percent(&f)) return false;
    }
    *out = anm_jinja_text_sv(&f.out);
    return true;
}

static bool is_align(char c) {
    return c && strchr("<>^=", c);
}

/* [[fill]align][sign][#][0][width][,][.precision][type] */
static bool read_brace_spec(format *f, spec *s) {
    size_t size = f->at < f->in.len ? anm_jinja_utf8_size(f->in.data + f->at) : 0;
    if (size && f->at + size < f->in.len && is_align(f->in.data[f->at + size])) {
        s->fill = (anm_sv){f->in.data + f->at, size};
        s->align = f->in.data[f->at + size];
        f->at += size + 1;
    } else if (is_align(peek(f))) {
        s->align = f->in.data[f->at++];
    }
    if (peek(f) == '+' || peek(f) == '-' || peek(f) == ' ') s->sign = f->in.data[f->at++];
    if (peek(f) == '#') s->alternate = true, f->at++;
    if (peek(f) == '0') {
        f->at++;
        if (!s->align) s->align = '=', s->fill = anm_sv_from("0");
    }
    if (!read_digits(f, &s->width, MAX_WIDTH)) return false;
    if (peek(f) == ',' || peek(f) == '_') s->group = f->in.data[f->at++];
    if (peek(f) == '.' && (f->at++, !read_digits(f, &s->precision, MAX_PRECISION))) return false;
    if (peek(f) != '}') s->type = peek(f), f->at++;
    if (s->type && !strchr("sdxXobceEfFgGn%", s->type))
        return bad_format(f->run, "unknown format type");
    return peek(f) == '}' || bad_format(f->run, "expected \"}\"");
}

static size_t name_end(const format *f) {
    size_t at = f->at;
    while (at < f->in.len && !strchr(".[!:}]", f->in.data[at])) at++;
    return at;
}

static bool first_part(format *f, anm_sv name, jinja_value *v) {
    int64_t index = 0;
    if (!name.len) return next_argument(f, v);
    for (size_t i = 0; i < f->args->keyword_count; i++)
        if (anm_sv_equal(f->args->keywords[i].name, name))
            return *v = f->args->keywords[i].value, true;
    for (size_t i = 0; i < name.len && index >= 0; i++)
        index = isdigit((unsigned char)name.data[i]) && index < 100000
                    ? index * 10 + (name.data[i] - '0')
                    : -1;
    if (index < 0 || index >= (int64_t)f->args->len)
        return bad_format(f->run, "there is no such argument");
    *v = f->args->items[index];
    return true;
}

/* "name.attribute[key]" */
static bool read_field(format *f, jinja_value *v) {
    size_t end = name_end(f);
    anm_sv name = {f->in.data + f->at, end - f->at};
    f->at = end;
    if (!first_part(f, name, v)) return false;
    while (peek(f) == '.' || peek(f) == '[') {
        bool item = peek(f) == '[';
        f->at++;
        end = name_end(f);
        name = (anm_sv){f->in.data + f->at, end - f->at};
        f->at = end;
        if (item && (peek(f) != ']' || (f->at++, false)))
            return bad_format(f->run, "expected \"]\"");
        if (!anm_jinja_path(f->run, *v, jinja_string(name), v)) return false;
    }
    return true;
}

static bool put_brace(format *f) {
    spec s = {.fill = anm_sv_from(" "), .precision = -1};
    jinja_value v;
    anm_sv text;
    if (!read_field(f, &v)) return false;
    if (peek(f) == '!') {
        f->at++;
        char how = peek(f);
        f->at++;
        if (how != 'r' && how != 's' && how != 'a') return bad_format(f->run, "unknown conversion");
        bool ok = how == 's' ? anm_jinja_text(f->run, v, &text) : anm_jinja_repr(f->run, v, &text);
        if (!ok) return false;
        v = jinja_string(text);
    }
    if (peek(f) == ':' && (f->at++, !read_brace_spec(f, &s))) return false;
    if (peek(f) != '}') return bad_format(f->run, "expected \"}\"");
    f->at++;
    return put_value(&f->out, &s, v);
}

bool anm_jinja_brace_format(jinja_run *run, anm_sv text, const jinja_args *args, anm_sv *out) {
    format f = {.run = run, .in = text, .args = args, .out = {.run = run}};
    while (f.at < f.in.len) {
        char c = f.in.data[f.at++];
        bool twice = (c == '{' || c == '}') && peek(&f) == c;
        f.at += twice;
        if (!anm_jinja_charge(run, 1)) return false;
        if (c == '}' && !twice) return bad_format(run, "\"}\" without \"{\"");
        bool ok = c == '{' && !twice ? put_brace(&f) : anm_jinja_text_add(&f.out, (anm_sv){&c, 1});
        if (!ok) return false;
    }
    *out = anm_jinja_text_sv(&f.out);
    return true;
}
