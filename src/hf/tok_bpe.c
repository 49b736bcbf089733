/* SPDX-License-Identifier: MIT */
/*
 * Encoding one word: characters become symbols, then the pair of lowest rank, the leftmost of
 * equals, is merged until none is left. Short words search the pairs each time, long ones keep
 * them in a heap, so that a megabyte without a cut takes n log n.
 */
#include "src/hf/tok_bpe.h"

#include <stdio.h>

#include "src/hf/tok_bytelevel.h"

#define NO_RANK UINT32_MAX
/* Where the heap begins to win over searching. */
enum { SHORT_WORD = 40 };

static uint64_t pair_key(int32_t left, int32_t right) {
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

static size_t pair_hash(uint64_t key) {
    key *= 0x9E3779B97F4A7C15u;
    return (size_t)(key ^ key >> 32);
}

static anm_pair_slot *find_pair(const anm_bpe *bpe, uint64_t key) {
    size_t i = pair_hash(key) & bpe->pair_mask;
    while (bpe->pairs[i].key != key && bpe->pairs[i].key != UINT64_MAX)
        i = (i + 1) & bpe->pair_mask;
    return &bpe->pairs[i];
}

static uint32_t pair_rank(const anm_bpe *bpe, int32_t left, int32_t right) {
    return find_pair(bpe, pair_key(left, right))->rank;
}

/* --- The merge table ------------------------------------------------------------------------ */

typedef struct merge {
    int32_t left, right, merged;
} merge;
typedef ANM_VEC(merge) merge_list;

static anm_status fail_merge(const anm_scan *scan, size_t at, size_t index, anm_error *err,
                             const char *what, anm_sv token) {
    return anm_fail_at(err, ANM_ERROR_FORMAT, scan->where, at, "merges[%zu]: %s \"%.*s\"", index,
                       what, (int)(token.len < 80 ? token.len : 80), token.data);
}

/* The file's own text of both halves; a pair's first half is copied, strings share a buffer. */
static anm_status read_halves(anm_scan *scan, size_t index, anm_strbuf *first, anm_sv *left,
                              anm_sv *right, anm_error *err) {
    bool more;
    size_t at = scan->at;
    if (anm_scan_peek(scan) == '[') {
        ANM_TRY(anm_scan_expect(scan, '[', err));
        ANM_TRY(anm_scan_string(scan, left, err));
        anm_strbuf_clear(first);
        anm_strbuf_append(first, left->data, left->len);
        ANM_TRY(anm_scan_expect(scan, ',', err));
        ANM_TRY(anm_scan_string(scan, right, err));
        ANM_TRY(anm_scan_more(scan, ']', false, &more, err));
        if (first->failed) return anm_fail_memory(err);
        *left = (anm_sv){anm_strbuf_cstr(first), first->len};
        return more ? fail_merge(scan, at, index, err, "more than two tokens, from", *left)
                    : ANM_OK;
    }
    anm_sv both;
    ANM_TRY(anm_scan_string(scan, &both, err));
    const char *space = memchr(both.data, ' ', both.len);
    size_t before = space ? (size_t)(space - both.data) : both.len;
    *left = (anm_sv){both.data, before};
    *right = space ? (anm_sv){space + 1, both.len - before - 1} : (anm_sv){both.data, 0};
    if (!space || memchr(right->data, ' ', right->len))
        return fail_merge(scan, at, index, err, "not two tokens with one space between:", both);
    return ANM_OK;
}

static anm_status resolve(const anm_bpe *bpe, const anm_scan *scan, size_t at, size_t index,
                          anm_sv left, anm_sv right, anm_strbuf *joined, merge *out,
                          anm_error *err) {
    static const char unknown[] = "not in the vocabulary:";
    out->left = anm_vocab_find(bpe->vocab, left);
    if (out->left < 0) return fail_merge(scan, at, index, err, unknown, left);
    out->right = anm_vocab_find(bpe->vocab, right);
    if (out->right < 0) return fail_merge(scan, at, index, err, unknown, right);
    if (right.len < bpe->prefix.len)
        return fail_merge(scan, at, index, err, "shorter than the subword prefix:", right);
    anm_strbuf_clear(joined);
    anm_strbuf_append(joined, left.data, left.len);
    anm_strbuf_append(joined, right.data + bpe->prefix.len, right.len - bpe->prefix.len);
    if (joined->failed) return anm_fail_memory(err);
    anm_sv text = {anm_strbuf_cstr(joined), joined->len};
    out->merged = anm_vocab_find(bpe->vocab, text);
    return out->merged < 0 ? fail_merge(scan, at, index, err, unknown, text) : ANM_OK;
}

static anm_status read_list(anm_bpe *bpe, anm_scan *scan, merge_list *list, anm_strbuf *first,
                            anm_strbuf *joined, anm_error *err) {
    anm_sv left, right;
    bool more;
    ANM_TRY(anm_scan_expect(scan, '[', err));
    for (size_t index = 0;; index++) {
        merge m;
        ANM_TRY(anm_scan_more(scan, ']', index == 0, &more, err));
        if (!more) return ANM_OK;
        anm_scan_peek(scan);
        size_t at = scan->at;
        ANM_TRY(read_halves(scan, index, first, &left, &right, err));
        /* The comment line of merges.txt, which old converters carried over. */
        if (left.len >= 8 && !memcmp(left.data, "#version", 8) && scan->text[at] == '"') continue;
        ANM_TRY(resolve(bpe, scan, at, index, left, right, joined, &m, err));
        if (!anm_vec_push(list, m)) return anm_fail_memory(err);
    }
}

/* A pair that comes twice has its last rank, as in the Rust library. */
static bool build_table(anm_bpe *bpe, const merge_list *list) {
    size_t slots = 16;
    while (slots / 3 * 2 < list->len) slots *= 2;
    bpe->pair_mask = slots - 1;
    bpe->merge_count = list->len;
    bpe->pairs = anm_realloc_array(NULL, slots, sizeof *bpe->pairs);
    bpe->merged = anm_realloc_array(NULL, list->len, sizeof *bpe->merged);
    if (!bpe->pairs || !bpe->merged) return false;
    memset(bpe->pairs, 0xFF, slots * sizeof *bpe->pairs);
    for (size_t i = 0; i < list->len; i++) {
        uint64_t key = pair_key(list->data[i].left, list->data[i].right);
        *find_pair(bpe, key) = (anm_pair_slot){key, (uint32_t)i};
        bpe->merged[i] = list->data[i].merged;
    }
    return true;
}

anm_status anm_bpe_read_merges(anm_bpe *bpe, anm_scan *scan, anm_error *err) {
    merge_list list = {0};
    anm_strbuf first = {0}, joined = {0};
    anm_status status = read_list(bpe, scan, &list, &first, &joined, err);
    if (status == ANM_OK && !build_table(bpe, &list)) status = anm_fail_memory(err);
    anm_strbuf_free(&first);
    anm_strbuf_free(&joined);
    anm_vec_free(&list);
    return status;
}

/* --- Derived tables ------------------------------------------------------------------------- */

static const anm_sv metaspace = {"\xE2\x96\x81", 3};

/* U+2581 behind another character. */
static bool has_inner_metaspace(anm_sv text) {
    for (size_t i = 3; i + 3 <= text.len; i++)
        if (!memcmp(text.data + i, metaspace.data, 3) &&
            memcmp(text.data + i - 3, metaspace.data, 3) != 0)
            return true;
    /* One or two bytes can stand before it too. */
    return (text.len >= 4 && !memcmp(text.data + 1, metaspace.data, 3)) ||
           (text.len >= 5 && !memcmp(text.data + 2, metaspace.data, 3));
}

/*
 * A text without pre-tokenizer is one word. When no merge can join a U+2581 to something before
 * it, cutting there gives the same ids, and the parts fit in the cache. U+2581 must be in the
 * vocabulary because a known symbol is what ends a run of unknown ones.
 */
static bool may_cut(const anm_bpe *bpe) {
    if (bpe->raw_bytes || bpe->ignore_merges || bpe->prefix.len || bpe->suffix.len) return false;
    if (anm_vocab_find(bpe->vocab, metaspace) < 0) return false;
    for (size_t i = 0; i < bpe->merge_count; i++)
        if (has_inner_metaspace(anm_vocab_text(bpe->vocab, bpe->merged[i]))) return false;
    return true;
}

void anm_bpe_prepare(anm_bpe *bpe) {
    char text[8];
    for (int b = 0; b < 256; b++) {
        size_t len =
            anm_utf8_put(text, bpe->raw_bytes ? anm_byte_to_char((unsigned char)b) : (uint32_t)b);
        bool usable = bpe->raw_bytes || b < 0x80;
        bpe->char_ids[b] = usable ? anm_vocab_find(bpe->vocab, (anm_sv){text, len}) : -1;
        snprintf(text, sizeof text, "<0x%02X>", (unsigned)b);
        bpe->byte_ids[b] = anm_vocab_find(bpe->vocab, (anm_sv){text, 6});
    }
    bpe->unk_id = bpe->unk_token.data ? anm_vocab_find(bpe->vocab, bpe->unk_token) : -1;
    bpe->cut_at_metaspace = may_cut(bpe);
}

void anm_bpe_free(anm_bpe *bpe) {
    anm_free(bpe->pairs);
    anm_free(bpe->merged);
    bpe->pairs = NULL;
    bpe->merged = NULL;
}

void anm_bpe_scratch_free(anm_bpe_scratch *s) {
    anm_vec_free(&s->ids);
    anm_strbuf_free(&s->text);
    anm_vec_free(&s->symbols);
    anm_vec_free(&s->heap);
}

/* --- Characters to symbols ------------------------------------------------------------------ */

/* The vocabulary's text for one character of the word, in s->text. */
static anm_sv spell(const anm_bpe *bpe, anm_bpe_scratch *s, anm_sv word, size_t at, size_t width) {
    anm_strbuf *text = &s->text;
    anm_strbuf_clear(text);
    if (at > 0) anm_strbuf_append(text, bpe->prefix.data, bpe->prefix.len);
    if (bpe->raw_bytes) {
        anm_utf8_append(text, anm_byte_to_char((unsigned char)word.data[at]));
    } else {
        anm_strbuf_append(text, word.data + at, width);
    }
    if (at + width == word.len) anm_strbuf_append(text, bpe->suffix.data, bpe->suffix.len);
    return (anm_sv){anm_strbuf_cstr(text), text->len};
}

/* All bytes of the text as byte tokens; false when one of these tokens is missing. */
static bool push_bytes(const anm_bpe *bpe, anm_bpe_scratch *s, anm_sv text) {
    size_t before = s->ids.len;
    for (size_t i = 0; i < text.len; i++) {
        int32_t id = bpe->byte_ids[(unsigned char)text.data[i]];
        if (id < 0) {
            s->ids.len = before;
            return false;
        }
        s->ids.data[s->ids.len++] = id;
    }
    return true;
}

static anm_status fail_unknown(const anm_bpe *bpe, anm_error *err) {
    return anm_fail(err, ANM_ERROR_FORMAT, NULL,
                    "the text needs the unknown token \"%.60s\", which the vocabulary lacks",
                    bpe->unk_token.data);
}

/*
 * Unknown characters wait: one unknown token is put out when the next known character or the
 * end comes, or, unless they are fused, the next unknown one. Byte tokens overtake a waiting
 * unknown token, as they do in the Rust library.
 */
static anm_status spell_out(const anm_bpe *bpe, anm_bpe_scratch *s, anm_sv word, anm_error *err) {
    bool unknown = false, plain = !bpe->prefix.len && !bpe->suffix.len;
    size_t width;
    for (size_t i = 0; i < word.len; i += width) {
        unsigned char first = (unsigned char)word.data[i];
        width = bpe->raw_bytes ? 1 : anm_utf8_width(first);
        int32_t id = plain ? bpe->char_ids[first] : -1;
        if (id < 0) {
            anm_sv text = spell(bpe, s, word, i, width);
            if (!anm_vec_reserve(&s->ids, s->ids.len + text.len + 2) || s->text.failed)
                return anm_fail_memory(err);
            id = anm_vocab_find(bpe->vocab, text);
            if (id < 0 && bpe->byte_fallback && push_bytes(bpe, s, text)) continue;
        } else if (!anm_vec_reserve(&s->ids, s->ids.len + 2)) {
            return anm_fail_memory(err);
        }
        if (id < 0 && !bpe->unk_token.data) continue;
        if (id < 0 && bpe->unk_id < 0) return fail_unknown(bpe, err);
        if (unknown && !(id < 0 && bpe->fuse_unk)) s->ids.data[s->ids.len++] = bpe->unk_id;
        unknown = id < 0;
        if (id >= 0) s->ids.data[s->ids.len++] = id;
    }
    if (unknown) s->ids.data[s->ids.len++] = bpe->unk_id;
    return ANM_OK;
}

/* --- Merging -------------------------------------------------------------------------------- */

static void merge_short(const anm_bpe *bpe, int32_t *ids, size_t *count) {
    uint32_t ranks[SHORT_WORD];
    size_t n = *count;
    for (size_t i = 0; i + 1 < n; i++) ranks[i] = pair_rank(bpe, ids[i], ids[i + 1]);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (ranks[i] < ranks[best]) best = i;
        if (ranks[best] == NO_RANK) break;
        ids[best] = bpe->merged[ranks[best]];
        n--;
        memmove(ids + best + 1, ids + best + 2, (n - best - 1) * sizeof *ids);
        memmove(ranks + best, ranks + best + 1, (n - best - 1) * sizeof *ranks);
        if (best > 0) ranks[best - 1] = pair_rank(bpe, ids[best - 1], ids[best]);
        if (best + 1 < n) ranks[best] = pair_rank(bpe, ids[best], ids[best + 1]);
    }
    *count = n;
}

static void heap_down(uint64_t *heap, size_t len, size_t i) {
    uint64_t item = heap[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= len) break;
        if (child + 1 < len && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= item) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = item;
}

static uint64_t heap_pop(anm_bpe_scratch *s) {
    uint64_t top = s->heap.data[0];
    s->heap.data[0] = s->heap.data[--s->heap.len];
    if (s->heap.len) heap_down(s->heap.data, s->heap.len, 0);
    return top;
}

static bool heap_push(anm_bpe_scratch *s, uint64_t item) {
    if (!anm_vec_push(&s->heap, item)) return false;
    uint64_t *heap = s->heap.data;
    size_t i = s->heap.len - 1;
    while (i > 0 && heap[(i - 1) / 2] > item) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = item;
    return true;
}

static bool symbols_from_ids(const anm_bpe *bpe, anm_bpe_scratch *s) {
    size_t n = s->ids.len;
    s->symbols.len = s->heap.len = 0;
    if (!anm_vec_reserve(&s->symbols, n) || !anm_vec_reserve(&s->heap, n)) return false;
    for (size_t i = 0; i < n; i++) {
        bool last = i + 1 == n;
        uint32_t rank = last ? NO_RANK : pair_rank(bpe, s->ids.data[i], s->ids.data[i + 1]);
        s->symbols.data[i] =
            (anm_symbol){s->ids.data[i], (int32_t)i - 1, last ? -1 : (int32_t)i + 1, rank};
        if (rank != NO_RANK) s->heap.data[s->heap.len++] = (uint64_t)rank << 32 | i;
    }
    s->symbols.len = n;
    for (size_t i = s->heap.len / 2; i-- > 0;) heap_down(s->heap.data, s->heap.len, i);
    return true;
}

/* After the symbol or its neighbour changed. */
static bool renew_rank(const anm_bpe *bpe, anm_bpe_scratch *s, int32_t at) {
    anm_symbol *symbol = &s->symbols.data[at];
    symbol->rank =
        symbol->next < 0 ? NO_RANK : pair_rank(bpe, symbol->id, s->symbols.data[symbol->next].id);
    return symbol->rank == NO_RANK || heap_push(s, (uint64_t)symbol->rank << 32 | (uint32_t)at);
}

/* Entries of the heap whose pair has changed since are recognised by their rank. */
static bool merge_long(const anm_bpe *bpe, anm_bpe_scratch *s) {
    if (!symbols_from_ids(bpe, s)) return false;
    anm_symbol *symbols = s->symbols.data;
    while (s->heap.len) {
        uint64_t top = heap_pop(s);
        int32_t at = (int32_t)(uint32_t)top;
        anm_symbol *left = &symbols[at];
        if (left->id < 0 || left->rank != (uint32_t)(top >> 32)) continue;
        anm_symbol *right = &symbols[left->next];
        left->id = bpe->merged[left->rank];
        right->id = -1;
        left->next = right->next;
        if (left->next >= 0) symbols[left->next].prev = at;
        if (!renew_rank(bpe, s, at)) return false;
        if (left->prev >= 0 && !renew_rank(bpe, s, left->prev)) return false;
    }
    s->ids.len = 0;
    for (int32_t i = 0; i >= 0; i = symbols[i].next) s->ids.data[s->ids.len++] = symbols[i].id;
    return true;
}

static int32_t whole_word(const anm_bpe *bpe, anm_bpe_scratch *s, anm_sv word) {
    if (!bpe->raw_bytes) return anm_vocab_find(bpe->vocab, word);
    if (word.len > bpe->vocab->longest) return -1;
    anm_strbuf_clear(&s->text);
    anm_bytes_to_alphabet(&s->text, word.data, word.len);
    return anm_vocab_find(bpe->vocab, (anm_sv){anm_strbuf_cstr(&s->text), s->text.len});
}

anm_status anm_bpe_encode(const anm_bpe *bpe, anm_bpe_scratch *s, anm_sv word, anm_error *err) {
    s->ids.len = 0;
    anm_strbuf_clear(&s->text);
    if (word.len > INT32_MAX / 2)
        return anm_fail(err, ANM_ERROR_LIMIT, NULL, "a stretch of %zu bytes without a cut",
                        word.len);
    if (bpe->ignore_merges) {
        int32_t id = whole_word(bpe, s, word);
        if (s->text.failed) return anm_fail_memory(err);
        if (id >= 0) return anm_vec_push(&s->ids, id) ? ANM_OK : anm_fail_memory(err);
    }
    ANM_TRY(spell_out(bpe, s, word, err));
    if (s->ids.len <= SHORT_WORD) {
        merge_short(bpe, s->ids.data, &s->ids.len);
    } else if (!merge_long(bpe, s)) {
        return anm_fail_memory(err);
    }
    return ANM_OK;
}
