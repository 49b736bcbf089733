/* SPDX-License-Identifier: MIT */
/* Raising and passing on errors inside the library. The only place that fills an anm_error. */
#ifndef ANM_BASE_STATUS_H
#define ANM_BASE_STATUS_H

#include "anemone/status.h"

#define ANM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#ifdef NDEBUG
#define ANM_SOURCE_HERE NULL
#else
#define ANM_STRINGIFY_(x) #x
#define ANM_STRINGIFY(x) ANM_STRINGIFY_(x)
#define ANM_SOURCE_HERE __FILE__ ":" ANM_STRINGIFY(__LINE__)
#endif

/*
 * Fill `err` (may be NULL) and give back `status`, so that a function can `return anm_fail(...)`.
 * `where` names the file, op or tensor at fault and may be NULL; `fmt` is one sentence.
 */
#define anm_fail(err, status, where, ...)                                                          \
    anm_fail_impl((err), (status), ANM_SOURCE_HERE, (where), ANM_NO_OFFSET, __VA_ARGS__)
#define anm_fail_at(err, status, where, offset, ...)                                               \
    anm_fail_impl((err), (status), ANM_SOURCE_HERE, (where), (offset), __VA_ARGS__)
#define anm_fail_memory(err) anm_fail((err), ANM_ERROR_MEMORY, NULL, "out of memory")

anm_status anm_fail_impl(anm_error *err, anm_status status, const char *source, const char *where,
                         uint64_t offset, const char *fmt, ...) ANM_PRINTF(6, 7);

/* Put `fmt` (usually a file name) before the place that is already there: "a.mlpackage: op 3". */
anm_status anm_fail_prefix(anm_error *err, const char *fmt, ...) ANM_PRINTF(2, 3);

/* Pass an error on. ANM_TRY leaves the function, ANM_CHECK jumps to `fail` with `status` set. */
#define ANM_TRY(expr)                                                                              \
    do {                                                                                           \
        anm_status try_ = (expr);                                                                  \
        if (try_ != ANM_OK) return try_;                                                           \
    } while (0)
#define ANM_CHECK(expr)                                                                            \
    do {                                                                                           \
        status = (expr);                                                                           \
        if (status != ANM_OK) goto fail;                                                           \
    } while (0)

#endif
