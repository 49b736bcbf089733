/* SPDX-License-Identifier: MIT */
/* SHA-256, as one digest over what is added piece by piece. */
#ifndef ANM_BASE_SHA256_H
#define ANM_BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/status.h"

enum { ANM_SHA256_BYTES = 32, ANM_SHA256_HEX = 2 * ANM_SHA256_BYTES + 1 };

/* Failures are sticky and shown at the end. */
typedef struct anm_sha256 {
    void *context;
    bool failed;
} anm_sha256;

void anm_sha256_begin(anm_sha256 *hash);
void anm_sha256_add(anm_sha256 *hash, const void *data, size_t size);
/* A line of text: what follows cannot be taken for part of it. */
void anm_sha256_line(anm_sha256 *hash, const char *fmt, ...) ANM_PRINTF(2, 3);
/* The digest in hexadecimal; releases the hash in every case. */
ANM_MUST_CHECK anm_status anm_sha256_end(anm_sha256 *hash, char hex[ANM_SHA256_HEX],
                                         anm_error *err);

#endif
