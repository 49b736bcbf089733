/* SPDX-License-Identifier: MIT */
/* anemone config: ModelConfig JSON shown, made from packages, and held against them. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "anemone/model_config.h"
#include "src/cli/cli.h"
#include "src/cli/modelarg.h"

typedef struct settings {
    const char *output;
    bool json;
} settings;

static const char *shape_text(const anm_config_tensor *t, char *buffer, size_t size) {
    size_t used = (size_t)snprintf(buffer, size, "[");
    for (int i = 0; i < t->rank && used < size; i++)
        used += (size_t)snprintf(buffer + used, size - used, "%s%" PRId64, i ? ", " : "",
                                 t->shape[i]);
    if (used < size) snprintf(buffer + used, size - used, "]");
    return buffer;
}

static void print_tensors(const char *what, const anm_config_tensor *list, size_t count) {
    char shape[200];
    for (size_t i = 0; i < count; i++)
        printf("    %-6s %-22s %-8s %s\n", i ? "" : what, list[i].name, list[i].data_type,
               shape_text(&list[i], shape, sizeof shape));
}

static void print_component(const anm_config_component *c) {
    printf("\n  %s: %s%s\n", c->name, c->given ? c->given : "(no file_path)",
           c->file_count ? "" : "  (not here)");
    for (size_t i = 0; i < c->function_count; i++)
        printf("    %-6s %s\n", i ? "" : "calls", c->functions[i]);
    print_tensors("in", c->inputs, c->input_count);
    print_tensors("out", c->outputs, c->output_count);
}

static void print_table(const anm_model_config *config) {
    const anm_model_config_info *info = anm_model_config_get_info(config);
    const anm_config_component *c;
    printf("%s (%s)\n", info->model_id ? info->model_id : "(no model_id)", info->model_type);
    if (info->path) printf("  path           %s\n", info->path);
    printf("  context        %" PRId64 "\n  hidden size    %" PRId64 "\n  vocabulary     %" PRId64
           "\n",
           info->context_length, info->hidden_size, info->vocab_size);
    if (info->ffn_execution) printf("  FFN            %s\n", info->ffn_execution);
    for (size_t i = 0; (c = anm_model_config_component(config, i)); i++) print_component(c);
}

static int print_json(const anm_model_config *config) {
    char *text = anm_model_config_text(config);
    if (text) puts(text);
    anm_model_config_text_free(text);
    return text ? 0 : ANM_ERROR_MEMORY;
}

static int generate(const settings *s, const anm_model_config *config) {
    anm_error err;
    if (!s->output) return print_json(config);
    if (anm_model_config_write(config, s->output, &err) != ANM_OK) return cli_fail(&err);
    printf("%s: written\n", s->output);
    return 0;
}

/* ---- check ---- */

static void on_problem(void *context, const anm_config_problem *p) {
    json_t *list = context;
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "file", p->file,
                                          "component", p->component, "tensor", p->tensor,
                                          "expected", p->expected, "found", p->found, "message",
                                          p->message));
}

static const char *text_of(const json_t *problem, const char *key) {
    const char *text = json_string_value(json_object_get(problem, key));
    return text ? text : "";
}

static void print_problem(const json_t *p) {
    const char *component = text_of(p, "component"), *tensor = text_of(p, "tensor");
    const char *expected = text_of(p, "expected"), *found = text_of(p, "found");
    printf("FAIL  %s", text_of(p, "file"));
    if (*component) printf(": %s", component);
    if (*tensor) printf(": %s", tensor);
    printf(": %s", text_of(p, "message"));
    if (*expected) printf("; expected %s", expected);
    if (*found) printf("%s found %s", *expected ? "," : ";", found);
    putchar('\n');
}

static void print_problems(const char *path, const json_t *list) {
    size_t count = json_array_size(list);
    for (size_t i = 0; i < count; i++) print_problem(json_array_get(list, i));
    if (!count) printf("%s: the components are as described, and fit together\n", path);
    else printf("%s: %zu problem%s\n", path, count, count == 1 ? "" : "s");
}

static int check(const settings *s, const char *path, const anm_model_config *config) {
    anm_error err;
    size_t count;
    json_t *list = json_array();
    if (anm_model_config_check(config, on_problem, list, &count, &err) != ANM_OK) {
        json_decref(list);
        return cli_fail(&err);
    }
    if (s->json) {
        json_t *root = json_pack("{s:b, s:O}", "passed", count == 0, "problems", list);
        json_dumpf(root, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(root);
    } else {
        print_problems(path, list);
    }
    json_decref(list);
    return count ? ANM_ERROR_MISMATCH : 0;
}

/* A JSON, or a directory that holds one; another directory is described by its packages. */
static anm_status open_config(const char *path, bool from_packages, anm_model_config **out,
                              anm_error *err) {
    char inner[4096];
    struct stat info;
    bool directory = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    snprintf(inner, sizeof inner, "%s/" ANM_MODEL_CONFIG_FILE, path);
    if (directory && (from_packages || stat(inner, &info) != 0))
        return anm_model_config_generate(path, out, err);
    return anm_model_config_read(path, out, err);
}

static int act(const settings *s, const char *action, const char *path,
               const anm_model_config *config) {
    if (strcmp(action, "check") == 0) return check(s, path, config);
    if (strcmp(action, "generate") == 0) return generate(s, config);
    if (s->json) return print_json(config);
    print_table(config);
    return 0;
}

static bool is_action(const char *text) {
    return strcmp(text, "show") == 0 || strcmp(text, "generate") == 0 || strcmp(text, "check") == 0;
}

int cmd_config(int argc, char **argv) {
    settings s = {0};
    const cli_option options[] = {
        {"output", 'o', CLI_STRING, &s.output, "FILE", "generate: write FILE, not standard output"},
        {"json", 0, CLI_FLAG, &s.json, NULL, "print JSON"},
    };
    const cli_spec spec = {"config",
                           "show|generate|check MODEL",
                           2,
                           2,
                           "Shows, makes from packages, or checks the description of a model's "
                           "components.",
                           "MODEL is a directory of packages or a ModelConfig in JSON; a "
                           "directory's " ANM_MODEL_CONFIG_FILE "\nis read, except by generate. "
                           "See docs/model-config.md.",
                           options,
                           2};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code >= 0) return code;
    if (!is_action(operands[0]))
        return cli_usage(&spec, "show, generate or check, not \"%s\"", operands[0]);
    anm_error err;
    anm_model_config *config;
    bool generating = strcmp(operands[0], "generate") == 0;
    if (s.output && !generating) return cli_usage(&spec, "--output is for generate");
    const char *path;
    code = cli_model(operands[1], &path);
    if (code >= 0) return code;
    if (open_config(path, generating, &config, &err) != ANM_OK) return cli_fail(&err);
    code = act(&s, operands[0], path, config);
    anm_model_config_close(config);
    return code;
}
