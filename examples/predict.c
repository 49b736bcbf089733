/* SPDX-License-Identifier: MIT */
/*
 * Runs a function of any package on named inputs: predict PACKAGE[:FUNCTION] [NAME=NUMBER,...]...
 * Inputs have their default shape; numbers are repeated as often as it takes, and an input that is
 * not given is zeros. Prints the first numbers of each output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* fp32 of the default shape for an input: the library converts to the input's own type. */
static anm_tensor make_input(const anm_feature *f) {
    anm_tensor t = {.name = f->name, .dtype = ANM_DTYPE_FP32, .rank = f->rank};
    for (int i = 0; i < f->rank; i++) t.shape[i] = f->shape[i];
    int64_t count = anm_shape_elements(t.shape, t.rank);
    t.bytes = count > 0 ? (size_t)count * sizeof(float) : 0;
    t.data = calloc(t.bytes + 1, 1);
    return t;
}

/* "1,2.5": over and over. */
static void fill(anm_tensor *t, const char *numbers) {
    float *data = t->data;
    const char *p = numbers;
    for (size_t i = 0; data && i < t->bytes / sizeof(float) && *numbers; i++) {
        char *end;
        data[i] = strtof(p, &end);
        p = end > p && *end == ',' && end[1] ? end + 1 : numbers;
    }
}

/* "NAME=NUMBERS"; false if there is no such input. */
static int assign(anm_tensor *inputs, size_t count, const char *word) {
    const char *equals = strchr(word, '=');
    for (size_t i = 0; equals && i < count; i++) {
        size_t length = strlen(inputs[i].name);
        if (length != (size_t)(equals - word)) continue;
        if (strncmp(inputs[i].name, word, length) != 0) continue;
        fill(&inputs[i], equals + 1);
        return 1;
    }
    fprintf(stderr, "predict: \"%s\" gives no input of the function\n", word);
    return 0;
}

static int predict(const anm_function *f, const anm_tensor *in, size_t inputs) {
    anm_error err;
    anm_state *state = NULL;
    size_t outputs = anm_function_output_count(f);
    anm_tensor *out = calloc(outputs + 1, sizeof *out);
    for (size_t i = 0; i < outputs; i++)
        out[i] = (anm_tensor){.name = anm_function_output(f, i)->name, .dtype = ANM_DTYPE_FP32};
    anm_status status = anm_state_create(f, ANM_PRECISION_FP16, &state, &err);
    if (status == ANM_OK)
        status = anm_predict_alloc(f, in, inputs, out, outputs, state, NULL, &err);
    for (size_t i = 0; i < outputs && status == ANM_OK; i++) print_tensor(&out[i]);
    for (size_t i = 0; i < outputs; i++) anm_tensor_release(&out[i]);
    anm_state_destroy(state);
    free(out);
    return status == ANM_OK ? 0 : fail(&err);
}

static int run(const anm_function *f, char **words, int count) {
    size_t inputs = anm_function_input_count(f);
    anm_tensor *in = calloc(inputs + 1, sizeof *in);
    int code = 0;
    for (size_t i = 0; i < inputs; i++) in[i] = make_input(anm_function_input(f, i));
    for (int i = 0; i < count && code == 0; i++) code = !assign(in, inputs, words[i]);
    if (code == 0) code = predict(f, in, inputs);
    for (size_t i = 0; i < inputs; i++) free(in[i].data);
    free(in);
    return code;
}

int main(int argc, char **argv) {
    anm_error err;
    anm_program *program;
    if (argc < 2) {
        fprintf(stderr, "usage: predict PACKAGE[:FUNCTION] [NAME=NUMBER,...]...\n");
        return 64;
    }
    char *name = strrchr(argv[1], ':');
    if (name) *name++ = '\0';
    if (anm_program_open(argv[1], &program, &err) != ANM_OK) return fail(&err);
    const anm_function *f = anm_program_function(program, name);
    int code = f ? run(f, argv + 2, argc - 2) : 1;
    if (!f) fprintf(stderr, "predict: there is no function %s\n", name ? name : "by default");
    anm_program_close(program);
    return code;
}
