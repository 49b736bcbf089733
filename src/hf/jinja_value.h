/* SPDX-License-Identifier: MIT */
/*
 * The values a template computes with. Everything lives in the arena of one render and dies with
 * it: no reference counts, no frees. Lists, dicts and namespaces are shared by reference, as in
 * Python; the other kinds are plain values.
 */
#ifndef ANM_HF_JINJA_VALUE_H
#define ANM_HF_JINJA_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/str.h"

typedef struct jinja_run jinja_run;
typedef struct jinja_node jinja_node;
typedef struct jinja_list jinja_list;
typedef struct jinja_dict jinja_dict;
typedef struct jinja_function jinja_function;
typedef struct jinja_macro jinja_macro;
typedef struct jinja_loop jinja_loop;
typedef struct jinja_cycler jinja_cycler;

typedef enum jinja_kind {
    JINJA_ABSENT, /* no value at all: an argument not given. Templates never see it */
    JINJA_UNDEFINED,
    JINJA_NONE,
    JINJA_BOOL,
    JINJA_INT,
    JINJA_FLOAT,
    JINJA_STRING,
    JINJA_LIST,
    JINJA_TUPLE,
    JINJA_DICT,
    JINJA_NAMESPACE,
    JINJA_FUNCTION, /* a builtin, or a method bound to its object */
    JINJA_MACRO,
    JINJA_LOOP,
    JINJA_CYCLER, /* of cycler(), and of joiner() with a first value of "" */
} jinja_kind;

typedef struct jinja_value {
    uint8_t kind;
    /* Of an undefined attribute: its object's kind, 0 for a variable. Of a tuple: 1 for a pair of
     * groupby, which has the attributes grouper and list. */
    uint8_t owner;
    union {
        bool truth;
        int64_t integer;
        double real;
        anm_sv text; /* also the name of what is undefined */
        jinja_list *list; /* of tuples too */
        jinja_dict *dict; /* of namespaces too */
        jinja_function *function;
        jinja_macro *macro;
        jinja_loop *loop;
        jinja_cycler *cycler;
    };
} jinja_value;

struct jinja_list {
    jinja_value *items;
    size_t len, cap;
};

typedef struct jinja_entry {
    uint64_t hash;
    jinja_value key, value;
} jinja_entry;

/* Keeps insertion order. `slots` indexes the entries (plus one) by hash once there are many. */
struct jinja_dict {
    jinja_entry *entries;
    size_t len, cap;
    uint32_t *slots;
    size_t slot_count; /* zero or a power of two */
};

struct jinja_cycler {
    jinja_list *items;
    size_t at;
    bool joiner;
};

#define JINJA_IS(v, k) ((v).kind == (k))

static inline jinja_value jinja_none(void) {
    return (jinja_value){.kind = JINJA_NONE};
}
static inline jinja_value jinja_bool(bool truth) {
    return (jinja_value){.kind = JINJA_BOOL, .truth = truth};
}
static inline jinja_value jinja_int(int64_t integer) {
    return (jinja_value){.kind = JINJA_INT, .integer = integer};
}
static inline jinja_value jinja_float(double real) {
    return (jinja_value){.kind = JINJA_FLOAT, .real = real};
}
static inline jinja_value jinja_string(anm_sv text) {
    return (jinja_value){.kind = JINJA_STRING, .text = text};
}
static inline jinja_value jinja_undefined(anm_sv name, jinja_kind owner) {
    return (jinja_value){.kind = JINJA_UNDEFINED, .owner = (uint8_t)owner, .text = name};
}
static inline bool jinja_is_sequence(jinja_value v) {
    return v.kind == JINJA_LIST || v.kind == JINJA_TUPLE;
}
static inline bool jinja_is_number(jinja_value v) {
    return v.kind == JINJA_BOOL || v.kind == JINJA_INT || v.kind == JINJA_FLOAT;
}

/* Python's name of the type: "str", "list", ... */
const char *anm_jinja_type_name(jinja_value v);
bool anm_jinja_truth(jinja_value v);
/* A bool, int or float as a number; 0 for other kinds. */
double anm_jinja_number(jinja_value v);

/* All below give false after raising an error in the run. */

bool anm_jinja_list_new(jinja_run *run, jinja_kind kind, size_t reserve, jinja_value *out);
bool anm_jinja_list_push(jinja_run *run, jinja_list *list, jinja_value item);
bool anm_jinja_dict_new(jinja_run *run, jinja_kind kind, jinja_value *out);
/* An unhashable key (a list) is an error. */
bool anm_jinja_dict_put(jinja_run *run, jinja_dict *dict, jinja_value key, jinja_value value);
/* *found is NULL when the key is absent. */
bool anm_jinja_dict_find(jinja_run *run, const jinja_dict *dict, jinja_value key,
                         jinja_entry **found);
void anm_jinja_dict_remove(jinja_dict *dict, jinja_entry *entry);
/* The common case: a key that is a name. NULL when absent. */
jinja_entry *anm_jinja_dict_get(const jinja_dict *dict, anm_sv key);

/* Python's ==; numbers of different kinds compare by value. */
bool anm_jinja_equal(jinja_run *run, jinja_value a, jinja_value b, bool *equal);
/* *order is negative, 0 or positive; an error for kinds that Python does not order. */
bool anm_jinja_compare(jinja_run *run, jinja_value a, jinja_value b, int *order);

/*
 * The elements a loop over `v` visits: of a list, the keys of a dict, the characters of a string,
 * nothing of undefined. They are a copy unless `v` is a tuple: templates may append while looping.
 */
bool anm_jinja_iterate(jinja_run *run, jinja_value v, jinja_value **items, size_t *count);

/* Reads a JSON text. Errors name `where` and the byte offset in the text. */
bool anm_jinja_read_json(jinja_run *run, anm_sv json, const char *where, jinja_value *out);

/* As printed by {{ }}, into the arena. */
bool anm_jinja_text(jinja_run *run, jinja_value v, anm_sv *out);
/* As an element of a printed list: strings in quotes. */
bool anm_jinja_repr(jinja_run *run, jinja_value v, anm_sv *out);
/* Python's repr of a float: the shortest digits that read back as the same number. */
void anm_jinja_format_float(double d, char out[40]);
/* strtod, but with "." as the decimal point in every locale; `digits` is changed. */
double anm_jinja_read_float(char *digits);

#endif
