/* SPDX-License-Identifier: MIT */
/*
 * A JSON schema on its way to a grammar. Each kind of value has its file; all of them refuse what
 * they do not cover with the JSON pointer of the keyword.
 */
#ifndef ANM_GRAMMAR_SCHEMA_H
#define ANM_GRAMMAR_SCHEMA_H

#include "src/base/json.h"
#include "src/grammar/grammar_expr.h"

enum { ANM_SCHEMA_MAX_DEPTH = 100 };

/* Where a schema stands in the document: the pointer of its parent and one more name. */
typedef struct anm_schema_path {
    const struct anm_schema_path *up; /* NULL: the document */
    const char *name;                 /* NULL: `index` */
    size_t index;
} anm_schema_path;

typedef struct anm_schema_maker {
    anm_grammar_book *book;
    const json_t *document;
    json_t *made;    /* array of schemas that merging made; they live as long as the maker */
    anm_map rules;   /* key: address of a schema's JSON, in the arena; value: its rule */
    int depth;       /* nested schemas being translated */
    const char *where;
    anm_error *err;
} anm_schema_maker;

/* "/properties/a": message. */
anm_status anm_schema_fail(const anm_schema_maker *m, anm_status status,
                           const anm_schema_path *path, const char *fmt, ...) ANM_PRINTF(4, 5);

/* The schema as a rule of its own, translated at most once. */
ANM_MUST_CHECK anm_status anm_schema_rule(anm_schema_maker *m, const json_t *schema,
                                          const anm_schema_path *path, const anm_expr **out);

/* By type; `schema` is an object whose references and combinations are resolved. */
ANM_MUST_CHECK anm_status anm_schema_object(anm_schema_maker *m, const json_t *schema,
                                            const anm_schema_path *path, const anm_expr **out);
ANM_MUST_CHECK anm_status anm_schema_array(anm_schema_maker *m, const json_t *schema,
                                           const anm_schema_path *path, const anm_expr **out);
ANM_MUST_CHECK anm_status anm_schema_string(anm_schema_maker *m, const json_t *schema,
                                            const anm_schema_path *path, const anm_expr **out);
ANM_MUST_CHECK anm_status anm_schema_integer(anm_schema_maker *m, const json_t *schema,
                                             const anm_schema_path *path, const anm_expr **out);

ANM_MUST_CHECK anm_status anm_schema_number(anm_schema_maker *m, const json_t *schema,
                                            const anm_schema_path *path, const anm_expr **out);

/* Whether a keyword only describes; whether a schema has others too. */
bool anm_schema_is_note(const char *key);
bool anm_schema_demands(const json_t *schema);

/*
 * What both schemas demand, as one; new or one of the two. Belongs to the maker. The path is of
 * the second.
 */
ANM_MUST_CHECK anm_status anm_schema_merge(anm_schema_maker *m, const json_t *a, const json_t *b,
                                           const anm_schema_path *path, const json_t **out);
/* Follows $ref; the schema itself when it has none. */
ANM_MUST_CHECK anm_status anm_schema_resolve(anm_schema_maker *m, const json_t *schema,
                                             const anm_schema_path *path, const json_t **out);

/* A regular expression of JSON Schema, as the content of a JSON string. */
ANM_MUST_CHECK anm_status anm_schema_pattern(anm_schema_maker *m, const char *pattern,
                                             const anm_schema_path *path, const anm_expr **out);
/* One character of a JSON string's content, out of ranges: raw, or escaped where it must be. */
const anm_expr *anm_schema_chars(anm_grammar_book *book, const anm_char_range *ranges,
                                 size_t count, bool negate);

/* A named rule of JSON (grammar_json.h), and short hands. */
const anm_expr *anm_schema_named(anm_schema_maker *m, const char *name);
const anm_expr *anm_schema_text(anm_schema_maker *m, const char *text);
/* The JSON value itself, with white space where values have it. */
const anm_expr *anm_schema_value(anm_schema_maker *m, const json_t *value);
/* `count` of `item` with commas: min to max of them, none being nothing. */
const anm_expr *anm_schema_list(anm_schema_maker *m, const anm_expr *item, int64_t min,
                                int64_t max);

/* A count keyword (minItems...): `absent` without it. Refuses negative ones and others. */
ANM_MUST_CHECK anm_status anm_schema_count(const anm_schema_maker *m, const json_t *schema,
                                           const char *key, int64_t absent,
                                           const anm_schema_path *path, int64_t *out);

#endif
