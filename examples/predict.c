/* SPDX-License-Identifier: MIT */
/* Runs a program's default function on zeros and prints the first numbers: predict PACKAGE */
#include <stdio.h>
#include <stdlib.h>

#include <anemone/anemone.h>

static int fail(const anm_error *err) {
    char text[1024];
    anm_error_format(err, text, sizeof text);
    fprintf(stderr, "predict: %s\n", text);
    return 1;
}

static void print_tensor(const anm_tensor *t) {
    int64_t count = anm_shape_elements(t->shape, t->rank);
    printf("%s:", t->name);
    for (int64_t i = 0; i < count && i < 8; i++) printf(" %g", ((const float *)t->data)[i]);
    puts(count > 8 ? " ..." : "");
}

/* Zeros of the default shape for an input. */
static anm_tensor zeros(const anm_feature *f) {
    anm_tensor t = {.name = f->name, .dtype = f->dtype, .rank = f->rank};
    for (int i = 0; i < f->rank; i++) t.shape[i] = f->shape[i];
    int64_t count = anm_shape_elements(t.shape, t.rank);
    t.bytes = count > 0 ? (size_t)count * (size_t)(anm_dtype_bits(t.dtype) / 8) : 0;
    t.data = calloc(t.bytes + 1, 1);
    return t;
}

static int run(const anm_function *f) {
    anm_error err;
    anm_state *state;
    size_t inputs = anm_function_input_count(f), outputs = anm_function_output_count(f);
    anm_tensor *in = calloc(inputs + 1, sizeof *in), *out = calloc(outputs + 1, sizeof *out);
    for (size_t i = 0; i < inputs; i++) in[i] = zeros(anm_function_input(f, i));
    for (size_t i = 0; i < outputs; i++)
        out[i] = (anm_tensor){.name = anm_function_output(f, i)->name, .dtype = ANM_DTYPE_FP32};
    anm_status status = anm_state_create(f, ANM_PRECISION_FP16, &state, &err);
    if (status == ANM_OK)
        status = anm_predict_alloc(f, in, inputs, out, outputs, state, NULL, &err);
    for (size_t i = 0; i < outputs && status == ANM_OK; i++) print_tensor(&out[i]);
    for (size_t i = 0; i < inputs; i++) free(in[i].data);
    for (size_t i = 0; i < outputs; i++) anm_tensor_release(&out[i]);
    anm_state_destroy(state);
    free(in);
    free(out);
    return status == ANM_OK ? 0 : fail(&err);
}

int main(int argc, char **argv) {
    anm_error err;
    anm_program *program;
    if (argc != 2) {
        fprintf(stderr, "usage: predict PACKAGE\n");
        return 64;
    }
    if (anm_program_open(argv[1], &program, &err) != ANM_OK) return fail(&err);
    int code = run(anm_program_function(program, NULL));
    anm_program_close(program);
    return code;
}
