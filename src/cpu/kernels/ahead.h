/* SPDX-License-Identifier: MIT */
/*
 * What a thread will read next, asked of the memory while it still works on what came before: range
 * after range, across the steps of a plan, so that barriers and small steps do not leave the memory
 * idle and a product finds its first rows in the cache. Each piece of a range is asked for as two
 * streams side by side: one stream of reads reached 0.85 to 0.95 of the memory's rate.
 */
#ifndef ANM_CPU_AHEAD_H
#define ANM_CPU_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

enum {
    ANM_AHEAD_PIECE = 32 * 1024,  /* bytes asked for in two streams */
    ANM_AHEAD_LEAST = 32 * 1024,  /* ahead of a product that begins */
    ANM_AHEAD_MOST = 384 * 1024,  /* of the second level cache, to be ahead */
    ANM_AHEAD_LINE = 64
};

typedef struct anm_ahead_range {
    const char *data; /* what kernels take line by line */
    int64_t bytes;
    const char *tables; /* what belongs to it, read at the same pace */
    int64_t table_bytes;
} anm_ahead_range;

typedef struct anm_ahead {
    const char *at;        /* the next line of a piece's first half */
    int64_t second;        /* from there to that of its second half */
    int64_t left;          /* bytes of each half not asked for; negative: a few too many were */
    int64_t lead;          /* bytes asked for and not used */
    anm_ahead_range range; /* not yet cut to pieces */
    /* The range after that; false: there is none. */
    bool (*next)(void *context, anm_ahead_range *out);
    void *context;
} anm_ahead;

/* Begins the next piece; false at the end. */
bool anm_ahead_refill(anm_ahead *a);

/* Whether there is a line to ask for. */
static inline bool anm_ahead_ready(anm_ahead *a) {
    return a->left > 0 || anm_ahead_refill(a);
}

/* As many lines of either stream were asked for, from `at` and `second` bytes further. */
static inline void anm_ahead_took(anm_ahead *a, int lines) {
    a->at += lines * ANM_AHEAD_LINE;
    a->left -= lines * ANM_AHEAD_LINE;
    a->lead += 2 * lines * ANM_AHEAD_LINE;
}

static inline void anm_ahead_lines(anm_ahead *a, int lines) {
    if (!anm_ahead_ready(a)) return;
    for (int i = 0; i < lines; i++) {
        __builtin_prefetch(a->at + i * ANM_AHEAD_LINE, 0, 2);
        __builtin_prefetch(a->at + a->second + i * ANM_AHEAD_LINE, 0, 2);
    }
    anm_ahead_took(a, lines);
}

/* Where there is nothing else to do: up to 2 * `lines` lines, unless `most` bytes are ahead. */
static inline void anm_ahead_more(anm_ahead *a, int lines, int64_t most) {
    for (; lines > 0 && a->lead < most; lines--) anm_ahead_lines(a, 1);
}

#endif
