/* SPDX-License-Identifier: MIT */
/* Random data, and buffers between pages that cannot be touched. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/kcheck/kcheck.h"

enum { MAX_BUFFERS = 64, PATTERN = 0xa5 };

static uint64_t state;

void kcheck_seed(const char *name) {
    state = kcheck.seed * 0x9e3779b97f4a7c15;
    for (; *name; name++) state = (state ^ (unsigned char)*name) * 0x100000001b3;
}

/* splitmix64 */
uint64_t kcheck_random(void) {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

int64_t kcheck_between(int64_t low, int64_t high) {
    return low + (int64_t)(kcheck_random() % (uint64_t)(high - low + 1));
}

float kcheck_uniform(void) { return (float)(int32_t)(kcheck_random() >> 32) * 0x1p-31f; }

float kcheck_normal(void) {
    /* Twelve uniform numbers of variance 1/3 have variance 4. */
    float sum = 0;
    for (int i = 0; i < 12; i++) sum += kcheck_uniform();
    return sum / 2;
}

void kcheck_fill_bytes(void *to, size_t bytes) {
    uint8_t *out = to;
    for (size_t i = 0; i < bytes; i++) out[i] = (uint8_t)(kcheck_random() >> 56);
}

void kcheck_fill_normal(float *to, int64_t n, float deviation) {
    for (int64_t i = 0; i < n; i++) to[i] = kcheck_normal() * deviation;
}

static struct {
    void *map;
    size_t map_bytes;
    uint8_t *gap; /* between the buffer and the page that cannot be touched */
    size_t gap_bytes;
} buffers[MAX_BUFFERS];
static int buffer_count;

void *kcheck_buffer(size_t bytes, size_t align) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = (bytes + page - 1) / page * page;
    if (inner == 0) inner = page;
    uint8_t *map = buffer_count == MAX_BUFFERS
                       ? MAP_FAILED
                       : mmap(NULL, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (map == MAP_FAILED || mprotect(map + page, inner, PROT_READ | PROT_WRITE) != 0) {
        fprintf(stderr, "kcheck: no buffer of %zu bytes\n", bytes);
        exit(2);
    }
    bool at_end = buffer_count % 2 == 0 || kcheck_random() % 2;
    size_t slack = inner - bytes, before = at_end ? slack / align * align : 0;
    memset(map + page, PATTERN, inner);
    buffers[buffer_count].map = map;
    buffers[buffer_count].map_bytes = inner + 2 * page;
    buffers[buffer_count].gap = map + page + before + bytes;
    buffers[buffer_count++].gap_bytes = slack - before;
    return map + page + before;
}

bool kcheck_release(void) {
    bool clean = true;
    while (buffer_count > 0) {
        buffer_count--;
        for (size_t i = 0; i < buffers[buffer_count].gap_bytes; i++)
            clean = clean && buffers[buffer_count].gap[i] == PATTERN;
        munmap(buffers[buffer_count].map, buffers[buffer_count].map_bytes);
    }
    return clean;
}

static sigjmp_buf back;

static void on_fault(int number) { siglongjmp(back, number); }

bool kcheck_guarded(void (*call)(void *context), void *context, const char *what) {
    struct sigaction action = {.sa_handler = on_fault}, segv, bus, ill;
    sigaction(SIGSEGV, &action, &segv);
    sigaction(SIGBUS, &action, &bus);
    sigaction(SIGILL, &action, &ill);
    int number = sigsetjmp(back, 1);
    if (number == 0) call(context);
    else kcheck_fail("%s: %s", what,
                     number == SIGILL ? "illegal instruction" : "access outside the buffers");
    sigaction(SIGSEGV, &segv, NULL);
    sigaction(SIGBUS, &bus, NULL);
    sigaction(SIGILL, &ill, NULL);
    return number == 0;
}
