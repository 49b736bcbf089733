/* SPDX-License-Identifier: MIT */
/* Random numbers (random.h). */
#include <math.h>
#include <string.h>

#include "src/interp/kernels.h"
#include "src/interp/random.h"

static float *shaped(anm_kcall *k) {
    int64_t shape[ANM_MAX_RANK];
    int rank = anm_k_int_list(k, "shape", shape, ANM_MAX_RANK);
    return rank >= 0 ? anm_k_out_floats(k, 0, rank, shape) : NULL;
}

static void uniform(anm_kcall *k) {
    double low = anm_k_float(k, "low"), high = anm_k_float(k, "high");
    int64_t seed = anm_k_int(k, "seed");
    float *out = shaped(k);
    if (out) anm_random_uniform(anm_random_key_of(seed), 0, k->outputs[0].count, low, high, out);
}

static void normal(anm_kcall *k) {
    double mean = anm_k_float(k, "mean"), stddev = anm_k_float(k, "stddev");
    int64_t seed = anm_k_int(k, "seed");
    float *out = shaped(k);
    if (out)
        anm_random_normal(anm_random_key_of(seed), 0, k->outputs[0].count, mean, stddev, out);
}

static void bernoulli(anm_kcall *k) {
    double prob = anm_k_float(k, "prob");
    int64_t seed = anm_k_int(k, "seed");
    float *out = shaped(k);
    if (out) anm_random_bernoulli(anm_random_key_of(seed), 0, k->outputs[0].count, prob, out);
}

/* Sums of the weights up to and including each class; the last is 0 where there is no weight. */
static void add_up(const float *x, int64_t n, bool logits, double *sums) {
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++)
        if (x[i] > most) most = x[i];
    for (int64_t i = 0; i < n; i++) {
        double weight = logits ? exp((double)x[i] - most) : x[i];
        if (weight > 0 && weight < INFINITY) sum += weight;
        sums[i] = sum;
    }
}

static int64_t class_at(const double *sums, int64_t n, double place) {
    int64_t i = 0;
    while (i < n - 1 && sums[i] <= place) i++;
    return i;
}

static void categorical(anm_kcall *k) {
    const anm_rvalue *x = anm_k_arg(k, "x");
    const char *mode = anm_k_string(k, "mode");
    int64_t size = anm_k_int(k, "size"), seed = anm_k_int(k, "seed"), shape[ANM_MAX_RANK];
    if (!x || k->status != ANM_OK) return;
    bool logits = strcmp(mode, "logits") == 0;
    if (x->rank < 1 || x->shape[x->rank - 1] < 1 || size < 0 ||
        (!logits && strcmp(mode, "probs") != 0)) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "%lld draws by \"%s\" from a tensor of rank %d",
                   (long long)size, mode, x->rank);
        return;
    }
    int64_t n = x->shape[x->rank - 1], rows = x->count / n;
    for (int i = 0; i < x->rank; i++) shape[i] = i == x->rank - 1 ? size : x->shape[i];
    const float *in = anm_k_floats(k, x);
    double *sums = anm_k_scratch(k, n, sizeof *sums);
    float *out = anm_k_out_floats(k, 0, x->rank, shape);
    if (!in || !sums || !out) return;
    anm_random_key key = anm_random_key_of(seed);
    for (int64_t row = 0; row < rows; row++) {
        add_up(in + row * n, n, logits, sums);
        for (int64_t i = row * size; i < (row + 1) * size; i++)
            out[i] = (float)class_at(sums, n, anm_random_unit(key, i) * sums[n - 1]);
    }
}

const anm_kernel anm_kernels_random[] = {
    {"random_bernoulli", bernoulli, 0, NULL},
    {"random_categorical", categorical, 0, NULL},
    {"random_normal", normal, 0, NULL},
    {"random_uniform", uniform, 0, NULL},
    {NULL, NULL, 0, NULL},
};
