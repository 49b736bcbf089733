/* SPDX-License-Identifier: MIT */
/*
 * GGUF files, versions 2 and 3, little endian: metadata and tensors of one model, in one file or in
 * the splits "NAME-00001-of-0000N.gguf". Everything stays mapped and is checked when it is opened.
 * Format: docs/gguf.md of github.com/ggml-org/ggml. Immutable once open.
 */
#ifndef ANM_HF_GGUF_H
#define ANM_HF_GGUF_H

#include "src/base/arena.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/hf/gguf_types.h"

typedef struct anm_gguf anm_gguf;

typedef enum anm_gguf_kind {
    ANM_GGUF_UINT8,
    ANM_GGUF_INT8,
    ANM_GGUF_UINT16,
    ANM_GGUF_INT16,
    ANM_GGUF_UINT32,
    ANM_GGUF_INT32,
    ANM_GGUF_FLOAT32,
    ANM_GGUF_BOOL,
    ANM_GGUF_STRING,
    ANM_GGUF_ARRAY,
    ANM_GGUF_UINT64,
    ANM_GGUF_INT64,
    ANM_GGUF_FLOAT64,
    ANM_GGUF_KINDS
} anm_gguf_kind;

/* A metadata value; strings and arrays point into the mapping. */
typedef struct anm_gguf_value {
    anm_sv key;
    anm_gguf_kind kind;    /* of the value; of the elements if is_array */
    bool is_array;
    uint64_t count;        /* elements; 1 if not an array */
    const uint8_t *data;   /* packed, not aligned; strings: 8 bytes of length, then the text */
    uint64_t offset;       /* of the data in the file, for errors */
} anm_gguf_value;

typedef struct anm_gguf_tensor {
    anm_tensor tensor;         /* dimensions in row-major order: the format's, reversed */
    const anm_gguf_type *type; /* the tensor's dtype is NONE if it is not plain */
    const char *path;
    const anm_mapping *mapping;
    uint64_t info; /* offset of its description in the file, for errors */
} anm_gguf_tensor;

/*
 * The GGUF file that `model` stands for: the file itself, or the only one (or the first of the only
 * set of splits) in a directory without safetensors. *out is NULL if it stands for none: a
 * directory with safetensors, or nothing at all. ANM_ERROR_ARGUMENT for a directory that has
 * several.
 */
ANM_MUST_CHECK anm_status anm_gguf_locate(anm_arena *arena, const char *model, const char **out,
                                          anm_error *err);

/*
 * Opens a file, with the other splits if it is one of several. ANM_ERROR_FORMAT with a byte offset
 * for a file that breaks the format's rules; ANM_ERROR_UNSUPPORTED for another version, big-endian
 * files and tensor types that are not read; ANM_ERROR_NOT_FOUND for a missing file or split.
 */
ANM_MUST_CHECK anm_status anm_gguf_open(const char *path, anm_gguf **out, anm_error *err);
void anm_gguf_close(anm_gguf *gguf); /* NULL is fine */

const char *anm_gguf_path(const anm_gguf *gguf);
size_t anm_gguf_tensor_count(const anm_gguf *gguf);
const anm_gguf_tensor *anm_gguf_tensor_at(const anm_gguf *gguf, size_t index);
const anm_gguf_tensor *anm_gguf_tensor_find(const anm_gguf *gguf, const char *name); /* or NULL */

/* Metadata, of the first split. NULL if absent. */
const anm_gguf_value *anm_gguf_find(const anm_gguf *gguf, const char *key);
/* Typed access: `absent` if there is no such key; ANM_ERROR_FORMAT for a value of another kind. */
ANM_MUST_CHECK anm_status anm_gguf_get_int(const anm_gguf *gguf, const char *key, int64_t absent,
                                           int64_t *out, anm_error *err);
ANM_MUST_CHECK anm_status anm_gguf_get_number(const anm_gguf *gguf, const char *key, double absent,
                                              double *out, anm_error *err);
ANM_MUST_CHECK anm_status anm_gguf_get_bool(const anm_gguf *gguf, const char *key, bool absent,
                                            bool *out, anm_error *err);
/* The text belongs to the file; {NULL, 0} if absent. */
ANM_MUST_CHECK anm_status anm_gguf_get_text(const anm_gguf *gguf, const char *key, anm_sv *out,
                                            anm_error *err);
/* An array of strings, of numbers (fp32) or of whole numbers (int32); NULL if absent. */
ANM_MUST_CHECK anm_status anm_gguf_get_array(const anm_gguf *gguf, const char *key,
                                             anm_gguf_kind kind, const anm_gguf_value **out,
                                             anm_error *err);

/* Walks an array of strings: the text at *next, which moves on to the one behind it. */
anm_sv anm_gguf_next_text(const uint8_t **next);
/* Element `index` of an array of int32 or fp32. */
int32_t anm_gguf_int32_at(const anm_gguf_value *array, uint64_t index);
float anm_gguf_float_at(const anm_gguf_value *array, uint64_t index);
/* The decimal number that was meant by a float: the shortest that reads back as it. */
double anm_gguf_decimal(float value);

#endif
