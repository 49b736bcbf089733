/* SPDX-License-Identifier: MIT */
/*
 * weight.bin: MIL blob storage, version 2. A 64-byte header (u32 count, u32 version), then for
 * each blob, aligned to 64 bytes, 64 bytes of metadata (u32 sentinel 0xDEADBEEF, u32 type,
 * u64 size, u64 data offset, u64 padding bits, reserved) followed by the data. A program names a
 * blob by the offset of its metadata. Little-endian; the library runs on little-endian machines.
 */
#ifndef ANM_PACKAGE_BLOBFILE_H
#define ANM_PACKAGE_BLOBFILE_H

#include "anemone/tensor.h"
#include "src/base/file.h"

typedef struct anm_blob_file {
    char *path; /* for messages */
    anm_mapping mapping;
} anm_blob_file;

/* A blob as its metadata states it; `data` points into the mapping. */
typedef struct anm_blob {
    anm_dtype dtype;
    const void *data;
    size_t bytes;
    unsigned padding_bits; /* sub-byte types: unused bits of the last byte */
} anm_blob;

/* Maps the file and checks its header. `path` is copied. */
ANM_MUST_CHECK anm_status anm_blob_file_open(const char *path, anm_blob_file *out, anm_error *err);
void anm_blob_file_close(anm_blob_file *file);

/* The blob whose metadata is at `offset`; everything is checked against the file's size. */
ANM_MUST_CHECK anm_status anm_blob_file_get(const anm_blob_file *file, uint64_t offset,
                                            anm_blob *out, anm_error *err);
/*
 * The same, required to hold `elements` of `dtype`. The padding field is checked for sub-byte
 * types only: older writers left garbage in it. int8 data declared uint8 is accepted and so on
 * only if the types are equal; bool has no blob type.
 */
ANM_MUST_CHECK anm_status anm_blob_file_expect(const anm_blob_file *file, uint64_t offset,
                                               anm_dtype dtype, int64_t elements, anm_blob *out,
                                               anm_error *err);

/* Writing: append blobs one after the other, each in as many pieces as the caller likes. */
typedef struct anm_blob_writer anm_blob_writer;
ANM_MUST_CHECK anm_status anm_blob_writer_open(const char *path, anm_blob_writer **out,
                                               anm_error *err);
/* Starts a blob of `elements`; gives the offset by which programs name it. */
ANM_MUST_CHECK anm_status anm_blob_writer_begin(anm_blob_writer *w, anm_dtype dtype,
                                                int64_t elements, uint64_t *offset, anm_error *err);
ANM_MUST_CHECK anm_status anm_blob_writer_write(anm_blob_writer *w, const void *data, size_t size,
                                                anm_error *err);
/* Fails if the pieces do not add up to what begin announced. */
ANM_MUST_CHECK anm_status anm_blob_writer_end(anm_blob_writer *w, anm_error *err);
/* begin, write, end. */
ANM_MUST_CHECK anm_status anm_blob_writer_add(anm_blob_writer *w, anm_dtype dtype, int64_t elements,
                                              const void *data, uint64_t *offset, anm_error *err);
uint32_t anm_blob_writer_count(const anm_blob_writer *w);
/* What a blob of `bytes` adds to a file that has ANM_BLOB_HEADER already: metadata, alignment. */
enum { ANM_BLOB_HEADER = 64 };
uint64_t anm_blob_space(uint64_t bytes);
/* Writes the count into the header and commits the file; releases `w` in every case. */
ANM_MUST_CHECK anm_status anm_blob_writer_commit(anm_blob_writer *w, anm_error *err);
void anm_blob_writer_abort(anm_blob_writer *w);

#endif
