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

void anm_rope_frequencies(const anm_hf_rope *rope, int64_t head_dim, double *out) {
    for (int64_t i = 0; i < head_dim / 2; i++) {
        double frequency = pow(rope->theta, -2.0 * (double)i / (double)head_dim);
        if (rope->type == ANM_ROPE_LINEAR) frequency /= rope->factor;
        if (rope->type == ANM_ROPE_LLAMA3) frequency = llama3(rope, frequency);
        out[i] = frequency;
    }
}

static anm_status write_rows(const double *frequencies, int64_t half, int64_t rows,
                             anm_rope_function function, uint16_t *row, anm_blob_writer *blobs,
                             anm_error *err) {
    for (int64_t position = 0; position < rows; position++) {
        for (int64_t i = 0; i < half; i++) {
            double angle = (double)position * frequencies[i];
            row[i] = anm_half_from_double(function == ANM_ROPE_COS ? cos(angle) : sin(angle));
        }
        ANM_TRY(anm_blob_writer_write(blobs, row, (size_t)half * sizeof *row, err));
    }
    return anm_blob_writer_end(blobs, err);
}

anm_status anm_rope_store(const anm_hf_rope *rope, int64_t head_dim, int64_t rows,
                          anm_rope_function function, anm_blob_writer *blobs, uint64_t *offset,
                          anm_error *err) {
    int64_t half = head_dim / 2;
    double *frequencies = anm_calloc((size_t)half, sizeof *frequencies);
    uint16_t *row = anm_calloc((size_t)half, sizeof *row);
    anm_status status = frequencies && row ? ANM_OK : anm_fail_memory(err);
    if (status == ANM_OK) {
        anm_rope_frequencies(rope, head_dim, frequencies);
        status = anm_blob_writer_begin(blobs, ANM_DTYPE_FP16, rows * half, offset, err);
    }
    if (status == ANM_OK)
        status = write_rows(frequencies, half, rows, function, row, blobs, err);
    anm_free(frequencies);
    anm_free(row);
    return status;
}
