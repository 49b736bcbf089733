/* SPDX-License-Identifier: MIT */
#include "tests/unit/testing.h"

#include "src/mil/builder.h"
#include "src/mil/ops.h"

static void builds_a_function(void **state) {
    anm_mil_program *program = anm_mil_program_create();
    anm_mil_builder b;
    anm_error err;
    anm_mil_builder_init(&b, program);
    anm_mil_builder_function(&b, "main", "CoreML8");
    anm_mil_value *x =
        anm_mil_builder_input(&b, "x", ANM_DTYPE_FP16, 3, (const int64_t[]){1, 5, 4});
    anm_mil_value *half = anm_mil_builder_half(&b, "2.scale", 0.5);
    anm_mil_value *y = anm_mil_emit(&b, "mul", "x", {"x", x}, {"y", half});
    anm_mil_builder_rename(&b, y, "y");
    anm_mil_builder_outputs(&b, &y, 1);
    assert_ok(anm_mil_builder_finish(&b, &err), &err);

    assert_string_equal(half->name, "var_2_scale");
    assert_string_equal(y->name, "y");
    assert_string_equal(anm_mil_op_label(y->def), "x_0");
    assert_int_equal(y->type->rank, 3);
    assert_int_equal(y->type->shape[1], 5);
    double scale;
    assert_true(anm_mil_op_get_float(y->def, "y", &scale));
    assert_true(scale == 0.5);
    assert_ptr_equal(program->functions[0]->body->first, half->def);
    anm_mil_program_destroy(program);
}

static void failure_is_sticky_and_names_the_op(void **state) {
    anm_mil_program *program = anm_mil_program_create();
    anm_mil_builder b;
    anm_error err;
    anm_mil_builder_init(&b, program);
    anm_mil_builder_function(&b, "main", "CoreML8");
    anm_mil_value *x = anm_mil_builder_input(&b, "x", ANM_DTYPE_FP16, 1, (const int64_t[]){3});
    anm_mil_value *y = anm_mil_builder_input(&b, "y", ANM_DTYPE_FP16, 1, (const int64_t[]){4});
    assert_null(anm_mil_emit(&b, "add", "sum", {"x", x}, {"y", y}));
    assert_null(anm_mil_builder_half(&b, "later", 1));
    assert_int_equal(anm_mil_builder_finish(&b, &err), ANM_ERROR_MISMATCH);
    assert_string_equal(err.where, "sum");
    assert_string_equal(err.message, "add: shapes [3] and [4] do not broadcast");
    anm_mil_program_destroy(program);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_a_function),
        cmocka_unit_test(failure_is_sticky_and_names_the_op),
    };
    return cmocka_run_group_tests_name("builder", tests, NULL, NULL);
}
