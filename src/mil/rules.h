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

/* Output 0 of a known rank (-1: not even that) with unknown dimensions. */
bool anm_mil_give_unknown(anm_mil_infer *infer, anm_dtype dtype, int rank);

/* The type of an argument's first operand; NULL if it is absent. */
const anm_mil_type *anm_mil_type_of(const anm_mil_op *op, const char *arg);
/* An axis counted from the end made non-negative; false, with a message, when out of range. */
bool anm_mil_axis(anm_mil_infer *infer, int64_t *axis, int rank);
/* The same for a constant argument; as it is when the rank is unknown (below 0). */
bool anm_mil_read_axis(const anm_mil_op *op, anm_mil_infer *infer, const char *name, int rank,
                       int64_t *axis);
/* Equal, as far as both are known. */
bool anm_mil_same_dim(int64_t a, int64_t b);

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
bool anm_mil_rule_slice_by_size(const anm_mil_op *op, anm_mil_infer *infer);

/* rules_gather.c */
bool anm_mil_rule_gather(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_gather_along_axis(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_gather_nd(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_scatter(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_scatter_along_axis(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_scatter_nd(const anm_mil_op *op, anm_mil_infer *infer);

/* rules_make.c */
bool anm_mil_rule_fill(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_fill_like(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_random(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_random_categorical(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_non_zero(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_one_hot(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_reverse(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_reverse_sequence(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_sliding_windows(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_flatten2d(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_reshape_like(const anm_mil_op *op, anm_mil_infer *infer);

/* rules_nn.c */
bool anm_mil_rule_conv(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_conv_transpose(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_linear(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_matmul(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_pool(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_einsum(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_attention(const anm_mil_op *op, anm_mil_infer *infer);

/* rules_reduce.c */
bool anm_mil_rule_reduce(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_reduce_arg(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_argsort(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_topk(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_along_axis(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_layer_norm(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_batch_norm(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_instance_norm(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_rank3(const anm_mil_op *op, anm_mil_infer *infer);

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
bool anm_mil_rule_constexpr_cast(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_sparse_to_dense(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_lut_to_sparse(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_sparse_blockwise(const anm_mil_op *op, anm_mil_infer *infer);

/* rules_fused.c */
bool anm_mil_rule_fused_linear(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_linear_topk(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_gated_linear(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_rope(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_cache_update(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_fused_attention(const anm_mil_op *op, anm_mil_infer *infer);

/* rules_quantize.c */
bool anm_mil_rule_quantize(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_dequantize(const anm_mil_op *op, anm_mil_infer *infer);

/* rules_image.c */
bool anm_mil_rule_depth_to_space(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_space_to_depth(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_pixel_shuffle(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_pixel_unshuffle(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_space_to_batch(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_batch_to_space(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_pad(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_crop(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_upsample(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_resize_to_size(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_resize(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_crop_resize(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_resample(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_affine_image(const anm_mil_op *op, anm_mil_infer *infer);
bool anm_mil_rule_suppression(const anm_mil_op *op, anm_mil_infer *infer);

#endif
