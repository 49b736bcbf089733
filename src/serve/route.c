/* SPDX-License-Identifier: MIT */
#include "src/serve/route.h"

#include <string.h>

#include "src/serve/reply.h"

static const anm_route routes[] = {
    {"GET", "/health", false, true, anm_handle_health},
    {"GET", "/metrics", false, false, anm_handle_metrics},
    {"GET", "/v1/models", false, false, anm_handle_models},
    {"GET", "/v1/models/", true, false, anm_handle_model},
    {"POST", "/v1/chat/completions", false, false, anm_handle_chat},
    {"POST", "/v1/completions", false, false, anm_handle_completion},
    {"POST", "/v1/embeddings", false, false, anm_handle_embeddings},
    {"GET", "/", true, true, anm_handle_page},
};
enum { ROUTES = sizeof routes / sizeof routes[0] };

static bool fits(const anm_route *route, const char *path) {
    size_t length = strlen(route->path);
    return route->prefix ? strncmp(path, route->path, length) == 0 : strcmp(path, route->path) == 0;
}

static bool allows(const anm_route *route, const char *method) {
    if (strcmp(method, route->method) == 0) return true;
    return strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0;
}

void anm_route_find(anm_exchange *x, const char *method) {
    for (int i = 0; i < ROUTES; i++) {
        const anm_route *route = &routes[i];
        if (!fits(route, x->path)) continue;
        x->route = route;
        x->rest = x->path + strlen(route->path);
        if (allows(route, method)) return;
        anm_exchange_header(x, "Allow", route->method);
        anm_reply_error(x, &ANM_ERROR_KIND_METHOD, NULL, "%s takes %s, not %s", route->path,
                        route->method, method);
        return;
    }
    anm_reply_error(x, &ANM_ERROR_KIND_ROUTE, NULL, "there is nothing at %s", x->path);
}

const char *anm_route_name(const anm_exchange *x) {
    return x->route ? x->route->path : "other";
}
