/* SPDX-License-Identifier: MIT */
#include "src/package/blobfile.h"

#include <string.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"

enum { ALIGNMENT = 64, VERSION = 2 };
static const uint32_t SENTINEL = 0xDEADBEEF;

typedef struct header {
    uint32_t count, version;
    uint64_t reserved[7];
} header;

typedef struct metadata {
    uint32_t sentinel, type;
    uint64_t size, offset, padding_bits, reserved[4];
} metadata;

_Static_assert(sizeof(header) == ANM_BLOB_HEADER && sizeof(metadata) == 64, "the format's sizes");

static const struct {
    uint32_t code;
    anm_dtype dtype;
} types[] = {
    {1, ANM_DTYPE_FP16},       {2, ANM_DTYPE_FP32},     {3, ANM_DTYPE_UINT8},
    {4, ANM_DTYPE_INT8},       {5, ANM_DTYPE_BF16},     {6, ANM_DTYPE_INT16},
    {7, ANM_DTYPE_UINT16},     {8, ANM_DTYPE_INT4},     {9, ANM_DTYPE_UINT1},
    {10, ANM_DTYPE_UINT2},     {11, ANM_DTYPE_UINT4},   {12, ANM_DTYPE_UINT3},
    {13, ANM_DTYPE_UINT6},     {14, ANM_DTYPE_INT32},   {15, ANM_DTYPE_UINT32},
    {16, ANM_DTYPE_FP8E4M3FN}, {17, ANM_DTYPE_FP8E5M2},
};
enum { TYPE_COUNT = sizeof types / sizeof types[0] };

static anm_dtype dtype_of_code(uint32_t code) {
    for (int i = 0; i < TYPE_COUNT; i++)
        if (types[i].code == code) return types[i].dtype;
    return ANM_DTYPE_NONE;
}

static uint32_t code_of_dtype(anm_dtype dtype) {
    for (int i = 0; i < TYPE_COUNT; i++)
        if (types[i].dtype == dtype) return types[i].code;
    return 0;
}

anm_status anm_blob_file_open(const char *path, anm_blob_file *out, anm_error *err) {
    *out = (anm_blob_file){0};
    anm_status status;
    header h;
    ANM_TRY(anm_mapping_open(path, &out->mapping, err));
    if (out->mapping.size < sizeof h) {
        status =
            anm_fail(err, ANM_ERROR_FORMAT, path,
                     "weight file has %zu bytes, less than its 64-byte header", out->mapping.size);
        goto fail;
    }
    memcpy(&h, out->mapping.data, sizeof h);
    if (h.version != VERSION) {
        status =
            anm_fail_at(err, ANM_ERROR_UNSUPPORTED, path, 4,
                        "weight file has storage version %u; version 2 is supported", h.version);
        goto fail;
    }
    out->path = anm_strdup(path);
    if (out->path) return ANM_OK;
    status = anm_fail_memory(err);
fail:
    anm_blob_file_close(out);
    return status;
}

void anm_blob_file_close(anm_blob_file *file) {
    anm_mapping_close(&file->mapping);
    anm_free(file->path);
    *file = (anm_blob_file){0};
}

anm_status anm_blob_file_get(const anm_blob_file *file, uint64_t offset, anm_blob *out,
                             anm_error *err) {
    size_t size = file->mapping.size;
    metadata m;
    if (offset % ALIGNMENT != 0 || offset < sizeof(header) || offset > size - sizeof(header))
        return anm_fail_at(err, ANM_ERROR_FORMAT, file->path, offset,
                           "no blob can start here: the weight file has %zu bytes", size);
    memcpy(&m, file->mapping.data + offset, sizeof m);
    if (m.sentinel != SENTINEL)
        return anm_fail_at(err, ANM_ERROR_FORMAT, file->path, offset,
                           "no blob starts here: found 0x%08x instead of the marker 0xDEADBEEF",
                           m.sentinel);
    if (m.offset > size || m.size > size - m.offset)
        return anm_fail_at(err, ANM_ERROR_FORMAT, file->path, offset,
                           "blob of %llu bytes at %llu lies outside the file of %zu bytes",
                           (unsigned long long)m.size, (unsigned long long)m.offset, size);
    out->dtype = dtype_of_code(m.type);
    out->data = file->mapping.data + m.offset;
    out->bytes = (size_t)m.size;
    out->padding_bits = m.padding_bits < 8 ? (unsigned)m.padding_bits : 8;
    if (out->dtype == ANM_DTYPE_NONE)
        return anm_fail_at(err, ANM_ERROR_UNSUPPORTED, file->path, offset,
                           "blob has unknown element type %u", m.type);
    return ANM_OK;
}

anm_status anm_blob_file_expect(const anm_blob_file *file, uint64_t offset, anm_dtype dtype,
                                int64_t elements, anm_blob *out, anm_error *err) {
    size_t bytes;
    ANM_TRY(anm_blob_file_get(file, offset, out, err));
    if (out->dtype != dtype)
        return anm_fail_at(err, ANM_ERROR_FORMAT, file->path, offset,
                           "blob holds %s, the program declares %s", anm_dtype_name(out->dtype),
                           anm_dtype_name(dtype));
    if (!anm_dtype_bytes(dtype, elements, &bytes) || bytes != out->bytes)
        return anm_fail_at(err, ANM_ERROR_FORMAT, file->path, offset,
                           "blob has %zu bytes, which is not %lld elements of %s", out->bytes,
                           (long long)elements, anm_dtype_name(dtype));
    if (!anm_dtype_is_subbyte(dtype)) return ANM_OK;
    unsigned used = (unsigned)((uint64_t)elements * (unsigned)anm_dtype_bits(dtype) % 8);
    if (out->padding_bits != (used ? 8 - used : 0))
        return anm_fail_at(err, ANM_ERROR_FORMAT, file->path, offset,
                           "blob of %s states %u padding bits, %u are left over",
                           anm_dtype_name(dtype), out->padding_bits, used ? 8 - used : 0);
    return ANM_OK;
}

struct anm_blob_writer {
    anm_writer *file;
    uint32_t count;
    uint64_t left; /* bytes of the current blob still to come */
};

anm_status anm_blob_writer_open(const char *path, anm_blob_writer **out, anm_error *err) {
    anm_status status;
    header h = {.version = VERSION};
    *out = NULL;
    anm_blob_writer *w = anm_calloc(1, sizeof *w);
    if (!w) return anm_fail_memory(err);
    ANM_CHECK(anm_writer_open(path, &w->file, err));
    ANM_CHECK(anm_writer_write(w->file, &h, sizeof h, err));
    *out = w;
    return ANM_OK;
fail:
    anm_blob_writer_abort(w);
    return status;
}

static anm_status align(anm_blob_writer *w, anm_error *err) {
    static const unsigned char zeros[ALIGNMENT];
    size_t over = (size_t)(anm_writer_offset(w->file) % ALIGNMENT);
    return over ? anm_writer_write(w->file, zeros, ALIGNMENT - over, err) : ANM_OK;
}

anm_status anm_blob_writer_begin(anm_blob_writer *w, anm_dtype dtype, int64_t elements,
                                 uint64_t *offset, anm_error *err) {
    metadata m = {.sentinel = SENTINEL, .type = code_of_dtype(dtype)};
    size_t bytes;
    if (!m.type || !anm_dtype_bytes(dtype, elements, &bytes))
        return anm_fail(err, ANM_ERROR_INTERNAL, NULL, "%s has no blob form",
                        anm_dtype_name(dtype));
    ANM_TRY(align(w, err));
    *offset = anm_writer_offset(w->file);
    m.size = bytes;
    m.offset = *offset + sizeof m;
    if (anm_dtype_is_subbyte(dtype))
        m.padding_bits = bytes * 8 - (uint64_t)elements * (unsigned)anm_dtype_bits(dtype);
    w->left = bytes;
    w->count++;
    return anm_writer_write(w->file, &m, sizeof m, err);
}

anm_status anm_blob_writer_write(anm_blob_writer *w, const void *data, size_t size,
                                 anm_error *err) {
    if (size > w->left)
        return anm_fail(err, ANM_ERROR_INTERNAL, NULL, "more data than the blob announced");
    w->left -= size;
    return anm_writer_write(w->file, data, size, err);
}

anm_status anm_blob_writer_end(anm_blob_writer *w, anm_error *err) {
    if (w->left) return anm_fail(err, ANM_ERROR_INTERNAL, NULL, "less data than announced");
    return ANM_OK;
}

anm_status anm_blob_writer_add(anm_blob_writer *w, anm_dtype dtype, int64_t elements,
                               const void *data, uint64_t *offset, anm_error *err) {
    ANM_TRY(anm_blob_writer_begin(w, dtype, elements, offset, err));
    ANM_TRY(anm_blob_writer_write(w, data, (size_t)w->left, err));
    return anm_blob_writer_end(w, err);
}

uint32_t anm_blob_writer_count(const anm_blob_writer *w) {
    return w->count;
}

uint64_t anm_blob_space(uint64_t bytes) {
    return sizeof(metadata) + (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

anm_status anm_blob_writer_commit(anm_blob_writer *w, anm_error *err) {
    header h = {.count = w->count, .version = VERSION};
    anm_status status;
    ANM_CHECK(align(w, err)); /* coremltools pads the end too */
    ANM_CHECK(anm_writer_patch(w->file, 0, &h, sizeof h, err));
    status = anm_writer_commit(w->file, err);
    w->file = NULL;
fail:
    anm_blob_writer_abort(w);
    return status;
}

void anm_blob_writer_abort(anm_blob_writer *w) {
    if (!w) return;
    anm_writer_abort(w->file);
    anm_free(w);
}
