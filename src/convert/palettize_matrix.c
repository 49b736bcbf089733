/* SPDX-License-Identifier: MIT */
/* All groups of a matrix, on several threads, and packing of their indices. */
#include <stdatomic.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/threads.h"
#include "src/convert/palettize.h"

typedef struct task {
    const anm_palette_matrix *m;
    uint16_t *lut;
    uint8_t *indices;
    double *errors;
    int64_t groups;
    atomic_int_least64_t next, failed; /* the first group that failed, or `groups` */
} task;

static int64_t extent(const anm_palette_matrix *m) {
    return m->axis == 0 ? m->rows : m->columns;
}

int64_t anm_palette_matrix_groups(const anm_palette_matrix *m) {
    return extent(m) / m->group + (extent(m) % m->group != 0);
}

static anm_status palettize_one(const task *t, anm_palettizer *p, int64_t i, anm_error *err) {
    const anm_palette_matrix *m = t->m;
    int64_t first = i * m->group, left = extent(m) - first;
    size_t length = (size_t)(left < m->group ? left : m->group), width = (size_t)m->columns;
    size_t at = (size_t)first * (m->axis == 0 ? width : 1);
    anm_palette_group g = {.values = m->values + at, .stride = width, .importance = m->importance};
    g.rows = m->axis == 0 ? length : (size_t)m->rows;
    g.columns = m->axis == 0 ? width : length;
    if (m->importance && m->axis == 1) g.importance += first;
    if (m->row_importance) g.row_importance = m->row_importance + (m->axis == 0 ? first : 0);
    return anm_palettize_group(p, &g, m->bits, t->lut + (size_t)(i << m->bits),
                               t->indices ? t->indices + at : NULL,
                               t->errors ? t->errors + i : NULL, err);
}

static void lower(atomic_int_least64_t *target, int64_t value) {
    int64_t old = atomic_load(target);
    while (value < old && !atomic_compare_exchange_weak(target, &old, value)) {}
}

/* One thread: takes groups until there are none left. Errors are told later, by doing it again. */
static void work(void *context, size_t thread) {
    task *t = context;
    (void)thread;
    anm_palettizer *p = anm_palettizer_create();
    for (int64_t i; p && (i = atomic_fetch_add(&t->next, 1)) < t->groups;)
        if (palettize_one(t, p, i, NULL) != ANM_OK) lower(&t->failed, i);
    anm_palettizer_destroy(p);
}

/* What no thread could do for want of a workspace, and the error of the first group that failed. */
static anm_status finish(task *t, anm_error *err) {
    int64_t next = atomic_load(&t->next), failed = atomic_load(&t->failed);
    if (next >= t->groups && failed == t->groups) return ANM_OK;
    anm_palettizer *p = anm_palettizer_create();
    if (!p) return anm_fail_memory(err);
    anm_status status = ANM_OK;
    for (int64_t i = failed < next ? failed : next; i < t->groups && status == ANM_OK; i++)
        status = palettize_one(t, p, i, err);
    anm_palettizer_destroy(p);
    return status;
}

anm_status anm_palettize_matrix(const anm_palette_matrix *m, uint16_t *lut, uint8_t *indices,
                                double *errors, anm_error *err) {
    if (m->rows < 1 || m->columns < 1 || m->group < 1 || m->axis < 0 || m->axis > 1)
        return anm_fail(err, ANM_ERROR_ARGUMENT, NULL,
                        "cannot palettize %lld x %lld weights in groups of %lld on axis %d",
                        (long long)m->rows, (long long)m->columns, (long long)m->group, m->axis);
    task t = {.m = m, .lut = lut, .indices = indices, .errors = errors};
    t.groups = anm_palette_matrix_groups(m);
    atomic_init(&t.next, 0);
    atomic_init(&t.failed, t.groups);
    int64_t threads = m->threads > 0 ? m->threads : anm_cpu_count();
    if (threads > t.groups) threads = t.groups;
    anm_parallel_for((int)threads, (size_t)threads, work, &t);
    return finish(&t, err);
}

void anm_palette_pack(uint8_t *out, const uint8_t *indices, size_t count, int bits) {
    uint64_t held = 0;
    int used = 0;
    for (size_t i = 0; i < count; i++) {
        held |= (uint64_t)indices[i] << used;
        used += bits;
        for (; used >= 8; used -= 8, held >>= 8) *out++ = (uint8_t)held;
    }
    if (used > 0) *out = (uint8_t)held;
}
