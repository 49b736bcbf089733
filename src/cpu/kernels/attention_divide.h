/* SPDX-License-Identifier: MIT */
/*
 * Attention in any number of parts with the same number of columns, one for each thread: a unit of
 * the kernel may be cut into ranges of columns. Of those each part keeps a result of its own in a
 * slot, at most two of them; when all parts are done, slots of one unit are merged by the largest
 * scores and the sums of weights. Units that are not cut are written at once.
 *
 * Where to cut depends on nothing but the shapes, the spans and the number of parts: results are
 * the same where fewer threads than expected compute all parts.
 */
#ifndef ANM_CPU_ATTENTION_DIVIDE_H
#define ANM_CPU_ATTENTION_DIVIDE_H

#include "src/cpu/kernels/attention.h"

/* Whether parts are whole key heads, equally many: then run ranges of units, and nothing else. */
bool anm_attention_is_even(const anm_attention *a, int parts);

/* Floats of the slots of all parts, which are aligned to 64. */
int64_t anm_attention_slot_floats(const anm_attention_kernel *k, const anm_attention *a, int parts);

/* A part; then, after a barrier, a thread's share of the merging. */
void anm_attention_run_part(const anm_attention_kernel *k, const anm_attention *a, float *slots,
                            int part, int parts, void *scratch);
void anm_attention_merge(const anm_attention_kernel *k, const anm_attention *a, const float *slots,
                         int parts, int thread, int threads);

#endif
