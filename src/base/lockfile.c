/* SPDX-License-Identifier: MIT */
#include "src/base/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/alloc.h"

/* The holder may have removed the file between our opening and locking it. */
static bool is_current(int fd, const char *path) {
    struct stat held, there;
    return fstat(fd, &held) == 0 && stat(path, &there) == 0 && held.st_ino == there.st_ino &&
           held.st_dev == there.st_dev;
}

static anm_status fail_taken(int fd, const char *what, anm_error *err) {
    char pid[32] = "";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
    return anm_fail(err, ANM_ERROR_IO, what, "is in use by another process%s%s", *pid ? ": " : "",
                    pid);
}

static anm_status take(const char *path, int *fd, bool *busy, bool *again, anm_error *err) {
    char pid[32];
    *again = *busy = false;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0) return anm_fail(err, ANM_ERROR_IO, path, "cannot create: %s", strerror(errno));
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        *busy = true;
        return ANM_OK;
    }
    *again = !is_current(*fd, path);
    int size = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    /* For other processes' messages only: a full disk must not matter. */
    if (ftruncate(*fd, 0) != 0 || pwrite(*fd, pid, (size_t)size, 0) != size) return ANM_OK;
    return ANM_OK;
}

/* With `what`, a lock that another holds is an error. */
static anm_status take_or_tell(const char *path, const char *what, bool *busy, anm_lockfile *out,
                               anm_error *err) {
    bool again;
    *out = (anm_lockfile){anm_strdup(path), -1};
    if (!out->path) return anm_fail_memory(err);
    anm_status status;
    do {
        status = take(path, &out->fd, busy, &again, err);
        if (*busy && what) status = fail_taken(out->fd, what, err);
        if ((status != ANM_OK || again || *busy) && out->fd >= 0) close(out->fd);
    } while (status == ANM_OK && again);
    if (status == ANM_OK && !*busy) return ANM_OK;
    anm_free(out->path);
    *out = (anm_lockfile){NULL, -1};
    return status;
}

anm_status anm_lockfile_take(const char *path, const char *what, anm_lockfile *out,
                             anm_error *err) {
    bool busy;
    return take_or_tell(path, what, &busy, out, err);
}

anm_status anm_lockfile_try(const char *path, bool *busy, anm_lockfile *out, anm_error *err) {
    return take_or_tell(path, NULL, busy, out, err);
}

void anm_lockfile_release(anm_lockfile *lock) {
    if (!lock->path) return;
    unlink(lock->path); /* while it is held: nobody else's can be there */
    close(lock->fd);
    anm_free(lock->path);
    *lock = (anm_lockfile){NULL, -1};
}
