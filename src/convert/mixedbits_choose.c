/* SPDX-License-Identifier: MIT */
/* The knapsack, by steps along each matrix's hull of noise over bytes. */
#include "src/convert/mixedbits.h"

static int cheapest(const anm_bits_choice *c) {
    int best = 0;
    for (int i = 1; i < c->count; i++)
        if (c->options[i].bytes < c->options[best].bytes) best = i;
    return best;
}

typedef struct step {
    size_t choice;
    int to; /* -1: none */
    double rate; /* noise saved for a byte */
} step;

/* The best step of one matrix: the next corner of its hull, unless that does not fit. */
static step best_step(const anm_bits_choice *c, size_t number, uint64_t room) {
    const anm_bits_option *from = &c->options[c->chosen];
    step best = {number, -1, 0};
    for (int i = 0; i < c->count; i++) {
        const anm_bits_option *to = &c->options[i];
        if (to->bytes <= from->bytes || to->bytes - from->bytes > room) continue;
        double rate = (from->noise - to->noise) / (double)(to->bytes - from->bytes);
        if (rate > best.rate) best = (step){number, i, rate};
    }
    return best;
}

uint64_t anm_bits_choose(anm_bits_choice *choices, size_t count, uint64_t budget) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        choices[i].chosen = cheapest(&choices[i]);
        bytes += choices[i].options[choices[i].chosen].bytes;
    }
    while (bytes < budget) {
        step best = {0, -1, 0};
        for (size_t i = 0; i < count; i++) {
            step s = best_step(&choices[i], i, budget - bytes);
            if (s.to >= 0 && s.rate > best.rate) best = s;
        }
        if (best.to < 0) break;
        anm_bits_choice *c = &choices[best.choice];
        bytes += c->options[best.to].bytes - c->options[c->chosen].bytes;
        c->chosen = best.to;
    }
    return bytes;
}
