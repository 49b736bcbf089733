/* SPDX-License-Identifier: MIT */
/*
 * SentencePiece BPE has scores, Hugging Face's has merges. A pair may be merged if it makes a
 * piece, the one whose piece scores highest first; so the merges are all cuttings of all pieces in
 * two pieces, by descending score, cuttings of one piece by the ids of their halves. That is how
 * transformers' converter orders them (for Llama 2 the lists are equal).
 */
#include <math.h>
#include <stdlib.h>

#include "src/base/map.h"
#include "src/base/vec.h"
#include "src/hf/gguf_tokenizer.h"
#include "src/hf/jinja_utf8.h"

typedef struct merge {
    uint32_t left, right, piece; /* ids */
    float score;
} merge;

typedef struct merger {
    const anm_gguf_vocab *vocab;
    anm_map ids;
    ANM_VEC(merge) merges;
} merger;

static anm_status index_pieces(merger *m, anm_error *err) {
    const anm_gguf_vocab *v = m->vocab;
    for (size_t id = 0; id < v->count; id++) {
        float score = anm_gguf_float_at(v->scores, id);
        if (isnan(score))
            return anm_fail_at(err, ANM_ERROR_FORMAT, anm_gguf_path(v->gguf),
                               v->scores->offset + 4 * id, "the score of token %zu is not a number",
                               id);
        if (!anm_gguf_vocab_in_model(v, id)) continue;
        if (!anm_map_put(&m->ids, v->tokens[id], id)) return anm_fail_memory(err);
    }
    return ANM_OK;
}

static anm_status cut_piece(merger *m, size_t id, anm_error *err) {
    anm_sv text = m->vocab->tokens[id];
    size_t at = text.len ? anm_jinja_utf8_size(text.data) : 0;
    for (; at < text.len; at += anm_jinja_utf8_size(text.data + at)) {
        uint64_t left, right;
        if (!anm_map_get(&m->ids, (anm_sv){text.data, at}, &left) ||
            !anm_map_get(&m->ids, (anm_sv){text.data + at, text.len - at}, &right))
            continue;
        merge cut = {(uint32_t)left, (uint32_t)right, (uint32_t)id,
                     anm_gguf_float_at(m->vocab->scores, id)};
        if (!anm_vec_push(&m->merges, cut)) return anm_fail_memory(err);
    }
    return ANM_OK;
}

static int compare(uint32_t a, uint32_t b) {
    return (a > b) - (a < b);
}

static int by_rank(const void *a, const void *b) {
    const merge *x = a, *y = b;
    int order = (x->score < y->score) - (x->score > y->score);
    if (!order) order = compare(x->piece, y->piece);
    if (!order) order = compare(x->left, y->left);
    return order ? order : compare(x->right, y->right);
}

static void print(const merger *m, anm_strbuf *out) {
    anm_strbuf_putc(out, '[');
    for (size_t i = 0; i < m->merges.len; i++) {
        const merge *cut = &m->merges.data[i];
        anm_strbuf_puts(out, i ? ",\n[" : "\n[");
        anm_gguf_put_json(out, m->vocab->tokens[cut->left]);
        anm_strbuf_putc(out, ',');
        anm_gguf_put_json(out, m->vocab->tokens[cut->right]);
        anm_strbuf_putc(out, ']');
    }
    anm_strbuf_putc(out, ']');
}

static anm_status find_merges(merger *m, anm_error *err) {
    ANM_TRY(index_pieces(m, err));
    for (size_t id = 0; id < m->vocab->count; id++)
        if (anm_gguf_vocab_in_model(m->vocab, id)) ANM_TRY(cut_piece(m, id, err));
    if (m->merges.len) qsort(m->merges.data, m->merges.len, sizeof *m->merges.data, by_rank);
    return ANM_OK;
}

anm_status anm_gguf_spm_merges(const anm_gguf_vocab *vocab, anm_strbuf *out, anm_error *err) {
    merger m = {.vocab = vocab};
    anm_status status = find_merges(&m, err);
    if (status == ANM_OK) print(&m, out);
    anm_map_free(&m.ids);
    anm_vec_free(&m.merges);
    return status;
}
