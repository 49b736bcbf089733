/* SPDX-License-Identifier: MIT */
/*
 * Real tokenizers against ids and texts that other implementations' test suites expect.
 *
 * What the vectors were made with:
 *   ids      with the tokenizer's own special tokens around the text (post-processor), special
 *            tokens in the text recognised. The one exception is Xenova--llama3-tokenizer, whose
 *            file had no post-processor, which here is add_special_tokens = false.
 *   text_pair (one vector, of BERT) makes "[CLS] text [SEP] text_pair [SEP]". The API encodes one
 *            text at a time, so the test puts the pair together.
 *   decoded  special tokens kept; decoded_skip leaves them out.
 *   Python's and JavaScript's `transformers` run clean_up_tokenization over what the tokenizer
 *   library decodes when tokenizer_config.json says clean_up_tokenization_spaces, which the
 *   `clean_up` column says of each set; the library itself knows nothing of it.
 */
#include "tests/unit/testing.h"

#include <jansson.h>
#include <string.h>

#include "anemone/tokenizer.h"
#include "src/base/arena.h"
#include "src/base/file.h"

typedef struct vector_set {
    const char *tokenizer; /* in tokenizers/ */
    const char *vectors;   /* in tok-vectors/ */
    bool add_special, clean_up;
    int count; /* so that a vector that goes missing is noticed */
} vector_set;

#define JS "transformersjs/"
#define SWIFT "swift-transformers/"
static const vector_set sets[] = {
    {"bert-base-uncased", JS "bert__Xenova--bert-base-uncased", true, true, 30},
    {"bert-base-uncased", JS "distilbert__Xenova--distilbert-base-uncased-finetuned-sst-2-english",
     true, true, 12},
    {"bert-base-uncased", SWIFT "tests__bert-base-uncased", true, true, 18},
    {"bert-base-uncased", SWIFT "tests__google-bert--bert-base-uncased", true, true, 18},
    {"bert-base-uncased", SWIFT "text__bert_uncased_encoded", true, true, 1},
    {"gpt2", JS "gpt2__Xenova--gpt2", true, true, 26},
    {"gpt2", JS "falcon__tiiuae--falcon-rw-1b", true, true, 15},
    {"gpt2", SWIFT "tests__distilgpt2", true, true, 18},
    {"gpt2", SWIFT "text__gpt2_encoded_tokens", true, true, 1},
    {"tinyllama", JS "llama__Xenova--llama-tokenizer", true, false, 37},
    {"tinyllama", SWIFT "tests__coreml-projects--Llama-2-7b-chat-coreml", true, false, 18},
    {"tinyllama", SWIFT "text__llama_encoded", true, false, 1},
    {"llama3.2-instruct", JS "llama__Xenova--llama3-tokenizer-new", true, true, 37},
    {"llama3.2-instruct", JS "llama__Xenova--llama3-tokenizer", false, true, 37},
    {"llama3.2-instruct", SWIFT "tests__pcuenq--Llama-3.2-1B-Instruct-tokenizer", true, true, 18},
    {"llama3.2-instruct", SWIFT "text__llama_3.2_encoded", true, true, 1},
    {"r1-distill-llama", JS "llama__Xenova--llama3-tokenizer", false, true, 37},
    {"qwen2.5", JS "qwen2__Xenova--Qwen1.5-0.5B-Chat", true, false, 25},
    {"qwen3", JS "qwen2__Xenova--Qwen1.5-0.5B-Chat", true, false, 25},
    {"r1-distill-qwen", JS "qwen2__Xenova--Qwen1.5-0.5B-Chat", true, false, 25},
};

static void replace_all(char *text, size_t *len, const char *from, const char *to) {
    size_t from_len = strlen(from), to_len = strlen(to);
    for (char *p = text; (p = memmem(p, *len - (size_t)(p - text), from, from_len)); p += to_len) {
        memcpy(p, to, to_len);
        memmove(p + to_len, p + from_len, *len - (size_t)(p - text) - from_len);
        *len -= from_len - to_len;
    }
}

/* clean_up_tokenization of the transformers library. */
static void clean_up(char *text, size_t *len) {
    static const char *const pairs[][2] = {{" .", "."},     {" ?", "?"},     {" !", "!"},
                                           {" ,", ","},     {" ' ", "'"},    {" n't", "n't"},
                                           {" 'm", "'m"},   {" 's", "'s"},   {" 've", "'ve"},
                                           {" 're", "'re"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        replace_all(text, len, pairs[i][0], pairs[i][1]);
}

static bool same_ids(const json_t *expected, const anm_token_list *got) {
    if (json_array_size(expected) != got->len) return false;
    for (size_t i = 0; i < got->len; i++)
        if (json_integer_value(json_array_get(expected, i)) != got->ids[i]) return false;
    return true;
}

/* The decoder fed token by token must say the same as decoding at once. */
static void check_stream(const anm_tokenizer *t, const anm_token_list *ids, bool skip,
                         const char *whole, size_t whole_len) {
    anm_error err;
    anm_decoder *decoder;
    const char *piece;
    size_t len, at = 0;
    assert_ok(anm_decoder_create(t, skip, &decoder, &err), &err);
    for (size_t i = 0; i <= ids->len; i++) {
        if (i < ids->len) {
            assert_ok(anm_decoder_push(decoder, ids->ids[i], &piece, &len, &err), &err);
        } else {
            assert_ok(anm_decoder_finish(decoder, &piece, &len, &err), &err);
        }
        assert_true(at + len <= whole_len);
        assert_memory_equal(whole + at, piece, len);
        at += len;
        if (at < whole_len) assert_int_not_equal(whole[at] & 0xC0, 0x80);
    }
    assert_int_equal(at, whole_len);
    anm_decoder_destroy(decoder);
}

static bool same_text(const anm_tokenizer *t, const anm_token_list *ids, bool skip, bool clean,
                      const json_t *expected, char *shown, size_t room) {
    anm_error err;
    char *text;
    size_t len;
    assert_ok(anm_tokenizer_decode(t, ids->ids, ids->len, skip, &text, &len, &err), &err);
    check_stream(t, ids, skip, text, len);
    if (clean) clean_up(text, &len);
    snprintf(shown, room, "%.*s", (int)len, text);
    bool same = len == json_string_length(expected) &&
                !memcmp(text, json_string_value(expected), len);
    anm_tokenizer_text_free(text);
    return same;
}

/* The second text of a pair, closed by the token that closed the first. */
static void append_pair(const anm_tokenizer *t, const char *text, anm_token_list *ids) {
    anm_token_list pair = {0};
    anm_encode_options options;
    anm_error err;
    anm_encode_options_init(&options);
    assert_ok(anm_tokenizer_encode(t, text, strlen(text), &options, &pair, &err), &err);
    assert_true(pair.len > 1 && ids->len > 1);
    assert_int_equal(pair.ids[0], ids->ids[0]);
    ids->ids = realloc(ids->ids, (ids->len + pair.len) * sizeof *ids->ids);
    ids->cap = ids->len + pair.len;
    memcpy(ids->ids + ids->len, pair.ids + 1, (pair.len - 1) * sizeof *ids->ids);
    ids->len += pair.len - 1;
    anm_token_list_free(&pair);
}

static int check_vector(const vector_set *set, const anm_tokenizer *t, const json_t *v) {
    anm_token_list ids = {0};
    char shown[4096];
    anm_error err;
    anm_encode_options options;
    int failed = 0;
    const json_t *text = json_object_get(v, "text");
    anm_encode_options_init(&options);
    options.add_special_tokens = set->add_special;
    assert_ok(anm_tokenizer_encode(t, json_string_value(text), json_string_length(text), &options,
                                   &ids, &err),
              &err);
    const char *pair = json_string_value(json_object_get(v, "text_pair"));
    if (pair) append_pair(t, pair, &ids);
    if (!same_ids(json_object_get(v, "ids"), &ids)) {
        printf("%s, %s: ids of \"%s\":", set->tokenizer, set->vectors, json_string_value(text));
        for (size_t i = 0; i < ids.len; i++) printf(" %d", ids.ids[i]);
        printf("\n");
        failed = 1;
    }
    static const char *const keys[] = {"decoded", "decoded_skip"};
    for (int skip = 0; skip < 2; skip++) {
        const json_t *expected = json_object_get(v, keys[skip]);
        if (!expected || same_text(t, &ids, skip, set->clean_up, expected, shown, sizeof shown))
            continue;
        printf("%s, %s: %s of \"%s\" is\n  \"%s\", not\n  \"%s\"\n", set->tokenizer, set->vectors,
               keys[skip], json_string_value(text), shown, json_string_value(expected));
        failed = 1;
    }
    anm_token_list_free(&ids);
    return failed;
}

static int check_set(const vector_set *set) {
    char relative[256];
    static char line[1 << 16];
    anm_error err;
    anm_tokenizer *t;
    int failed = 0, count = 0;
    snprintf(relative, sizeof relative, "tokenizers/%s/tokenizer.json", set->tokenizer);
    assert_ok(anm_tokenizer_open(fixture_path(relative), &t, &err), &err);
    snprintf(relative, sizeof relative, "tok-vectors/%s.jsonl", set->vectors);
    FILE *file = fopen(fixture_path(relative), "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        json_t *v = json_loads(line, JSON_ALLOW_NUL, NULL);
        assert_non_null(v);
        failed += check_vector(set, t, v);
        count++;
        json_decref(v);
    }
    fclose(file);
    anm_tokenizer_close(t);
    assert_int_equal(count, set->count);
    printf("%-20s %-70s %2d vectors, %d differ\n", set->tokenizer, set->vectors, count, failed);
    return failed;
}

static void all_vectors(void **state) {
    int failed = 0;
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) failed += check_set(&sets[i]);
    assert_int_equal(failed, 0);
}

static char *read_text(const char *relative, size_t *size) {
    const char *path = fixture_path(relative);
    anm_arena *arena = anm_arena_create();
    anm_error err;
    char *data, *copy;
    assert_ok(anm_file_read(arena, path, 1 << 26, &data, size, &err), &err);
    copy = malloc(*size);
    memcpy(copy, data, *size);
    anm_arena_destroy(arena);
    return copy;
}

static size_t count_tokens(const anm_tokenizer *t, const char *text, size_t size) {
    anm_token_list ids = {0};
    anm_error err;
    assert_ok(anm_tokenizer_encode(t, text, size, NULL, &ids, &err), &err);
    size_t count = ids.len;
    anm_token_list_free(&ids);
    return count;
}

/* nanoGPT's data/shakespeare: GPT-2 tokens of the first nine tenths and of the last one. */
static void whole_shakespeare(void **state) {
    anm_tokenizer *t;
    anm_error err;
    size_t size;
    assert_ok(anm_tokenizer_open(fixture_path("tokenizers/gpt2/tokenizer.json"), &t, &err), &err);
    char *text = read_text("text/tinyshakespeare.txt", &size);
    size_t first = size * 9 / 10;
    assert_int_equal(count_tokens(t, text, first), 301966);
    assert_int_equal(count_tokens(t, text + first, size - first), 36059);
    free(text);
    anm_tokenizer_close(t);
}

/* Byte-level tokenizers lose nothing of a text that is NFC already. */
static void long_texts_come_back(void **state) {
    static const char *const names[] = {"qwen3", "qwen2.5", "llama3.2-instruct", "gpt2"};
    static const char *const texts[] = {"text/botchan-gutenberg.txt", "text/tinyshakespeare.txt"};
    char relative[256];
    for (int i = 0; i < 8; i++) {
        anm_tokenizer *t;
        anm_error err;
        anm_token_list ids = {0};
        anm_encode_options options;
        size_t size, len;
        char *text = read_text(texts[i % 2], &size), *back;
        snprintf(relative, sizeof relative, "tokenizers/%s/tokenizer.json", names[i / 2]);
        assert_ok(anm_tokenizer_open(fixture_path(relative), &t, &err), &err);
        anm_encode_options_init(&options);
        options.add_special_tokens = false;
        assert_ok(anm_tokenizer_encode(t, text, size, &options, &ids, &err), &err);
        assert_ok(anm_tokenizer_decode(t, ids.ids, ids.len, false, &back, &len, &err), &err);
        assert_int_equal(len, size);
        assert_memory_equal(back, text, size);
        check_stream(t, &ids, false, back, len);
        anm_tokenizer_text_free(back);
        free(text);
        anm_token_list_free(&ids);
        anm_tokenizer_close(t);
    }
}

/* What the directories' configuration files add. */
static void directories_name_special_tokens(void **state) {
    static const struct {
        const char *name, *probe;
        int32_t bos, eos, pad, size;
        int32_t first; /* id that encoding puts before a text, or -1 */
    } cases[] = {
        {"qwen3", "tokenizer_config.json", -1, 151645, 151643, 151669, -1},
        {"qwen2.5", "tokenizer_config.json", -1, 151645, 151643, 151665, -1},
        {"llama3.2-instruct", "tokenizer_config.json", 128000, 128009, -1, 128256, 128000},
        {"r1-distill-llama", "tokenizer_config.json", 128000, 128001, 128001, 128256, 128000},
        {"r1-distill-qwen", "tokenizer_config.json", 151646, 151643, 151643, 151665, 151646},
        {"gpt2", "tokenizer_config.json", 50256, 50256, -1, 50257, -1},
        {"tinyllama", "tokenizer.json", -1, -1, -1, 32000, 1},
        {"bert-base-uncased", "tokenizer.json", -1, -1, -1, 30522, 101},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char relative[128], path[1024];
        anm_tokenizer *t;
        anm_error err;
        anm_token_list ids = {0};
        snprintf(relative, sizeof relative, "tokenizers/%s/%s", cases[i].name, cases[i].probe);
        snprintf(path, sizeof path, "%s", fixture_path(relative));
        *strrchr(path, '/') = '\0';
        assert_ok(anm_tokenizer_open(path, &t, &err), &err);
        assert_int_equal(anm_tokenizer_special_id(t, ANM_SPECIAL_BOS), cases[i].bos);
        assert_int_equal(anm_tokenizer_special_id(t, ANM_SPECIAL_EOS), cases[i].eos);
        assert_int_equal(anm_tokenizer_special_id(t, ANM_SPECIAL_PAD), cases[i].pad);
        assert_int_equal(anm_tokenizer_vocab_size(t), cases[i].size);
        assert_ok(anm_tokenizer_encode(t, "", 0, NULL, &ids, &err), &err);
        assert_int_equal(ids.len ? ids.ids[0] : -1, cases[i].first);
        anm_token_list_free(&ids);
        anm_tokenizer_close(t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_vectors),
        cmocka_unit_test(whole_shakespeare),
        cmocka_unit_test(long_texts_come_back),
        cmocka_unit_test(directories_name_special_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
