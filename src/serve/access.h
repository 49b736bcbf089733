/* SPDX-License-Identifier: MIT */
/*
 * Who may ask: the API key, and which web pages. A page from elsewhere must not use a server that
 * listens on the user's own machine, be it by a request that needs no leave (CORS "simple"
 * requests) or by a name of its own that leads to 127.0.0.1 (DNS rebinding).
 */
#ifndef ANM_SERVE_ACCESS_H
#define ANM_SERVE_ACCESS_H

#include "src/serve/exchange.h"

/* Replies 401 or 403 if the request may not come in. */
void anm_access_check(anm_exchange *x);
/* Adds what browsers want to know to a response. */
void anm_access_headers(const anm_exchange *x, struct MHD_Response *response);
/* Whether the text equals the key, in a time that does not tell how much of it is right. */
bool anm_access_same_key(const char *given, const char *key);

#endif
