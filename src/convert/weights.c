/* SPDX-License-Identifier: MIT */
/* Conversion to fp16, piece by piece, with an eye on what fp16 cannot hold. */
#include "src/convert/weights.h"

#include <math.h>
#include <stdio.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/base/half.h"
#include "src/convert/palettize_store.h"
#include "src/convert/tensors.h"

enum { PIECE = 1 << 20 /* elements converted at a time */ };

typedef struct stream {
    anm_job *job;
    const anm_weight *weight;
    const uint8_t *source; /* maybe unaligned for the element */
    size_t width;          /* bytes per element in the checkpoint */
    uint16_t *halves;
    uint8_t *aligned;      /* a copy of the piece, in case `source` is not aligned */
    anm_not_finite *bad;
} stream;

/* NULL when the checkpoint has fp16 already and the bytes can be written as they are. */
static const uint16_t *convert(stream *s, const uint8_t *from, size_t count) {
    anm_dtype dtype = s->weight->tensor->dtype;
    if ((uintptr_t)from % s->width) {
        memcpy(s->aligned, from, count * s->width);
        from = s->aligned;
    }
    if (dtype == ANM_DTYPE_FP16) return (const uint16_t *)from;
    if (dtype == ANM_DTYPE_BF16) anm_half_from_bf16_n(s->halves, (const uint16_t *)from, count);
    else anm_half_from_float_n(s->halves, (const float *)from, count);
    return s->halves;
}

static size_t count_not_finite(const uint16_t *halves, size_t count) {
    size_t bad = 0;
    for (size_t i = 0; i < count; i++) bad += (halves[i] & 0x7c00) == 0x7c00;
    return bad;
}

static void note_not_finite(stream *s, const uint8_t *from, const uint16_t *halves, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if ((halves[i] & 0x7c00) != 0x7c00) continue;
        double value = fabs(anm_element_get(s->weight->tensor->dtype, from, (int64_t)i));
        s->bad->count++;
        if (isfinite(value) && value > s->bad->largest) s->bad->largest = value;
    }
}

static anm_status write_piece(stream *s, anm_blob_writer *blobs, size_t count, anm_error *err) {
    const uint8_t *from = s->source;
    const uint16_t *halves = convert(s, from, count);
    if (count_not_finite(halves, count)) note_not_finite(s, from, halves, count);
    ANM_TRY(anm_blob_writer_write(blobs, halves, count * sizeof *halves, err));
    anm_mapping_drop(s->weight->mapping, (size_t)(from - s->weight->mapping->data),
                     count * s->width);
    s->source += count * s->width;
    return anm_job_advance(s->job, count * sizeof *halves, err);
}

static anm_status write_all(stream *s, anm_blob_writer *blobs, int64_t elements, uint64_t *offset,
                            anm_error *err) {
    s->halves = anm_malloc_aligned(PIECE * sizeof *s->halves);
    s->aligned = anm_malloc_aligned(PIECE * s->width);
    if (!s->halves || !s->aligned) return anm_fail_memory(err);
    ANM_TRY(anm_blob_writer_begin(blobs, ANM_DTYPE_FP16, elements, offset, err));
    for (int64_t left = elements; left > 0; left -= PIECE)
        ANM_TRY(write_piece(s, blobs, (size_t)(left < PIECE ? left : PIECE), err));
    return anm_blob_writer_end(blobs, err);
}

anm_status anm_weight_store(anm_job *job, anm_blob_writer *blobs, const anm_weight *weight,
                            int64_t first, int64_t rows, uint64_t *offset, anm_not_finite *bad,
                            anm_error *err) {
    const anm_tensor *t = weight->tensor;
    int64_t row = t->rank == 2 ? t->shape[1] : 1;
    stream s = {.job = job, .weight = weight, .bad = bad};
    s.width = (size_t)anm_dtype_bits(t->dtype) / 8;
    s.source = (const uint8_t *)t->data + (size_t)(first * row) * s.width;
    anm_status status = write_all(&s, blobs, rows * row, offset, err);
    anm_free(s.halves);
    anm_free(s.aligned);
    return status;
}

void anm_weight_read(const anm_weight *weight, size_t first, size_t count, uint16_t *out,
                     anm_not_finite *bad) {
    const anm_tensor *t = weight->tensor;
    size_t width = (size_t)anm_dtype_bits(t->dtype) / 8;
    const uint8_t *from = (const uint8_t *)t->data + first * width;
    float wide[1024];
    if (t->dtype == ANM_DTYPE_FP32) {
        for (size_t i = 0; i < count; i += 1024) {
            size_t n = count - i < 1024 ? count - i : 1024;
            memcpy(wide, from + i * width, n * width);
            anm_half_from_float_n(out + i, wide, n);
        }
    } else memcpy(out, from, count * width);
    if (t->dtype == ANM_DTYPE_BF16) anm_half_from_bf16_n(out, out, count);
    stream s = {.weight = weight, .bad = bad};
    if (count_not_finite(out, count)) note_not_finite(&s, from, out, count);
    anm_mapping_drop(weight->mapping, (size_t)(from - weight->mapping->data), count * width);
}

anm_status anm_rows_store(anm_job *job, anm_blob_writer *blobs, anm_slot slot,
                          const anm_weight *weight, int64_t first, int64_t rows, anm_place *place,
                          anm_not_finite *bad, anm_error *err) {
    const anm_tensor *t = weight->tensor;
    int64_t columns = t->rank == 2 ? t->shape[1] : 1;
    *place = (anm_place){0};
    place->form = anm_palette_form_of(&job->recipe, slot, rows, columns);
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
    ANM_TRY(anm_rows_store(job, blobs, slot, weight, 0, rows, place, &bad, err));
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
