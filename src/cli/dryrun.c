/* SPDX-License-Identifier: MIT */
/* Printing a plan. */
#include "src/cli/dryrun.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "anemone/convert_plan.h"
#include "src/cli/cli.h"

static const char *const roles[] = {"input", "output", "state"};

static void print_shape(const int64_t *shape, int rank) {
    for (int i = 0; i < rank; i++) printf("%s%" PRId64, i ? ", " : "[", shape[i]);
    if (rank) putchar(']');
}

static void print_feature(const char *role, const anm_feature *f) {
    printf("    %-7s %-24s %s ", role, f->name, anm_dtype_name(f->dtype));
    if (!f->shape_count) print_shape(f->shape, f->rank);
    for (size_t i = 0; i < f->shape_count; i++) {
        if (i) printf(" or ");
        print_shape(f->shapes[i], f->rank);
    }
    putchar('\n');
}

/* Of more than a few the first and the last: logits1 to logits16. */
static void print_features(const anm_convert_plan *plan, size_t part, size_t function,
                           anm_convert_role role) {
    enum { SHOWN = 4 };
    const anm_feature *f;
    size_t count = 0;
    while (anm_convert_plan_feature(plan, part, function, role, count)) count++;
    for (size_t i = 0; i < count; i++) {
        f = anm_convert_plan_feature(plan, part, function, role, i);
        if (count <= SHOWN || i == 0 || i + 1 == count) print_feature(roles[role], f);
        else if (i == 1) printf("    %-7s ... %zu more\n", roles[role], count - 2);
    }
}

static void print_part(const anm_convert_plan *plan, size_t index) {
    char size[32];
    const anm_convert_planned *p = anm_convert_plan_part(plan, index);
    printf("%-52s %10s", p->file, cli_size((double)p->bytes, size, sizeof size));
    if (p->first_layer < p->end_layer)
        printf("  layers %" PRId64 " to %" PRId64, p->first_layer, p->end_layer - 1);
    putchar('\n');
    for (size_t f = 0; f < p->function_count; f++) {
        printf("  %s\n", anm_convert_plan_function(plan, index, f));
        for (int role = 0; role < 3; role++)
            print_features(plan, index, f, (anm_convert_role)role);
    }
}

static void print_table(const anm_convert_plan *plan) {
    char size[32], memory[32], state[32];
    const anm_convert_totals *t = anm_convert_plan_totals(plan);
    printf("%s (%s): %.1f million parameters in %" PRId64 " layers\n", t->name, t->family,
           (double)t->parameters * 1e-6, t->layers);
    printf("context %" PRId64 ", batch %" PRId64 ", cache of %" PRId64 " rows (%s)\n\n",
           t->context_length, t->batch_size, t->state_length,
           cli_size((double)t->state_bytes, state, sizeof state));
    for (size_t i = 0; i < anm_convert_plan_count(plan); i++) print_part(plan, i);
    printf("\n%zu packages, %s; converting takes about %s of memory\n",
           anm_convert_plan_count(plan), cli_size((double)t->bytes, size, sizeof size),
           cli_size((double)t->memory, memory, sizeof memory));
    for (size_t i = 0; i < anm_convert_plan_warning_count(plan); i++)
        printf("warning: %s\n", anm_convert_plan_warning(plan, i));
}

static json_t *json_shape(const int64_t *shape, int rank) {
    json_t *array = json_array();
    for (int i = 0; i < rank; i++) json_array_append_new(array, json_integer(shape[i]));
    return array;
}

static json_t *json_features(const anm_convert_plan *plan, size_t part, size_t function,
                             anm_convert_role role) {
    json_t *array = json_array();
    const anm_feature *f;
    for (size_t i = 0; (f = anm_convert_plan_feature(plan, part, function, role, i)); i++) {
        json_t *shapes = json_array();
        if (!f->shape_count) json_array_append_new(shapes, json_shape(f->shape, f->rank));
        for (size_t k = 0; k < f->shape_count; k++)
            json_array_append_new(shapes, json_shape(f->shapes[k], f->rank));
        json_array_append_new(array, json_pack("{s:s, s:s, s:o}", "name", f->name, "type",
                                               anm_dtype_name(f->dtype), "shapes", shapes));
    }
    return array;
}

static json_t *json_part(const anm_convert_plan *plan, size_t index) {
    const anm_convert_planned *p = anm_convert_plan_part(plan, index);
    json_t *functions = json_array();
    for (size_t f = 0; f < p->function_count; f++)
        json_array_append_new(
            functions, json_pack("{s:s, s:o, s:o, s:o}", "name",
                                 anm_convert_plan_function(plan, index, f), "inputs",
                                 json_features(plan, index, f, ANM_CONVERT_INPUT), "outputs",
                                 json_features(plan, index, f, ANM_CONVERT_OUTPUT), "states",
                                 json_features(plan, index, f, ANM_CONVERT_STATE)));
    json_t *part = json_pack("{s:s, s:s, s:I, s:I, s:I, s:o}", "file", p->file, "component",
                             p->component, "parameters", (json_int_t)p->parameters,
                             "weight_bytes", (json_int_t)p->weight_bytes, "bytes",
                             (json_int_t)p->bytes, "functions", functions);
    if (p->first_layer < p->end_layer)
        json_object_set_new(part, "layers", json_pack("[I, I]", (json_int_t)p->first_layer,
                                                      (json_int_t)p->end_layer));
    return part;
}

static void print_json(const anm_convert_plan *plan) {
    const anm_convert_totals *t = anm_convert_plan_totals(plan);
    json_t *parts = json_array(), *warnings = json_array();
    for (size_t i = 0; i < anm_convert_plan_count(plan); i++)
        json_array_append_new(parts, json_part(plan, i));
    for (size_t i = 0; i < anm_convert_plan_warning_count(plan); i++)
        json_array_append_new(warnings, json_string(anm_convert_plan_warning(plan, i)));
    json_t *root = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "name", t->name, "family",
        t->family, "layers", (json_int_t)t->layers, "context_length",
        (json_int_t)t->context_length, "batch_size", (json_int_t)t->batch_size, "state_length",
        (json_int_t)t->state_length, "parameters", (json_int_t)t->parameters, "bytes",
        (json_int_t)t->bytes, "state_bytes", (json_int_t)t->state_bytes, "memory",
        (json_int_t)t->memory, "parts", parts, "warnings", warnings);
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

int cli_dry_run(const char *model, const anm_convert_options *options, bool json) {
    anm_convert_plan *plan;
    anm_error err;
    if (anm_convert_plan_make(model, options, &plan, &err) != ANM_OK) return cli_fail(&err);
    if (json) print_json(plan);
    else print_table(plan);
    anm_convert_plan_free(plan);
    return 0;
}
