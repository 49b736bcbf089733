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
ARGS(dequantize) = {REQ("input", BYTES), OPT("zero_point", BYTES | ANM_ARG_VECTOR | ANM_ARG_CONST),
                    REQ("scale", WEIGHT | ANM_ARG_VECTOR), OPT("axis", CONST_INT)};
ARGS(lut_to_dense) = {REQ("indices", INDICES), REQ("lut", LUT), OPT("shape", OLD_SHAPE),
                      OPT("vector_axis", CONST_INT)};
ARGS(quantize) = {REQ("input", ANM_ARG_FLOAT),
                  OPT("zero_point", BYTES | ANM_ARG_VECTOR | ANM_ARG_CONST),
                  REQ("scale", WEIGHT | ANM_ARG_VECTOR), OPT("axis", CONST_INT),
                  REQ("output_dtype", CONST_STRING)};

const anm_mil_op_spec anm_mil_ops_compressed[] = {
    ROW("constexpr_affine_dequantize", 16, 1, ANM_OP_CONSTEXPR, affine, affine,
        "(quantized_data - zero_point) * scale"),
    ROW("constexpr_blockwise_shift_scale", 18, 1, ANM_OP_CONSTEXPR, blockwise, blockwise,
        "(data - offset) * scale per block"),
    ROW("constexpr_lut_to_dense", 16, 1, ANM_OP_CONSTEXPR, lut_to_dense, lut_to_dense,
        "lut[indices]"),
    ROW("dequantize", 17, 1, 0, dequantize, dequantize, "(input - zero_point) * scale"),
    ROW("quantize", 17, 1, 0, quantize, quantize, "input / scale + zero_point in 8 bits"),
    END,
};
