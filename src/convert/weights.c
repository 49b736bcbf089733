/* SPDX-License-Identifier: MIT */
/* Conversion to fp16, piece by piece, with an eye on what fp16 cannot hold. */
#include "src/convert/weights.h"

#include <math.h>
#include <stdio.h>

#include "src/base/alloc.h"
#include "src/base/threads.h"
#include "src/convert/palettize_store.h"
#include "src/convert/residual.h"
#include "src/convert/tensors.h"

enum {
    PIECE = 1 << 20, /* values converted at a time */
    SLICE = 1 << 16, /* of these a thread takes */
    PROBE = 1 << 10  /* values looked at again when some are not finite */
};

typedef struct piece {
    const anm_weight *weight;
    size_t first, count;
    uint16_t *out;
} piece;

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static void read_slice(void *context, size_t i) {
    const piece *p = context;
    size_t begin = i * SLICE;
    anm_weight_halves(p->weight, p->first + begin, smaller(p->count - begin, SLICE),
                      p->out + begin);
}

/* Plain elements come as fast as memory gives them; codings are worth the threads. */
static void read_all(piece *p) {
    if (p->weight->coding) anm_parallel_for(0, (p->count + SLICE - 1) / SLICE, read_slice, p);
    else anm_weight_halves(p->weight, p->first, p->count, p->out);
}

static size_t count_not_finite(const uint16_t *halves, size_t count) {
    size_t bad = 0;
    for (size_t i = 0; i < count; i++) bad += (halves[i] & 0x7c00) == 0x7c00;
    return bad;
}

static void note_not_finite(const piece *p, anm_not_finite *bad) {
    float wide[PROBE];
    for (size_t done = 0; done < p->count; done += PROBE) {
        size_t n = smaller(p->count - done, PROBE);
        if (!count_not_finite(p->out + done, n)) continue;
        anm_weight_floats(p->weight, p->first + done, n, wide);
        for (size_t i = 0; i < n; i++) {
            if ((p->out[done + i] & 0x7c00) != 0x7c00) continue;
            bad->count++;
            if (isfinite(wide[i])) bad->largest = fmax(bad->largest, fabs((double)wide[i]));
        }
    }
}

void anm_weight_read(const anm_weight *weight, size_t first, size_t count, uint16_t *out,
                     anm_not_finite *bad) {
    piece p = {weight, first, count, out};
    read_all(&p);
    if (count_not_finite(out, count)) note_not_finite(&p, bad);
    anm_weight_drop(weight, first, count);
}

static anm_status write_all(anm_job *job, anm_blob_writer *blobs, const anm_weight *weight,
                            size_t first, size_t count, uint16_t *halves, anm_not_finite *bad,
                            anm_error *err) {
    for (size_t done = 0; done < count; done += PIECE) {
        size_t n = smaller(count - done, PIECE);
        anm_weight_read(weight, first + done, n, halves, bad);
        ANM_TRY(anm_blob_writer_write(blobs, halves, n * sizeof *halves, err));
        ANM_TRY(anm_job_advance(job, n * sizeof *halves, err));
    }
    return anm_blob_writer_end(blobs, err);
}

anm_status anm_weight_store(anm_job *job, anm_blob_writer *blobs, const anm_weight *weight,
                            int64_t first, int64_t rows, uint64_t *offset, anm_not_finite *bad,
                            anm_error *err) {
    const anm_tensor *t = weight->tensor;
    int64_t row = t->rank == 2 ? t->shape[1] : 1;
    uint16_t *halves = anm_malloc_aligned(PIECE * sizeof *halves);
    anm_status status = halves ? ANM_OK : anm_fail_memory(err);
    if (status == ANM_OK)
        status = anm_blob_writer_begin(blobs, ANM_DTYPE_FP16, rows * row, offset, err);
    if (status == ANM_OK)
        status = write_all(job, blobs, weight, (size_t)(first * row), (size_t)(rows * row), halves,
                           bad, err);
    anm_free(halves);
    return status;
}

anm_status anm_rows_store(anm_job *job, anm_blob_writer *blobs, anm_slot slot,
                          int64_t layer, const anm_weight *weight, int64_t first, int64_t rows,
                          anm_place *place, anm_not_finite *bad, anm_error *err) {
    const anm_tensor *t = weight->tensor;
    int64_t columns = t->rank == 2 ? t->shape[1] : 1;
    *place = (anm_place){0};
    place->form = anm_palette_form_of(&job->recipe, slot, layer, rows, columns);
    if (place->form.bits == 0)
        return anm_weight_store(job, blobs, weight, first, rows, &place->data, bad, err);
    return anm_palette_store(job, blobs, slot, weight, first, rows, place, bad, err);
}

anm_status anm_weight_report(anm_job *job, const anm_weight *weight, const anm_not_finite *bad,
                             anm_error *err) {
    if (!bad->count) return ANM_OK;
    return anm_report_overflow(job->report, weight->tensor->name, bad->count, bad->largest, err);
}

anm_status anm_slot_store(anm_job *job, anm_blob_writer *blobs, anm_slot slot, int64_t layer,
                          anm_place *place, anm_error *err) {
    char name[ANM_TENSOR_NAME];
    const anm_weight *weight;
    anm_family_tensor(job->recipe.family, slot, layer, name, sizeof name);
    ANM_TRY(anm_checkpoint_require(job->checkpoint, name, &weight, err));
    anm_not_finite bad = {0};
    int64_t rows = weight->tensor->shape[0];
    const anm_weight adjusted = anm_residual_weight(&job->recipe, slot, layer, weight);
    ANM_TRY(anm_rows_store(job, blobs, slot, layer, &adjusted, 0, rows, place, &bad, err));
    return anm_weight_report(job, weight, &bad, err);
}

anm_status anm_weights_judge(const anm_job *job, anm_error *err) {
    const anm_convert_overflow *o = anm_convert_report_overflow(job->report, 0);
    size_t others = anm_convert_report_overflow_count(job->report);
    char more[64] = "";
    if (!others || job->options.allow_overflow) return ANM_OK;
    if (--others) snprintf(more, sizeof more, " (and in %zu other tensors)", others);
    if (o->largest > 0)
        return anm_fail(err, ANM_ERROR_LIMIT, o->tensor,
                        "%llu values exceed fp16's range of 65504, the largest being %g%s; allow "
                        "overflow to convert nevertheless", (unsigned long long)o->count,
                        o->largest, more);
    return anm_fail(err, ANM_ERROR_LIMIT, o->tensor,
                    "%llu values of the checkpoint are infinite or NaN%s; allow overflow to "
                    "convert nevertheless", (unsigned long long)o->count, more);
}
