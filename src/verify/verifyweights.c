/* SPDX-License-Identifier: MIT */
/*
 * The weight files of a part: every blob from the first to the last is where the one before says,
 * and every float that the program names is finite.
 */
#include <inttypes.h>

#include "src/base/dtype.h"
#include "src/base/half.h"
#include "src/base/map.h"
#include "src/verify/verify_internal.h"

/* An old form of constexpr ops has its weights as attributes. */
static bool visit_op_blobs(const anm_mil_op *op, anm_verify_blob_fn visit, void *context) {
    for (size_t i = 0; i < op->attr_count; i++)
        if (op->attrs[i].literal->blob_path && !visit(context, op->attrs[i].literal)) return false;
    for (size_t i = 0; i < op->arg_count; i++)
        for (size_t k = 0; k < op->args[i].count; k++) {
            const anm_mil_literal *literal = op->args[i].operands[k].literal;
            if (literal && literal->blob_path && !visit(context, literal)) return false;
        }
    return true;
}

typedef struct walk {
    anm_verify_blob_fn visit;
    void *context;
} walk;

static bool walk_op(void *context, anm_mil_op *op) {
    const walk *w = context;
    return visit_op_blobs(op, w->visit, w->context);
}

bool anm_verify_each_blob(const anm_mil_function *function, anm_verify_blob_fn visit,
                          void *context) {
    walk w = {visit, context};
    return anm_mil_block_walk(function->body, walk_op, &w);
}

/* ---- finite ---- */

static size_t count_half(const uint8_t *data, size_t n, uint16_t exponent) {
    size_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t x;
        memcpy(&x, data + 2 * i, 2);
        bad += (x & exponent) == exponent;
    }
    return bad;
}

static size_t count_single(const uint8_t *data, size_t n) {
    size_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t x;
        memcpy(&x, data + 4 * i, 4);
        bad += (x & 0x7f800000) == 0x7f800000;
    }
    return bad;
}

/* Infinities and NaNs of a blob. */
static size_t count_not_finite(const anm_mil_literal *l) {
    switch (l->type->dtype) {
    case ANM_DTYPE_FP16: return count_half(l->data, l->bytes / 2, 0x7c00);
    case ANM_DTYPE_BF16: return count_half(l->data, l->bytes / 2, 0x7f80);
    case ANM_DTYPE_FP32: return count_single(l->data, l->bytes / 4);
    default: return 0;
    }
}

typedef struct scan {
    anm_map seen; /* by blob_path and blob_offset, keyed by the data's address */
    const void **keys;
    size_t blobs, bad_blobs, bad_values;
    uint64_t bytes, first_bad;
    anm_arena *arena;
    bool failed;
} scan;

static bool scan_blob(void *context, const anm_mil_literal *l) {
    scan *s = context;
    const void **key = ANM_ARENA_NEW(s->arena, const void *);
    if (!key) return !(s->failed = true);
    *key = l->data;
    anm_sv name = {(const char *)key, sizeof *key};
    if (anm_map_get(&s->seen, name, NULL)) return true;
    if (!anm_map_put(&s->seen, name, 1)) return !(s->failed = true);
    size_t bad = count_not_finite(l);
    if (bad && !s->bad_blobs++) s->first_bad = l->blob_offset;
    s->bad_values += bad;
    s->bytes += l->bytes;
    s->blobs++;
    return true;
}

/* ---- the chain ---- */

/* Walks from blob to blob; ANM_ERROR_FORMAT where the next one is not. */
static anm_status walk_chain(const anm_blob_file *file, anm_error *err) {
    uint32_t count;
    uint64_t offset = ANM_BLOB_HEADER;
    memcpy(&count, file->mapping.data, sizeof count);
    for (uint32_t i = 0; i < count; i++) {
        anm_blob blob;
        ANM_TRY(anm_blob_file_get(file, offset, &blob, err));
        uint64_t end = (uint64_t)((const uint8_t *)blob.data - file->mapping.data) + blob.bytes;
        offset = (end + 63) / 64 * 64;
    }
    if (offset < file->mapping.size)
        return anm_fail_at(err, ANM_ERROR_FORMAT, file->path, offset,
                           "the header counts %" PRIu32 " blobs, but the file goes on", count);
    return ANM_OK;
}

static anm_status note_scan(anm_verifier *v, const anm_verify_part *part, const scan *s) {
    if (s->bad_values)
        return anm_verify_note(v, ANM_VERIFY_FAILED, "weights", part->file,
                               "%zu values in %zu blobs are infinite or not a number (the first "
                               "blob is at offset %" PRIu64 "): convert this part again, without "
                               "--allow-overflow",
                               s->bad_values, s->bad_blobs, s->first_bad);
    return anm_verify_note(v, ANM_VERIFY_OK, "weights", part->file,
                           "%zu blobs, %.1f MB, all finite", s->blobs, (double)s->bytes / 1e6);
}

anm_status anm_verify_weights(anm_verifier *v, const anm_verify_part *part) {
    const anm_package *package = part->program->package;
    scan s = {.arena = anm_arena_create()};
    anm_error error;
    if (!s.arena) return anm_fail_memory(v->err);
    for (size_t i = 0; i < package->blob_count; i++)
        if (walk_chain(&package->blobs[i], &error) != ANM_OK) {
            anm_arena_destroy(s.arena);
            return anm_verify_note_error(v, "weights", part->file, &error,
                                         "the file is damaged, convert this part again");
        }
    for (size_t i = 0; i < package->program->function_count && !s.failed; i++)
        anm_verify_each_blob(package->program->functions[i], scan_blob, &s);
    for (size_t i = 0; i < package->blob_count; i++)
        anm_mapping_drop(&package->blobs[i].mapping, 0, package->blobs[i].mapping.size);
    anm_status status = s.failed ? anm_fail_memory(v->err) : note_scan(v, part, &s);
    anm_map_free(&s.seen);
    anm_arena_destroy(s.arena);
    return status;
}
