/* SPDX-License-Identifier: MIT */
/* anemone predict: one call of a function, tensors from and to safetensors files. */
#include <stdlib.h>
#include <string.h>

#include "anemone/program.h"
#include "anemone/safetensors.h"
#include "src/cli/cli.h"
#include "src/cli/modelarg.h"

typedef struct prediction {
    const char *package, *function, *inputs, *state, *state_out, *output;
    anm_precision precision;
    const char *matmul;
    anm_program *program;
    const anm_function *f;
    anm_state *states;
    anm_error err;
} prediction;

static anm_status fail(prediction *p, anm_status status, const char *where, const char *message) {
    p->err = (anm_error){.status = status, .offset = ANM_NO_OFFSET};
    snprintf(p->err.where, sizeof p->err.where, "%s", where);
    snprintf(p->err.message, sizeof p->err.message, "%s", message);
    return status;
}

static anm_status choose_function(prediction *p) {
    p->f = anm_program_function(p->program, p->function);
    if (p->f) return ANM_OK;
    char text[512] = "the package has no such function; it has:";
    for (size_t i = 0; i < anm_program_function_count(p->program); i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, " %s",
                 anm_function_name(anm_program_function_at(p->program, i)));
    }
    return fail(p, ANM_ERROR_NOT_FOUND, p->function ? p->function : "(default)", text);
}

/* A state file may hold any of the states, in the type that the state has or one like it. */
static anm_status load_state(prediction *p) {
    anm_safetensors *file;
    anm_status status = anm_safetensors_open(p->state, &file, &p->err);
    if (status != ANM_OK) return status;
    for (size_t i = 0; i < anm_safetensors_count(file) && status == ANM_OK; i++) {
        const anm_tensor *from = anm_safetensors_get(file, i);
        anm_tensor *to = anm_state_find(p->states, from->name);
        if (!to)
            status = fail(p, ANM_ERROR_NOT_FOUND, from->name, "the function has no such state");
        else status = anm_tensor_convert(from, to, &p->err);
    }
    anm_safetensors_close(file);
    return status;
}

static anm_status load_inputs(prediction *p, anm_safetensors **file, anm_tensor **inputs,
                              size_t *count) {
    anm_status status = anm_safetensors_open(p->inputs, file, &p->err);
    if (status != ANM_OK) return status;
    *count = anm_safetensors_count(*file);
    *inputs = calloc(*count ? *count : 1, sizeof **inputs);
    if (!*inputs) return fail(p, ANM_ERROR_MEMORY, p->inputs, "out of memory");
    for (size_t i = 0; i < *count; i++) (*inputs)[i] = *anm_safetensors_get(*file, i);
    return ANM_OK;
}

/* The run itself happens once: sizes of outputs without a fixed shape are only known after. */
static anm_status predict(prediction *p, const anm_tensor *inputs, size_t input_count,
                          anm_tensor *outputs, size_t output_count) {
    anm_predict_options options;
    anm_predict_options_init(&options);
    options.precision = p->precision;
    options.matmul_precision = p->matmul;
    for (size_t i = 0; i < output_count; i++) {
        outputs[i].name = anm_function_output(p->f, i)->name;
        outputs[i].dtype = ANM_DTYPE_NONE;
    }
    return anm_predict_alloc(p->f, inputs, input_count, outputs, output_count, p->states, &options,
                             &p->err);
}

static anm_status save(prediction *p, const anm_tensor *outputs, size_t count) {
    anm_status status = anm_safetensors_write(p->output, outputs, count, NULL, &p->err);
    if (status != ANM_OK || !p->state_out) return status;
    size_t states = anm_state_count(p->states);
    anm_tensor *copy = calloc(states ? states : 1, sizeof *copy);
    if (!copy) return fail(p, ANM_ERROR_MEMORY, p->state_out, "out of memory");
    for (size_t i = 0; i < states; i++) copy[i] = *anm_state_tensor(p->states, i);
    status = anm_safetensors_write(p->state_out, copy, states, NULL, &p->err);
    free(copy);
    return status;
}

static anm_status run_with(prediction *p, const anm_tensor *inputs, size_t input_count) {
    size_t count = anm_function_output_count(p->f);
    anm_tensor *outputs = calloc(count ? count : 1, sizeof *outputs);
    if (!outputs) return fail(p, ANM_ERROR_MEMORY, p->package, "out of memory");
    anm_status status = predict(p, inputs, input_count, outputs, count);
    if (status == ANM_OK) status = save(p, outputs, count);
    for (size_t i = 0; i < count; i++) anm_tensor_release(&outputs[i]);
    free(outputs);
    return status;
}

static anm_status run(prediction *p) {
    anm_safetensors *file = NULL;
    anm_tensor *inputs = NULL;
    size_t count = 0;
    anm_status status = anm_program_open(p->package, &p->program, &p->err);
    if (status == ANM_OK) status = choose_function(p);
    if (status == ANM_OK) status = anm_state_create(p->f, p->precision, &p->states, &p->err);
    if (status == ANM_OK && p->state) status = load_state(p);
    if (status == ANM_OK) status = load_inputs(p, &file, &inputs, &count);
    if (status == ANM_OK) status = run_with(p, inputs, count);
    free(inputs);
    anm_safetensors_close(file);
    anm_state_destroy(p->states);
    anm_program_close(p->program);
    return status;
}

int cmd_predict(int argc, char **argv) {
    prediction p = {0};
    const char *precision = "fp16";
    const cli_option options[] = {
        {"inputs", 'i', CLI_STRING, &p.inputs, "FILE", "safetensors with the inputs by name"},
        {"output", 'o', CLI_STRING, &p.output, "FILE", "where the outputs go"},
        {"function", 'f', CLI_STRING, &p.function, "NAME", "function; the default one if absent"},
        {"state", 0, CLI_STRING, &p.state, "FILE", "states to start from; zeros if absent"},
        {"state-out", 0, CLI_STRING, &p.state_out, "FILE", "where the states go afterwards"},
        {"precision", 0, CLI_STRING, &precision, "fp16|fp32",
         "round as declared (fp16, default) or carry fp32"},
        {"matmul-precision", 0, CLI_STRING, &p.matmul, "auto|high|medium",
         "of many rows: medium has 8 bits (default auto)"},
    };
    const cli_spec spec = {"predict",
                           "PACKAGE",
                           1,
                           1,
                           "Runs one function of a .mlpackage or .mlmodelc on tensors from a "
                           "safetensors file.",
                           NULL,
                           options,
                           sizeof options / sizeof options[0]};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code >= 0) return code;
    if (!p.inputs) return cli_usage(&spec, "--inputs is required");
    if (!p.output) return cli_usage(&spec, "--output is required");
    if (strcmp(precision, "fp32") == 0) p.precision = ANM_PRECISION_FP32;
    else if (strcmp(precision, "fp16") != 0)
        return cli_usage(&spec, "--precision is fp16 or fp32, not \"%s\"", precision);
    code = cli_model_package(operands[0], &p.package);
    if (code >= 0) return code;
    return run(&p) == ANM_OK ? 0 : cli_fail(&p.err);
}
