/* SPDX-License-Identifier: MIT */
/* Reading them. */
#include "src/cli/convertform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/cli/cli.h"

static bool take_count(const char *text, int64_t *out) {
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return end != text && !*end && !errno && *out > 0;
}

static bool take_os(const char *text, anm_convert_os *out) {
    *out = strcmp(text, "ios") == 0 ? ANM_CONVERT_IOS : ANM_CONVERT_MACOS;
    return *out == ANM_CONVERT_IOS || strcmp(text, "macos") == 0;
}

const char *convert_form_take(const convert_form *form, anm_convert_options *out) {
    if (form->chunks && strcmp(form->chunks, "auto") == 0) out->chunks = ANM_CONVERT_CHUNKS_AUTO;
    else if (form->chunks && !take_count(form->chunks, &out->chunks))
        return "--chunk takes a number or \"auto\"";
    if (form->max_size && !cli_bytes(form->max_size, &out->max_chunk_bytes))
        return "--max-chunk-size takes bytes: 950MB, 1.5GB, 1GiB, 300000000";
    if (form->os && !take_os(form->os, &out->target_os)) return "--target-os is ios or macos";
    out->only = form->only;
    out->head_splits = form->splits;
    out->state_length = form->state;
    out->argmax = form->argmax;
    out->monolithic = form->monolithic;
    out->iso_anemll = form->iso;
    out->prefill_all = form->prefill_all;
    return NULL;
}
