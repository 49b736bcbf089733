/* SPDX-License-Identifier: MIT */
#include "src/base/log.h"

#include <stdarg.h>
#include <stdio.h>

static anm_log_fn log_callback;
static void *log_context;

void anm_log_set(anm_log_fn callback, void *context) {
    log_callback = callback;
    log_context = context;
}

void anm_log_write(anm_log_level level, const char *fmt, ...) {
    if (!log_callback) return;
    char message[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    log_callback(log_context, level, message);
}
