/* SPDX-License-Identifier: MIT */
/* Running the normalizer's steps. Loading: tok_normalizer_load.c. */
#include "src/hf/tok_normalizer.h"

#include "src/hf/tok_bytelevel.h"
#include "src/hf/tok_unicode.h"

void anm_normalizer_free(anm_normalizer *n) {
    for (size_t i = 0; i < n->steps.len; i++) anm_pattern_free(&n->steps.data[i].pattern);
    anm_vec_free(&n->steps);
}

void anm_norm_scratch_free(anm_norm_scratch *s) {
    anm_strbuf_free(&s->text[0]);
    anm_strbuf_free(&s->text[1]);
    anm_vec_free(&s->points);
}

static void lowercase(anm_sv text, anm_strbuf *out) {
    size_t width;
    uint32_t lower[2];
    for (size_t i = 0; i < text.len; i += width) {
        int n = anm_char_lower(anm_utf8_get(text.data + i, &width), lower);
        for (int k = 0; k < n; k++) anm_utf8_append(out, lower[k]);
    }
}

static void keep_unless(anm_sv text, bool (*drop)(uint32_t), anm_strbuf *out) {
    size_t width;
    for (size_t i = 0; i < text.len; i += width)
        if (!drop(anm_utf8_get(text.data + i, &width)))
            anm_strbuf_append(out, text.data + i, width);
}

static anm_sv strip(anm_sv text, bool left, bool right) {
    size_t start = 0, width, before;
    while (left && start < text.len && anm_char_is_space(anm_utf8_get(text.data + start, &width)))
        start += width;
    while (right && text.len > start) {
        before = anm_utf8_before(text.data, text.len);
        if (!anm_char_is_space(anm_utf8_get(text.data + before, &width))) break;
        text.len = before;
    }
    return (anm_sv){text.data + start, text.len - start};
}

/* Zero, U+FFFD and control characters go, every white space becomes a plain one. */
static void bert_clean(anm_sv text, anm_strbuf *out) {
    size_t width;
    for (size_t i = 0; i < text.len; i += width) {
        uint32_t c = anm_utf8_get(text.data + i, &width);
        if (c == 0 || anm_char_is_bert_control(c)) continue;
        if (anm_char_is_space(c)) {
            anm_strbuf_putc(out, ' ');
        } else {
            anm_strbuf_append(out, text.data + i, width);
        }
    }
}

static void bert_chinese(anm_sv text, anm_strbuf *out) {
    size_t width;
    for (size_t i = 0; i < text.len; i += width) {
        bool chinese = anm_char_is_chinese(anm_utf8_get(text.data + i, &width));
        if (chinese) anm_strbuf_putc(out, ' ');
        anm_strbuf_append(out, text.data + i, width);
        if (chinese) anm_strbuf_putc(out, ' ');
    }
}

/* A hostile file could make a text grow exponentially, step by step. */
static anm_status check_growth(size_t len, size_t original, anm_error *err) {
    enum { ALWAYS_FINE = 1 << 24, FACTOR = 64 };
    if (len <= ALWAYS_FINE || len / FACTOR <= original) return ANM_OK;
    return anm_fail(err, ANM_ERROR_LIMIT, NULL,
                    "normalization makes the text more than %d times as long", FACTOR);
}

static anm_status replace(const anm_norm_step *step, anm_regex_scratch *regex, anm_sv text,
                          anm_strbuf *out, anm_error *err) {
    anm_matcher m;
    anm_span span;
    bool more;
    anm_matcher_start(&m, &step->pattern, regex, text);
    for (;;) {
        ANM_TRY(anm_matcher_next(&m, &span, &more, err));
        if (!more) return ANM_OK;
        if (span.is_match) {
            anm_strbuf_append(out, step->content.data, step->content.len);
            ANM_TRY(check_growth(out->len, text.len, err));
        } else {
            anm_strbuf_append(out, text.data + span.start, span.end - span.start);
        }
    }
}

static anm_status bert_accents(anm_norm_scratch *s, anm_sv text, anm_strbuf *out,
                               anm_error *err) {
    anm_strbuf decomposed = {0};
    anm_status status = anm_form_append(ANM_NFD, &s->points, text, &decomposed, err);
    anm_sv all = {anm_strbuf_cstr(&decomposed), decomposed.len};
    if (status == ANM_OK) keep_unless(all, anm_char_is_nonspacing_mark, out);
    anm_strbuf_free(&decomposed);
    return status;
}

/* Whether the step leaves the text as it is, told without running it. */
static bool changes_nothing(const anm_norm_step *step, anm_sv text) {
    switch (step->kind) {
    case ANM_NORM_FORM: return anm_form_is_certain(step->form, text);
    case ANM_NORM_STRIP_ACCENTS:
    case ANM_NORM_BERT_CHINESE:
    case ANM_NORM_BERT_ACCENTS: return anm_form_is_certain(ANM_NFD, text); /* ASCII */
    default: return false;
    }
}

static anm_status run_step(const anm_norm_step *step, anm_norm_scratch *s,
                           anm_regex_scratch *regex, anm_sv text, anm_strbuf *out,
                           anm_error *err) {
    switch (step->kind) {
    case ANM_NORM_FORM: return anm_form_append(step->form, &s->points, text, out, err);
    case ANM_NORM_LOWERCASE: lowercase(text, out); break;
    case ANM_NORM_STRIP:
        text = strip(text, step->left, step->right);
        anm_strbuf_append(out, text.data, text.len);
        break;
    case ANM_NORM_STRIP_ACCENTS: keep_unless(text, anm_char_is_mark, out); break;
    case ANM_NORM_REPLACE: return replace(step, regex, text, out, err);
    case ANM_NORM_PREPEND:
        if (text.len) anm_strbuf_append(out, step->content.data, step->content.len);
        anm_strbuf_append(out, text.data, text.len);
        break;
    case ANM_NORM_BERT_CLEAN: bert_clean(text, out); break;
    case ANM_NORM_BERT_CHINESE: bert_chinese(text, out); break;
    case ANM_NORM_BERT_ACCENTS: return bert_accents(s, text, out, err);
    case ANM_NORM_BYTE_LEVEL: anm_bytes_to_alphabet(out, text.data, text.len); break;
    }
    return ANM_OK;
}

anm_status anm_normalizer_run(const anm_normalizer *n, anm_norm_scratch *s,
                              anm_regex_scratch *regex, anm_sv text, anm_sv *out,
                              anm_error *err) {
    int turn = 0;
    size_t original = text.len;
    for (size_t i = 0; i < n->steps.len; i++) {
        const anm_norm_step *step = &n->steps.data[i];
        if (changes_nothing(step, text)) continue;
        anm_strbuf *target = &s->text[turn];
        turn = !turn;
        anm_strbuf_clear(target);
        ANM_TRY(run_step(step, s, regex, text, target, err));
        if (target->failed) return anm_fail_memory(err);
        ANM_TRY(check_growth(target->len, original, err));
        text = (anm_sv){anm_strbuf_cstr(target), target->len};
    }
    *out = text;
    return ANM_OK;
}
