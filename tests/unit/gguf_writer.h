/* SPDX-License-Identifier: MIT */
/* Writing small GGUF files, version 3, for tests. */
#ifndef ANM_TESTS_GGUF_WRITER_H
#define ANM_TESTS_GGUF_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/str.h"

typedef struct gguf_writer {
    anm_strbuf values, tensors, data;
    uint64_t value_count, tensor_count;
} gguf_writer; /* all zero: empty */

void gguf_put_text(gguf_writer *w, const char *key, const char *text);
void gguf_put_u16(gguf_writer *w, const char *key, uint16_t value);
void gguf_put_u32(gguf_writer *w, const char *key, uint32_t value);
void gguf_put_i32(gguf_writer *w, const char *key, int32_t value);
void gguf_put_f32(gguf_writer *w, const char *key, float value);
void gguf_put_bool(gguf_writer *w, const char *key, bool value);
void gguf_put_texts(gguf_writer *w, const char *key, const anm_sv *texts, size_t count);
void gguf_put_ints(gguf_writer *w, const char *key, const int32_t *values, size_t count);
void gguf_put_floats(gguf_writer *w, const char *key, const float *values, size_t count);
/* A tensor of a ggml type's number; the shape is row-major. */
void gguf_put_tensor(gguf_writer *w, const char *name, uint32_t type, int rank,
                     const int64_t *shape, const void *data, size_t bytes);

/* The file's bytes; the caller frees the buffer. */
anm_strbuf gguf_bytes(const gguf_writer *w);
/* Writes the file, and empties the writer. */
void gguf_write(gguf_writer *w, const char *path);
void gguf_free(gguf_writer *w);

#endif
