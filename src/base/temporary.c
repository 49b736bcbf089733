/* SPDX-License-Identifier: MIT */
/* Names, locks and leftovers of temporary files; writing, and whether it is to stop. */
#include "src/base/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "anemone/interrupt.h"
#include "src/base/alloc.h"
#include "src/base/file.h"
#include "src/base/map.h"
#include "src/base/str.h"

#define ENDING ".partial"

/* Lock-free, so that a signal handler may touch them. */
static atomic_int live, cancelled;

int anm_writing(void) {
    return atomic_load(&live);
}

void anm_writing_begin(void) {
    atomic_fetch_add(&live, 1);
}

void anm_writing_end(void) {
    atomic_fetch_sub(&live, 1);
}

void anm_cancel_writing(int cancel) {
    atomic_store(&cancelled, cancel != 0);
}

anm_status anm_temporary_check(anm_error *err) {
    if (!atomic_load(&cancelled)) return ANM_OK;
    return anm_fail(err, ANM_ERROR_CANCELLED, NULL, "interrupted");
}

/* ---- names ---- */

/* A process id means something on one machine only. */
static uint32_t host_tag(void) {
    char name[256] = "";
    if (gethostname(name, sizeof name - 1) != 0) return 0;
    return (uint32_t)anm_hash_bytes(name, strlen(name));
}

/* The path up to its last component, slash included, and that component. */
static void split_path(const char *path, anm_sv *parent, anm_sv *name) {
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') end--;
    size_t base = end;
    while (base > 0 && path[base - 1] != '/') base--;
    *parent = (anm_sv){path, base};
    *name = (anm_sv){path + base, end - base};
}

/* "parent/.name.host.", to which process, number and ending are added. */
static void put_stem(anm_strbuf *out, anm_sv parent, anm_sv name) {
    anm_strbuf_append(out, parent.data, parent.len);
    anm_strbuf_putc(out, '.');
    anm_strbuf_append(out, name.data, name.len);
    anm_strbuf_printf(out, ".%08" PRIx32 ".", host_tag());
}

/* ---- what dead processes left ---- */

static bool is_dead(long pid) {
    return pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* The process in "PID.N.partial"; 0 if the text is anything else. */
static long read_owner(const char *text) {
    char *end;
    if (*text < '1' || *text > '9') return 0;
    long pid = strtol(text, &end, 10);
    if (*end != '.' || end[1] < '0' || end[1] > '9') return 0;
    strtoul(end + 1, &end, 10);
    return strcmp(end, ENDING) == 0 ? pid : 0;
}

/* Looked at with the lock in hand: somebody else may have removed it in between. */
static bool still_there(int fd, const char *path) {
    struct stat held, there;
    return fstat(fd, &held) == 0 && lstat(path, &there) == 0 && held.st_ino == there.st_ino &&
           held.st_dev == there.st_dev;
}

static void remove_leftover(const char *path) {
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && still_there(fd, path)) {
        anm_status ignored = anm_path_remove(path, NULL); /* the next writer tries again */
        (void)ignored;
    }
    close(fd);
}

/* `stem` is "parent/.name.host.", of which the first `parent` bytes name the directory. */
static void remove_leftovers(const char *stem, size_t parent) {
    size_t length = strlen(stem) - parent;
    char *folder = parent ? anm_malloc(parent + 1) : NULL;
    if (folder) {
        memcpy(folder, stem, parent);
        folder[parent] = '\0';
    }
    DIR *dir = parent && !folder ? NULL : opendir(folder ? folder : ".");
    for (struct dirent *e; dir && (e = readdir(dir));) {
        anm_strbuf path = {0};
        if (strncmp(e->d_name, stem + parent, length) != 0 ||
            !is_dead(read_owner(e->d_name + length)))
            continue;
        anm_strbuf_append(&path, stem, parent);
        anm_strbuf_puts(&path, e->d_name);
        if (!path.failed) remove_leftover(path.data);
        anm_strbuf_free(&path);
    }
    if (dir) closedir(dir);
    anm_free(folder);
}

/* ---- making one ---- */

static int create_at(const char *path, bool dir) {
    if (!dir) return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (mkdir(path, 0777) != 0) return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) return fd;
    int why = errno == ENOENT ? EEXIST : errno; /* gone already: tidied away by somebody */
    rmdir(path);
    errno = why;
    return -1;
}

/* Where the file system has no locks, nobody removes it either. */
static bool keep(int fd, const char *path) {
    bool taken = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    return !taken && still_there(fd, path);
}

/* With another number if the name is taken; errno tells why it is -1. */
static int create(anm_strbuf *name, bool dir) {
    static atomic_uint serial;
    size_t stem = name->len;
    for (int attempt = 0; attempt < 1000; attempt++) {
        name->len = stem;
        anm_strbuf_printf(name, "%ld.%u" ENDING, (long)getpid(), atomic_fetch_add(&serial, 1));
        if (name->failed) {
            errno = ENOMEM;
            return -1;
        }
        int fd = create_at(name->data, dir);
        if (fd >= 0 && keep(fd, name->data)) return fd;
        if (fd >= 0) close(fd);
        else if (errno != EEXIST) return -1;
    }
    errno = EEXIST;
    return -1;
}

static anm_status make(const char *final_path, bool dir, anm_temporary *out, anm_error *err) {
    anm_strbuf name = {0};
    anm_sv parent, base;
    *out = (anm_temporary){NULL, -1};
    ANM_TRY(anm_temporary_check(err));
    split_path(final_path, &parent, &base);
    put_stem(&name, parent, base);
    if (name.failed) return anm_fail_memory(err);
    if (!strstr(final_path, ENDING "/")) remove_leftovers(name.data, parent.len);
    anm_writing_begin(); /* before it is there: a signal in between must not leave it */
    out->fd = create(&name, dir);
    if (out->fd < 0) {
        int why = errno;
        anm_writing_end();
        anm_strbuf_free(&name);
        if (why == ENOMEM) return anm_fail_memory(err);
        return anm_fail(err, ANM_ERROR_IO, final_path, "cannot create: %s", strerror(why));
    }
    out->path = name.data;
    return ANM_OK;
}

anm_status anm_temporary_file(const char *final_path, anm_temporary *out, anm_error *err) {
    return make(final_path, false, out, err);
}

anm_status anm_temporary_dir(const char *final_path, anm_temporary *out, anm_error *err) {
    return make(final_path, true, out, err);
}

void anm_temporary_release(anm_temporary *temporary) {
    if (!temporary->path) return;
    if (temporary->fd >= 0) close(temporary->fd);
    anm_free(temporary->path);
    *temporary = (anm_temporary){NULL, -1};
    anm_writing_end();
}
