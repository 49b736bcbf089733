/* SPDX-License-Identifier: MIT */
/* What every unit test includes: cmocka with its prerequisites, and where the data lies. */
#ifndef ANM_TESTS_TESTING_H
#define ANM_TESTS_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "src/base/status.h"

/* Fails with the error's own text. */
#define assert_ok(expr, err)                                                                       \
    do {                                                                                           \
        anm_status assert_status_ = (expr);                                                        \
        if (assert_status_ != ANM_OK) {                                                            \
            char text_[900];                                                                       \
            anm_error_format((err), text_, sizeof text_);                                          \
            fail_msg("%s: %s: %s", #expr, anm_status_name(assert_status_), text_);                 \
        }                                                                                          \
    } while (0)

/* A file of the fixtures folder; skips the running test, saying so, when the folder is absent. */
static inline const char *fixture_path(const char *relative) {
    static char paths[16][1024];
    static int turn;
    char *path = paths[turn++ % 16];
    const char *root = getenv("ANM_FIXTURES");
    snprintf(path, sizeof paths[0], "%s/%s", root ? root : "", relative);
    FILE *probe = root ? fopen(path, "rb") : NULL;
    if (!probe) {
        printf("SKIPPED: fixture %s is absent (set ANM_FIXTURES)\n", relative);
        skip();
    }
    fclose(probe);
    return path;
}

#endif
