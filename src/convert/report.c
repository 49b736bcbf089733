/* SPDX-License-Identifier: MIT */
/* The report: collecting, and the public accessors. */
#include "src/convert/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/log.h"

anm_convert_report *anm_report_create(void) {
    anm_convert_report *r = anm_calloc(1, sizeof *r);
    if (!r) return NULL;
    r->arena = anm_arena_create();
    if (r->arena) return r;
    anm_free(r);
    return NULL;
}

void anm_convert_report_free(anm_convert_report *r) {
    if (!r) return;
    anm_vec_free(&r->parts);
    anm_vec_free(&r->overflows);
    anm_vec_free(&r->warnings);
    anm_arena_destroy(r->arena);
    anm_free(r);
}

anm_status anm_report_part(anm_convert_report *r, const char *file, uint64_t bytes, bool kept,
                           anm_error *err) {
    anm_convert_part part = {anm_arena_strdup(r->arena, file), bytes, kept};
    if (!part.file || !anm_vec_push(&r->parts, part)) return anm_fail_memory(err);
    return ANM_OK;
}

anm_status anm_report_overflow(anm_convert_report *r, const char *tensor, uint64_t count,
                               double largest, anm_error *err) {
    for (size_t i = 0; i < r->overflows.len; i++) /* a tied embedding is stored twice */
        if (strcmp(r->overflows.data[i].tensor, tensor) == 0) return ANM_OK;
    anm_convert_overflow o = {anm_arena_strdup(r->arena, tensor), count, largest};
    if (!o.tensor || !anm_vec_push(&r->overflows, o)) return anm_fail_memory(err);
    anm_log_write(ANM_LOG_WARNING, "%s: %llu values are not finite in fp16, largest %g", tensor,
            (unsigned long long)count, largest);
    return ANM_OK;
}

anm_status anm_report_warn(anm_convert_report *r, anm_error *err, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const char *copy = anm_arena_strdup(r->arena, text);
    if (!copy || !anm_vec_push(&r->warnings, copy)) return anm_fail_memory(err);
    anm_log_write(ANM_LOG_WARNING, "%s", text);
    return ANM_OK;
}

size_t anm_convert_report_part_count(const anm_convert_report *r) {
    return r->parts.len;
}

const anm_convert_part *anm_convert_report_part(const anm_convert_report *r, size_t index) {
    return index < r->parts.len ? &r->parts.data[index] : NULL;
}

size_t anm_convert_report_overflow_count(const anm_convert_report *r) {
    return r->overflows.len;
}

const anm_convert_overflow *anm_convert_report_overflow(const anm_convert_report *r,
                                                        size_t index) {
    return index < r->overflows.len ? &r->overflows.data[index] : NULL;
}

size_t anm_convert_report_warning_count(const anm_convert_report *r) {
    return r->warnings.len;
}

const char *anm_convert_report_warning(const anm_convert_report *r, size_t index) {
    return index < r->warnings.len ? r->warnings.data[index] : NULL;
}

uint64_t anm_convert_report_parameters(const anm_convert_report *r) {
    return r->parameters;
}

double anm_convert_report_seconds(const anm_convert_report *r) {
    return r->seconds;
}
