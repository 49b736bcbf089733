/* SPDX-License-Identifier: MIT */
/*
 * The tokenizer as a whole, on three small ones of our own in tests/data/tokenizer:
 *   bytelevel.json  ids 0 to 255 are the bytes; merges make "hello" 259, " world" 264, two and
 *                   four spaces 265 and 266, "aa" 267, "aaaa" 268, "\u00e9" 269, "caf\u00e9" 272;
 *                   added tokens from 273 on
 *   spm.json        byte b is 3 + b, U+2581 is 259, "a" to "z" 260 to 285; "hello" with its
 *                   U+2581 290, "world" 295, two and four U+2581 296 and 297
 *   wordpiece.json  see its vocabulary
 *   gemma.json      the components of Gemma 3's: special tokens 0 to 6, a newline 7, two 8, two
 *                   U+2581 9, byte b is 10 + b, U+2581 266, "a" to "z" from 267; "hello" 296,
 *                   "world" with its U+2581 301, "hello" with its 302
 */
#include "tests/unit/testing.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/arena.h"
#include "src/base/file.h"
#include "src/hf/tokenizer_impl.h"

static anm_tokenizer *open_small(const char *name) {
    char path[1024];
    anm_tokenizer *t;
    anm_error err;
    snprintf(path, sizeof path, "%s/tokenizer/%s.json", ANM_TEST_DATA, name);
    assert_ok(anm_tokenizer_open(path, &t, &err), &err);
    return t;
}

static anm_encode_options with(bool add_special, bool parse_special) {
    anm_encode_options o;
    anm_encode_options_init(&o);
    o.add_special_tokens = add_special;
    o.parse_special = parse_special;
    return o;
}

/* Ids as text: "259 264". */
static const char *ids_of(const anm_tokenizer *t, const char *text, size_t len,
                          anm_encode_options options) {
    static char shown[4096];
    anm_token_list ids = {0};
    anm_error err;
    size_t at = 0;
    assert_ok(anm_tokenizer_encode(t, text, len, &options, &ids, &err), &err);
    shown[0] = '\0';
    for (size_t i = 0; i < ids.len && at + 16 < sizeof shown; i++)
        at += (size_t)snprintf(shown + at, sizeof shown - at, "%s%d", i ? " " : "", ids.ids[i]);
    anm_token_list_free(&ids);
    return shown;
}

static void expect_ids(const anm_tokenizer *t, const char *text, const char *expected) {
    assert_string_equal(ids_of(t, text, strlen(text), with(false, true)), expected);
}

static size_t parse_ids(const char *text, int32_t *ids) {
    size_t count = 0;
    for (char *end; *text; text = end) {
        ids[count++] = (int32_t)strtol(text, &end, 10);
        while (*end == ' ') end++;
    }
    return count;
}

/* Decodes at once and as a stream; the pieces of the stream, with "|" behind each. */
static void expect_text(const anm_tokenizer *t, const char *id_text, bool skip,
                        const char *expected, const char *pieces) {
    int32_t ids[64];
    size_t count = parse_ids(id_text, ids), len;
    anm_error err;
    char *text;
    anm_decoder *decoder;
    const char *piece;
    anm_strbuf shown = {0}, joined = {0};
    assert_ok(anm_tokenizer_decode(t, ids, count, skip, &text, &len, &err), &err);
    assert_string_equal(text, expected);
    assert_int_equal(len, strlen(expected));
    assert_ok(anm_decoder_create(t, skip, &decoder, &err), &err);
    for (size_t i = 0; i <= count; i++) {
        if (i < count) {
            assert_ok(anm_decoder_push(decoder, ids[i], &piece, &len, &err), &err);
        } else {
            assert_ok(anm_decoder_finish(decoder, &piece, &len, &err), &err);
        }
        anm_strbuf_append(&shown, piece, len);
        anm_strbuf_append(&joined, piece, len);
        anm_strbuf_putc(&shown, '|');
    }
    assert_string_equal(anm_strbuf_cstr(&joined), expected);
    if (pieces) assert_string_equal(anm_strbuf_cstr(&shown), pieces);
    anm_strbuf_free(&shown);
    anm_strbuf_free(&joined);
    anm_decoder_destroy(decoder);
    anm_tokenizer_text_free(text);
}

/* --- Byte-level BPE ---------- */

static void byte_level_encodes(void **state) {
    anm_tokenizer *t = open_small("bytelevel");
    expect_ids(t, "", "");
    expect_ids(t, "hello world", "259 264");
    expect_ids(t, "held", "256 262");
    expect_ids(t, "aaaaaaa", "268 267 97");
    expect_ids(t, "   ", "265 32");
    expect_ids(t, "hello    world", "259 265 32 264"); /* the last space belongs to the word */
    expect_ids(t, "12345", "49 50 51 52 53");
    expect_ids(t, "caf\xC3\xA9", "272");
    expect_ids(t, "cafe\xCC\x81", "272"); /* NFC */
    expect_ids(t, "\n\n", "10 10");
    expect_ids(t, "\xF0\x9F\x98\x80", "240 159 152 128");
    assert_string_equal(ids_of(t, "a\0b", 3, with(false, true)), "97 0 98");
    assert_string_equal(ids_of(t, NULL, 0, with(true, true)), "274");
    assert_string_equal(ids_of(t, "hello", 5, with(true, true)), "274 259");
    anm_tokenizer_close(t);
}

static void invalid_utf8_becomes_replacement_characters(void **state) {
    anm_tokenizer *t = open_small("bytelevel");
    /* U+FFFD is EF BF BD. One for each maximal part: E2 82 is one, FF FF are two. */
    expect_ids(t, "a\xE2\x82z", "97 239 191 189 122");
    expect_ids(t, "\xFF\xFF", "239 191 189 239 191 189");
    expect_ids(t, "\xED\xA0\x80", "239 191 189 239 191 189 239 191 189");
    expect_ids(t, "\xF0\x9F\x98", "239 191 189");
    anm_tokenizer_close(t);
}

static void added_tokens_are_cut_out_first(void **state) {
    anm_tokenizer *t = open_small("bytelevel");
    expect_ids(t, "hello<|end|> world", "259 273 264");
    expect_ids(t, "<|end|", "60 124 101 110 100 124"); /* not the whole token */
    expect_ids(t, "a  <left>  a", "97 276 32 32 97");  /* swallows white space to its left */
    expect_ids(t, "a<right> \n a", "97 277 97");
    expect_ids(t, "<right>  <left>", "277 276");
    expect_ids(t, "Word a", "278 32 97");
    expect_ids(t, "aWord", "97 87 261 100");
    expect_ids(t, "Words Word", "87 261 100 115 32 278");
    anm_encode_options plain = with(false, false);
    /* Special tokens are text then, others are found all the same. */
    assert_string_equal(ids_of(t, "<tool><|end|>", 13, plain), "275 60 124 101 110 100 124 62");
    anm_tokenizer_close(t);
}

static void byte_level_decodes(void **state) {
    anm_tokenizer *t = open_small("bytelevel");
    expect_text(t, "", false, "", "|");
    expect_text(t, "274 259 264 273", false, "<|begin|>hello world<|end|>",
                "<|begin|>|hello| world|<|end|>||");
    expect_text(t, "274 259 264 273", true, "hello world", "|hello| world|||");
    expect_text(t, "240 159 152 128 97", false,
                "\xF0\x9F\x98\x80"
                "a",
                "|||\xF0\x9F\x98\x80|a||");
    expect_text(t, "240 159 97", false,
                "\xEF\xBF\xBD"
                "a",
                "||\xEF\xBF\xBD"
                "a||");
    expect_text(t, "97 240 159", false, "a\xEF\xBF\xBD", "a|||\xEF\xBF\xBD|");
    anm_tokenizer_close(t);
}

static void ids_without_token_are_named(void **state) {
    static const int32_t bad[] = {279, -1, INT32_MAX, INT32_MIN};
    anm_tokenizer *t = open_small("bytelevel");
    anm_error err;
    char *text, wanted[32];
    size_t len;
    for (int i = 0; i < 4; i++) {
        text = wanted;
        assert_int_equal(anm_tokenizer_decode(t, &bad[i], 1, false, &text, &len, &err),
                         ANM_ERROR_ARGUMENT);
        assert_null(text);
        snprintf(wanted, sizeof wanted, "id %d ", bad[i]);
        assert_non_null(strstr(err.message, wanted));
        assert_null(anm_tokenizer_token_text(t, bad[i]));
        assert_false(anm_tokenizer_is_special(t, bad[i]));
    }
    anm_tokenizer_close(t);
}

static void a_decoder_goes_on_after_a_bad_id_and_a_reset(void **state) {
    anm_tokenizer *t = open_small("bytelevel");
    anm_decoder *d;
    anm_error err;
    const char *piece;
    size_t len;
    assert_ok(anm_decoder_create(t, false, &d, &err), &err);
    assert_ok(anm_decoder_push(d, 0xC3, &piece, &len, &err), &err);
    assert_int_equal(anm_decoder_push(d, 9999, &piece, &len, &err), ANM_ERROR_ARGUMENT);
    assert_int_equal(len, 0);
    assert_ok(anm_decoder_push(d, 0xA9, &piece, &len, &err), &err);
    assert_string_equal(piece, "\xC3\xA9");
    assert_ok(anm_decoder_push(d, 0xC3, &piece, &len, &err), &err);
    anm_decoder_reset(d);
    assert_ok(anm_decoder_push(d, 'x', &piece, &len, &err), &err);
    assert_string_equal(piece, "x");
    anm_decoder_destroy(d);
    anm_tokenizer_close(t);
}

static void questions(void **state) {
    anm_tokenizer *t = open_small("bytelevel");
    assert_int_equal(anm_tokenizer_vocab_size(t), 279);
    assert_string_equal(anm_tokenizer_token_text(t, 264), "\xC4\xA0world");
    assert_string_equal(anm_tokenizer_token_text(t, 273), "<|end|>");
    assert_int_equal(anm_tokenizer_token_id(t, "\xC4\xA0world"), 264);
    assert_int_equal(anm_tokenizer_token_id(t, "<tool>"), 275);
    assert_int_equal(anm_tokenizer_token_id(t, "nothing"), -1);
    assert_true(anm_tokenizer_is_special(t, 273));
    assert_false(anm_tokenizer_is_special(t, 275));
    assert_false(anm_tokenizer_is_special(t, 97));
    assert_int_equal(anm_tokenizer_special_id(t, ANM_SPECIAL_BOS), -1);
    assert_int_equal(anm_tokenizer_special_id(t, (anm_special_token)77), -1);
    anm_tokenizer_close(t);
}

/* --- SentencePiece style ---------- */

static void spm_encodes(void **state) {
    anm_tokenizer *t = open_small("spm");
    expect_ids(t, "", "");
    expect_ids(t, "hello world", "290 295");
    expect_ids(t, " hello", "259 290"); /* U+2581 before the space: two, only "\u2581h" merges */
    expect_ids(t, "hello     world", "290 297 295");
    expect_ids(t, "   ", "297");
    expect_ids(t, "hello\n", "290 13");
    expect_ids(t, "\xE4\xBD\xA0", "259 231 192 163"); /* byte tokens E4 BD A0 */
    expect_ids(t, "abc</s>abc", "259 260 261 262 2 259 260 261 262");
    assert_string_equal(ids_of(t, "hello", 5, with(true, true)), "1 290");
    anm_tokenizer_close(t);
}

static void spm_decodes(void **state) {
    anm_tokenizer *t = open_small("spm");
    expect_text(t, "290 295", false, "hello world", "hello| world||");
    expect_text(t, "1 290 295 2", false, "<s> hello world</s>", "<s>| hello| world|</s>||");
    expect_text(t, "1 290 295 2", true, "hello world", "|hello| world|||");
    expect_text(t, "259 290", false, " hello", "| hello||");
    /* A run of byte tokens is decided as a whole. */
    expect_text(t, "259 231 192 163 290", false, "\xE4\xBD\xA0 hello", "||||\xE4\xBD\xA0 hello||");
    expect_text(t, "231 192 260", false,
                "\xEF\xBF\xBD\xEF\xBF\xBD"
                "a",
                "||\xEF\xBF\xBD\xEF\xBF\xBD"
                "a||");
    expect_text(t, "231 192", false, "\xEF\xBF\xBD\xEF\xBF\xBD", "||\xEF\xBF\xBD\xEF\xBF\xBD|");
    expect_text(t, "35 260", false, "a", "|a||"); /* byte 0x20 is the first space too */
    assert_int_equal(anm_tokenizer_special_id(t, ANM_SPECIAL_UNK), 0);
    anm_tokenizer_close(t);
}

/* --- Gemma's SentencePiece: no space is put before the text, or taken away ---------- */

static void gemma_encodes(void **state) {
    anm_tokenizer *t = open_small("gemma");
    expect_ids(t, "hello world", "296 301");
    expect_ids(t, " hello", "302");
    /* U+2581 and "world" merge before two U+2581 do. */
    expect_ids(t, "hello  world", "296 266 301");
    expect_ids(t, "hello   x", "296 9 266 290");
    expect_ids(t, "hello\nhello\n\nb", "296 7 296 8 268");
    expect_ids(t, "Z\xC3\xA9", "100 205 179"); /* bytes 5A C3 A9 */
    expect_ids(t, "<start_of_turn>user\nhello<end_of_turn>\n", "5 287 285 271 284 7 296 6 7");
    /* An added token that is not normalised is found in the text before spaces are replaced. */
    expect_ids(t, "a\xE2\x96\x81\xE2\x96\x81", "267 9");
    assert_string_equal(ids_of(t, "hello world", 11, with(true, true)), "2 296 301");
    assert_string_equal(ids_of(t, "", 0, with(true, true)), "2");
    anm_tokenizer_close(t);
}

static void gemma_decodes(void **state) {
    anm_tokenizer *t = open_small("gemma");
    expect_text(t, "2 296 301 1", true, "hello world", "|hello| world|||");
    expect_text(t, "302 9 301", false, " hello   world", " hello|  | world||");
    expect_text(t, "205 179 7 5", false, "\xC3\xA9\n<start_of_turn>",
                "||\xC3\xA9\n|<start_of_turn>||");
    anm_tokenizer_close(t);
}

/* --- WordPiece ---------- */

static void wordpiece_encodes(void **state) {
    anm_tokenizer *t = open_small("wordpiece");
    expect_ids(t, "Hello, WORLDs!", "4 16 5 6 17");
    expect_ids(t, "unaffable", "7 8 9");
    expect_ids(t, "unaffix", "1");
    expect_ids(t, "caf\xC3\xA9", "10");
    expect_ids(t, "don't", "11 12 13");
    expect_ids(t, "\xE4\xB8\xAD\xE5\x9B\xBD", "18 19");
    expect_ids(t,
               "a\xE2\x80\x8D"
               "a\x01",
               "20 21"); /* control characters vanish */
    expect_ids(t, "aaaaaaaaaaaaaaaaaaaa",
               "20 21 21 21 21 21 21 21 21 21 21 21 21 21 21 21 21 21 "
               "21 21");
    expect_ids(t, "aaaaaaaaaaaaaaaaaaaaa", "1"); /* more than 20 characters */
    expect_ids(t, "[SEP] hello[PAD]", "3 4 0");
    expect_ids(t, " \t\n", "");
    assert_string_equal(ids_of(t, "hello", 5, with(true, true)), "2 4 3");
    anm_tokenizer_close(t);
}

static void wordpiece_decodes(void **state) {
    anm_tokenizer *t = open_small("wordpiece");
    expect_text(t, "2 4 16 5 6 17 3", false, "[CLS] hello, worlds! [SEP]",
                "[CLS]| hello|,| world|s|!| [SEP]||");
    expect_text(t, "2 4 16 5 6 17 3", true, "hello, worlds!", "|hello|,| world|s|!|||");
    expect_text(t, "6 6", false, "##ss", NULL); /* the first token keeps its prefix */
    anm_tokenizer_close(t);
}

/* --- Speed that must not depend on the text ---------- */

static void long_runs_finish(void **state) {
    enum { SIZE = 1 << 20 };
    static const char *const units[] = {
        "a", " ", "\n", "\xE4\xBD\xA0", "'", "1", "\xCC\x81\xCC\xA3", "\xE2\x96\x81", "<|", "\xC3"};
    static const char *const names[] = {"bytelevel", "spm", "wordpiece", "gemma"};
    anm_error err;
    char *text = malloc(SIZE);
    for (int n = 0; n < 4; n++) {
        anm_tokenizer *t = open_small(names[n]);
        for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
            anm_token_list ids = {0};
            size_t len = strlen(units[u]), total = SIZE / len * len;
            for (size_t i = 0; i < total; i++) text[i] = units[u][i % len];
            assert_ok(anm_tokenizer_encode(t, text, total, NULL, &ids, &err), &err);
            anm_token_list_free(&ids);
        }
        anm_tokenizer_close(t);
    }
    free(text);
}

static void runs_have_the_right_ids(void **state) {
    enum { SIZE = 1000003 };
    anm_tokenizer *t = open_small("bytelevel");
    anm_token_list ids = {0};
    anm_error err;
    char *text = malloc(SIZE);
    memset(text, 'a', SIZE);
    assert_ok(anm_tokenizer_encode(t, text, SIZE, NULL, &ids, &err), &err);
    assert_int_equal(ids.len, 1 + SIZE / 4 + 2);
    for (size_t i = 1; i <= SIZE / 4; i++) assert_int_equal(ids.ids[i], 268);
    assert_int_equal(ids.ids[ids.len - 2], 267);
    assert_int_equal(ids.ids[ids.len - 1], 97);
    free(text);
    anm_token_list_free(&ids);
    anm_tokenizer_close(t);
}

/* --- One tokenizer, many threads ---------- */

enum { THREADS = 6, ROUNDS = 200 };
typedef struct shared {
    const anm_tokenizer *t;
    bool failed;
} shared;

static void *encode_again_and_again(void *context) {
    shared *s = context;
    anm_token_list ids = {0};
    anm_error err;
    char text[64];
    for (int i = 0; i < ROUNDS; i++) {
        int len = snprintf(text, sizeof text, "hello world %d caf\xC3\xA9", i % 10);
        if (anm_tokenizer_encode(s->t, text, (size_t)len, NULL, &ids, &err) != ANM_OK ||
            ids.len != 7 || ids.ids[1] != 259 || ids.ids[2] != 264 || ids.ids[4] != '0' + i % 10 ||
            ids.ids[6] != 272)
            s->failed = true;
    }
    anm_token_list_free(&ids);
    return NULL;
}

static void threads_share_a_tokenizer(void **state) {
    anm_tokenizer *t = open_small("bytelevel");
    pthread_t threads[THREADS];
    shared contexts[THREADS];
    for (int i = 0; i < THREADS; i++) {
        contexts[i] = (shared){t, false};
        assert_int_equal(pthread_create(&threads[i], NULL, encode_again_and_again, &contexts[i]),
                         0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) assert_false(contexts[i].failed);
    anm_tokenizer_close(t);
}

static void options_of_an_older_caller(void **state) {
    anm_tokenizer *t = open_small("bytelevel");
    struct {
        size_t struct_size;
        bool add_special_tokens;
    } old = {sizeof(size_t) + 1, false};
    anm_encode_options options;
    memset(&options, 0, sizeof options);
    memcpy(&options, &old, sizeof(size_t) + 1);
    assert_string_equal(ids_of(t, "a<|end|>", 8, options), "97 273"); /* parse_special: default */
    anm_tokenizer_close(t);
}

/* --- Configuration files beside the tokenizer ---------- */

static char folder[] = "anm-tokenizer-XXXXXX";

static anm_tokenizer *open_folder(const char *small, const char *config, const char *map) {
    char from[1024], to[1024];
    anm_tokenizer *t;
    anm_error err;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(from, sizeof from, "%s/tokenizer/%s.json", ANM_TEST_DATA, small);
    snprintf(to, sizeof to, "%s/tokenizer.json", folder);
    assert_ok(anm_file_copy(from, to, &err), &err);
    snprintf(to, sizeof to, "%s/tokenizer_config.json", folder);
    if (config) assert_ok(anm_file_write(to, config, strlen(config), &err), &err);
    snprintf(to, sizeof to, "%s/special_tokens_map.json", folder);
    if (map) assert_ok(anm_file_write(to, map, strlen(map), &err), &err);
    anm_status status = anm_tokenizer_open(folder, &t, &err);
    anm_error ignored;
    assert_ok(anm_path_remove(folder, &ignored), &ignored);
    if (status != ANM_OK) assert_int_equal(status, ANM_ERROR_FORMAT);
    return t;
}

static void configuration_names_special_tokens(void **state) {
    anm_tokenizer *t =
        open_folder("bytelevel",
                    "{\"bos_token\": null, \"eos_token\": {\"content\": \"<|end|>\"},"
                    " \"pad_token\": \"missing\"}",
                    "{\"bos_token\": \"<|begin|>\", \"eos_token\": \"<tool>\"}");
    assert_int_equal(anm_tokenizer_special_id(t, ANM_SPECIAL_BOS), 274);
    assert_int_equal(anm_tokenizer_special_id(t, ANM_SPECIAL_EOS), 273);
    assert_int_equal(anm_tokenizer_special_id(t, ANM_SPECIAL_PAD), -1);
    assert_int_equal(anm_tokenizer_special_id(t, ANM_SPECIAL_UNK), -1);
    assert_string_equal(ids_of(t, "a", 1, with(true, true)), "274 97");
    anm_tokenizer_close(t);
    t = open_folder("bytelevel", NULL, NULL);
    assert_int_equal(anm_tokenizer_special_id(t, ANM_SPECIAL_EOS), -1);
    anm_tokenizer_close(t);
    assert_null(open_folder("bytelevel", "[]", NULL));
    assert_null(open_folder("bytelevel", "{\"tokenizer_class\": 3}", NULL));
}

static void a_llama_class_decides_about_bos_and_eos(void **state) {
    static const char tokens[] = "\"bos_token\": \"<|begin|>\", \"eos_token\": \"<|end|>\"}";
    static const struct {
        const char *config, *ids;
    } cases[] = {
        {"{\"tokenizer_class\": \"LlamaTokenizerFast\", ", "274 97"},
        {"{\"tokenizer_class\": \"LlamaTokenizer\", \"add_bos_token\": false, ", "97"},
        {"{\"tokenizer_class\": \"LlamaTokenizerFast\", \"add_eos_token\": true, ", "274 97 273"},
        {"{\"tokenizer_class\": \"PreTrainedTokenizerFast\", \"add_bos_token\": false, ", "274 97"},
    };
    char config[512];
    for (int i = 0; i < 4; i++) {
        snprintf(config, sizeof config, "%s%s", cases[i].config, tokens);
        anm_tokenizer *t = open_folder("bytelevel", config, NULL);
        assert_string_equal(ids_of(t, "a", 1, with(true, true)), cases[i].ids);
        anm_tokenizer_close(t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(byte_level_encodes),
        cmocka_unit_test(invalid_utf8_becomes_replacement_characters),
        cmocka_unit_test(added_tokens_are_cut_out_first),
        cmocka_unit_test(byte_level_decodes),
        cmocka_unit_test(ids_without_token_are_named),
        cmocka_unit_test(a_decoder_goes_on_after_a_bad_id_and_a_reset),
        cmocka_unit_test(questions),
        cmocka_unit_test(spm_encodes),
        cmocka_unit_test(spm_decodes),
        cmocka_unit_test(gemma_encodes),
        cmocka_unit_test(gemma_decodes),
        cmocka_unit_test(wordpiece_encodes),
        cmocka_unit_test(wordpiece_decodes),
        cmocka_unit_test(long_runs_finish),
        cmocka_unit_test(runs_have_the_right_ids),
        cmocka_unit_test(threads_share_a_tokenizer),
        cmocka_unit_test(options_of_an_older_caller),
        cmocka_unit_test(configuration_names_special_tokens),
        cmocka_unit_test(a_llama_class_decides_about_bos_and_eos),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
