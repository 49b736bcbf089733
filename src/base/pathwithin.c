/* SPDX-License-Identifier: MIT */
/* Whether a path leads into a directory, by what is on disk and not by how it is spelled. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "src/base/alloc.h"
#include "src/base/file.h"

/* Cuts the last component off; false when none is left. "a" becomes ".", "/a" becomes "/". */
static bool cut_component(char *path) {
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') end--;
    if (!end || strcmp(path, "/") == 0 || strcmp(path, ".") == 0) return false;
    while (end > 0 && path[end - 1] != '/') end--;
    while (end > 1 && path[end - 1] == '/') end--;
    if (end) path[end] = '\0';
    else strcpy(path, ".");
    return true;
}

/* The longest part of the path that exists, resolved; free() it. NULL: out of memory, or nothing
 * of it can be looked at. */
static char *resolve(const char *path) {
    size_t size = strlen(path) + 2; /* room for "." */
    char *copy = anm_malloc(size), *real = NULL;
    if (!copy) return NULL;
    memcpy(copy, path, size - 1);
    do real = realpath(copy, NULL);
    while (!real && cut_component(copy));
    anm_free(copy);
    return real;
}

bool anm_path_within(const char *path, const char *dir) {
    struct stat outer, inner;
    char *real = stat(dir, &outer) == 0 ? resolve(path) : NULL;
    bool within = false;
    if (!real) return false;
    do within = stat(real, &inner) == 0 && inner.st_dev == outer.st_dev &&
                inner.st_ino == outer.st_ino;
    while (!within && cut_component(real));
    free(real);
    return within;
}
