/* SPDX-License-Identifier: MIT */
#include "src/convert/palettize_sink.h"

#include <string.h>

#include "src/base/alloc.h"
#include "src/base/threads.h"
#include "src/convert/palettize.h"

/* Indices are packed by eights, which end on a byte's end whatever their width. */
enum { EIGHT = 8, PIECE = 1 << 16 };

anm_status anm_palette_sink_init(anm_palette_sink *s, anm_blob_writer *blobs, int bits,
                                 size_t capacity, anm_error *err) {
    *s = (anm_palette_sink){.blobs = blobs, .bits = bits, .capacity = capacity};
    s->indices = anm_realloc_array(NULL, capacity + EIGHT, 1);
    s->packed = anm_realloc_array(NULL, capacity + EIGHT, 1);
    return s->indices && s->packed ? ANM_OK : anm_fail_memory(err);
}

void anm_palette_sink_free(anm_palette_sink *s) {
    anm_free(s->indices);
    anm_free(s->packed);
}

uint8_t *anm_palette_sink_next(anm_palette_sink *s) {
    return s->indices + s->held;
}

static void pack_piece(void *context, size_t i) {
    anm_palette_sink *s = context;
    size_t from = i * PIECE, left = s->held / EIGHT * EIGHT - from;
    anm_palette_pack(s->packed + from / EIGHT * (size_t)s->bits, s->indices + from,
                     left < PIECE ? left : PIECE, s->bits);
}

anm_status anm_palette_sink_commit(anm_palette_sink *s, size_t count, anm_error *err) {
    s->held += count;
    size_t whole = s->held / EIGHT * EIGHT;
    anm_parallel_for(0, (whole + PIECE - 1) / PIECE, pack_piece, s);
    memmove(s->indices, s->indices + whole, s->held - whole);
    s->held -= whole;
    return anm_blob_writer_write(s->blobs, s->packed, whole / EIGHT * (size_t)s->bits, err);
}

anm_status anm_palette_sink_finish(anm_palette_sink *s, size_t count, anm_error *err) {
    while (count > 0) {
        size_t n = count < s->capacity ? count : s->capacity;
        memset(anm_palette_sink_next(s), 0, n);
        ANM_TRY(anm_palette_sink_commit(s, n, err));
        count -= n;
    }
    anm_palette_pack(s->packed, s->indices, s->held, s->bits);
    return anm_blob_writer_write(s->blobs, s->packed, (s->held * (size_t)s->bits + 7) / 8, err);
}
