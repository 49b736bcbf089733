/* SPDX-License-Identifier: MIT */
/* Tables of what templates may call: filters, tests, methods, globals. */
#ifndef ANM_HF_JINJA_BUILTIN_H
#define ANM_HF_JINJA_BUILTIN_H

#include "src/hf/jinja_value.h"

typedef struct jinja_keyword {
    anm_sv name;
    jinja_value value;
} jinja_keyword;

/* Evaluated arguments. */
typedef struct jinja_args {
    jinja_value *items;
    size_t len;
    jinja_keyword *keywords;
    size_t keyword_count;
} jinja_args;

enum { JINJA_MAX_PARAMETERS = 6 };

/* What a builtin gets: the filtered or tested value or the method's object, and its arguments. */
typedef struct jinja_call {
    jinja_value self;
    jinja_value arg[JINJA_MAX_PARAMETERS]; /* by position in `parameters`; ABSENT when not given */
    const jinja_args *all;                 /* for builtins with parameters "*" */
} jinja_call;

typedef bool (*jinja_builtin_fn)(jinja_run *run, const jinja_call *call, jinja_value *out);

typedef struct jinja_builtin {
    const char *name;
    const char *parameters; /* names separated by spaces; "*": takes anything */
    int required;           /* how many of them must be given */
    jinja_builtin_fn call;
} jinja_builtin;

/* Tables end with a NULL name. */
extern const jinja_builtin anm_jinja_text_filters[], anm_jinja_list_filters[];
extern const jinja_builtin anm_jinja_select_filters[], anm_jinja_tests[], anm_jinja_globals[];
extern const jinja_builtin anm_jinja_string_methods[], anm_jinja_list_methods[];
extern const jinja_builtin anm_jinja_dict_methods[], anm_jinja_loop_methods[];
extern const jinja_builtin anm_jinja_cycler_methods[];

/* A dict's entries as a list of pairs; entries from the arguments of dict(...) and update(...). */
bool anm_jinja_dict_pairs(jinja_run *run, const jinja_dict *dict, jinja_value *out);
bool anm_jinja_dict_update(jinja_run *run, jinja_dict *dict, const jinja_args *args);

/* NULL when there is none. */
const jinja_builtin *anm_jinja_find_filter(anm_sv name);
const jinja_builtin *anm_jinja_find_test(anm_sv name);
const jinja_builtin *anm_jinja_find_global(anm_sv name);
const jinja_builtin *anm_jinja_find_method(jinja_value object, anm_sv name);

#endif
