/* SPDX-License-Identifier: MIT */
/* Whether a file is the one that the hub lists. */
#ifndef ANM_HUB_HUBCHECK_H
#define ANM_HUB_HUBCHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/status.h"

/*
 * Hashes the file as its listed hash was made: SHA-256 of the content, or SHA-1 of git's blob.
 * `tick` hears the bytes done, now and then. *found becomes the hash, *equal whether it is `hash`.
 */
ANM_MUST_CHECK anm_status anm_hub_check(int fd, const char *path, uint64_t size, const char *hash,
                                        anm_status (*tick)(void *context, uint64_t done,
                                                           anm_error *err),
                                        void *context, char found[65], bool *equal,
                                        anm_error *err);

#endif
