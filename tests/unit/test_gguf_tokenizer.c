/* SPDX-License-Identifier: MIT */
/*
 * Tokenizers through GGUF and back: tokenizer.json is put into a GGUF file as llama.cpp's converter
 * does it, and what is made of that file must give the ids and texts of the original.
 */
#include "tests/unit/testing.h"

#include <glob.h>
#include <jansson.h>
#include <string.h>

#include "anemone/tokenizer.h"
#include "src/base/arena.h"
#include "src/base/file.h"
#include "src/hf/gguf_tokenizer.h"
#include "tests/unit/gguf_writer.h"
#include "tests/unit/tiny_model.h"

#define HERE "test_gguf_tokenizer."
enum { MOST = 160000 };

static anm_error err;

typedef struct source {
    const char *pre;   /* NULL: SentencePiece */
    int64_t bos;       /* -1: none */
    int add_bos;       /* -1: the file does not say */
    int32_t vocab;     /* with fillers behind the last token; 0: none */
    bool merges;       /* SentencePiece: the merges must be equal too */
} source;

/* ---- tokenizer.json into GGUF ---- */

static anm_sv text_of(const json_t *value) {
    return (anm_sv){json_string_value(value), json_string_length(value)};
}

static size_t take_tokens(const json_t *root, const source *s, anm_sv *tokens, int32_t *types,
                          anm_arena *arena) {
    const char *key;
    json_t *value;
    size_t count = 0, i;
    json_object_foreach(json_object_get(json_object_get(root, "model"), "vocab"), key, value) {
        size_t id = (size_t)json_integer_value(value);
        tokens[id] = anm_sv_from(key);
        types[id] = !s->pre && *key == '<' && key[1] == '0' ? ANM_GGUF_TOKEN_BYTE
                                                            : ANM_GGUF_TOKEN_NORMAL;
        if (id >= count) count = id + 1;
    }
    json_array_foreach(json_object_get(root, "added_tokens"), i, value) {
        size_t id = (size_t)json_integer_value(json_object_get(value, "id"));
        tokens[id] = text_of(json_object_get(value, "content"));
        types[id] = json_is_true(json_object_get(value, "special")) ? ANM_GGUF_TOKEN_CONTROL
                                                                    : ANM_GGUF_TOKEN_USER_DEFINED;
        if (id >= count) count = id + 1;
    }
    for (; count < (size_t)s->vocab; count++) {
        tokens[count] = anm_sv_from(anm_arena_printf(arena, "[PAD%zu]", count));
        types[count] = ANM_GGUF_TOKEN_UNUSED;
    }
    return count;
}

static void put_merges(gguf_writer *w, const json_t *root, anm_arena *arena) {
    const json_t *list = json_object_get(json_object_get(root, "model"), "merges"), *item;
    anm_sv *texts = ANM_ARENA_ARRAY(arena, anm_sv, json_array_size(list));
    size_t i;
    json_array_foreach(list, i, item) {
        texts[i] = text_of(item);
        if (json_is_array(item))
            texts[i] = anm_sv_from(anm_arena_printf(arena, "%s %s",
                                                    json_string_value(json_array_get(item, 0)),
                                                    json_string_value(json_array_get(item, 1))));
    }
    gguf_put_texts(w, "tokenizer.ggml.merges", texts, json_array_size(list));
}

/* Runs of U+2581, the piece for white space: the lowest score of all in Llama 2's model. */
static bool is_run(anm_sv text) {
    size_t i = 0;
    while (i + 3 <= text.len && memcmp(text.data + i, "\xe2\x96\x81", 3) == 0) i += 3;
    return i == text.len && i > 3;
}

static void put_scores(gguf_writer *w, const anm_sv *tokens, size_t count) {
    float *scores = calloc(count, sizeof *scores);
    for (size_t id = 259; id < count; id++)
        scores[id] = is_run(tokens[id]) ? -1e9f : 259 - (float)id;
    gguf_put_floats(w, "tokenizer.ggml.scores", scores, count);
    free(scores);
}

static void write_gguf(const json_t *root, const source *s) {
    static anm_sv tokens[MOST];
    static int32_t types[MOST];
    gguf_writer w = {0};
    anm_arena *arena = anm_arena_create();
    size_t count = take_tokens(root, s, tokens, types, arena);
    gguf_put_text(&w, "general.architecture", "llama");
    gguf_put_text(&w, "tokenizer.ggml.model", s->pre ? "gpt2" : "llama");
    if (s->pre) gguf_put_text(&w, "tokenizer.ggml.pre", s->pre);
    gguf_put_texts(&w, "tokenizer.ggml.tokens", tokens, count);
    gguf_put_ints(&w, "tokenizer.ggml.token_type", types, count);
    if (s->pre) put_merges(&w, root, arena);
    else put_scores(&w, tokens, count);
    if (s->bos >= 0) gguf_put_u32(&w, "tokenizer.ggml.bos_token_id", (uint32_t)s->bos);
    gguf_put_u32(&w, "tokenizer.ggml.eos_token_id", 2);
    if (s->add_bos >= 0) gguf_put_bool(&w, "tokenizer.ggml.add_bos_token", s->add_bos);
    gguf_put_text(&w, "tokenizer.chat_template", "{{ \"\\\\ \xc3\xa9\n\" }}");
    gguf_write(&w, HERE "model.gguf");
    anm_arena_destroy(arena);
}

/* ---- and back ---- */

static void put_text(const anm_gguf_vocab *v, const char *name,
                     anm_status (*make)(const anm_gguf_vocab *, anm_strbuf *, anm_error *)) {
    char path[200];
    anm_strbuf text = {0};
    assert_ok(make(v, &text, &err), &err);
    snprintf(path, sizeof path, HERE "out/%s", name);
    assert_ok(anm_file_write(path, text.data, text.len, &err), &err);
    anm_strbuf_free(&text);
}

static void unpack(void) {
    anm_gguf *g;
    anm_gguf_vocab v;
    bool has;
    anm_arena *arena = anm_arena_create();
    fresh_directory(HERE "out");
    assert_ok(anm_gguf_open(HERE "model.gguf", &g, &err), &err);
    assert_ok(anm_gguf_vocab_read(g, arena, &v, &has, &err), &err);
    assert_true(has);
    put_text(&v, "tokenizer.json", anm_gguf_tokenizer_json);
    put_text(&v, "tokenizer_config.json", anm_gguf_tokenizer_config);
    anm_gguf_close(g);
    anm_arena_destroy(arena);
}

static int compare(const anm_tokenizer *a, const anm_tokenizer *b, const char *text, size_t len) {
    anm_token_list x = {0}, y = {0};
    char *s, *t;
    size_t m, n;
    assert_ok(anm_tokenizer_encode(a, text, len, NULL, &x, &err), &err);
    assert_ok(anm_tokenizer_encode(b, text, len, NULL, &y, &err), &err);
    bool same = x.len == y.len && (x.len == 0 || memcmp(x.ids, y.ids, 4 * x.len) == 0);
    assert_ok(anm_tokenizer_decode(a, x.ids, x.len, false, &s, &m, &err), &err);
    assert_ok(anm_tokenizer_decode(b, x.ids, x.len, false, &t, &n, &err), &err);
    same = same && m == n && memcmp(s, t, n) == 0;
    if (!same) printf("\"%.*s\" differs\n", (int)(len < 200 ? len : 200), text);
    anm_tokenizer_text_free(s);
    anm_tokenizer_text_free(t);
    anm_token_list_free(&x);
    anm_token_list_free(&y);
    return !same;
}

static void begin(const char *tokenizer, const source *s, anm_tokenizer **a, anm_tokenizer **b,
                  json_t **root) {
    *root = json_load_file(tokenizer, JSON_ALLOW_NUL, NULL);
    assert_non_null(*root);
    write_gguf(*root, s);
    unpack();
    /* By its directory where it has one: tokenizer_config.json may say what goes around a text. */
    char dir[1100];
    snprintf(dir, sizeof dir, "%s", tokenizer);
    char *end = strstr(dir, "/tokenizer.json");
    if (end) *end = '\0';
    assert_ok(anm_tokenizer_open(dir, a, &err), &err);
    assert_ok(anm_tokenizer_open(HERE "out", b, &err), &err);
}

static void same_merges(const json_t *root) {
    json_t *made = json_load_file(HERE "out/tokenizer.json", JSON_ALLOW_NUL, NULL);
    const json_t *a = json_object_get(json_object_get(root, "model"), "merges");
    const json_t *b = json_object_get(json_object_get(made, "model"), "merges");
    assert_int_equal(json_array_size(a), json_array_size(b));
    for (size_t i = 0; i < json_array_size(a); i++) {
        char pair[600];
        const json_t *item = json_array_get(b, i);
        snprintf(pair, sizeof pair, "%s %s", json_string_value(json_array_get(item, 0)),
                 json_string_value(json_array_get(item, 1)));
        assert_string_equal(pair, json_string_value(json_array_get(a, i)));
    }
    json_decref(made);
}

/* ---- with the repository's own data ---- */

static const char *const texts[] = {
    "", " ", "  ", "hello world", " hello  world", "Hello, World! It's 12345 o'clock.\n\n  x",
    "caf\xc3\xa9 cafe\xcc\x81 \xe2\x96\x81 \xf0\x9f\x99\x82 \xe4\xbd\xa0\xe5\xa5\xbd",
    "<s>hello</s> world<unk>", "<|im_start|>user\nhi<|im_end|>\n", "a\tb\r\nc  \n d",
    "\x01\x02\x7f",
};

static void own_data(void **state) {
    static const struct {
        const char *path;
        source source;
    } sets[] = {
        {ANM_TEST_SOURCE_ROOT "/models/demo/tokenizer.json", {"qwen2", -1, 0, 2100, false}},
        {ANM_TEST_DATA "/tokenizer/spm.json", {NULL, 1, -1, 0, false}},
    };
    for (int i = 0; i < 2; i++) {
        anm_tokenizer *a, *b, *c;
        json_t *root;
        int failed = 0;
        begin(sets[i].path, &sets[i].source, &a, &b, &root);
        assert_ok(anm_tokenizer_open(HERE "model.gguf", &c, &err), &err); /* without files */
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
            failed += compare(a, b, texts[k], strlen(texts[k])) +
                      compare(a, c, texts[k], strlen(texts[k]));
        assert_int_equal(failed, 0);
        for (int kind = ANM_SPECIAL_BOS; kind <= ANM_SPECIAL_UNK; kind++)
            assert_int_equal(anm_tokenizer_special_id(b, (anm_special_token)kind),
                             anm_tokenizer_special_id(c, (anm_special_token)kind));
        anm_tokenizer_close(c);
        anm_tokenizer_close(a);
        anm_tokenizer_close(b);
        json_decref(root);
    }
}

static void config(void **state) {
    const source s = {"qwen2", 2045, 1, 0, false};
    json_t *root = json_load_file(ANM_TEST_SOURCE_ROOT "/models/demo/tokenizer.json", 0, NULL);
    write_gguf(root, &s);
    unpack();
    json_t *made = json_load_file(HERE "out/tokenizer_config.json", 0, NULL);
    assert_string_equal(json_string_value(json_object_get(made, "bos_token")), "<|endoftext|>");
    assert_string_equal(json_string_value(json_object_get(made, "chat_template")),
                        "{{ \"\\\\ \xc3\xa9\n\" }}");
    assert_true(json_is_true(json_object_get(made, "add_bos_token")));
    assert_true(json_is_null(json_object_get(made, "unk_token")));
    json_decref(made);
    json_decref(root);
}

/* ---- refused ---- */

static void refuse(gguf_writer *w, anm_status status, const char *message) {
    anm_gguf *g;
    anm_gguf_vocab v;
    bool has;
    anm_arena *arena = anm_arena_create();
    gguf_put_text(w, "general.architecture", "llama");
    gguf_write(w, HERE "model.gguf");
    assert_ok(anm_gguf_open(HERE "model.gguf", &g, &err), &err);
    anm_status got = anm_gguf_vocab_read(g, arena, &v, &has, &err);
    if (got != status || !strstr(err.message, message))
        fail_msg("%s: %s", anm_status_name(got), err.message);
    anm_gguf_close(g);
    anm_arena_destroy(arena);
}

static void refused(void **state) {
    const anm_sv two[] = {{"a", 1}, {"b", 1}}, bad[] = {{"\xff", 1}};
    const anm_sv spaces[] = {{"a", 1}, {"\xe2\x96\x81\xe2\x96\x81", 6}};
    gguf_writer w = {0};
    gguf_put_text(&w, "tokenizer.ggml.model", "t5");
    refuse(&w, ANM_ERROR_UNSUPPORTED, "tokenizer \"t5\"");
    gguf_put_text(&w, "tokenizer.ggml.model", "gpt2");
    refuse(&w, ANM_ERROR_UNSUPPORTED, "does not say how texts are cut");
    gguf_put_text(&w, "tokenizer.ggml.model", "gpt2");
    gguf_put_text(&w, "tokenizer.ggml.pre", "tekken");
    refuse(&w, ANM_ERROR_UNSUPPORTED, "pre-tokenizer \"tekken\"");
    gguf_put_text(&w, "tokenizer.ggml.model", "llama");
    refuse(&w, ANM_ERROR_FORMAT, "has no \"tokenizer.ggml.tokens\"");
    gguf_put_text(&w, "tokenizer.ggml.model", "llama");
    gguf_put_texts(&w, "tokenizer.ggml.tokens", two, 2);
    refuse(&w, ANM_ERROR_FORMAT, "has no \"tokenizer.ggml.scores\"");
    gguf_put_text(&w, "tokenizer.ggml.model", "llama");
    gguf_put_texts(&w, "tokenizer.ggml.tokens", two, 2);
    gguf_put_floats(&w, "tokenizer.ggml.scores", (float[]){0}, 1);
    refuse(&w, ANM_ERROR_FORMAT, "not as long as");
    gguf_put_text(&w, "tokenizer.ggml.model", "llama");
    gguf_put_texts(&w, "tokenizer.ggml.tokens", bad, 1);
    refuse(&w, ANM_ERROR_FORMAT, "token 0 is not UTF-8");
    gguf_put_text(&w, "tokenizer.ggml.model", "llama");
    gguf_put_texts(&w, "tokenizer.ggml.tokens", two, 2);
    gguf_put_floats(&w, "tokenizer.ggml.scores", (float[]){0, 0}, 2);
    gguf_put_u32(&w, "tokenizer.ggml.bos_token_id", 2);
    refuse(&w, ANM_ERROR_FORMAT, "there are 2 tokens");
    gguf_put_text(&w, "tokenizer.ggml.model", "llama");
    gguf_put_texts(&w, "tokenizer.ggml.tokens", spaces, 2);
    gguf_put_floats(&w, "tokenizer.ggml.scores", (float[]){0, 0}, 2);
    gguf_put_ints(&w, "tokenizer.ggml.token_type", (int32_t[]){1, 4}, 2);
    refuse(&w, ANM_ERROR_UNSUPPORTED, "token 1 of the tokenizer is user-defined white space");
    gguf_put_text(&w, "tokenizer.ggml.model", "llama");
    gguf_put_texts(&w, "tokenizer.ggml.tokens", two, 2);
    gguf_put_floats(&w, "tokenizer.ggml.scores", (float[]){0, 0}, 2);
    gguf_put_ints(&w, "tokenizer.ggml.precompiled_charsmap", (int32_t[]){1}, 1);
    refuse(&w, ANM_ERROR_UNSUPPORTED, "normalises texts by a table");
}

/* ---- with the fixtures ---- */

static int compare_vectors(const anm_tokenizer *a, const anm_tokenizer *b, int *count) {
    static char line[1 << 16];
    int failed = 0;
    glob_t found;
    char pattern[1100];
    snprintf(pattern, sizeof pattern, "%s/tok-vectors/*/*.jsonl", getenv("ANM_FIXTURES"));
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        FILE *file = fopen(found.gl_pathv[i], "r");
        while (fgets(line, sizeof line, file)) {
            json_t *v = json_loads(line, JSON_ALLOW_NUL, NULL);
            anm_sv text = text_of(json_object_get(v, "text"));
            if (text.data) failed += compare(a, b, text.data, text.len);
            *count += text.data != NULL;
            json_decref(v);
        }
        fclose(file);
    }
    globfree(&found);
    return failed;
}

static void real_tokenizers(void **state) {
    static const struct {
        const char *name;
        source source;
    } sets[] = {
        {"gpt2", {"gpt-2", 50256, 0, 0, false}},
        {"tinyllama", {NULL, 1, -1, 0, true}},
        {"llama3.2-instruct", {"llama-bpe", 128000, -1, 0, false}},
        {"r1-distill-llama", {"llama-bpe", 128000, 1, 0, false}},
        {"qwen2.5", {"qwen2", 151643, 0, 151936, false}},
        {"qwen3", {"qwen2", 151643, 0, 151936, false}},
        {"r1-distill-qwen", {"deepseek-r1-qwen", 151646, 1, 151936, false}},
    };
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        char relative[200];
        anm_tokenizer *a, *b;
        json_t *root;
        int count = 0;
        snprintf(relative, sizeof relative, "tokenizers/%s/tokenizer.json", sets[i].name);
        begin(fixture_path(relative), &sets[i].source, &a, &b, &root);
        if (sets[i].source.merges) same_merges(root);
        int failed = compare_vectors(a, b, &count);
        printf("%-20s %d texts, %d differ\n", sets[i].name, count, failed);
        assert_int_equal(failed, 0);
        assert_true(count > 500);
        anm_tokenizer_close(a);
        anm_tokenizer_close(b);
        json_decref(root);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_data),
        cmocka_unit_test(config),
        cmocka_unit_test(refused),
        cmocka_unit_test(real_tokenizers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
