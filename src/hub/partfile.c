/* SPDX-License-Identifier: MIT */
#include "src/hub/partfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/alloc.h"

enum { HEAD = 256, LEAST_SEGMENT = 4 << 20, MOST_SEGMENT = 64 << 20, USUAL_SEGMENTS = 16 };

static anm_status fail_errno(anm_error *err, const char *path, const char *what) {
    if (errno == ENOSPC)
        return anm_fail(err, ANM_ERROR_LIMIT, path, "the disk is full: make room and pull again");
    return anm_fail(err, ANM_ERROR_IO, path, "cannot %s: %s", what, strerror(errno));
}

/* About sixteen segments, in whole MiB, from 4 to 64 of them. */
static uint64_t segment_of(uint64_t size) {
    uint64_t even = (size / USUAL_SEGMENTS + 0xfffff) & ~(uint64_t)0xfffff;
    if (even < LEAST_SEGMENT) return LEAST_SEGMENT;
    return even > MOST_SEGMENT ? MOST_SEGMENT : even;
}

static uint64_t length_of(const anm_partfile *p, size_t segment) {
    uint64_t from = segment * p->segment;
    return p->size - from < p->segment ? p->size - from : p->segment;
}

/* ---- the journal ---- */

static anm_status write_all(int fd, const char *path, uint64_t offset, const void *data,
                            size_t size, anm_error *err) {
    const char *from = data;
    while (size) {
        ssize_t n = pwrite(fd, from, size, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_errno(err, path, "write");
        from += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return ANM_OK;
}

static anm_status journal_write(anm_partfile *p, size_t first, size_t count, anm_error *err) {
    return write_all(p->journal_fd, p->journal, HEAD + 8 * (uint64_t)first, p->done + first,
                     8 * count, err);
}

static void make_head(const anm_partfile *p, const char *hash, char head[HEAD]) {
    memset(head, 0, HEAD);
    snprintf(head, HEAD, "anemone part 1\n%llu %llu %s\n", (unsigned long long)p->size,
             (unsigned long long)p->segment, hash);
}

/* Whether the journal is of this file, and says nothing impossible. */
static bool journal_read(anm_partfile *p, const char head[HEAD]) {
    char there[HEAD];
    ssize_t bytes = (ssize_t)(8 * p->segments);
    if (pread(p->journal_fd, there, HEAD, 0) != HEAD || memcmp(there, head, HEAD) != 0 ||
        pread(p->journal_fd, p->done, (size_t)bytes, HEAD) != bytes)
        return false;
    for (size_t i = 0; i < p->segments; i++)
        if (p->done[i] > length_of(p, i)) return false;
    return true;
}

anm_status anm_partfile_forget(anm_partfile *p, anm_error *err) {
    memset(p->done, 0, 8 * p->segments);
    return journal_write(p, 0, p->segments, err);
}

static anm_status take_journal(anm_partfile *p, const char *hash, anm_error *err) {
    char head[HEAD];
    make_head(p, hash, head);
    if (journal_read(p, head) && lseek(p->fd, 0, SEEK_END) == (off_t)p->size) return ANM_OK;
    if (ftruncate(p->fd, 0) != 0 || ftruncate(p->fd, (off_t)p->size) != 0 ||
        ftruncate(p->journal_fd, 0) != 0)
        return fail_errno(err, p->path, "make");
    ANM_TRY(anm_partfile_forget(p, err));
    return write_all(p->journal_fd, p->journal, 0, head, HEAD, err);
}

/* ---- the file ---- */

static char *with_ending(const char *path, const char *ending) {
    size_t size = strlen(path) + strlen(ending) + 1;
    char *out = anm_malloc(size);
    if (out) snprintf(out, size, "%s%s", path, ending);
    return out;
}

static anm_status open_both(anm_partfile *p, anm_error *err) {
    const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
    p->fd = open(p->path, flags, 0666);
    if (p->fd < 0) return fail_errno(err, p->path, "create");
    p->journal_fd = open(p->journal, flags, 0666);
    return p->journal_fd < 0 ? fail_errno(err, p->journal, "create") : ANM_OK;
}

anm_status anm_partfile_open(const char *path, uint64_t size, const char *hash, anm_partfile *out,
                             anm_error *err) {
    uint64_t segment = segment_of(size);
    *out = (anm_partfile){.fd = -1, .journal_fd = -1, .size = size, .segment = segment};
    out->segments = (size_t)((size + segment - 1) / segment);
    out->path = with_ending(path, ".part");
    out->journal = with_ending(path, ".journal");
    out->done = anm_calloc(out->segments + 1, sizeof *out->done);
    anm_status status = ANM_OK;
    if (!out->path || !out->journal || !out->done) status = anm_fail_memory(err);
    if (status == ANM_OK) status = open_both(out, err);
    if (status == ANM_OK) status = take_journal(out, hash, err);
    if (status != ANM_OK) anm_partfile_close(out);
    return status;
}

anm_status anm_partfile_write(anm_partfile *p, uint64_t offset, const void *data, size_t size,
                              anm_error *err) {
    size_t first = (size_t)(offset / p->segment), last = first;
    if (size > p->size || offset > p->size - size)
        return anm_fail(err, ANM_ERROR_FORMAT, p->path, "more bytes came than the file has");
    ANM_TRY(write_all(p->fd, p->path, offset, data, size, err));
    for (uint64_t end = offset + size; offset < end; last++) {
        uint64_t from = last * p->segment, stop = from + length_of(p, last);
        uint64_t upto = end < stop ? end : stop;
        p->done[last] = upto - from;
        offset = upto;
    }
    return last > first ? journal_write(p, first, last - first, err) : ANM_OK;
}

uint64_t anm_partfile_have(const anm_partfile *p) {
    uint64_t sum = 0;
    for (size_t i = 0; i < p->segments; i++) sum += p->done[i];
    return sum;
}

bool anm_partfile_wanted(const anm_partfile *p, size_t segment, uint64_t *first, uint64_t *last) {
    uint64_t length = length_of(p, segment);
    *first = segment * p->segment + p->done[segment];
    *last = segment * p->segment + length - 1;
    return p->done[segment] < length;
}

anm_status anm_partfile_sync(anm_partfile *p, anm_error *err) {
    return fsync(p->fd) == 0 ? ANM_OK : fail_errno(err, p->path, "sync");
}

void anm_partfile_close(anm_partfile *p) {
    if (p->fd >= 0) close(p->fd);
    if (p->journal_fd >= 0) close(p->journal_fd);
    anm_free(p->path);
    anm_free(p->journal);
    anm_free(p->done);
    *p = (anm_partfile){.fd = -1, .journal_fd = -1};
}
