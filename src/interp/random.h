/* SPDX-License-Identifier: MIT */
/*
 * The random numbers of random_uniform, random_normal, random_bernoulli and random_categorical.
 * CoreML's generator is not documented: with the same seed it gives other numbers than this one.
 *
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), the key
 * being the seed and 0: element i of an op takes word i mod 4 of the block whose counter is
 * i / 4. So a seed gives the same numbers in every run, on every machine, in any order; two ops
 * with one seed give the same ones. A negative seed stands for a key that no other run has.
 */
#ifndef ANM_INTERP_RANDOM_H
#define ANM_INTERP_RANDOM_H

#include <stdint.h>

typedef struct anm_random_key {
    uint32_t word[2];
} anm_random_key;

anm_random_key anm_random_key_of(int64_t seed);

/* Elements [from, to): of [low, high), 24 bits fine. */
void anm_random_uniform(anm_random_key key, int64_t from, int64_t to, double low, double high,
                        float *out);
/* By Box and Muller from the words of a pair of elements. */
void anm_random_normal(anm_random_key key, int64_t from, int64_t to, double mean, double stddev,
                       float *out);
/* 1 where a number of [0, 1) is below `prob`, else 0. */
void anm_random_bernoulli(anm_random_key key, int64_t from, int64_t to, double prob, float *out);
/* One number of [0, 1). */
double anm_random_unit(anm_random_key key, int64_t at);

#endif
