/* SPDX-License-Identifier: MIT */
/* anemone inspect: interface, ops, weights, problems; --mil prints the program. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "anemone/inspect.h"
#include "src/cli/cli.h"
#include "src/cli/modelarg.h"
#include "src/cli/inspectplan.h"

static const char *shape_text(const int64_t *shape, int rank, char *buffer, size_t size) {
    size_t used = (size_t)snprintf(buffer, size, "[");
    for (int i = 0; i < rank && used < size; i++) {
        char dim[24] = "?";
        if (shape[i] >= 0) snprintf(dim, sizeof dim, "%" PRId64, shape[i]);
        used += (size_t)snprintf(buffer + used, size - used, "%s%s", i ? ", " : "", dim);
    }
    if (used < size) snprintf(buffer + used, size - used, "]");
    return buffer;
}

/* --json gives all. */
enum { SHAPES_SHOWN = 4, PROBLEMS_SHOWN = 20 };

static const char *const kind_names[] = {"tensor", "image", "dictionary", "string", "other"};

static void print_flexibility(const anm_feature *f) {
    char low[200], high[200];
    if (f->shape_kind == ANM_SHAPE_RANGE)
        printf(", %s to %s", shape_text(f->lower, f->rank, low, sizeof low),
               shape_text(f->upper, f->rank, high, sizeof high));
    for (size_t i = 0; i < f->shape_count; i++)
        printf("%s%s", i ? " | " : ", one of ", shape_text(f->shapes[i], f->rank, low, sizeof low));
}

static void print_feature(const char *role, const anm_feature *f) {
    char shape[200];
    printf("  %-7s %-24s ", role, f->name);
    if (f->kind == ANM_FEATURE_TENSOR || f->kind == ANM_FEATURE_IMAGE)
        printf("%s %s", anm_dtype_name(f->dtype),
               shape_text(f->shape, f->rank, shape, sizeof shape));
    if (f->kind != ANM_FEATURE_TENSOR) printf(" (%s)", kind_names[f->kind]);
    print_flexibility(f);
    puts(f->optional ? ", optional" : "");
}

static void print_ops(const anm_function *f) {
    const anm_op_count *op;
    int column = printf("  ops     "), columns = cli_columns(stdout), indent = column;
    for (size_t i = 0; (op = anm_function_op(f, i)); i++) {
        char text[96];
        int length = snprintf(text, sizeof text, "%s%s %zu", i ? ", " : "", op->op, op->count);
        if (column + length > columns && column > indent) {
            printf(",\n%*s", indent, "");
            column = indent + printf("%s", text + 2);
        } else {
            column += printf("%s", text);
        }
    }
    putchar('\n');
}

static void print_function(const anm_program *program, const anm_function *f) {
    bool is_default = f == anm_program_function(program, NULL);
    printf("\nfunction %s%s\n", anm_function_name(f),
           is_default && anm_program_function_count(program) > 1 ? " (default)" : "");
    for (size_t i = 0; i < anm_function_input_count(f); i++)
        print_feature("input", anm_function_input(f, i));
    for (size_t i = 0; i < anm_function_output_count(f); i++)
        print_feature("output", anm_function_output(f, i));
    for (size_t i = 0; i < anm_function_state_count(f); i++)
        print_feature("state", anm_function_state(f, i));
    print_ops(f);
}

static void print_weights(const anm_program *program) {
    const anm_weight_count *w;
    char size[32];
    if (!anm_program_weights(program, 0)) return;
    puts("\nweights");
    for (size_t i = 0; (w = anm_program_weights(program, i)); i++)
        printf("  %-7s %s in %zu blobs, %" PRIu64 " elements, named %zu times\n",
               anm_dtype_name(w->dtype), cli_size((double)w->bytes, size, sizeof size), w->blobs,
               w->elements, w->uses);
}

static void print_metadata(const anm_program *program) {
    static const char *const keys[] = {"description", "author", "version", "license"};
    for (size_t i = 0; i < 4; i++) {
        const char *value = anm_program_metadata(program, keys[i]);
        if (value) printf("%-12s %s\n", keys[i], value);
    }
    const char *key;
    for (size_t i = 0; (key = anm_program_metadata_key(program, i)); i++)
        printf("%s = %s\n", key, anm_program_metadata(program, key));
}

static const char *ios_of(int specification) {
    static const char *const names[] = {"iOS 15", "iOS 16", "iOS 17", "iOS 18"};
    return specification >= 6 && specification <= 9 ? names[specification - 6] : "unknown";
}

static void print_text(const anm_program *program, const char *path) {
    const char *problem;
    printf("%s: ML Program, specification %d (%s)\n", path, anm_program_specification(program),
           ios_of(anm_program_specification(program)));
    print_metadata(program);
    for (size_t i = 0; i < anm_program_function_count(program); i++)
        print_function(program, anm_program_function_at(program, i));
    print_weights(program);
    size_t count = 0;
    for (; (problem = anm_program_problem(program, count)); count++)
        if (count < PROBLEMS_SHOWN) printf("%sproblem: %s\n", count ? "" : "\n", problem);
    if (count > PROBLEMS_SHOWN) printf("and %zu more problems\n", count - PROBLEMS_SHOWN);
}

static json_t *json_shape(const int64_t *shape, int rank) {
    json_t *array = json_array();
    for (int i = 0; i < rank; i++)
        json_array_append_new(array, shape[i] < 0 ? json_null() : json_integer(shape[i]));
    return array;
}

static json_t *json_feature(const anm_feature *f) {
    json_t *o = json_pack("{s:s, s:s, s:s, s:o, s:b}", "name", f->name, "kind", kind_names[f->kind],
                          "type", anm_dtype_name(f->dtype), "shape", json_shape(f->shape, f->rank),
                          "optional", f->optional);
    if (f->shape_kind == ANM_SHAPE_RANGE) {
        json_object_set_new(o, "lower", json_shape(f->lower, f->rank));
        json_object_set_new(o, "upper", json_shape(f->upper, f->rank));
    } else if (f->shape_kind == ANM_SHAPE_ENUMERATED) {
        json_t *shapes = json_array();
        for (size_t i = 0; i < f->shape_count; i++)
            json_array_append_new(shapes, json_shape(f->shapes[i], f->rank));
        json_object_set_new(o, "shapes", shapes);
    }
    return o;
}

static json_t *json_features(const anm_function *f, size_t count,
                             const anm_feature *(*get)(const anm_function *, size_t)) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(array, json_feature(get(f, i)));
    return array;
}

static json_t *json_function(const anm_function *f) {
    json_t *ops = json_object();
    const anm_op_count *op;
    for (size_t i = 0; (op = anm_function_op(f, i)); i++)
        json_object_set_new(ops, op->op, json_integer((json_int_t)op->count));
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", anm_function_name(f), "inputs",
                     json_features(f, anm_function_input_count(f), anm_function_input), "outputs",
                     json_features(f, anm_function_output_count(f), anm_function_output), "states",
                     json_features(f, anm_function_state_count(f), anm_function_state), "ops", ops);
}

static json_t *json_program(const anm_program *program) {
    json_t *functions = json_array(), *weights = json_array(), *problems = json_array();
    json_t *metadata = json_object();
    const anm_weight_count *w;
    const char *text;
    for (size_t i = 0; i < anm_program_function_count(program); i++)
        json_array_append_new(functions, json_function(anm_program_function_at(program, i)));
    for (size_t i = 0; (w = anm_program_weights(program, i)); i++)
        json_array_append_new(
            weights, json_pack("{s:s, s:I, s:I, s:I, s:I}", "type", anm_dtype_name(w->dtype),
                               "blobs", (json_int_t)w->blobs, "elements", (json_int_t)w->elements,
                               "bytes", (json_int_t)w->bytes, "uses", (json_int_t)w->uses));
    for (size_t i = 0; (text = anm_program_problem(program, i)); i++)
        json_array_append_new(problems, json_string(text));
    for (size_t i = 0; (text = anm_program_metadata_key(program, i)); i++)
        json_object_set_new(metadata, text, json_string(anm_program_metadata(program, text)));
    const anm_function *standard = anm_program_function(program, NULL);
    return json_pack("{s:i, s:s?, s:o, s:o, s:o, s:o}", "specification",
                     anm_program_specification(program), "default_function",
                     standard ? anm_function_name(standard) : NULL, "metadata", metadata,
                     "functions", functions, "weights", weights, "problems", problems);
}

static int write_stdout(void *context, const char *text, size_t length) {
    (void)context;
    return fwrite(text, 1, length, stdout) != length;
}

typedef struct showing {
    bool json, mil, full, plan;
    const char *after;
    anm_predict_options options; /* of the plan */
    cli_list shape_list;
    shape_args shapes;
} showing;

static void print_json(json_t *root) {
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

static anm_status show_plan(const anm_program *program, const showing *s, anm_error *err) {
    json_t *root = NULL;
    if (!s->json) return inspect_print_plan(program, &s->options, &s->shapes, err);
    anm_status status = inspect_json_plan(program, &s->options, &s->shapes, &root, err);
    if (status == ANM_OK) print_json(root);
    return status;
}

static anm_status show_passes(const anm_program *program, const showing *s, anm_error *err) {
    for (size_t i = 0; i < anm_program_function_count(program); i++) {
        const anm_function *f = anm_program_function_at(program, i);
        anm_status status =
            anm_function_print_passes(f, s->after, s->full ? 0 : 16, write_stdout, NULL, err);
        if (status == ANM_ERROR_UNSUPPORTED)
            printf("// function %s: no plan: %s\n", anm_function_name(f), err->message);
        else if (status != ANM_OK) return status;
    }
    return ANM_OK;
}

static int list_passes(void) {
    anm_pass_info pass;
    for (size_t i = 0; anm_pass_info_at(i, &pass); i++) printf("%-12s %s\n", pass.name, pass.doc);
    return 0;
}

static anm_status show(const anm_program *program, const char *path, const showing *s,
                       anm_error *err) {
    if (s->after) return show_passes(program, s, err);
    if (s->plan) return show_plan(program, s, err);
    if (s->mil) return anm_program_print_mil(program, s->full ? 0 : 16, write_stdout, NULL, err);
    if (s->json) print_json(json_program(program));
    else print_text(program, path);
    return ANM_OK;
}

int cmd_inspect(int argc, char **argv) {
    showing s = {0};
    const cli_option options[] = {
        {"mil", 0, CLI_FLAG, &s.mil, NULL, "print the program as MIL text"},
        {"full", 0, CLI_FLAG, &s.full, NULL, "with --mil and --after: do not cut long constants"},
        {"plan", 0, CLI_FLAG, &s.plan, NULL,
         "print the fast engine's steps, for the default shapes"},
        {"cpu", 0, CLI_STRING, &s.options.cpu, "LEVEL",
         "with --plan: for this level of instructions"},
        {"matmul-precision", 0, CLI_STRING, &s.options.matmul_precision, "auto|high|medium",
         "with --plan: of many rows; medium has 8 bits (default auto)"},
        {"shape", 0, CLI_LIST, &s.shape_list, "INPUT=N,..", "with --plan: an input's shape"},
        {"after", 0, CLI_STRING, &s.after, "PASS,..",
         "print each function as these passes leave it; all: each one; list: which there are"},
        {"json", 0, CLI_FLAG, &s.json, NULL, "print JSON"},
    };
    const cli_spec spec = {"inspect",
                           "PACKAGE",
                           1,
                           1,
                           "Shows the functions, inputs, outputs, states, ops and weights of a "
                           ".mlpackage or .mlmodelc,\nand what the validator has to say.",
                           "Exits with 5 if the program has problems.",
                           options,
                           sizeof options / sizeof options[0]};
    char **operands;
    anm_predict_options_init(&s.options);
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    anm_program *program;
    anm_error err;
    const char *path;
    if (code < 0 && s.after && strcmp(s.after, "list") == 0) return list_passes();
    if (code < 0 && !cli_shapes(&s.shape_list, &s.shapes))
        code = cli_usage(&spec, "--shape is INPUT=N,N,.. with numbers above 0");
    if (code < 0) code = cli_model_package(operands[0], &path);
    if (code >= 0) return code;
    if (anm_program_open_to_inspect(path, &program, &err) != ANM_OK) return cli_fail(&err);
    code = show(program, path, &s, &err) == ANM_OK ? 0 : cli_fail(&err);
    if (code == 0 && anm_program_problem(program, 0)) code = ANM_ERROR_FORMAT;
    anm_program_close(program);
    return code;
}
