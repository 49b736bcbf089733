/* SPDX-License-Identifier: MIT */
/* The model from JSON: options through jansson, the tables through the pull reader. */
#include "src/hf/tok_component.h"
#include "src/hf/tok_model.h"

/* WordPiece looks at each prefix of a word; this bounds the work per word. */
enum { MAX_WORDPIECE_CHARS = 10000 };

static anm_scan table_scan(anm_sv table, anm_sv file, const char *where) {
    size_t at = (size_t)(table.data - file.data);
    return (anm_scan){.text = file.data, .size = at + table.len, .at = at, .where = where};
}

static anm_status read_vocab(anm_model *m, const anm_model_tables *tables, anm_sv file,
                             anm_arena *arena, const char *where, anm_error *err) {
    anm_scan scan = table_scan(tables->vocab, file, where);
    anm_status status = anm_vocab_read(&m->vocab, arena, &scan, err);
    anm_scan_free(&scan);
    return status;
}

static anm_status optional_text(const json_t *value, const char *key, anm_arena *arena,
                                const char *where, anm_sv *out, anm_error *err) {
    const json_t *text = json_object_get(value, key);
    *out = (anm_sv){0};
    if (!text || json_is_null(text)) return ANM_OK;
    return anm_component_text(value, key, NULL, arena, where, out, err);
}

static anm_status refuse_dropout(const json_t *value, const char *where, anm_error *err) {
    double dropout;
    ANM_TRY(anm_json_get_double(value, "dropout", 0, &dropout, where, err));
    if (dropout == 0) return ANM_OK;
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                    "BPE \"dropout\" makes encoding random; set it to null");
}

static anm_status load_bpe(anm_model *m, const json_t *value, const anm_model_tables *tables,
                           anm_sv file, bool raw_bytes, anm_arena *arena, const char *where,
                           anm_error *err) {
    anm_bpe *bpe = &m->bpe;
    bpe->vocab = &m->vocab;
    bpe->raw_bytes = raw_bytes;
    ANM_TRY(refuse_dropout(value, where, err));
    ANM_TRY(optional_text(value, "unk_token", arena, where, &bpe->unk_token, err));
    ANM_TRY(optional_text(value, "continuing_subword_prefix", arena, where, &bpe->prefix, err));
    ANM_TRY(optional_text(value, "end_of_word_suffix", arena, where, &bpe->suffix, err));
    ANM_TRY(anm_json_get_bool(value, "fuse_unk", false, &bpe->fuse_unk, where, err));
    ANM_TRY(anm_json_get_bool(value, "byte_fallback", false, &bpe->byte_fallback, where, err));
    ANM_TRY(anm_json_get_bool(value, "ignore_merges", false, &bpe->ignore_merges, where, err));
    if (!tables->merges.len)
        return anm_fail(err, ANM_ERROR_FORMAT, where, "a BPE model needs \"merges\"");
    anm_scan scan = table_scan(tables->merges, file, where);
    anm_status status = anm_bpe_read_merges(bpe, &scan, err);
    anm_scan_free(&scan);
    if (status != ANM_OK) return status;
    anm_bpe_prepare(bpe);
    m->unk_token = bpe->unk_token;
    m->unk_id = bpe->unk_id;
    return ANM_OK;
}

static anm_status load_unknown(anm_model *m, const json_t *value, const char *absent,
                               anm_arena *arena, const char *where, anm_error *err) {
    ANM_TRY(anm_component_text(value, "unk_token", absent, arena, where, &m->unk_token, err));
    m->unk_id = anm_vocab_find(&m->vocab, m->unk_token);
    return ANM_OK;
}

static anm_status load_wordpiece(anm_model *m, const json_t *value, anm_arena *arena,
                                 const char *where, anm_error *err) {
    int64_t max_chars;
    ANM_TRY(load_unknown(m, value, "[UNK]", arena, where, err));
    ANM_TRY(anm_component_text(value, "continuing_subword_prefix", "##", arena, where, &m->prefix,
                               err));
    ANM_TRY(anm_json_get_int(value, "max_input_chars_per_word", 100, &max_chars, where, err));
    if (max_chars < 0 || max_chars > MAX_WORDPIECE_CHARS)
        return anm_fail(err, ANM_ERROR_LIMIT, where,
                        "\"max_input_chars_per_word\" must be between 0 and %d",
                        MAX_WORDPIECE_CHARS);
    m->max_chars = (size_t)max_chars;
    return ANM_OK;
}

/* Files of old versions have no "type": the keys tell. */
static const char *infer_type(const json_t *value, const anm_model_tables *tables) {
    if (tables->merges.len) return "BPE";
    if (json_object_get(value, "max_input_chars_per_word")) return "WordPiece";
    return tables->vocab.len && tables->vocab.data[0] == '[' ? "Unigram" : "WordLevel";
}

static anm_status find_kind(const char *type, const char *where, anm_model_kind *out,
                            anm_error *err) {
    static const char *const names[] = {"BPE", "WordPiece", "WordLevel"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(type, names[i]) != 0) continue;
        *out = (anm_model_kind)i;
        return ANM_OK;
    }
    return anm_component_unsupported("model", type, "BPE, WordPiece and WordLevel", where, err);
}

anm_status anm_model_load(const json_t *value, const anm_model_tables *tables, anm_sv file,
                          bool raw_bytes, anm_arena *arena, const char *where, anm_model *m,
                          anm_error *err) {
    const char *type;
    *m = (anm_model){.unk_id = -1};
    ANM_TRY(anm_json_get_string(value, "type", infer_type(value, tables), &type, where, err));
    ANM_TRY(find_kind(type, where, &m->kind, err));
    if (!tables->vocab.len)
        return anm_fail(err, ANM_ERROR_FORMAT, where, "the model has no \"vocab\"");
    ANM_TRY(read_vocab(m, tables, file, arena, where, err));
    switch (m->kind) {
    case ANM_MODEL_BPE:
        return load_bpe(m, value, tables, file, raw_bytes, arena, where, err);
    case ANM_MODEL_WORDPIECE: return load_wordpiece(m, value, arena, where, err);
    case ANM_MODEL_WORDLEVEL: return load_unknown(m, value, "<unk>", arena, where, err);
    }
    return anm_fail(err, ANM_ERROR_INTERNAL, where, "unknown model");
}
