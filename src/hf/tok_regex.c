/* SPDX-License-Identifier: MIT */
/* Compiling and matching with PCRE2. */
#include "src/hf/tok_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>

#include "src/base/alloc.h"

/*
 * Backtracking stops here with ANM_ERROR_LIMIT. The patterns of known tokenizers stay linear;
 * this is for hostile ones.
 */
enum {
    MATCH_LIMIT = 50 * 1000 * 1000,
    HEAP_LIMIT_KIB = 256 * 1024,
    JIT_STACK_MIN = 32 * 1024,
    JIT_STACK_MAX = 8 * 1024 * 1024
};

struct anm_regex {
    pcre2_code *code;
};

static anm_status fail_compile(int code, size_t offset, anm_sv pattern, const char *where,
                               anm_error *err) {
    char message[160];
    if (pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof message) < 0)
        snprintf(message, sizeof message, "error %d", code);
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                    "regular expression \"%.*s\" is not accepted by PCRE2: %s (near character %zu "
                    "of its translation)",
                    (int)(pattern.len < 120 ? pattern.len : 120), pattern.data, message, offset);
}

/* Oniguruma's `^` and `$` work at line feeds, and only there. */
static pcre2_code *compile(const anm_strbuf *translated, int *code, PCRE2_SIZE *offset) {
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context) {
        *code = PCRE2_ERROR_NOMEMORY;
        return NULL;
    }
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_set_parens_nest_limit(context, 100);
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)anm_strbuf_cstr(translated), translated->len,
                      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, code,
                      offset, context);
    pcre2_compile_context_free(context);
    return compiled;
}

anm_status anm_regex_compile(anm_sv pattern, const char *where, anm_regex **out, anm_error *err) {
    anm_strbuf translated = {0};
    int code;
    PCRE2_SIZE offset = 0;
    *out = NULL;
    anm_status status;
    ANM_CHECK(anm_regex_translate(pattern, where, &translated, err));
    anm_regex *regex = anm_calloc(1, sizeof *regex);
    if (regex) regex->code = compile(&translated, &code, &offset);
    if (!regex || (!regex->code && code == PCRE2_ERROR_NOMEMORY)) {
        status = anm_fail_memory(err);
    } else if (!regex->code) {
        status = fail_compile(code, offset, pattern, where, err);
    } else {
        /* Without JIT support in this PCRE2 the interpreter does the work, only slower. */
        (void)pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
        *out = regex;
    }
    if (status != ANM_OK) anm_regex_free(regex);
fail:
    anm_strbuf_free(&translated);
    return status;
}

void anm_regex_free(anm_regex *regex) {
    if (!regex) return;
    pcre2_code_free(regex->code);
    anm_free(regex);
}

static bool scratch_ready(anm_regex_scratch *s) {
    if (s->match_data) return true;
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    pcre2_jit_stack *stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (!context || !data) {
        pcre2_match_context_free(context);
        pcre2_jit_stack_free(stack);
        pcre2_match_data_free(data);
        return false;
    }
    pcre2_set_match_limit(context, MATCH_LIMIT);
    pcre2_set_heap_limit(context, HEAP_LIMIT_KIB);
    if (stack) pcre2_jit_stack_assign(context, NULL, stack);
    *s = (anm_regex_scratch){data, context, stack};
    return true;
}

void anm_regex_scratch_free(anm_regex_scratch *s) {
    pcre2_match_data_free(s->match_data);
    pcre2_match_context_free(s->match_context);
    pcre2_jit_stack_free(s->jit_stack);
    *s = (anm_regex_scratch){0};
}

static anm_status fail_match(int code, anm_error *err) {
    char message[160];
    if (code == PCRE2_ERROR_NOMEMORY) return anm_fail_memory(err);
    if (pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof message) < 0)
        snprintf(message, sizeof message, "error %d", code);
    return anm_fail(err, ANM_ERROR_LIMIT, NULL,
                    "a regular expression of the tokenizer gave up on this text: %s", message);
}

anm_status anm_regex_find(const anm_regex *regex, anm_regex_scratch *s, anm_sv text, size_t from,
                          bool *found, size_t *start, size_t *end, anm_error *err) {
    *found = false;
    if (!scratch_ready(s)) return anm_fail_memory(err);
    PCRE2_SPTR subject = (PCRE2_SPTR)(text.data ? text.data : "");
    int code = pcre2_match(regex->code, subject, text.len, from, PCRE2_NO_UTF_CHECK, s->match_data,
                           s->match_context);
    if (code == PCRE2_ERROR_JIT_STACKLIMIT) /* the interpreter's stack is on the heap */
        code = pcre2_match(regex->code, subject, text.len, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                           s->match_data, s->match_context);
    if (code == PCRE2_ERROR_NOMATCH) return ANM_OK;
    if (code < 0) return fail_match(code, err);
    const PCRE2_SIZE *pair = pcre2_get_ovector_pointer(s->match_data);
    *found = true;
    *start = pair[0];
    *end = pair[1];
    /* \K in a lookahead can put the start behind the end. */
    if (*start < from || *end < *start)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, NULL, "a match that runs backwards (\\K)");
    return ANM_OK;
}
