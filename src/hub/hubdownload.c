/* SPDX-License-Identifier: MIT */
/*
 * Missing files, in ranges of which several come at once, into files that an interruption does not
 * lose; then each is held against its hash.
 */
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/base/str.h"
#include "src/hub/fetch.h"
#include "src/hub/hubcheck.h"
#include "src/hub/hubjob.h"
#include "src/hub/hubselect.h"
#include "src/hub/partfile.h"

/* A file that is coming. */
typedef struct download {
    const anm_hub_file *file;
    const char *url, *part_path;
    anm_partfile part;
    bool open, begun;    /* its files; whether a request was made */
    bool ranged, whole_only; /* whether the server gives ranges, once it has answered */
    size_t next_segment, active;
    int bad;             /* times that its hash was another */
} download;

/* A request for a piece of it. */
typedef struct range {
    anm_fetch fetch;
    struct downloads *all;
    download *of; /* NULL: free */
    size_t segment;
    uint64_t at, end; /* the next byte to come; where it ends */
} range;

typedef struct downloads {
    anm_hub_job *job;
    download *items;
    size_t count, cursor;
    range *ranges;
    uint64_t settled; /* bytes of files that are not open */
    anm_status status;
    anm_fetcher fetcher;
    uint64_t checked;
} downloads;

static uint64_t have(const downloads *all) {
    uint64_t sum = all->settled;
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].open) sum += anm_partfile_have(&all->items[i].part);
    return sum;
}

/* ---- one range ---- */

static void prepare(anm_fetch *fetch, anm_fetch_ask *ask) {
    range *r = (range *)fetch;
    download *d = r->of;
    uint64_t first, last;
    ask->url = d->url;
    ask->what = d->file->path;
    anm_partfile_wanted(&d->part, r->segment, &first, &last);
    r->at = first;
    r->end = last + 1;
    if (d->whole_only || (first == 0 && r->end == d->file->size)) return;
    ask->first = first;
    ask->last = last;
}

static anm_status fail_other(const range *r, anm_error *err) {
    return anm_fail(err, ANM_ERROR_MISMATCH, r->of->file->path,
                    "the hub offers another file than it lists (another ETag or size): try again, "
                    "the model may just have been changed");
}

/* Hashes in an ETag are compared; what else servers put there says nothing. */
static bool is_other_etag(const char *etag, const char *hash) {
    size_t digits = strlen(hash);
    return anm_hub_is_hex(etag, (unsigned)digits) && strcmp(etag, hash) != 0;
}

static anm_status begin(anm_fetch *fetch, const anm_fetch_reply *reply, anm_error *err) {
    range *r = (range *)fetch;
    download *d = r->of;
    if (is_other_etag(reply->etag, d->file->hash)) return fail_other(r, err);
    if (reply->status == 206) {
        d->ranged = true;
        return reply->first == r->at && reply->total == d->file->size ? ANM_OK
                                                                      : fail_other(r, err);
    }
    if (r->at == 0 && r->end == d->file->size) return ANM_OK;
    if (d->active > 1)
        return anm_fail(err, ANM_ERROR_IO, d->file->path,
                        "the server gives ranges of the file at one time and not at another");
    d->whole_only = true; /* it sends everything, from the beginning */
    r->at = 0;
    r->end = d->file->size;
    return ANM_OK;
}

static anm_status data(anm_fetch *fetch, const void *bytes, size_t size, anm_error *err) {
    range *r = (range *)fetch;
    if (size > r->end - r->at) return fail_other(r, err);
    ANM_TRY(anm_partfile_write(&r->of->part, r->at, bytes, size, err));
    r->at += size;
    r->all->job->meter.now.file = r->of->file->path;
    return ANM_OK;
}

static bool whole(const anm_fetch *fetch) {
    const range *r = (const range *)fetch;
    return r->at == r->end;
}

static uint64_t position(const anm_fetch *fetch) {
    return ((const range *)fetch)->at;
}

/* ---- which comes next ---- */

static anm_status open_download(downloads *all, download *d) {
    ANM_TRY(anm_partfile_open(d->part_path, d->file->size, d->file->hash, &d->part,
                              all->job->err));
    d->open = true;
    d->next_segment = 0;
    return ANM_OK;
}

static void close_download(downloads *all, download *d) {
    if (!d->open) return;
    all->settled += anm_partfile_have(&d->part);
    anm_partfile_close(&d->part);
    d->open = false;
}

/* Until the server has given a range of a file, nobody asks for a second one. */
static bool may_ask(const download *d) {
    return !d->whole_only && (!d->active || d->ranged);
}

static bool next_segment(download *d, size_t *segment) {
    uint64_t first, last;
    if (!may_ask(d)) return false;
    for (; d->next_segment < d->part.segments; d->next_segment++)
        if (anm_partfile_wanted(&d->part, d->next_segment, &first, &last)) {
            *segment = d->next_segment++;
            return true;
        }
    return false;
}

static range *free_range(downloads *all) {
    for (int i = 0; i < all->job->hub.connections; i++)
        if (!all->ranges[i].of) return &all->ranges[i];
    return NULL;
}

static anm_fetch *hand_out(downloads *all, download *d, size_t segment) {
    static const anm_fetch_ops ops = {prepare, begin, data, whole, position};
    range *r = free_range(all);
    if (!r) return NULL;
    *r = (range){.fetch = {&ops}, .all = all, .of = d, .segment = segment};
    d->active++;
    return &r->fetch;
}

static anm_fetch *next(void *context) {
    downloads *all = context;
    for (size_t i = all->cursor; i < all->count && all->status == ANM_OK; i++) {
        download *d = &all->items[i];
        size_t segment;
        if (!d->begun) {
            d->begun = true;
            all->status = open_download(all, d);
            if (all->status != ANM_OK) return NULL;
        }
        if (d->open && next_segment(d, &segment)) return hand_out(all, d, segment);
        if (d->open && !d->active) close_download(all, d);
        if (i == all->cursor && !d->open) all->cursor++;
    }
    return NULL;
}

static void on_done(void *context, anm_fetch *fetch) {
    range *r = (range *)fetch;
    (void)context;
    r->of->active--;
    r->of = NULL;
}

static anm_status on_tick(void *context, anm_error *err) {
    downloads *all = context;
    ANM_TRY(all->status);
    anm_hub_meter *meter = &all->job->meter;
    meter->now.retries = all->job->asker.retries + all->fetcher.retries;
    meter->now.files_done = all->cursor;
    return anm_hub_meter_at(meter, have(all), err);
}

/* ---- hashes ---- */

static anm_status check_tick(void *context, uint64_t done, anm_error *err) {
    downloads *all = context;
    return anm_hub_meter_at(&all->job->meter, all->checked + done, err);
}

static anm_status settle(downloads *all, download *d) {
    anm_hub_job *job = all->job;
    const char *to = anm_path_join(job->arena, job->staged, d->file->path);
    char *parent = to ? anm_arena_strdup(job->arena, to) : NULL;
    if (!parent) return anm_fail_memory(job->err);
    *strrchr(parent, '/') = '\0';
    ANM_TRY(anm_dir_create(parent, job->err));
    ANM_TRY(anm_partfile_sync(&d->part, job->err));
    ANM_TRY(anm_path_replace(d->part.path, to, job->err));
    return anm_path_remove(d->part.journal, job->err);
}

static anm_status check(downloads *all, download *d) {
    anm_hub_job *job = all->job;
    const anm_hub_file *f = d->file;
    char found[65];
    bool equal;
    job->meter.now.file = f->path;
    ANM_TRY(anm_hub_check(d->part.fd, f->path, f->size, f->hash, check_tick, all, found, &equal,
                          job->err));
    all->checked += f->size;
    if (equal) return settle(all, d);
    ANM_TRY(anm_partfile_forget(&d->part, job->err));
    if (++d->bad < 2) return ANM_OK;
    return anm_fail(job->err, ANM_ERROR_MISMATCH, f->path,
                    "it came twice with another hash (%.12s...) than the hub lists (%.12s...): "
                    "the hub's copy, or something on the way, is damaged", found, f->hash);
}

/* Files that are wrong go to the front and come again. */
static anm_status check_all(downloads *all) {
    size_t bad = 0;
    all->checked = 0;
    for (size_t i = 0; i < all->count; i++) {
        download *d = &all->items[i];
        int before = d->bad;
        ANM_TRY(open_download(all, d));
        anm_status status = check(all, d);
        anm_partfile_close(&d->part);
        d->open = false;
        ANM_TRY(status);
        if (d->bad == before) continue;
        all->items[bad] = *d;
        all->items[bad++].begun = false;
    }
    all->count = bad;
    return ANM_OK;
}

/* ---- all ---- */

static uint64_t total_of(const downloads *all) {
    uint64_t sum = 0;
    for (size_t i = 0; i < all->count; i++) sum += all->items[i].file->size;
    return sum;
}

static anm_status fetch_all(downloads *all) {
    anm_hub_job *job = all->job;
    all->cursor = 0;
    all->settled = 0;
    job->meter.now.files = all->count;
    job->meter.now.files_done = 0;
    ANM_TRY(anm_hub_meter_phase(&job->meter, ANM_HUB_DOWNLOADING, total_of(all), job->err));
    all->fetcher = (anm_fetcher){.hub = &job->hub, .name = job->name.repo, .next = next,
                                 .done = on_done, .tick = on_tick, .context = all};
    anm_status status = anm_fetch_run(&all->fetcher, job->err);
    job->asker.retries += all->fetcher.retries;
    for (size_t i = 0; i < all->count; i++) {
        all->items[i].active = 0;
        close_download(all, &all->items[i]);
    }
    for (int i = 0; i < job->hub.connections; i++) all->ranges[i].of = NULL;
    return all->status != ANM_OK ? all->status : status;
}

/* What comes, and once more what is zipped. */
static anm_status check_room(const downloads *all) {
    anm_hub_job *job = all->job;
    struct statvfs fs;
    size_t stem;
    uint64_t need = 0;
    for (size_t i = 0; i < all->count; i++) {
        const anm_hub_file *f = all->items[i].file;
        need += anm_hub_is_zip(f->path, &stem) ? 2 * f->size : f->size;
    }
    uint64_t there = anm_hub_tree_bytes(job->arena, job->parts);
    need = need > there ? need - there : 0;
    if (statvfs(job->parts, &fs) != 0) return ANM_OK;
    uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (need <= room) return ANM_OK;
    return anm_fail(job->err, ANM_ERROR_LIMIT, job->name.repo,
                    "%.1f GB more are needed and the cache's disk has %.1f GB left: make room "
                    "(`anemone du`, `anemone prune`), or set ANEMONE_CACHE to another disk",
                    (double)need * 1e-9, (double)room * 1e-9);
}

/* Parts are numbered by the list of all files, which is the same for a commit every time. */
static anm_status add_missing(downloads *all) {
    anm_hub_job *job = all->job;
    for (size_t i = 0; i < job->wanted.len; i++) {
        const anm_hub_file *f = &job->wanted.data[i];
        if (anm_hub_job_has(job, f)) continue;
        size_t number = (size_t)(anm_hub_files_find(&job->all, f->path) - job->all.data);
        const char *escaped = anm_hub_escape(job->arena, f->path, true);
        download *d = &all->items[all->count++];
        *d = (download){.file = f};
        d->part_path = anm_arena_printf(job->arena, "%s/%zu", job->parts, number);
        if (escaped)
            d->url = anm_arena_printf(job->arena, "%s/%s/resolve/%s/%s", job->hub.endpoint,
                                      job->name.repo, job->commit, escaped);
        if (!d->url || !d->part_path) return anm_fail_memory(job->err);
    }
    return ANM_OK;
}

anm_status anm_hub_download(anm_hub_job *job) {
    downloads all = {.job = job};
    all.items = ANM_ARENA_ARRAY(job->arena, download, job->wanted.len);
    all.ranges = ANM_ARENA_ARRAY(job->arena, range, job->hub.connections);
    if (!all.items || !all.ranges) return anm_fail_memory(job->err);
    ANM_TRY(add_missing(&all));
    ANM_TRY(anm_dir_create(job->parts, job->err));
    ANM_TRY(check_room(&all));
    while (all.count) {
        ANM_TRY(fetch_all(&all));
        ANM_TRY(anm_hub_meter_phase(&job->meter, ANM_HUB_CHECKING, total_of(&all), job->err));
        ANM_TRY(check_all(&all));
    }
    return ANM_OK;
}
