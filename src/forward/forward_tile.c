/* SPDX-License-Identifier: MIT */
/* The tile in each vector width, and the choice among them. */
#include "src/forward/forward_tile.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define TILE_NAME tile_128
#define TILE_TARGET
#define TILE_BYTES 16
#define TILE_TOKENS 4
#if defined(__aarch64__)
#define TILE_ADD(value, w, sum) vfmaq_n_f32(sum, w, value)
#else
#define TILE_ADD(value, w, sum) ((value) * (w) + (sum))
#endif
#include "src/forward/forward_tile_template.h"

#if defined(__x86_64__)

#define TILE_NAME tile_256
#define TILE_TARGET __attribute__((target("avx2,fma")))
#define TILE_BYTES 32
#define TILE_TOKENS 6
#define TILE_ADD(value, w, sum) _mm256_fmadd_ps(_mm256_set1_ps(value), w, sum)
#include "src/forward/forward_tile_template.h"

#define TILE_NAME tile_512
#define TILE_TARGET __attribute__((target("avx512f")))
#define TILE_BYTES 64
#define TILE_TOKENS 8
#define TILE_ADD(value, w, sum) _mm512_fmadd_ps(_mm512_set1_ps(value), w, sum)
#include "src/forward/forward_tile_template.h"

anm_forward_tile_fn *anm_forward_tile_variant(int index) {
    if (index == 0) return tile_128;
    if (index == 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return tile_256;
    if (index == 2 && __builtin_cpu_supports("avx512f")) return tile_512;
    return NULL;
}

#else

anm_forward_tile_fn *anm_forward_tile_variant(int index) {
    return index == 0 ? tile_128 : NULL;
}

#endif

anm_forward_tile_fn *anm_forward_tile(void) {
    int index = 0;
    while (anm_forward_tile_variant(index + 1)) index++;
    return anm_forward_tile_variant(index);
}
