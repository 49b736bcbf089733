/* SPDX-License-Identifier: MIT */
/*
 * A pattern {"String": ...} or {"Regex": ...}, its matches in a text, and the five ways in which
 * a Split cuts at them.
 */
#ifndef ANM_HF_TOK_PATTERN_H
#define ANM_HF_TOK_PATTERN_H

#include "src/base/json.h"
#include "src/hf/tok_regex.h"

typedef struct anm_pattern {
    anm_sv literal; /* when regex is NULL; may be empty, which matches between characters */
    anm_regex *regex;
} anm_pattern;

/* Strings are copied to the arena; the regex is released by anm_pattern_free. */
ANM_MUST_CHECK anm_status anm_pattern_load(const json_t *value, anm_arena *arena,
                                           const char *where, anm_pattern *out, anm_error *err);
void anm_pattern_free(anm_pattern *pattern);

/* One stretch of a text: a match, or what lies between matches. */
typedef struct anm_span {
    size_t start, end;
    bool is_match;
} anm_span;

/*
 * Cuts the text into matches and gaps, in order and covering all of it. Empty gaps are left
 * out; an empty match directly after a match does not count.
 */
typedef struct anm_matcher {
    const anm_pattern *pattern;
    anm_regex_scratch *scratch;
    anm_sv text;
    size_t covered, search; /* covered: end of what was given out */
    bool after_match, held, done;
    anm_span match; /* found, but the gap before it was given out first */
} anm_matcher;
void anm_matcher_start(anm_matcher *m, const anm_pattern *pattern, anm_regex_scratch *scratch,
                       anm_sv text);
/* *more false at the end. */
ANM_MUST_CHECK anm_status anm_matcher_next(anm_matcher *m, anm_span *out, bool *more,
                                           anm_error *err);

typedef enum anm_split_behavior {
    ANM_SPLIT_REMOVED,
    ANM_SPLIT_ISOLATED,
    ANM_SPLIT_MERGED_WITH_PREVIOUS,
    ANM_SPLIT_MERGED_WITH_NEXT,
    ANM_SPLIT_CONTIGUOUS
} anm_split_behavior;
/* `absent` when the value is NULL. */
ANM_MUST_CHECK anm_status anm_split_behavior_load(const json_t *value, anm_split_behavior absent,
                                                  const char *where, anm_split_behavior *out,
                                                  anm_error *err);

/* Puts spans together again as the behaviour says. Feed each span, then flush. */
typedef struct anm_splitter {
    anm_split_behavior behavior;
    bool has_held;
    anm_span held;
} anm_splitter;
/* True when *out is a piece that is complete; at most one per call. */
bool anm_splitter_feed(anm_splitter *s, anm_span span, anm_span *out);
bool anm_splitter_flush(anm_splitter *s, anm_span *out);

#endif
