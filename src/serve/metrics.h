/* SPDX-License-Identifier: MIT */
/* What the server counts, and its text form for Prometheus. */
#ifndef ANM_SERVE_METRICS_H
#define ANM_SERVE_METRICS_H

#include <pthread.h>

#include "src/base/str.h"

/* Upper bounds in seconds, in metrics.c; the last bucket has none. */
enum { ANM_BUCKETS = 18 };
typedef struct anm_histogram {
    uint64_t buckets[ANM_BUCKETS];
    uint64_t count;
    double sum;
} anm_histogram;

typedef enum anm_counter {
    ANM_COUNT_PROMPT_TOKENS,
    ANM_COUNT_REUSED_TOKENS,
    ANM_COUNT_GENERATED_TOKENS,
    ANM_COUNT_CANCELLED,
    ANM_COUNT_TIMED_OUT,
    ANM_COUNT_REFUSED, /* the queue was full */
    ANM_COUNTERS
} anm_counter;

typedef enum anm_latency {
    ANM_LATENCY_REQUEST,     /* first byte of the request to the end of its reply */
    ANM_LATENCY_QUEUE,       /* until a session was free */
    ANM_LATENCY_FIRST_TOKEN, /* from the whole request to its first token */
    ANM_LATENCY_TOKEN,       /* between two tokens of an answer */
    ANM_LATENCIES
} anm_latency;

/* Replies by endpoint and status. */
typedef struct anm_reply_count {
    const char *endpoint; /* static */
    unsigned status;
    uint64_t count;
} anm_reply_count;
enum { ANM_REPLY_COUNTS = 96 };

typedef struct anm_metrics {
    pthread_mutex_t lock;
    uint64_t counters[ANM_COUNTERS];
    anm_histogram latencies[ANM_LATENCIES];
    anm_reply_count replies[ANM_REPLY_COUNTS];
    size_t reply_count;
    double start;
} anm_metrics;

/* What is at this moment, asked of those who know. */
typedef struct anm_gauges {
    size_t queued, running, sessions, session_limit, connections;
} anm_gauges;

void anm_metrics_init(anm_metrics *m);
void anm_metrics_destroy(anm_metrics *m);
void anm_metrics_add(anm_metrics *m, anm_counter counter, uint64_t n);
void anm_metrics_time(anm_metrics *m, anm_latency latency, double seconds);
void anm_metrics_reply(anm_metrics *m, const char *endpoint, unsigned status);
/* The text exposition format, version 0.0.4. */
void anm_metrics_print(anm_metrics *m, const anm_gauges *gauges, anm_strbuf *out);

#endif
