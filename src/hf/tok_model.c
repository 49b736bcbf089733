/* SPDX-License-Identifier: MIT */
/* Running a model on a piece, through the word cache. Loading: tok_model_load.c. */
#include "src/hf/tok_model.h"

void anm_model_free(anm_model *m) {
    anm_vocab_free(&m->vocab);
    anm_bpe_free(&m->bpe);
}

void anm_model_scratch_free(anm_model_scratch *s) {
    anm_bpe_scratch_free(&s->bpe);
    anm_wordcache_free(&s->cache);
}

static anm_status wordlevel(const anm_model *m, anm_bpe_scratch *s, anm_sv word, anm_error *err) {
    int32_t id = anm_vocab_find(&m->vocab, word);
    s->ids.len = 0;
    if (id < 0) id = m->unk_id;
    if (id < 0)
        return anm_fail(err, ANM_ERROR_FORMAT, NULL,
                        "the text needs the unknown token \"%.60s\", which the vocabulary lacks",
                        m->unk_token.data ? m->unk_token.data : "");
    return anm_vec_push(&s->ids, id) ? ANM_OK : anm_fail_memory(err);
}

static anm_status encode_word(const anm_model *m, anm_bpe_scratch *s, anm_sv word,
                              anm_error *err) {
    switch (m->kind) {
    case ANM_MODEL_BPE: return anm_bpe_encode(&m->bpe, s, word, err);
    case ANM_MODEL_WORDPIECE: return anm_wordpiece_encode(m, s, word, err);
    case ANM_MODEL_WORDLEVEL: return wordlevel(m, s, word, err);
    }
    return anm_fail(err, ANM_ERROR_INTERNAL, NULL, "unknown model");
}

static anm_status append(anm_id_vec *out, const void *ids, size_t count, anm_error *err) {
    if (!anm_vec_reserve(out, out->len + count)) return anm_fail_memory(err);
    if (count) memcpy(out->data + out->len, ids, count * sizeof(int32_t));
    out->len += count;
    return ANM_OK;
}

static anm_status encode_cached(const anm_model *m, anm_model_scratch *s, anm_sv word,
                                anm_id_vec *out, anm_error *err) {
    size_t count;
    const char *known = anm_wordcache_find(&s->cache, word, &count);
    if (known) return append(out, known, count, err);
    ANM_TRY(encode_word(m, &s->bpe, word, err));
    anm_wordcache_insert(&s->cache, word, s->bpe.ids.data, s->bpe.ids.len);
    return append(out, s->bpe.ids.data, s->bpe.ids.len, err);
}

/* The first U+2581 at or after `from` that follows another character, or the end. */
static size_t next_cut(anm_sv text, size_t from) {
    for (size_t i = from; i < text.len; i++) {
        const char *found = memchr(text.data + i, '\xE2', text.len - i);
        if (!found) break;
        i = (size_t)(found - text.data);
        if (text.len - i < 3 || memcmp(found, "\xE2\x96\x81", 3) != 0) continue;
        if (i > 0 && (i < 3 || memcmp(found - 3, "\xE2\x96\x81", 3) != 0)) return i;
        i += 2;
    }
    return text.len;
}

anm_status anm_model_encode(const anm_model *m, anm_model_scratch *s, anm_sv piece,
                            anm_id_vec *out, anm_error *err) {
    if (m->kind != ANM_MODEL_BPE || !m->bpe.cut_at_metaspace)
        return encode_cached(m, s, piece, out, err);
    for (size_t start = 0, end; start < piece.len; start = end) {
        end = next_cut(piece, start + 1);
        ANM_TRY(encode_cached(m, s, (anm_sv){piece.data + start, end - start}, out, err));
    }
    return ANM_OK;
}
