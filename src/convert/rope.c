/* SPDX-License-Identifier: MIT */
/* Inverse frequencies of each RoPE type that we convert, and their tables. */
#include "src/convert/rope.h"

#include <math.h>

#include "src/base/alloc.h"
#include "src/base/half.h"

/*
 * Llama 3.1's scaling: waves that the original context holds less than `low_freq_factor` times
 * are stretched by `factor`, those it holds more than `high_freq_factor` times are kept, and in
 * between the two are mixed in proportion.
 */
static double llama3(const anm_hf_rope *r, double frequency) {
    double held = (double)r->original_max_position_embeddings * frequency / (2 * M_PI);
    if (held < r->low_freq_factor) return frequency / r->factor;
    if (held > r->high_freq_factor) return frequency;
    double kept = (held - r->low_freq_factor) / (r->high_freq_factor - r->low_freq_factor);
    return (1 - kept) * frequency / r->factor + kept * frequency;
}

/* The dimension whose wave turns `turns` times over the original context; a real number. */
static double dimension_turning(const anm_hf_rope *r, double turns, double head_dim) {
    double positions = (double)r->original_max_position_embeddings;
    return head_dim * log(positions / (turns * 2 * M_PI)) / (2 * log(r->theta));
}

/*
 * YaRN (Peng et al. 2023): dimensions that turn more than beta_fast times over the original
 * context are kept, those that turn less than beta_slow times are stretched by `factor`, with a
 * straight ramp in between. The ramp's ends are whole dimensions unless `truncate` is off.
 */
static double yarn(const anm_hf_rope *r, double frequency, int64_t i, int64_t head_dim) {
    double low = dimension_turning(r, r->beta_fast, (double)head_dim);
    double high = dimension_turning(r, r->beta_slow, (double)head_dim);
    if (r->truncate) {
        low = floor(low);
        high = ceil(high);
    }
    low = fmax(low, 0);
    high = fmin(high, (double)head_dim - 1);
    if (low == high) high += 0.001;
    double stretched = fmin(fmax(((double)i - low) / (high - low), 0), 1);
    return frequency * (1 - stretched) + frequency / r->factor * stretched;
}

static double yarn_scale(double factor, double mscale) {
    return factor <= 1 ? 1 : 0.1 * mscale * log(factor) + 1;
}

double anm_rope_attention_factor(const anm_hf_rope *r) {
    if (r->type != ANM_ROPE_YARN) return 1;
    if (r->attention_factor > 0) return r->attention_factor;
    if (r->mscale > 0 && r->mscale_all_dim > 0)
        return yarn_scale(r->factor, r->mscale) / yarn_scale(r->factor, r->mscale_all_dim);
    return yarn_scale(r->factor, 1);
}

void anm_rope_frequencies(const anm_hf_rope *rope, int64_t head_dim, double *out) {
    for (int64_t i = 0; i < head_dim / 2; i++) {
        double frequency = pow(rope->theta, -2.0 * (double)i / (double)head_dim);
        if (rope->type == ANM_ROPE_LINEAR) frequency /= rope->factor;
        if (rope->type == ANM_ROPE_LLAMA3) frequency = llama3(rope, frequency);
        if (rope->type == ANM_ROPE_YARN) frequency = yarn(rope, frequency, i, head_dim);
        out[i] = frequency;
    }
}

static anm_status write_rows(const double *frequencies, int64_t half, int64_t width, int64_t rows,
                             anm_rope_function function, double scale, uint16_t *row,
                             anm_blob_writer *blobs, anm_error *err) {
    for (int64_t position = 0; position < rows; position++) {
        for (int64_t i = 0; i < half; i++) {
            double angle = (double)position * frequencies[i];
            double value = function == ANM_ROPE_COS ? cos(angle) : sin(angle);
            row[i] = anm_half_from_double(scale * value);
        }
        for (int64_t done = 0; done < width; done += half)
            ANM_TRY(anm_blob_writer_write(blobs, row, (size_t)half * sizeof *row, err));
    }
    return anm_blob_writer_end(blobs, err);
}

anm_status anm_rope_store(const anm_hf_rope *rope, int64_t head_dim, int64_t width,
                          int64_t rows, anm_rope_function function, anm_blob_writer *blobs,
                          uint64_t *offset, anm_error *err) {
    int64_t half = head_dim / 2;
    double *frequencies = anm_calloc((size_t)half, sizeof *frequencies);
    uint16_t *row = anm_calloc((size_t)half, sizeof *row);
    anm_status status = frequencies && row ? ANM_OK : anm_fail_memory(err);
    if (status == ANM_OK) {
        anm_rope_frequencies(rope, head_dim, frequencies);
        status = anm_blob_writer_begin(blobs, ANM_DTYPE_FP16, rows * width, offset, err);
    }
    if (status == ANM_OK)
        status = write_rows(frequencies, half, width, rows, function,
                            anm_rope_attention_factor(rope), row, blobs, err);
    anm_free(frequencies);
    anm_free(row);
    return status;
}
