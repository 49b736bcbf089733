/* SPDX-License-Identifier: MIT */
/* Type rules of the op table, grouped by subject: rules_*.c. Only optable*.c use this. */
#ifndef ANM_MIL_RULES_H
#define ANM_MIL_RULES_H

#include "src/mil/ops.h"

/* Sets infer->message and gives false, so that a rule can `return anm_mil_refuse(...)`. */
bool anm_mil_refuse(anm_mil_infer *infer, const char *fmt, ...) ANM_PRINTF(2, 3);
/* NumPy broadcasting of two shapes with unknown dimensions; false if they do not fit. */
bool anm_mil_broadcast(const anm_mil_type *a, const anm_mil_type *b, int *rank, int64_t *shape);
/* Sets output `index`; false (with a message) when memory is out. */
bool anm_mil_give(anm_mil_infer *infer, size_t index, anm_dtype dtype, int rank,
                  const int64_t *shape);

/* The type of an argument's first operand. */
const anm_mil_type *anm_mil_type_of(const anm_mil_op *op, const char *arg);
/* An axis counted from the end made non-negative; false, with a message, when out of range. */
bool anm_mil_axis(anm_mil_infer *infer, int64_t *axis, int rank);

/* rules_elementwise.c */
bool anm_mil_rule_const(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_binary(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_compare(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_same(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_cast(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_select(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_gelu(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_channels(const anm_mil_op *op, anm_mil_infer *infer);

/* rules_shape.c */
bool anm_mil_rule_reshape(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_transpose(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_expand_dims(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_squeeze(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_concat(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_tile(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_shape(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_range_1d(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_split(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_stack(const anm_mil_op *op, anm_mil_infer *infer);

/* rules_index.c */
bool anm_mil_rule_slice_by_index(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_slice_update(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_gather(const anm_mil_op *op, anm_mil_infer *infer);

/* rules_nn.c */
bool anm_mil_rule_conv(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_linear(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_matmul(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_pool(const anm_mil_op *op, anm_mil_infer *infer);

/* rules_reduce.c */
bool anm_mil_rule_reduce(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_reduce_arg(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_argsort(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_topk(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_softmax(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_layer_norm(const anm_mil_op *op, anm_mil_infer *infer);

/* rules_recurrent.c */
bool anm_mil_rule_lstm(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_gru(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_rnn(const anm_mil_op *op, anm_mil_infer *infer);

/* rules_state.c */
bool anm_mil_rule_read_state(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_write_state(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_update_state(const anm_mil_op *op, anm_mil_infer *infer);

/* rules_control.c */
bool anm_mil_rule_cond(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_while_loop(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_make_list(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_list_length(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_list_read(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_list_gather(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_list_write(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_list_scatter(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_classify(const anm_mil_op *op, anm_mil_infer *infer);

/* rules_constexpr.c */
bool anm_mil_rule_lut_to_dense(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_blockwise(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_affine(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_quantize(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_dequantize(const anm_mil_op *op, anm_mil_infer *infer);

#endif
