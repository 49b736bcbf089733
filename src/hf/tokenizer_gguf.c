/* SPDX-License-Identifier: MIT */
/* The tokenizer of a GGUF model, by way of the tokenizer.json that would be written for it. */
#include <string.h>

#include "src/hf/gguf_sidecar.h"
#include "src/hf/tokenizer_impl.h"

static anm_status load_vocab(anm_tokenizer *t, const anm_gguf_vocab *v, const char *where,
                             anm_error *err) {
    anm_strbuf text = {0};
    anm_status status = anm_gguf_tokenizer_json(v, &text, err);
    if (status == ANM_OK)
        status = anm_tokenizer_load_text(t, (anm_sv){text.data, text.len}, where, err);
    anm_strbuf_free(&text);
    t->special[ANM_SPECIAL_BOS] = (int32_t)v->bos;
    t->special[ANM_SPECIAL_EOS] = (int32_t)v->eos;
    t->special[ANM_SPECIAL_PAD] = (int32_t)v->padding;
    t->special[ANM_SPECIAL_UNK] = (int32_t)v->unknown;
    return status;
}

static anm_status load(anm_tokenizer *t, const anm_gguf *g, anm_arena *scratch, anm_error *err) {
    anm_gguf_vocab v;
    const char *beside, *path = anm_gguf_path(g);
    bool has;
    ANM_TRY(anm_gguf_find_tokenizer(g, scratch, &v, &has, &beside, err));
    if (!has)
        return anm_fail(err, ANM_ERROR_NOT_FOUND, path, "the model has no tokenizer");
    if (!beside) return load_vocab(t, &v, path, err);
    const char *slash = strrchr(beside, '/');
    const char *dir = slash ? anm_arena_strndup(scratch, beside, (size_t)(slash - beside)) : ".";
    return dir ? anm_tokenizer_load_dir(t, dir, err) : anm_fail_memory(err);
}

anm_status anm_tokenizer_load_gguf(anm_tokenizer *t, const char *path, anm_error *err) {
    anm_gguf *g;
    ANM_TRY(anm_gguf_open(path, &g, err));
    anm_arena *scratch = anm_arena_create();
    anm_status status = scratch ? load(t, g, scratch, err) : anm_fail_memory(err);
    anm_arena_destroy(scratch);
    anm_gguf_close(g);
    return status;
}
