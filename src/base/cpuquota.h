/* SPDX-License-Identifier: MIT */
/*
 * The share of the processors that Linux control groups grant this process, as containers have it:
 * cpu.max of version 2, cpu.cfs_quota_us of version 1, of the process's group and all above it.
 */
#ifndef ANM_BASE_CPUQUOTA_H
#define ANM_BASE_CPUQUOTA_H

/*
 * Processors' worth of time; 0: no limit. The files are read below `root`, which is "" but in
 * tests. Files that are missing or make no sense limit nothing.
 */
double anm_cpu_quota(const char *root);

/*
 * Threads for that many processors and a quota. To the nearest, at least one: with a thread too
 * many all of them stand still for the rest of a period, with one too few time is left unused.
 */
int anm_cpu_count_within(int processors, double quota);

#endif
