/* SPDX-License-Identifier: MIT */
/* A file that one process at a time can hold. The kernel lets go of it when the process ends. */
#ifndef ANM_BASE_LOCKFILE_H
#define ANM_BASE_LOCKFILE_H

#include <stdbool.h>

#include "src/base/status.h"

typedef struct anm_lockfile {
    char *path; /* NULL: not held */
    int fd;
} anm_lockfile;

/*
 * Takes the lock, creating the file. ANM_ERROR_IO if another process (or another call in this one)
 * holds it: `what` "is in use by another process: N". Where the file system has no locks, nobody is
 * kept out.
 */
ANM_MUST_CHECK anm_status anm_lockfile_take(const char *path, const char *what, anm_lockfile *out,
                                            anm_error *err);
/* The same, but *busy tells whether another holds it, which then is no error: out->path is NULL. */
ANM_MUST_CHECK anm_status anm_lockfile_try(const char *path, bool *busy, anm_lockfile *out,
                                           anm_error *err);
/* Removes the file. */
void anm_lockfile_release(anm_lockfile *lock);

#endif
