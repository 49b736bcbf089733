/* SPDX-License-Identifier: MIT */
/* The frame of one render: memory, variables, errors, and the entry point. */
#include "src/hf/jinja_run.h"

bool anm_jinja_raise_memory(jinja_run *run) {
    run->status = anm_fail_memory(run->err);
    return false;
}

bool anm_jinja_raise_undefined(jinja_run *run, jinja_value v) {
    if (!v.owner)
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "\"%.*s\" is undefined", ANM_SV(v.text));
    return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "a %s has no attribute or item \"%.*s\"",
                           anm_jinja_type_name((jinja_value){.kind = v.owner}), ANM_SV(v.text));
}

void *anm_jinja_alloc(jinja_run *run, size_t count, size_t size) {
    size_t limit = JINJA_MAX_MEMORY - anm_arena_used(run->arena);
    if (count > limit / size || anm_arena_used(run->arena) > JINJA_MAX_MEMORY) {
        anm_jinja_raise(run, ANM_ERROR_LIMIT, "the template's values take more than %d MB",
                        JINJA_MAX_MEMORY >> 20);
        return NULL;
    }
    void *memory = anm_arena_array(run->arena, count, size);
    if (!memory) anm_jinja_raise_memory(run);
    return memory;
}

bool anm_jinja_join(jinja_run *run, const anm_sv *parts, size_t count, anm_sv *out) {
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        if (__builtin_add_overflow(total, parts[i].len, &total)) return anm_jinja_raise_memory(run);
    char *text = anm_jinja_alloc(run, total, 1), *end = text;
    if (!text) return false;
    for (size_t i = 0; i < count; end += parts[i++].len)
        if (parts[i].len) memcpy(end, parts[i].data, parts[i].len);
    *out = (anm_sv){text, total}; /* last: it may be one of the parts */
    return true;
}

bool anm_jinja_text_add(jinja_text *text, anm_sv piece) {
    if (text->cap - text->len < piece.len) {
        size_t cap = text->cap * 2 > text->len + piece.len ? text->cap * 2 : text->len + piece.len;
        if (cap < 64) cap = 64;
        char *grown = anm_jinja_alloc(text->run, cap, 1);
        if (!grown) return false;
        if (text->len) memcpy(grown, text->data, text->len);
        text->data = grown;
        text->cap = cap;
    }
    if (piece.len) memcpy(text->data + text->len, piece.data, piece.len);
    text->len += piece.len;
    return true;
}

bool anm_jinja_text_puts(jinja_text *text, const char *piece) {
    return anm_jinja_text_add(text, anm_sv_from(piece));
}

/* --- variables --- */

bool anm_jinja_scope_push(jinja_run *run, jinja_scope *outer) {
    jinja_scope *scope = anm_jinja_alloc(run, 1, sizeof *scope);
    if (!scope) return false;
    scope->outer = outer;
    run->scope = scope;
    return true;
}

static jinja_binding *find_binding(const jinja_scope *scope, uint32_t symbol) {
    for (size_t i = 0; i < scope->len; i++)
        if (scope->bindings[i].symbol == symbol) return &scope->bindings[i];
    return NULL;
}

bool anm_jinja_assign(jinja_run *run, uint32_t symbol, jinja_value value) {
    jinja_scope *scope = run->scope;
    if (!scope) {
        run->globals[symbol] = value;
        return true;
    }
    jinja_binding *binding = find_binding(scope, symbol);
    if (binding) {
        binding->value = value;
        return true;
    }
    if (scope->len == scope->cap) {
        size_t cap = scope->cap ? scope->cap * 2 : 4;
        jinja_binding *grown = anm_jinja_alloc(run, cap, sizeof *grown);
        if (!grown) return false;
        if (scope->len) memcpy(grown, scope->bindings, scope->len * sizeof *grown);
        scope->bindings = grown;
        scope->cap = cap;
    }
    scope->bindings[scope->len++] = (jinja_binding){symbol, value};
    return true;
}

jinja_value anm_jinja_lookup(const jinja_run *run, const jinja_node *name) {
    jinja_value found = run->globals[name->symbol];
    for (const jinja_scope *scope = run->scope; scope; scope = scope->outer) {
        const jinja_binding *binding = find_binding(scope, name->symbol);
        if (!binding) continue;
        found = binding->value;
        break;
    }
    return found.kind == JINJA_ABSENT ? jinja_undefined(name->name, JINJA_ABSENT) : found;
}

/* --- rendering --- */

/* A builtin function for every variable that is named like one. */
static bool bind_globals(jinja_run *run) {
    run->globals = anm_jinja_alloc(run, run->tmpl->symbol_count, sizeof *run->globals);
    if (!run->globals) return false;
    for (size_t i = 0; i < run->tmpl->symbol_count; i++) {
        const jinja_builtin *builtin = anm_jinja_find_global(run->tmpl->symbols[i]);
        if (!builtin) continue;
        jinja_function *function = anm_jinja_alloc(run, 1, sizeof *function);
        if (!function) return false;
        function->builtin = builtin;
        run->globals[i] = (jinja_value){.kind = JINJA_FUNCTION, .function = function};
    }
    return true;
}

static bool bind_context(jinja_run *run, const jinja_context *context) {
    jinja_value object;
    if (!anm_jinja_read_json(run, context->json, context->where, &object)) return false;
    if (!JINJA_IS(object, JINJA_DICT)) {
        run->status = anm_fail(run->err, ANM_ERROR_FORMAT, context->where,
                               "the variables must be a JSON object");
        return false;
    }
    for (size_t i = 0; i < run->tmpl->symbol_count; i++) {
        const jinja_entry *entry = anm_jinja_dict_get(object.dict, run->tmpl->symbols[i]);
        if (entry) run->globals[i] = entry->value;
    }
    return true;
}

static bool render(jinja_run *run, const jinja_context *contexts, size_t count) {
    if (!bind_globals(run)) return false;
    for (size_t i = 0; i < count; i++)
        if (!bind_context(run, &contexts[i])) return false;
    if (anm_jinja_exec(run, run->tmpl->body) == JINJA_FLOW_FAILED) return false;
    return !run->out->failed || anm_jinja_raise_memory(run);
}

anm_status anm_jinja_render(const jinja_template *tmpl, const jinja_context *contexts,
                            size_t count, const jinja_options *options, anm_strbuf *out,
                            anm_error *err) {
    jinja_run run = {.tmpl = tmpl, .options = options, .arena = anm_arena_create(), .out = out,
                     .out_start = out->len, .err = err, .status = ANM_OK};
    if (!run.arena) return anm_fail_memory(err);
    if (!render(&run, contexts, count)) {
        out->len = run.out_start;
        if (out->data) out->data[out->len] = '\0';
    }
    anm_arena_destroy(run.arena);
    return run.status;
}
