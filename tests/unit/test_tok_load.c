/* SPDX-License-Identifier: MIT */
/*
 * Files that are wrong: each gives one clear error, and no damaged file does harm. Also the pull
 * reader that the large tables go through.
 */
#include "tests/unit/testing.h"

#include <string.h>

#include "src/base/arena.h"
#include "src/base/file.h"
#include "src/hf/tokenizer_impl.h"

static const char *small(const char *name, size_t *size) {
    static char *texts[3];
    static size_t sizes[3];
    static anm_arena *arena;
    static const char *const names[] = {"bytelevel", "spm", "wordpiece"};
    char path[1024];
    anm_error err;
    int i = !strcmp(name, names[0]) ? 0 : !strcmp(name, names[1]) ? 1 : 2;
    if (!arena) arena = anm_arena_create();
    snprintf(path, sizeof path, "%s/tokenizer/%s.json", ANM_TEST_DATA, name);
    if (!texts[i]) assert_ok(anm_file_read(arena, path, 1 << 20, &texts[i], &sizes[i], &err), &err);
    *size = sizes[i];
    return texts[i];
}

/* A copy of a small tokenizer with the first `from` replaced; *at is where that was. */
static anm_strbuf edited(const char *name, const char *from, const char *to, size_t *at) {
    size_t size;
    const char *text = small(name, &size), *found = strstr(text, from);
    anm_strbuf out = {0};
    if (!found) fail_msg("%s.json does not hold %s", name, from);
    *at = (size_t)(found - text);
    anm_strbuf_append(&out, text, *at);
    anm_strbuf_puts(&out, to);
    anm_strbuf_puts(&out, found + strlen(from));
    return out;
}

typedef struct edit {
    const char *name, *from, *to;
    anm_status status;
    const char *message; /* part of it */
    int offset;          /* from the edit's place; -1: the error has none */
} edit;

static void check_edit(const edit *e) {
    size_t at;
    anm_strbuf text = edited(e->name, e->from, e->to, &at);
    anm_tokenizer *t;
    anm_error err;
    anm_status status = anm_tokenizer_open_text((anm_sv){text.data, text.len}, "x.json", &t, &err);
    char shown[900];
    if (status != ANM_OK) anm_error_format(&err, shown, sizeof shown);
    if (status != e->status || (status != ANM_OK && !strstr(err.message, e->message)))
        fail_msg("%s for %s: %s: %s", e->to, e->from, anm_status_name(status),
                 status ? shown : "opened");
    if (status != ANM_OK) {
        assert_null(t);
        assert_string_equal(err.where, "x.json");
        assert_true(err.offset == (e->offset < 0 ? ANM_NO_OFFSET : at + (size_t)e->offset));
    }
    anm_tokenizer_close(t);
    anm_strbuf_free(&text);
}

#define M "\xE2\x96\x81" /* U+2581 */

static void wrong_vocabularies(void **state) {
    static const edit edits[] = {
        {"spm", "\"<s>\": 1", "\"<s>\": -1", ANM_ERROR_FORMAT, "token id -1", 7},
        {"spm", "\"<s>\": 1", "\"<s>\": 16777216", ANM_ERROR_FORMAT, "token id 16777216", 7},
        {"spm", "\"<s>\": 1", "\"<s>\": 99999999999999999999", ANM_ERROR_FORMAT, "64 bits", 7},
        {"spm", "\"<s>\": 1", "\"<s>\": 1.5", ANM_ERROR_FORMAT, "integer", 7},
        {"spm", "\"<s>\": 1", "\"<s>\": 01", ANM_ERROR_FORMAT, "leading zero", 8},
        {"spm", "\"<s>\": 1", "\"<s>\": \"1\"", ANM_ERROR_FORMAT, "integer", 7},
        {"spm", "\"<s>\": 1", "\"<s>\": 0", ANM_ERROR_FORMAT,
         "id 0 is given to \"<unk>\" and to \"<s>\"", -1},
        {"spm", "\"<s>\": 1", "\"<unk>\": 1", ANM_ERROR_FORMAT, "\"<unk>\" stands twice", -1},
        {"spm", "\"<s>\": 1", "\"\\ud800\": 1", ANM_ERROR_FORMAT, "lone surrogate", 1},
        {"spm", "\"<s>\": 1", "\"\\ud800\\u0041\": 1", ANM_ERROR_FORMAT, "lone surrogate", 1},
        {"spm", "\"<s>\": 1", "\"\\udc00\": 1", ANM_ERROR_FORMAT, "lone surrogate", 1},
        {"spm", "\"<s>\": 1", "\"\\ud83d\\ude00<s>\": 1", ANM_OK, "", -1},
        {"spm", "\"<s>\": 1", "\"\xFF\": 1", ANM_ERROR_FORMAT, "invalid UTF-8", 1},
        {"wordpiece", "\"vocab\"", "\"other\"", ANM_ERROR_FORMAT, "no \"vocab\"", -1},
        {"wordpiece", "\"vocab\": {", "\"vocab\": null, \"other\": {", ANM_ERROR_FORMAT,
         "'{' expected", 9},
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) check_edit(&edits[i]);
}

static void wrong_merges(void **state) {
    static const edit edits[] = {
        {"spm", "\"" M " h\"", "\"" M " q9\"", ANM_ERROR_FORMAT,
         "merges[0]: not in the vocabulary: \"q9\"", 0},
        {"spm", "\"e l\"", "\"q9 l\"", ANM_ERROR_FORMAT, "merges[1]: not in the vocabulary: \"q9\"",
         0},
        {"spm", "\"e l\"", "\"l e\"", ANM_ERROR_FORMAT, "merges[1]: not in the vocabulary: \"le\"",
         0},
        {"spm", "\"e l\"", "\"el\"", ANM_ERROR_FORMAT, "merges[1]: not two tokens", 0},
        {"spm", "\"e l\"", "\"e l l\"", ANM_ERROR_FORMAT, "merges[1]: not two tokens", 0},
        {"spm", "\"e l\"", "[\"e\", \"l\"]", ANM_OK, "", -1},
        {"spm", "\"e l\"", "[\"e\"]", ANM_ERROR_FORMAT, "',' expected", 4},
        {"spm", "\"e l\"", "[\"e\", \"l\", \"l\"]", ANM_ERROR_FORMAT, "more than two", 0},
        {"spm", "\"e l\"", "7", ANM_ERROR_FORMAT, "'\"' expected", 0},
        {"spm", "\"" M " h\"", "\"#version: 0.2\", \"" M " h\"", ANM_OK, "", -1},
        {"bytelevel", "[\"h\", \"e\"]", "[\"h\", \"e e\"]", ANM_ERROR_FORMAT,
         "merges[0]: not in the vocabulary: \"e e\"", 0},
        {"spm", "\"merges\"", "\"other\"", ANM_ERROR_FORMAT, "needs \"merges\"", -1},
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) check_edit(&edits[i]);
}

static void unsupported_parts_are_named(void **state) {
    static const edit edits[] = {
        {"spm", "\"BPE\"", "\"Unigram\"", ANM_ERROR_UNSUPPORTED,
         "model \"Unigram\" is not supported; supported are BPE, WordPiece", -1},
        {"wordpiece", "\"vocab\": {", "\"vocab\": [], \"other\": {", ANM_ERROR_FORMAT,
         "'{' expected", 9},
        {"spm", "\"dropout\": null", "\"dropout\": 0.1", ANM_ERROR_UNSUPPORTED, "dropout", -1},
        {"spm", "\"type\": \"Prepend\"", "\"type\": \"Precompiled\"", ANM_ERROR_UNSUPPORTED,
         "normalizer \"Precompiled\" is not supported; supported are NFC", -1},
        {"bytelevel", "\"type\": \"Split\"", "\"type\": \"UnicodeScripts\"", ANM_ERROR_UNSUPPORTED,
         "pre-tokenizer \"UnicodeScripts\"", -1},
        {"wordpiece", "\"type\": \"WordPiece\"", "\"type\": \"CTC\"", ANM_ERROR_UNSUPPORTED,
         "decoder \"CTC\"", -1},
        {"wordpiece", "\"type\": \"BertProcessing\"", "\"type\": \"Other\"", ANM_ERROR_UNSUPPORTED,
         "post-processor \"Other\"", -1},
        {"spm", "\"version\": \"1.0\"", "\"version\": \"2.0\"", ANM_ERROR_UNSUPPORTED, "version",
         -1},
        {"bytelevel", "\\\\s+(?!", "\\\\s{1,2}+(?!", ANM_ERROR_UNSUPPORTED,
         "\"+\" after an interval", -1},
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) check_edit(&edits[i]);
}

static void wrong_parts(void **state) {
    static const edit edits[] = {
        {"spm", "\"version\": \"1.0\"", "\"version\": 1", ANM_ERROR_FORMAT, "\"version\"", -1},
        {"spm", "\"type\": \"Prepend\"", "\"kind\": \"Prepend\"", ANM_ERROR_FORMAT, "no \"type\"",
         -1},
        {"spm", "\"prepend\": \"" M "\"", "\"prepend\": 3", ANM_ERROR_FORMAT, "\"prepend\"", -1},
        {"spm", "{\"String\": \" \"}", "{\"Text\": \" \"}", ANM_ERROR_FORMAT, "\"pattern\"", -1},
        {"spm", "\"ids\": [1]", "\"ids\": [-5]", ANM_ERROR_FORMAT, "token id", -1},
        {"spm", "\"ids\": [1]", "\"ids\": 1", ANM_ERROR_FORMAT, "\"<s>\" has no ids", -1},
        {"spm", "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}",
         "{\"SpecialToken\": {\"id\": \"<s>\"}}", ANM_ERROR_UNSUPPORTED, "exactly once, not 0", -1},
        {"spm", "\"content\": \" \", \"start\": 1", "\"content\": \"ab\", \"start\": 1",
         ANM_ERROR_FORMAT, "one character", -1},
        {"spm", "\"start\": 1", "\"start\": -1", ANM_ERROR_FORMAT, "Strip", -1},
        {"bytelevel", "\"Isolated\"", "\"Sometimes\"", ANM_ERROR_FORMAT, "\"behavior\"", -1},
        {"bytelevel", "\"single_word\": false", "\"single_word\": 0", ANM_ERROR_FORMAT,
         "\"single_word\"", -1},
        {"bytelevel", "\"content\": \"<|end|>\"", "\"text\": \"<|end|>\"", ANM_ERROR_FORMAT,
         "\"content\"", -1},
        {"wordpiece", "\"sep\": [\"[SEP]\", 3]", "\"sep\": []", ANM_ERROR_FORMAT, "token id", -1},
        {"wordpiece", "_word\": 20", "_word\": 20000", ANM_ERROR_LIMIT, "max_input_chars", -1},
        {"wordpiece", "\"model\"", "\"modal\"", ANM_ERROR_FORMAT, "not a tokenizer.json", -1},
        {"wordpiece", "\"model\": {", "\"model\": 3, \"other\": {", ANM_ERROR_FORMAT,
         "not a tokenizer.json", -1},
        {"wordpiece", "\"padding\": null", "\"padding\": null, \"padding\": 1", ANM_ERROR_FORMAT,
         "invalid JSON", -1},
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) check_edit(&edits[i]);
}

static void missing_unknown_token_is_told_when_needed(void **state) {
    size_t at;
    anm_tokenizer *t;
    anm_error err;
    anm_token_list ids = {0};
    anm_strbuf text =
        edited("wordpiece", "\"unk_token\": \"[UNK]\"", "\"unk_token\": \"[NO]\"", &at);
    assert_ok(anm_tokenizer_open_text((anm_sv){text.data, text.len}, "x", &t, &err), &err);
    assert_ok(anm_tokenizer_encode(t, "hello", 5, NULL, &ids, &err), &err);
    assert_int_equal(anm_tokenizer_encode(t, "zebra", 5, NULL, &ids, &err), ANM_ERROR_FORMAT);
    assert_non_null(strstr(err.message, "[NO]"));
    assert_int_equal(ids.len, 0);
    anm_token_list_free(&ids);
    anm_tokenizer_close(t);
    anm_strbuf_free(&text);
}

/* Ids of added tokens: the vocabulary's own, else the next free number, whatever the file says. */
static void added_tokens_get_the_ids_of_the_rust_library(void **state) {
    static const char text[] =
        "{\"added_tokens\": [{\"id\": 70, \"content\": \"<x>\"}, {\"id\": 1, \"content\": \"b\", "
        "\"special\": true}, {\"id\": 9, \"content\": \"<x>\", \"special\": true}, {\"id\": 3, "
        "\"content\": \"\"}, {\"id\": 3, \"content\": \"<y>\"}],"
        "\"model\": {\"type\": \"WordLevel\", \"unk_token\": \"a\", \"vocab\": {\"a\": 0, \"b\": "
        "1}}}";
    anm_tokenizer *t;
    anm_error err;
    assert_ok(anm_tokenizer_open_text(anm_sv_from(text), "x", &t, &err), &err);
    assert_int_equal(anm_tokenizer_token_id(t, "<x>"), 2);
    assert_int_equal(anm_tokenizer_token_id(t, "<y>"), 3);
    assert_int_equal(anm_tokenizer_token_id(t, "b"), 1);
    assert_true(anm_tokenizer_is_special(t, 1));
    assert_true(anm_tokenizer_is_special(t, 2));
    assert_int_equal(anm_tokenizer_vocab_size(t), 4);
    anm_tokenizer_close(t);
}

static void files_that_are_not_there(void **state) {
    anm_tokenizer *t;
    anm_error err;
    assert_int_equal(anm_tokenizer_open("/nowhere/tokenizer.json", &t, &err), ANM_ERROR_NOT_FOUND);
    assert_null(t);
    assert_int_equal(anm_tokenizer_open(ANM_TEST_DATA, &t, &err), ANM_ERROR_NOT_FOUND);
    assert_non_null(strstr(err.where, "tokenizer.json"));
    assert_int_equal(anm_tokenizer_open("/dev/null", &t, &err), ANM_ERROR_IO);
}

/* --- The pull reader ---------- */

static void expect_json_error(const char *text, long offset) {
    anm_scan scan = {.text = text, .size = strlen(text), .where = "j"};
    anm_error err;
    anm_status status = anm_scan_skip(&scan, &err);
    if (status == ANM_OK) status = anm_scan_end(&scan, &err);
    anm_scan_free(&scan);
    if (offset < 0) {
        if (status != ANM_OK) fail_msg("%s: %s at %d", text, err.message, (int)err.offset);
        return;
    }
    if (status != ANM_ERROR_FORMAT || err.offset != (uint64_t)offset)
        fail_msg("%s: %s at %d, not %ld", text, anm_status_name(status), (int)err.offset, offset);
}

static void json_syntax(void **state) {
    char deep[200];
    expect_json_error(" {\"a\": [1, -2.5e+3, true, false, null, \"\\u00e9\\n\"], \"b\": {}} ", -1);
    expect_json_error("0", -1);
    expect_json_error("-0.0E-1", -1);
    expect_json_error("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\ud83d\\ude00\"", -1);
    expect_json_error("", 0);
    expect_json_error("  ", 2);
    expect_json_error("[1 2]", 3);
    expect_json_error("[1,]", 3);
    expect_json_error("[,1]", 1);
    expect_json_error("{\"a\" 1}", 5);
    expect_json_error("{\"a\": 1,}", 8);
    expect_json_error("{a: 1}", 1);
    expect_json_error("{1: 1}", 1);
    expect_json_error("[1", 2);
    expect_json_error("{\"a\":", 5);
    expect_json_error("\"abc", 4);
    expect_json_error("\"a\nb\"", 2);
    expect_json_error("\"\\x\"", 1);
    expect_json_error("\"\\", 1);
    expect_json_error("\"\\u12g4\"", 5);
    expect_json_error("\"\\ud83d\"", 1);
    expect_json_error("\"\\ud83d\\u0041\"", 1);
    expect_json_error("\"\\ude00\"", 1);
    expect_json_error("01", 1);
    expect_json_error("1.", 2);
    expect_json_error("1e", 2);
    expect_json_error("-", 1);
    expect_json_error("+1", 0);
    expect_json_error("tru", 0);
    expect_json_error("nul", 0);
    expect_json_error("1 1", 2);
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    expect_json_error(deep, ANM_SCAN_MAX_DEPTH);
}

/* --- Damage ---------- */

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Opens it; if that works, uses it. Only the sanitizers and the statuses are looked at. */
static bool use(const char *text, size_t size) {
    static const char sample[] = "Hello  world, caf\xC3\xA9 12345 <|end|></s>[SEP]\xFF\n'll";
    anm_tokenizer *t;
    anm_error err;
    anm_token_list ids = {0};
    anm_status status = anm_tokenizer_open_text((anm_sv){text, size}, "damaged", &t, &err);
    if (status != ANM_OK) {
        assert_true(status == ANM_ERROR_FORMAT || status == ANM_ERROR_UNSUPPORTED ||
                    status == ANM_ERROR_LIMIT);
        assert_true(err.message[0] != '\0');
        return false;
    }
    if (anm_tokenizer_encode(t, sample, sizeof sample - 1, NULL, &ids, &err) == ANM_OK) {
        char *decoded;
        size_t len;
        if (anm_tokenizer_decode(t, ids.ids, ids.len, true, &decoded, &len, &err) == ANM_OK)
            anm_tokenizer_text_free(decoded);
    }
    anm_token_list_free(&ids);
    anm_tokenizer_close(t);
    return true;
}

static size_t damage(char *text, size_t size, size_t cap, uint32_t *seed) {
    static const char signs[] = "{}[]\",:\\0123456789-.eEtfnu\xC3\xFF (?+*|";
    size_t at = next_random(seed) % size, other = next_random(seed) % size;
    size_t len = 1 + next_random(seed) % 20;
    switch (next_random(seed) % 6) {
    case 0: text[at] ^= (char)(1 << next_random(seed) % 8); return size;
    case 1: text[at] = signs[next_random(seed) % (sizeof signs - 1)]; return size;
    case 2: return at + 1;
    case 3: /* a stretch goes */
        if (len > size - at) len = size - at;
        memmove(text + at, text + at + len, size - at - len);
        return size - len;
    case 4: /* a stretch comes twice */
        if (len > size - other) len = size - other;
        if (size + len > cap) return size;
        memmove(text + at + len, text + at, size - at);
        memmove(text + at, text + other, len);
        return size + len;
    default: /* two bytes swap */
        text[at] ^= text[other];
        text[other] ^= text[at];
        text[at] ^= text[other];
        return size;
    }
}

static void damaged_files_do_no_harm(void **state) {
    static const char *const names[] = {"bytelevel", "spm", "wordpiece"};
    uint32_t seed = 2024;
    int opened = 0, refused = 0;
    for (int round = 0; round < 3000; round++) {
        size_t size, original;
        const char *source = small(names[round % 3], &original);
        char *text = malloc(original + 64);
        memcpy(text, source, original);
        size = original;
        for (uint32_t n = 1 + next_random(&seed) % 3; n && size; n--)
            size = damage(text, size, original + 64, &seed);
        /* A block of the exact size, so that reading one byte too far is seen. */
        char *exact = malloc(size ? size : 1);
        memcpy(exact, text, size);
        if (use(exact, size)) {
            opened++;
        } else {
            refused++;
        }
        free(exact);
        free(text);
    }
    printf("%d damaged files opened, %d refused\n", opened, refused);
    assert_true(opened > 100 && refused > 100);
}

static void truncated_files_are_refused(void **state) {
    size_t size;
    const char *text = small("wordpiece", &size);
    while (size && text[size - 1] == '\n') size--;
    for (size_t len = 0; len < size; len++) {
        char *exact = malloc(len ? len : 1);
        anm_tokenizer *t;
        anm_error err;
        memcpy(exact, text, len);
        assert_int_equal(anm_tokenizer_open_text((anm_sv){exact, len}, "cut", &t, &err),
                         ANM_ERROR_FORMAT);
        assert_true(err.offset <= len);
        free(exact);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_vocabularies),
        cmocka_unit_test(wrong_merges),
        cmocka_unit_test(unsupported_parts_are_named),
        cmocka_unit_test(wrong_parts),
        cmocka_unit_test(missing_unknown_token_is_told_when_needed),
        cmocka_unit_test(added_tokens_get_the_ids_of_the_rust_library),
        cmocka_unit_test(files_that_are_not_there),
        cmocka_unit_test(json_syntax),
        cmocka_unit_test(damaged_files_do_no_harm),
        cmocka_unit_test(truncated_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
