/* SPDX-License-Identifier: MIT */
/* Bringing a program's mapped weights into memory before they are needed. */
#include "src/program/program.h"

enum { PIECE = 32 << 20 };

uint64_t anm_program_weight_bytes(const anm_program *program) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < program->package->blob_count; i++)
        bytes += program->package->blobs[i].mapping.size;
    return bytes;
}

typedef struct loading {
    anm_bytes_fn progress;
    void *context;
    uint64_t done, total;
} loading;

static anm_status tell(const loading *l, anm_error *err) {
    if (!l->progress || !l->progress(l->context, l->done, l->total)) return ANM_OK;
    return anm_fail(err, ANM_ERROR_CANCELLED, "weights", "loading was cancelled");
}

/* While one piece is waited for, the disk may read the next. */
static anm_status load_file(loading *l, const anm_blob_file *file, anm_error *err) {
    const anm_mapping *m = &file->mapping;
    for (size_t at = 0; at < m->size; at += PIECE) {
        size_t size = m->size - at < PIECE ? m->size - at : PIECE;
        anm_mapping_expect(m, at + size, PIECE);
        if (!anm_mapping_fetch(m, at, size))
            return anm_fail_at(err, ANM_ERROR_IO, file->path, at,
                               "weights cannot be read any more: the file was cut after it was "
                               "opened, or its disk fails");
        l->done += size;
        ANM_TRY(tell(l, err));
    }
    return ANM_OK;
}

anm_status anm_program_load_weights(const anm_program *program, anm_bytes_fn progress,
                                    void *context, anm_error *err) {
    loading l = {progress, context, 0, anm_program_weight_bytes(program)};
    ANM_TRY(tell(&l, err));
    for (size_t i = 0; i < program->package->blob_count; i++)
        ANM_TRY(load_file(&l, &program->package->blobs[i], err));
    return ANM_OK;
}
