/* SPDX-License-Identifier: MIT */
/* What the server tells of itself: health, metrics, models. */
#include <string.h>

#include "src/serve/reply.h"
#include "src/serve/route.h"
#include "src/serve/server.h"

void anm_handle_health(anm_exchange *x) {
    anm_reply_json(x, 200, json_pack("{s:s}", "status", "ok"));
}

static anm_gauges take_gauges(anm_server *s) {
    anm_gauges g = {0};
    pthread_mutex_lock(&s->scheduler.lock);
    g.queued = s->scheduler.waiting_count;
    g.running = s->scheduler.running_count;
    for (size_t i = 0; i < s->model_count; i++) {
        g.sessions += s->models[i].sessions;
        g.session_limit += s->models[i].slot_count;
    }
    pthread_mutex_unlock(&s->scheduler.lock);
    pthread_mutex_lock(&s->lock);
    g.connections = s->exchanges;
    pthread_mutex_unlock(&s->lock);
    return g;
}

void anm_handle_metrics(anm_exchange *x) {
    anm_strbuf text = {0};
    anm_gauges gauges = take_gauges(x->server);
    anm_metrics_print(&x->server->metrics, &gauges, &text);
    anm_exchange_reply(x, text.failed ? 500 : 200, "text/plain; version=0.0.4; charset=utf-8",
                       anm_strbuf_cstr(&text), text.len);
    anm_strbuf_free(&text);
}

/* OpenAI's fields, and what a client wants to know of a model here. */
static json_t *describe(const anm_served *m) {
    json_t *object = json_pack("{s:s,s:s,s:I,s:s}", "id", m->id, "object", "model", "created",
                               (json_int_t)m->created, "owned_by", "anemone");
    if (!object) return NULL;
    json_object_set_new(object, "task", json_string(m->llm ? "generate" : "embed"));
    size_t context = m->llm ? anm_llm_context_length(m->llm) : anm_encoder_most(m->encoder);
    json_object_set_new(object, "context_length", json_integer((json_int_t)context));
    if (m->llm)
        json_object_set_new(object, "chat", json_boolean(anm_llm_chat_template(m->llm) != NULL));
    return object;
}

void anm_handle_models(anm_exchange *x) {
    json_t *list = json_array();
    for (size_t i = 0; i < x->server->model_count; i++)
        json_array_append_new(list, describe(&x->server->models[i]));
    anm_reply_json(x, 200, json_pack("{s:s,s:o}", "object", "list", "data", list));
}

void anm_handle_model(anm_exchange *x) {
    const anm_served *m = anm_server_find(x->server, x->rest);
    if (m) anm_reply_json(x, 200, describe(m));
    else
        anm_reply_error(x, &ANM_ERROR_KIND_MODEL, "model", "the model \"%s\" is not served here",
                        x->rest);
}
