/* SPDX-License-Identifier: MIT */
/* Ids to text, at once and token by token. */
#include "src/base/alloc.h"
#include "src/hf/tokenizer_impl.h"

struct anm_decoder {
    const anm_tokenizer *tokenizer;
    bool skip_special;
    anm_decode_state state; /* its `out` is the piece of the last call */
};

static anm_status decode_id(const anm_tokenizer *t, anm_decode_state *state, int32_t id,
                            bool skip_special, anm_error *err) {
    anm_sv text = anm_tokenizer_text_of(t, id);
    if (!text.data)
        return anm_fail(err, ANM_ERROR_ARGUMENT, NULL,
                        "no token has id %d (the vocabulary ends at %d)", id,
                        anm_tokenizer_vocab_size(t) - 1);
    if (skip_special && anm_tokenizer_is_special(t, id)) return ANM_OK;
    return anm_decode_token(state, text, err);
}

anm_status anm_tokenizer_decode(const anm_tokenizer *t, const int32_t *ids, size_t count,
                                bool skip_special, char **text, size_t *len, anm_error *err) {
    anm_decode_state state;
    anm_status status;
    *text = NULL;
    *len = 0;
    ANM_CHECK(anm_decode_start(&state, &t->decoder, err));
    for (size_t i = 0; i < count; i++)
        ANM_CHECK(decode_id(t, &state, ids[i], skip_special, err));
    ANM_CHECK(anm_decode_finish(&state, err));
    anm_strbuf_append(&state.out, "", 0);
    if (state.out.failed) {
        status = anm_fail_memory(err);
        goto fail;
    }
    *text = state.out.data;
    *len = state.out.len;
    state.out = (anm_strbuf){0};
fail:
    anm_decode_free(&state);
    return status;
}

void anm_tokenizer_text_free(char *text) {
    anm_free(text);
}

anm_status anm_decoder_create(const anm_tokenizer *tokenizer, bool skip_special, anm_decoder **out,
                              anm_error *err) {
    *out = NULL;
    anm_decoder *d = anm_calloc(1, sizeof *d);
    if (!d) return anm_fail_memory(err);
    d->tokenizer = tokenizer;
    d->skip_special = skip_special;
    anm_status status = anm_decode_start(&d->state, &tokenizer->decoder, err);
    if (status == ANM_OK) {
        *out = d;
    } else {
        anm_free(d);
    }
    return status;
}

/* The piece of the last call goes before new text comes. */
static void forget_piece(anm_decoder *d) {
    anm_strbuf_clear(&d->state.out);
}

static void take_piece(const anm_decoder *d, const char **piece, size_t *len) {
    *piece = anm_strbuf_cstr(&d->state.out);
    *len = d->state.out.len;
}

anm_status anm_decoder_push(anm_decoder *d, int32_t id, const char **piece, size_t *len,
                            anm_error *err) {
    *piece = "";
    *len = 0;
    forget_piece(d);
    ANM_TRY(decode_id(d->tokenizer, &d->state, id, d->skip_special, err));
    take_piece(d, piece, len);
    return ANM_OK;
}

anm_status anm_decoder_finish(anm_decoder *d, const char **piece, size_t *len, anm_error *err) {
    *piece = "";
    *len = 0;
    forget_piece(d);
    ANM_TRY(anm_decode_finish(&d->state, err));
    take_piece(d, piece, len);
    return ANM_OK;
}

void anm_decoder_reset(anm_decoder *d) {
    anm_decode_reset(&d->state);
    forget_piece(d);
}

void anm_decoder_destroy(anm_decoder *d) {
    if (!d) return;
    anm_decode_free(&d->state);
    anm_free(d);
}
