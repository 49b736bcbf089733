/* SPDX-License-Identifier: MIT */
/* Reading a GGUF file's vocabulary: its kind, its arrays, and whether they belong together. */
#include "src/hf/gguf_tokenizer.h"
#include "src/hf/jinja_utf8.h"

#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|"
#define REST                                                                                       \
    "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"
#define SPLIT(numbers)                                                                             \
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\""      \
    CONTRACTIONS numbers REST                                                                      \
    "\"},\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\","                     \
    "\"add_prefix_space\":false,\"trim_offsets\":false,\"use_regex\":false}]}"
#define GPT2                                                                                       \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":true}"

static const char *const llama3_names[] = {"llama-bpe", "llama3", "llama-v3", NULL};
static const char *const qwen2_names[] = {"qwen2", "deepseek-r1-qwen", NULL};
static const char *const gpt2_names[] = {"gpt-2", NULL};
static const char *const smollm_names[] = {"smollm", NULL};

static const anm_gguf_pre pres[] = {
    {llama3_names, "null", SPLIT("\\\\p{N}{1,3}"), true, true},
    {qwen2_names, "{\"type\":\"NFC\"}", SPLIT("\\\\p{N}"), false, false},
    {gpt2_names, "null", GPT2, false, false},
    {smollm_names, "null",
     "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\",\"individual_digits\":true},"
     GPT2 "]}", false, false},
};

static int shown(anm_sv text) {
    return (int)(text.len < 60 ? text.len : 60);
}

static anm_status find_pre(const anm_gguf *g, anm_gguf_vocab *v, anm_error *err) {
    anm_sv name;
    ANM_TRY(anm_gguf_get_text(g, "tokenizer.ggml.pre", &name, err));
    for (size_t i = 0; name.data && i < sizeof pres / sizeof pres[0]; i++)
        for (const char *const *p = pres[i].names; *p; p++)
            if (anm_sv_is(name, *p)) v->pre = &pres[i];
    if (v->pre) return ANM_OK;
    if (!name.data)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, anm_gguf_path(g),
                        "the tokenizer does not say how texts are cut (no tokenizer.ggml.pre): use "
                        "a file made by a newer converter");
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, anm_gguf_path(g),
                    "pre-tokenizer \"%.*s\" is not supported; llama-bpe, llama3, llama-v3, qwen2, "
                    "deepseek-r1-qwen, gpt-2 and smollm are", shown(name), name.data);
}

/* *has stays false without a tokenizer. */
static anm_status find_model(const anm_gguf *g, anm_gguf_vocab *v, bool *has, anm_error *err) {
    anm_sv model;
    ANM_TRY(anm_gguf_get_text(g, "tokenizer.ggml.model", &model, err));
    *has = model.data && !anm_sv_is(model, "none") && !anm_sv_is(model, "no_vocab");
    if (!*has || anm_sv_is(model, "llama")) return ANM_OK;
    if (anm_sv_is(model, "gpt2")) return find_pre(g, v, err);
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, anm_gguf_path(g),
                    "tokenizer \"%.*s\" is not supported; gpt2 (byte-level BPE) and llama "
                    "(SentencePiece BPE) are", shown(model), model.data);
}

static anm_status wrong(const anm_gguf *g, const anm_gguf_value *v, const char *what,
                        anm_error *err) {
    return anm_fail_at(err, ANM_ERROR_FORMAT, anm_gguf_path(g), v->offset, "\"%.*s\" %s",
                       ANM_SV(v->key), what);
}

static anm_status read_tokens(const anm_gguf *g, anm_arena *arena, anm_gguf_vocab *v,
                              anm_error *err) {
    enum { MOST = 1 << 24 };
    const anm_gguf_value *list;
    ANM_TRY(anm_gguf_get_array(g, "tokenizer.ggml.tokens", ANM_GGUF_STRING, &list, err));
    if (!list || list->count == 0)
        return anm_fail(err, ANM_ERROR_FORMAT, anm_gguf_path(g),
                        "the tokenizer has no \"tokenizer.ggml.tokens\"");
    if (list->count > MOST) return wrong(g, list, "has more than 2^24 tokens", err);
    v->count = (size_t)list->count;
    v->tokens = ANM_ARENA_ARRAY(arena, anm_sv, v->count);
    if (!v->tokens) return anm_fail_memory(err);
    const uint8_t *next = list->data;
    for (size_t i = 0; i < v->count; i++) {
        anm_sv *t = &v->tokens[i];
        *t = anm_gguf_next_text(&next);
        size_t bad = anm_jinja_utf8_check(t->data, t->len);
        if (bad == t->len && !memchr(t->data, '\0', t->len)) continue;
        return anm_fail_at(err, ANM_ERROR_FORMAT, anm_gguf_path(g),
                           list->offset + (uint64_t)((const uint8_t *)t->data - list->data) + bad,
                           "token %zu is not UTF-8 text", i);
    }
    return ANM_OK;
}

static anm_status read_array(const anm_gguf_vocab *v, const char *key, anm_gguf_kind kind,
                             const anm_gguf_value **out, anm_error *err) {
    ANM_TRY(anm_gguf_get_array(v->gguf, key, kind, out, err));
    if (*out && (*out)->count != v->count)
        return wrong(v->gguf, *out, "is not as long as the list of tokens", err);
    return ANM_OK;
}

static anm_status require(const anm_gguf_vocab *v, const anm_gguf_value *value, const char *key,
                          anm_error *err) {
    if (value) return ANM_OK;
    return anm_fail(err, ANM_ERROR_FORMAT, anm_gguf_path(v->gguf), "the tokenizer has no \"%s\"",
                    key);
}

static anm_status read_tables(anm_gguf_vocab *v, anm_error *err) {
    static const char merges[] = "tokenizer.ggml.merges", scores[] = "tokenizer.ggml.scores";
    ANM_TRY(read_array(v, "tokenizer.ggml.token_type", ANM_GGUF_INT32, &v->types, err));
    if (v->pre) {
        ANM_TRY(anm_gguf_get_array(v->gguf, merges, ANM_GGUF_STRING, &v->merges, err));
        return require(v, v->merges, merges, err);
    }
    ANM_TRY(read_array(v, scores, ANM_GGUF_FLOAT32, &v->scores, err));
    return require(v, v->scores, scores, err);
}

static anm_status read_id(const anm_gguf_vocab *v, const char *key, int64_t absent, int64_t *out,
                          anm_error *err) {
    if (absent >= (int64_t)v->count) absent = -1;
    ANM_TRY(anm_gguf_get_int(v->gguf, key, absent, out, err));
    if (*out < (int64_t)v->count) return ANM_OK;
    return anm_fail(err, ANM_ERROR_FORMAT, anm_gguf_path(v->gguf),
                    "\"%s\" is %lld, but there are %zu tokens", key, (long long)*out, v->count);
}

/* SentencePiece models have these ids where the file does not say. */
static anm_status read_ids(anm_gguf_vocab *v, anm_error *err) {
    bool spm = !v->pre;
    ANM_TRY(read_id(v, "tokenizer.ggml.bos_token_id", spm ? 1 : -1, &v->bos, err));
    ANM_TRY(read_id(v, "tokenizer.ggml.eos_token_id", spm ? 2 : -1, &v->eos, err));
    ANM_TRY(read_id(v, "tokenizer.ggml.unknown_token_id", spm ? 0 : -1, &v->unknown, err));
    ANM_TRY(read_id(v, "tokenizer.ggml.padding_token_id", -1, &v->padding, err));
    ANM_TRY(anm_gguf_get_bool(v->gguf, "tokenizer.ggml.add_bos_token",
                              spm || v->pre->add_bos, &v->add_bos, err));
    ANM_TRY(anm_gguf_get_bool(v->gguf, "tokenizer.ggml.add_eos_token", false, &v->add_eos, err));
    ANM_TRY(anm_gguf_get_bool(v->gguf, "tokenizer.ggml.add_space_prefix", spm, &v->space_prefix,
                              err));
    v->add_bos &= v->bos >= 0;
    v->add_eos &= v->eos >= 0;
    return ANM_OK;
}

anm_gguf_token_type anm_gguf_vocab_type(const anm_gguf_vocab *v, size_t id) {
    return v->types ? (anm_gguf_token_type)anm_gguf_int32_at(v->types, id) : ANM_GGUF_TOKEN_NORMAL;
}

bool anm_gguf_vocab_is_added(const anm_gguf_vocab *v, size_t id) {
    anm_gguf_token_type type = anm_gguf_vocab_type(v, id);
    return type == ANM_GGUF_TOKEN_CONTROL || type == ANM_GGUF_TOKEN_USER_DEFINED ||
           type == ANM_GGUF_TOKEN_UNKNOWN;
}

/* "[PAD151700]" is what converters put where the model has ids and the tokenizer has none. */
static bool is_filler(const anm_gguf_vocab *v, size_t id) {
    anm_sv text = v->tokens[id];
    return anm_gguf_vocab_type(v, id) == ANM_GGUF_TOKEN_UNUSED && text.len > 4 &&
           memcmp(text.data, "[PAD", 4) == 0;
}

bool anm_gguf_vocab_in_model(const anm_gguf_vocab *v, size_t id) {
    return id < v->tail && !is_filler(v, id);
}

/*
 * Hugging Face's library gives added tokens that the model's vocabulary lacks the ids behind it,
 * one after another. So a token may be missing there only in an unbroken run at the end.
 */
static size_t find_tail(const anm_gguf_vocab *v) {
    size_t end = v->count, tail;
    while (end > 0 && is_filler(v, end - 1)) end--;
    for (tail = end; tail > 0 && anm_gguf_vocab_is_added(v, tail - 1);) tail--;
    for (size_t id = 0; id < tail; id++)
        if (is_filler(v, id)) return v->count;
    return tail;
}

static bool has_white_space(anm_sv text) {
    return text.len && (memchr(text.data, ' ', text.len) ||
                        memmem(text.data, text.len, "\xe2\x96\x81", 3));
}

/*
 * SentencePiece looks for user-defined pieces in the text after its white space was replaced,
 * Hugging Face's library for added tokens before (as in Gemma's tokenizer, which has other rules).
 */
static anm_status check_user_defined(const anm_gguf_vocab *v, anm_error *err) {
    for (size_t id = 0; !v->pre && id < v->count; id++) {
        if (anm_gguf_vocab_type(v, id) != ANM_GGUF_TOKEN_USER_DEFINED) continue;
        if (!has_white_space(v->tokens[id])) continue;
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, anm_gguf_path(v->gguf),
                        "token %zu of the tokenizer is user-defined white space, which "
                        "tokenizer.json cannot say in GGUF's terms", id);
    }
    return ANM_OK;
}

/* A table of character replacements in SentencePiece's own form. */
static anm_status check_charsmap(const anm_gguf_vocab *v, anm_error *err) {
    static const char key[] = "tokenizer.ggml.precompiled_charsmap";
    const anm_gguf_value *map = anm_gguf_find(v->gguf, key);
    if (!map || map->count == 0) return ANM_OK;
    return anm_fail_at(err, ANM_ERROR_UNSUPPORTED, anm_gguf_path(v->gguf), map->offset,
                       "the tokenizer normalises texts by a table (%s), which is not read", key);
}

anm_status anm_gguf_vocab_read(const anm_gguf *g, anm_arena *arena, anm_gguf_vocab *out, bool *has,
                               anm_error *err) {
    *out = (anm_gguf_vocab){.gguf = g};
    ANM_TRY(find_model(g, out, has, err));
    if (!*has) return ANM_OK;
    ANM_TRY(read_tokens(g, arena, out, err));
    ANM_TRY(read_tables(out, err));
    ANM_TRY(read_ids(out, err));
    ANM_TRY(check_user_defined(out, err));
    ANM_TRY(check_charsmap(out, err));
    out->tail = find_tail(out);
    return ANM_OK;
}
