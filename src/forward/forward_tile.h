/* SPDX-License-Identifier: MIT */
/*
 * The one hot loop of the plain forward pass: rows of activations times a panel of weights.
 *
 * Every output is one running sum over its inputs in their order, whatever the vector width. Each
 * step is a fused multiply-add where the processor has it (x86-64 with AVX2, aarch64), so results
 * are the same on all of those.
 */
#ifndef ANM_FORWARD_FORWARD_TILE_H
#define ANM_FORWARD_FORWARD_TILE_H

#include <stddef.h>

enum { ANM_FORWARD_PANEL = 32 /* outputs */, ANM_FORWARD_DEPTH = 256 /* inputs, at most */ };

/* out[t][o] = sum over i < depth of x[t * stride + i] * panel[i][o]; rows of both: PANEL long. */
typedef void anm_forward_tile_fn(const float *x, size_t stride, size_t tokens, const float *panel,
                                 size_t depth, float *out);

/* The widest that this processor has. */
anm_forward_tile_fn *anm_forward_tile(void);
/* Each variant, from the narrowest on; NULL past the widest that this processor has. */
anm_forward_tile_fn *anm_forward_tile_variant(int index);

#endif
