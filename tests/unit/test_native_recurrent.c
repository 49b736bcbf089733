/* SPDX-License-Identifier: MIT */
/* Recurrent layers of odd sizes, with weights made here, against the interpreter. */
#include "tests/unit/step_cases.h"

/* A layer; `%s` of the outputs' types is filled in by the direction. */
typedef struct layer {
    const char *op, *options;
    int steps, batch, input, hidden, gates;
    bool both, sequence, peephole;
} layer;

/* Numbers of -0.5 .. 0.5 */
static void put_matrix(anm_strbuf *out, const char *name, int rows, int columns) {
    anm_strbuf_printf(out, ", %s = tensor<fp32, [%d", name, rows);
    if (columns) anm_strbuf_printf(out, ", %d", columns);
    anm_strbuf_puts(out, "]>([");
    for (int i = 0; i < rows; i++) {
        if (columns) anm_strbuf_puts(out, i ? ", [" : "[");
        else if (i) anm_strbuf_puts(out, ", ");
        for (int k = 0; k < (columns ? columns : 1); k++) {
            seed = seed * 1664525u + 1013904223u;
            anm_strbuf_printf(out, "%s%g", k ? ", " : "", ((int)(seed >> 16) % 17 - 8) / 16.0);
        }
        if (columns) anm_strbuf_puts(out, "]");
    }
    anm_strbuf_puts(out, "])");
}

static void put_weights(anm_strbuf *out, const layer *l, const char *suffix) {
    char name[3][32];
    const char *const stems[3] = {"weight_ih", "weight_hh", "bias"};
    for (int i = 0; i < 3; i++) snprintf(name[i], sizeof name[i], "%s%s", stems[i], suffix);
    put_matrix(out, name[0], l->gates * l->hidden, l->input);
    put_matrix(out, name[1], l->gates * l->hidden, l->hidden);
    put_matrix(out, name[2], l->gates * l->hidden, 0);
    snprintf(name[0], sizeof name[0], "peephole%s", suffix);
    if (l->peephole) put_matrix(out, name[0], 3 * l->hidden, 0);
}

static void check_layer(const layer *l) {
    anm_strbuf body = {0};
    char inputs[200];
    bool lstm = l->gates == 4;
    int width = l->hidden * (l->both ? 2 : 1);
    seed = 5;
    anm_strbuf_printf(&body, "tensor<fp32, [%d, %d, %d]> y, tensor<fp32, [%d, %d]> hn",
                      l->sequence ? l->steps : 1, l->batch, width, l->batch, width);
    if (lstm) anm_strbuf_printf(&body, ", tensor<fp32, [%d, %d]> cn", l->batch, width);
    anm_strbuf_printf(&body, " = %s(x = x, initial_h = h%s", l->op, lstm ? ", initial_c = c" : "");
    put_weights(&body, l, "");
    if (l->both) put_weights(&body, l, "_back");
    anm_strbuf_printf(&body, ", output_sequence = bool(%s)%s);", l->sequence ? "true" : "false",
                      l->options);
    int used = snprintf(inputs, sizeof inputs,
                        "tensor<fp32, [%d, %d, %d]> x, tensor<fp32, [%d, %d]> h", l->steps,
                        l->batch, l->input, l->batch, width);
    if (lstm)
        snprintf(inputs + used, sizeof inputs - (size_t)used, ", tensor<fp32, [%d, %d]> c",
                 l->batch, width);
    step_case as_step = {inputs, anm_strbuf_cstr(&body), lstm ? "y, hn, cn" : "y, hn"};
    check(&as_step);
    anm_strbuf_free(&body);
}

static void layers(void **state) {
    static const layer all[] = {
        {"lstm", ", direction = string(\"forward\")", 5, 2, 7, 9, 4, false, true},
        {"lstm", ", direction = string(\"reverse\")", 3, 1, 5, 35, 4, false, false},
        {"lstm", ", direction = string(\"bidirectional\")", 4, 3, 6, 33, 4, true, true},
        {"lstm", ", recurrent_activation = string(\"hard_sigmoid\"), activation = "
                 "string(\"linear\"), cell_activation = string(\"relu\")", 4, 1, 3, 5, 4, false,
         true},
        {"lstm", ", clip = fp32(0.25)", 6, 2, 5, 36, 4, false, true, false},
        {"lstm", "", 5, 2, 3, 37, 4, false, true, true},
        {"lstm", ", direction = string(\"bidirectional\"), clip = fp32(0.5)", 4, 2, 5, 7, 4, true,
         true, true},
        {"gru", ", direction = string(\"forward\")", 5, 2, 7, 41, 3, false, true},
        {"gru", ", direction = string(\"reverse\"), reset_after = bool(true)", 4, 2, 3, 34, 3,
         false, true},
        {"rnn", ", direction = string(\"forward\"), activation = string(\"relu\")", 3, 2, 4, 37, 1,
         false, true},
        {"rnn", ", direction = string(\"reverse\")", 6, 1, 4, 3, 1, false, false},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) check_layer(&all[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(layers)};
    return cmocka_run_group_tests_name("native_recurrent", tests, NULL, NULL);
}
