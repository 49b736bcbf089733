/* SPDX-License-Identifier: MIT */
/* Shared by gguf.c, gguf_parse.c, gguf_tensors.c and gguf_value.c only. */
#ifndef ANM_HF_GGUF_INTERNAL_H
#define ANM_HF_GGUF_INTERNAL_H

#include "src/base/map.h"
#include "src/base/vec.h"
#include "src/hf/gguf.h"

/* One file, parsed. */
typedef struct anm_gguf_file {
    const char *path;
    anm_mapping mapping;
    anm_gguf_value *values;
    size_t value_count;
    anm_map by_key; /* index into values */
    anm_gguf_tensor *tensors;
    size_t tensor_count;
} anm_gguf_file;

struct anm_gguf {
    anm_arena *arena;
    anm_gguf_file *files;
    size_t file_count;
    ANM_VEC(const anm_gguf_tensor *) tensors; /* of all files */
    anm_map by_name;                          /* index into tensors */
};

/* A place in a file that is being parsed. */
typedef struct anm_gguf_cursor {
    const anm_gguf_file *file;
    anm_arena *arena;
    size_t at;
    anm_error *err;
} anm_gguf_cursor;

#define anm_gguf_fail(cursor, offset, ...)                                                         \
    anm_fail_at((cursor)->err, ANM_ERROR_FORMAT, (cursor)->file->path, (uint64_t)(offset),         \
                __VA_ARGS__)

/* Takes `size` bytes; `what` names them in the error if the file ends before. */
ANM_MUST_CHECK anm_status anm_gguf_take(anm_gguf_cursor *c, uint64_t size, const char *what,
                                        const uint8_t **out);
ANM_MUST_CHECK anm_status anm_gguf_take_u32(anm_gguf_cursor *c, const char *what, uint32_t *out);
ANM_MUST_CHECK anm_status anm_gguf_take_u64(anm_gguf_cursor *c, const char *what, uint64_t *out);
ANM_MUST_CHECK anm_status anm_gguf_take_text(anm_gguf_cursor *c, const char *what, anm_sv *out);
/* A count of things that take at least `least` bytes each: the rest of the file has room. */
ANM_MUST_CHECK anm_status anm_gguf_check_count(const anm_gguf_cursor *c, uint64_t count,
                                               uint64_t least, const char *what);

/* Parses a mapped file. */
ANM_MUST_CHECK anm_status anm_gguf_parse(anm_arena *arena, anm_gguf_file *file, anm_error *err);
/* Its tensors' descriptions, which `cursor` is at, and the check of where they lie. */
ANM_MUST_CHECK anm_status anm_gguf_parse_tensors(anm_gguf_cursor *cursor, anm_gguf_file *file,
                                                 uint64_t alignment);

const anm_gguf_value *anm_gguf_file_find(const anm_gguf_file *file, const char *key);
/* A whole number of any width; false for other kinds and above INT64_MAX. */
bool anm_gguf_value_int(const anm_gguf_value *value, int64_t *out);

#endif
