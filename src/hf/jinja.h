/* SPDX-License-Identifier: MIT */
/*
 * A Jinja engine for chat templates: parse once, render with a JSON context. A parsed template is
 * immutable and may be rendered by several threads at once. docs/chat-templates.md tells the
 * language covered and where it differs from Jinja2.
 */
#ifndef ANM_HF_JINJA_H
#define ANM_HF_JINJA_H

#include <stdbool.h>
#include <time.h>

#include "src/base/str.h"

/* Nothing a template or a context says can make a render exceed these. */
enum {
    JINJA_MAX_TEMPLATE = 4 << 20, /* bytes of template text */
    JINJA_MAX_NESTING = 150,      /* nested brackets, operators and blocks in a template */
    JINJA_MAX_DEPTH = 500,        /* nested evaluation: expressions, blocks, macro calls */
    JINJA_MAX_VALUE_DEPTH = 200,  /* lists in lists, when printed, compared or read from JSON */
    JINJA_MAX_RANGE = 100000,     /* elements of range(), as in Jinja2's sandbox */
    JINJA_MAX_OUTPUT = 64 << 20,  /* bytes rendered */
    JINJA_MAX_MEMORY = 256 << 20, /* bytes of values made during one render */
    JINJA_MAX_STEPS = 50000000    /* nodes evaluated, elements visited, 64-byte pieces scanned */
};

typedef struct jinja_template jinja_template;

typedef struct jinja_options {
    time_t now;  /* what strftime_now shows, in local time; 0: the current time */
    bool python; /* as Jinja2 in Python: print True, None and {'a': 1}, find 1 in [true] */
} jinja_options;

/* `name` stands in error messages; it and the text are copied. */
ANM_MUST_CHECK anm_status anm_jinja_parse(const char *text, size_t len, const char *name,
                                          jinja_template **out, anm_error *err);
void anm_jinja_free(jinja_template *tmpl); /* NULL is fine */

/* The template's text, as it was parsed. */
anm_sv anm_jinja_source_text(const jinja_template *tmpl);

/* Variables: a JSON object as text. `where` names it in error messages. */
typedef struct jinja_context {
    const char *where;
    anm_sv json;
} jinja_context;

/*
 * Appends the rendered text to `out`, which holds no more than before after a failure. A variable
 * that several contexts hold has the value of the last one.
 */
ANM_MUST_CHECK anm_status anm_jinja_render(const jinja_template *tmpl,
                                           const jinja_context *contexts, size_t count,
                                           const jinja_options *options, anm_strbuf *out,
                                           anm_error *err);

#endif
