/* SPDX-License-Identifier: MIT */
#include "tests/unit/tiny_vocab.h"

#include "src/hf/tok_bytelevel.h"
#include "src/hf/tokenizer_impl.h"
#include "tests/unit/testing.h"

static void write_token(anm_strbuf *json, anm_sv token, size_t id) {
    anm_strbuf text = {0};
    anm_bytes_to_alphabet(&text, token.data, token.len);
    anm_strbuf_puts(json, id ? ", \"" : "\"");
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\') anm_strbuf_putc(json, '\\');
        anm_strbuf_putc(json, text.data[i]);
    }
    anm_strbuf_printf(json, "\": %zu", id);
    anm_strbuf_free(&text);
}

anm_tokenizer *tiny_vocab(const anm_sv *tokens, size_t count) {
    anm_strbuf json = {0};
    anm_tokenizer *tokenizer;
    anm_error err;
    anm_strbuf_printf(&json,
                      "{\"added_tokens\": [{\"id\": %zu, \"content\": \"<stop>\", \"special\": "
                      "true}], \"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": "
                      "false}, \"decoder\": {\"type\": \"ByteLevel\"}, \"model\": {\"type\": "
                      "\"BPE\", \"merges\": [], \"vocab\": {",
                      count);
    for (size_t i = 0; i < count; i++) write_token(&json, tokens[i], i);
    anm_strbuf_puts(&json, "}}}");
    assert_ok(anm_tokenizer_open_text((anm_sv){json.data, json.len}, "tiny", &tokenizer, &err),
              &err);
    anm_strbuf_free(&json);
    return tokenizer;
}

anm_tokenizer *byte_vocab(void) {
    char bytes[256];
    anm_sv tokens[256];
    for (int i = 0; i < 256; i++) {
        bytes[i] = (char)i;
        tokens[i] = (anm_sv){&bytes[i], 1};
    }
    return tiny_vocab(tokens, 256);
}
