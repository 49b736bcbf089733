/* SPDX-License-Identifier: MIT */
/* Where the library's warnings go. It prints nothing itself. */
#ifndef ANEMONE_LOG_H
#define ANEMONE_LOG_H

#include "anemone/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum anm_log_level {
    ANM_LOG_DEBUG = 0,
    ANM_LOG_INFO = 1,
    ANM_LOG_WARNING = 2
} anm_log_level;

typedef void (*anm_log_fn)(void *context, anm_log_level level, const char *message);

/* Process-wide; NULL (the default) drops messages. Set it before other threads use the library. */
ANM_API void anm_log_set(anm_log_fn callback, void *context);

#ifdef __cplusplus
}
#endif

#endif
