/* SPDX-License-Identifier: MIT */
#include "src/serve/think.h"

static const char opening[] = "<think>", closing[] = "</think>";

void anm_think_init(anm_think *t, bool inside) {
    *t = (anm_think){.state = inside ? ANM_THINK_INSIDE : ANM_THINK_START};
}

void anm_think_free(anm_think *t) {
    anm_strbuf_free(&t->held);
}

static void drop(anm_think *t, size_t count) {
    memmove(t->held.data, t->held.data + count, t->held.len - count + 1);
    t->held.len -= count;
}

static size_t breaks_at_start(const anm_strbuf *text) {
    size_t n = 0;
    while (n < text->len && strchr("\n\r", text->data[n])) n++;
    return n;
}

/* Each of these four gives true if the state has changed and there may be more to say. */
static bool at_start(anm_think *t) {
    size_t space = 0, mark = sizeof opening - 1;
    while (space < t->held.len && strchr(" \t\r\n", t->held.data[space])) space++;
    size_t rest = t->held.len - space;
    if (memcmp(t->held.data + space, opening, rest < mark ? rest : mark) != 0) {
        t->state = ANM_THINK_OUTSIDE;
        return true;
    }
    if (rest < mark) return false;
    drop(t, space + mark);
    drop(t, breaks_at_start(&t->held));
    t->state = ANM_THINK_INSIDE;
    return true;
}

/* Bytes at the end that may belong to the closing mark: line breaks, then its beginning. */
static size_t uncertain(const anm_strbuf *text) {
    size_t n = sizeof closing - 2;
    if (n > text->len) n = text->len;
    while (n && memcmp(text->data + text->len - n, closing, n) != 0) n--;
    while (n < text->len && strchr("\n\r", text->data[text->len - n - 1])) n++;
    return n;
}

static bool inside(anm_think *t, anm_strbuf *thought) {
    const char *end = strstr(t->held.data, closing);
    size_t certain = end ? (size_t)(end - t->held.data) : t->held.len - uncertain(&t->held);
    size_t kept = certain;
    while (end && kept && strchr("\n\r", t->held.data[kept - 1])) kept--;
    anm_strbuf_append(thought, t->held.data, kept);
    drop(t, certain + (end ? sizeof closing - 1 : 0));
    if (end) t->state = ANM_THINK_AFTER;
    return end != NULL;
}

static bool after(anm_think *t) {
    drop(t, breaks_at_start(&t->held));
    if (!t->held.len) return false;
    t->state = ANM_THINK_OUTSIDE;
    return true;
}

static bool outside(anm_think *t, anm_strbuf *text) {
    anm_strbuf_append(text, t->held.data, t->held.len);
    drop(t, t->held.len);
    return false;
}

static bool advance(anm_think *t, anm_strbuf *thought, anm_strbuf *text) {
    switch (t->state) {
    case ANM_THINK_START: return at_start(t);
    case ANM_THINK_INSIDE: return inside(t, thought);
    case ANM_THINK_AFTER: return after(t);
    case ANM_THINK_OUTSIDE: return outside(t, text);
    }
    return false;
}

bool anm_think_push(anm_think *t, anm_sv piece, anm_strbuf *thought, anm_strbuf *text) {
    if (!piece.len) return true;
    anm_strbuf_append(&t->held, piece.data, piece.len);
    if (t->held.failed) return false;
    while (advance(t, thought, text)) continue;
    return !thought->failed && !text->failed;
}

bool anm_think_finish(anm_think *t, anm_strbuf *thought, anm_strbuf *text) {
    if (!t->held.len) return true;
    anm_strbuf_append(t->state == ANM_THINK_INSIDE ? thought : text, t->held.data, t->held.len);
    drop(t, t->held.len);
    return !thought->failed && !text->failed;
}
