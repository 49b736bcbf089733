/* SPDX-License-Identifier: MIT */
/* The server: its models, the engine's thread, the HTTP thread. */
#ifndef ANM_SERVE_SERVER_H
#define ANM_SERVE_SERVER_H

#include "src/serve/scheduler.h"

struct anm_server {
    anm_arena *arena;
    anm_server_options options;
    anm_served *models;
    size_t model_count;
    anm_scheduler scheduler;
    anm_metrics metrics;
    struct MHD_Daemon *daemon;
    int port;
    pthread_mutex_t lock; /* of what follows */
    size_t exchanges;     /* requests whose reply is not over */
    bool leaving;         /* no more are taken */
    uint64_t random;      /* for names of answers and seeds */
};

/* By the "model" of a request; NULL: not served. */
anm_served *anm_server_find(anm_server *server, const char *id);
/* A number that does not come again. */
uint64_t anm_server_draw(anm_server *server);

#endif
