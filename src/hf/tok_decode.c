/* SPDX-License-Identifier: MIT */
/*
 * Running the stages. Text always arrives in whole characters, except for what ByteFallback and
 * ByteLevel make whole themselves.
 */
#include "src/hf/tok_decode.h"

#include "src/hf/tok_bytelevel.h"

void anm_decode_chain_free(anm_decode_chain *chain) {
    for (size_t i = 0; i < chain->specs.len; i++) anm_pattern_free(&chain->specs.data[i].pattern);
    anm_vec_free(&chain->specs);
}

anm_status anm_decode_start(anm_decode_state *s, const anm_decode_chain *chain, anm_error *err) {
    *s = (anm_decode_state){.chain = chain};
    s->stages = anm_calloc(chain->specs.len, sizeof *s->stages);
    return s->stages ? ANM_OK : anm_fail_memory(err);
}

void anm_decode_free(anm_decode_state *s) {
    for (size_t i = 0; s->stages && i < s->chain->specs.len; i++) {
        anm_strbuf_free(&s->stages[i].held);
        anm_strbuf_free(&s->stages[i].made);
    }
    anm_free(s->stages);
    anm_strbuf_free(&s->out);
    anm_regex_scratch_free(&s->regex);
    s->stages = NULL;
}

void anm_decode_reset(anm_decode_state *s) {
    for (size_t i = 0; i < s->chain->specs.len; i++) {
        anm_decode_stage *stage = &s->stages[i];
        anm_strbuf_clear(&stage->held);
        anm_strbuf_clear(&stage->made);
        stage->tokens = stage->counter = 0;
        stage->waiting = false;
    }
}

static anm_status feed_text(anm_decode_state *s, size_t at, anm_sv text, anm_error *err);
static anm_status feed_end(anm_decode_state *s, size_t at, anm_error *err);

static anm_sv content(const anm_strbuf *buf) {
    return (anm_sv){anm_strbuf_cstr(buf), buf->len};
}

/* Hands a whole token to the next stage. */
static anm_status pass_token(anm_decode_state *s, size_t at, anm_sv text, anm_error *err) {
    ANM_TRY(feed_text(s, at + 1, text, err));
    return feed_end(s, at + 1, err);
}

static anm_status hold(anm_decode_stage *stage, anm_sv text, anm_error *err) {
    anm_strbuf_append(&stage->held, text.data, text.len);
    return stage->held.failed ? anm_fail_memory(err) : ANM_OK;
}

/* --- ByteLevel: bytes of all tokens, put together to one -------------------------------------- */

/* Hands on complete characters of `made`; an incomplete one at the end stays unless `last`. */
static anm_status pass_characters(anm_decode_state *s, size_t at, bool last, anm_error *err) {
    anm_strbuf *bytes = &s->stages[at].made, *text = &s->stages[at].held;
    size_t done = 0, width;
    anm_strbuf_clear(text);
    while (done < bytes->len) {
        size_t valid = anm_utf8_valid_prefix(bytes->data + done, bytes->len - done);
        anm_strbuf_append(text, bytes->data + done, valid);
        done += valid;
        if (done == bytes->len) break;
        anm_utf8_kind kind = anm_utf8_next(bytes->data + done, bytes->len - done, &width);
        if (kind == ANM_UTF8_CUT && !last) break;
        anm_utf8_append(text, 0xFFFD);
        done += width;
    }
    if (text->failed || bytes->failed) return anm_fail_memory(err);
    if (done) memmove(bytes->data, bytes->data + done, bytes->len - done);
    bytes->len -= done;
    anm_status status = text->len ? feed_text(s, at + 1, content(text), err) : ANM_OK;
    anm_strbuf_clear(text);
    return status;
}

/* A token with any character outside the alphabet (an added token) stands for its own bytes. */
static anm_status end_byte_level(anm_decode_state *s, size_t at, anm_error *err) {
    anm_decode_stage *stage = &s->stages[at];
    anm_sv token = content(&stage->held);
    if (!anm_bytes_from_alphabet(&stage->made, token.data, token.len))
        anm_strbuf_append(&stage->made, token.data, token.len);
    return pass_characters(s, at, false, err);
}

/* --- ByteFallback: runs of <0x..> tokens ------------------------------------------------------ */

int anm_byte_token(anm_sv token) {
    unsigned value = 0;
    if (token.len != 6 || memcmp(token.data, "<0x", 3) != 0 || token.data[5] != '>') return -1;
    for (int i = 3; i < 5; i++) {
        char c = token.data[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 99;
        /* Rust's number parser takes a leading plus sign: "<0x+A>". */
        if (digit == 99 && !(i == 3 && c == '+')) return -1;
        value = value * 16 + (digit == 99 ? 0 : digit);
    }
    return (int)value;
}

/* The run is over: it is one token if it is valid as a whole, else one U+FFFD for each byte. */
static anm_status end_byte_run(anm_decode_state *s, size_t at, anm_error *err) {
    anm_strbuf *run = &s->stages[at].made;
    static const anm_sv replacement = {"\xEF\xBF\xBD", 3};
    anm_status status = ANM_OK;
    if (run->len == 0) return ANM_OK;
    if (run->failed) return anm_fail_memory(err);
    if (anm_utf8_valid_prefix(run->data, run->len) == run->len) {
        status = pass_token(s, at, content(run), err);
    } else {
        for (size_t i = 0; status == ANM_OK && i < run->len; i++)
            status = pass_token(s, at, replacement, err);
    }
    anm_strbuf_clear(run);
    return status;
}

static anm_status end_byte_fallback(anm_decode_state *s, size_t at, anm_error *err) {
    anm_decode_stage *stage = &s->stages[at];
    int byte = anm_byte_token(content(&stage->held));
    if (byte >= 0) {
        anm_strbuf_putc(&stage->made, (char)byte);
        return stage->made.failed ? anm_fail_memory(err) : ANM_OK;
    }
    ANM_TRY(end_byte_run(s, at, err));
    return pass_token(s, at, content(&stage->held), err);
}

/* --- WordPiece -------------------------------------------------------------------------------- */

/* Replaces every `from` in `buf`. `to` is not longer, so it happens in place. */
static void shrink(anm_strbuf *buf, const char *from, const char *to) {
    size_t in = 0, out = 0, from_len = strlen(from), to_len = strlen(to);
    while (in < buf->len) {
        if (buf->len - in >= from_len && !memcmp(buf->data + in, from, from_len)) {
            memcpy(buf->data + out, to, to_len);
            in += from_len;
            out += to_len;
        } else {
            buf->data[out++] = buf->data[in++];
        }
    }
    buf->len = out;
}

/* In this order, one after the other, over one token with the space before it. */
static void clean_up(anm_strbuf *buf) {
    static const char *const pairs[][2] = {{" .", "."},     {" ?", "?"},           {" !", "!"},
                                           {" ,", ","},     {" ' ", "'"},          {" n't", "n't"},
                                           {" 'm", "'m"},   {" do not", " don't"}, {" 's", "'s"},
                                           {" 've", "'ve"}, {" 're", "'re"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        shrink(buf, pairs[i][0], pairs[i][1]);
}

static anm_status end_wordpiece(anm_decode_state *s, size_t at, anm_error *err) {
    const anm_decode_spec *spec = &s->chain->specs.data[at];
    anm_decode_stage *stage = &s->stages[at];
    anm_sv token = content(&stage->held);
    bool continues =
        token.len >= spec->text.len && !memcmp(token.data, spec->text.data, spec->text.len);
    anm_strbuf_clear(&stage->made);
    if (stage->tokens > 0 && !continues) anm_strbuf_putc(&stage->made, ' ');
    size_t skip = stage->tokens > 0 && continues ? spec->text.len : 0;
    anm_strbuf_append(&stage->made, token.data + skip, token.len - skip);
    if (stage->made.failed) return anm_fail_memory(err);
    if (spec->cleanup) clean_up(&stage->made);
    return pass_token(s, at, content(&stage->made), err);
}

/* --- BPE, Replace ----------------------------------------------------------------------------- */

static anm_status replace(anm_decode_state *s, size_t at, const anm_pattern *pattern, anm_sv with,
                          anm_error *err) {
    anm_decode_stage *stage = &s->stages[at];
    anm_matcher m;
    anm_span span;
    bool more;
    anm_strbuf_clear(&stage->made);
    anm_matcher_start(&m, pattern, &s->regex, content(&stage->held));
    for (;;) {
        ANM_TRY(anm_matcher_next(&m, &span, &more, err));
        if (!more) break;
        if (span.is_match) {
            anm_strbuf_append(&stage->made, with.data, with.len);
        } else {
            anm_strbuf_append(&stage->made, m.text.data + span.start, span.end - span.start);
        }
    }
    if (stage->made.failed) return anm_fail_memory(err);
    return pass_token(s, at, content(&stage->made), err);
}

/* The suffix of the last token becomes nothing, of any other a space: one token waits. */
static anm_status release_bpe(anm_decode_state *s, size_t at, const char *with, anm_error *err) {
    anm_pattern suffix = {.literal = s->chain->specs.data[at].text};
    if (!s->stages[at].waiting) return ANM_OK;
    s->stages[at].waiting = false;
    anm_status status = replace(s, at, &suffix, anm_sv_from(with), err);
    anm_strbuf_clear(&s->stages[at].held);
    return status;
}

/* --- Metaspace, Strip: character by character ---------- */

static bool same_char(anm_sv text, size_t at, anm_sv c) {
    return text.len - at >= c.len && !memcmp(text.data + at, c.data, c.len);
}

static anm_status metaspace(anm_decode_state *s, size_t at, anm_sv text, anm_error *err) {
    const anm_decode_spec *spec = &s->chain->specs.data[at];
    anm_decode_stage *stage = &s->stages[at];
    size_t width;
    anm_strbuf_clear(&stage->made);
    for (size_t i = 0; i < text.len; i += width) {
        width = anm_utf8_width((unsigned char)text.data[i]);
        if (!same_char(text, i, spec->text)) {
            anm_strbuf_append(&stage->made, text.data + i, width);
        } else if (stage->tokens > 0 || !spec->drop_first) {
            anm_strbuf_putc(&stage->made, ' ');
        }
    }
    if (stage->made.failed) return anm_fail_memory(err);
    return feed_text(s, at + 1, content(&stage->made), err);
}

/*
 * counter counts what went at the start; SIZE_MAX once another character came. `held` are
 * characters that go if the token ends with them, at most `stop`.
 */
static anm_status strip(anm_decode_state *s, size_t at, anm_sv text, anm_error *err) {
    const anm_decode_spec *spec = &s->chain->specs.data[at];
    anm_decode_stage *stage = &s->stages[at];
    size_t width, i = 0, unit = spec->text.len;
    anm_strbuf_clear(&stage->made);
    while (stage->counter < spec->start && i < text.len) {
        if (!same_char(text, i, spec->text)) break;
        stage->counter++;
        i += unit;
    }
    if (i < text.len) stage->counter = SIZE_MAX;
    for (; i < text.len; i += width) {
        width = anm_utf8_width((unsigned char)text.data[i]);
        anm_strbuf_append(&stage->held, text.data + i, width);
        bool keep = same_char(text, i, spec->text);
        size_t surplus = !keep ? stage->held.len : stage->held.len / unit > spec->stop ? unit : 0;
        if (!surplus) continue;
        anm_strbuf_append(&stage->made, stage->held.data, surplus);
        memmove(stage->held.data, stage->held.data + surplus, stage->held.len - surplus);
        stage->held.len -= surplus;
    }
    if (stage->made.failed || stage->held.failed) return anm_fail_memory(err);
    return feed_text(s, at + 1, content(&stage->made), err);
}

/* --- The chain -------------------------------------------------------------------------------- */

static anm_status feed_text(anm_decode_state *s, size_t at, anm_sv text, anm_error *err) {
    if (text.len == 0) return ANM_OK;
    if (at == s->chain->specs.len) {
        anm_strbuf_append(&s->out, text.data, text.len);
        return s->out.failed ? anm_fail_memory(err) : ANM_OK;
    }
    anm_decode_stage *stage = &s->stages[at];
    switch (s->chain->specs.data[at].kind) {
    case ANM_DECODE_BPE: ANM_TRY(release_bpe(s, at, " ", err)); return hold(stage, text, err);
    case ANM_DECODE_METASPACE: return metaspace(s, at, text, err);
    case ANM_DECODE_STRIP: return strip(s, at, text, err);
    case ANM_DECODE_FUSE: return feed_text(s, at + 1, text, err);
    default: return hold(stage, text, err);
    }
}

/* The token in `held` is complete. */
static anm_status complete(anm_decode_state *s, size_t at, anm_error *err) {
    const anm_decode_spec *spec = &s->chain->specs.data[at];
    static const anm_sv space = {" ", 1};
    switch (spec->kind) {
    case ANM_DECODE_BYTE_LEVEL: return end_byte_level(s, at, err);
    case ANM_DECODE_BYTE_FALLBACK: return end_byte_fallback(s, at, err);
    case ANM_DECODE_WORDPIECE: return end_wordpiece(s, at, err);
    case ANM_DECODE_REPLACE: return replace(s, at, &spec->pattern, spec->text, err);
    case ANM_DECODE_JOIN:
        if (s->stages[at].tokens) ANM_TRY(feed_text(s, at + 1, space, err));
        return pass_token(s, at, content(&s->stages[at].held), err);
    case ANM_DECODE_METASPACE:
    case ANM_DECODE_STRIP: return feed_end(s, at + 1, err); /* what Strip holds is dropped */
    case ANM_DECODE_FUSE:
    case ANM_DECODE_BPE: break;
    }
    return ANM_OK;
}

static anm_status feed_end(anm_decode_state *s, size_t at, anm_error *err) {
    if (at == s->chain->specs.len) return ANM_OK;
    anm_decode_stage *stage = &s->stages[at];
    if (s->chain->specs.data[at].kind == ANM_DECODE_BPE) {
        if (stage->waiting) ANM_TRY(release_bpe(s, at, " ", err)); /* the new token is empty */
        stage->waiting = true;
        return ANM_OK;
    }
    ANM_TRY(complete(s, at, err));
    anm_strbuf_clear(&stage->held);
    stage->counter = 0;
    stage->tokens++;
    return ANM_OK;
}

anm_status anm_decode_token(anm_decode_state *s, anm_sv text, anm_error *err) {
    ANM_TRY(feed_text(s, 0, text, err));
    return feed_end(s, 0, err);
}

/* Stage by stage from the first, as each one's rest is input for those behind it. */
anm_status anm_decode_finish(anm_decode_state *s, anm_error *err) {
    anm_status status = ANM_OK;
    for (size_t at = 0; status == ANM_OK && at < s->chain->specs.len; at++) {
        switch (s->chain->specs.data[at].kind) {
        case ANM_DECODE_BYTE_LEVEL:
            status = pass_characters(s, at, true, err);
            if (status == ANM_OK) status = feed_end(s, at + 1, err);
            break;
        case ANM_DECODE_BYTE_FALLBACK: status = end_byte_run(s, at, err); break;
        case ANM_DECODE_BPE: status = release_bpe(s, at, "", err); break;
        case ANM_DECODE_FUSE: status = feed_end(s, at + 1, err); break;
        default: break;
        }
    }
    anm_decode_reset(s);
    return status;
}
