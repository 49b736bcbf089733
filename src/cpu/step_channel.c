/* SPDX-License-Identifier: MIT */
/*
 * What has parameters for each channel (axis 1): batch_norm, instance_norm, prelu,
 * softplus_parametric; and l2_norm, over the last three axes. Row by row, a row being a channel of
 * an image.
 */
#include <math.h>
#include <string.h>

#include "src/cpu/planner.h"

typedef struct channel_step channel_step;
struct channel_step {
    anm_lie x, out; /* dense [rows, n], rows going through the channels */
    int64_t rows, n, channels;
    const float *a, *b, *mean; /* by channel; NULL: 1, 0, 0 */
    float epsilon;
    void (*row)(const channel_step *s, const anm_row_kernels *k, int64_t channel, const float *x,
                float *y);
};

/* y = x a + b of the channel. */
static void scale_row(const channel_step *s, const anm_row_kernels *k, int64_t c, float *y) {
    if (s->a || s->b)
        k->parametric(ANM_UNARY_LINEAR, s->a ? s->a[c] : 1, s->b ? s->b[c] : 0, y, s->n, y);
}

static void batch_row(const channel_step *s, const anm_row_kernels *k, int64_t c, const float *x,
                      float *y) {
    k->binary(ANM_BINARY_SUB, x, 1, &s->mean[c], 0, s->n, y);
    scale_row(s, k, c, y);
}

static void instance_row(const channel_step *s, const anm_row_kernels *k, int64_t c,
                         const float *x, float *y) {
    k->layer_norm(x, NULL, NULL, s->epsilon, s->n, y);
    scale_row(s, k, c, y);
}

static void prelu_row(const channel_step *s, const anm_row_kernels *k, int64_t c, const float *x,
                      float *y) {
    k->parametric(ANM_UNARY_LEAKY, s->a[c], 0, x, s->n, y);
}

static void softplus_row(const channel_step *s, const anm_row_kernels *k, int64_t c,
                         const float *x, float *y) {
    k->parametric(ANM_UNARY_LINEAR, s->b[c], 0, x, s->n, y);
    k->unary(ANM_UNARY_SOFTPLUS, y, s->n, y);
    k->parametric(ANM_UNARY_LINEAR, s->a[c], 0, y, s->n, y);
}

static void l2_row(const channel_step *s, const anm_row_kernels *k, int64_t c, const float *x,
                   float *y) {
    float scale = 1 / sqrtf(k->reduce(ANM_REDUCE_SUM_SQUARE, x, s->n) + s->epsilon);
    (void)c;
    k->parametric(ANM_UNARY_LINEAR, scale, 0, x, s->n, y);
}

static void run_channel(const anm_step *step, anm_exec *e, int thread, int threads) {
    const channel_step *s = step->data;
    const float *x = anm_exec_at(e, &s->x);
    float *y = anm_exec_at(e, &s->out);
    int64_t from, to;
    anm_share(s->rows, 1, thread, threads, &from, &to);
    for (int64_t row = from; row < to; row++)
        s->row(s, e->plan->rows, row % s->channels, x + row * s->n, y + row * s->n);
}

/* One value a channel, or one for all, as constants; NULL if the argument is absent. */
static bool read_vector(anm_planner *p, const anm_mil_op *op, const char *name, int64_t channels,
                        const float **out) {
    anm_mil_operand operand = anm_mil_op_operand(op, name);
    *out = NULL;
    if (!anm_mil_operand_present(operand)) return true;
    anm_lie lie = anm_lie_constant_floats(p, operand);
    int64_t count = lie.block >= 0 ? anm_view_elements(&lie.view) : 0;
    if (count != channels && count != 1) return false;
    const float *given = p->blocks.data[lie.block].data;
    float *values = anm_plan_alloc(p, (size_t)channels * sizeof *values + 1);
    for (int64_t i = 0; values && i < channels; i++) values[i] = given[count == 1 ? 0 : i];
    *out = values;
    return values != NULL;
}

static bool read_epsilon(const anm_mil_op *op, channel_step *s) {
    double epsilon;
    if (!anm_mil_op_get_float(op, "epsilon", &epsilon)) return false;
    s->epsilon = (float)epsilon;
    return true;
}

/* gamma / sqrt(variance + epsilon), taken before x is multiplied by it. */
static bool read_batch(anm_planner *p, const anm_mil_op *op, channel_step *s) {
    const float *variance, *gamma;
    if (!read_epsilon(op, s) || !read_vector(p, op, "mean", s->channels, &s->mean) ||
        !read_vector(p, op, "variance", s->channels, &variance) ||
        !read_vector(p, op, "gamma", s->channels, &gamma) ||
        !read_vector(p, op, "beta", s->channels, &s->b) || !s->mean || !variance)
        return false;
    float *a = anm_plan_alloc(p, (size_t)s->channels * sizeof *a + 1);
    for (int64_t c = 0; a && c < s->channels; c++)
        a[c] = (float)((gamma ? gamma[c] : 1) / sqrt((double)variance[c] + (double)s->epsilon));
    s->a = a;
    s->row = batch_row;
    return a != NULL;
}

static bool read_instance(anm_planner *p, const anm_mil_op *op, channel_step *s) {
    s->row = instance_row;
    return read_epsilon(op, s) && read_vector(p, op, "gamma", s->channels, &s->a) &&
           read_vector(p, op, "beta", s->channels, &s->b);
}

static bool read_prelu(anm_planner *p, const anm_mil_op *op, channel_step *s) {
    s->row = prelu_row;
    return read_vector(p, op, "alpha", s->channels, &s->a) && s->a;
}

static bool read_softplus(anm_planner *p, const anm_mil_op *op, channel_step *s) {
    s->row = softplus_row;
    return read_vector(p, op, "alpha", s->channels, &s->a) && s->a &&
           read_vector(p, op, "beta", s->channels, &s->b) && s->b;
}

/* All that the last three axes hold is one row. */
static bool read_l2(anm_planner *p, const anm_mil_op *op, channel_step *s) {
    const anm_mil_type *type = op->outputs[0]->type;
    (void)p;
    s->n = s->rows = s->channels = 1;
    for (int i = 0; i < type->rank; i++) *(i < type->rank - 3 ? &s->rows : &s->n) *= type->shape[i];
    s->row = l2_row;
    return read_epsilon(op, s);
}

static void read_sizes(const anm_mil_type *type, channel_step *s) {
    s->n = 1;
    s->channels = type->rank > 1 ? type->shape[1] : 1;
    s->rows = type->shape[0] * s->channels;
    for (int i = 2; i < type->rank; i++) s->n *= type->shape[i];
}

bool anm_build_channel(anm_planner *p, const anm_mil_op *op) {
    static const struct {
        const char *op;
        bool (*read)(anm_planner *p, const anm_mil_op *op, channel_step *s);
    } forms[] = {{"batch_norm", read_batch},
                 {"instance_norm", read_instance},
                 {"prelu", read_prelu},
                 {"softplus_parametric", read_softplus},
                 {"l2_norm", read_l2}};
    const anm_mil_type *type = op->outputs[0]->type;
    size_t k = 0, count = sizeof forms / sizeof forms[0];
    while (k < count && !anm_is_op(op, forms[k].op)) k++;
    if (k == count || type->rank < 2 || anm_type_elements(type) < 1) return false;
    channel_step *s = anm_plan_alloc(p, sizeof *s);
    if (!s) return true;
    read_sizes(type, s);
    if (!forms[k].read(p, op, s)) return p->status != ANM_OK;
    s->x = anm_lie_dense(p, anm_arg_lie(p, op, "x"));
    if (s->x.block < 0 || s->x.dtype != ANM_DTYPE_FP32) return p->status != ANM_OK;
    s->out = anm_lie_new(p, ANM_DTYPE_FP32, type->rank, type->shape);
    if (s->out.block < 0) return true;
    anm_step_add(p, run_channel, op->type, s, ANM_BLOCKS(s->x.block), ANM_BLOCKS(s->out.block));
    anm_lie_set(p, op->outputs[0], s->out);
    return true;
}
