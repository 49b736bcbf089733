/* SPDX-License-Identifier: MIT */
/* The descriptions of a GGUF file's tensors, and whether their data lies where it can. */
#include <stdlib.h>

#include "src/hf/gguf_internal.h"

enum { MOST_DIMENSIONS = 4, LONGEST_NAME = 255 };

static anm_status take_name(anm_gguf_cursor *c, anm_gguf_tensor *t) {
    anm_sv name;
    ANM_TRY(anm_gguf_take_text(c, "a tensor's name", &name));
    if (name.len == 0 || name.len > LONGEST_NAME || memchr(name.data, '\0', name.len))
        return anm_gguf_fail(c, t->info, "a tensor's name is not 1 to %d bytes of text",
                             LONGEST_NAME);
    t->tensor.name = anm_arena_strndup(c->arena, name.data, name.len);
    return t->tensor.name ? ANM_OK : anm_fail_memory(c->err);
}

/* The format's first dimension varies fastest; ours is row-major. */
static anm_status take_shape(anm_gguf_cursor *c, anm_gguf_tensor *t) {
    uint32_t rank;
    uint64_t size, elements = 1;
    ANM_TRY(anm_gguf_take_u32(c, "a tensor's rank", &rank));
    if (rank < 1 || rank > MOST_DIMENSIONS)
        return anm_gguf_fail(c, t->info, "tensor \"%s\" has %u dimensions, not 1 to %d",
                             t->tensor.name, rank, MOST_DIMENSIONS);
    t->tensor.rank = (int)rank;
    for (uint32_t i = rank; i-- > 0;) {
        ANM_TRY(anm_gguf_take_u64(c, "a tensor's shape", &size));
        if (size == 0 || __builtin_mul_overflow(elements, size, &elements) || elements >> 48)
            return anm_gguf_fail(c, t->info, "tensor \"%s\" has dimension %llu, which cannot be",
                                 t->tensor.name, (unsigned long long)size);
        t->tensor.shape[i] = (int64_t)size;
    }
    return ANM_OK;
}

static anm_status take_type(anm_gguf_cursor *c, anm_gguf_tensor *t) {
    uint32_t number;
    ANM_TRY(anm_gguf_take_u32(c, "a tensor's type", &number));
    t->type = anm_gguf_type_get(number);
    if (!t->type)
        return anm_gguf_fail(c, t->info, "tensor \"%s\" has type %u, which is not known",
                             t->tensor.name, number);
    if (!anm_gguf_type_is_readable(t->type))
        return anm_fail_at(c->err, ANM_ERROR_UNSUPPORTED, c->file->path, t->info,
                           "tensor \"%s\" is of type %s; F32, F16, BF16, Q8_0, Q4_0, Q4_K and Q6_K "
                           "are read: use such a file (Q8_0 loses least) or the original model",
                           t->tensor.name, t->type->name);
    t->tensor.dtype = t->type->dtype;
    if (t->tensor.shape[t->tensor.rank - 1] % (int64_t)t->type->block)
        return anm_gguf_fail(c, t->info, "tensor \"%s\" has rows of %lld values, not of whole %s "
                             "blocks", t->tensor.name,
                             (long long)t->tensor.shape[t->tensor.rank - 1], t->type->name);
    return ANM_OK;
}

/* The data's place is kept as an offset until it is known where the data begins. */
static anm_status take_tensor(anm_gguf_cursor *c, anm_gguf_tensor *t, uint64_t *offset) {
    t->info = c->at;
    t->path = c->file->path;
    t->mapping = &c->file->mapping;
    ANM_TRY(take_name(c, t));
    ANM_TRY(take_shape(c, t));
    ANM_TRY(take_type(c, t));
    ANM_TRY(anm_gguf_take_u64(c, "a tensor's offset", offset));
    uint64_t elements = (uint64_t)anm_shape_elements(t->tensor.shape, t->tensor.rank);
    t->tensor.bytes = (size_t)(elements / t->type->block * t->type->bytes); /* < 2^50 */
    return ANM_OK;
}

static anm_status place(const anm_gguf_cursor *c, anm_gguf_tensor *t, uint64_t offset,
                        uint64_t begin, uint64_t alignment) {
    uint64_t size = c->file->mapping.size, room = size > begin ? size - begin : 0;
    if (offset % alignment)
        return anm_gguf_fail(c, t->info, "tensor \"%s\" lies at %llu, not at a multiple of %llu",
                             t->tensor.name, (unsigned long long)offset,
                             (unsigned long long)alignment);
    if (offset > room || t->tensor.bytes > room - offset)
        return anm_gguf_fail(c, t->info, "tensor \"%s\" reaches beyond the file's end at %llu: the "
                             "file is incomplete or damaged", t->tensor.name,
                             (unsigned long long)size);
    t->tensor.data = (void *)(c->file->mapping.data + begin + offset); /* read-only all the same */
    return ANM_OK;
}

static int by_data(const void *a, const void *b) {
    const anm_gguf_tensor *x = *(const anm_gguf_tensor *const *)a;
    const anm_gguf_tensor *y = *(const anm_gguf_tensor *const *)b;
    const uint8_t *p = x->tensor.data, *q = y->tensor.data;
    return (p > q) - (p < q);
}

static anm_status check_overlap(const anm_gguf_cursor *c, const anm_gguf_file *file) {
    size_t n = file->tensor_count;
    const anm_gguf_tensor **order = ANM_ARENA_ARRAY(c->arena, const anm_gguf_tensor *, n);
    if (!order) return anm_fail_memory(c->err);
    for (size_t i = 0; i < n; i++) order[i] = &file->tensors[i];
    qsort(order, n, sizeof *order, by_data);
    for (size_t i = 1; i < n; i++) {
        const anm_tensor *before = &order[i - 1]->tensor, *t = &order[i]->tensor;
        if ((const uint8_t *)before->data + before->bytes > (const uint8_t *)t->data)
            return anm_gguf_fail(c, order[i]->info, "tensors \"%s\" and \"%s\" overlap",
                                 before->name, t->name);
    }
    return ANM_OK;
}

anm_status anm_gguf_parse_tensors(anm_gguf_cursor *c, anm_gguf_file *file, uint64_t alignment) {
    size_t n = file->tensor_count;
    uint64_t *offsets = ANM_ARENA_ARRAY(c->arena, uint64_t, n);
    file->tensors = ANM_ARENA_ARRAY(c->arena, anm_gguf_tensor, n);
    if (!offsets || !file->tensors) return anm_fail_memory(c->err);
    for (size_t i = 0; i < n; i++) ANM_TRY(take_tensor(c, &file->tensors[i], &offsets[i]));
    uint64_t begin = (c->at + alignment - 1) / alignment * alignment;
    for (size_t i = 0; i < n; i++)
        ANM_TRY(place(c, &file->tensors[i], offsets[i], begin, alignment));
    return check_overlap(c, file);
}
