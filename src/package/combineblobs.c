/* SPDX-License-Identifier: MIT */
#include "src/package/combineblobs.h"

#include <string.h>

#include "src/base/map.h"
#include "src/base/vec.h"

/* Where a blob was first met and where it went. */
typedef struct entry {
    const void *data; /* in `mapping` */
    size_t bytes;
    const anm_mapping *mapping;
    uint64_t offset; /* in the new file */
    size_t next;     /* another one with the same digest, or NONE */
} entry;

enum { NONE = -1 };

/* Keys of the two maps. Every byte of them is significant: no padding. */
typedef struct key {
    uint64_t where; /* by_place: the address; by_digest: the hash of the bytes */
    int64_t elements;
    uint64_t dtype;
} key;

struct anm_blob_pool {
    anm_arena *arena; /* keys */
    anm_package_writer *writer;
    ANM_VEC(entry) entries;
    anm_map by_place;  /* blobs met before, without looking at their bytes */
    anm_map by_digest; /* heads of chains */
};

anm_status anm_blob_pool_create(anm_package_writer *writer, anm_blob_pool **out, anm_error *err) {
    *out = anm_calloc(1, sizeof **out);
    anm_arena *arena = *out ? anm_arena_create() : NULL;
    if (!arena) {
        anm_free(*out);
        *out = NULL;
        return anm_fail_memory(err);
    }
    (*out)->arena = arena;
    (*out)->writer = writer;
    return ANM_OK;
}

void anm_blob_pool_destroy(anm_blob_pool *pool) {
    if (!pool) return;
    anm_map_free(&pool->by_place);
    anm_map_free(&pool->by_digest);
    anm_vec_free(&pool->entries);
    anm_arena_destroy(pool->arena);
    anm_free(pool);
}

static const anm_mapping *mapping_of(const anm_package *owner, const void *data) {
    uintptr_t at = (uintptr_t)data;
    for (size_t i = 0; i < owner->blob_count; i++) {
        const anm_mapping *m = &owner->blobs[i].mapping;
        if (at >= (uintptr_t)m->data && at - (uintptr_t)m->data <= m->size) return m;
    }
    return NULL;
}

/*
 * Bytes looked at between two drops: memory in use grows neither with the weights nor with the
 * largest of them. A multiple of any page size.
 */
enum { PIECE = 1 << 22, LARGEST_PAGE = 1 << 16 };

static size_t piece_at(const entry *e, size_t at) {
    return e->bytes - at < PIECE ? e->bytes - at : PIECE;
}

/* The page where the piece before it ended goes too: that one could not let go of it. */
static void drop(const entry *e, size_t at, size_t size) {
    if (!e->mapping) return;
    size_t begin = (size_t)((const uint8_t *)e->data - e->mapping->data) + at;
    size_t before = begin < LARGEST_PAGE ? begin : LARGEST_PAGE;
    anm_mapping_drop(e->mapping, begin - before, size + before);
}

static uint64_t digest_of(const entry *e) {
    uint64_t digest = 0;
    for (size_t at = 0; at < e->bytes; at += PIECE) {
        size_t size = piece_at(e, at);
        const uint64_t both[2] = {digest, anm_hash_bytes((const char *)e->data + at, size)};
        digest = anm_hash_bytes(both, sizeof both);
        drop(e, at, size);
    }
    return digest;
}

static anm_status put(anm_blob_pool *pool, anm_map *map, key k, size_t index, anm_error *err) {
    const char *copy = anm_arena_copy(pool->arena, &k, sizeof k);
    if (!copy || !anm_map_put(map, (anm_sv){copy, sizeof k}, index)) return anm_fail_memory(err);
    return ANM_OK;
}

static size_t get(const anm_map *map, const key *k) {
    uint64_t index = (uint64_t)NONE;
    anm_map_get(map, (anm_sv){(const char *)k, sizeof *k}, &index);
    return (size_t)index;
}

static bool same_content(const entry *a, const entry *b) {
    bool same = a->bytes == b->bytes;
    for (size_t at = 0; same && at < a->bytes; at += PIECE) {
        size_t size = piece_at(a, at);
        same = memcmp((const char *)a->data + at, (const char *)b->data + at, size) == 0;
        drop(a, at, size);
        drop(b, at, size);
    }
    return same;
}

static anm_status write_blob(anm_blob_writer *blobs, const key *k, entry *e, anm_error *err) {
    ANM_TRY(anm_blob_writer_begin(blobs, (anm_dtype)k->dtype, k->elements, &e->offset, err));
    for (size_t at = 0; at < e->bytes; at += PIECE) {
        size_t size = piece_at(e, at);
        ANM_TRY(anm_blob_writer_write(blobs, (const char *)e->data + at, size, err));
        drop(e, at, size);
    }
    return anm_blob_writer_end(blobs, err);
}

static anm_status write_entry(anm_blob_pool *pool, entry e, key digest, size_t *index,
                              anm_error *err) {
    anm_blob_writer *blobs;
    ANM_TRY(anm_package_writer_blobs(pool->writer, &blobs, err));
    ANM_TRY(write_blob(blobs, &digest, &e, err));
    e.next = get(&pool->by_digest, &digest);
    *index = pool->entries.len;
    if (!anm_vec_push(&pool->entries, e)) return anm_fail_memory(err);
    return put(pool, &pool->by_digest, digest, *index, err);
}

/* The entry for a literal not met at this place before. */
static anm_status find_or_write(anm_blob_pool *pool, const anm_package *owner,
                                const anm_mil_literal *literal, key digest, size_t *index,
                                anm_error *err) {
    entry e = {.data = literal->data, .bytes = literal->bytes};
    e.mapping = mapping_of(owner, literal->data);
    digest.where = digest_of(&e);
    *index = get(&pool->by_digest, &digest);
    while (*index != (size_t)NONE && !same_content(&pool->entries.data[*index], &e))
        *index = pool->entries.data[*index].next;
    return *index == (size_t)NONE ? write_entry(pool, e, digest, index, err) : ANM_OK;
}

static anm_status add_literal(anm_blob_pool *pool, const anm_package *owner,
                              const anm_mil_literal *literal, anm_error *err) {
    if (!literal || !literal->blob_path) return ANM_OK;
    key place = {(uintptr_t)literal->data, anm_mil_literal_elements(literal),
                 (uint64_t)literal->type->dtype};
    size_t index = get(&pool->by_place, &place);
    if (index == (size_t)NONE) {
        ANM_TRY(find_or_write(pool, owner, literal, place, &index, err));
        ANM_TRY(put(pool, &pool->by_place, place, index, err));
    }
    /* The package owns the program; literals are const to everybody else. */
    anm_mil_literal *own = (anm_mil_literal *)literal;
    own->blob_path = ANM_WEIGHT_PATH;
    own->blob_offset = pool->entries.data[index].offset;
    return ANM_OK;
}

typedef struct adder {
    anm_blob_pool *pool;
    const anm_package *owner;
    anm_status status;
    anm_error *err;
} adder;

static bool add_op(void *context, anm_mil_op *op) {
    adder *a = context;
    for (size_t i = 0; i < op->attr_count && a->status == ANM_OK; i++)
        a->status = add_literal(a->pool, a->owner, op->attrs[i].literal, a->err);
    for (size_t i = 0; i < op->arg_count && a->status == ANM_OK; i++)
        for (size_t k = 0; k < op->args[i].count && a->status == ANM_OK; k++)
            a->status = add_literal(a->pool, a->owner, op->args[i].operands[k].literal, a->err);
    return a->status == ANM_OK;
}

anm_status anm_blob_pool_add(anm_blob_pool *pool, const anm_package *owner,
                             const anm_mil_function *function, anm_error *err) {
    adder a = {.pool = pool, .owner = owner, .err = err};
    anm_mil_block_walk(function->body, add_op, &a);
    return a.status;
}
