/* SPDX-License-Identifier: MIT */
/*
 * GBNF and masks. Random small grammars are held against languages computed as sets of texts:
 * a token is allowed exactly if some text of the language goes on that way.
 */
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "anemone/grammar.h"
#include "src/base/alloc.h"
#include "src/base/str.h"
#include "src/hf/tok_unicode.h"
#include "tests/unit/tiny_vocab.h"

static uint64_t random_state = 1;

static unsigned pick(unsigned below) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % below;
}

/* --- reading the notation --- */

static anm_grammar *read_grammar(const char *text) {
    anm_grammar *grammar;
    anm_error err;
    assert_ok(anm_grammar_parse(text, strlen(text), NULL, &grammar, &err), &err);
    return grammar;
}

static anm_tokenizer *bytes;

static int make_bytes(void **state) {
    bytes = byte_vocab();
    return 0;
}

static int drop_bytes(void **state) {
    anm_tokenizer_close(bytes);
    return 0;
}

static const int32_t stop_byte = 256;

/* 0: no text of the grammar begins so; 1: one does; 2: it is one. */
static int matches_grammar(const anm_grammar *grammar, const char *text, size_t len) {
    anm_constraint *c;
    anm_error err;
    int result = 1;
    assert_ok(anm_constraint_create(grammar, bytes, &stop_byte, 1, &c, &err), &err);
    for (size_t i = 0; i < len && result; i++)
        if (anm_constraint_accept(c, (unsigned char)text[i], &err) != ANM_OK) result = 0;
    if (result && anm_constraint_complete(c)) result = 2;
    anm_constraint_destroy(c);
    return result;
}

static int matches(const char *grammar_text, const char *text) {
    anm_grammar *grammar = read_grammar(grammar_text);
    int result = matches_grammar(grammar, text, strlen(text));
    anm_grammar_destroy(grammar);
    return result;
}

static void test_notation(void **state) {
    assert_int_equal(matches("root ::= \"a\" | \"bc\"", "a"), 2);
    assert_int_equal(matches("root ::= \"a\" | \"bc\"", "b"), 1);
    assert_int_equal(matches("root ::= \"a\" | \"bc\"", "c"), 0);
    assert_int_equal(matches("root ::= [a-c]+ # letters\n\n# end", "abcab"), 2);
    assert_int_equal(matches("root ::= [^a-c\\n]*", "xyz"), 2);
    assert_int_equal(matches("root ::= [^a-c\\n]*", "xb"), 0);
    assert_int_equal(matches("root ::= [a\\-\\]^]{3}", "-]^"), 2);
    assert_int_equal(matches("root ::= x{2,3}\nx ::= \"ab\"?", ""), 2);
    assert_int_equal(matches("root ::= \"a\"{2,3} \"b\"{2,} \"c\"{,1}", "aaabb"), 2);
    assert_int_equal(matches("root ::= \"a\"{2,3} \"b\"{2,} \"c\"{,1}", "aaaa"), 0);
    assert_int_equal(matches("root ::= \"a\"{2,3} \"b\"{2,} \"c\"{,1}", "aabcc"), 0);
    assert_int_equal(matches("root ::= (\n  \"a\" |\n \"b\" # more\n )* \"!\"", "abba!"), 2);
    assert_int_equal(matches("root ::= a-b\n  | c_d\na-b ::= \"1\"\nc_d ::= \"2\"", "2"), 2);
    assert_int_equal(matches("root ::=\n \"\\x41\\u00e9\\U0001F600\\\"\\\\\\t\"",
                             "A\xC3\xA9\xF0\x9F\x98\x80\"\\\t"),
                     2);
    assert_int_equal(matches("root ::= .", "\xE2\x82"), 1);
    assert_int_equal(matches("root ::= .", "\xE2\x82\xAC"), 2);
    assert_int_equal(matches("root ::= .", "\xED\xA0"), 0); /* a surrogate */
    assert_int_equal(matches("root ::= \"a\" | x\nx ::= \"b\" x", "b"), 0); /* never ends */
    assert_int_equal(matches("root ::= \"\"", ""), 2);
}

static void expect_refused(const char *text, anm_status status, uint64_t offset,
                           const char *message) {
    anm_grammar *grammar = (anm_grammar *)1;
    anm_error err;
    anm_status got = anm_grammar_parse(text, strlen(text), "g.gbnf", &grammar, &err);
    if (got != status || err.offset != offset || !strstr(err.message, message))
        fail_msg("%s: status %d at %llu: %s", text, got, (unsigned long long)err.offset,
                 err.message);
    assert_null(grammar);
}

static void test_refused(void **state) {
    const anm_status format = ANM_ERROR_FORMAT;
    expect_refused("", format, ANM_NO_OFFSET, "no rule \"root\"");
    expect_refused("root ::= a\nb ::= \"x\"", format, 9,
                   "line 1, column 10: there is no rule \"a\"");
    expect_refused("root ::= \"a\nx\"", format, 11, "line 1, column 12: the line ends within");
    expect_refused("root ::= \"a", format, 11, "the text ends within quotes");
    expect_refused("root ::= [a", format, 11, "the text ends within quotes or brackets");
    expect_refused("root ::= (\"a\"\n", format, 14, "line 2, column 1: expected \")\"");
    expect_refused("root = \"a\"", format, 5, "expected \"::=\"");
    expect_refused("root ::= \"a\" )", format, 13, "expected a part of the rule");
    expect_refused("root ::= \"\\q\"", format, 10, "unknown escape \"\\q\"");
    expect_refused("root ::= \"\\x4\"", format, 12, "expected 2 hexadecimal digits");
    expect_refused("root ::= \"\\uD800\"", format, 12, "U+D800 is not a character");
    expect_refused("root ::= \"\xFF\"", format, 10, "this is not UTF-8");
    expect_refused("root ::= [b-a]", format, 10, "ends before it begins");
    expect_refused("root ::= \"a\"{3,2}", format, 12, "the most is less than the least");
    expect_refused("root ::= \"a\"{9999999}", format, 13, "more than 100000 repetitions");
    expect_refused("root ::= \"a\"\nroot ::= \"b\"", format, 13, "defined twice");
    expect_refused("\xC3\xA9 ::= \"a\"", format, 0, "expected a rule's name");
    expect_refused("# x\nroot ::= root \"a\" | \"b\"", format, 4, "line 2, column 1: the rule "
                   "\"root\" is left recursive");
    expect_refused("root ::= a\na ::= b? c\nb ::= \"x\"\nc ::= a \"y\" | \"z\"", format, 11,
                   "left recursive");
    expect_refused("root ::= \"a\" root", format, ANM_NO_OFFSET, "no text matches");
    expect_refused("root ::= []", format, ANM_NO_OFFSET, "no text matches");
    expect_refused("root ::= (\"a\"{1000}){1000}", ANM_ERROR_LIMIT, ANM_NO_OFFSET, "too large");
    expect_refused("root ::= (\"a\"?){100000}{100000}{100000}", ANM_ERROR_LIMIT, ANM_NO_OFFSET,
                   "too large");
}

static void test_nesting_is_bounded(void **state) {
    char text[2048] = "root ::= ";
    memset(text + 9, '(', 1500);
    text[1509] = '\0';
    expect_refused(text, ANM_ERROR_FORMAT, 209, "groups nest too deeply");
    memcpy(text + 9, "\"a\"", 3);
    memset(text + 12, '*', 1500);
    expect_refused(text, ANM_ERROR_FORMAT, 213, "repetitions nest too deeply");
}

/* A class in UTF-8 takes the characters in it and no others, at and around every edge. */
static void check_range(uint32_t first, uint32_t last) {
    char text[64], utf8[4];
    snprintf(text, sizeof text, "root ::= [\\U%08X-\\U%08X]", first, last);
    anm_grammar *grammar = read_grammar(text);
    uint32_t probes[] = {first, last, first + 1, last - 1, first - 1, last + 1, 0x7F, 0x80, 0x7FF,
                         0x800, 0xFFFF, 0x10000, 0x10FFFF, (first + last) / 2, pick(0x110000)};
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        uint32_t c = probes[i];
        if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) continue;
        int expected = c >= first && c <= last ? 2 : 0, got;
        got = matches_grammar(grammar, utf8, anm_utf8_put(utf8, c));
        if (got == 1) got = 0;
        if (got != expected) fail_msg("U+%X in U+%X to U+%X: %d", c, first, last, got);
    }
    anm_grammar_destroy(grammar);
}

static void test_utf8_ranges(void **state) {
    static const uint32_t edges[] = {0, 0x7F, 0x80, 0xBF, 0xC0, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF,
                                     0xE000, 0xFFFF, 0x10000, 0x3FFFF, 0x40000, 0x10FFFF};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        for (size_t j = i; j < sizeof edges / sizeof *edges; j++) check_range(edges[i], edges[j]);
    for (int i = 0; i < 300; i++) {
        uint32_t a = pick(0xD800), b = pick(0xD800);
        check_range(a < b ? a : b, a < b ? b : a);
    }
}

/* --- the oracle: languages as sets of texts over a, b, c of at most LONGEST letters --- */

enum { LONGEST = 6, TEXTS = 1093, RULES = 4 }; /* TEXTS: 1 + 3 + ... + 3^6 */

typedef struct language {
    bool whole[TEXTS];  /* the text is in it */
    bool prefix[TEXTS]; /* a text in it, of any length, begins so */
} language;

typedef enum shape_kind { LETTER, EMPTY, RULE, SEQ, ALT, STAR, MAYBE, TWICE } shape_kind;

typedef struct shape {
    shape_kind kind;
    unsigned value; /* letter or rule */
    struct shape *left, *right;
} shape;

static shape *random_shape(int depth) {
    shape *s = calloc(1, sizeof *s);
    s->kind = depth ? (shape_kind)pick(8) : (shape_kind)pick(3);
    if (s->kind == EMPTY && pick(2)) s->kind = LETTER;
    s->value = s->kind == RULE ? pick(RULES) : pick(3);
    if (s->kind >= SEQ) s->left = random_shape(depth - 1);
    if (s->kind == SEQ || s->kind == ALT) s->right = random_shape(depth - 1);
    return s;
}

static void drop_shape(shape *s) {
    if (!s) return;
    drop_shape(s->left);
    drop_shape(s->right);
    free(s);
}

static void print_shape(const shape *s, anm_strbuf *out) {
    static const char *const ends[] = {[STAR] = ")*", [MAYBE] = ")?", [TWICE] = "){1,2}"};
    switch (s->kind) {
    case LETTER: anm_strbuf_printf(out, "\"%c\"", 'a' + (int)s->value); return;
    case EMPTY: anm_strbuf_puts(out, "\"\""); return;
    case RULE: anm_strbuf_printf(out, s->value ? "r%u" : "root", s->value); return;
    default: break;
    }
    anm_strbuf_putc(out, '(');
    print_shape(s->left, out);
    if (s->right) {
        anm_strbuf_puts(out, s->kind == ALT ? " | " : " ");
        print_shape(s->right, out);
    }
    anm_strbuf_puts(out, s->right ? ")" : ends[s->kind]);
}

/* Texts are numbered by length, then by letters; text 0 is empty. */
static size_t length_of[TEXTS], joined[TEXTS][TEXTS];

static void text_of(size_t number, char out[LONGEST + 1]) {
    size_t len = length_of[number];
    out[len] = '\0';
    for (; len; number = (number - 1) / 3) out[--len] = (char)('a' + (number - 1) % 3);
}

static void make_tables(void) {
    size_t power[LONGEST + 1] = {1};
    for (int i = 1; i <= LONGEST; i++) power[i] = power[i - 1] * 3;
    for (size_t i = 1; i < TEXTS; i++) length_of[i] = length_of[(i - 1) / 3] + 1;
    for (size_t i = 0; i < TEXTS; i++)
        for (size_t j = 0; j < TEXTS; j++)
            joined[i][j] = length_of[i] + length_of[j] > LONGEST
                               ? TEXTS
                               : i * power[length_of[j]] + j;
}

/* `productive[rule]`: whether it has any text at all, however long. */
static bool has_text(const shape *s, const bool *productive) {
    switch (s->kind) {
    case RULE: return productive[s->value];
    case SEQ: return has_text(s->left, productive) && has_text(s->right, productive);
    case ALT: return has_text(s->left, productive) || has_text(s->right, productive);
    case TWICE: return has_text(s->left, productive);
    default: return true;
    }
}

static void join(const language *a, const language *b, bool b_has_text, language *out) {
    for (size_t i = 0; i < TEXTS; i++) {
        if (a->prefix[i] && b_has_text) out->prefix[i] = true;
        if (!a->whole[i]) continue;
        for (size_t j = 0; j < TEXTS && joined[i][j] < TEXTS; j++) {
            if (b->whole[j]) out->whole[joined[i][j]] = true;
            if (b->prefix[j]) out->prefix[joined[i][j]] = true;
        }
    }
}

static void add(const language *from, language *to) {
    for (size_t i = 0; i < TEXTS; i++) {
        to->whole[i] |= from->whole[i];
        to->prefix[i] |= from->prefix[i];
    }
}

static void add_empty(language *to) {
    to->whole[0] = to->prefix[0] = true;
}

static void speak(const shape *s, const language *rules, const bool *productive, language *out);

static void speak_star(const language *item, language *out) {
    add_empty(out);
    for (bool changed = true; changed;) {
        language more = {{0}, {0}};
        join(out, item, true, &more);
        add(out, &more);
        changed = memcmp(out, &more, sizeof more) != 0;
        *out = more;
    }
}

static void speak(const shape *s, const language *rules, const bool *productive, language *out) {
    language *left = calloc(2, sizeof *left), *right = left + 1;
    if (s->left) speak(s->left, rules, productive, left);
    if (s->right) speak(s->right, rules, productive, right);
    switch (s->kind) {
    case LETTER:
        out->whole[1 + s->value] = out->prefix[1 + s->value] = out->prefix[0] = true;
        break;
    case EMPTY: add_empty(out); break;
    case RULE: add(&rules[s->value], out); break;
    case SEQ:
        if (has_text(s->left, productive))
            join(left, right, has_text(s->right, productive), out);
        break;
    case ALT: add(left, out); add(right, out); break;
    case MAYBE: add(left, out); add_empty(out); break;
    case STAR: speak_star(left, out); break;
    case TWICE: add(left, out); join(left, left, true, out); break;
    }
    free(left);
}

static void find_productive(shape *const *bodies, bool *productive) {
    for (int round = 0; round <= RULES; round++)
        for (int i = 0; i < RULES; i++) productive[i] |= has_text(bodies[i], productive);
}

/* The smallest languages that fulfil all rules. */
static void solve(shape *const *bodies, const bool *productive, language *rules) {
    for (bool changed = true; changed;) {
        changed = false;
        for (int i = 0; i < RULES; i++) {
            language next = {{0}, {0}};
            if (!productive[i]) continue;
            speak(bodies[i], rules, productive, &next);
            changed |= memcmp(&next, &rules[i], sizeof next) != 0;
            rules[i] = next;
        }
    }
}

enum { VOCAB = 39 }; /* all texts of one to three letters */

static anm_tokenizer *letters(void) {
    static char texts[VOCAB][LONGEST + 1];
    anm_sv tokens[VOCAB];
    for (size_t i = 0; i < VOCAB; i++) {
        text_of(i + 1, texts[i]);
        tokens[i] = anm_sv_from(texts[i]);
    }
    return tiny_vocab(tokens, VOCAB);
}

/* The masks behind every prefix of up to three letters, reached by single letters. */
static void check_masks(anm_constraint *c, const language *root, const char *grammar) {
    anm_error err;
    for (size_t p = 0; p <= VOCAB; p++) {
        char text[LONGEST + 1];
        float logits[VOCAB + 3] = {0};
        text_of(p, text);
        anm_constraint_reset(c);
        if (!root->prefix[p]) continue;
        for (const char *l = text; *l; l++)
            assert_ok(anm_constraint_accept(c, *l - 'a', &err), &err);
        assert_int_equal(anm_constraint_complete(c), root->whole[p]);
        assert_ok(anm_constraint_mask(c, logits, VOCAB + 3, &err), &err);
        for (int32_t t = 0; t < VOCAB; t++) {
            bool expected = root->prefix[joined[p][t + 1]];
            if ((logits[t] == 0) != expected || anm_constraint_allows(c, t) != expected)
                fail_msg("%s\nbehind \"%s\", token %d: %s", grammar, text, t,
                         expected ? "refused" : "allowed");
        }
        assert_int_equal(logits[VOCAB] == 0, root->whole[p]);
        assert_true(logits[VOCAB + 1] == -INFINITY);
    }
}

static bool check_random(const anm_tokenizer *tokenizer) {
    const int32_t stop = VOCAB;
    shape *bodies[RULES];
    bool productive[RULES] = {false};
    anm_strbuf text = {0};
    anm_grammar *grammar;
    anm_error err;
    for (int i = 0; i < RULES; i++) {
        bodies[i] = random_shape(3);
        anm_strbuf_printf(&text, i ? "r%d ::= " : "root ::= ", i);
        print_shape(bodies[i], &text);
        anm_strbuf_putc(&text, '\n');
    }
    find_productive(bodies, productive);
    anm_status status = anm_grammar_parse(text.data, text.len, NULL, &grammar, &err);
    if (status == ANM_OK) {
        static language rules[RULES];
        anm_constraint *c;
        memset(rules, 0, sizeof rules);
        assert_true(productive[0]);
        solve(bodies, productive, rules);
        assert_ok(anm_constraint_create(grammar, tokenizer, &stop, 1, &c, &err), &err);
        check_masks(c, &rules[0], text.data);
        anm_constraint_destroy(c);
    } else {
        assert_int_equal(status, ANM_ERROR_FORMAT);
        if (!strstr(err.message, "left recursive")) {
            assert_non_null(strstr(err.message, "no text matches"));
            assert_false(productive[0]);
        }
    }
    anm_grammar_destroy(grammar);
    anm_strbuf_free(&text);
    for (int i = 0; i < RULES; i++) drop_shape(bodies[i]);
    return status == ANM_OK;
}

static void test_random_grammars(void **state) {
    make_tables();
    anm_tokenizer *tokenizer = letters();
    int checked = 0;
    for (int i = 0; i < 2000 && checked < 250; i++) checked += check_random(tokenizer);
    assert_true(checked >= 250);
    anm_tokenizer_close(tokenizer);
}

/* --- running --- */

/* 2^n stacks after n letters; one place per letter with shared frames. */
static void test_ambiguous(void **state) {
    anm_grammar *grammar = read_grammar("root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"d\"");
    anm_constraint *c;
    anm_error err;
    assert_ok(anm_constraint_create(grammar, bytes, &stop_byte, 1, &c, &err), &err);
    for (int i = 0; i < 3000; i++) assert_ok(anm_constraint_accept(c, 'a', &err), &err);
    assert_ok(anm_constraint_accept(c, 'd', &err), &err);
    for (int i = 0; i < 3000; i++)
        assert_ok(anm_constraint_accept(c, i % 3 ? 'b' : 'c', &err), &err);
    assert_true(anm_constraint_finished(c));
    anm_constraint_destroy(c);
    anm_grammar_destroy(grammar);
}

/* Each count is a state of its own: they are forgotten on the way, with the nesting kept. */
static void test_forgetting(void **state) {
    anm_grammar *grammar = read_grammar("root ::= \"[\" (root | [a-z]{0,90000}) \"]\"");
    anm_constraint *c;
    anm_error err;
    float logits[257];
    assert_ok(anm_constraint_create(grammar, bytes, &stop_byte, 1, &c, &err), &err);
    for (int i = 0; i < 50; i++) assert_ok(anm_constraint_accept(c, '[', &err), &err);
    for (int i = 0; i < 80000; i++) {
        memset(logits, 0, sizeof logits);
        if (i % 500 == 0) assert_ok(anm_constraint_mask(c, logits, 257, &err), &err);
        assert_true(logits['x'] == 0);
        assert_ok(anm_constraint_accept(c, 'x', &err), &err);
    }
    for (int i = 0; i < 50; i++) {
        assert_false(anm_constraint_complete(c));
        assert_ok(anm_constraint_accept(c, ']', &err), &err);
    }
    assert_true(anm_constraint_finished(c));
    anm_constraint_destroy(c);
    anm_grammar_destroy(grammar);
}

static void test_accept_refuses(void **state) {
    anm_grammar *grammar = read_grammar("root ::= \"ab\"");
    anm_constraint *c;
    anm_error err;
    float logits[257] = {0};
    assert_ok(anm_constraint_create(grammar, bytes, NULL, 0, &c, &err), &err);
    assert_int_equal(anm_constraint_accept(c, 'b', &err), ANM_ERROR_ARGUMENT);
    assert_int_equal(anm_constraint_accept(c, 256, &err), ANM_ERROR_ARGUMENT);
    assert_int_equal(anm_constraint_accept(c, -1, &err), ANM_ERROR_ARGUMENT);
    assert_int_equal(anm_constraint_accept(c, 100000, &err), ANM_ERROR_ARGUMENT);
    assert_ok(anm_constraint_accept(c, 'a', &err), &err);
    assert_ok(anm_constraint_accept(c, 'b', &err), &err);
    assert_true(anm_constraint_finished(c));
    assert_int_equal(anm_constraint_mask(c, logits, 257, &err), ANM_ERROR_MISMATCH);
    anm_constraint_reset(c);
    assert_true(anm_constraint_allows(c, 'a'));
    anm_constraint_destroy(c);
    anm_grammar_destroy(grammar);
}

/* A model that reasons first: anything up to the mark, wherever tokens end, then the grammar. */
static void test_begin_after(void **state) {
    anm_grammar *grammar = read_grammar("root ::= \"yes\" | \"no\"");
    anm_constraint *c;
    anm_error err;
    assert_ok(anm_constraint_create(grammar, bytes, &stop_byte, 1, &c, &err), &err);
    assert_ok(anm_constraint_begin_after(c, "</t>", &err), &err);
    for (int round = 0; round < 2; round++) {
        float logits[257] = {0};
        anm_constraint_reset(c);
        assert_ok(anm_constraint_mask(c, logits, 257, &err), &err);
        assert_true(logits[256] == -INFINITY && logits['q'] == 0);
        for (const char *text = "yes</</t>"; *text; text++) {
            assert_false(anm_constraint_complete(c));
            assert_false(anm_constraint_allows(c, 256));
            assert_true(anm_constraint_allows(c, 'q'));
            assert_int_equal(anm_constraint_accept(c, 256, &err), ANM_ERROR_ARGUMENT);
            assert_ok(anm_constraint_accept(c, *text, &err), &err);
        }
        memset(logits, 0, sizeof logits);
        assert_ok(anm_constraint_mask(c, logits, 257, &err), &err);
        assert_true(logits['n'] == 0 && logits['q'] == -INFINITY);
        assert_ok(anm_constraint_accept(c, 'n', &err), &err);
        assert_ok(anm_constraint_accept(c, 'o', &err), &err);
        assert_true(anm_constraint_finished(c));
    }
    assert_ok(anm_constraint_begin_after(c, NULL, &err), &err);
    assert_false(anm_constraint_allows(c, 'q'));
    anm_constraint_destroy(c);
    /* A mark and more in one token. */
    static const anm_sv tokens[] = {{"a</t>\ny", 7}, {"es", 2}, {"</t>x", 5}};
    anm_tokenizer *tokenizer = tiny_vocab(tokens, 3);
    assert_ok(anm_constraint_create(grammar, tokenizer, NULL, 0, &c, &err), &err);
    assert_ok(anm_constraint_begin_after(c, "</t>", &err), &err);
    assert_int_equal(anm_constraint_accept(c, 2, &err), ANM_ERROR_ARGUMENT);
    anm_constraint_reset(c);
    assert_ok(anm_constraint_accept(c, 0, &err), &err);
    assert_ok(anm_constraint_accept(c, 1, &err), &err);
    assert_true(anm_constraint_finished(c));
    anm_constraint_destroy(c);
    anm_tokenizer_close(tokenizer);
    anm_grammar_destroy(grammar);
}

/* --- a real vocabulary --- */

/* Every token's bytes, put together, are the text that the decoder gives. */
static void check_walk(const char *folder, const char *text) {
    anm_tokenizer *tokenizer;
    anm_token_list ids = {0};
    anm_constraint *c;
    anm_error err;
    float *logits;
    anm_grammar *grammar;
    assert_ok(anm_tokenizer_open(fixture_path(folder), &tokenizer, &err), &err);
    assert_ok(anm_grammar_json(true, &grammar, &err), &err);
    size_t vocab = (size_t)anm_tokenizer_vocab_size(tokenizer);
    logits = anm_malloc(vocab * sizeof *logits);
    anm_encode_options options;
    anm_encode_options_init(&options);
    options.add_special_tokens = false;
    assert_ok(anm_tokenizer_encode(tokenizer, text, strlen(text), &options, &ids, &err), &err);
    assert_ok(anm_constraint_create(grammar, tokenizer, NULL, 0, &c, &err), &err);
    for (size_t i = 0; i < ids.len; i++) {
        memset(logits, 0, vocab * sizeof *logits);
        assert_ok(anm_constraint_mask(c, logits, vocab, &err), &err);
        if (logits[ids.ids[i]] != 0) fail_msg("%s: token %zu of the text is refused", folder, i);
        for (int32_t t = 0; t < (int32_t)vocab; t += 97)
            assert_int_equal(logits[t] == 0, anm_constraint_allows(c, t));
        assert_ok(anm_constraint_accept(c, ids.ids[i], &err), &err);
    }
    assert_true(anm_constraint_complete(c));
    anm_constraint_destroy(c);
    anm_token_list_free(&ids);
    anm_tokenizer_close(tokenizer);
    anm_grammar_destroy(grammar);
    anm_free(logits);
}

static void test_real_vocabularies(void **state) {
    const char *text = "{\"name\": \"Zo\xC3\xAB \xF0\x9F\xA6\x91 \\u00e9\", \"list\": [1, -2.5e3, "
                       "true, null, {}],\n  \"nested\": {\"\xE6\xB0\xB4\": [[]]}}";
    check_walk("tokenizers/qwen3", text);
    check_walk("tokenizers/llama3.2-instruct", text);
    check_walk("tokenizers/tinyllama", text);
    check_walk("tokenizers/gpt2", text);
}

static void test_no_bytes(void **state) {
    anm_tokenizer *tokenizer;
    anm_grammar *grammar;
    anm_constraint *c;
    anm_error err;
    assert_ok(anm_grammar_json(false, &grammar, &err), &err);
    assert_ok(anm_tokenizer_open(ANM_TEST_DATA "/tokenizer/wordpiece.json", &tokenizer, &err),
              &err);
    assert_int_equal(anm_constraint_create(grammar, tokenizer, NULL, 0, &c, &err),
                     ANM_ERROR_UNSUPPORTED);
    assert_null(c);
    anm_tokenizer_close(tokenizer);
    anm_grammar_destroy(grammar);
}

/* --- damaged notation: any outcome but a crash, a leak or a long wait --- */

static const char *const seeds[] = {
    "root ::= \"a\" | x* [b-d]{2,5} (\"e\" root \"f\")?\nx ::= [^\\x00-\\x20\\u00ff] | . # c\n",
    "root ::= (\"a\"{3}){4} y+\ny ::= z | \"\\n\\t\\\"\"\nz ::= [a-zA-Z_\\-]",
};

static void test_mutated(void **state) {
    static const char parts[] = "\"'()[]{}*+?|:=#^-,\\nrootxy 09\n";
    clock_t start = clock();
    for (int i = 0; i < 20000; i++) {
        char text[160];
        anm_grammar *grammar;
        anm_error err;
        size_t len = strlen(strcpy(text, seeds[pick(2)]));
        for (unsigned edits = 1 + pick(4); edits > 0; edits--) {
            size_t at = pick((unsigned)len);
            if (pick(3)) {
                text[at] = parts[pick(sizeof parts - 1)];
            } else {
                size_t cut = at + pick((unsigned)(len - at));
                memmove(text + at, text + cut, len - cut);
                len -= cut - at;
            }
            if (!len) break;
        }
        if (anm_grammar_parse(text, len, NULL, &grammar, &err) != ANM_OK) assert_null(grammar);
        if (grammar) matches_grammar(grammar, "aabbcc", 6);
        anm_grammar_destroy(grammar);
    }
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 120);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notation),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nesting_is_bounded),
        cmocka_unit_test(test_utf8_ranges),
        cmocka_unit_test(test_random_grammars),
        cmocka_unit_test(test_ambiguous),
        cmocka_unit_test(test_forgetting),
        cmocka_unit_test(test_accept_refuses),
        cmocka_unit_test(test_begin_after),
        cmocka_unit_test(test_no_bytes),
        cmocka_unit_test(test_mutated),
        cmocka_unit_test(test_real_vocabularies),
    };
    return cmocka_run_group_tests(tests, make_bytes, drop_bytes);
}
