/* SPDX-License-Identifier: MIT */
/* The hub that is asked: where it is, who asks, how patiently. */
#ifndef ANM_HUB_HUBCONNECT_H
#define ANM_HUB_HUBCONNECT_H

#include <stdbool.h>

#include "anemone/hub.h"
#include "src/base/arena.h"

typedef struct anm_hub_connection {
    const char *endpoint; /* "https://huggingface.co", no slash at the end */
    const char *origin;   /* of it: "https://huggingface.co:443" */
    const char *token;    /* NULL: none */
    bool offline, secure;
    int connections, retries;
    double timeout;
} anm_hub_connection;

/* From the options and the environment. */
ANM_MUST_CHECK anm_status anm_hub_connect(anm_arena *arena, const anm_hub_options *options,
                                          anm_hub_connection *out, anm_error *err);
/* "scheme://host:port" of a URL, in lower case; false if it is not of http or https. */
bool anm_hub_origin(const char *url, char *out, size_t size);
/* Percent-encoded for one part of a URL's path; with `slashes`, these stay. */
char *anm_hub_escape(anm_arena *arena, const char *text, bool slashes);

#endif
