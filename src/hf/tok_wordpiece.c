/* SPDX-License-Identifier: MIT */
/* WordPiece: greedy longest match from the left. */
#include "src/hf/tok_model.h"
#include "src/hf/tok_unicode.h"

static anm_status push(anm_bpe_scratch *s, int32_t id, anm_error *err) {
    return anm_vec_push(&s->ids, id) ? ANM_OK : anm_fail_memory(err);
}

static anm_status unknown(const anm_model *model, anm_bpe_scratch *s, anm_error *err) {
    s->ids.len = 0;
    if (model->unk_id >= 0) return push(s, model->unk_id, err);
    return anm_fail(err, ANM_ERROR_FORMAT, NULL,
                    "the text needs the unknown token \"%.60s\", which the vocabulary lacks",
                    model->unk_token.data ? model->unk_token.data : "");
}

/* The longest token at `start`, or -1. *end is where it ends. */
static int32_t longest(const anm_model *model, anm_bpe_scratch *s, anm_sv word, size_t start,
                       size_t *end) {
    anm_sv prefix = start ? model->prefix : (anm_sv){"", 0};
    size_t most = model->vocab.longest > prefix.len ? model->vocab.longest - prefix.len : 0;
    if (most > word.len - start) most = word.len - start;
    /* Not within a character. */
    while (start + most < word.len && most &&
           ((unsigned char)word.data[start + most] & 0xC0) == 0x80)
        most--;
    anm_strbuf_clear(&s->text);
    anm_strbuf_append(&s->text, prefix.data, prefix.len);
    anm_strbuf_append(&s->text, word.data + start, most);
    if (s->text.failed) return -1;
    for (*end = start + most; *end > start; *end = anm_utf8_before(word.data, *end)) {
        anm_sv text = {anm_strbuf_cstr(&s->text), prefix.len + (*end - start)};
        int32_t id = anm_vocab_find(&model->vocab, text);
        if (id >= 0) return id;
    }
    return -1;
}

anm_status anm_wordpiece_encode(const anm_model *model, anm_bpe_scratch *s, anm_sv word,
                                anm_error *err) {
    s->ids.len = 0;
    if (word.len > model->max_chars && anm_utf8_count(word.data, word.len) > model->max_chars)
        return unknown(model, s, err);
    for (size_t start = 0, end; start < word.len; start = end) {
        int32_t id = longest(model, s, word, start, &end);
        if (s->text.failed) return anm_fail_memory(err);
        if (id < 0) return unknown(model, s, err);
        ANM_TRY(push(s, id, err));
    }
    return ANM_OK;
}
