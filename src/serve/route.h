/* SPDX-License-Identifier: MIT */
/* Which function answers which path. */
#ifndef ANM_SERVE_ROUTE_H
#define ANM_SERVE_ROUTE_H

#include "src/serve/exchange.h"

struct anm_route {
    const char *method, *path;
    bool prefix; /* the path is the start of the request's */
    bool open;   /* for those without the API key as well */
    void (*handle)(anm_exchange *x);
};

/* Sets the exchange's route from the request's path and method, or replies 404 or 405. */
void anm_route_find(anm_exchange *x, const char *method);
/* What metrics call the exchange's endpoint. */
const char *anm_route_name(const anm_exchange *x);

void anm_handle_health(anm_exchange *x);
void anm_handle_metrics(anm_exchange *x);
void anm_handle_models(anm_exchange *x);
void anm_handle_model(anm_exchange *x);
void anm_handle_page(anm_exchange *x);
void anm_handle_chat(anm_exchange *x);
void anm_handle_completion(anm_exchange *x);
void anm_handle_embeddings(anm_exchange *x);

#endif
