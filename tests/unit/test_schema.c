/* SPDX-License-Identifier: MIT */
/*
 * JSON schemas as grammars: texts that must and must not match, random texts held against a
 * validator of their own, refusals with their JSON pointers, damaged schemas.
 */
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>

#include "anemone/grammar.h"
#include "src/base/json.h"
#include "src/base/str.h"
#include "src/hf/tok_unicode.h"
#include "tests/unit/tiny_vocab.h"

static anm_tokenizer *bytes;
static const int32_t stop_byte = 256;
static uint64_t random_state = 3;

static unsigned pick(unsigned below) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % below;
}

static int make_bytes(void **state) {
    bytes = byte_vocab();
    return 0;
}

static int drop_bytes(void **state) {
    anm_tokenizer_close(bytes);
    return 0;
}

/* Schemas are written with ' for ". */
static anm_strbuf quoted(const char *text) {
    anm_strbuf out = {0};
    for (; *text; text++) anm_strbuf_putc(&out, *text == '\'' ? '"' : *text);
    return out;
}

static anm_constraint *open_schema(const char *schema, anm_grammar **grammar) {
    anm_constraint *c;
    anm_error err;
    anm_strbuf text = quoted(schema);
    assert_ok(anm_grammar_from_json_schema(text.data, text.len, NULL, grammar, &err), &err);
    assert_ok(anm_constraint_create(*grammar, bytes, &stop_byte, 1, &c, &err), &err);
    anm_strbuf_free(&text);
    return c;
}

static bool takes(anm_constraint *c, const char *text) {
    anm_error err;
    anm_constraint_reset(c);
    for (; *text; text++)
        if (anm_constraint_accept(c, (unsigned char)*text, &err) != ANM_OK) return false;
    return anm_constraint_complete(c);
}

/* `good` and `bad` are texts with ' for ", divided by newlines. */
static void expect(const char *schema, const char *good, const char *bad) {
    anm_grammar *grammar;
    anm_constraint *c = open_schema(schema, &grammar);
    for (int side = 0; side < 2; side++) {
        anm_strbuf texts = quoted(side ? bad : good);
        char *rest = texts.data;
        for (char *one; texts.len && (one = strsep(&rest, "\n"));)
            if (takes(c, one) == (side != 0))
                fail_msg("%s: %s %s", schema, one, side ? "is taken" : "is refused");
        anm_strbuf_free(&texts);
    }
    anm_constraint_destroy(c);
    anm_grammar_destroy(grammar);
}

static void test_scalars(void **state) {
    expect("{'type': 'boolean'}", "true\nfalse", "null\n1\n'true'");
    expect("{'type': ['string', 'null']}", "''\nnull\n'a\\u00e9\\n'", "1\n'\\u0000'\n'\\ud800'\n'");
    expect("{'type': 'integer'}", "0\n-5\n123456", "1.0\n01\n--1\n1e3");
    expect("{'type': 'number'}", "0\n-5.25\n1e9\n1.5E-7", "1.\n.5\n+1\nNaN");
    expect("{'const': {'a': [1, 'x']}}", "{'a': [1, 'x']}\n{'a':[1,'x']}", "{'a': [1, 'y']}\n{}");
    expect("{'enum': ['a', 1, null, true]}", "'a'\n1\nnull\ntrue", "'b'\nfalse\n2");
    expect("{'type': 'string', 'enum': ['a', 1, null]}", "'a'", "1\nnull");
    expect("{'type': 'integer', 'enum': [1, 1.5, 2.0]}", "1\n2.0", "1.5");
    expect("{'type': 'string', 'nullable': true}", "null\n'x'", "1");
    expect("true", "{}\n[1, {'a': null}]\n'x'", "{\n[1,]");
    expect("{}", "1\n'x'", "x");
    expect("{'title': 'T', 'x-order': 3}", "1", "x");
}

static void test_integers(void **state) {
    static const int64_t edges[] = {-1000, -101, -100, -99, -10, -9, -1, 0, 1, 9, 10, 19, 99, 100, 205};
    enum { COUNT = sizeof edges / sizeof *edges };
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = i; j < COUNT; j++) {
            char schema[128], text[32];
            anm_grammar *grammar;
            snprintf(schema, sizeof schema, "{'type': 'integer', 'minimum': %d, 'maximum': %d}",
                     (int)edges[i], (int)edges[j]);
            anm_constraint *c = open_schema(schema, &grammar);
            for (int n = -1100; n <= 300; n++) {
                snprintf(text, sizeof text, "%d", n);
                if (takes(c, text) != (n >= edges[i] && n <= edges[j]))
                    fail_msg("%s: %d", schema, n);
            }
            assert_false(takes(c, "007"));
            assert_false(takes(c, "-007"));
            anm_constraint_destroy(c);
            anm_grammar_destroy(grammar);
        }
    expect("{'type': 'integer', 'exclusiveMinimum': 3}", "4\n40\n123456789012", "3\n2\n-4\n0");
    expect("{'type': 'integer', 'maximum': 3, 'exclusiveMaximum': true}", "2\n-77", "3\n4");
    expect("{'type': 'integer', 'format': 'int32'}", "2147483647\n-2147483648", "2147483648");
}

static void test_numbers(void **state) {
    expect("{'type': 'number', 'minimum': 0, 'maximum': 1}", "0\n1\n0.5\n1.000\n0.0",
           "1.01\n-0.1\n-0\n2\n10\n1.0001\n1e0");
    expect("{'type': 'number', 'exclusiveMinimum': 0, 'exclusiveMaximum': 10}",
           "0.1\n9.999\n5\n0.0001", "0\n0.00\n10\n10.0\n-1");
    expect("{'minimum': -2, 'maximum': -1}", "-1\n-2\n-1.5\n-2.0", "-0.5\n-2.1\n1.5\n-3");
    expect("{'type': 'number', 'minimum': -5, 'exclusiveMaximum': 12}",
           "-5\n-4.9\n0\n-0.3\n11.99\n7", "-5.1\n12\n12.0\n13\n-50");
    expect("{'type': 'number', 'exclusiveMaximum': 0}", "-0.1\n-1\n-99.5", "0\n-0\n-0.0\n1");
}

static void test_strings(void **state) {
    expect("{'type': 'string', 'minLength': 2, 'maxLength': 3}",
           "'ab'\n'abc'\n'\xC3\xA9\xF0\x9F\x98\x80'\n'\\u00e9\\n'\n'\\ud83d\\ude00a'",
           "'a'\n'abcd'\n'\\n'");
    expect("{'format': 'date', 'type': 'string'}", "'2024-02-28'\n'1999-12-31'",
           "'2024-02-30'\n'2024-13-01'\n'2024-04-31'\n'24-01-01'");
    expect("{'type': 'string', 'format': 'date-time'}", "'2024-01-02T03:04:05Z'\n"
           "'2024-01-02T23:59:59.25+05:30'", "'2024-01-02'\n'2024-01-02T24:00:00Z'");
    expect("{'type': 'string', 'format': 'uuid'}", "'123e4567-e89b-12d3-a456-426614174000'",
           "'123e4567e89b12d3a456426614174000'");
    expect("{'type': 'string', 'format': 'ipv4'}", "'192.168.0.255'", "'256.1.1.1'\n'1.2.3'");
    expect("{'type': 'string', 'format': 'email'}", "'a.b+c@example.org'", "'a@b'\n'@x.y'");
    expect("{'type': 'string', 'format': 'uri'}", "'https://example.org:80/a/%20b?x=1#y'",
           "'example.org'\n'http:// x'");
    expect("{'type': 'string', 'format': 'time'}", "'03:04:05Z'", "'3:04'");
}

static void test_patterns(void **state) {
    expect("{'pattern': '^[A-Z]{2}-\\\\d+$'}", "'AB-1'\n'ZZ-123'", "'A-1'\n'AB-'\n'xAB-1'\n'AB-1x'");
    expect("{'pattern': 'b+'}", "'b'\n'abbc'\n'\\nb'", "'a'\n''");
    expect("{'pattern': '^(a|bc)*?(?:d)?$'}", "''\n'abcd'\n'd'", "'b'\n'dd'");
    expect("{'pattern': '^a|b$'}", "'ax'\n'xb'\n'a'", "'xa'\n'bx'");
    expect("{'pattern': '^[^a-c\\\\s]$'}", "'d'\n'\\\\'\n'\\\"'\n'\xC3\xA9'", "'a'\n' '\n'\\n'\n'dd'");
    expect("{'pattern': '^.\\\\.\\\\u0041\\\\x42[\\\\]\\\\\\\\-]$'}", "'x.AB]'\n'y.AB-'\n'y.AB\\\\'",
           "'xxAB]'\n'\\n.AB-'\n'x.AB'");
    expect("{'pattern': '^\\\\w{2,3}\\\\W\\\\D\\\\S$'}", "'a_1-xy'\n'ab !!'", "'a-xy'\n'abcd!!'\n'ab-1x'");
    expect("{'pattern': '^a{1,}{$'}", "'aa{'", "'a'");
    expect("{'pattern': '^\\\\t$'}", "'\\t'", "'\\u0009'\n'\\\\t'"); /* one way to write it */
}

static void test_objects(void **state) {
    expect("{'type': 'object'}", "{}\n{'a': 1, 'b': {}}\n{ 'a' : [ ] }", "[]\n{'a'}\n{'a': 1,}");
    expect("{'properties': {'a': {'type': 'integer'}, 'b': {'type': 'null'}, 'c': true},"
           " 'required': ['b']}",
           "{'b': null}\n{'a': 1, 'b': null}\n{'b': null, 'c': 'x'}\n{'a':1,'b':null,'c':[]}",
           "{}\n{'a': 1}\n{'b': null, 'a': 1}\n{'b': null, 'd': 1}\n{'b': 1}\n{'b': null,}");
    expect("{'properties': {'a': true, 'b': true}}", "{}\n{'a': 1}\n{'b': 1}\n{'a': 1, 'b': 2}",
           "{, 'b': 1}\n{'c': 1}\n{'b': 1, 'a': 1}");
    expect("{'properties': {'ab': {'type': 'integer'}}, 'required': ['ab'], 'additionalProperties': "
           "{'type': 'boolean'}}",
           "{'ab': 1}\n{'ab': 1, 'a': true}\n{'ab': 1, 'abc': true, 'x': false}\n{'ab': 1, '': true}",
           "{'a': true}\n{'ab': 1, 'ab': true}\n{'ab': 1, '\\u0061b': true}\n{'ab': 1, 'c': 1}");
    expect("{'properties': {'a': true}, 'additionalProperties': {'type': 'integer'}}",
           "{}\n{'a': 'x'}\n{'b': 1}\n{'a': 0, 'b': 1}\n{'b': 1, '\xC3\xA9': 2}", "{'b': 'x'}");
    expect("{'type': 'object', 'additionalProperties': false}", "{}\n{ }", "{'a': 1}");
    expect("{'type': 'object', 'required': ['k']}", "{'k': [1]}", "{}\n{'x': 1}");
    expect("{'properties': {'q\\\"\\\\': {'const': 1}}, 'required': ['q\\\"\\\\']}",
           "{'q\\\"\\\\': 1}", "{}");
    expect("{'properties': {'a': false, 'b': {'const': 1}}}", "{}\n{'b': 1}", "{'a': 1}");
}

static void test_arrays(void **state) {
    expect("{'type': 'array'}", "[]\n[1, 'a', []]", "[1,]\n{}");
    expect("{'items': {'type': 'integer'}, 'minItems': 1, 'maxItems': 3}", "[1]\n[1, 2, 3]",
           "[]\n[1,2,3,4]\n['a']");
    expect("{'type': 'array', 'minItems': 2}", "[1, 2]\n[1,2,3]", "[1]");
    expect("{'prefixItems': [{'const': 1}, {'const': 2}]}", "[]\n[1]\n[1, 2]", "[2]\n[1, 2, 3]");
    expect("{'prefixItems': [{'const': 1}, {'const': 2}], 'items': {'const': 3}, 'minItems': 1}",
           "[1]\n[1,2]\n[1,2,3,3]", "[]\n[1,3]\n[1,2,4]");
    expect("{'prefixItems': [{'const': 1}, {'const': 2}], 'minItems': 2, 'maxItems': 2}", "[1, 2]",
           "[1]\n[1, 2, 3]");
    expect("{'items': [{'const': 1}], 'additionalItems': false}", "[]\n[1]", "[1, 1]\n[2]");
    expect("{'type': 'array', 'maxItems': 0}", "[]\n[ ]", "[1]");
    expect("{'items': false}", "[]", "[1]");
}

static void test_combinations(void **state) {
    expect("{'anyOf': [{'type': 'integer'}, {'type': 'null'}], 'description': 'x'}", "1\nnull", "'x'");
    expect("{'oneOf': [{'const': 1}, {'const': 'b'}]}", "1\n'b'", "2");
    expect("{'allOf': [{'properties': {'a': {'type': 'number', 'minimum': 2}}, 'required': ['a']},"
           " {'properties': {'a': {'type': 'integer'}, 'b': {'const': 1}}, 'required': ['b']}]}",
           "{'a': 3, 'b': 1}", "{'a': 3}\n{'a': 1, 'b': 1}\n{'a': 2.5, 'b': 1}");
    expect("{'properties': {'a': {'type': 'integer'}}, 'anyOf': [{'required': ['a']}, {'properties': "
           "{'b': {'const': 1}}, 'required': ['b']}]}",
           "{'a': 1}\n{'a': 1, 'b': 1}\n{'b': 1}", "{}");
    expect("{'allOf': [{'properties': {'a': true}, 'additionalProperties': false}, {'properties': "
           "{'b': true}}]}",
           "{}\n{'a': 1}", "{'b': 1}");
    expect("{'allOf': [{'minLength': 1, 'maxLength': 5}, {'type': 'string', 'maxLength': 2}]}",
           "'a'\n'ab'", "''\n'abc'");
    expect("{'allOf': [{'enum': [1, 2, 3]}, {'enum': [2, 3, 4]}]}", "2\n3", "1\n4");
    expect("{'allOf': [true, {'$ref': '#/$defs/i'}], '$defs': {'i': {'type': 'integer'}}}", "1", "'a'");
}

static void test_references(void **state) {
    expect("{'$ref': '#/$defs/tree', '$defs': {'tree': {'type': 'object', 'properties': {'v': "
           "{'type': 'integer'}, 'kids': {'type': 'array', 'items': {'$ref': '#/$defs/tree'}}}, "
           "'required': ['v', 'kids']}}}",
           "{'v': 1, 'kids': []}\n{'v': 1, 'kids': [{'v': 2, 'kids': [{'v': 3, 'kids': []}]}]}",
           "{'v': 1}\n{'v': 1, 'kids': [1]}");
    expect("{'anyOf': [{'type': 'null'}, {'type': 'array', 'items': {'$ref': '#'}, 'minItems': 1}]}",
           "null\n[null, [[null]]]", "[]\n[1]");
    expect("{'definitions': {'a/b~c d': {'const': 5}}, '$ref': '#/definitions/a~1b~0c%20d'}", "5", "6");
    expect("{'$defs': {'i': {'type': 'integer'}}, 'properties': {'a': {'$ref': '#/$defs/i', "
           "'minimum': 5, 'title': 'x'}}}",
           "{'a': 5}", "{'a': 4}");
    expect("{'$defs': {'node': {'allOf': [{'$ref': '#/$defs/base'}, {'properties': {'next': {'anyOf': "
           "[{'$ref': '#/$defs/node'}, {'type': 'null'}]}}, 'required': ['next']}]}, 'base': "
           "{'properties': {'id': {'type': 'integer'}}, 'required': ['id']}}, '$ref': '#/$defs/node'}",
           "{'id': 1, 'next': {'id': 2, 'next': null}}", "{'id': 1}\n{'next': null}");
}

static void expect_refused(const char *schema, anm_status status, const char *message) {
    anm_grammar *grammar = (anm_grammar *)1;
    anm_error err;
    anm_strbuf text = quoted(schema);
    anm_status got = anm_grammar_from_json_schema(text.data, text.len, "s.json", &grammar, &err);
    if (got != status || !strstr(err.message, message))
        fail_msg("%s: %d: %s", schema, got, got ? err.message : "");
    assert_null(grammar);
    assert_string_equal(err.where, "s.json");
    anm_strbuf_free(&text);
}

static void test_refused(void **state) {
    const anm_status unsupported = ANM_ERROR_UNSUPPORTED, format = ANM_ERROR_FORMAT;
    expect_refused("{", format, "invalid JSON");
    expect_refused("[]", format, "expected a schema");
    expect_refused("{'type': 'text'}", format, "/type: \"text\" is no type");
    expect_refused("{'properties': {'a/b': {'not': {}}}}", unsupported,
                   "/properties/a~1b/not: this keyword is not covered");
    expect_refused("{'items': {'uniqueItems': true}}", unsupported, "/items/uniqueItems");
    expect_refused("{'prefixItems': [true, {'multipleOf': 2}]}", unsupported,
                   "/prefixItems/1/multipleOf");
    expect_refused("{'patternProperties': {}}", unsupported, "/patternProperties");
    expect_refused("{'type': 'string', 'format': 'hostname'}", unsupported, "/format: the format");
    expect_refused("{'pattern': 'a', 'maxLength': 3}", unsupported, "only one can be followed");
    expect_refused("{'pattern': 'a(?=b)'}", unsupported, "/pattern: at byte 2 of the pattern");
    expect_refused("{'pattern': '(a'}", format, "expected \")\"");
    expect_refused("{'pattern': 'a)'}", format, "without its \"(\"");
    expect_refused("{'pattern': '[a'}", format, "the class has no \"]\"");
    expect_refused("{'pattern': '*'}", format, "nothing to repeat");
    expect_refused("{'pattern': '\\\\p{L}'}", unsupported, "this escape is not covered");
    expect_refused("{'pattern': '(^a)'}", unsupported, "^ and $ elsewhere");
    expect_refused("{'type': 'number', 'minimum': 0.5}", unsupported, "/minimum: bounds are whole");
    expect_refused("{'minLength': -1}", format, "/minLength: expected a count");
    expect_refused("{'maxItems': 2000000}", ANM_ERROR_LIMIT, "/maxItems: more than");
    expect_refused("{'$ref': 'other.json'}", unsupported, "/$ref: only references into the same");
    expect_refused("{'$ref': '#/$defs/x'}", format, "the schema has no #/$defs/x");
    expect_refused("{'$ref': '#'}", format, "circle");
    expect_refused("{'$ref': '#/$defs/a', '$defs': {'a': {'anyOf': [{'$ref': '#/$defs/a'}]}}}", format,
                   "refers to itself with nothing in between");
    expect_refused("{'enum': []}", format, "no value is valid");
    expect_refused("false", format, "no value is valid");
    expect_refused("{'type': 'object', 'required': ['a'], 'additionalProperties': false}", format,
                   "no value is valid");
    expect_refused("{'minItems': 3, 'maxItems': 2}", format, "no value is valid");
    expect_refused("{'items': {'$ref': '#'}, 'minItems': 1}", format, "no value is valid");
    expect_refused("{'enum': [1], 'minimum': 3}", unsupported, "/minimum: not covered beside");
    expect_refused("{'allOf': [{'pattern': 'a'}, {'pattern': 'b'}]}", unsupported,
                   "/allOf/1/pattern: two different values");
    expect_refused("{'enum': 5}", format, "/enum: expected an array");
    expect_refused("{'anyOf': {}}", format, "/anyOf: expected an array");
    expect_refused("{'required': 'a'}", format, "/required: expected an array");
}

/* --- random texts and a validator --- */

static bool valid(const json_t *root, const json_t *schema, const json_t *value);

static bool valid_type(const char *type, const json_t *v) {
    if (!strcmp(type, "integer"))
        return json_is_integer(v) || (json_is_real(v) && json_real_value(v) == floor(json_real_value(v)));
    return (!strcmp(type, "object") && json_is_object(v)) ||
           (!strcmp(type, "array") && json_is_array(v)) ||
           (!strcmp(type, "string") && json_is_string(v)) ||
           (!strcmp(type, "number") && json_is_number(v)) ||
           (!strcmp(type, "boolean") && json_is_boolean(v)) ||
           (!strcmp(type, "null") && json_is_null(v));
}

static bool valid_object(const json_t *root, const json_t *schema, const json_t *value) {
    const json_t *properties = json_object_get(schema, "properties"), *one;
    const json_t *additional = json_object_get(schema, "additionalProperties");
    const json_t *required = json_object_get(schema, "required");
    const char *key;
    json_t *member;
    for (size_t i = 0; i < json_array_size(required); i++)
        if (!json_object_get(value, json_string_value(json_array_get(required, i)))) return false;
    json_object_foreach((json_t *)value, key, member) {
        one = json_object_get(properties, key);
        if (!one) one = additional;
        if (one && !valid(root, one, member)) return false;
    }
    return true;
}

static bool valid_array(const json_t *root, const json_t *schema, const json_t *value) {
    const json_t *prefix = json_object_get(schema, "prefixItems");
    const json_t *items = json_object_get(schema, "items");
    const json_t *min = json_object_get(schema, "minItems"), *max = json_object_get(schema, "maxItems");
    if (min && json_array_size(value) < (size_t)json_integer_value(min)) return false;
    if (max && json_array_size(value) > (size_t)json_integer_value(max)) return false;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *one = i < json_array_size(prefix) ? json_array_get(prefix, i) : items;
        if (one && !valid(root, one, json_array_get(value, i))) return false;
    }
    return true;
}

static bool valid_scalar(const json_t *schema, const json_t *value) {
    const json_t *min = json_object_get(schema, "minimum"), *max = json_object_get(schema, "maximum");
    const json_t *shortest = json_object_get(schema, "minLength");
    const json_t *longest = json_object_get(schema, "maxLength");
    if (json_is_number(value)) {
        double v = json_number_value(value);
        return !(min && v < json_number_value(min)) && !(max && v > json_number_value(max));
    }
    if (!json_is_string(value)) return true;
    size_t len = anm_utf8_count(json_string_value(value), json_string_length(value));
    return !(shortest && len < (size_t)json_integer_value(shortest)) &&
           !(longest && len > (size_t)json_integer_value(longest));
}

static bool valid_any(const json_t *root, const json_t *list, const json_t *value, bool all) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (valid(root, json_array_get(list, i), value) != all) return !all;
    return all;
}

static bool valid_values(const json_t *schema, const json_t *value) {
    const json_t *list = json_object_get(schema, "enum"), *only = json_object_get(schema, "const");
    bool found = !list;
    for (size_t i = 0; i < json_array_size(list); i++)
        found |= json_equal(json_array_get(list, i), (json_t *)value);
    return found && !(only && !json_equal((json_t *)only, (json_t *)value));
}

static bool valid(const json_t *root, const json_t *schema, const json_t *value) {
    if (json_is_boolean(schema)) return json_is_true(schema);
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    const json_t *type = json_object_get(schema, "type"), *any = json_object_get(schema, "anyOf");
    if (ref && !strcmp(ref, "#") && !valid(root, root, value)) return false;
    if (ref && ref[1] && !valid(root, json_object_get(json_object_get(root, "$defs"), ref + 8), value))
        return false;
    bool typed = !type;
    if (json_is_string(type)) typed = valid_type(json_string_value(type), value);
    for (size_t i = 0; json_is_array(type) && i < json_array_size(type); i++)
        typed |= valid_type(json_string_value(json_array_get(type, i)), value);
    if (!typed || (any && !valid_any(root, any, value, false))) return false;
    if (!valid_any(root, json_object_get(schema, "allOf"), value, true)) return false;
    if (json_is_object(value) && !valid_object(root, schema, value)) return false;
    if (json_is_array(value) && !valid_array(root, schema, value)) return false;
    return valid_scalar(schema, value) && valid_values(schema, value);
}

/* One that may come; after a while those that lead to an end. */
static int32_t choose(const float *logits, size_t steps) {
    int32_t open[257], count = 0;
    static const char closing[] = "\"}]ntf10";
    if (steps > 200 || pick(4) == 0) {
        if (logits[256] == 0) return 256;
        for (const char *c = closing; steps > 200 && *c; c++)
            if (logits[(unsigned char)*c] == 0) return *c;
        if (logits['"'] == 0) return '"';
    }
    for (int32_t t = 0; t < 257; t++)
        if (logits[t] == 0) open[count++] = t;
    return count ? open[pick((unsigned)count)] : -1;
}

static void walk(anm_constraint *c, anm_strbuf *text) {
    anm_error err;
    float logits[257];
    anm_constraint_reset(c);
    anm_strbuf_clear(text);
    for (size_t steps = 0; steps < 20000; steps++) {
        memset(logits, 0, sizeof logits);
        assert_ok(anm_constraint_mask(c, logits, 257, &err), &err);
        int32_t token = choose(logits, steps);
        assert_true(token >= 0);
        assert_ok(anm_constraint_accept(c, token, &err), &err);
        if (token == 256) return;
        anm_strbuf_putc(text, (char)token);
    }
    fail_msg("no end: %s", text->data);
}

static void test_random_walks(void **state) {
    static const char *const schemas[] = {
        "{'type': 'object'}",
        "{}",
        "{'type': 'object', 'properties': {'name': {'type': 'string', 'minLength': 1, 'maxLength': 9},"
        " 'age': {'type': 'integer', 'minimum': 0, 'maximum': 150}, 'tags': {'type': 'array', 'items':"
        " {'enum': ['a', 'b', 3, null]}, 'maxItems': 4}, 'score': {'type': ['number', 'null'],"
        " 'minimum': -1, 'maximum': 1}}, 'required': ['name', 'tags']}",
        "{'properties': {'a': {'type': 'integer'}}, 'required': ['a'], 'additionalProperties':"
        " {'type': ['boolean', 'null']}}",
        "{'$ref': '#/$defs/tree', '$defs': {'tree': {'type': 'object', 'properties': {'v': {'type':"
        " 'number'}, 'kids': {'type': 'array', 'items': {'$ref': '#/$defs/tree'}, 'maxItems': 2}},"
        " 'required': ['v'], 'additionalProperties': false}}}",
        "{'anyOf': [{'type': 'null'}, {'type': 'array', 'prefixItems': [{'type': 'boolean'}, {'$ref':"
        " '#'}], 'minItems': 2, 'maxItems': 2}]}",
        "{'allOf': [{'type': 'object', 'properties': {'x': {'type': 'number', 'minimum': 2}},"
        " 'required': ['x']}, {'properties': {'x': {'maximum': 5}, 'y': {'const': {'k': [1]}}}}]}",
        "{'type': 'object', 'properties': {'a': {'type': 'integer'}, 'b': {'type': 'string'}},"
        " 'anyOf': [{'required': ['a']}, {'required': ['b']}]}",
    };
    for (size_t s = 0; s < sizeof schemas / sizeof *schemas; s++) {
        anm_grammar *grammar;
        anm_error err;
        anm_constraint *c = open_schema(schemas[s], &grammar);
        anm_strbuf schema_text = quoted(schemas[s]), text = {0};
        json_t *schema, *value;
        assert_ok(anm_json_parse(schema_text.data, schema_text.len, "s", &schema, &err), &err);
        for (int i = 0; i < 300; i++) {
            walk(c, &text);
            /* Additional properties may repeat a name; the last one counts. */
            value = json_loadb(text.data, text.len, JSON_DECODE_ANY, NULL);
            if (!value || !valid(schema, schema, value))
                fail_msg("%s: %s", schemas[s], text.data);
            json_decref(value);
        }
        json_decref(schema);
        anm_strbuf_free(&schema_text);
        anm_strbuf_free(&text);
        anm_constraint_destroy(c);
        anm_grammar_destroy(grammar);
    }
}

/* Damaged schemas end in a grammar or an error, soon. */
static void test_mutated(void **state) {
    static const char *const parts[] = {"'type'", "'$ref'", "'#'", "'allOf'", "[", "]", "{", "}", ":",
                                        "'properties'", "1", "-1", "true", "null", ",", "'pattern'",
                                        "'(a|[b'", "'minItems'", "99999", "'enum'", "'anyOf'"};
    const char *seed = "{'properties': {'a': {'allOf': [{'$ref': '#/$defs/d'}, {'minItems': 2}]}, 'b':"
                       " {'pattern': '^(a|b[c-d]{2,3})*$'}}, 'required': ['a'], '$defs': {'d': {'type':"
                       " 'array', 'items': {'anyOf': [{'$ref': '#'}, {'type': 'integer', 'minimum':"
                       " 3}]}}}, 'additionalProperties': {'maxLength': 3}}";
    for (int i = 0; i < 4000; i++) {
        anm_strbuf text = quoted(seed), damaged = {0};
        anm_grammar *grammar;
        anm_error err;
        for (unsigned edits = 1 + pick(3); edits > 0; edits--) {
            const char *put = parts[pick(sizeof parts / sizeof *parts)];
            size_t at = pick((unsigned)text.len), cut = at + pick(12);
            if (cut > text.len) cut = text.len;
            anm_strbuf_clear(&damaged);
            anm_strbuf_append(&damaged, text.data, at);
            for (const char *c = put; pick(2) && *c; c++)
                anm_strbuf_putc(&damaged, *c == '\'' ? '"' : *c);
            anm_strbuf_append(&damaged, text.data + cut, text.len - cut);
            anm_strbuf swap = text;
            text = damaged;
            damaged = swap;
        }
        anm_status status =
            anm_grammar_from_json_schema(text.data, text.len, NULL, &grammar, &err);
        assert_int_equal(status == ANM_OK, grammar != NULL);
        anm_grammar_destroy(grammar);
        anm_strbuf_free(&text);
        anm_strbuf_free(&damaged);
    }
}

/* Depth, breadth and combinations that multiply are refused rather than waited for. */
static void test_bounded(void **state) {
    anm_strbuf text = {0};
    anm_grammar *grammar;
    anm_error err;
    for (int i = 0; i < 500; i++) anm_strbuf_puts(&text, "{\"items\": ");
    anm_strbuf_puts(&text, "{}");
    for (int i = 0; i < 500; i++) anm_strbuf_putc(&text, '}');
    assert_int_equal(anm_grammar_from_json_schema(text.data, text.len, NULL, &grammar, &err),
                     ANM_ERROR_LIMIT);
    anm_strbuf_clear(&text);
    anm_strbuf_puts(&text, "{\"type\": \"object\", \"properties\": {\"p\": true");
    for (int i = 0; i < 2000; i++)
        anm_strbuf_printf(&text, ", \"p%d\": {\"type\": \"string\", \"maxLength\": 20}", i);
    anm_strbuf_puts(&text, "}, \"additionalProperties\": true}");
    assert_ok(anm_grammar_from_json_schema(text.data, text.len, NULL, &grammar, &err), &err);
    anm_grammar_destroy(grammar);
    anm_strbuf_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),      cmocka_unit_test(test_integers),
        cmocka_unit_test(test_numbers),      cmocka_unit_test(test_strings),
        cmocka_unit_test(test_patterns),     cmocka_unit_test(test_objects),
        cmocka_unit_test(test_arrays),       cmocka_unit_test(test_combinations),
        cmocka_unit_test(test_references),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_random_walks), cmocka_unit_test(test_mutated),
        cmocka_unit_test(test_bounded),
    };
    return cmocka_run_group_tests(tests, make_bytes, drop_bytes);
}
