/* SPDX-License-Identifier: MIT */
#include "src/convert/palettize_store.h"

#include "src/base/alloc.h"
#include "src/convert/palettize.h"

/* Groups are taken by eights, so that a slab's indices end on a byte's end. */
enum { SLAB = 1 << 20, ALIGNED = 8 };

typedef struct slab {
    anm_job *job;
    anm_blob_writer *blobs;
    const anm_weight *weight;
    const anm_palette_form *lut;
    int64_t columns, first, rows; /* first: in the tensor; rows: of the whole matrix */
    uint16_t *values;
    uint8_t *indices, *packed;
    uint16_t *tables; /* of the whole matrix */
    anm_not_finite *bad;
} slab;

anm_dtype anm_palette_dtype(int bits) {
    switch (bits) {
    case 1: return ANM_DTYPE_UINT1;
    case 2: return ANM_DTYPE_UINT2;
    case 3: return ANM_DTYPE_UINT3;
    case 4: return ANM_DTYPE_UINT4;
    case 6: return ANM_DTYPE_UINT6;
    default: return ANM_DTYPE_UINT8;
    }
}

static anm_status store_slab(slab *s, int64_t done, int64_t rows, anm_error *err) {
    size_t n = (size_t)(rows * s->columns);
    const char *name = s->weight->tensor->name;
    anm_weight_read(s->weight, (size_t)((s->first + done) * s->columns), n, s->values, s->bad);
    if (s->bad->count)
        return anm_fail(err, ANM_ERROR_LIMIT, name,
                        "values that fp16 cannot hold (%llu so far, the largest finite one %g) "
                        "cannot be palettized; leave this part in fp16",
                        (unsigned long long)s->bad->count, s->bad->largest);
    anm_palette_matrix m = {s->values, rows, s->columns, NULL, 0, s->lut->group, s->lut->bits, 0};
    uint16_t *tables = s->tables + ((size_t)(done / s->lut->group) << s->lut->bits);
    if (anm_palettize_matrix(&m, tables, s->indices, NULL, err) != ANM_OK)
        return anm_fail_prefix(err, "%s", name);
    anm_palette_pack(s->packed, s->indices, n, s->lut->bits);
    size_t bytes = (n * (size_t)s->lut->bits + 7) / 8;
    ANM_TRY(anm_blob_writer_write(s->blobs, s->packed, bytes, err));
    return anm_job_advance(s->job, n * sizeof *s->values, err);
}

static anm_status store_all(slab *s, anm_place *place, anm_error *err) {
    int64_t step = s->lut->group * ALIGNED, groups = s->rows / s->lut->group;
    int64_t most = SLAB / (step * s->columns) * step;
    if (most < step) most = step;
    if (most > s->rows) most = s->rows;
    size_t n = (size_t)(most * s->columns), tables = (size_t)groups << s->lut->bits;
    s->values = anm_realloc_array(NULL, n, sizeof *s->values);
    s->indices = anm_realloc_array(NULL, n, 1);
    s->packed = anm_realloc_array(NULL, n, 1);
    s->tables = anm_realloc_array(NULL, tables, sizeof *s->tables);
    if (!s->values || !s->indices || !s->packed || !s->tables) return anm_fail_memory(err);
    ANM_TRY(anm_blob_writer_begin(s->blobs, anm_palette_dtype(s->lut->bits), s->rows * s->columns,
                                  &place->data, err));
    for (int64_t done = 0; done < s->rows; done += most)
        ANM_TRY(store_slab(s, done, s->rows - done < most ? s->rows - done : most, err));
    ANM_TRY(anm_blob_writer_end(s->blobs, err));
    return anm_blob_writer_add(s->blobs, ANM_DTYPE_FP16, (int64_t)tables, s->tables, &place->lut,
                               err);
}

/* Once for a kind of weight, not for each layer and split. */
static anm_status warn(anm_job *job, anm_slot slot, const char *name, int64_t rows, int64_t group,
                       anm_error *err) {
    int64_t wanted = anm_recipe_lut_of(&job->recipe, slot)->group;
    if (wanted == ANM_CONVERT_PER_TENSOR || wanted >= rows || group == wanted) return ANM_OK;
    if (job->regrouped[slot]) return ANM_OK;
    job->regrouped[slot] = true;
    return anm_report_warn(job->report, err,
                           "%s: %lld rows do not divide into groups of %lld; they share a table "
                           "by %lld", name, (long long)rows, (long long)wanted, (long long)group);
}

anm_status anm_palette_store(anm_job *job, anm_blob_writer *blobs, anm_slot slot,
                             const anm_weight *weight, int64_t first, int64_t rows,
                             anm_place *place, anm_not_finite *bad,
                             anm_error *err) {
    slab s = {.job = job, .blobs = blobs, .weight = weight, .lut = &place->form, .first = first,
              .rows = rows, .columns = weight->tensor->shape[1], .bad = bad};
    anm_status status = store_all(&s, place, err);
    anm_free(s.values);
    anm_free(s.indices);
    anm_free(s.packed);
    anm_free(s.tables);
    if (status != ANM_OK) return status;
    return warn(job, slot, weight->tensor->name, rows, place->form.group, err);
}
