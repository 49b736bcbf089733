/* SPDX-License-Identifier: MIT */
/* Names of models, and of what is in a repository. */
#ifndef ANM_HUB_HUBNAME_H
#define ANM_HUB_HUBNAME_H

#include <stdbool.h>

/* "org/name@revision:path" */
typedef struct anm_hub_name {
    char repo[256];     /* "org/name" */
    char folder[256];   /* "org--name": no part of a name may have "--" in it */
    char revision[128]; /* "main" if none was given */
    char path[256];     /* "" if none was given */
} anm_hub_name;

/* False if the text has another form. */
bool anm_hub_name_parse(const char *text, anm_hub_name *out);
/* Whether a revision is a commit, which stays what it is. */
bool anm_hub_is_commit(const char *revision);
/* Lower-case hexadecimal digits, so many. */
bool anm_hub_is_hex(const char *text, unsigned digits);
/*
 * Whether a relative path stays below where it starts, on every file system: no empty, "." or ".."
 * part, no backslash, no control character. What a server or an archive names goes through here.
 */
bool anm_hub_path_is_tame(const char *path);
/* Whether one of the patterns ("*.json,model-*") fits. */
bool anm_hub_pattern_fits(const char *patterns, const char *path);

#endif
