/* SPDX-License-Identifier: MIT */
/* What the rest of the library needs of safetensors beyond the public header. */
#ifndef ANM_HF_SAFETENSORS_INTERNAL_H
#define ANM_HF_SAFETENSORS_INTERNAL_H

#include "anemone/safetensors.h"
#include "src/base/arena.h"
#include "src/base/file.h"
#include "src/base/str.h"

/* The reference implementation's limit; the largest real headers have some hundred KB. */
#define ANM_SAFETENSORS_MAX_HEADER 100000000u

typedef struct anm_safetensors_pair {
    const char *key, *value;
} anm_safetensors_pair;

/* A checked header. Names and arrays lie in the arena, tensor data in the caller's bytes. */
typedef struct anm_safetensors_header {
    anm_tensor *tensors; /* in the order of the data */
    size_t count;
    anm_safetensors_pair *metadata;
    size_t metadata_count;
} anm_safetensors_header;

/* Parses a whole file in memory. `where` is the name used in errors. */
ANM_MUST_CHECK anm_status anm_safetensors_parse(anm_arena *arena, const uint8_t *data, size_t size,
                                                const char *where, anm_safetensors_header *out,
                                                anm_error *err);

/*
 * Appends the length field and the padded header to `out`, for writers that stream the data.
 * order[i] tells which tensor's data comes i-th; it has room for `count` values. The tensors'
 * `data` is not looked at.
 */
ANM_MUST_CHECK anm_status anm_safetensors_build_header(const char *where,
                                                       const anm_tensor *tensors, size_t count,
                                                       const char *const *metadata, size_t *order,
                                                       anm_strbuf *out, anm_error *err);

/* The format's name of a dtype ("BF16"), or NULL if it has none. */
const char *anm_safetensors_dtype_name(anm_dtype dtype);
/* Position in the reference implementation's dtype order, which grows with the alignment. */
int anm_safetensors_dtype_rank(anm_dtype dtype);
/* False if no version of the format has this name; a known type may still be ANM_DTYPE_NONE. */
bool anm_safetensors_dtype_parse(anm_sv name, anm_dtype *out);

const char *anm_safetensors_path(const anm_safetensors *file);
const anm_mapping *anm_safetensors_mapping(const anm_safetensors *file);

#endif
