/* SPDX-License-Identifier: MIT */
#include "src/hub/hublist.h"

#include <stdlib.h>

#include "src/base/json.h"
#include "src/base/str.h"
#include "src/hub/fetch.h"

enum { BODY_LIMIT = 64 << 20, MOST_PAGES = 2000, MOST_FILES = 200000 };

/* ---- one answer, in memory ---- */

typedef struct question {
    anm_fetch fetch;
    const char *url, *what;
    bool begun_once; /* handed to the loop */
    anm_strbuf body;
    char next[2048];
    anm_hub_asker *asker;
} question;

static void prepare(anm_fetch *fetch, anm_fetch_ask *ask) {
    question *q = (question *)fetch;
    ask->url = q->url;
    ask->what = q->what;
}

static anm_status begin(anm_fetch *fetch, const anm_fetch_reply *reply, anm_error *err) {
    question *q = (question *)fetch;
    anm_strbuf_clear(&q->body);
    memcpy(q->next, reply->next, sizeof q->next);
    return ANM_OK;
}

static anm_status data(anm_fetch *fetch, const void *bytes, size_t size, anm_error *err) {
    question *q = (question *)fetch;
    if (size > BODY_LIMIT - q->body.len)
        return anm_fail(err, ANM_ERROR_LIMIT, q->asker->name, "the hub's answer has no end");
    anm_strbuf_append(&q->body, bytes, size);
    return q->body.failed ? anm_fail_memory(err) : ANM_OK;
}

static bool whole(const anm_fetch *fetch) {
    return true;
}

static anm_fetch *next(void *context) {
    question *q = context;
    if (q->begun_once) return NULL;
    q->begun_once = true;
    return &q->fetch;
}

static anm_status tick(void *context, anm_error *err) {
    question *q = context;
    return q->asker->tick(q->asker->context, err);
}

static anm_status ask(question *q, anm_hub_asker *asker, json_t **out, anm_error *err) {
    static const anm_fetch_ops ops = {prepare, begin, data, whole, NULL};
    q->fetch.ops = &ops;
    q->asker = asker;
    q->begun_once = false;
    anm_fetcher fetcher = {.hub = asker->hub, .name = asker->name, .next = next, .tick = tick,
                           .context = q};
    anm_status status = anm_fetch_run(&fetcher, err);
    asker->retries += fetcher.retries;
    if (status != ANM_OK) return status;
    status = anm_json_parse(anm_strbuf_cstr(&q->body), q->body.len, q->url, out, err);
    if (status != ANM_ERROR_FORMAT) return status;
    return anm_fail(err, ANM_ERROR_FORMAT, asker->name,
                    "%s answers with something that is not JSON: is HF_ENDPOINT a hub, and does "
                    "no proxy ask for a login?", asker->hub->endpoint);
}

/* ---- the commit ---- */

anm_status anm_hub_ask_commit(anm_arena *arena, anm_hub_asker *asker, const char *revision,
                              char commit[64], anm_error *err) {
    const char *escaped = anm_hub_escape(arena, revision, false);
    question q = {.what = revision};
    json_t *root = NULL;
    const char *sha = NULL;
    if (escaped)
        q.url = anm_arena_printf(arena, "%s/api/models/%s/revision/%s", asker->hub->endpoint,
                                 asker->name, escaped);
    if (!q.url) return anm_fail_memory(err);
    anm_status status = ask(&q, asker, &root, err);
    if (status == ANM_OK) {
        sha = json_string_value(json_object_get(root, "sha"));
        if (sha && anm_hub_is_commit(sha)) memcpy(commit, sha, 41);
        else
            status = anm_fail(err, ANM_ERROR_FORMAT, asker->name,
                              "the hub does not say which commit \"%s\" is", revision);
    }
    json_decref(root);
    anm_strbuf_free(&q.body);
    return status;
}

/* ---- the files ---- */

static int by_path(const void *a, const void *b) {
    return strcmp(((const anm_hub_file *)a)->path, ((const anm_hub_file *)b)->path);
}

void anm_hub_files_sort(anm_hub_files *files) {
    if (files->len) qsort(files->data, files->len, sizeof *files->data, by_path);
}

const anm_hub_file *anm_hub_files_find(const anm_hub_files *files, const char *path) {
    anm_hub_file key = {.path = path};
    if (!files->len) return NULL;
    return bsearch(&key, files->data, files->len, sizeof key, by_path);
}

/* A file kept by Git LFS has the SHA-256 of its content; others that of git's own object. */
static anm_status take_file(anm_arena *arena, const anm_hub_asker *asker, const json_t *item,
                            anm_hub_files *out, anm_error *err) {
    const json_t *lfs = json_object_get(item, "lfs");
    const char *path = json_string_value(json_object_get(item, "path"));
    const char *hash = json_string_value(json_object_get(json_is_object(lfs) ? lfs : item, "oid"));
    const json_t *size = json_object_get(json_is_object(lfs) ? lfs : item, "size");
    if (!path || !anm_hub_path_is_tame(path))
        return anm_fail(err, ANM_ERROR_FORMAT, asker->name,
                        "the hub lists a file under a name that leads out of the model: \"%.200s\"",
                        path ? path : "");
    if (hash && anm_str_starts(hash, "sha256:")) hash += 7;
    if (!hash || !anm_hub_is_hex(hash, json_is_object(lfs) ? 64 : 40) ||
        json_integer_value(size) < 0 || !json_is_integer(size))
        return anm_fail(err, ANM_ERROR_FORMAT, asker->name,
                        "the hub lists %.200s without size or hash: it cannot be checked", path);
    anm_hub_file file = {.path = anm_arena_strdup(arena, path),
                         .hash = anm_arena_strdup(arena, hash),
                         .size = (uint64_t)json_integer_value(size)};
    if (!file.path || !file.hash || !anm_vec_push(out, file)) return anm_fail_memory(err);
    if (out->len <= MOST_FILES) return ANM_OK;
    return anm_fail(err, ANM_ERROR_LIMIT, asker->name, "it has more than %d files", MOST_FILES);
}

static anm_status take_page(anm_arena *arena, const anm_hub_asker *asker, const json_t *page,
                            anm_hub_files *out, anm_error *err) {
    if (!json_is_array(page))
        return anm_fail(err, ANM_ERROR_FORMAT, asker->name,
                        "the hub's list of files is no list: is HF_ENDPOINT a hub?");
    for (size_t i = 0; i < json_array_size(page); i++) {
        const json_t *item = json_array_get(page, i);
        const char *type = json_string_value(json_object_get(item, "type"));
        if (type && strcmp(type, "file") == 0)
            ANM_TRY(take_file(arena, asker, item, out, err));
    }
    return ANM_OK;
}

static anm_status ask_pages(anm_arena *arena, anm_hub_asker *asker, question *q,
                            anm_hub_files *out, anm_error *err) {
    for (int page = 0; page < MOST_PAGES; page++) {
        json_t *root = NULL;
        anm_status status = ask(q, asker, &root, err);
        if (status == ANM_OK) status = take_page(arena, asker, root, out, err);
        json_decref(root);
        if (status != ANM_OK || !q->next[0]) return status;
        q->url = q->next[0] == '/'
                     ? anm_arena_printf(arena, "%s%s", asker->hub->endpoint, q->next)
                     : anm_arena_strdup(arena, q->next);
        if (!q->url) return anm_fail_memory(err);
    }
    return anm_fail(err, ANM_ERROR_LIMIT, asker->name, "the hub's list of files has no end");
}

anm_status anm_hub_ask_files(anm_arena *arena, anm_hub_asker *asker, const char *commit,
                             anm_hub_files *out, anm_error *err) {
    question q = {.what = "list of files"};
    *out = (anm_hub_files){0};
    q.url = anm_arena_printf(arena, "%s/api/models/%s/tree/%s?recursive=true&expand=false",
                             asker->hub->endpoint, asker->name, commit);
    if (!q.url) return anm_fail_memory(err);
    anm_status status = ask_pages(arena, asker, &q, out, err);
    anm_strbuf_free(&q.body);
    anm_hub_files_sort(out);
    if (status != ANM_OK) anm_vec_free(out);
    return status;
}
