/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing safetensors files.
 *
 * A file is an 8-byte little-endian header length, a JSON header that gives each tensor's dtype,
 * shape and byte range, then the data. Format: github.com/huggingface/safetensors, README.
 * Everything is checked when a file is opened; see anm_safetensors_open().
 */
#ifndef ANEMONE_SAFETENSORS_H
#define ANEMONE_SAFETENSORS_H

#include "anemone/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An open file. Immutable, so any number of threads may read it at once. */
typedef struct anm_safetensors anm_safetensors;

/*
 * Maps the file and checks its whole header: length (at most 100 MB and within the file), JSON
 * without duplicate names, dtypes, shapes, and byte ranges that fit the shapes and cover the data
 * without hole or overlap.
 *
 * ANM_ERROR_FORMAT with the byte offset of the problem where one is known; ANM_ERROR_UNSUPPORTED
 * for a rank above ANM_MAX_RANK and for dtypes that anm_dtype lacks; ANM_ERROR_NOT_FOUND or
 * ANM_ERROR_IO when the file cannot be read.
 */
ANM_API ANM_MUST_CHECK anm_status anm_safetensors_open(const char *path, anm_safetensors **out,
                                                       anm_error *err);
/* Ends the life of every tensor of the file. NULL is fine. */
ANM_API void anm_safetensors_close(anm_safetensors *file);

/* Number of tensors. */
ANM_API size_t anm_safetensors_count(const anm_safetensors *file);

/*
 * Tensor number `index` in the order of the data, or NULL past the end. Name and data belong to
 * the file and live until it is closed. The data is a read-only mapping: do not write to it. It is
 * little-endian, and aligned to its element only if the file's writer aligned it (older writers
 * did not), so copy elements out with memcpy.
 */
ANM_API const anm_tensor *anm_safetensors_get(const anm_safetensors *file, size_t index);

/* The tensor of that name, or NULL. */
ANM_API const anm_tensor *anm_safetensors_find(const anm_safetensors *file, const char *name);

/* The value of a key of the header's "__metadata__", or NULL. It lives until the file is closed. */
ANM_API const char *anm_safetensors_metadata(const anm_safetensors *file, const char *key);

/*
 * Writes a file that appears under `path` only when complete. The tensors are stored widest
 * element type first, then by name, with the data aligned to 8 bytes, as the reference
 * implementation does; the caller's order does not matter.
 *
 * metadata: alternating keys and values, then NULL; or NULL for none.
 *
 * ANM_ERROR_ARGUMENT for a missing, repeated or reserved name, a wrong `bytes` or text that is not
 * UTF-8; ANM_ERROR_UNSUPPORTED for a dtype the format lacks (sub-byte integers, strings).
 */
ANM_API ANM_MUST_CHECK anm_status anm_safetensors_write(const char *path,
                                                        const anm_tensor *tensors, size_t count,
                                                        const char *const *metadata,
                                                        anm_error *err);

#ifdef __cplusplus
}
#endif

#endif
