/* SPDX-License-Identifier: MIT */
/* Compressed weights: every width and grouping against a decoder that reads bit by bit. */
#define CHECK_CASE_TOO check_engine_case
#include "tests/unit/engine_cases.h"

#include "src/base/half.h"
#include "src/mil/builder.h"

static const struct {
    anm_dtype dtype;
    int bits;
} widths[] = {{ANM_DTYPE_UINT1, 1}, {ANM_DTYPE_UINT2, 2}, {ANM_DTYPE_UINT3, 3},
              {ANM_DTYPE_UINT4, 4}, {ANM_DTYPE_UINT6, 6}, {ANM_DTYPE_UINT8, 8}};
enum { WIDTHS = 6 };

typedef struct bench {
    anm_mil_program *program;
    anm_mil_builder b;
    uint32_t seed;
} bench;

static void begin(bench *t) {
    *t = (bench){.program = anm_mil_program_create(), .seed = 7};
    anm_mil_builder_init(&t->b, t->program);
    anm_mil_builder_function(&t->b, "main", "CoreML8");
}

static void end(bench *t) {
    anm_error err;
    assert_ok(anm_mil_builder_finish(&t->b, &err), &err);
    anm_mil_program_destroy(t->program);
}

static uint32_t next(bench *t) {
    return (t->seed = t->seed * 1664525 + 1013904223) >> 8;
}

static void fill(bench *t, void *data, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) ((uint8_t *)data)[i] = (uint8_t)next(t);
}

/* Distinct halves, so that a wrong entry shows. */
static void fill_halves(uint16_t *data, size_t n) {
    for (size_t i = 0; i < n; i++) data[i] = (uint16_t)(0x1000 + i);
}

static unsigned field(const uint8_t *data, int64_t i, int bits) {
    unsigned value = 0;
    for (int b = 0; b < bits; b++) {
        int64_t at = i * bits + b;
        value |= (unsigned)(data[at / 8] >> (at % 8) & 1) << b;
    }
    return value;
}

static anm_tensor decode(bench *t, const anm_mil_value *value) {
    anm_tensor out;
    anm_error err;
    assert_ok(anm_interp_constant(value, t->program->arena, &out, &err), &err);
    return out;
}

/* Indices [rows, columns], a table per group, entries of `vector` elements along `axis`. */
static void check_lut(int width, int64_t rows, int64_t columns, int64_t row_groups,
                      int64_t column_groups, int64_t vector, int axis) {
    bench t;
    uint8_t packed[64 * 64];
    static uint16_t lut[64 * 256 * 4];
    int bits = widths[width].bits;
    int64_t entries = (int64_t)1 << bits;
    begin(&t);
    fill(&t, packed, sizeof packed);
    fill_halves(lut, (size_t)(row_groups * column_groups * entries * vector));
    anm_arena *arena = t.program->arena;
    int32_t at = axis;
    const anm_mil_literal *indices =
        anm_mil_literal_tensor(arena, widths[width].dtype, 2, (int64_t[]){rows, columns}, packed);
    const anm_mil_literal *table = anm_mil_literal_tensor(
        arena, ANM_DTYPE_FP16, 4, (int64_t[]){row_groups, column_groups, entries, vector}, lut);
    const anm_mil_literal *where = anm_mil_literal_tensor(arena, ANM_DTYPE_INT32, 0, NULL, &at);
    anm_mil_value *w = anm_mil_emit(&t.b, "constexpr_lut_to_dense", "w",
                                    {"indices", .literal = indices}, {"lut", .literal = table},
                                    {"vector_axis", .literal = vector > 1 ? where : NULL});
    assert_non_null(w);
    anm_tensor out = decode(&t, w);
    int64_t out_columns = columns * (axis == 1 ? vector : 1);
    assert_int_equal(out.dtype, ANM_DTYPE_FP16);
    assert_int_equal(out.shape[0], rows * (axis == 0 ? vector : 1));
    assert_int_equal(out.shape[1], out_columns);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            for (int64_t v = 0; v < vector; v++) {
                int64_t group =
                    r / (rows / row_groups) * column_groups + c / (columns / column_groups);
                unsigned index = field(packed, r * columns + c, bits);
                int64_t to = axis == 0 ? (r * vector + v) * out_columns + c
                                       : r * out_columns + c * vector + v;
                assert_int_equal(((uint16_t *)out.data)[to],
                                 lut[(group * entries + index) * vector + v]);
            }
    end(&t);
}

static void lut_of_every_width_and_grouping(void **state) {
    for (int w = 0; w < WIDTHS; w++) {
        check_lut(w, 6, 8, 1, 1, 1, 1); /* per tensor */
        check_lut(w, 6, 8, 3, 1, 1, 1); /* groups of rows, as ANEMLL's */
        check_lut(w, 6, 8, 6, 1, 1, 1); /* a table per row */
        check_lut(w, 6, 8, 1, 4, 1, 1); /* groups of columns */
        check_lut(w, 6, 8, 2, 2, 1, 1); /* both */
        check_lut(w, 7, 5, 1, 1, 1, 1); /* rows that do not end on a byte */
        check_lut(w, 6, 8, 1, 1, 2, 0); /* vectors along rows */
        check_lut(w, 6, 8, 2, 4, 3, 1); /* vectors along columns, grouped */
    }
}

static void lut_of_four_axes(void **state) {
    bench t;
    uint8_t packed[64];
    uint16_t lut[2 * 16];
    begin(&t);
    fill(&t, packed, sizeof packed);
    fill_halves(lut, 32);
    anm_arena *arena = t.program->arena;
    const anm_mil_literal *indices =
        anm_mil_literal_tensor(arena, ANM_DTYPE_UINT4, 4, (int64_t[]){4, 3, 1, 2}, packed);
    const anm_mil_literal *table =
        anm_mil_literal_tensor(arena, ANM_DTYPE_FP16, 6, (int64_t[]){2, 1, 1, 1, 16, 1}, lut);
    anm_mil_value *w = anm_mil_emit(&t.b, "constexpr_lut_to_dense", "w",
                                    {"indices", .literal = indices}, {"lut", .literal = table});
    anm_tensor out = decode(&t, w);
    for (int i = 0; i < 24; i++)
        assert_int_equal(((uint16_t *)out.data)[i], lut[i / 12 * 16 + (int)field(packed, i, 4)]);
    end(&t);
}

/* An op with attributes instead of arguments, as iOS 16 has them. */
static anm_mil_value *old_form(bench *t, const char *type, const char *const *names,
                               const anm_mil_literal *const *values, size_t n, anm_dtype dtype,
                               int rank, const int64_t *shape) {
    anm_arena *arena = t->program->arena;
    anm_mil_op *op = ANM_ARENA_NEW(arena, anm_mil_op);
    anm_mil_value *out = ANM_ARENA_NEW(arena, anm_mil_value);
    op->type = type;
    op->attrs = ANM_ARENA_ARRAY(arena, anm_mil_attr, n);
    for (size_t i = 0; i < n; i++) op->attrs[i] = (anm_mil_attr){names[i], values[i]};
    op->attr_count = n;
    op->outputs = ANM_ARENA_ARRAY(arena, anm_mil_value *, 1);
    op->outputs[0] = out;
    op->output_count = 1;
    *out = (anm_mil_value){"w", anm_mil_type_tensor(arena, dtype, rank, shape), op, NULL, 0};
    return out;
}

static void lut_flat(void **state) {
    static const char *const names[] = {"indices", "lut", "shape"};
    for (int w = 0; w < WIDTHS; w++) {
        bench t;
        int bits = widths[w].bits;
        int64_t entries = (int64_t)1 << bits, bytes = (35 * bits + 7) / 8;
        uint8_t packed[64];
        uint16_t lut[256];
        uint32_t shape[2] = {5, 7};
        begin(&t);
        fill(&t, packed, sizeof packed);
        fill_halves(lut, 256);
        anm_arena *arena = t.program->arena;
        const anm_mil_literal *values[] = {
            anm_mil_literal_tensor(arena, ANM_DTYPE_UINT8, 1, &bytes, packed),
            anm_mil_literal_tensor(arena, ANM_DTYPE_FP16, 1, &entries, lut),
            anm_mil_literal_tensor(arena, ANM_DTYPE_UINT32, 1, (int64_t[]){2}, shape)};
        anm_tensor out = decode(&t, old_form(&t, "constexpr_lut_to_dense", names, values, 3,
                                             ANM_DTYPE_FP16, 2, (int64_t[]){5, 7}));
        for (int i = 0; i < 35; i++)
            assert_int_equal(((uint16_t *)out.data)[i], lut[field(packed, i, bits)]);
        end(&t);
    }
}

static void affine(void **state) {
    static const op_case cases[] = {
        {"tensor<fp32, [1]> x",
         "tensor<fp32, [2, 3]> a = constexpr_affine_dequantize()[quantized_data = tensor<int8, [2, "
         "3]>([[-128, 0, 127], [1, 2, 3]]), scale = tensor<fp32, [2]>([0.5, 2]), zero_point = "
         "tensor<int8, "
         "[2]>([-1, 1]), axis = int32(0)];\n"
         "tensor<fp32, [2, 3]> b = constexpr_affine_dequantize()[quantized_data = tensor<uint8, "
         "[2, "
         "3]>([[0, 128, 255], [1, 2, 3]]), scale = tensor<fp32, [3]>([1, 2, 3]), zero_point = "
         "uint8(128), "
         "axis = int32(-1)];\n"
         "tensor<fp16, [2]> c = constexpr_affine_dequantize()[quantized_data = tensor<int8, "
         "[2]>([100, "
         "-7]), scale = fp16(0x1.554p-2), zero_point = int8(0), axis = int32(0)];",
         "a, b, c",
         {{0}},
         {-63.5, 0.5, 64, 0, 2, 4, -128, 0, 381, -127, -252, -375, 33.3125, -2.33203125},
         "ios17"},
    };
    CHECK_CASES(cases);
}

static void blockwise(void **state) {
    static const op_case cases[] = {
        {"tensor<fp32, [1]> x",
         "tensor<fp16, [2, 4]> a = constexpr_blockwise_shift_scale(data = tensor<int4, [2, "
         "4]>([[-8, -1, 0, "
         "7], [1, 2, 3, 4]]), scale = tensor<fp16, [2, 2]>([[1, 0.5], [2, 10]]));\n"
         "tensor<fp16, [2, 4]> b = constexpr_blockwise_shift_scale(data = tensor<uint4, [2, "
         "4]>([[0, 15, 3, "
         "4], [1, 2, 3, 4]]), scale = tensor<fp16, [1, 2]>([[1, 0.5]]), offset = tensor<uint4, [1, "
         "2]>([[8, "
         "3]]));\n"
         "tensor<fp32, [2, 1]> c = constexpr_blockwise_shift_scale(data = tensor<uint8, [2, "
         "1]>([[255], "
         "[7]]), scale = tensor<fp32, [2, 1]>([[0.125], [3]]), offset = tensor<fp32, [2, "
         "1]>([[0.5], "
         "[7]]));",
         "a, b, c",
         {{0}},
         {-8, -1, 0, 3.5, 2, 4, 30, 40, -8, 7, 0, 0.5, -7, -6, 0, 0.5, 31.8125, 0}},
        /* a table with a scale per output channel: scales first, then lookup */
        {"tensor<fp32, [1]> x",
         "tensor<fp16, [2, 1, 2, 1]> lut = constexpr_blockwise_shift_scale(data = tensor<int8, [2, "
         "1, 2, "
         "1]>([[[[1], [2]]], [[[3], [4]]]]), scale = tensor<fp16, [2, 1, 1, 1]>([[[[10]]], "
         "[[[100]]]]));\n"
         "tensor<fp16, [2, 3]> w = constexpr_lut_to_dense(indices = tensor<uint1, [2, 3]>([[0, 1, "
         "0], [1, "
         "1, 0]]), lut = lut);",
         "w",
         {{0}},
         {10, 20, 10, 400, 400, 300}},
        /* lookup first, then a scale for each row */
        {"tensor<fp32, [1]> x",
         "tensor<int8, [2, 2]> q = constexpr_lut_to_dense(indices = tensor<uint1, [2, 2]>([[0, 1], "
         "[1, "
         "0]]), lut = tensor<int8, [1, 1, 2, 1]>([[[[-3], [5]]]]));\n"
         "tensor<fp16, [2, 2]> w = constexpr_blockwise_shift_scale(data = q, scale = tensor<fp16, "
         "[2, "
         "1]>([[0.5], [2]]));",
         "w",
         {{0}},
         {-1.5, 2.5, 10, -6}},
    };
    CHECK_CASES(cases);
}

static void sparse(void **state) {
    static const op_case cases[] = {
        {"tensor<fp32, [1]> x",
         "tensor<fp16, [2, 3]> a = constexpr_sparse_to_dense(nonzero_data = tensor<fp16, [3]>([1, "
         "2, 3]), "
         "mask = tensor<uint1, [2, 3]>([[0, 1, 1], [0, 0, 1]]));\n"
         "tensor<uint1, [2, 3]> m, tensor<fp16, [3]> d = "
         "constexpr_sparse_blockwise_shift_scale(data_mask = "
         "tensor<uint1, [2, 3]>([[1, 0, 1], [0, 1, 0]]), nonzero_data = tensor<int8, [3]>([10, 3, "
         "7]), "
         "scale = tensor<fp16, [1, 3]>([[1, 2, 4]]), offset = tensor<int8, [1, 3]>([[1, 2, 3]]));\n"
         "tensor<fp16, [2, 3]> b = constexpr_sparse_to_dense(nonzero_data = d, mask = m);\n"
         "tensor<uint1, [4, 2]> n, tensor<fp16, [6]> e = constexpr_lut_to_sparse(indices_mask = "
         "tensor<uint1, [2, 2]>([[1, 0], [1, 1]]), indices_nonzero_data = tensor<uint1, [3]>([1, "
         "0, 1]), "
         "lut = tensor<fp16, [1, 1, 2, 2]>([[[[2, 3], [4, 5]]]]), vector_axis = int32(0));\n"
         "tensor<fp16, [4, 2]> c = constexpr_sparse_to_dense(nonzero_data = e, mask = n);",
         "a, b, c",
         {{0}},
         {0, 1, 2, 0, 0, 3, 9, 0, 0, 0, 10, 0, 4, 0, 5, 0, 2, 4, 3, 5}},
        {"tensor<fp32, [1]> x",
         "tensor<fp16, [5]> a = constexpr_sparse_to_dense()[nonzero_data = tensor<fp16, [2]>([7, "
         "8]), mask = "
         "tensor<uint8, [1]>([18]), shape = tensor<uint32, [1]>([5])];\n"
         "tensor<fp32, [2]> b = constexpr_cast()[source_val = tensor<fp16, [2]>([0x1p-24, 2]), "
         "output_dtype "
         "= string(\"fp32\")];",
         "a, b",
         {{0}},
         {0, 7, 0, 0, 8, 0x1p-24, 2},
         "ios17"},
    };
    CHECK_CASES(cases);
}

static void failures(void **state) {
    static const struct {
        const char *body, *message;
        anm_status status;
    } cases[] = {
        {"tensor<fp16, [3]> w = constexpr_lut_to_dense(indices = tensor<uint2, [3]>([0, 1, 2]), "
         "lut = "
         "tensor<fp16, [1, 2, 1]>([[[1], [2]]]));",
         "2 entries does not fit 2-bit indices", ANM_ERROR_FORMAT},
        {"tensor<fp16, [3]> w = constexpr_lut_to_dense(indices = tensor<uint1, [3]>([0, 1, 1]), "
         "lut = "
         "tensor<fp16, [2, 2, 1]>([[[1], [2]], [[1], [2]]]));",
         "do not divide into 2 groups", ANM_ERROR_FORMAT},
        {"tensor<fp16, [3]> w = constexpr_lut_to_dense(indices = tensor<uint1, [3]>([0, 1, 1]), "
         "lut = "
         "tensor<fp16, [1, 2, 2]>([[[1, 1], [2, 2]]]));",
         "vector_axis is missing", ANM_ERROR_FORMAT},
        {"tensor<fp16, [3]> w = constexpr_lut_to_dense(indices = tensor<uint1, [3]>([0, 1, 1]));",
         "argument \"lut\" is missing", ANM_ERROR_FORMAT},
        {"tensor<fp16, [100]> w = constexpr_lut_to_dense()[indices = tensor<uint8, [3]>([0, 1, "
         "1]), lut = "
         "tensor<fp16, [16]>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]), shape = "
         "tensor<uint32, "
         "[1]>([100])];",
         "3 bytes of indices do not fit 100 elements", ANM_ERROR_FORMAT},
        {"tensor<fp16, [4, 4]> w = constexpr_lut_to_dense()[indices = tensor<uint8, [1]>([0]), lut "
         "= "
         "tensor<fp16, [2]>([0, 1]), shape = tensor<uint32, [2]>([4294967295, 4294967295])];",
         "too many elements", ANM_ERROR_LIMIT},
        {"tensor<fp16, [2]> w = constexpr_blockwise_shift_scale(data = tensor<int8, [2]>([1, 2]), "
         "scale = "
         "tensor<fp16, [3]>([1, 2, 3]));",
         "do not divide into 3 blocks", ANM_ERROR_FORMAT},
        {"tensor<fp16, [2]> w = constexpr_affine_dequantize()[quantized_data = tensor<int8, "
         "[2]>([1, 2]), "
         "scale = fp16(1), zero_point = int8(0), axis = int32(4)];",
         "axis 4 is outside", ANM_ERROR_FORMAT},
        {"tensor<fp16, [4]> w = constexpr_sparse_to_dense(nonzero_data = tensor<fp16, [1]>([1]), "
         "mask = "
         "tensor<uint1, [4]>([1, 1, 0, 0]));",
         "2 bits set for 1 stored", ANM_ERROR_FORMAT},
        {"tensor<fp16, [3]> w = constexpr_blockwise_shift_scale(data = tensor<int8, [2]>([1, 2]), "
         "scale = "
         "tensor<fp16, [1]>([1]));",
         "is declared", ANM_ERROR_MISMATCH},
        {"tensor<fp16, [2]> w = constexpr_magic(data = tensor<int8, [2]>([1, 2]));",
         "is not supported", ANM_ERROR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        anm_error err = {0};
        anm_interp *interp;
        anm_mil_program *program = parse_case("tensor<fp32, [1]> x", cases[i].body, "w", NULL);
        anm_status status =
            anm_interp_create(program->functions[0], ANM_PRECISION_FP16, &interp, &err);
        assert_null(interp);
        if (status != cases[i].status || !strstr(err.message, cases[i].message))
            fail_msg("%s\n  %s: %s", cases[i].body, anm_status_name(status), err.message);
        assert_non_null(strstr(err.where, "function main"));
        anm_mil_program_destroy(program);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lut_of_every_width_and_grouping),
        cmocka_unit_test(lut_of_four_axes),
        cmocka_unit_test(lut_flat),
        cmocka_unit_test(affine),
        cmocka_unit_test(blockwise),
        cmocka_unit_test(sparse),
        cmocka_unit_test(failures),
        cmocka_unit_test(the_engine_took_part),
    };
    return cmocka_run_group_tests_name("interp_constexpr", tests, NULL, NULL);
}
