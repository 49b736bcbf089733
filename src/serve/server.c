/* SPDX-License-Identifier: MIT */
#include "src/base/clock.h"
#include "src/serve/server.h"

#include <string.h>
#include <time.h>

#include "src/base/alloc.h"
#include "src/base/json.h"
#include "src/base/options.h"
#include "src/serve/httpd.h"

enum { MIB = 1024 * 1024 };

void anm_server_options_init(anm_server_options *options) {
    *options = (anm_server_options){.struct_size = sizeof *options,
                                    .host = "127.0.0.1",
                                    .port = 8080,
                                    .sessions = 4,
                                    .queue_limit = 64,
                                    .body_limit = 4 * MIB,
                                    .connection_limit = 256,
                                    .request_timeout = 600,
                                    .read_timeout = 30};
    anm_llm_options_init(&options->model);
}

static anm_status check(const anm_server_options *o, anm_error *err) {
    if (!o->host || !*o->host) return anm_fail(err, ANM_ERROR_ARGUMENT, "host", "is empty");
    if (o->port < 0 || o->port > 65535)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "port", "must be 0 to 65535");
    if (o->sessions < 1 || o->sessions > 1024)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "sessions", "must be 1 to 1024");
    if (o->queue_limit < 0) return anm_fail(err, ANM_ERROR_ARGUMENT, "queue", "must be 0 or more");
    if (o->connection_limit < 1)
        return anm_fail(err, ANM_ERROR_ARGUMENT, "connections", "must be 1 or more");
    if (!(o->request_timeout > 0) || !(o->read_timeout > 0))
        return anm_fail(err, ANM_ERROR_ARGUMENT, "timeout", "must be above 0");
    if (o->api_key && !*o->api_key) return anm_fail(err, ANM_ERROR_ARGUMENT, "api-key", "is empty");
    return ANM_OK;
}

static bool copy_text(anm_arena *arena, const char **text) {
    if (*text) *text = anm_arena_strdup(arena, *text);
    return *text != NULL;
}

static anm_status copy_options(anm_server *s, anm_error *err) {
    anm_server_options *o = &s->options;
    const char **texts[] = {&o->host, &o->api_key, &o->cors_origin, &o->model.cpu,
                            &o->model.matmul_precision};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (*texts[i] && !copy_text(s->arena, texts[i])) return anm_fail_memory(err);
    return ANM_OK;
}

static anm_status open_models(anm_server *s, const anm_server_model *models, size_t count,
                              anm_error *err) {
    s->models = ANM_ARENA_ARRAY(s->arena, anm_served, count);
    if (!s->models) return anm_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        anm_served *model = &s->models[s->model_count++];
        ANM_TRY(anm_served_open(&models[i], &s->options, model, err));
        if (anm_server_find(s, model->id) != model)
            return anm_fail(err, ANM_ERROR_ARGUMENT, models[i].path,
                            "a model named \"%s\" is there already; give this one another id",
                            model->id);
    }
    return ANM_OK;
}

static void seed(anm_server *s) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    s->random = (uint64_t)t.tv_sec * 1000000007u ^ (uint64_t)t.tv_nsec << 20 ^ (uintptr_t)s;
}

static anm_status start(anm_server *s, const anm_server_model *models, size_t count,
                        anm_error *err) {
    if (!count) return anm_fail(err, ANM_ERROR_ARGUMENT, "models", "there are none");
    ANM_TRY(check(&s->options, err));
    ANM_TRY(copy_options(s, err));
    json_object_seed(0); /* before threads do it at the same time */
    seed(s);
    ANM_TRY(open_models(s, models, count, err));
    ANM_TRY(anm_scheduler_start(&s->scheduler, (size_t)s->options.queue_limit, &s->metrics, err));
    return anm_httpd_start(s, err);
}

anm_status anm_server_start(const anm_server_model *models, size_t count,
                            const anm_server_options *options, anm_server **out, anm_error *err) {
    *out = NULL;
    anm_arena *arena = anm_arena_create();
    anm_server *s = arena ? ANM_ARENA_NEW(arena, anm_server) : NULL;
    if (!s) {
        anm_arena_destroy(arena);
        return anm_fail_memory(err);
    }
    s->arena = arena;
    pthread_mutex_init(&s->lock, NULL);
    anm_metrics_init(&s->metrics);
    anm_server_options_init(&s->options);
    anm_status status = anm_options_take(&s->options, sizeof s->options, options, err);
    if (status == ANM_OK) status = start(s, models, count, err);
    if (status == ANM_OK) *out = s;
    else anm_server_stop(s, 0);
    return status;
}

void anm_server_stop(anm_server *s, double grace) {
    if (!s) return;
    double until = anm_seconds() + grace;
    anm_httpd_refuse(s);
    anm_scheduler_stop(&s->scheduler, grace);
    /* Replies that are whole still have to reach their clients. */
    anm_httpd_stop(s, until > anm_seconds() + 1 ? until : anm_seconds() + 1);
    for (size_t i = 0; i < s->model_count; i++) anm_served_close(&s->models[i]);
    anm_metrics_destroy(&s->metrics);
    pthread_mutex_destroy(&s->lock);
    anm_arena_destroy(s->arena);
}

int anm_server_port(const anm_server *s) {
    return s->port;
}

const char *anm_server_model_id(const anm_server *s, size_t index) {
    return index < s->model_count ? s->models[index].id : NULL;
}

anm_served *anm_server_find(anm_server *s, const char *id) {
    for (size_t i = 0; i < s->model_count; i++)
        if (s->models[i].id && strcmp(s->models[i].id, id) == 0) return &s->models[i];
    return NULL;
}

uint64_t anm_server_draw(anm_server *s) {
    pthread_mutex_lock(&s->lock);
    uint64_t z = s->random += 0x9e3779b97f4a7c15u;
    pthread_mutex_unlock(&s->lock);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
