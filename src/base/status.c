/* SPDX-License-Identifier: MIT */
#include "src/base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *anm_status_name(anm_status status) {
    switch (status) {
    case ANM_OK: return "ok";
    case ANM_ERROR_ARGUMENT: return "argument";
    case ANM_ERROR_MEMORY: return "memory";
    case ANM_ERROR_IO: return "io";
    case ANM_ERROR_NOT_FOUND: return "not-found";
    case ANM_ERROR_FORMAT: return "format";
    case ANM_ERROR_UNSUPPORTED: return "unsupported";
    case ANM_ERROR_MISMATCH: return "mismatch";
    case ANM_ERROR_LIMIT: return "limit";
    case ANM_ERROR_CANCELLED: return "cancelled";
    case ANM_ERROR_INTERNAL: return "internal";
    }
    return "unknown";
}

int anm_error_format(const anm_error *error, char *buffer, int size) {
    const char *separator = error->where[0] ? ": " : "";
    size_t room = size > 0 ? (size_t)size : 0;
    if (error->offset == ANM_NO_OFFSET)
        return snprintf(buffer, room, "%s%s%s", error->where, separator, error->message);
    return snprintf(buffer, room, "%s (at byte %llu)%s%s", error->where,
                    (unsigned long long)error->offset, separator, error->message);
}

anm_status anm_fail_impl(anm_error *err, anm_status status, const char *source, const char *where,
                         uint64_t offset, const char *fmt, ...) {
    if (!err) return status;
    /* `where` may point into `*err` itself when an error is re-raised. */
    char place[sizeof err->where];
    snprintf(place, sizeof place, "%s", where ? where : "");
    err->status = status;
    err->offset = offset;
    err->source = source;
    memcpy(err->where, place, sizeof place);
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->message, sizeof err->message, fmt, args);
    va_end(args);
    return status;
}

anm_status anm_fail_prefix(anm_error *err, const char *fmt, ...) {
    if (!err) return ANM_ERROR_INTERNAL;
    char place[sizeof err->where], old[sizeof err->where];
    memcpy(old, err->where, sizeof old);
    va_list args;
    va_start(args, fmt);
    vsnprintf(place, sizeof place, fmt, args);
    va_end(args);
    size_t used = strlen(place);
    if (old[0]) snprintf(place + used, sizeof place - used, ": %s", old);
    memcpy(err->where, place, sizeof place);
    return err->status;
}
