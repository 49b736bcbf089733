/* SPDX-License-Identifier: MIT */
/* One render: its memory, variables, output and limits. Internal to the Jinja engine. */
#ifndef ANM_HF_JINJA_RUN_H
#define ANM_HF_JINJA_RUN_H

#include "src/base/arena.h"
#include "src/hf/jinja_ast.h"
#include "src/hf/jinja_builtin.h"

typedef struct jinja_binding {
    uint32_t symbol;
    jinja_value value;
} jinja_binding;

/* Variables of a loop body, macro call, ... The outermost scope has none: see `globals`. */
typedef struct jinja_scope {
    struct jinja_scope *outer;
    jinja_binding *bindings;
    size_t len, cap;
} jinja_scope;

struct jinja_function {
    const jinja_builtin *builtin;
    jinja_value self;
};

struct jinja_macro {
    const jinja_node *node;
    jinja_scope *scope; /* where it was defined */
};

struct jinja_loop {
    const jinja_node *node;
    jinja_scope *scope; /* around the loop: recursion starts there */
    jinja_value *items;
    size_t index, count;
    int level;
    bool has_changed;
    jinja_value changed; /* what loop.changed() saw last */
};

struct jinja_run {
    const jinja_template *tmpl;
    const jinja_options *options;
    anm_arena *arena;
    anm_strbuf *out;
    size_t out_start; /* bytes that `out` held before this render */
    jinja_scope *scope;
    jinja_value *globals; /* by symbol */
    jinja_value captured;
    uint32_t at; /* place in the template, for errors */
    int depth;
    uint64_t steps;
    anm_status status; /* of the first failure */
    anm_error *err;
};

static inline bool anm_jinja_raised(jinja_run *run, anm_status status) {
    run->status = status;
    return false;
}
/* Raises an error at run->at; gives false. */
#define anm_jinja_raise(run, code, ...)                                                            \
    anm_jinja_raised((run), anm_jinja_fail((run)->err, (code), &(run)->tmpl->source, (run)->at,    \
                                           __VA_ARGS__))
bool anm_jinja_raise_memory(jinja_run *run);
bool anm_jinja_raise_deep(jinja_run *run); /* values nested beyond JINJA_MAX_VALUE_DEPTH */
/* "'x' is undefined" and the like. */
bool anm_jinja_raise_undefined(jinja_run *run, jinja_value v);

/* Arena memory, within JINJA_MAX_MEMORY; NULL after raising an error. */
void *anm_jinja_alloc(jinja_run *run, size_t count, size_t size);
/* Counts work; false, with an error, when the template has done too much. */
static inline bool anm_jinja_charge(jinja_run *run, size_t steps) {
    run->steps += steps;
    if (run->steps <= JINJA_MAX_STEPS) return true;
    return anm_jinja_raise(run, ANM_ERROR_LIMIT, "the template takes more than %d steps",
                           JINJA_MAX_STEPS);
}
/* Work on `bytes` of text. */
static inline bool anm_jinja_charge_bytes(jinja_run *run, size_t bytes) {
    return anm_jinja_charge(run, bytes / 64 + 1);
}

/* Joins texts in the arena. */
bool anm_jinja_join(jinja_run *run, const anm_sv *parts, size_t count, anm_sv *out);

/* Text that is built piece by piece into the arena. */
typedef struct jinja_text {
    jinja_run *run;
    char *data;
    size_t len, cap;
} jinja_text;
bool anm_jinja_text_add(jinja_text *text, anm_sv piece);
bool anm_jinja_text_puts(jinja_text *text, const char *piece);
static inline anm_sv anm_jinja_text_sv(const jinja_text *text) {
    return (anm_sv){text->data ? text->data : "", text->len};
}

/* Variables. */
bool anm_jinja_scope_push(jinja_run *run, jinja_scope *outer);
bool anm_jinja_assign(jinja_run *run, uint32_t symbol, jinja_value value);
jinja_value anm_jinja_lookup(const jinja_run *run, const jinja_node *name);

/* Evaluation. */
bool anm_jinja_eval(jinja_run *run, const jinja_node *node, jinja_value *out);
bool anm_jinja_eval_args(jinja_run *run, const jinja_nodes *list, jinja_args *args);
bool anm_jinja_binary(jinja_run *run, jinja_op op, jinja_value a, jinja_value b, jinja_value *out);
bool anm_jinja_contains(jinja_run *run, jinja_value item, jinja_value in, bool *found);
/* object.name and object[key] */
bool anm_jinja_attribute(jinja_run *run, jinja_value object, anm_sv name, jinja_value *out);
bool anm_jinja_item(jinja_run *run, jinja_value object, jinja_value key, jinja_value *out);
bool anm_jinja_slice(jinja_run *run, jinja_value object, const jinja_value part[3],
                     jinja_value *out);
/* Attribute "a.b.0" of an element, as filters name it; `path` may be an integer. */
bool anm_jinja_path(jinja_run *run, jinja_value object, jinja_value path, jinja_value *out);

/* Calls. */
bool anm_jinja_call(jinja_run *run, jinja_value callee, const jinja_args *args, jinja_value *out);
bool anm_jinja_call_builtin(jinja_run *run, const jinja_builtin *builtin, jinja_value self,
                            const jinja_args *args, jinja_value *out);
bool anm_jinja_call_macro(jinja_run *run, const jinja_macro *macro, const jinja_args *args,
                          jinja_value *out);
/* The value of a keyword; ABSENT when it was not given. */
jinja_value anm_jinja_keyword(const jinja_args *args, const char *name);

/* Statements. */
typedef enum jinja_flow {
    JINJA_FLOW_NEXT,
    JINJA_FLOW_BREAK,
    JINJA_FLOW_CONTINUE,
    JINJA_FLOW_FAILED
} jinja_flow;
jinja_flow anm_jinja_exec(jinja_run *run, const jinja_node *node);
/* Runs a loop over `iterable`; `level` counts recursion from 0. */
jinja_flow anm_jinja_run_loop(jinja_run *run, const jinja_node *node, jinja_value iterable,
                              int level);
bool anm_jinja_emit(jinja_run *run, anm_sv text);
/* What was emitted since `start` becomes a string and leaves the output. */
bool anm_jinja_take(jinja_run *run, size_t start, jinja_value *out);

/* Stable; `ignore_case` compares strings in lower case. Keys are permuted along with items. */
bool anm_jinja_sort(jinja_run *run, jinja_value *keys, jinja_value *items, size_t count,
                    bool reverse);

/* JSON text as json.dumps writes it. */
typedef struct jinja_json_style {
    bool ensure_ascii, sort_keys, pretty;
    anm_sv indent, item_separator, key_separator;
} jinja_json_style;
bool anm_jinja_to_json(jinja_run *run, jinja_value v, const jinja_json_style *style, anm_sv *out);
bool anm_jinja_json_string(jinja_text *out, anm_sv text, bool ensure_ascii);

/* printf-like and str.format-like formatting. */
bool anm_jinja_percent_format(jinja_run *run, anm_sv format, const jinja_args *args, anm_sv *out);
bool anm_jinja_brace_format(jinja_run *run, anm_sv format, const jinja_args *args, anm_sv *out);
bool anm_jinja_strftime(jinja_run *run, anm_sv format, anm_sv *out);

/* Case mapping of text, code point by code point. */
typedef enum jinja_case { JINJA_LOWER, JINJA_UPPER, JINJA_TITLE, JINJA_CAPITALIZE } jinja_case;
bool anm_jinja_change_case(jinja_run *run, anm_sv text, jinja_case how, anm_sv *out);

#endif
