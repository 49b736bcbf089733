/* SPDX-License-Identifier: MIT */
/* The HTTP side: listening, requests in, replies out. On libmicrohttpd, with one thread. */
#ifndef ANM_SERVE_HTTPD_H
#define ANM_SERVE_HTTPD_H

#include "src/base/status.h"

typedef struct anm_server anm_server;

ANM_MUST_CHECK anm_status anm_httpd_start(anm_server *server, anm_error *err);
/* New requests get 503 from now on, new connections none. */
void anm_httpd_refuse(anm_server *server);
/* Waits for replies to be sent, at most until that time, and ends. All must be whole. */
void anm_httpd_stop(anm_server *server, double until);

#endif
