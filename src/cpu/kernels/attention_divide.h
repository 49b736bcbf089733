/* SPDX-License-Identifier: MIT */
/*
 * Attention for any number of threads: all get the same number of columns, so that a unit of the
 * kernel may be cut into ranges of columns. Of those each thread keeps a result of its own in a
 * slot, at most two of them; when all threads are done, slots of one unit are merged by the largest
 * scores and the sums of weights. Units that are not cut are written at once.
 *
 * Where to cut depends on nothing but the shapes, the spans and the number of threads.
 */
#ifndef ANM_CPU_ATTENTION_DIVIDE_H
#define ANM_CPU_ATTENTION_DIVIDE_H

#include "src/cpu/kernels/attention.h"

/* Whether threads get whole key heads, equally many: then run ranges of units, and nothing else. */
bool anm_attention_is_even(const anm_attention *a, int threads);

/* Floats of the slots of all threads, which are aligned to 64. */
int64_t anm_attention_slot_floats(const anm_attention_kernel *k, const anm_attention *a,
                                  int threads);

/* A thread's part; then, after a barrier, its part of the merging. */
void anm_attention_run_divided(const anm_attention_kernel *k, const anm_attention *a, float *slots,
                               int thread, int threads, void *scratch);
void anm_attention_merge_divided(const anm_attention_kernel *k, const anm_attention *a,
                                 const float *slots, int thread, int threads);

#endif
