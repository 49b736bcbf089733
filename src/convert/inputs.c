/* SPDX-License-Identifier: MIT */
#include "src/convert/inputs.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "src/base/threads.h"

enum {
    SAMPLES = 4,        /* of a tensor: its beginning, its end, and between */
    SAMPLE = 4096,      /* bytes of one */
    SEGMENT = 64 << 20, /* bytes that a thread hashes at a time */
};

typedef struct file {
    const anm_mapping *mapping;
    const char *path, *name;
    size_t header; /* bytes before the first tensor */
    uint64_t size;
    int64_t seconds, nanoseconds; /* of its last change */
    char header_hash[ANM_SHA256_HEX], contents[ANM_SHA256_HEX];
} file;

struct anm_inputs {
    file *files;
    size_t count;
};

static const file *find(const anm_inputs *inputs, const anm_mapping *mapping) {
    for (size_t i = 0; i < inputs->count; i++)
        if (inputs->files[i].mapping == mapping) return &inputs->files[i];
    return NULL;
}

static size_t offset_of(const anm_weight *weight) {
    return (size_t)((const uint8_t *)weight->tensor->data - weight->mapping->data);
}

/* Files in the order in which their tensors come. */
static anm_status list_files(anm_arena *arena, const anm_checkpoint *checkpoint, anm_inputs *out,
                             anm_error *err) {
    size_t tensors = anm_checkpoint_count(checkpoint);
    out->files = ANM_ARENA_ARRAY(arena, file, tensors);
    if (!out->files) return anm_fail_memory(err);
    for (size_t i = 0; i < tensors; i++) {
        const anm_weight *w = anm_checkpoint_get(checkpoint, i);
        file *f = (file *)find(out, w->mapping);
        if (!f) {
            f = &out->files[out->count++];
            *f = (file){.mapping = w->mapping, .path = w->path, .header = w->mapping->size};
            f->name = anm_path_base(arena, w->path);
            if (!f->name) return anm_fail_memory(err);
        }
        if (w->tensor->bytes && offset_of(w) < f->header) f->header = offset_of(w);
    }
    return ANM_OK;
}

#ifdef __APPLE__
#define MODIFIED(info) (info).st_mtimespec
#else
#define MODIFIED(info) (info).st_mtim
#endif

static anm_status look_at(file *f, anm_error *err) {
    struct stat info;
    anm_sha256 hash;
    if (stat(f->path, &info) != 0)
        return anm_fail(err, ANM_ERROR_IO, f->path, "cannot look at it: %s", strerror(errno));
    f->size = (uint64_t)info.st_size;
    f->seconds = MODIFIED(info).tv_sec;
    f->nanoseconds = MODIFIED(info).tv_nsec;
    anm_sha256_begin(&hash);
    anm_sha256_add(&hash, f->mapping->data, f->header);
    return anm_sha256_end(&hash, f->header_hash, err);
}

/* ---- all bytes ---- */

typedef struct digest {
    char hex[ANM_SHA256_HEX];
} digest;

typedef struct reading {
    const file *file;
    digest *digests;
} reading;

static void hash_segment(void *context, size_t i) {
    const reading *r = context;
    const anm_mapping *m = r->file->mapping;
    size_t first = i * SEGMENT, count = m->size - first < SEGMENT ? m->size - first : SEGMENT;
    anm_sha256 hash;
    anm_sha256_begin(&hash);
    anm_sha256_add(&hash, m->data + first, count);
    anm_mapping_drop(m, first, count);
    if (anm_sha256_end(&hash, r->digests[i].hex, NULL) != ANM_OK) *r->digests[i].hex = '\0';
}

/* A hash of the segments' hashes, so that one large file keeps all cores busy. */
static anm_status read_contents(anm_arena *arena, file *f, anm_error *err) {
    size_t count = (f->mapping->size + SEGMENT - 1) / SEGMENT;
    reading r = {f, ANM_ARENA_ARRAY(arena, digest, count)};
    anm_sha256 hash;
    if (!r.digests) return anm_fail_memory(err);
    anm_parallel_for(0, count, hash_segment, &r);
    anm_sha256_begin(&hash);
    for (size_t i = 0; i < count; i++) {
        hash.failed |= !*r.digests[i].hex;
        anm_sha256_line(&hash, "%s", r.digests[i].hex);
    }
    return anm_sha256_end(&hash, f->contents, err);
}

anm_status anm_inputs_make(anm_arena *arena, const anm_checkpoint *checkpoint, bool contents,
                           anm_inputs **out, anm_error *err) {
    anm_inputs *inputs = ANM_ARENA_NEW(arena, anm_inputs);
    if (!inputs) return anm_fail_memory(err);
    *inputs = (anm_inputs){0};
    ANM_TRY(list_files(arena, checkpoint, inputs, err));
    for (size_t i = 0; i < inputs->count; i++) {
        ANM_TRY(look_at(&inputs->files[i], err));
        if (contents) ANM_TRY(read_contents(arena, &inputs->files[i], err));
    }
    *out = inputs;
    return ANM_OK;
}

/* ---- tensors ---- */

static void add_samples(const anm_tensor *t, anm_sha256 *hash) {
    size_t size = t->bytes < SAMPLE ? t->bytes : SAMPLE, last = t->bytes - size;
    for (size_t i = 0; i < SAMPLES; i++)
        anm_sha256_add(hash, (const uint8_t *)t->data + last / (SAMPLES - 1) * i, size);
}

void anm_inputs_add(const anm_inputs *inputs, const anm_weight *weight, anm_sha256 *hash) {
    const file *f = find(inputs, weight->mapping);
    const anm_tensor *t = weight->tensor;
    anm_sha256_line(hash, "file %s %" PRIu64 " %" PRId64 ".%09" PRId64 " %s", f->name, f->size,
                    f->seconds, f->nanoseconds, f->header_hash);
    anm_sha256_line(hash, "tensor %s %s at %zu: %zu bytes", t->name, anm_weight_form(weight),
                    offset_of(weight), t->bytes);
    add_samples(t, hash);
}

void anm_inputs_add_contents(const anm_inputs *inputs, const anm_weight *weight,
                             anm_sha256 *hash) {
    anm_sha256_line(hash, "file %s", find(inputs, weight->mapping)->contents);
}
