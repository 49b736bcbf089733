/* SPDX-License-Identifier: MIT */
#include "src/base/clock.h"
#include "src/serve/scheduler.h"

#include <errno.h>


/* A client that does not read stops its own answer at this many bytes, and nobody else's. */
enum { MOST_UNSENT = 256 * 1024 };

static anm_job **end_of(anm_job **list) {
    while (*list) list = &(*list)->next;
    return list;
}

static void unlink_job(anm_job **list, anm_job *job) {
    while (*list != job) list = &(*list)->next;
    *list = job->next;
    job->next = NULL;
}

static void wait_briefly(anm_scheduler *s, pthread_cond_t *condition, double seconds) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    double until = (double)t.tv_nsec * 1e-9 + seconds;
    t.tv_sec += (time_t)until;
    t.tv_nsec = (long)((until - (double)(time_t)until) * 1e9);
    pthread_cond_timedwait(condition, &s->lock, &t);
}

/* Once for a request, whatever of it ends first. */
static void count_end(anm_scheduler *s, anm_exchange *x, anm_job_end how) {
    if (x->counted || (how != ANM_JOB_GONE && how != ANM_JOB_LATE)) return;
    x->counted = true;
    anm_metrics_add(s->metrics, how == ANM_JOB_GONE ? ANM_COUNT_CANCELLED : ANM_COUNT_TIMED_OUT, 1);
}

/* Ends a job that is in no list any more, without the lock. */
static void end_job(anm_scheduler *s, anm_job *job, anm_job_end how, const anm_error *err) {
    anm_slot *slot = job->slot;
    anm_exchange *x = job->exchange;
    anm_exchange_hold(x);
    count_end(s, x, how);
    job->kind->end(job, how, err);
    if (slot) anm_served_give(slot);
    anm_exchange_release(x);
}

/* DONE: nothing speaks against going on. */
static anm_job_end verdict(const anm_scheduler *s, const anm_job *job, double now, bool ending) {
    (void)s;
    if (ending) return ANM_JOB_SHUTDOWN;
    if (anm_exchange_is_gone(job->exchange)) return ANM_JOB_GONE;
    return now > job->deadline ? ANM_JOB_LATE : ANM_JOB_DONE;
}

/* Under the lock: jobs of the same request that run. */
static size_t running_of(const anm_scheduler *s, const anm_exchange *x) {
    size_t n = 0;
    for (const anm_job *job = s->running; job; job = job->next) n += job->exchange == x;
    return n;
}

static bool may_start(const anm_job *job) {
    const anm_served *m = job->model;
    return m->running < (m->slot_count ? m->slot_count : 1);
}

/*
 * Under the lock: who is next. The first in the queue, but a request that has jobs running lets
 * others go first: a list of a hundred prompts does not shut everybody out.
 */
static anm_job *next_job(const anm_scheduler *s) {
    anm_job *best = NULL;
    size_t fewest = 0;
    for (anm_job *job = s->waiting; job; job = job->next) {
        if (!may_start(job)) continue;
        size_t n = running_of(s, job->exchange);
        if (best && n >= fewest) continue;
        best = job;
        fewest = n;
        if (n == 0) break;
    }
    return best;
}

/* Under the lock. */
static void take_from_queue(anm_scheduler *s, anm_job *job) {
    unlink_job(&s->waiting, job);
    s->waiting_count--;
    job->model->waiting -= job->first;
}

static anm_status give_session(anm_job *job, anm_error *err) {
    anm_served *m = job->model;
    if (!m->slot_count) return ANM_OK;
    ANM_TRY(anm_served_take(m, job->tokens, job->token_count, &job->slot, err));
    return ANM_OK;
}

static size_t count_sessions(const anm_served *m) {
    size_t n = 0;
    for (size_t i = 0; i < m->slot_count; i++) n += m->slots[i].session != NULL;
    return n;
}

/* With the lock, which it lets go meanwhile. */
static void start_job(anm_scheduler *s, anm_job *job) {
    anm_error err;
    take_from_queue(s, job);
    job->model->running++;
    s->running_count++;
    pthread_mutex_unlock(&s->lock);
    anm_metrics_time(s->metrics, ANM_LATENCY_QUEUE, anm_seconds() - job->queued);
    anm_served *model = job->model;
    anm_status status = give_session(job, &err);
    if (status == ANM_OK) *end_of(&s->running) = job;
    else end_job(s, job, ANM_JOB_FAILED, &err);
    pthread_mutex_lock(&s->lock);
    model->sessions = count_sessions(model);
    if (status == ANM_OK) return;
    model->running--;
    s->running_count--;
}

/* With the lock, which it lets go meanwhile: jobs in the queue that nobody waits for any more. */
static void clear_queue(anm_scheduler *s) {
    double now = anm_seconds();
    for (anm_job *job = s->waiting, *next; job; job = next) {
        next = job->next;
        anm_job_end how = verdict(s, job, now, s->ending);
        if (how == ANM_JOB_DONE) continue;
        take_from_queue(s, job);
        pthread_mutex_unlock(&s->lock);
        end_job(s, job, how, NULL);
        pthread_mutex_lock(&s->lock);
    }
}

static void leave(anm_scheduler *s, anm_job *job, anm_job_end how, const anm_error *err) {
    anm_served *model = job->model;
    unlink_job(&s->running, job);
    /* First: who has the reply may ask again at once, and finds the session free. */
    pthread_mutex_lock(&s->lock);
    model->running--;
    s->running_count--;
    pthread_mutex_unlock(&s->lock);
    end_job(s, job, how, err);
}

/* One step of each. False if all that run wait for their clients. */
static bool round_robin(anm_scheduler *s, bool ending) {
    bool moved = false;
    for (anm_job *job = s->running, *next; job; job = next) {
        next = job->next;
        anm_error err;
        bool done = false;
        anm_job_end how = verdict(s, job, anm_seconds(), ending);
        if (how == ANM_JOB_DONE && anm_exchange_unsent(job->exchange) > MOST_UNSENT) continue;
        moved = true;
        if (how == ANM_JOB_DONE && job->kind->step(job, &done, &err) != ANM_OK)
            how = ANM_JOB_FAILED;
        if (done || how != ANM_JOB_DONE) leave(s, job, how, how == ANM_JOB_FAILED ? &err : NULL);
    }
    return moved;
}

/* With the lock. */
static void admit(anm_scheduler *s) {
    clear_queue(s);
    for (anm_job *job; !s->ending && (job = next_job(s)) != NULL;) start_job(s, job);
}

static void *run(void *context) {
    anm_scheduler *s = context;
    pthread_mutex_lock(&s->lock);
    while (!s->ending || s->waiting || s->running) {
        admit(s);
        if (!s->running) {
            pthread_cond_signal(&s->idle);
            if (!s->ending && !s->waiting) pthread_cond_wait(&s->changed, &s->lock);
            continue;
        }
        bool ending = s->ending;
        pthread_mutex_unlock(&s->lock);
        bool moved = round_robin(s, ending);
        pthread_mutex_lock(&s->lock);
        if (!moved) wait_briefly(s, &s->changed, 0.01);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

anm_status anm_scheduler_start(anm_scheduler *s, size_t queue_limit, anm_metrics *metrics,
                               anm_error *err) {
    *s = (anm_scheduler){.metrics = metrics, .queue_limit = queue_limit};
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    pthread_cond_init(&s->idle, NULL);
    s->started = pthread_create(&s->thread, NULL, run, s) == 0;
    if (s->started) return ANM_OK;
    return anm_fail(err, ANM_ERROR_MEMORY, NULL, "cannot start the engine's thread");
}

/* Under the lock: whether one more request may come. */
static bool has_room(const anm_scheduler *s, const anm_served *m) {
    size_t sessions = m->slot_count ? m->slot_count : 1;
    size_t unused = sessions > m->running ? sessions - m->running : 0;
    return m->waiting < s->queue_limit + unused;
}

anm_submission anm_scheduler_submit(anm_scheduler *s, anm_job *jobs) {
    anm_submission result = ANM_SUBMITTED;
    double now = anm_seconds();
    pthread_mutex_lock(&s->lock);
    if (s->draining) result = ANM_QUEUE_CLOSED;
    else if (!has_room(s, jobs->model)) result = ANM_QUEUE_FULL;
    if (result == ANM_SUBMITTED) {
        jobs->first = true;
        jobs->model->waiting++;
        for (anm_job *job = jobs; job; job = job->next) {
            job->queued = now;
            s->waiting_count++;
        }
        *end_of(&s->waiting) = jobs;
        pthread_cond_signal(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    return result;
}

void anm_scheduler_stop(anm_scheduler *s, double grace) {
    if (!s->started) return;
    double until = anm_seconds() + grace;
    pthread_mutex_lock(&s->lock);
    s->draining = true;
    while ((s->running_count || s->waiting_count) && anm_seconds() < until)
        wait_briefly(s, &s->idle, 0.05);
    s->ending = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->changed);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
}
