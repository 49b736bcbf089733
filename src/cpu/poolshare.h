/* SPDX-License-Identifier: MIT */
/* Pools shared by all who want as many threads: a process needs one, whatever it has open. */
#ifndef ANM_CPU_POOLSHARE_H
#define ANM_CPU_POOLSHARE_H

#include "src/cpu/pool.h"

ANM_MUST_CHECK anm_status anm_pool_share(int threads, anm_pool **out, anm_error *err);
/* The last one to give a pool back ends its threads. NULL is fine. */
void anm_pool_unshare(anm_pool *pool);

#endif
