/* SPDX-License-Identifier: MIT */
/* Steps that go by indices or places: sorting, scattering, gathering. Integer inputs are 0 to 3. */
#include "tests/unit/step_cases.h"

/* clang-format off: an op to a line */

static void sorting(void **state) {
    static const step_case cases[] = {
        {F("3, 41") " x", F("3, 5") " v, " I("3, 5") " i = topk(x = x, k = int32(5), axis = int32(1), ascending = bool(false));", "v, i"},
        {F("100, 3, 2") " x", F("70, 3, 2") " v, " I("70, 3, 2") " i = topk(x = x, k = int32(70), axis = int32(0), ascending = bool(true));", "v, i"},
        {I("4, 20") " x", I("4, 7") " v, " I("4, 7") " i = topk(x = x, k = int32(7), axis = int32(-1), ascending = bool(false));", "v, i"},
        {I("2, 90") " x", I("2, 90") " v, " I("2, 90") " i = topk(x = x, k = int32(-1), axis = int32(-1), ascending = bool(true));", "v, i"},
        {F("5, 7, 3") " x", I("5, 7, 3") " y = argsort(x = x, axis = int32(1), ascending = bool(true));\n" I("5, 7, 3") " z = argsort(x = x, axis = int32(-1), ascending = bool(false));", "y, z"},
    };
    CHECK(cases);
    MUTATE(cases);
}

static void scattering(void **state) {
    static const step_case cases[] = {
        {F("5, 70") " d, " I("3") " i, " F("3, 70") " u", F("5, 70") " y = scatter(data = d, indices = i, updates = u, axis = int32(0), mode = string(\"add\"));\n" F("5, 70") " z = scatter(data = d, indices = i, updates = u, axis = int32(0), mode = string(\"update\"));", "y, z"},
        {F("2, 4, 3") " d, " I("6") " i, " F("2, 6, 3") " u", F("2, 4, 3") " y = scatter(data = d, indices = i, updates = u, axis = int32(1), mode = string(\"max\"));\n" F("2, 4, 3") " z = scatter(data = d, indices = i, updates = u, axis = int32(1), mode = string(\"sub\"));", "y, z"},
        {F("4, 5, 7") " d, " I("4, 3, 7") " i, " F("4, 3, 7") " u", F("4, 5, 7") " y = scatter_along_axis(data = d, indices = i, updates = u, axis = int32(1), mode = string(\"mul\"));\n" F("4, 5, 7") " z = scatter_along_axis(data = d, indices = i, updates = u, axis = int32(-2), mode = string(\"update\"));", "y, z"},
        {F("4, 5, 7") " d, " I("3, 2") " i, " F("3, 7") " u", F("4, 5, 7") " y = scatter_nd(data = d, indices = i, updates = u, mode = string(\"add\"));\n" F("4, 5, 7") " z = scatter_nd(data = d, indices = i, updates = u, mode = string(\"min\"));", "y, z"},
        {I("4, 4") " d, " I("5, 2") " i, " I("5") " u", I("4, 4") " y = scatter_nd(data = d, indices = i, updates = u, mode = string(\"add\"));\n" I("4, 4") " z = scatter_nd(data = d, indices = i, updates = u, mode = string(\"div\"));", "y, z"},
    };
    CHECK(cases);
    MUTATE(cases);
}

static void gathering(void **state) {
    static const step_case cases[] = {
        {F("3, 4, 5") " x, " I("3, 7, 5") " i", F("3, 7, 5") " y = gather_along_axis(x = x, indices = i, axis = int32(1), validate_indices = bool(false));", "y"},
        {I("4, 5") " x, " I("4, 5") " i", I("4, 5") " y = gather_along_axis(x = x, indices = i, axis = int32(-1), validate_indices = bool(false));", "y"},
        {F("4, 4, 6") " x, " I("5, 3, 2") " i", F("5, 3, 6") " y = gather_nd(x = x, indices = i, batch_dims = int32(0), validate_indices = bool(false));", "y"},
        {F("2, 4, 5, 3") " x, " I("2, 6, 1") " i", F("2, 6, 5, 3") " y = gather_nd(x = x, indices = i, batch_dims = int32(1), validate_indices = bool(false));", "y"},
    };
    CHECK(cases);
    MUTATE(cases);
}

static void generating(void **state) {
    static const step_case cases[] = {
        {I("3, 5") " x", I("3, 5, 4") " y = one_hot(indices = x, one_hot_vector_size = int32(4));\n" F("3, 4, 5") " z = one_hot(indices = x, one_hot_vector_size = int32(4), axis = int32(1), on_value = fp32(2.5), off_value = fp32(-1));", "y, z"},
        {F("3, 5, 7") " x", F("3, 5, 7") " y = cumsum(x = x, axis = int32(1));\n" F("3, 5, 7") " z = cumsum(x = x, axis = int32(2), exclusive = bool(true), reverse = bool(true));", "y, z"},
        {I("3, 5") " x", I("3, 5") " y = cumsum(x = x, axis = int32(0), reverse = bool(true));", "y"},
        {F("2, 5, 7") " x", F("2, 5, 7") " y = band_part(x = x, lower = int32(1), upper = int32(2));\n" F("2, 5, 7") " z = band_part(x = x, lower = int32(-1), upper = int32(0));\n" F("2, 5, 7") " w = band_part(x = x, lower = int32(0), upper = int32(-1));", "y, z, w"},
        {F("300, 300") " x", F("300, 300") " f = fill(shape = " I("2") "([300, 300]), value = fp32(0.5));\n" F("300, 300") " y = mul(x = x, y = f);\n" I("300, 300") " z = fill_like(ref_tensor = x, value = int32(3));", "y, z"},
        {F("2, 3, 4") " x, " F("4, 6") " r", F("4, 6") " y = reshape_like(x = x, ref_tensors = (r), begins = (int32(0)), ends = (int32(2)), end_masks = (bool(false)));\n" F("2, 12") " z = flatten2d(x = x, axis = int32(1));", "y, z"},
    };
    CHECK(cases);
    MUTATE(cases);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorting),
        cmocka_unit_test(scattering),
        cmocka_unit_test(gathering),
        cmocka_unit_test(generating),
    };
    return cmocka_run_group_tests_name("native_index", tests, NULL, NULL);
}
