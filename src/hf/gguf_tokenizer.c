/* SPDX-License-Identifier: MIT */
/* Writing tokenizer.json and tokenizer_config.json. */
#include "src/hf/gguf_tokenizer.h"

#include "src/base/map.h"
#include "src/hf/jinja_utf8.h"

void anm_gguf_put_json(anm_strbuf *out, anm_sv text) {
    size_t from = 0;
    anm_strbuf_putc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c >= ' ' && c != '"' && c != '\\') continue;
        anm_strbuf_append(out, text.data + from, i - from);
        if (c < ' ') anm_strbuf_printf(out, "\\u%04x", c);
        else anm_strbuf_printf(out, "\\%c", c);
        from = i + 1;
    }
    anm_strbuf_append(out, text.data + from, text.len - from);
    anm_strbuf_putc(out, '"');
}

/* ---- the parts around the model ---- */

static void put_added(const anm_gguf_vocab *v, anm_strbuf *out) {
    const char *between = "\n";
    anm_strbuf_puts(out, "\"added_tokens\": [");
    for (size_t id = 0; id < v->count; id++) {
        if (!anm_gguf_vocab_is_added(v, id)) continue;
        bool special = anm_gguf_vocab_type(v, id) != ANM_GGUF_TOKEN_USER_DEFINED;
        anm_strbuf_printf(out, "%s{\"id\": %zu, \"content\": ", between, id);
        anm_gguf_put_json(out, v->tokens[id]);
        anm_strbuf_printf(out, ", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, "
                               "\"normalized\": false, \"special\": %s}",
                          special ? "true" : "false");
        between = ",\n";
    }
    anm_strbuf_puts(out, "],\n");
}

static void put_stages(const anm_gguf_vocab *v, anm_strbuf *out) {
    static const char replace[] =
        "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\xe2\x96\x81\"}";
    if (v->pre) {
        anm_strbuf_printf(out, "\"normalizer\": %s,\n\"pre_tokenizer\": %s,\n", v->pre->normalizer,
                          v->pre->pretokenizer);
        return;
    }
    anm_strbuf_puts(out, "\"normalizer\": {\"type\":\"Sequence\",\"normalizers\":[");
    if (v->space_prefix)
        anm_strbuf_puts(out, "{\"type\":\"Prepend\",\"prepend\":\"\xe2\x96\x81\"},");
    anm_strbuf_printf(out, "%s]},\n\"pre_tokenizer\": null,\n", replace);
}

static void put_piece(anm_strbuf *out, const anm_gguf_vocab *v, int64_t id) {
    anm_strbuf_puts(out, "{\"SpecialToken\":{\"id\":");
    anm_gguf_put_json(out, v->tokens[id]);
    anm_strbuf_puts(out, ",\"type_id\":0}}");
}

static void put_template(anm_strbuf *out, const anm_gguf_vocab *v) {
    if (v->add_bos) {
        put_piece(out, v, v->bos);
        anm_strbuf_putc(out, ',');
    }
    anm_strbuf_puts(out, "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}");
    if (!v->add_eos) return;
    anm_strbuf_putc(out, ',');
    put_piece(out, v, v->eos);
}

static void put_special(anm_strbuf *out, const anm_gguf_vocab *v, int64_t id) {
    anm_gguf_put_json(out, v->tokens[id]);
    anm_strbuf_puts(out, ":{\"id\":");
    anm_gguf_put_json(out, v->tokens[id]);
    anm_strbuf_printf(out, ",\"ids\":[%lld],\"tokens\":[", (long long)id);
    anm_gguf_put_json(out, v->tokens[id]);
    anm_strbuf_puts(out, "]}");
}

/* What goes around a text. The template for pairs is the one for single texts, twice. */
static void put_processor(const anm_gguf_vocab *v, anm_strbuf *out) {
    static const char bytes[] = "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
                                "\"trim_offsets\":false,\"use_regex\":true}";
    if (!v->add_bos && !v->add_eos) {
        anm_strbuf_printf(out, "\"post_processor\": %s,\n", v->pre ? bytes : "null");
        return;
    }
    anm_strbuf_puts(out, "\"post_processor\": {\"type\":\"TemplateProcessing\",\"single\":[");
    put_template(out, v);
    anm_strbuf_puts(out, "],\"pair\":[");
    put_template(out, v);
    anm_strbuf_puts(out, ",");
    put_template(out, v);
    anm_strbuf_puts(out, "],\"special_tokens\":{");
    if (v->add_bos) put_special(out, v, v->bos);
    if (v->add_bos && v->add_eos && v->bos != v->eos) anm_strbuf_putc(out, ',');
    if (v->add_eos && !(v->add_bos && v->bos == v->eos)) put_special(out, v, v->eos);
    anm_strbuf_puts(out, "}},\n");
}

static void put_decoder(const anm_gguf_vocab *v, anm_strbuf *out) {
    if (v->pre) {
        anm_strbuf_puts(out, "\"decoder\": {\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
                             "\"trim_offsets\":true,\"use_regex\":true},\n");
        return;
    }
    anm_strbuf_puts(out, "\"decoder\": {\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\","
                         "\"pattern\":{\"String\":\"\xe2\x96\x81\"},\"content\":\" \"},"
                         "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}");
    if (v->space_prefix)
        anm_strbuf_puts(out, ",{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}");
    anm_strbuf_puts(out, "]},\n");
}

/* ---- the model ---- */

static anm_status put_vocab(const anm_gguf_vocab *v, anm_strbuf *out, anm_error *err) {
    anm_map seen = {0};
    anm_status status = anm_map_reserve(&seen, v->count) ? ANM_OK : anm_fail_memory(err);
    const char *between = "\n";
    anm_strbuf_puts(out, "\"vocab\": {");
    for (size_t id = 0; id < v->count && status == ANM_OK; id++) {
        uint64_t other;
        if (!anm_gguf_vocab_in_model(v, id)) continue;
        if (anm_map_get(&seen, v->tokens[id], &other))
            status = anm_fail(err, ANM_ERROR_FORMAT, anm_gguf_path(v->gguf),
                              "tokens %llu and %zu are the same text", (unsigned long long)other,
                              id);
        else if (!anm_map_put(&seen, v->tokens[id], id)) status = anm_fail_memory(err);
        anm_strbuf_puts(out, between);
        anm_gguf_put_json(out, v->tokens[id]);
        anm_strbuf_printf(out, ": %zu", id);
        between = ",\n";
    }
    anm_strbuf_puts(out, "},\n");
    anm_map_free(&seen);
    return status;
}

/* "left right", cut at the first space behind the first character. */
static anm_status put_merges(const anm_gguf_vocab *v, anm_strbuf *out, anm_error *err) {
    const uint8_t *next = v->merges->data;
    anm_strbuf_putc(out, '[');
    for (uint64_t i = 0; i < v->merges->count; i++) {
        anm_sv text = anm_gguf_next_text(&next);
        const char *space = text.len > 1 ? memchr(text.data + 1, ' ', text.len - 1) : NULL;
        if (!space || anm_jinja_utf8_check(text.data, text.len) != text.len)
            return anm_fail(err, ANM_ERROR_FORMAT, anm_gguf_path(v->gguf),
                            "merge %llu is not two tokens", (unsigned long long)i);
        size_t left = (size_t)(space - text.data);
        anm_strbuf_puts(out, i ? ",\n[" : "\n[");
        anm_gguf_put_json(out, (anm_sv){text.data, left});
        anm_strbuf_putc(out, ',');
        anm_gguf_put_json(out, (anm_sv){space + 1, text.len - left - 1});
        anm_strbuf_putc(out, ']');
    }
    anm_strbuf_putc(out, ']');
    return ANM_OK;
}

static anm_status put_model(const anm_gguf_vocab *v, anm_strbuf *out, anm_error *err) {
    anm_strbuf_puts(out, "\"model\": {\"type\": \"BPE\", \"dropout\": null, \"unk_token\": ");
    if (!v->pre && v->unknown >= 0) anm_gguf_put_json(out, v->tokens[v->unknown]);
    else anm_strbuf_puts(out, "null");
    anm_strbuf_printf(out, ", \"continuing_subword_prefix\": null, \"end_of_word_suffix\": null, "
                           "\"fuse_unk\": %s, \"byte_fallback\": %s, \"ignore_merges\": %s,\n",
                      v->pre ? "false" : "true", v->pre ? "false" : "true",
                      v->pre && v->pre->ignore_merges ? "true" : "false");
    ANM_TRY(put_vocab(v, out, err));
    anm_strbuf_puts(out, "\"merges\": ");
    ANM_TRY(v->pre ? put_merges(v, out, err) : anm_gguf_spm_merges(v, out, err));
    anm_strbuf_puts(out, "}}\n");
    return ANM_OK;
}

anm_status anm_gguf_tokenizer_json(const anm_gguf_vocab *v, anm_strbuf *out, anm_error *err) {
    anm_strbuf_puts(out, "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null,\n");
    put_added(v, out);
    put_stages(v, out);
    put_processor(v, out);
    put_decoder(v, out);
    ANM_TRY(put_model(v, out, err));
    return out->failed ? anm_fail_memory(err) : ANM_OK;
}

/* ---- tokenizer_config.json ---- */

static void put_token(const anm_gguf_vocab *v, anm_strbuf *out, const char *key, int64_t id) {
    anm_strbuf_printf(out, "  \"%s\": ", key);
    if (id >= 0) anm_gguf_put_json(out, v->tokens[id]);
    else anm_strbuf_puts(out, "null");
    anm_strbuf_puts(out, ",\n");
}

anm_status anm_gguf_tokenizer_config(const anm_gguf_vocab *v, anm_strbuf *out, anm_error *err) {
    static const char key[] = "tokenizer.chat_template";
    anm_sv chat;
    ANM_TRY(anm_gguf_get_text(v->gguf, key, &chat, err));
    if (chat.data && anm_jinja_utf8_check(chat.data, chat.len) != chat.len)
        return anm_fail_at(err, ANM_ERROR_FORMAT, anm_gguf_path(v->gguf),
                           anm_gguf_find(v->gguf, key)->offset, "\"%s\" is not UTF-8 text", key);
    anm_strbuf_printf(out, "{\n  \"add_bos_token\": %s,\n  \"add_eos_token\": %s,\n",
                      v->add_bos ? "true" : "false", v->add_eos ? "true" : "false");
    put_token(v, out, "bos_token", v->bos);
    put_token(v, out, "eos_token", v->eos);
    put_token(v, out, "pad_token", v->padding);
    put_token(v, out, "unk_token", v->unknown);
    if (chat.data) {
        anm_strbuf_puts(out, "  \"chat_template\": ");
        anm_gguf_put_json(out, chat);
        anm_strbuf_puts(out, ",\n");
    }
    anm_strbuf_puts(out, "  \"clean_up_tokenization_spaces\": false,\n"
                         "  \"tokenizer_class\": \"PreTrainedTokenizerFast\"\n}\n");
    return out->failed ? anm_fail_memory(err) : ANM_OK;
}
