/* SPDX-License-Identifier: MIT */
/*
 * A tokenizer.json into its components. The vocabulary and the merges, nearly all of the file,
 * are cut out and go through the pull reader; jansson gets what is left.
 */
#include <string.h>

#include "src/base/json.h"
#include "src/hf/tok_unicode.h"
#include "src/hf/tokenizer_impl.h"

/* The value at the reader's place, which is stepped over. */
static anm_status take_range(anm_scan *scan, anm_sv *out, anm_error *err) {
    anm_scan_peek(scan);
    size_t start = scan->at;
    ANM_TRY(anm_scan_skip(scan, err));
    *out = (anm_sv){scan->text + start, scan->at - start};
    return ANM_OK;
}

/* A key that comes twice is taken once; the other one stays for jansson to complain about. */
static anm_status find_in_model(anm_scan *scan, anm_model_tables *tables, anm_error *err) {
    anm_sv key;
    bool more;
    if (anm_scan_peek(scan) != '{') return anm_scan_skip(scan, err);
    scan->at++;
    for (bool first = true;; first = false) {
        ANM_TRY(anm_scan_more(scan, '}', first, &more, err));
        if (!more) return ANM_OK;
        ANM_TRY(anm_scan_key(scan, &key, err));
        anm_sv *table = anm_sv_is(key, "vocab") ? &tables->vocab
                        : anm_sv_is(key, "merges") ? &tables->merges
                                                   : NULL;
        ANM_TRY(table && !table->len ? take_range(scan, table, err) : anm_scan_skip(scan, err));
    }
}

static anm_status find_tables(anm_scan *scan, anm_model_tables *tables, anm_error *err) {
    anm_sv key;
    bool more;
    ANM_TRY(anm_scan_expect(scan, '{', err));
    for (bool first = true;; first = false) {
        ANM_TRY(anm_scan_more(scan, '}', first, &more, err));
        if (!more) return anm_scan_end(scan, err);
        ANM_TRY(anm_scan_key(scan, &key, err));
        bool model = anm_sv_is(key, "model") && !tables->vocab.len && !tables->merges.len;
        ANM_TRY(model ? find_in_model(scan, tables, err) : anm_scan_skip(scan, err));
    }
}

/* The file with null in place of the two tables. */
static anm_status parse_rest(anm_sv file, const anm_model_tables *tables, const char *where,
                             json_t **out, anm_error *err) {
    anm_sv first = tables->vocab, second = tables->merges;
    anm_strbuf rest = {0};
    size_t at = 0;
    if (!first.len || (second.len && second.data < first.data)) {
        first = tables->merges;
        second = tables->vocab;
    }
    const anm_sv cuts[] = {first, second};
    for (int i = 0; i < 2; i++) {
        if (!cuts[i].len) continue;
        size_t start = (size_t)(cuts[i].data - file.data);
        anm_strbuf_append(&rest, file.data + at, start - at);
        anm_strbuf_puts(&rest, "null");
        at = start + cuts[i].len;
    }
    anm_strbuf_append(&rest, file.data + at, file.len - at);
    anm_status status = rest.failed ? anm_fail_memory(err)
                                    : anm_json_parse(rest.data, rest.len, where, out, err);
    /* The offset is one in the shortened text: better none. */
    if (status != ANM_OK && err) err->offset = ANM_NO_OFFSET;
    anm_strbuf_free(&rest);
    return status;
}

static anm_status check_version(const json_t *root, const char *where, anm_error *err) {
    const char *version;
    ANM_TRY(anm_json_get_string(root, "version", "1.0", &version, where, err));
    if (!strcmp(version, "1.0")) return ANM_OK;
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                    "tokenizer version \"%.20s\" is not supported; supported is 1.0", version);
}

static anm_status load_components(anm_tokenizer *t, const json_t *root,
                                  const anm_model_tables *tables, anm_sv file, const char *where,
                                  anm_error *err) {
    const json_t *model = json_object_get(root, "model");
    ANM_TRY(check_version(root, where, err));
    if (!json_is_object(model))
        return anm_fail(err, ANM_ERROR_FORMAT, where,
                        "no \"model\" object: this is not a tokenizer.json");
    ANM_TRY(anm_normalizer_load(json_object_get(root, "normalizer"), t->arena, where,
                                &t->normalizer, err));
    ANM_TRY(anm_pretok_load(json_object_get(root, "pre_tokenizer"), t->arena, where, &t->pretok,
                            err));
    ANM_TRY(anm_model_load(model, tables, file, t->pretok.raw_bytes, t->arena, where, &t->model,
                           err));
    if (t->model.kind != ANM_MODEL_BPE) anm_pretok_write_alphabet(&t->pretok);
    ANM_TRY(anm_post_load(json_object_get(root, "post_processor"), where, &t->post, err));
    ANM_TRY(anm_decode_load(json_object_get(root, "decoder"), t->arena, where, &t->decoder, err));
    return anm_added_load(json_object_get(root, "added_tokens"), t->arena, where, &t->model.vocab,
                          &t->normalizer, &t->added, err);
}

anm_status anm_tokenizer_load_text(anm_tokenizer *t, anm_sv file, const char *where,
                                   anm_error *err) {
    anm_scan scan = {.text = file.data, .size = file.len, .where = where};
    anm_model_tables tables = {0};
    json_t *root = NULL;
    anm_status status;
    size_t valid = anm_utf8_valid_prefix(file.data, file.len);
    if (valid != file.len)
        return anm_fail_at(err, ANM_ERROR_FORMAT, where, valid, "invalid UTF-8");
    ANM_CHECK(find_tables(&scan, &tables, err));
    ANM_CHECK(parse_rest(file, &tables, where, &root, err));
    ANM_CHECK(load_components(t, root, &tables, file, where, err));
    t->special[ANM_SPECIAL_UNK] = t->model.unk_id;
fail:
    anm_scan_free(&scan);
    json_decref(root);
    return status;
}
