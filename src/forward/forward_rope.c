/* SPDX-License-Identifier: MIT */
/*
 * Rotary position embedding as transformers' modeling_rope_utils.py defines it: plain, linear,
 * llama3 and yarn scaling. Written from wavelengths, apart from the converter's own tables.
 */
#include <math.h>

#include "src/forward/forward_internal.h"

#define TWO_PI 6.283185307179586476925286766559

/* Between `from` and `to` the share goes from 0 to 1. */
static double ramp(double x, double from, double to) {
    double share = (x - from) / (to - from);
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

/* Positions per turn, stretched the more the fewer turns the original context had. */
static double llama3_wavelength(const anm_hf_rope *r, double wavelength) {
    double turns = (double)r->original_max_position_embeddings / wavelength;
    double kept = ramp(turns, r->low_freq_factor, r->high_freq_factor);
    return wavelength / (kept + (1 - kept) / r->factor);
}

/* The (real) index of the pair that turns `turns` times over the original context. */
static double pair_of(const anm_hf_rope *r, double turns, int64_t head_dim) {
    double wavelength = (double)r->original_max_position_embeddings / turns;
    return (double)head_dim / 2 * log(wavelength / TWO_PI) / log(r->theta);
}

static double yarn_wavelength(const anm_hf_rope *r, double wavelength, int64_t pair,
                              int64_t head_dim) {
    double from = pair_of(r, r->beta_fast, head_dim), to = pair_of(r, r->beta_slow, head_dim);
    if (r->truncate) {
        from = floor(from);
        to = ceil(to);
    }
    if (from < 0) from = 0;
    if (to > (double)(head_dim - 1)) to = (double)(head_dim - 1);
    if (from == to) to += 0.001;
    double stretched = ramp((double)pair, from, to);
    return wavelength / (1 - stretched + stretched / r->factor);
}

static double wavelength_of(const anm_hf_rope *r, int64_t pair, int64_t head_dim) {
    double plain = TWO_PI * pow(r->theta, (double)pair / ((double)head_dim / 2));
    switch (r->type) {
    case ANM_ROPE_LINEAR: return plain * r->factor;
    case ANM_ROPE_LLAMA3: return llama3_wavelength(r, plain);
    case ANM_ROPE_YARN: return yarn_wavelength(r, plain, pair, head_dim);
    default: return plain;
    }
}

/* YaRN's mscale of a stretch. */
static double sharpening(double factor, double scale) {
    return factor > 1 ? 1 + 0.1 * scale * log(factor) : 1;
}

static double attention_factor(const anm_hf_rope *r) {
    if (r->type != ANM_ROPE_YARN) return 1;
    if (r->attention_factor > 0) return r->attention_factor;
    if (r->mscale > 0 && r->mscale_all_dim > 0)
        return sharpening(r->factor, r->mscale) / sharpening(r->factor, r->mscale_all_dim);
    return sharpening(r->factor, 1);
}

void anm_forward_rope_tables(const anm_hf_rope *rope, int64_t head_dim, int64_t positions,
                             float *cosines, float *sines) {
    double factor = attention_factor(rope);
    int64_t half = head_dim / 2;
    for (int64_t pair = 0; pair < half; pair++) {
        double step = TWO_PI / wavelength_of(rope, pair, head_dim);
        for (int64_t p = 0; p < positions; p++) {
            cosines[p * half + pair] = (float)(factor * cos((double)p * step));
            sines[p * half + pair] = (float)(factor * sin((double)p * step));
        }
    }
}
