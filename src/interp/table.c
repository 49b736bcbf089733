/* SPDX-License-Identifier: MIT */
/* From an op's name to its kernel. */
#include <string.h>

#include "src/interp/kernels.h"

static const anm_kernel *const tables[] = {
    anm_kernels_unary,    anm_kernels_binary,    anm_kernels_activation, anm_kernels_reduce,
    anm_kernels_sort,     anm_kernels_matmul,    anm_kernels_attention,  anm_kernels_conv,
    anm_kernels_pool,     anm_kernels_norm,      anm_kernels_shape,      anm_kernels_join,
    anm_kernels_slice,    anm_kernels_pad,       anm_kernels_gather,     anm_kernels_scatter,
    anm_kernels_space,    anm_kernels_resize,    anm_kernels_sample,     anm_kernels_generate,
    anm_kernels_quantize, anm_kernels_recurrent, anm_kernels_state,      anm_kernels_list,
    anm_kernels_control,  anm_kernels_nms,       anm_kernels_random,
    anm_kernels_fused,
};

const anm_kernel *anm_kernel_find(const char *op) {
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const anm_kernel *k = tables[i]; k->op; k++)
            if (strcmp(k->op, op) == 0) return k;
    return NULL;
}
