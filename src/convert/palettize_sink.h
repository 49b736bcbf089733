/* SPDX-License-Identifier: MIT */
/* Where the indices of a matrix go: packed on all processors, and appended to a blob. */
#ifndef ANM_CONVERT_PALETTIZE_SINK_H
#define ANM_CONVERT_PALETTIZE_SINK_H

#include "src/package/blobfile.h"

typedef struct anm_palette_sink {
    anm_blob_writer *blobs;
    int bits;
    size_t held, capacity; /* indices that wait for their byte to be full; of a commit */
    uint8_t *indices, *packed;
} anm_palette_sink;

/* The blob has been begun. At most `capacity` indices are committed at a time. */
ANM_MUST_CHECK anm_status anm_palette_sink_init(anm_palette_sink *s, anm_blob_writer *blobs,
                                                int bits, size_t capacity, anm_error *err);
void anm_palette_sink_free(anm_palette_sink *s);
/* Where the next indices are to be put, a byte each. */
uint8_t *anm_palette_sink_next(anm_palette_sink *s);
ANM_MUST_CHECK anm_status anm_palette_sink_commit(anm_palette_sink *s, size_t count,
                                                  anm_error *err);
/* `count` zeros, and the last byte. */
ANM_MUST_CHECK anm_status anm_palette_sink_finish(anm_palette_sink *s, size_t count,
                                                  anm_error *err);

#endif
