/* SPDX-License-Identifier: MIT */
/*
 * Every unit test runs in a folder of its own, made under TMPDIR before main() and removed when
 * the process ends, whatever failed: names without a folder are safe, and two runs never meet. A
 * process that is killed leaves it behind, but not where it was started.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/file.h"

static char folder[1024];
static pid_t owner;

/* A fork that ends by exit() is not the owner. */
static void remove_folder(void) {
    anm_error err;
    char text[900];
    if (getpid() != owner) return;
    if (chdir("/") == 0 && anm_path_remove(folder, &err) == ANM_OK) return;
    anm_error_format(&err, text, sizeof text);
    fprintf(stderr, "%s is left behind: %s\n", folder, text);
}

/* Named from where the test was started. */
static void keep_fixtures(void) {
    const char *given = getenv("ANM_FIXTURES");
    char *whole = given && *given != '/' ? realpath(given, NULL) : NULL;
    if (whole) setenv("ANM_FIXTURES", whole, 1);
    free(whole);
}

__attribute__((constructor)) static void enter_folder(void) {
    const char *root = getenv("TMPDIR");
    if (!root || !*root) root = "/tmp";
    keep_fixtures();
    owner = getpid();
    int length = snprintf(folder, sizeof folder, "%s/anm-test-XXXXXX", root);
    if (length < (int)sizeof folder && mkdtemp(folder) && chdir(folder) == 0) {
        atexit(remove_folder);
        return;
    }
    perror(folder);
    exit(EXIT_FAILURE);
}
