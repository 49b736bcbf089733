/* SPDX-License-Identifier: MIT */
/* Patterns, their matches, and cutting at them. */
#include "src/hf/tok_pattern.h"

#include "src/hf/tok_unicode.h"

anm_status anm_pattern_load(const json_t *value, anm_arena *arena, const char *where,
                            anm_pattern *out, anm_error *err) {
    const json_t *string = json_object_get(value, "String");
    const json_t *regex = json_object_get(value, "Regex");
    *out = (anm_pattern){0};
    if (json_is_string(value)) string = value;
    if (json_is_string(regex)) {
        anm_sv text = {json_string_value(regex), json_string_length(regex)};
        return anm_regex_compile(text, where, &out->regex, err);
    }
    if (!json_is_string(string))
        return anm_fail(err, ANM_ERROR_FORMAT, where,
                        "\"pattern\" must be {\"String\": text} or {\"Regex\": text}");
    out->literal.len = json_string_length(string);
    out->literal.data = anm_arena_strndup(arena, json_string_value(string), out->literal.len);
    return out->literal.data ? ANM_OK : anm_fail_memory(err);
}

void anm_pattern_free(anm_pattern *pattern) {
    anm_regex_free(pattern->regex);
    *pattern = (anm_pattern){0};
}

static bool find_literal(anm_sv literal, anm_sv text, size_t from, size_t *start, size_t *end) {
    const char *found = literal.len ? memmem(text.data + from, text.len - from, literal.data,
                                             literal.len)
                                    : text.data + from;
    if (!found) return false;
    *start = (size_t)(found - text.data);
    *end = *start + literal.len;
    return true;
}

void anm_matcher_start(anm_matcher *m, const anm_pattern *pattern, anm_regex_scratch *scratch,
                       anm_sv text) {
    *m = (anm_matcher){.pattern = pattern, .scratch = scratch, .text = text};
}

/* The next match that counts, or done. */
static anm_status find_match(anm_matcher *m, anm_span *out, anm_error *err) {
    bool found;
    out->is_match = true;
    while (m->search <= m->text.len) {
        if (m->pattern->regex) {
            ANM_TRY(anm_regex_find(m->pattern->regex, m->scratch, m->text, m->search, &found,
                                   &out->start, &out->end, err));
        } else {
            found = find_literal(m->pattern->literal, m->text, m->search, &out->start, &out->end);
        }
        if (!found) break;
        bool empty = out->start == out->end;
        if (empty && m->after_match && out->end == m->covered) {
            if (m->search == m->text.len) break;
            m->search += anm_utf8_width((unsigned char)m->text.data[m->search]);
            continue;
        }
        m->search = out->end;
        m->after_match = true;
        return ANM_OK;
    }
    m->done = true;
    return ANM_OK;
}

anm_status anm_matcher_next(anm_matcher *m, anm_span *out, bool *more, anm_error *err) {
    *more = true;
    if (m->text.len == 0) m->done = true;
    if (m->held) {
        m->held = false;
        *out = m->match;
        m->covered = out->end;
        return ANM_OK;
    }
    if (!m->done) {
        ANM_TRY(find_match(m, &m->match, err));
        if (!m->done) {
            m->held = m->match.start > m->covered;
            *out = m->held ? (anm_span){m->covered, m->match.start, false} : m->match;
            m->covered = out->end;
            return ANM_OK;
        }
    }
    *more = m->covered < m->text.len;
    *out = (anm_span){m->covered, m->text.len, false};
    m->covered = m->text.len;
    return ANM_OK;
}

anm_status anm_split_behavior_load(const json_t *value, anm_split_behavior absent,
                                   const char *where, anm_split_behavior *out, anm_error *err) {
    static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};
    *out = absent;
    if (!value) return ANM_OK;
    for (int i = 0; i < 5 && json_is_string(value); i++) {
        if (strcmp(json_string_value(value), names[i]) != 0) continue;
        *out = (anm_split_behavior)i;
        return ANM_OK;
    }
    return anm_fail(err, ANM_ERROR_FORMAT, where,
                    "\"behavior\" must be Removed, Isolated, MergedWithPrevious, MergedWithNext "
                    "or Contiguous");
}

/* Whether a span joins the one held before it. */
static bool joins(anm_split_behavior behavior, bool held_is_match, bool is_match) {
    switch (behavior) {
    case ANM_SPLIT_MERGED_WITH_PREVIOUS: return is_match && !held_is_match;
    case ANM_SPLIT_MERGED_WITH_NEXT: return held_is_match && !is_match;
    case ANM_SPLIT_CONTIGUOUS: return held_is_match == is_match;
    default: return false;
    }
}

bool anm_splitter_feed(anm_splitter *s, anm_span span, anm_span *out) {
    if (s->behavior == ANM_SPLIT_ISOLATED || s->behavior == ANM_SPLIT_REMOVED) {
        *out = span;
        return s->behavior == ANM_SPLIT_ISOLATED || !span.is_match;
    }
    if (!s->has_held) {
        s->has_held = true;
        s->held = span;
        return false;
    }
    *out = s->held;
    if (!joins(s->behavior, s->held.is_match, span.is_match)) {
        s->held = span;
        return true;
    }
    s->held.end = span.end;
    s->held.is_match = span.is_match;
    return false;
}

bool anm_splitter_flush(anm_splitter *s, anm_span *out) {
    bool had = s->has_held;
    s->has_held = false;
    *out = s->held;
    return had;
}
