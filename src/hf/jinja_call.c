/* SPDX-License-Identifier: MIT */
/* Calls: binding of arguments to the parameters of builtins and macros; recursion of loops. */
#include "src/hf/jinja_run.h"

jinja_value anm_jinja_keyword(const jinja_args *args, const char *name) {
    for (size_t i = 0; i < args->keyword_count; i++)
        if (anm_sv_is(args->keywords[i].name, name)) return args->keywords[i].value;
    return (jinja_value){.kind = JINJA_ABSENT};
}

/* --- tables --- */

static const jinja_builtin *find(const jinja_builtin *table, anm_sv name) {
    for (; table->name; table++)
        if (anm_sv_is(name, table->name)) return table;
    return NULL;
}

const jinja_builtin *anm_jinja_find_filter(anm_sv name) {
    const jinja_builtin *found = find(anm_jinja_text_filters, name);
    if (!found) found = find(anm_jinja_list_filters, name);
    return found ? found : find(anm_jinja_select_filters, name);
}

const jinja_builtin *anm_jinja_find_test(anm_sv name) {
    return find(anm_jinja_tests, name);
}

const jinja_builtin *anm_jinja_find_global(anm_sv name) {
    return find(anm_jinja_globals, name);
}

const jinja_builtin *anm_jinja_find_method(jinja_value object, anm_sv name) {
    switch (object.kind) {
    case JINJA_STRING: return find(anm_jinja_string_methods, name);
    case JINJA_LIST: return find(anm_jinja_list_methods, name);
    case JINJA_DICT: return find(anm_jinja_dict_methods, name);
    case JINJA_LOOP: return find(anm_jinja_loop_methods, name);
    case JINJA_CYCLER: return find(anm_jinja_cycler_methods, name);
    case JINJA_TUPLE: /* those that change nothing come first in the table */
        if (anm_sv_is(name, "index") || anm_sv_is(name, "count"))
            return find(anm_jinja_list_methods, name);
        return NULL;
    default: return NULL;
    }
}

/* --- builtins --- */

static int parameter_index(const jinja_builtin *builtin, anm_sv name) {
    const char *at = builtin->parameters;
    for (int i = 0; *at; i++) {
        size_t n = strcspn(at, " ");
        if (anm_sv_equal(name, (anm_sv){at, n})) return i;
        at += n + (at[n] == ' ');
    }
    return -1;
}

static size_t parameter_count(const jinja_builtin *builtin) {
    size_t count = *builtin->parameters != '\0';
    for (const char *at = builtin->parameters; *at; at++) count += *at == ' ';
    return count;
}

static bool bind_keywords(jinja_run *run, const jinja_builtin *builtin, const jinja_args *args,
                          jinja_call *call) {
    for (size_t i = 0; i < args->keyword_count; i++) {
        anm_sv name = args->keywords[i].name;
        int at = parameter_index(builtin, name);
        if (at < 0)
            return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "%s has no argument \"%.*s\"",
                                   builtin->name, ANM_SV(name));
        if (call->arg[at].kind != JINJA_ABSENT)
            return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "%s got \"%.*s\" twice", builtin->name,
                                   ANM_SV(name));
        call->arg[at] = args->keywords[i].value;
    }
    return true;
}

/* Filters may call filters, as in map('map', 'map', ...): that nests, too. */
static bool invoke(jinja_run *run, const jinja_builtin *builtin, const jinja_call *call,
                   jinja_value *out) {
    if (++run->depth > JINJA_MAX_DEPTH)
        return anm_jinja_raise(run, ANM_ERROR_LIMIT, "calls are nested deeper than %d",
                               JINJA_MAX_DEPTH);
    bool ok = builtin->call(run, call, out);
    run->depth--;
    return ok;
}

bool anm_jinja_call_builtin(jinja_run *run, const jinja_builtin *builtin, jinja_value self,
                            const jinja_args *args, jinja_value *out) {
    jinja_call call = {.self = self, .all = args};
    if (strcmp(builtin->parameters, "*") == 0) return invoke(run, builtin, &call, out);
    if (args->len > parameter_count(builtin))
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "%s takes at most %zu arguments, not %zu",
                               builtin->name, parameter_count(builtin), args->len);
    for (size_t i = 0; i < args->len; i++) call.arg[i] = args->items[i];
    if (!bind_keywords(run, builtin, args, &call)) return false;
    for (int i = 0; i < builtin->required; i++)
        if (call.arg[i].kind == JINJA_ABSENT)
            return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "%s needs %d argument%s: %s",
                                   builtin->name, builtin->required,
                                   builtin->required == 1 ? "" : "s", builtin->parameters);
    return invoke(run, builtin, &call, out);
}

/* --- macros --- */

static bool is_parameter(const jinja_node *macro, anm_sv name) {
    for (size_t i = 0; i < macro->list.len; i++)
        if (anm_sv_equal(macro->list.items[i]->name, name)) return true;
    return false;
}

/* The value of parameter `i`: by position, by name, its default, or undefined. */
static bool bind_parameter(jinja_run *run, const jinja_node *macro, size_t i,
                           const jinja_args *args) {
    const jinja_node *parameter = macro->list.items[i];
    jinja_value value = {.kind = JINJA_ABSENT};
    for (size_t k = 0; k < args->keyword_count && value.kind == JINJA_ABSENT; k++)
        if (anm_sv_equal(args->keywords[k].name, parameter->name)) value = args->keywords[k].value;
    if (i < args->len) {
        if (value.kind != JINJA_ABSENT)
            return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "macro %.*s got \"%.*s\" twice",
                                   ANM_SV(macro->name), ANM_SV(parameter->name));
        value = args->items[i];
    }
    if (value.kind == JINJA_ABSENT) {
        value = jinja_undefined(parameter->name, JINJA_ABSENT);
        if (parameter->a && !anm_jinja_eval(run, parameter->a, &value)) return false;
    }
    return anm_jinja_assign(run, parameter->symbol, value);
}

static bool bind_varargs(jinja_run *run, const jinja_node *macro, const jinja_args *args) {
    size_t named = macro->list.len;
    jinja_value rest;
    if (args->len > named && !(macro->op & JINJA_USES_VARARGS))
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "macro %.*s takes %zu arguments, not %zu",
                               ANM_SV(macro->name), named, args->len);
    if (!(macro->op & JINJA_USES_VARARGS)) return true;
    if (!anm_jinja_list_new(run, JINJA_TUPLE, 0, &rest)) return false;
    for (size_t i = named; i < args->len; i++)
        if (!anm_jinja_list_push(run, rest.list, args->items[i])) return false;
    return anm_jinja_assign(run, run->tmpl->varargs_symbol, rest);
}

/* Keywords that are no parameters: the caller of a call block, and kwargs. */
static bool bind_rest(jinja_run *run, const jinja_node *macro, const jinja_args *args) {
    jinja_value rest, caller = jinja_undefined(anm_sv_from("caller"), JINJA_ABSENT);
    if (!anm_jinja_dict_new(run, JINJA_DICT, &rest)) return false;
    for (size_t i = 0; i < args->keyword_count; i++) {
        jinja_keyword keyword = args->keywords[i];
        if (is_parameter(macro, keyword.name)) continue;
        if (anm_sv_is(keyword.name, "caller") && (macro->op & JINJA_USES_CALLER)) {
            caller = keyword.value;
            continue;
        }
        if (!(macro->op & JINJA_USES_KWARGS))
            return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "macro %.*s has no argument \"%.*s\"",
                                   ANM_SV(macro->name), ANM_SV(keyword.name));
        if (!anm_jinja_dict_put(run, rest.dict, jinja_string(keyword.name), keyword.value))
            return false;
    }
    if ((macro->op & JINJA_USES_CALLER) && !is_parameter(macro, anm_sv_from("caller")) &&
        !anm_jinja_assign(run, run->tmpl->caller_symbol, caller))
        return false;
    return !(macro->op & JINJA_USES_KWARGS) ||
           anm_jinja_assign(run, run->tmpl->kwargs_symbol, rest);
}

bool anm_jinja_call_macro(jinja_run *run, const jinja_macro *macro, const jinja_args *args,
                          jinja_value *out) {
    const jinja_node *node = macro->node;
    jinja_scope *outer = run->scope;
    size_t start = run->out->len;
    if (!anm_jinja_scope_push(run, macro->scope) || !bind_varargs(run, node, args)) return false;
    for (size_t i = 0; i < node->list.len; i++)
        if (!bind_parameter(run, node, i, args)) return false;
    if (!bind_rest(run, node, args)) return false;
    if (anm_jinja_exec(run, node->body) == JINJA_FLOW_FAILED) return false;
    run->scope = outer;
    return anm_jinja_take(run, start, out);
}

/* --- other things that can be called --- */

/* loop(items) runs a recursive loop's body over other items. */
static bool call_loop(jinja_run *run, const jinja_loop *loop, const jinja_args *args,
                      jinja_value *out) {
    if (!loop->node->op)
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH,
                               "loop() needs a loop marked \"recursive\"");
    if (args->len != 1 || args->keyword_count)
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "loop() takes one argument");
    jinja_scope *outer = run->scope;
    size_t start = run->out->len;
    run->scope = loop->scope;
    jinja_flow flow = anm_jinja_run_loop(run, loop->node, args->items[0], loop->level + 1);
    run->scope = outer;
    return flow != JINJA_FLOW_FAILED && anm_jinja_take(run, start, out);
}

static bool call_joiner(jinja_cycler *joiner, jinja_value *out) {
    *out = joiner->items->items[joiner->at];
    joiner->at = 1;
    return true;
}

static bool dispatch(jinja_run *run, jinja_value callee, const jinja_args *args,
                     jinja_value *out) {
    if (JINJA_IS(callee, JINJA_FUNCTION))
        return anm_jinja_call_builtin(run, callee.function->builtin, callee.function->self, args,
                                      out);
    if (JINJA_IS(callee, JINJA_MACRO)) return anm_jinja_call_macro(run, callee.macro, args, out);
    if (JINJA_IS(callee, JINJA_LOOP)) return call_loop(run, callee.loop, args, out);
    if (JINJA_IS(callee, JINJA_CYCLER) && callee.cycler->joiner)
        return call_joiner(callee.cycler, out);
    if (JINJA_IS(callee, JINJA_UNDEFINED)) return anm_jinja_raise_undefined(run, callee);
    return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "a %s cannot be called",
                           anm_jinja_type_name(callee));
}

bool anm_jinja_call(jinja_run *run, jinja_value callee, const jinja_args *args,
                    jinja_value *out) {
    if (++run->depth > JINJA_MAX_DEPTH)
        return anm_jinja_raise(run, ANM_ERROR_LIMIT, "calls are nested deeper than %d",
                               JINJA_MAX_DEPTH);
    bool ok = dispatch(run, callee, args, out);
    run->depth--;
    return ok;
}
