/* SPDX-License-Identifier: MIT */
/* The op table: the rows of all subjects sorted by name, and looking them up. */
#include "src/mil/optable.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const anm_mil_op_spec *const subjects[] = {
    anm_mil_ops_elementwise, anm_mil_ops_activation, anm_mil_ops_shape,   anm_mil_ops_index,
    anm_mil_ops_nn,          anm_mil_ops_reduce,     anm_mil_ops_image,   anm_mil_ops_control,
    anm_mil_ops_compressed,  anm_mil_ops_fused,
};

enum { MOST_OPS = 256 };

static const anm_mil_op_spec *sorted[MOST_OPS]; /* written once, by sort_rows */
static size_t row_count;
static pthread_once_t sorted_once = PTHREAD_ONCE_INIT;

static int by_name(const void *a, const void *b) {
    return strcmp((*(const anm_mil_op_spec *const *)a)->name,
                  (*(const anm_mil_op_spec *const *)b)->name);
}

static void sort_rows(void) {
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
        for (const anm_mil_op_spec *row = subjects[i]; row->name && row_count < MOST_OPS; row++)
            sorted[row_count++] = row;
    qsort(sorted, row_count, sizeof sorted[0], by_name);
}

const anm_mil_op_spec *anm_mil_op_spec_at(size_t index) {
    pthread_once(&sorted_once, sort_rows);
    return index < row_count ? sorted[index] : NULL;
}

const anm_mil_op_spec *anm_mil_op_spec_find(const char *name) {
    pthread_once(&sorted_once, sort_rows);
    size_t low = 0, high = row_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, sorted[middle]->name);
        if (order == 0) return sorted[middle];
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return NULL;
}
