/* SPDX-License-Identifier: MIT */
/*
 * The tokenizer's parts one by one. Expected values follow from the definitions of the Rust
 * library's components, worked out by hand.
 */
#include "tests/unit/testing.h"

#include <string.h>
#include <utf8proc.h>

#include "src/hf/tok_bytelevel.h"
#include "src/hf/tok_decode.h"
#include "src/hf/tok_forms.h"
#include "src/hf/tok_pretok.h"
#include "src/hf/tok_trie.h"
#include "src/hf/tokenizer_impl.h"

#define E_ACUTE "\xC3\xA9"
#define MARK "\xE2\x96\x81" /* U+2581 */
#define REPLACED "\xEF\xBF\xBD"

/* --- Helpers: a component from JSON text, run over a text ---------- */

static json_t *parse(const char *text) {
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    if (!value) fail_msg("bad JSON in the test: %s", text);
    return value;
}

static anm_status collect(void *context, anm_sv piece, anm_error *err) {
    anm_strbuf *shown = context;
    assert_true(piece.len > 0);
    if (shown->len) anm_strbuf_putc(shown, '|');
    anm_strbuf_append(shown, piece.data, piece.len);
    return ANM_OK;
}

static void expect_pieces(const char *component, const char *text, bool at_start,
                          const char *expected) {
    anm_arena *arena = anm_arena_create();
    json_t *value = parse(component);
    anm_pretok pretok;
    anm_pretok_scratch scratch = {0};
    anm_regex_scratch regex = {0};
    anm_strbuf shown = {0};
    anm_error err;
    assert_ok(anm_pretok_load(value, arena, "test", &pretok, &err), &err);
    anm_pretok_run run = {&pretok, &scratch, &regex, collect, &shown};
    assert_ok(anm_pretok_apply(&run, anm_sv_from(text), at_start, &err), &err);
    assert_string_equal(anm_strbuf_cstr(&shown), expected);
    anm_strbuf_free(&shown);
    anm_pretok_scratch_free(&scratch);
    anm_regex_scratch_free(&regex);
    anm_pretok_free(&pretok);
    json_decref(value);
    anm_arena_destroy(arena);
}

static void expect_normal(const char *component, const char *text, size_t len,
                          const char *expected) {
    anm_arena *arena = anm_arena_create();
    json_t *value = parse(component);
    anm_normalizer normalizer;
    anm_norm_scratch scratch = {0};
    anm_regex_scratch regex = {0};
    anm_sv out;
    anm_error err;
    assert_ok(anm_normalizer_load(value, arena, "test", &normalizer, &err), &err);
    assert_ok(anm_normalizer_run(&normalizer, &scratch, &regex, (anm_sv){text, len}, &out, &err),
              &err);
    if (!anm_sv_is(out, expected))
        fail_msg("%s makes \"%.*s\", not \"%s\"", component, ANM_SV(out), expected);
    anm_norm_scratch_free(&scratch);
    anm_regex_scratch_free(&regex);
    anm_normalizer_free(&normalizer);
    json_decref(value);
    anm_arena_destroy(arena);
}

static void normal(const char *component, const char *text, const char *expected) {
    expect_normal(component, text, strlen(text), expected);
}

/* Tokens are separated by "|"; the result shows a "|" behind what each of them and the end gave. */
static void expect_decoded(const char *component, const char *tokens, const char *expected) {
    anm_arena *arena = anm_arena_create();
    json_t *value = component ? parse(component) : NULL;
    anm_decode_chain chain;
    anm_decode_state state;
    anm_error err;
    assert_ok(anm_decode_load(value, arena, "test", &chain, &err), &err);
    assert_ok(anm_decode_start(&state, &chain, &err), &err);
    for (int round = 0; round < 2; round++) { /* finishing makes it ready for the next text */
        anm_strbuf_clear(&state.out);
        for (const char *p = tokens; *p;) {
            size_t len = strcspn(p, "|");
            assert_ok(anm_decode_token(&state, (anm_sv){p, len}, &err), &err);
            anm_strbuf_putc(&state.out, '|');
            p += len + (p[len] == '|');
        }
        assert_ok(anm_decode_finish(&state, &err), &err);
        assert_string_equal(anm_strbuf_cstr(&state.out), expected);
    }
    anm_decode_free(&state);
    anm_decode_chain_free(&chain);
    json_decref(value);
    anm_arena_destroy(arena);
}

/* --- Pre-tokenizers ---------- */

#define SPLIT(pattern, behavior, invert)                                                           \
    "{\"type\":\"Split\",\"pattern\":{" pattern "},\"behavior\":\"" behavior                       \
    "\",\"invert\":" invert "}"

static void split_behaviors(void **state) {
#define DASH "\"String\":\"-\""
    expect_pieces(SPLIT(DASH, "Removed", "false"), "a--b-", true, "a|b");
    expect_pieces(SPLIT(DASH, "Isolated", "false"), "a--b-", true, "a|-|-|b|-");
    expect_pieces(SPLIT(DASH, "MergedWithPrevious", "false"), "a--b-", true, "a-|-|b-");
    expect_pieces(SPLIT(DASH, "MergedWithPrevious", "false"), "--a", true, "-|-|a");
    expect_pieces(SPLIT(DASH, "MergedWithNext", "false"), "a--b-", true, "a|-|-b|-");
    expect_pieces(SPLIT(DASH, "MergedWithNext", "false"), "-a-", true, "-a|-");
    expect_pieces(SPLIT(DASH, "Contiguous", "false"), "a--b-", true, "a|--|b|-");
    expect_pieces(SPLIT(DASH, "Removed", "true"), "a--b", true, "-|-");
    expect_pieces(SPLIT(DASH, "MergedWithNext", "true"), "a--b", true, "a-|-|b");
    expect_pieces(SPLIT("\"Regex\":\"\\\\s+\"", "Removed", "false"), " a  b ", true, "a|b");
    expect_pieces(SPLIT("\"Regex\":\"[a-z]\"", "Removed", "true"), "ab1c", true, "a|b|c");
    expect_pieces(SPLIT("\"Regex\":\".\"", "Isolated", "false"), "", true, "");
}

static void empty_matches_cut_between_characters(void **state) {
    expect_pieces(SPLIT("\"String\":\"\"", "Isolated", "false"), "a" E_ACUTE "b", true,
                  "a|" E_ACUTE "|b");
    expect_pieces(SPLIT("\"Regex\":\"x*\"", "Isolated", "false"), "axxb", true, "a|xx|b");
    expect_pieces(SPLIT("\"Regex\":\"x*\"", "Removed", "false"), "axxb", true, "a|b");
    normal("{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"x*\"},\"content\":\"-\"}", "axb",
           "-a-b-");
}

static void byte_level_pre_tokenizer(void **state) {
#define BYTES(prefix, regex)                                                                       \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":" prefix ",\"use_regex\":" regex "}"
#define BEFORE_DIGITS(first)                                                                       \
    "{\"type\":\"Sequence\",\"pretokenizers\":[" first                                             \
    ",{\"type\":\"Digits\",\"individual_digits\":true}]}"
    expect_pieces(BYTES("true", "true"), "Hello you're  12", true, " Hello| you|'re| | 12");
    expect_pieces(BYTES("false", "true"), "Hello you", true, "Hello| you");
    expect_pieces(BYTES("true", "true"), " Hello", true, " Hello");
    expect_pieces(BYTES("true", "false"), "Hello you", true, " Hello you");
    expect_pieces(BEFORE_DIGITS(BYTES("false", "true")), "a 12" E_ACUTE, true,
                  "a|\xC4\xA0|1|2|\xC3\x83\xC2\xA9"); /* the alphabet is written out */
    expect_pieces(BEFORE_DIGITS(BYTES("true", "false")), "a", true,
                  "\xC4\xA0"
                  "a");
}

static void metaspace_pre_tokenizer(void **state) {
#define META(rest) "{\"type\":\"Metaspace\",\"replacement\":\"" MARK "\"" rest "}"
    expect_pieces(META(""), "Hey my  friend", false, MARK "Hey|" MARK "my|" MARK "|" MARK "friend");
    expect_pieces(META(",\"split\":false"), "Hey my", false, MARK "Hey" MARK "my");
    expect_pieces(META(",\"prepend_scheme\":\"never\""), "Hey my", true, "Hey|" MARK "my");
    expect_pieces(META(",\"add_prefix_space\":false,\"prepend_scheme\":\"never\""), "Hey", true,
                  "Hey");
    expect_pieces(META(",\"prepend_scheme\":\"first\""), "Hey my", true, MARK "Hey|" MARK "my");
    expect_pieces(META(",\"prepend_scheme\":\"first\""), "Hey my", false, "Hey|" MARK "my");
    expect_pieces(META(""), " Hey", true, MARK "Hey");
    expect_pieces(META(""), MARK "Hey", true, MARK "Hey");
}

static void other_pre_tokenizers(void **state) {
    expect_pieces("{\"type\":\"Digits\",\"individual_digits\":true}", "Hey 12\xC2\xB2 x", true,
                  "Hey |1|2|\xC2\xB2| x");
    expect_pieces("{\"type\":\"Digits\",\"individual_digits\":false}", "Hey 123 x", true,
                  "Hey |123| x");
    expect_pieces("{\"type\":\"Punctuation\"}", "Hey, you!!", true, "Hey|,| you|!|!");
    expect_pieces("{\"type\":\"Punctuation\",\"behavior\":\"Contiguous\"}", "Hey!?\xE3\x80\x82",
                  true, "Hey|!?\xE3\x80\x82");
    expect_pieces("{\"type\":\"Whitespace\"}",
                  "Hey man!! a_b\xE2\x80\x94"
                  "c",
                  true, "Hey|man|!!|a_b|\xE2\x80\x94|c");
    expect_pieces("{\"type\":\"WhitespaceSplit\"}", " Hey man!\t\xC2\xA0x", true, "Hey|man!|x");
    expect_pieces("{\"type\":\"BertPreTokenizer\"}", "Hey friend!  How's", true,
                  "Hey|friend|!|How|'|s");
    expect_pieces("{\"type\":\"CharDelimiterSplit\",\"delimiter\":\"-\"}", "a-b--c", true, "a|b|c");
    expect_pieces("null", "as it is", true, "as it is");
    expect_pieces("{\"type\":\"Sequence\",\"pretokenizers\":["
                  "{\"type\":\"Punctuation\",\"behavior\":\"Contiguous\"},"
                  "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":true},"
                  "{\"type\":\"Digits\",\"individual_digits\":false},"
                  "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"[0-9][0-9][0-9]\"},"
                  "\"behavior\":\"Isolated\",\"invert\":false}]}",
                  "a1234 !!", true, "a|123|4|\xC4\xA0|!!");
}

/* --- Normalizers ---------- */

static void normal_forms(void **state) {
    normal("{\"type\":\"NFC\"}", "e\xCC\x81", E_ACUTE);
    normal("{\"type\":\"NFC\"}", "\xEF\xAC\x81", "\xEF\xAC\x81"); /* fi ligature: canonical only */
    normal("{\"type\":\"NFC\"}", "\xE2\x84\xA6", "\xCE\xA9");     /* ohm sign is omega */
    normal("{\"type\":\"NFC\"}", "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8", "\xEA\xB0\x81");
    normal("{\"type\":\"NFD\"}", E_ACUTE, "e\xCC\x81");
    normal("{\"type\":\"NFD\"}", "a\xCC\x81\xCC\xA3", "a\xCC\xA3\xCC\x81"); /* class 220 < 230 */
    normal("{\"type\":\"NFKC\"}", "\xEF\xAC\x81\xEF\xBC\xA1", "fiA");
    normal("{\"type\":\"NFKD\"}", "\xEF\xAC\x81" E_ACUTE, "fie\xCC\x81");
}

static void other_normalizers(void **state) {
    normal("{\"type\":\"Lowercase\"}", "\xC4\xB0 \xCE\xA3 A1", "i\xCC\x87 \xCF\x83 a1");
    normal("{\"type\":\"Strip\",\"strip_left\":true,\"strip_right\":false}",
           " \t\xE3\x80\x80"
           "a ",
           "a ");
    normal("{\"type\":\"Strip\",\"strip_left\":false,\"strip_right\":true}", " a \xC2\xA0", " a");
    normal("{\"type\":\"Strip\",\"strip_left\":true,\"strip_right\":true}", "  ", "");
    normal(
        "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFD\"},{\"type\":\"StripAccents\"}]}",
        "caf" E_ACUTE, "cafe");
    normal("{\"type\":\"StripAccents\"}", "caf" E_ACUTE, "caf" E_ACUTE);
    normal("{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" MARK "\"}", " a b",
           MARK "a" MARK "b");
    normal("{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"a+\"},\"content\":\"\"}", "caab", "cb");
    normal("{\"type\":\"Prepend\",\"prepend\":\"" MARK "\"}", "a", MARK "a");
    normal("{\"type\":\"Prepend\",\"prepend\":\"" MARK "\"}", "", "");
    normal("{\"type\":\"ByteLevel\"}", E_ACUTE " ", "\xC3\x83\xC2\xA9\xC4\xA0");
    normal("null", "as it is", "as it is");
}

static void bert_normalizer(void **state) {
#define BERT(rest)                                                                                 \
    "{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true," rest "}"
    static const char all[] = BERT("\"strip_accents\":null,\"lowercase\":true");
    normal(all, "H" E_ACUTE "LLO", "hello");
    normal(BERT("\"strip_accents\":null,\"lowercase\":false"), "H" E_ACUTE, "H" E_ACUTE);
    normal(BERT("\"strip_accents\":true,\"lowercase\":false"), "H" E_ACUTE, "He");
    normal(BERT("\"strip_accents\":false,\"lowercase\":true"), "H" E_ACUTE, "h" E_ACUTE);
    expect_normal(all,
                  "a\0b\x01" REPLACED "c\td\xC2\xA0"
                  "e",
                  13, "abc d e");
    normal(all, "x\xE4\xB8\xADy", "x \xE4\xB8\xAD y");
    normal(all, "\xEE\x80\x80\xEE\x80\x81", "\xEE\x80\x81"); /* U+E000 goes, U+E001 stays */
}

/* --- Normal forms against utf8proc ---------- */

/* Characters that stand second in some canonical composition must not count as certain. */
static void certain_characters_never_combine_with_one_before(void **state) {
    char text[8];
    int32_t parts[8];
    int boundary;
    for (int32_t c = 0x80; c < 0x110000; c++) {
        if (c >= 0xD800 && c < 0xE000) continue;
        boundary = 0;
        utf8proc_ssize_t n = utf8proc_decompose_char(c, parts, 8, UTF8PROC_DECOMPOSE, &boundary);
        for (utf8proc_ssize_t i = 1; i < n; i++) {
            size_t len = anm_utf8_put(text, (uint32_t)parts[i]);
            if (anm_form_is_certain(ANM_NFC, (anm_sv){text, len}))
                fail_msg("U+%04X combines, in U+%04X", (unsigned)parts[i], (unsigned)c);
        }
    }
}

static void certain_characters_are_their_own_nfc(void **state) {
    char text[8];
    anm_code_points points = {0};
    anm_strbuf out = {0};
    anm_error err;
    for (uint32_t c = 0; c < 0x110000; c++) {
        if (c >= 0xD800 && c < 0xE000) continue;
        anm_sv one = {text, anm_utf8_put(text, c)};
        if (!anm_form_is_certain(ANM_NFC, one)) continue;
        anm_strbuf_clear(&out);
        assert_ok(anm_form_append(ANM_NFC, &points, one, &out, &err), &err);
        if (!anm_sv_is(one, "") && !anm_sv_equal(one, (anm_sv){out.data, out.len}))
            fail_msg("U+%04X is not its own NFC", (unsigned)c);
        assert_int_equal(utf8proc_get_property((utf8proc_int32_t)c)->combining_class, 0);
    }
    anm_strbuf_free(&out);
    anm_vec_free(&points);
}

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* utf8proc orders marks on its own in utf8proc_map; short random texts must come out the same. */
static void forms_agree_with_utf8proc(void **state) {
    static const uint32_t some[] = {'a',    'e',    0xE9,   0x301,  0x323,  0x30A,  0x345,
                                    0x1100, 0x1161, 0x11A8, 0xAC00, 0x3099, 0x304B, 0xFB01,
                                    0x1E69, 0x2126, 0x5D0,  0x5B0,  0x5B8,  0x1D15E};
    static const int options[] = {UTF8PROC_COMPOSE, UTF8PROC_DECOMPOSE,
                                  UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
                                  UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT};
    uint32_t seed = 7;
    anm_code_points points = {0};
    anm_strbuf text = {0}, out = {0};
    anm_error err;
    for (int round = 0; round < 20000; round++) {
        utf8proc_uint8_t *expected;
        anm_strbuf_clear(&text);
        anm_strbuf_clear(&out);
        for (uint32_t n = next_random(&seed) % 40; n; n--)
            anm_utf8_append(&text, some[next_random(&seed) % (sizeof some / sizeof some[0])]);
        anm_sv all = {anm_strbuf_cstr(&text), text.len};
        int form = round % 4;
        assert_ok(anm_form_append((anm_unicode_form)form, &points, all, &out, &err), &err);
        utf8proc_ssize_t len =
            utf8proc_map((const utf8proc_uint8_t *)all.data, (utf8proc_ssize_t)all.len, &expected,
                         (utf8proc_option_t)(UTF8PROC_STABLE | options[form]));
        assert_int_equal(len, out.len);
        if (len) assert_memory_equal(expected, out.data, (size_t)len);
        free(expected);
    }
    anm_strbuf_free(&text);
    anm_strbuf_free(&out);
    anm_vec_free(&points);
}

/* --- Decoders ---------- */

static void decoders(void **state) {
    expect_decoded(NULL, "a|b|c", "a| b| c|");
    expect_decoded("{\"type\":\"ByteLevel\"}",
                   "\xC4\xA0"
                   "a|\xC3\x83|\xC2\xA9|<\xEF\xBD\x9Cx>",
                   " a||" E_ACUTE "|<\xEF\xBD\x9Cx>|");
    expect_decoded("{\"type\":\"Metaspace\",\"replacement\":\"" MARK "\"}", MARK "Hey|" MARK "you",
                   "Hey| you|");
    expect_decoded("{\"type\":\"Metaspace\",\"replacement\":\"" MARK
                   "\",\"prepend_scheme\":\"never\"}",
                   MARK "Hey|" MARK "you", " Hey| you|");
    expect_decoded("{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}",
                   "un|##able|.|do not|'s|'", "un|able|.| don't|'s| '|");
    expect_decoded("{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":false}", "un|##able|.",
                   "un|able| .|");
    expect_decoded("{\"type\":\"BPEDecoder\",\"suffix\":\"</w>\"}", "a</w>|b|c</w>", "|a |b|c");
    expect_decoded("{\"type\":\"ByteFallback\"}", "<0x41>|<0xC3>|<0xA9>|x|<0xC3>|y|<0xff>",
                   "|||A" E_ACUTE "x||" REPLACED "y||" REPLACED);
    expect_decoded("{\"type\":\"ByteFallback\"}", "<0x4>|<0xGG>|0x41|<0x041>",
                   "<0x4>|<0xGG>|0x41|<0x041>|");
    expect_decoded("{\"type\":\"Fuse\"}", "a|b", "a|b|");
    expect_decoded("{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"[0-9]+\"},\"content\":\"n\"}",
                   "a12b|3", "anb|n|");
    expect_decoded("{\"type\":\"Strip\",\"content\":\"-\",\"start\":1,\"stop\":1}", "--a--|-|b|--",
                   "-a-||b||");
    expect_decoded("{\"type\":\"Strip\",\"content\":\"-\",\"start\":0,\"stop\":2}", "a-|---|-b-",
                   "a|-|-b|");
}

/* Behind Fuse (or ByteLevel) there is one token, whose text comes in parts. */
static void decoders_behind_fuse(void **state) {
#define CHAIN(rest) "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"}," rest "]}"
    expect_decoded(CHAIN("{\"type\":\"Strip\",\"content\":\"-\",\"start\":2,\"stop\":0}"),
                   "-|-|-|a|-", "||-|a|-|");
    expect_decoded(CHAIN("{\"type\":\"Strip\",\"content\":\"-\",\"start\":0,\"stop\":2}"),
                   "a|-|-|-|-|b|-|-|-", "a|||-|-|--b|||-|");
    expect_decoded(CHAIN("{\"type\":\"Metaspace\",\"replacement\":\"_\"}"), "_a|_b", "a|b|");
    expect_decoded(
        CHAIN("{\"type\":\"Replace\",\"pattern\":{\"String\":\"ab\"},\"content\":\"c\"}"), "a|b|b",
        "|||cb");
    expect_decoded("{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteLevel\"},"
                   "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]}",
                   "\xC4\xA0|\xC4\xA0|a", "| |a|");
}

/* --- Regular expressions ---------- */

static void expect_match(const char *pattern, const char *text, long start, long end) {
    anm_regex *regex;
    anm_regex_scratch scratch = {0};
    bool found;
    size_t from = 0, to = 0;
    anm_error err;
    assert_ok(anm_regex_compile(anm_sv_from(pattern), "test", &regex, &err), &err);
    assert_ok(anm_regex_find(regex, &scratch, anm_sv_from(text), 0, &found, &from, &to, &err),
              &err);
    if (found != (start >= 0) || (found && ((long)from != start || (long)to != end)))
        fail_msg("%s in \"%s\": %s %zu to %zu", pattern, text, found ? "found" : "nothing", from,
                 to);
    anm_regex_scratch_free(&scratch);
    anm_regex_free(regex);
}

static void oniguruma_is_read_as_such(void **state) {
    expect_match("\\s", "\xE1\xA0\x8E", -1, -1); /* U+180E is no white space */
    expect_match("\\s+",
                 "a\xC2\x85\xE3\x80\x80"
                 "b",
                 1, 6);
    expect_match("[^\\s]+", "\xE1\xA0\x8E ", 0, 3);
    expect_match("\\S+", " ab ", 1, 3);
    expect_match("[\\S]+",
                 " \xE1\xA0\x8E"
                 "b ",
                 1, 5);
    expect_match("[^\\S\\n]+", "a \n", 1, 2);
    expect_match("\\w+", "-e\xCC\x81_1-", 1, 6); /* marks are word characters */
    expect_match("\\W+", "e\xCC\x81-", 3, 4);
    expect_match("\\bfoo\\b", "foo\xCC\x81 foo", 6, 9);
    expect_match("o\\B", "o oo", 2, 3);
    expect_match("\\h+", "xyzBEEF!", 3, 7);
    expect_match("[\\h]+", "xyzBEEF!", 3, 7);
    expect_match("\\H+", "aBxyz1", 2, 5);
    expect_match("\\p{Han}+", "\xE3\x80\x81\xE4\xB8\xAD", 3, 6); /* not by Script_Extensions */
    expect_match("\\p{^L}+", "ab12", 2, 4);
    expect_match("\\p{Lu}\\P{Lu}", "aBc", 1, 3);
    expect_match("a.b", "a\nb", -1, -1);
    expect_match("(?m:a.b)", "a\nb", 0, 3);
    expect_match("(?i:AB)", "xab", 1, 3);
    expect_match("^b$", "a\nb\nc", 2, 3);
    expect_match("\\u00e9", E_ACUTE, 0, 2);
    expect_match("a{b", "a{b", 0, 3);
    expect_match("ba{,2}", "xbaaa", 1, 4);
    expect_match("[]a]+", "xa]", 1, 3);
    expect_match("[[:digit:]]+", "a12", 1, 3);
    expect_match("(?<!a)b", "abb", 2, 3);
    expect_match("\\p{N}{1,3}", "1234", 0, 3);
}

static void patterns_without_counterpart_are_refused(void **state) {
    static const char *const bad[] = {"a{1,2}+", "[a&&b]",  "[a[b]]", "a\\K",  "(?R)",
                                      "(*FAIL)", "(a)\\g1", "\\",     "[\\W]", "(?<n>a)\\k<n>",
                                      "(?x",     "(",       "[a",     "\\u12", "\\p{Nope}",
                                      "a**b(",   "(?z:a)"};
    anm_regex *regex;
    anm_error err;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (anm_regex_compile(anm_sv_from(bad[i]), "here", &regex, &err) != ANM_ERROR_UNSUPPORTED)
            fail_msg("%s was taken", bad[i]);
        assert_null(regex);
        assert_string_equal(err.where, "here");
        assert_non_null(strstr(err.message, "regular expression"));
    }
}

static void endless_backtracking_ends(void **state) {
    char text[81];
    anm_regex *regex;
    anm_regex_scratch scratch = {0};
    anm_error err;
    bool found;
    size_t start, end;
    memset(text, 'a', 80);
    strcpy(text + 77, "dbc");
    assert_ok(anm_regex_compile(anm_sv_from("(?:a|a)+b|(?:a|aa)+c"), "test", &regex, &err), &err);
    assert_int_equal(
        anm_regex_find(regex, &scratch, anm_sv_from(text), 0, &found, &start, &end, &err),
        ANM_ERROR_LIMIT);
    assert_false(found);
    anm_regex_scratch_free(&scratch);
    anm_regex_free(regex);
}

/* --- Trie, byte alphabet, word cache ---------- */

static void trie_finds_leftmost_longest(void **state) {
    anm_trie trie;
    size_t start = 0, end = 0;
    int32_t value = -1;
    anm_trie_init(&trie);
    assert_false(anm_trie_find(&trie, anm_sv_from("abc"), 0, &start, &end, &value));
    assert_true(anm_trie_add(&trie, anm_sv_from("ab"), 1));
    assert_true(anm_trie_add(&trie, anm_sv_from("abcd"), 2));
    assert_true(anm_trie_add(&trie, anm_sv_from("bcx"), 3));
    assert_true(anm_trie_add(&trie, anm_sv_from("ab"), 4)); /* keeps its value */
    assert_true(anm_trie_find(&trie, anm_sv_from("zabcx"), 0, &start, &end, &value));
    assert_int_equal(start, 1);
    assert_int_equal(end, 3);
    assert_int_equal(value, 1);
    assert_true(anm_trie_find(&trie, anm_sv_from("zabcx"), 2, &start, &end, &value));
    assert_int_equal(value, 3);
    assert_true(anm_trie_find(&trie, anm_sv_from("abcd"), 0, &start, &end, &value));
    assert_int_equal(value, 2);
    assert_false(anm_trie_find(&trie, anm_sv_from("abc"), 1, &start, &end, &value));
    anm_trie_free(&trie);
}

static void byte_alphabet_round_trips(void **state) {
    bool used[0x144] = {false};
    for (int b = 0; b < 256; b++) {
        uint32_t c = anm_byte_to_char((unsigned char)b);
        assert_true(c < 0x144 && !used[c] && c != ' ' && c != 0xAD);
        used[c] = true;
        assert_int_equal(anm_char_to_byte(c), b);
    }
    assert_int_equal(anm_byte_to_char(' '), 0x120);
    assert_int_equal(anm_char_to_byte(0x144), -1);
    assert_int_equal(anm_char_to_byte(' '), -1);
}

static void word_cache_keeps_and_forgets(void **state) {
    enum { WORDS = 3 * ANM_WORDCACHE_ENTRIES };
    anm_wordcache cache = {0};
    char word[32];
    size_t count, kept = 0;
    for (int32_t i = 0; i < WORDS; i++) {
        int32_t ids[3] = {i, -i, 7};
        anm_sv key = {word, (size_t)snprintf(word, sizeof word, "%x", (unsigned)i * 2654435761u)};
        assert_null(anm_wordcache_find(&cache, key, &count));
        anm_wordcache_insert(&cache, key, ids, (size_t)(i % 4));
        const char *found = anm_wordcache_find(&cache, key, &count);
        assert_non_null(found);
        assert_int_equal(count, i % 4);
        if (count) assert_memory_equal(found, ids, 4 * count);
    }
    for (int32_t i = 0; i < WORDS; i++) {
        anm_sv key = {word, (size_t)snprintf(word, sizeof word, "%x", (unsigned)i * 2654435761u)};
        kept += anm_wordcache_find(&cache, key, &count) != NULL;
    }
    assert_true(kept > 0 && kept <= ANM_WORDCACHE_ENTRIES);
    anm_sv too_long = {"0123456789012345678901234567890123456789012345678901234567890", 61};
    anm_wordcache_insert(&cache, too_long, (const int32_t[]){1}, 1);
    assert_null(anm_wordcache_find(&cache, too_long, &count));
    anm_wordcache_free(&cache);
}

/* --- BPE against the definition ---------- */

typedef struct toy {
    anm_tokenizer *t;
    int merges[64][3]; /* left, right, result */
    int merge_count, tokens;
    char texts[80][256];
} toy;

/* Tokens 0 to 3 are letters; each further one joins two earlier ones. */
static void make_toy(toy *m, const char *letters, uint32_t seed) {
    anm_strbuf json = {0};
    anm_error err;
    m->merge_count = 0;
    for (m->tokens = 0; letters[m->tokens]; m->tokens++)
        snprintf(m->texts[m->tokens], sizeof m->texts[0], "%c", letters[m->tokens]);
    while (m->tokens < 40) {
        int a = (int)(next_random(&seed) % (uint32_t)m->tokens);
        int b = (int)(next_random(&seed) % (uint32_t)m->tokens), known = 0;
        char joined[512];
        snprintf(joined, sizeof joined, "%s%s", m->texts[a], m->texts[b]);
        if (strlen(joined) > 12) continue;
        while (known < m->tokens && strcmp(m->texts[known], joined) != 0) known++;
        bool again = false;
        for (int i = 0; i < m->merge_count; i++)
            again = again || (m->merges[i][0] == a && m->merges[i][1] == b);
        if (again || m->merge_count == 60) {
            if (m->merge_count == 60) break;
            continue;
        }
        if (known == m->tokens) strcpy(m->texts[m->tokens++], joined);
        int *merge = m->merges[m->merge_count++];
        merge[0] = a;
        merge[1] = b;
        merge[2] = known;
    }
    anm_strbuf_puts(&json, "{\"model\":{\"type\":\"BPE\",\"vocab\":{");
    for (int i = 0; i < m->tokens; i++)
        anm_strbuf_printf(&json, "%s\"%s\":%d", i ? "," : "", m->texts[i], i);
    anm_strbuf_puts(&json, "},\"merges\":[");
    for (int i = 0; i < m->merge_count; i++)
        anm_strbuf_printf(&json, "%s[\"%s\",\"%s\"]", i ? "," : "", m->texts[m->merges[i][0]],
                          m->texts[m->merges[i][1]]);
    anm_strbuf_puts(&json, "]}}");
    assert_ok(anm_tokenizer_open_text((anm_sv){json.data, json.len}, "toy", &m->t, &err), &err);
    anm_strbuf_free(&json);
}

static size_t merge_naively(const toy *m, int32_t *ids, size_t n) {
    for (;;) {
        int best = m->merge_count;
        size_t at = 0;
        for (size_t i = 0; i + 1 < n; i++)
            for (int k = 0; k < best; k++)
                if (m->merges[k][0] == ids[i] && m->merges[k][1] == ids[i + 1]) {
                    best = k;
                    at = i;
                }
        if (best == m->merge_count) return n;
        ids[at] = m->merges[best][2];
        n--;
        memmove(ids + at + 1, ids + at + 2, (n - at - 1) * sizeof *ids);
    }
}

static void merges_follow_the_definition(void **state) {
    static toy m;
    anm_token_list got = {0};
    anm_error err;
    char text[256];
    int32_t ids[256];
    uint32_t seed = 99;
    for (uint32_t round = 0; round < 1500; round++) {
        if (round % 50 == 0) {
            if (round) anm_tokenizer_close(m.t);
            make_toy(&m, "abcd", round + 1);
        }
        size_t len = next_random(&seed) % (round % 3 ? 60 : 250);
        uint32_t letters = 1 + next_random(&seed) % 4;
        for (size_t i = 0; i < len; i++) {
            ids[i] = (int32_t)(next_random(&seed) % letters);
            text[i] = "abcd"[ids[i]];
        }
        size_t n = merge_naively(&m, ids, len);
        assert_ok(anm_tokenizer_encode(m.t, text, len, NULL, &got, &err), &err);
        assert_int_equal(got.len, n);
        if (n) assert_memory_equal(got.ids, ids, n * sizeof *ids);
    }
    anm_tokenizer_close(m.t);
    anm_token_list_free(&got);
}

/* Cutting a text at U+2581 must not change its ids. */
static void cutting_at_metaspace_changes_nothing(void **state) {
    static const char *const parts[] = {" ",  "  ",  "hello", "world", "or", "held",
                                        "\n", "zzz", MARK,    E_ACUTE, "<",  "\xF0\x9F\x98\x80"};
    char path[1024];
    anm_tokenizer *cut, *whole;
    anm_token_list a = {0}, b = {0};
    anm_strbuf text = {0};
    anm_error err;
    uint32_t seed = 5;
    snprintf(path, sizeof path, "%s/tokenizer/spm.json", ANM_TEST_DATA);
    assert_ok(anm_tokenizer_open(path, &cut, &err), &err);
    assert_ok(anm_tokenizer_open(path, &whole, &err), &err);
    assert_true(cut->model.bpe.cut_at_metaspace);
    whole->model.bpe.cut_at_metaspace = false;
    for (int round = 0; round < 2000; round++) {
        anm_strbuf_clear(&text);
        for (uint32_t n = next_random(&seed) % 30; n; n--)
            anm_strbuf_puts(&text, parts[next_random(&seed) % (sizeof parts / sizeof parts[0])]);
        assert_ok(anm_tokenizer_encode(cut, text.data, text.len, NULL, &a, &err), &err);
        assert_ok(anm_tokenizer_encode(whole, text.data, text.len, NULL, &b, &err), &err);
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.ids, b.ids, a.len * sizeof *a.ids);
    }
    anm_strbuf_free(&text);
    anm_token_list_free(&a);
    anm_token_list_free(&b);
    anm_tokenizer_close(cut);
    anm_tokenizer_close(whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_behaviors),
        cmocka_unit_test(empty_matches_cut_between_characters),
        cmocka_unit_test(byte_level_pre_tokenizer),
        cmocka_unit_test(metaspace_pre_tokenizer),
        cmocka_unit_test(other_pre_tokenizers),
        cmocka_unit_test(normal_forms),
        cmocka_unit_test(other_normalizers),
        cmocka_unit_test(bert_normalizer),
        cmocka_unit_test(certain_characters_never_combine_with_one_before),
        cmocka_unit_test(certain_characters_are_their_own_nfc),
        cmocka_unit_test(forms_agree_with_utf8proc),
        cmocka_unit_test(decoders),
        cmocka_unit_test(decoders_behind_fuse),
        cmocka_unit_test(oniguruma_is_read_as_such),
        cmocka_unit_test(patterns_without_counterpart_are_refused),
        cmocka_unit_test(endless_backtracking_ends),
        cmocka_unit_test(trie_finds_leftmost_longest),
        cmocka_unit_test(byte_alphabet_round_trips),
        cmocka_unit_test(word_cache_keeps_and_forgets),
        cmocka_unit_test(merges_follow_the_definition),
        cmocka_unit_test(cutting_at_metaspace_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
