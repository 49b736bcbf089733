/* SPDX-License-Identifier: MIT */
/*
 * A server for models, over HTTP in OpenAI's form: chat, completions, embeddings, with streaming.
 * docs/serving.md describes what it answers.
 *
 * It runs on threads of its own: one for HTTP, one that runs the models, which share a pool of
 * threads for their arithmetic. The functions here may be called on any thread.
 */
#ifndef ANEMONE_SERVE_H
#define ANEMONE_SERVE_H

#include "anemone/llm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct anm_server anm_server;

typedef struct anm_server_model {
    const char *path; /* of a directory of packages, or of an encoder's package */
    const char *id;   /* what requests call it; NULL: the name of the model */
} anm_server_model;

/* Told of every request when it ends. `status` is HTTP's. On the HTTP thread. */
typedef void (*anm_server_log_fn)(void *context, const char *method, const char *path,
                                  unsigned status, double seconds);

typedef struct anm_server_options {
    size_t struct_size;
    const char *host;        /* address or name to listen on; default "127.0.0.1" */
    int port;                /* default 8080; 0: any free one */
    const char *api_key;     /* asked of every request for a model; NULL: none */
    const char *cors_origin; /* an origin whose pages may use the server, or "*"; NULL: none */
    int sessions;            /* of a model, each with a KV cache; default 4 */
    int queue_limit;         /* requests that wait for a session of a model; default 64 */
    size_t body_limit;       /* bytes of a request; default 4 MiB */
    int connection_limit;    /* default 256 */
    double request_timeout;  /* seconds for a request, waiting included; default 600 */
    double read_timeout;     /* seconds to send a request; default 30 */
    anm_server_log_fn log;   /* may be NULL */
    void *log_context;
    anm_llm_options model; /* last: it may grow */
} anm_server_options;
ANM_API void anm_server_options_init(anm_server_options *options);

/*
 * Opens the models and listens. ANM_ERROR_IO where the address cannot be had (in use, not ours),
 * ANM_ERROR_ARGUMENT for two models of one id. What `options` points to is copied.
 */
ANM_API ANM_MUST_CHECK anm_status anm_server_start(const anm_server_model *models, size_t count,
                                                   const anm_server_options *options,
                                                   anm_server **out, anm_error *err);
ANM_API int anm_server_port(const anm_server *server);
/* The id of a model; NULL past the end. */
ANM_API const char *anm_server_model_id(const anm_server *server, size_t index);
/*
 * Takes no more requests, lets those in progress end for at most `grace` seconds, then ends them,
 * and releases the server. NULL is fine.
 */
ANM_API void anm_server_stop(anm_server *server, double grace);

#ifdef __cplusplus
}
#endif

#endif
