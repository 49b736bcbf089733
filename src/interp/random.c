/* SPDX-License-Identifier: MIT */
#include "src/interp/random.h"

#include <math.h>
#include <stdatomic.h>

#include "src/base/clock.h"

typedef struct block {
    uint32_t word[4];
} block;

static block philox(anm_random_key key, uint64_t counter) {
    block b = {{(uint32_t)counter, (uint32_t)(counter >> 32), 0, 0}};
    for (int round = 0; round < 10; round++) {
        uint64_t p = (uint64_t)0xd2511f53u * b.word[0], q = (uint64_t)0xcd9e8d57u * b.word[2];
        b = (block){{(uint32_t)(q >> 32) ^ b.word[1] ^ key.word[0], (uint32_t)q,
                     (uint32_t)(p >> 32) ^ b.word[3] ^ key.word[1], (uint32_t)p}};
        key.word[0] += 0x9e3779b9u;
        key.word[1] += 0xbb67ae85u;
    }
    return b;
}

/* The second word tells runs without a seed from those with one, and from each other. */
anm_random_key anm_random_key_of(int64_t seed) {
    static atomic_uint calls;
    if (seed >= 0) return (anm_random_key){{(uint32_t)seed, (uint32_t)((uint64_t)seed >> 32)}};
    uint64_t now = anm_nanoseconds();
    uint32_t call = atomic_fetch_add(&calls, 1);
    anm_random_key key = {{(uint32_t)now, (uint32_t)(now >> 32) ^ 0x80000000u}};
    block b = philox(key, call | (uint64_t)(uintptr_t)&now << 32);
    return (anm_random_key){{b.word[0], b.word[1] | 0x80000000u}};
}

static double unit(uint32_t word) {
    return (word >> 8) * 0x1p-24;
}

double anm_random_unit(anm_random_key key, int64_t at) {
    return unit(philox(key, (uint64_t)at / 4).word[at % 4]);
}

static float evenly(uint32_t word, double low, double high) {
    float x = (float)(low + unit(word) * (high - low));
    return x >= (float)high && low < high ? nextafterf((float)high, (float)low) : x;
}

void anm_random_uniform(anm_random_key key, int64_t from, int64_t to, double low, double high,
                        float *out) {
    block b = {{0}};
    for (int64_t i = from; i < to; i++) {
        if (i == from || i % 4 == 0) b = philox(key, (uint64_t)i / 4);
        out[i] = evenly(b.word[i % 4], low, high);
    }
}

/* Even elements take the cosine, odd ones the sine. */
static double normal(const block *b, int64_t i) {
    const double turn = 6.283185307179586;
    double radius = sqrt(-2 * log(unit(b->word[i & 2]) + 0x1p-24));
    double angle = turn * unit(b->word[(i & 2) + 1]);
    return radius * (i & 1 ? sin(angle) : cos(angle));
}

void anm_random_normal(anm_random_key key, int64_t from, int64_t to, double mean, double stddev,
                       float *out) {
    block b = {{0}};
    for (int64_t i = from; i < to; i++) {
        if (i == from || i % 4 == 0) b = philox(key, (uint64_t)i / 4);
        out[i] = (float)(mean + stddev * normal(&b, i & 3));
    }
}

void anm_random_bernoulli(anm_random_key key, int64_t from, int64_t to, double prob, float *out) {
    block b = {{0}};
    for (int64_t i = from; i < to; i++) {
        if (i == from || i % 4 == 0) b = philox(key, (uint64_t)i / 4);
        out[i] = unit(b.word[i % 4]) < prob ? 1 : 0;
    }
}
