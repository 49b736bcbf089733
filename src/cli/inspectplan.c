/* SPDX-License-Identifier: MIT */
#include "src/cli/inspectplan.h"

#include <stdio.h>

#include "anemone/profile.h"
#include "src/cli/cli.h"

/*
 * Makes the plan; `reason` tells why there is none. Whatever engine fits is asked for first: what
 * fails then, as a level that this machine lacks, is not for the function to answer.
 */
static anm_status prepare(const anm_function *f, const anm_predict_options *given,
                          const shape_args *shapes, anm_error *reason, anm_error *err) {
    anm_predict_options options = *given;
    options.threads = 1;
    anm_status status =
        anm_function_prepare_shapes(f, shapes->tensors, shapes->count, &options, err);
    if (status != ANM_OK) return status;
    options.engine = ANM_ENGINE_FAST;
    status = anm_function_prepare_shapes(f, shapes->tensors, shapes->count, &options, reason);
    if (status == ANM_OK) reason->status = ANM_OK;
    return ANM_OK;
}

static void print_steps(const anm_function *f) {
    size_t count = anm_function_step_count(f);
    for (size_t i = 0; i < count; i++) {
        anm_step_timing t = anm_function_step(f, i);
        printf("  %5zu %5d  %-24s%s%s", i, t.phase, t.kind, t.label ? t.label : "",
               t.interpreted ? "  (interpreter)" : "");
        if (t.kernel) printf("  (%s)", t.kernel);
        putchar('\n');
    }
}

static void print_plan(const anm_function *f, const anm_error *reason) {
    anm_plan_facts facts;
    char workspace[32], copied[32];
    if (reason->status != ANM_OK) {
        printf("function %s\n  no plan: %s\n", anm_function_name(f), reason->message);
        return;
    }
    anm_function_plan(f, &facts);
    printf("function %s: %zu steps in %zu phases, %zu in the interpreter, workspace %s, "
           "constants copied %s\n",
           anm_function_name(f), facts.steps, facts.phases, facts.fallbacks,
           cli_size((double)facts.workspace, workspace, sizeof workspace),
           cli_size((double)facts.copied, copied, sizeof copied));
    printf("   step phase  kind                    op\n");
    print_steps(f);
}

anm_status inspect_print_plan(const anm_program *program, const anm_predict_options *given,
                              const shape_args *shapes, anm_error *err) {
    anm_error reason;
    for (size_t i = 0; i < anm_program_function_count(program); i++) {
        const anm_function *f = anm_program_function_at(program, i);
        anm_status status = prepare(f, given, shapes, &reason, err);
        if (status != ANM_OK) return status;
        if (i) putchar('\n');
        print_plan(f, &reason);
    }
    return ANM_OK;
}

static json_t *json_plan(const anm_function *f, const anm_error *reason) {
    anm_plan_facts facts = {0};
    json_t *steps = json_array();
    if (reason->status != ANM_OK) {
        json_decref(steps);
        return json_pack("{s:s, s:n, s:s}", "function", anm_function_name(f), "steps", "reason",
                         reason->message);
    }
    anm_function_plan(f, &facts);
    for (size_t i = 0; i < facts.steps; i++) {
        anm_step_timing t = anm_function_step(f, i);
        json_array_append_new(steps, json_pack("{s:s, s:s?, s:s?, s:i, s:b, s:I, s:I}", "kind",
                                               t.kind, "op", t.label, "kernel", t.kernel, "phase",
                                               t.phase, "interpreter", t.interpreted, "bytes",
                                               (json_int_t)t.bytes, "flops",
                                               (json_int_t)t.flops));
    }
    return json_pack("{s:s, s:o, s:I, s:I, s:I, s:I}", "function", anm_function_name(f), "steps",
                     steps, "phases", (json_int_t)facts.phases, "interpreter",
                     (json_int_t)facts.fallbacks, "workspace", (json_int_t)facts.workspace,
                     "copied", (json_int_t)facts.copied);
}

anm_status inspect_json_plan(const anm_program *program, const anm_predict_options *given,
                             const shape_args *shapes, json_t **out, anm_error *err) {
    anm_error reason;
    *out = json_array();
    for (size_t i = 0; i < anm_program_function_count(program); i++) {
        const anm_function *f = anm_program_function_at(program, i);
        anm_status status = prepare(f, given, shapes, &reason, err);
        if (status != ANM_OK) {
            json_decref(*out);
            *out = NULL;
            return status;
        }
        json_array_append_new(*out, json_plan(f, &reason));
    }
    return ANM_OK;
}
