/* SPDX-License-Identifier: MIT */
#include "src/base/options.h"

#include <string.h>

enum { LARGEST_STRUCT = 4096 };

anm_status anm_options_take(void *options, size_t size, const void *given, anm_error *err) {
    size_t theirs;
    if (!given) return ANM_OK;
    memcpy(&theirs, given, sizeof theirs);
    if (theirs < sizeof theirs || theirs > LARGEST_STRUCT)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "options",
                        "struct_size is %zu: fill the options with their init function first",
                        theirs);
    memcpy(options, given, theirs < size ? theirs : size);
    memcpy(options, &size, sizeof size);
    return ANM_OK;
}
