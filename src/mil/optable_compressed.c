/* SPDX-License-Identifier: MIT */
/* Rows of the op table: compressed weights and quantization. */
#include "src/mil/optable.h"

#define BYTES (ANM_ARG_INT8 | ANM_ARG_UINT8)
#define COMPRESSED (BYTES | ANM_ARG_SUBBYTE | ANM_ARG_FLOAT | ANM_ARG_WIDE | ANM_ARG_CONST)
#define INDICES (ANM_ARG_UINT8 | ANM_ARG_SUBBYTE | ANM_ARG_CONST)
#define LUT (BYTES | ANM_ARG_FLOAT | ANM_ARG_WIDE | ANM_ARG_CONST)
#define OLD_SHAPE (ANM_ARG_INT | ANM_ARG_WIDE | ANM_ARG_VECTOR | ANM_ARG_CONST)

ARGS(affine) = {REQ("quantized_data", BYTES | ANM_ARG_CONST),
                REQ("zero_point", BYTES | ANM_ARG_FP32 | ANM_ARG_VECTOR | ANM_ARG_CONST),
                REQ("scale", WEIGHT | ANM_ARG_VECTOR), REQ("axis", CONST_INT)};
ARGS(blockwise) = {REQ("data", COMPRESSED), REQ("scale", WEIGHT), OPT("offset", COMPRESSED)};
ARGS(cast) = {REQ("source_val", ANM_ARG_FP16 | ANM_ARG_CONST), REQ("output_dtype", CONST_STRING)};
ARGS(dequantize) = {REQ("input", BYTES), OPT("zero_point", BYTES | ANM_ARG_VECTOR | ANM_ARG_CONST),
                    REQ("scale", WEIGHT | ANM_ARG_VECTOR), OPT("axis", CONST_INT)};
ARGS(lut_to_dense) = {REQ("indices", INDICES), REQ("lut", LUT), OPT("shape", OLD_SHAPE),
                      OPT("vector_axis", CONST_INT)};
ARGS(lut_to_sparse) = {REQ("indices_mask", ANM_ARG_SUBBYTE | ANM_ARG_CONST),
                       REQ("indices_nonzero_data", INDICES), REQ("lut", LUT),
                       OPT("vector_axis", CONST_INT)};
ARGS(quantize) = {REQ("input", ANM_ARG_FLOAT),
                  OPT("zero_point", BYTES | ANM_ARG_VECTOR | ANM_ARG_CONST),
                  REQ("scale", WEIGHT | ANM_ARG_VECTOR), OPT("axis", CONST_INT),
                  REQ("output_dtype", CONST_STRING)};

ARGS(sparse_blockwise) = {REQ("data_mask", ANM_ARG_SUBBYTE | ANM_ARG_CONST),
                          REQ("nonzero_data", COMPRESSED), REQ("scale", WEIGHT),
                          OPT("offset", COMPRESSED)};
ARGS(sparse_to_dense) = {REQ("nonzero_data", COMPRESSED), REQ("mask", INDICES),
                         OPT("shape", OLD_SHAPE)};

const anm_mil_op_spec anm_mil_ops_compressed[] = {
    ROW("constexpr_affine_dequantize", 16, 1, ANM_OP_CONSTEXPR, affine, affine,
        "(quantized_data - zero_point) * scale"),
    ROW("constexpr_blockwise_shift_scale", 18, 1, ANM_OP_CONSTEXPR, blockwise, blockwise,
        "(data - offset) * scale per block"),
    ROW("constexpr_cast", 16, 1, ANM_OP_CONSTEXPR, cast, constexpr_cast, "source_val as fp32"),
    ROW("constexpr_lut_to_dense", 16, 1, ANM_OP_CONSTEXPR, lut_to_dense, lut_to_dense,
        "lut[indices]"),
    ROW("constexpr_lut_to_sparse", 18, 2, ANM_OP_CONSTEXPR, lut_to_sparse, lut_to_sparse,
        "a mask and lut[indices] where it is 1"),
    ROW("constexpr_sparse_blockwise_shift_scale", 18, 2, ANM_OP_CONSTEXPR, sparse_blockwise,
        sparse_blockwise, "a mask and (data - offset) * scale where it is 1"),
    ROW("constexpr_sparse_to_dense", 16, 1, ANM_OP_CONSTEXPR, sparse_to_dense, sparse_to_dense,
        "nonzero_data where mask is 1, else 0"),
    ROW("dequantize", 17, 1, 0, dequantize, dequantize, "(input - zero_point) * scale"),
    ROW("quantize", 17, 1, 0, quantize, quantize, "input / scale + zero_point in 8 bits"),
    END,
};
