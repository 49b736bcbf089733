/* SPDX-License-Identifier: MIT */
/*
 * strftime_now(): the directives of Python's strftime with English names, whatever the host
 * program's locale is.
 */
#include <stdio.h>
#include <time.h>

#include "src/hf/jinja_run.h"

static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};

/* Weeks that began on a Monday or a Sunday since the year did. */
static int week_of_year(const struct tm *t, int first_day) {
    int since = (t->tm_wday - first_day + 7) % 7;
    return (t->tm_yday + 7 - since) / 7;
}

static bool is_leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int iso_weeks(int year) {
    int y = year - 1, shift = (y + y / 4 - y / 100 + y / 400 + 1) % 7; /* weekday of 1 January */
    return shift == 4 || (shift == 3 && is_leap(year)) ? 53 : 52;
}

/* ISO 8601: week 1 has the year's first Thursday. */
static void iso_week(const struct tm *t, int *year, int *week) {
    int weekday = (t->tm_wday + 6) % 7;
    *year = t->tm_year + 1900;
    *week = (t->tm_yday - weekday + 10) / 7;
    if (*week < 1)
        *week = iso_weeks(--*year);
    else if (*week > iso_weeks(*year))
        *week = 1, ++*year;
}

typedef struct number {
    int value, width;
    char pad;
} number;

static int hour12(const struct tm *t) {
    return t->tm_hour % 12 ? t->tm_hour % 12 : 12;
}

/* The numeric directives; false for others. */
static bool find_number(char directive, const struct tm *t, number *out) {
    int year, week;
    iso_week(t, &year, &week);
    const struct {
        char directive;
        number number;
    } numbers[] = {
        {'d', {t->tm_mday, 2, '0'}},
        {'e', {t->tm_mday, 2, ' '}},
        {'m', {t->tm_mon + 1, 2, '0'}},
        {'y', {(t->tm_year % 100 + 100) % 100, 2, '0'}},
        {'Y', {t->tm_year + 1900, 1, '0'}},
        {'C', {(t->tm_year + 1900) / 100, 2, '0'}},
        {'H', {t->tm_hour, 2, '0'}},
        {'k', {t->tm_hour, 2, ' '}},
        {'I', {hour12(t), 2, '0'}},
        {'l', {hour12(t), 2, ' '}},
        {'M', {t->tm_min, 2, '0'}},
        {'S', {t->tm_sec, 2, '0'}},
        {'f', {0, 6, '0'}},
        {'j', {t->tm_yday + 1, 3, '0'}},
        {'w', {t->tm_wday, 1, '0'}},
        {'u', {t->tm_wday ? t->tm_wday : 7, 1, '0'}},
        {'U', {week_of_year(t, 0), 2, '0'}},
        {'W', {week_of_year(t, 1), 2, '0'}},
        {'V', {week, 2, '0'}},
        {'G', {year, 1, '0'}},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i].directive != directive) continue;
        *out = numbers[i].number;
        return true;
    }
    return false;
}

/* Directives that stand for others; NULL when it is none. */
static const char *composite(char directive) {
    switch (directive) {
    case 'c': return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x': return "%m/%d/%y";
    case 'X':
    case 'T': return "%H:%M:%S";
    case 'F': return "%Y-%m-%d";
    case 'R': return "%H:%M";
    case 'r': return "%I:%M:%S %p";
    case 'h': return "%b";
    default: return NULL;
    }
}

static bool put_word(jinja_text *out, char directive, const struct tm *t, bool *known) {
    *known = true;
    switch (directive) {
    case 'a': return anm_jinja_text_add(out, (anm_sv){days[t->tm_wday], 3});
    case 'A': return anm_jinja_text_puts(out, days[t->tm_wday]);
    case 'b': return anm_jinja_text_add(out, (anm_sv){months[t->tm_mon], 3});
    case 'B': return anm_jinja_text_puts(out, months[t->tm_mon]);
    case 'p': return anm_jinja_text_puts(out, t->tm_hour < 12 ? "AM" : "PM");
    case 'P': return anm_jinja_text_puts(out, t->tm_hour < 12 ? "am" : "pm");
    case 'n': return anm_jinja_text_puts(out, "\n");
    case 't': return anm_jinja_text_puts(out, "\t");
    case '%': return anm_jinja_text_puts(out, "%");
    case 'z': /* Python's now() has no time zone: both are empty */
    case 'Z': return true;
    default: *known = false; return true;
    }
}

static bool put_number(jinja_text *out, number n, char flag) {
    char digits[16];
    char pad = flag == '_' ? ' ' : flag == '0' ? '0' : n.pad;
    snprintf(digits, sizeof digits, "%d", n.value);
    if (flag != '-')
        for (size_t i = strlen(digits); i < (size_t)n.width; i++)
            if (!anm_jinja_text_add(out, (anm_sv){&pad, 1})) return false;
    return anm_jinja_text_puts(out, digits);
}

static bool put_format(jinja_text *out, anm_sv format, const struct tm *t);

/* One directive at *at, behind its percent sign; an unknown one is copied. */
static bool put_directive(jinja_text *out, anm_sv format, size_t *at, const struct tm *t) {
    size_t start = *at - 1;
    char flag = format.data[*at];
    bool flagged = (flag == '-' || flag == '_' || flag == '0') && *at + 1 < format.len, known;
    *at += flagged;
    char directive = format.data[(*at)++];
    number n;
    if (find_number(directive, t, &n)) return put_number(out, n, flagged ? flag : '\0');
    const char *longer = composite(directive);
    if (longer) return put_format(out, anm_sv_from(longer), t);
    if (!put_word(out, directive, t, &known)) return false;
    return known || anm_jinja_text_add(out, (anm_sv){format.data + start, *at - start});
}

static bool put_format(jinja_text *out, anm_sv format, const struct tm *t) {
    for (size_t at = 0; at < format.len;) {
        char c = format.data[at++];
        bool ok = c == '%' && at < format.len ? put_directive(out, format, &at, t)
                                              : anm_jinja_text_add(out, (anm_sv){&c, 1});
        if (!ok) return false;
    }
    return true;
}

bool anm_jinja_strftime(jinja_run *run, anm_sv format, anm_sv *out) {
    time_t now = run->options->now ? run->options->now : time(NULL);
    struct tm t;
    if (!localtime_r(&now, &t))
        return anm_jinja_raise(run, ANM_ERROR_ARGUMENT, "the time has no date");
    jinja_text text = {.run = run};
    if (!put_format(&text, format, &t)) return false;
    *out = anm_jinja_text_sv(&text);
    return true;
}
