/* SPDX-License-Identifier: MIT */
/*
 * A file that comes in pieces, several at once, and may be interrupted at any byte. Beside the
 * data lies a journal of how far each segment has come; it is written after the data, so a killed
 * process loses nothing that it had written. (When the machine itself stops, the journal may know
 * more than the disk: the hash of the whole file tells.)
 */
#ifndef ANM_HUB_PARTFILE_H
#define ANM_HUB_PARTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/status.h"

typedef struct anm_partfile {
    char *path, *journal; /* "x.part", "x.journal" */
    int fd, journal_fd;
    uint64_t size, segment; /* of the file; of all segments but the last */
    size_t segments;
    uint64_t *done;         /* bytes at the beginning of each segment */
} anm_partfile;

/*
 * Opens or creates `path`.part and `path`.journal for a file of this size and hash. What is there
 * of another file is forgotten.
 */
ANM_MUST_CHECK anm_status anm_partfile_open(const char *path, uint64_t size, const char *hash,
                                            anm_partfile *out, anm_error *err);
/* At the end of what its segment has. It may run on into the segments behind. */
ANM_MUST_CHECK anm_status anm_partfile_write(anm_partfile *p, uint64_t offset, const void *data,
                                             size_t size, anm_error *err);
ANM_MUST_CHECK anm_status anm_partfile_forget(anm_partfile *p, anm_error *err);
uint64_t anm_partfile_have(const anm_partfile *p);
/* From where to where (both included) a segment is wanted; false if it is whole. */
bool anm_partfile_wanted(const anm_partfile *p, size_t segment, uint64_t *first, uint64_t *last);
/* Syncs the data. */
ANM_MUST_CHECK anm_status anm_partfile_sync(anm_partfile *p, anm_error *err);
/* Keeps what is on disk. */
void anm_partfile_close(anm_partfile *p);

#endif
