/* SPDX-License-Identifier: MIT */
/*
 * The bytes come from the tokenizer's own decoder: of a byte-level vocabulary through its
 * alphabet, else from decoding the token behind another one, except for the single-byte tokens of
 * byte fallback, which a decoder alone shows as U+FFFD.
 */
#include "src/hf/tok_bytetrie.h"

#include <stdlib.h>

#include "src/hf/tok_bytelevel.h"
#include "src/hf/tokenizer_impl.h"

enum { MAX_TOKEN = 1024 };

typedef struct spelled {
    anm_sv bytes;
    int32_t id;
} spelled;

typedef struct builder {
    const anm_tokenizer *tokenizer;
    anm_byte_trie *trie;
    anm_strbuf bytes;
    anm_decode_state decode;
    bool byte_level, byte_fallback;
} builder;

static bool has_stage(const anm_tokenizer *t, anm_decode_kind kind) {
    for (size_t i = 0; i < t->decoder.specs.len; i++)
        if (t->decoder.specs.data[i].kind == kind) return true;
    return false;
}

/* Appends what `text` adds behind the text "a", or with `alone` as the first token. */
static anm_status decode(builder *b, anm_sv text, bool alone, anm_error *err) {
    static const anm_sv anchor = {"a", 1};
    anm_strbuf_clear(&b->decode.out);
    if (!alone) ANM_TRY(anm_decode_token(&b->decode, anchor, err));
    ANM_TRY(anm_decode_token(&b->decode, text, err));
    ANM_TRY(anm_decode_finish(&b->decode, err));
    size_t skip = alone || !b->decode.out.len ? 0 : 1;
    anm_strbuf_append(&b->bytes, anm_strbuf_cstr(&b->decode.out) + skip,
                      b->decode.out.len - skip);
    return ANM_OK;
}

static anm_status spell(builder *b, int32_t id, anm_error *err) {
    anm_sv text = anm_tokenizer_text_of(b->tokenizer, id);
    if (!text.data || anm_tokenizer_is_special(b->tokenizer, id)) return ANM_OK;
    if (text.len > MAX_TOKEN) return ANM_OK;
    if (b->byte_level) {
        if (!anm_bytes_from_alphabet(&b->bytes, text.data, text.len))
            anm_strbuf_append(&b->bytes, text.data, text.len);
        return ANM_OK;
    }
    int byte = b->byte_fallback ? anm_byte_token(text) : -1;
    if (byte < 0) return decode(b, text, false, err);
    anm_strbuf_putc(&b->bytes, (char)byte);
    return ANM_OK;
}

static anm_status spell_all(builder *b, anm_error *err) {
    anm_byte_trie *trie = b->trie;
    static const anm_sv probe = {"\xE2\x96\x81" "a", 4};
    trie->starts = anm_calloc((size_t)trie->vocab + 1, sizeof *trie->starts);
    if (!trie->starts) return anm_fail_memory(err);
    for (int32_t id = 0; id < trie->vocab; id++) {
        ANM_TRY(spell(b, id, err));
        trie->starts[id + 1] = (uint32_t)b->bytes.len;
    }
    if (!b->byte_level) {
        ANM_TRY(decode(b, probe, true, err));
        trie->drops_space = b->decode.out.len == 1;
        b->bytes.len = trie->starts[trie->vocab];
    }
    anm_strbuf_append(&b->bytes, "", 0);
    trie->bytes = b->bytes.data;
    b->bytes = (anm_strbuf){.failed = b->bytes.failed};
    return b->bytes.failed ? anm_fail_memory(err) : ANM_OK;
}

static int by_bytes(const void *a, const void *b) {
    const spelled *x = a, *y = b;
    size_t both = x->bytes.len < y->bytes.len ? x->bytes.len : y->bytes.len;
    int order = both ? memcmp(x->bytes.data, y->bytes.data, both) : 0;
    if (order) return order;
    if (x->bytes.len != y->bytes.len) return x->bytes.len < y->bytes.len ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static size_t common(anm_sv a, anm_sv b) {
    size_t n = 0;
    while (n < a.len && n < b.len && a.data[n] == b.data[n]) n++;
    return n;
}

/* Tokens in order: the path of the one before is kept as far as both agree. */
static void plant(anm_byte_trie *trie, const spelled *tokens, size_t count) {
    uint32_t path[MAX_TOKEN + 1];
    size_t depth = 0;
    for (size_t i = 0; i < count; i++) {
        anm_sv bytes = tokens[i].bytes;
        size_t shared = i ? common(tokens[i - 1].bytes, bytes) : 0;
        for (; depth > shared; depth--) trie->nodes[path[depth - 1]].skip = (uint32_t)trie->count;
        for (; depth < bytes.len; depth++) {
            path[depth] = (uint32_t)trie->count;
            trie->nodes[trie->count++] = (anm_byte_node){
                .token = -1, .depth = (uint16_t)(depth + 1), .byte = (uint8_t)bytes.data[depth]};
        }
        anm_byte_node *end = &trie->nodes[path[depth - 1]];
        trie->same[tokens[i].id] = end->token;
        end->token = tokens[i].id;
        if (depth > trie->depth) trie->depth = depth;
    }
    for (; depth > 0; depth--) trie->nodes[path[depth - 1]].skip = (uint32_t)trie->count;
}

static size_t node_count(const spelled *tokens, size_t count) {
    size_t nodes = 0;
    for (size_t i = 0; i < count; i++)
        nodes += tokens[i].bytes.len - (i ? common(tokens[i - 1].bytes, tokens[i].bytes) : 0);
    return nodes;
}

static anm_status grow(anm_byte_trie *trie, anm_error *err) {
    size_t count = 0;
    spelled *tokens = anm_calloc((size_t)trie->vocab, sizeof *tokens);
    trie->same = anm_calloc((size_t)trie->vocab, sizeof *trie->same);
    anm_status status = tokens && trie->same ? ANM_OK : anm_fail_memory(err);
    for (int32_t id = 0; status == ANM_OK && id < trie->vocab; id++) {
        anm_sv bytes = anm_byte_trie_token(trie, id);
        if (bytes.len && bytes.len <= MAX_TOKEN) tokens[count++] = (spelled){bytes, id};
    }
    if (status == ANM_OK) {
        qsort(tokens, count, sizeof *tokens, by_bytes);
        trie->nodes = anm_calloc(node_count(tokens, count), sizeof *trie->nodes);
        if (trie->nodes)
            plant(trie, tokens, count);
        else
            status = anm_fail_memory(err);
    }
    anm_free(tokens);
    return status;
}

static anm_status build(const anm_tokenizer *t, anm_byte_trie *trie, anm_error *err) {
    builder b = {.tokenizer = t, .trie = trie,
                 .byte_level = has_stage(t, ANM_DECODE_BYTE_LEVEL),
                 .byte_fallback = has_stage(t, ANM_DECODE_BYTE_FALLBACK)};
    if (has_stage(t, ANM_DECODE_WORDPIECE) || has_stage(t, ANM_DECODE_BPE) ||
        has_stage(t, ANM_DECODE_JOIN))
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, "tokenizer",
                        "its tokens have no bytes of their own: what one adds to a text depends "
                        "on its neighbours");
    trie->vocab = anm_tokenizer_vocab_size(t);
    ANM_TRY(anm_decode_start(&b.decode, &t->decoder, err));
    anm_status status = spell_all(&b, err);
    anm_strbuf_free(&b.bytes);
    anm_decode_free(&b.decode);
    return status == ANM_OK ? grow(trie, err) : status;
}

void anm_byte_trie_destroy(anm_byte_trie *trie) {
    if (!trie) return;
    anm_free(trie->nodes);
    anm_free(trie->same);
    anm_free(trie->starts);
    anm_free(trie->bytes);
    anm_free(trie);
}

/* Under the tokenizer's lock: others wait for it rather than build one too. */
static anm_status build_locked(anm_tokenizer *t, anm_error *err) {
    if (t->byte_trie) return ANM_OK;
    anm_byte_trie *trie = anm_calloc(1, sizeof *trie);
    anm_status status = trie ? build(t, trie, err) : anm_fail_memory(err);
    if (status == ANM_OK)
        t->byte_trie = trie;
    else
        anm_byte_trie_destroy(trie);
    return status;
}

anm_status anm_tokenizer_byte_trie(const anm_tokenizer *tokenizer, const anm_byte_trie **out,
                                   anm_error *err) {
    anm_tokenizer *t = (anm_tokenizer *)tokenizer; /* the lock and what it guards may change */
    pthread_mutex_lock(&t->lock);
    anm_status status = build_locked(t, err);
    *out = t->byte_trie;
    pthread_mutex_unlock(&t->lock);
    return status;
}
