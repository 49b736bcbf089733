/* SPDX-License-Identifier: MIT */
/*
 * Text to ids: added tokens are cut out, what is between them is normalized, pre-tokenized and
 * given to the model.
 */
#include "src/base/alloc.h"
#include "src/base/options.h"
#include "src/hf/tok_unicode.h"
#include "src/hf/tokenizer_impl.h"

void anm_encode_options_init(anm_encode_options *options) {
    *options = (anm_encode_options){sizeof *options, true, true};
}

void anm_token_list_free(anm_token_list *list) {
    anm_free(list->ids);
    *list = (anm_token_list){0};
}

/* The pool is a cache, not a promise: it may be empty, and what does not fit in is released. */
static anm_encode_scratch *take_scratch(anm_tokenizer *t) {
    anm_encode_scratch *s = NULL;
    pthread_mutex_lock(&t->lock);
    if (t->idle_count) s = t->idle[--t->idle_count];
    pthread_mutex_unlock(&t->lock);
    return s ? s : anm_calloc(1, sizeof *s);
}

/* One huge text must not keep its buffers for ever. */
static void trim(anm_encode_scratch *s) {
    enum { KEEP = 1 << 20 };
    if (s->repaired.cap > KEEP) anm_strbuf_free(&s->repaired);
    for (int i = 0; i < 2; i++)
        if (s->norm.text[i].cap > KEEP) anm_strbuf_free(&s->norm.text[i]);
    if (s->norm.points.cap > KEEP / 4) anm_vec_free(&s->norm.points);
    for (size_t i = 0; i < s->pretok.rewritten.len; i++)
        if (s->pretok.rewritten.data[i].cap > KEEP)
            anm_strbuf_free(&s->pretok.rewritten.data[i]);
    if (s->model.bpe.symbols.cap > KEEP / sizeof(anm_symbol)) anm_bpe_scratch_free(&s->model.bpe);
}

static void give_scratch(anm_tokenizer *t, anm_encode_scratch *s) {
    trim(s);
    pthread_mutex_lock(&t->lock);
    bool kept = t->idle_count < ANM_SCRATCH_POOL;
    if (kept) t->idle[t->idle_count++] = s;
    pthread_mutex_unlock(&t->lock);
    if (!kept) anm_encode_scratch_free(s);
}

typedef struct encoding {
    const anm_tokenizer *t;
    anm_encode_scratch *s;
    anm_id_vec ids;
    bool parse_special;
} encoding;

static anm_status push(encoding *e, int32_t id, anm_error *err) {
    return anm_vec_push(&e->ids, id) ? ANM_OK : anm_fail_memory(err);
}

static anm_status push_all(encoding *e, const anm_id_vec *ids, anm_error *err) {
    for (size_t i = 0; i < ids->len; i++) ANM_TRY(push(e, ids->data[i], err));
    return ANM_OK;
}

static anm_status encode_piece(void *context, anm_sv piece, anm_error *err) {
    encoding *e = context;
    return anm_model_encode(&e->t->model, &e->s->model, piece, &e->ids, err);
}

/* Text between added tokens of the first kind. */
static anm_status encode_stretch(encoding *e, anm_sv text, bool at_start, anm_error *err) {
    anm_added_finder finder;
    anm_added_span span;
    anm_pretok_run run = {&e->t->pretok, &e->s->pretok, &e->s->regex, encode_piece, e};
    ANM_TRY(anm_normalizer_run(&e->t->normalizer, &e->s->norm, &e->s->regex, text, &text, err));
    anm_added_start(&finder, &e->t->added, true, e->parse_special, text);
    while (anm_added_next(&finder, &span)) {
        anm_sv part = {text.data + span.start, span.end - span.start};
        ANM_TRY(span.token ? push(e, span.token->id, err)
                           : anm_pretok_apply(&run, part, at_start && span.start == 0, err));
    }
    return ANM_OK;
}

static anm_status encode_text(encoding *e, anm_sv text, anm_error *err) {
    anm_added_finder finder;
    anm_added_span span;
    anm_added_start(&finder, &e->t->added, false, e->parse_special, text);
    while (anm_added_next(&finder, &span)) {
        anm_sv part = {text.data + span.start, span.end - span.start};
        ANM_TRY(span.token ? push(e, span.token->id, err)
                           : encode_stretch(e, part, span.start == 0, err));
    }
    return ANM_OK;
}

static anm_status encode_all(encoding *e, anm_sv text, bool add_special, anm_error *err) {
    anm_strbuf *repaired = &e->s->repaired;
    if (anm_utf8_valid_prefix(text.data, text.len) != text.len) {
        anm_strbuf_clear(repaired);
        anm_utf8_repair(repaired, text.data, text.len);
        if (repaired->failed) return anm_fail_memory(err);
        text = (anm_sv){anm_strbuf_cstr(repaired), repaired->len};
    }
    if (add_special) ANM_TRY(push_all(e, &e->t->post.before, err));
    ANM_TRY(encode_text(e, text, err));
    return add_special ? push_all(e, &e->t->post.after, err) : ANM_OK;
}

anm_status anm_tokenizer_encode(const anm_tokenizer *tokenizer, const char *text, size_t len,
                                const anm_encode_options *options, anm_token_list *out,
                                anm_error *err) {
    anm_tokenizer *t = (anm_tokenizer *)tokenizer; /* for the pool of scratch, under its lock */
    anm_encode_options all;
    anm_encode_options_init(&all);
    ANM_TRY(anm_options_take(&all, sizeof all, options, err));
    out->len = 0;
    encoding e = {t, take_scratch(t), {out->ids, 0, out->cap}, all.parse_special};
    if (!e.s) return anm_fail_memory(err);
    anm_status status = encode_all(&e, (anm_sv){len ? text : "", len}, all.add_special_tokens, err);
    give_scratch(t, e.s);
    *out = (anm_token_list){e.ids.data, status == ANM_OK ? e.ids.len : 0, e.ids.cap};
    return status;
}
