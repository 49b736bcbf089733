/* SPDX-License-Identifier: MIT */
/*
 * Status codes and the error report.
 *
 * Every fallible function of the library returns an anm_status and takes, last, an optional
 * caller-owned anm_error. The library never aborts, exits or prints.
 */
#ifndef ANEMONE_STATUS_H
#define ANEMONE_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(ANM_BUILD) && defined(__GNUC__)
#define ANM_API __attribute__((visibility("default")))
#else
#define ANM_API
#endif

#if defined(__GNUC__)
#define ANM_MUST_CHECK __attribute__((warn_unused_result))
#else
#define ANM_MUST_CHECK
#endif

/* The values are pinned: they are part of the ABI and of the command's exit codes. */
typedef enum anm_status {
    ANM_OK = 0,
    ANM_ERROR_ARGUMENT = 1,    /* the caller passed something invalid */
    ANM_ERROR_MEMORY = 2,      /* an allocation failed */
    ANM_ERROR_IO = 3,          /* open, read, write, sync or rename failed */
    ANM_ERROR_NOT_FOUND = 4,   /* a file, function, input or tensor does not exist */
    ANM_ERROR_FORMAT = 5,      /* a file's content is malformed */
    ANM_ERROR_UNSUPPORTED = 6, /* valid, but nothing here handles it */
    ANM_ERROR_MISMATCH = 7,    /* a name, shape or type does not fit the model */
    ANM_ERROR_LIMIT = 8,       /* beyond a stated limit: context length, buffer size */
    ANM_ERROR_CANCELLED = 9,   /* a callback asked to stop */
    ANM_ERROR_INTERNAL = 10    /* our bug: please report */
} anm_status;

#define ANM_NO_OFFSET UINT64_MAX

/* What went wrong, and where. Owned by the caller; plain data, nothing to free. */
typedef struct anm_error {
    anm_status status;
    uint64_t offset;    /* byte offset in the file named by `where`, or ANM_NO_OFFSET */
    char where[256];    /* file, op, tensor or argument at fault; may be empty */
    char message[512];  /* one sentence: what is wrong and what to do */
    const char *source; /* file:line that raised it, in debug builds; else NULL */
} anm_error;

/* A short stable name such as "format"; never NULL. */
ANM_API const char *anm_status_name(anm_status status);

/*
 * Writes "where (at byte N): message" into buffer, cut to size bytes with the final zero.
 * Returns the length it would have without the cut.
 */
ANM_API int anm_error_format(const anm_error *error, char *buffer, int size);

#ifdef __cplusplus
}
#endif

#endif
