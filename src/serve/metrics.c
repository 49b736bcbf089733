/* SPDX-License-Identifier: MIT */
#include "src/base/clock.h"
#include "src/serve/metrics.h"

#include <stdio.h>
#include <unistd.h>


static const double bounds[ANM_BUCKETS - 1] = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250};

static const struct {
    const char *name, *help;
} counter_names[ANM_COUNTERS] = {
    [ANM_COUNT_PROMPT_TOKENS] = {"prompt_tokens", "Tokens of prompts."},
    [ANM_COUNT_REUSED_TOKENS] = {"reused_tokens",
                                 "Tokens of prompts that a session had evaluated before."},
    [ANM_COUNT_GENERATED_TOKENS] = {"generated_tokens", "Tokens generated."},
    [ANM_COUNT_CANCELLED] = {"cancelled_requests",
                             "Requests whose client went away before the end."},
    [ANM_COUNT_TIMED_OUT] = {"timed_out_requests", "Requests beyond the time limit."},
    [ANM_COUNT_REFUSED] = {"refused_requests", "Requests that found the queue full."},
};

static const struct {
    const char *name, *help;
} latency_names[ANM_LATENCIES] = {
    [ANM_LATENCY_REQUEST] = {"request_seconds", "From the first byte to the end of the reply."},
    [ANM_LATENCY_QUEUE] = {"queue_seconds", "Waiting for a session."},
    [ANM_LATENCY_FIRST_TOKEN] = {"first_token_seconds",
                                 "From the whole request to its first token."},
    [ANM_LATENCY_TOKEN] = {"token_seconds", "Between two tokens of an answer."},
};

void anm_metrics_init(anm_metrics *m) {
    *m = (anm_metrics){.start = anm_seconds()};
    pthread_mutex_init(&m->lock, NULL);
}

void anm_metrics_destroy(anm_metrics *m) {
    pthread_mutex_destroy(&m->lock);
}

void anm_metrics_add(anm_metrics *m, anm_counter counter, uint64_t n) {
    pthread_mutex_lock(&m->lock);
    m->counters[counter] += n;
    pthread_mutex_unlock(&m->lock);
}

void anm_metrics_time(anm_metrics *m, anm_latency latency, double seconds) {
    int i = 0;
    while (i < ANM_BUCKETS - 1 && seconds > bounds[i]) i++;
    pthread_mutex_lock(&m->lock);
    anm_histogram *h = &m->latencies[latency];
    h->buckets[i]++;
    h->count++;
    h->sum += seconds;
    pthread_mutex_unlock(&m->lock);
}

void anm_metrics_reply(anm_metrics *m, const char *endpoint, unsigned status) {
    pthread_mutex_lock(&m->lock);
    size_t i = 0;
    while (i < m->reply_count &&
           (m->replies[i].endpoint != endpoint || m->replies[i].status != status))
        i++;
    if (i == m->reply_count && i < ANM_REPLY_COUNTS)
        m->replies[m->reply_count++] = (anm_reply_count){endpoint, status, 0};
    if (i < m->reply_count) m->replies[i].count++;
    pthread_mutex_unlock(&m->lock);
}

static void print_head(anm_strbuf *out, const char *name, const char *kind, const char *help) {
    anm_strbuf_printf(out, "# HELP anemone_%s %s\n# TYPE anemone_%s %s\n", name, help, name, kind);
}

static void print_gauge(anm_strbuf *out, const char *name, const char *help, size_t value) {
    print_head(out, name, "gauge", help);
    anm_strbuf_printf(out, "anemone_%s %zu\n", name, value);
}

static void print_histogram(const anm_histogram *h, const char *name, const char *help,
                            anm_strbuf *out) {
    uint64_t below = 0;
    print_head(out, name, "histogram", help);
    for (int i = 0; i < ANM_BUCKETS - 1; i++) {
        below += h->buckets[i];
        anm_strbuf_printf(out, "anemone_%s_bucket{le=\"%g\"} %llu\n", name, bounds[i],
                          (unsigned long long)below);
    }
    anm_strbuf_printf(out, "anemone_%s_bucket{le=\"+Inf\"} %llu\n", name,
                      (unsigned long long)h->count);
    anm_strbuf_printf(out, "anemone_%s_sum %.9g\n", name, h->sum);
    anm_strbuf_printf(out, "anemone_%s_count %llu\n", name, (unsigned long long)h->count);
}

/* Of Linux; elsewhere 0, and nothing is printed. */
static size_t resident_bytes(void) {
    unsigned long size, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return 0;
    if (fscanf(file, "%lu %lu", &size, &resident) != 2) resident = 0;
    fclose(file);
    return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void print_process(const anm_metrics *m, anm_strbuf *out) {
    size_t resident = resident_bytes();
    print_head(out, "uptime_seconds", "gauge", "Since the server started.");
    anm_strbuf_printf(out, "anemone_uptime_seconds %.3f\n", anm_seconds() - m->start);
    if (!resident) return;
    anm_strbuf_printf(out,
                      "# HELP process_resident_memory_bytes Resident memory size in bytes.\n"
                      "# TYPE process_resident_memory_bytes gauge\n"
                      "process_resident_memory_bytes %zu\n",
                      resident);
}

static void print_replies(const anm_metrics *m, anm_strbuf *out) {
    print_head(out, "requests_total", "counter", "Replies, by endpoint and HTTP status.");
    for (size_t i = 0; i < m->reply_count; i++)
        anm_strbuf_printf(out, "anemone_requests_total{endpoint=\"%s\",code=\"%u\"} %llu\n",
                          m->replies[i].endpoint, m->replies[i].status,
                          (unsigned long long)m->replies[i].count);
}

static void print_counters(const anm_metrics *m, anm_strbuf *out) {
    char name[64];
    for (int i = 0; i < ANM_COUNTERS; i++) {
        snprintf(name, sizeof name, "%s_total", counter_names[i].name);
        print_head(out, name, "counter", counter_names[i].help);
        anm_strbuf_printf(out, "anemone_%s %llu\n", name, (unsigned long long)m->counters[i]);
    }
}

void anm_metrics_print(anm_metrics *m, const anm_gauges *gauges, anm_strbuf *out) {
    pthread_mutex_lock(&m->lock);
    print_replies(m, out);
    print_counters(m, out);
    for (int i = 0; i < ANM_LATENCIES; i++)
        print_histogram(&m->latencies[i], latency_names[i].name, latency_names[i].help, out);
    pthread_mutex_unlock(&m->lock);
    print_gauge(out, "queued_requests", "Waiting for a session.", gauges->queued);
    print_gauge(out, "running_requests", "Being answered.", gauges->running);
    print_gauge(out, "sessions", "Sessions made: each has a KV cache.", gauges->sessions);
    print_gauge(out, "sessions_limit", "The most there will be.", gauges->session_limit);
    print_gauge(out, "exchanges", "HTTP requests in progress.", gauges->connections);
    print_process(m, out);
}
