/* SPDX-License-Identifier: MIT */
/*
 * Temporary files and directories, ".NAME.HOST.PID.N.partial" beside what will be "NAME". Each is
 * locked (flock) as long as its owner lives: what a killed process left is known by its free lock
 * and removed when the same NAME is written next.
 */
#ifndef ANM_BASE_TEMPORARY_H
#define ANM_BASE_TEMPORARY_H

#include <stdbool.h>

#include "src/base/status.h"

typedef struct anm_temporary {
    char *path; /* NULL: none */
    int fd;     /* holds the lock; of a file it is also there to write to */
} anm_temporary;

/*
 * Creates one for `final_path`, whose directory must exist, and removes those that dead processes
 * left for the same name. ANM_ERROR_CANCELLED after anm_cancel_writing().
 */
ANM_MUST_CHECK anm_status anm_temporary_file(const char *final_path, anm_temporary *out,
                                             anm_error *err);
ANM_MUST_CHECK anm_status anm_temporary_dir(const char *final_path, anm_temporary *out,
                                            anm_error *err);
/* Forgets it, renamed or removed by now. */
void anm_temporary_release(anm_temporary *temporary);

/*
 * For work that has something to take back when no temporary is there: from begin to end it counts
 * in anm_writing(), and looks now and then whether it is to stop.
 */
void anm_writing_begin(void);
void anm_writing_end(void);
/* ANM_ERROR_CANCELLED after anm_cancel_writing(). */
ANM_MUST_CHECK anm_status anm_temporary_check(anm_error *err);

#endif
