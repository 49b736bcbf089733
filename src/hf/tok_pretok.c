/* SPDX-License-Identifier: MIT */
/* Running the pre-tokenizer's steps. Loading: tok_pretok_load.c. */
#include "src/hf/tok_pretok.h"

#include "src/hf/tok_bytelevel.h"

void anm_pretok_free(anm_pretok *p) {
    for (size_t i = 0; i < p->steps.len; i++) anm_pattern_free(&p->steps.data[i].pattern);
    anm_vec_free(&p->steps);
}

void anm_pretok_scratch_free(anm_pretok_scratch *s) {
    for (size_t i = 0; i < s->rewritten.len; i++) anm_strbuf_free(&s->rewritten.data[i]);
    anm_vec_free(&s->rewritten);
}

/* A piece on its way: which step it is for. */
typedef struct piece {
    anm_sv text;
    size_t step;
    bool at_start;
} piece;

static anm_status apply(anm_pretok_run *run, piece p, anm_error *err);

static anm_status pass(anm_pretok_run *run, const piece *p, size_t start, size_t end,
                       anm_error *err) {
    if (start == end) return ANM_OK;
    return apply(run,
                 (piece){{p->text.data + start, end - start}, p->step + 1,
                         p->at_start && start == 0},
                 err);
}

static anm_status pass_span(anm_pretok_run *run, const piece *p, anm_splitter *s, anm_span span,
                            anm_error *err) {
    anm_span out;
    return anm_splitter_feed(s, span, &out) ? pass(run, p, out.start, out.end, err) : ANM_OK;
}

static anm_status pass_rest(anm_pretok_run *run, const piece *p, anm_splitter *s,
                            anm_error *err) {
    anm_span out;
    return anm_splitter_flush(s, &out) ? pass(run, p, out.start, out.end, err) : ANM_OK;
}

static anm_status cut_at_pattern(anm_pretok_run *run, const piece *p, const anm_pattern *pattern,
                                 anm_split_behavior behavior, bool invert, anm_error *err) {
    anm_splitter splitter = {.behavior = behavior};
    anm_matcher m;
    anm_span span;
    bool more;
    anm_matcher_start(&m, pattern, run->regex, p->text);
    for (;;) {
        ANM_TRY(anm_matcher_next(&m, &span, &more, err));
        if (!more) return pass_rest(run, p, &splitter, err);
        span.is_match = span.is_match != invert;
        ANM_TRY(pass_span(run, p, &splitter, span, err));
    }
}

/* Each character of the class is a match of its own. */
static anm_status cut_at_class(anm_pretok_run *run, const piece *p, bool (*is_match)(uint32_t),
                               anm_split_behavior behavior, anm_error *err) {
    anm_splitter splitter = {.behavior = behavior};
    size_t gap = 0, width;
    for (size_t i = 0; i < p->text.len; i += width) {
        if (!is_match(anm_utf8_get(p->text.data + i, &width))) continue;
        if (gap < i) ANM_TRY(pass_span(run, p, &splitter, (anm_span){gap, i, false}, err));
        ANM_TRY(pass_span(run, p, &splitter, (anm_span){i, i + width, true}, err));
        gap = i + width;
    }
    if (gap < p->text.len)
        ANM_TRY(pass_span(run, p, &splitter, (anm_span){gap, p->text.len, false}, err));
    return pass_rest(run, p, &splitter, err);
}

static int word_class(uint32_t c) {
    return anm_char_is_word(c) ? 1 : anm_char_is_space(c) ? 0 : 2;
}

static anm_status cut_words(anm_pretok_run *run, const piece *p, anm_error *err) {
    size_t start = 0, width;
    int current = 0;
    for (size_t i = 0; i < p->text.len; i += width) {
        int class = word_class(anm_utf8_get(p->text.data + i, &width));
        if (class == current) continue;
        if (current) ANM_TRY(pass(run, p, start, i, err));
        start = i;
        current = class;
    }
    return current ? pass(run, p, start, p->text.len, err) : ANM_OK;
}

/* The step's own buffer; later steps use others, so its content stays until they are done. */
static anm_strbuf *buffer_of(anm_pretok_run *run, const piece *p) {
    anm_strbuf *buf = &run->scratch->rewritten.data[p->step];
    anm_strbuf_clear(buf);
    return buf;
}

static anm_sv whole(const anm_strbuf *buf) {
    return (anm_sv){anm_strbuf_cstr(buf), buf->len};
}

static bool starts_with(anm_sv text, anm_sv prefix) {
    return text.len >= prefix.len && memcmp(text.data, prefix.data, prefix.len) == 0;
}

static anm_status metaspace(anm_pretok_run *run, const anm_pretok_step *step, piece p,
                            anm_error *err) {
    anm_strbuf *buf = buffer_of(run, &p);
    bool wanted = step->prepend == ANM_PREPEND_ALWAYS ||
                  (step->prepend == ANM_PREPEND_FIRST && p.at_start);
    if (wanted && !starts_with(p.text, step->replacement) && p.text.data[0] != ' ')
        anm_strbuf_append(buf, step->replacement.data, step->replacement.len);
    for (size_t i = 0; i < p.text.len; i++) {
        if (p.text.data[i] == ' ') {
            anm_strbuf_append(buf, step->replacement.data, step->replacement.len);
        } else {
            anm_strbuf_putc(buf, p.text.data[i]);
        }
    }
    if (buf->failed) return anm_fail_memory(err);
    p.text = whole(buf);
    if (!step->split) return pass(run, &p, 0, p.text.len, err);
    anm_pattern mark = {.literal = step->replacement};
    return cut_at_pattern(run, &p, &mark, ANM_SPLIT_MERGED_WITH_NEXT, false, err);
}

/* Writes the piece in the byte alphabet. Two buffers: the cut text must outlive its pieces. */
static anm_status map_and_pass(anm_pretok_run *run, const piece *p, anm_span span,
                               anm_error *err) {
    anm_strbuf *mapped = &run->scratch->rewritten.data[run->pretok->steps.len + p->step];
    anm_strbuf_clear(mapped);
    anm_bytes_to_alphabet(mapped, p->text.data + span.start, span.end - span.start);
    if (mapped->failed) return anm_fail_memory(err);
    return apply(run, (piece){whole(mapped), p->step + 1, p->at_start && span.start == 0}, err);
}

static anm_status byte_level(anm_pretok_run *run, const anm_pretok_step *step, piece p,
                             anm_error *err) {
    anm_matcher m;
    anm_span span = {0, 0, false};
    bool more = true;
    if (step->prefix_space && p.text.data[0] != ' ') {
        anm_strbuf *buf = buffer_of(run, &p);
        anm_strbuf_putc(buf, ' ');
        anm_strbuf_append(buf, p.text.data, p.text.len);
        if (buf->failed) return anm_fail_memory(err);
        p.text = whole(buf);
    }
    if (!step->pattern.regex) {
        span.end = p.text.len;
        return step->raw ? pass(run, &p, 0, span.end, err) : map_and_pass(run, &p, span, err);
    }
    anm_matcher_start(&m, &step->pattern, run->regex, p.text);
    for (;;) {
        ANM_TRY(anm_matcher_next(&m, &span, &more, err));
        if (!more) return ANM_OK;
        ANM_TRY(step->raw ? pass(run, &p, span.start, span.end, err)
                          : map_and_pass(run, &p, span, err));
    }
}

static anm_status apply(anm_pretok_run *run, piece p, anm_error *err) {
    if (p.step == run->pretok->steps.len) return run->emit(run->context, p.text, err);
    const anm_pretok_step *step = &run->pretok->steps.data[p.step];
    switch (step->kind) {
    case ANM_PRETOK_SPLIT:
        return cut_at_pattern(run, &p, &step->pattern, step->behavior, step->invert, err);
    case ANM_PRETOK_BYTE_LEVEL: return byte_level(run, step, p, err);
    case ANM_PRETOK_METASPACE: return metaspace(run, step, p, err);
    case ANM_PRETOK_DIGITS:
        return cut_at_class(run, &p, anm_char_is_numeric, step->behavior, err);
    case ANM_PRETOK_PUNCTUATION:
        return cut_at_class(run, &p, anm_char_is_punctuation, step->behavior, err);
    case ANM_PRETOK_SPACES:
        return cut_at_class(run, &p, anm_char_is_space, ANM_SPLIT_REMOVED, err);
    case ANM_PRETOK_WORDS: return cut_words(run, &p, err);
    }
    return anm_fail(err, ANM_ERROR_INTERNAL, NULL, "unknown pre-tokenizer step");
}

anm_status anm_pretok_apply(anm_pretok_run *run, anm_sv text, bool at_start, anm_error *err) {
    size_t wanted = 2 * run->pretok->steps.len;
    if (text.len == 0) return ANM_OK;
    while (run->scratch->rewritten.len < wanted)
        if (!anm_vec_push(&run->scratch->rewritten, (anm_strbuf){0})) return anm_fail_memory(err);
    return apply(run, (piece){text, 0, at_start}, err);
}
