/* SPDX-License-Identifier: MIT */
/*
 * Moving blocks between channels, batch and space. Each op is a transposition of the tensor seen
 * with its axes split in two.
 */
#include <string.h>

#include "src/interp/strided.h"

/* x [n, c, h, w] as dims[6] with a permutation; the result has out[4]. */
static void rearrange(anm_kcall *k, const anm_rvalue *x, const int64_t *dims, const int *perm,
                      const int64_t *out_shape) {
    int64_t dense[6], shape[6], stride[6];
    anm_dense_strides(6, dims, dense);
    for (int i = 0; i < 6; i++) {
        shape[i] = dims[perm[i]];
        stride[i] = dense[perm[i]];
    }
    const anm_word *in = anm_k_words(k, x);
    anm_word *out = in ? anm_k_out_words(k, 0, x, 4, out_shape) : NULL;
    if (out) anm_copy_strided(6, shape, stride, 0, in, out);
}

static bool image(anm_kcall *k, const anm_rvalue *x, int64_t block) {
    if (x && x->rank == 4 && !x->list && block >= 1 && block <= 1 << 15) return true;
    anm_k_fail(k, ANM_ERROR_MISMATCH, "needs rank 4 and a positive block size");
    return false;
}

static bool divides(anm_kcall *k, int64_t n, int64_t by) {
    if (n % by == 0) return true;
    anm_k_fail(k, ANM_ERROR_MISMATCH, "%lld does not divide by %lld", (long long)n, (long long)by);
    return false;
}

/* Channels hold the block first (depth_to_space, TensorFlow) or last (pixel_shuffle, PyTorch). */
static void channels_to_space(anm_kcall *k) {
    static const int block_first[6] = {0, 3, 4, 1, 5, 2}, block_last[6] = {0, 1, 4, 2, 5, 3};
    const anm_rvalue *x = anm_k_arg(k, "x");
    bool last = k->kernel->variant != 0;
    int64_t b = anm_k_int(k, last ? "upscale_factor" : "block_size");
    if (k->status != ANM_OK || !image(k, x, b) || !divides(k, x->shape[1], b * b)) return;
    int64_t n = x->shape[0], c = x->shape[1] / (b * b), h = x->shape[2], w = x->shape[3];
    int64_t out[4] = {n, c, h * b, w * b};
    if (last) rearrange(k, x, (const int64_t[]){n, c, b, b, h, w}, block_last, out);
    else rearrange(k, x, (const int64_t[]){n, b, b, c, h, w}, block_first, out);
}

static void space_to_channels(anm_kcall *k) {
    static const int block_first[6] = {0, 3, 5, 1, 2, 4}, block_last[6] = {0, 1, 3, 5, 2, 4};
    const anm_rvalue *x = anm_k_arg(k, "x");
    bool last = k->kernel->variant != 0;
    int64_t b = anm_k_int(k, last ? "downscale_factor" : "block_size");
    if (k->status != ANM_OK || !image(k, x, b) || !divides(k, x->shape[2], b) ||
        !divides(k, x->shape[3], b))
        return;
    int64_t n = x->shape[0], c = x->shape[1], h = x->shape[2] / b, w = x->shape[3] / b;
    rearrange(k, x, (const int64_t[]){n, c, h, b, w, b}, last ? block_last : block_first,
              (const int64_t[]){n, c * b * b, h, w});
}

/* Two block sizes, and what is added to or cut off each spatial axis. */
static bool block_arguments(anm_kcall *k, const char *name, const anm_rvalue *x, int64_t *block,
                            int64_t *margin) {
    if (!anm_k_ints(k, "block_shape", block, 2) || !anm_k_ints(k, name, margin, 4)) return false;
    for (int i = 0; i < 4; i++)
        if (margin[i] < 0 || !image(k, x, block[i / 2])) {
            anm_k_fail(k, ANM_ERROR_MISMATCH, "%s holds %lld", name, (long long)margin[i]);
            return false;
        }
    return true;
}

/* The padded image, zeros around. */
static const anm_word *padded_image(anm_kcall *k, const anm_rvalue *x, const int64_t *margin,
                                    anm_rvalue *padded) {
    int64_t stride[4], count;
    *padded = *x;
    padded->shape[2] += margin[0] + margin[1];
    padded->shape[3] += margin[2] + margin[3];
    count = anm_value_count(4, padded->shape);
    const anm_word *in = anm_k_words(k, x);
    anm_word *out = in ? anm_k_scratch(k, count, sizeof *out) : NULL;
    if (!out) return NULL;
    memset(out, 0, (size_t)count * sizeof *out);
    anm_dense_strides(4, padded->shape, stride);
    anm_store_strided(4, x->shape, stride, margin[0] * stride[2] + margin[2], in, out);
    return out;
}

static void space_to_batch(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int64_t b[2], margin[4], dense[6];
    anm_rvalue p;
    if (!x || !block_arguments(k, "paddings", x, b, margin)) return;
    const anm_word *in = padded_image(k, x, margin, &p);
    if (!in || !divides(k, p.shape[2], b[0]) || !divides(k, p.shape[3], b[1])) return;
    int64_t h = p.shape[2] / b[0], w = p.shape[3] / b[1];
    int64_t dims[6] = {x->shape[0], x->shape[1], h, b[0], w, b[1]};
    anm_dense_strides(6, dims, dense);
    int64_t shape[6] = {b[0], b[1], dims[0], dims[1], h, w};
    int64_t stride[6] = {dense[3], dense[5], dense[0], dense[1], dense[2], dense[4]};
    anm_word *out =
        anm_k_out_words(k, 0, x, 4, (const int64_t[]){b[0] * b[1] * dims[0], dims[1], h, w});
    if (out) anm_copy_strided(6, shape, stride, 0, in, out);
}

static void batch_to_space(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    int64_t b[2], cut[4], dense[6], whole[4];
    if (!x || !block_arguments(k, "crops", x, b, cut) || !divides(k, x->shape[0], b[0] * b[1]))
        return;
    int64_t n = x->shape[0] / (b[0] * b[1]), c = x->shape[1], h = x->shape[2], w = x->shape[3];
    int64_t full[4] = {n, c, h * b[0], w * b[1]};
    int64_t out_shape[4] = {n, c, full[2] - cut[0] - cut[1], full[3] - cut[2] - cut[3]};
    anm_dense_strides(6, (const int64_t[]){b[0], b[1], n, c, h, w}, dense);
    const anm_word *in = anm_k_words(k, x);
    anm_word *all = in ? anm_k_scratch(k, x->count, sizeof *all) : NULL;
    anm_word *out = all ? anm_k_out_words(k, 0, x, 4, out_shape) : NULL;
    if (!out) return;
    int64_t shape[6] = {n, c, h, b[0], w, b[1]};
    int64_t stride[6] = {dense[2], dense[3], dense[4], dense[0], dense[5], dense[1]};
    anm_copy_strided(6, shape, stride, 0, in, all);
    anm_dense_strides(4, full, whole);
    anm_copy_strided(4, out_shape, whole, cut[0] * whole[2] + cut[2], all, out);
}

const anm_kernel anm_kernels_space[] = {
    {"batch_to_space", batch_to_space, 0, NULL},
    {"depth_to_space", channels_to_space, 0, NULL},
    {"pixel_shuffle", channels_to_space, 1, NULL},
    {"pixel_unshuffle", space_to_channels, 1, NULL},
    {"space_to_batch", space_to_batch, 0, NULL},
    {"space_to_depth", space_to_channels, 0, NULL},
    {NULL, NULL, 0, NULL},
};
