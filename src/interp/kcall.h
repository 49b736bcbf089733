/* SPDX-License-Identifier: MIT */
/* The side of a kernel call that the runner sees. */
#ifndef ANM_INTERP_KCALL_H
#define ANM_INTERP_KCALL_H

#include "src/interp/plan.h"

/* Frees the call's scratch memory. */
void anm_kcall_end(anm_kcall *k);

#endif
