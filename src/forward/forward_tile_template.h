/* SPDX-License-Identifier: MIT */
/*
 * Included by forward_tile.c once per vector width. The includer defines TILE_NAME, TILE_TARGET (an
 * attribute or nothing), TILE_BYTES (of a vector), TILE_TOKENS and TILE_ADD(value, w, sum) =
 * value * w + sum. Two vectors of outputs times TILE_TOKENS tokens are summed in registers.
 */
#define TILE_PASTE_(a, b) a##b
#define TILE_PASTE(a, b) TILE_PASTE_(a, b)
#define TILE_VECTOR TILE_PASTE(TILE_NAME, _vector)
#define TILE_BLOCK TILE_PASTE(TILE_NAME, _block)

typedef float TILE_VECTOR __attribute__((vector_size(TILE_BYTES), aligned(4), may_alias));

/* `tokens` is a constant at each call, so that the sums are registers. */
TILE_TARGET static inline __attribute__((always_inline)) void
TILE_BLOCK(const float *x, size_t stride, const float *panel, size_t depth, float *out,
           const int tokens) {
    enum { LANES = TILE_BYTES / 4 };
    for (int o = 0; o < ANM_FORWARD_PANEL; o += 2 * LANES) {
        TILE_VECTOR a[TILE_TOKENS] = {{0}}, b[TILE_TOKENS] = {{0}};
        for (size_t i = 0; i < depth; i++) {
            const TILE_VECTOR *w = (const TILE_VECTOR *)(panel + i * ANM_FORWARD_PANEL + o);
            TILE_VECTOR w0 = w[0], w1 = w[1];
#pragma GCC unroll 8
            for (int t = 0; t < tokens; t++) {
                float value = x[(size_t)t * stride + i];
                a[t] = TILE_ADD(value, w0, a[t]);
                b[t] = TILE_ADD(value, w1, b[t]);
            }
        }
#pragma GCC unroll 8
        for (int t = 0; t < tokens; t++) {
            TILE_VECTOR *y = (TILE_VECTOR *)(out + t * ANM_FORWARD_PANEL + o);
            y[0] = a[t];
            y[1] = b[t];
        }
    }
}

TILE_TARGET static void TILE_NAME(const float *x, size_t stride, size_t tokens, const float *panel,
                                  size_t depth, float *out) {
    size_t t = 0;
    for (; t + TILE_TOKENS <= tokens; t += TILE_TOKENS)
        TILE_BLOCK(x + t * stride, stride, panel, depth, out + t * ANM_FORWARD_PANEL, TILE_TOKENS);
    for (; t < tokens; t++)
        TILE_BLOCK(x + t * stride, stride, panel, depth, out + t * ANM_FORWARD_PANEL, 1);
}

#undef TILE_NAME
#undef TILE_TARGET
#undef TILE_BYTES
#undef TILE_TOKENS
#undef TILE_ADD
#undef TILE_VECTOR
#undef TILE_BLOCK
#undef TILE_PASTE
#undef TILE_PASTE_
