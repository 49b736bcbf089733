/* SPDX-License-Identifier: MIT */
/*
 * A constraint: the automaton's state along one answer, and for each state met the mask of the
 * tokens that may come, found by walking the trie of the vocabulary's bytes with the automaton.
 */
#include <math.h>

#include "src/grammar/machine.h"
#include "src/hf/tok_bytetrie.h"

/* Beyond these the automaton's states or the masks are forgotten and made anew. */
enum { KEPT_STATES = 1 << 15, KEPT_MASKS = 256 };

struct anm_constraint {
    anm_machine machine;
    const anm_byte_trie *trie;
    int32_t *stops;
    size_t stop_count;
    uint32_t state;
    bool at_start; /* no token was accepted yet */
    const anm_tokenizer *tokenizer;
    anm_strbuf after; /* the text behind which the grammar begins; empty: none */
    anm_strbuf tail;  /* the newest bytes, while waiting for it */
    bool waiting;
    uint32_t *path; /* the walk's states by depth */
    size_t words;   /* of a mask */
    ANM_VEC(uint64_t *) masks; /* by state; NULL: not made */
    size_t mask_count;
};

static void forget_masks(anm_constraint *c) {
    for (size_t i = 0; i < c->masks.len; i++) anm_free(c->masks.data[i]);
    c->masks.len = c->mask_count = 0;
}

anm_status anm_constraint_create(const anm_grammar *grammar, const anm_tokenizer *tokenizer,
                                 const int32_t *stop_ids, size_t stop_count,
                                 anm_constraint **out, anm_error *err) {
    anm_constraint *c = anm_calloc(1, sizeof *c);
    anm_status status;
    *out = NULL;
    if (!c) return anm_fail_memory(err);
    c->tokenizer = tokenizer;
    ANM_CHECK(anm_tokenizer_byte_trie(tokenizer, &c->trie, err));
    ANM_CHECK(anm_machine_init(&c->machine, grammar, err));
    c->words = ((size_t)c->trie->vocab + 63) / 64;
    c->path = anm_calloc(c->trie->depth + 1, sizeof *c->path);
    c->stops = anm_calloc(stop_count, sizeof *c->stops);
    status = c->path && c->stops ? ANM_OK : anm_fail_memory(err);
    if (status == ANM_OK && stop_count) memcpy(c->stops, stop_ids, stop_count * sizeof *stop_ids);
    c->stop_count = stop_count;
    anm_constraint_reset(c);
fail:
    if (status == ANM_OK)
        *out = c;
    else
        anm_constraint_destroy(c);
    return status;
}

void anm_constraint_destroy(anm_constraint *c) {
    if (!c) return;
    forget_masks(c);
    anm_vec_free(&c->masks);
    anm_machine_free(&c->machine);
    anm_strbuf_free(&c->after);
    anm_strbuf_free(&c->tail);
    anm_free(c->stops);
    anm_free(c->path);
    anm_free(c);
}

void anm_constraint_reset(anm_constraint *c) {
    c->state = c->machine.start;
    c->at_start = true;
    c->waiting = c->after.len > 0;
    anm_strbuf_clear(&c->tail);
}

anm_status anm_constraint_begin_after(anm_constraint *c, const char *text, anm_error *err) {
    anm_strbuf_clear(&c->after);
    if (text) anm_strbuf_puts(&c->after, text);
    anm_constraint_reset(c);
    return c->after.failed ? anm_fail_memory(err) : ANM_OK;
}

bool anm_constraint_complete(const anm_constraint *c) {
    return !c->waiting && anm_machine_accepts(&c->machine, c->state);
}

bool anm_constraint_finished(const anm_constraint *c) {
    return anm_constraint_complete(c) && !anm_machine_continues(&c->machine, c->state);
}

static bool is_stop(const anm_constraint *c, int32_t token) {
    for (size_t i = 0; i < c->stop_count; i++)
        if (c->stops[i] == token) return true;
    return false;
}

static anm_status raise_limit(anm_error *err) {
    return anm_fail(err, ANM_ERROR_LIMIT, "grammar",
                    "the text can stand at too many places of the grammar at once, or memory is "
                    "out; make it less ambiguous");
}

/* --- masks --- */

static void allow(const anm_constraint *c, uint64_t *mask, int32_t token) {
    for (; token >= 0; token = c->trie->same[token])
        mask[token >> 6] |= (uint64_t)1 << (token & 63);
}

/* Nodes from `at` to `end`; path[depth] is the state in front of a node of depth + 1. */
static bool walk(anm_constraint *c, size_t at, size_t end, uint64_t *mask) {
    const anm_byte_node *nodes = c->trie->nodes;
    while (at < end) {
        const anm_byte_node *node = &nodes[at];
        uint32_t to = anm_machine_step(&c->machine, c->path[node->depth - 1], node->byte);
        if (to == ANM_STATE_FAILED) return false;
        if (to == ANM_STATE_DEAD) {
            at = node->skip;
            continue;
        }
        c->path[node->depth] = to;
        if (node->token >= 0) allow(c, mask, node->token);
        at++;
    }
    return true;
}

/* As `walk` over all; but the space that a first token loses leads nowhere. */
static bool walk_first(anm_constraint *c, uint64_t *mask) {
    const anm_byte_node *nodes = c->trie->nodes;
    for (size_t at = 0; at < c->trie->count; at = nodes[at].skip) {
        bool ok;
        if (nodes[at].byte == ' ') {
            c->path[1] = c->state;
            ok = walk(c, at + 1, nodes[at].skip, mask);
        } else {
            ok = walk(c, at, nodes[at].skip, mask);
        }
        if (!ok) return false;
    }
    return true;
}

static uint64_t *make_mask(anm_constraint *c, anm_error *err) {
    uint64_t *mask = anm_calloc(c->words, sizeof *mask);
    bool first = c->at_start && c->trie->drops_space;
    c->path[0] = c->state;
    bool ok = mask && (first ? walk_first(c, mask) : walk(c, 0, c->trie->count, mask));
    if (!ok) {
        anm_free(mask);
        raise_limit(err);
        return NULL;
    }
    for (size_t i = 0; i < c->stop_count && anm_constraint_complete(c); i++)
        if (c->stops[i] >= 0 && c->stops[i] < c->trie->vocab)
            mask[c->stops[i] >> 6] |= (uint64_t)1 << (c->stops[i] & 63);
    return mask;
}

/* The mask of the state is kept, except for a first token that loses its space. */
static bool keep_mask(anm_constraint *c, uint64_t *mask) {
    if (c->mask_count == KEPT_MASKS) forget_masks(c);
    while (c->masks.len <= c->state)
        if (!anm_vec_push(&c->masks, NULL)) return false;
    c->masks.data[c->state] = mask;
    c->mask_count++;
    return true;
}

static anm_status limit_states(anm_constraint *c, anm_error *err) {
    if (anm_machine_size(&c->machine) < KEPT_STATES) return ANM_OK;
    forget_masks(c);
    return anm_machine_forget(&c->machine, &c->state, err);
}

/* Without a branch for each token, so that the compiler can take several at once. */
static void apply_word(uint64_t bits, float *logits, size_t count) {
    for (size_t i = 0; i < count; i++) logits[i] = bits >> i & 1 ? logits[i] : -INFINITY;
}

static bool apply(const anm_constraint *c, const uint64_t *mask, float *logits, size_t count) {
    uint64_t any = 0;
    for (size_t word = 0; word * 64 < count; word++) {
        size_t first = word * 64, width = count - first < 64 ? count - first : 64;
        uint64_t bits = word < c->words ? mask[word] : 0;
        if (width < 64) bits &= ((uint64_t)1 << width) - 1;
        any |= bits;
        if (bits == 0) {
            for (size_t i = 0; i < width; i++) logits[first + i] = -INFINITY;
        } else if (bits != UINT64_MAX) {
            apply_word(bits, logits + first, width);
        }
    }
    return any != 0;
}

/* Before the grammar begins the answer may only not end. */
static void forbid_stops(const anm_constraint *c, float *logits, size_t count) {
    for (size_t i = 0; i < c->stop_count; i++)
        if (c->stops[i] >= 0 && (size_t)c->stops[i] < count) logits[c->stops[i]] = -INFINITY;
}

anm_status anm_constraint_mask(anm_constraint *c, float *logits, size_t count, anm_error *err) {
    if (c->waiting) {
        forbid_stops(c, logits, count);
        return ANM_OK;
    }
    ANM_TRY(limit_states(c, err));
    bool first = c->at_start && c->trie->drops_space;
    uint64_t *mask = !first && c->state < c->masks.len ? c->masks.data[c->state] : NULL;
    bool kept = mask != NULL;
    if (!mask) mask = make_mask(c, err);
    if (!mask) return ANM_ERROR_LIMIT;
    if (!kept && !first) kept = keep_mask(c, mask);
    bool any = apply(c, mask, logits, count);
    if (!kept) anm_free(mask);
    if (any) return ANM_OK;
    if (anm_constraint_finished(c))
        return anm_fail(err, ANM_ERROR_MISMATCH, "grammar",
                        "the text is complete and there is no stop token that could end it");
    return anm_fail(err, ANM_ERROR_MISMATCH, "grammar",
                    "the vocabulary has no token for what must follow");
}

/* --- one token --- */

/* Where the token leads; DEAD when it cannot come. */
static uint32_t follow(anm_constraint *c, int32_t token) {
    if (token < 0 || token >= c->trie->vocab) return ANM_STATE_DEAD;
    anm_sv bytes = anm_byte_trie_token(c->trie, token);
    uint32_t state = c->state;
    size_t skip = c->at_start && c->trie->drops_space && bytes.len && bytes.data[0] == ' ';
    if (bytes.len == skip) return ANM_STATE_DEAD;
    for (size_t i = skip; i < bytes.len; i++) {
        state = anm_machine_step(&c->machine, state, (unsigned char)bytes.data[i]);
        if (state == ANM_STATE_DEAD || state == ANM_STATE_FAILED) break;
    }
    return state;
}

bool anm_constraint_allows(anm_constraint *c, int32_t token) {
    if (is_stop(c, token) && anm_constraint_complete(c)) return true;
    if (c->waiting) return !is_stop(c, token);
    uint32_t to = follow(c, token);
    return to != ANM_STATE_DEAD && to != ANM_STATE_FAILED;
}

static anm_status raise_token(int32_t token, anm_error *err) {
    return anm_fail(err, ANM_ERROR_ARGUMENT, "grammar",
                    "token %d cannot come here: the grammar does not allow its text", token);
}

static bool ends_with_mark(const anm_constraint *c) {
    return c->tail.len >= c->after.len &&
           memcmp(c->tail.data + c->tail.len - c->after.len, c->after.data, c->after.len) == 0;
}

/* The text of a special token counts too: it may be the one that is waited for. */
static anm_sv bytes_of(const anm_constraint *c, int32_t token) {
    if (token < 0 || token >= c->trie->vocab) return (anm_sv){0};
    anm_sv bytes = anm_byte_trie_token(c->trie, token);
    if (bytes.len || !anm_tokenizer_is_special(c->tokenizer, token)) return bytes;
    return anm_sv_from(anm_tokenizer_token_text(c->tokenizer, token));
}

/* Only the newest bytes, as many as the mark has, can still be a part of it. */
static void shorten_tail(anm_constraint *c) {
    size_t kept = c->after.len;
    if (c->tail.len < 4096 + kept) return;
    memmove(c->tail.data, c->tail.data + c->tail.len - kept, kept + 1);
    c->tail.len = kept;
}

/* What the token has behind the mark, but for white space, is the grammar's already. */
static anm_status wait(anm_constraint *c, int32_t token, anm_error *err) {
    anm_sv bytes = bytes_of(c, token);
    if (is_stop(c, token)) return raise_token(token, err);
    shorten_tail(c);
    for (size_t i = 0; i < bytes.len; i++) {
        if (c->waiting) {
            anm_strbuf_putc(&c->tail, bytes.data[i]);
            if (c->tail.failed) return anm_fail_memory(err);
            c->waiting = !ends_with_mark(c);
            continue;
        }
        unsigned char byte = (unsigned char)bytes.data[i];
        if (c->state == c->machine.start && strchr(" \n\r\t", byte)) continue;
        uint32_t to = anm_machine_step(&c->machine, c->state, byte);
        if (to == ANM_STATE_FAILED) return raise_limit(err);
        if (to == ANM_STATE_DEAD) return raise_token(token, err);
        c->state = to;
    }
    c->at_start = false;
    return ANM_OK;
}

anm_status anm_constraint_accept(anm_constraint *c, int32_t token, anm_error *err) {
    if (c->waiting) return wait(c, token, err);
    if (is_stop(c, token) && anm_constraint_complete(c)) return ANM_OK;
    ANM_TRY(limit_states(c, err));
    uint32_t to = follow(c, token);
    if (to == ANM_STATE_FAILED) return raise_limit(err);
    if (to == ANM_STATE_DEAD) return raise_token(token, err);
    c->state = to;
    c->at_start = false;
    return ANM_OK;
}
