/* SPDX-License-Identifier: MIT */
/*
 * The engine's thread: takes jobs from a queue as sessions become free and runs all that are
 * running in turn, one step each. A step uses every core already (the pool of the fast engine), so
 * one thread is what there is; sessions are touched by it alone.
 */
#ifndef ANM_SERVE_SCHEDULER_H
#define ANM_SERVE_SCHEDULER_H

#include <pthread.h>

#include "src/serve/exchange.h"
#include "src/serve/served.h"

typedef enum anm_job_end {
    ANM_JOB_DONE,
    ANM_JOB_FAILED,   /* a step gave an error */
    ANM_JOB_GONE,     /* the client went away */
    ANM_JOB_LATE,     /* beyond the time limit */
    ANM_JOB_SHUTDOWN, /* the server ends */
} anm_job_end;

typedef struct anm_job anm_job;
typedef struct anm_job_kind {
    /* One step; *done after the last. */
    anm_status (*step)(anm_job *job, bool *done, anm_error *err);
    /* Called once, with or without steps before. Frees the job. */
    void (*end)(anm_job *job, anm_job_end how, const anm_error *err);
} anm_job_kind;

struct anm_job {
    const anm_job_kind *kind;
    anm_exchange *exchange; /* held by the job's owner until `end` */
    anm_served *model;
    anm_slot *slot;        /* where the model has sessions */
    const int32_t *tokens; /* what the session is chosen by */
    size_t token_count;
    bool first; /* of its request; the queue counts requests */
    double queued, deadline;
    anm_job *next;
};

typedef struct anm_scheduler {
    anm_metrics *metrics;
    size_t queue_limit;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* of what follows, and of counts in anm_served */
    pthread_cond_t changed, idle;
    anm_job *waiting;
    size_t waiting_count, running_count;
    bool draining, ending;
    anm_job *running; /* of the thread alone */
} anm_scheduler;

ANM_MUST_CHECK anm_status anm_scheduler_start(anm_scheduler *s, size_t queue_limit,
                                              anm_metrics *metrics, anm_error *err);
typedef enum anm_submission { ANM_SUBMITTED, ANM_QUEUE_FULL, ANM_QUEUE_CLOSED } anm_submission;
/* All jobs of one request, in a list; none is taken unless all are. */
anm_submission anm_scheduler_submit(anm_scheduler *s, anm_job *jobs);
/* Takes no more, lets what is there end for `grace` seconds, ends the rest and the thread. */
void anm_scheduler_stop(anm_scheduler *s, double grace);

#endif
