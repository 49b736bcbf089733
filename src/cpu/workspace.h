/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs work in, shared by all engines of the process: plans for one token and for many
 * rows, and the parts of a model, run one after the other and need the largest of their workspaces,
 * not all of them. What lies in it is lost when it is given back.
 */
#ifndef ANM_CPU_WORKSPACE_H
#define ANM_CPU_WORKSPACE_H

#include <stddef.h>

typedef struct anm_workspace {
    struct anm_workspace *next;
    size_t bytes;
    char *memory; /* aligned to 64 */
} anm_workspace;

/* Of each engine once; when the last one leaves, idle memory is freed. */
void anm_workspaces_join(void);
void anm_workspaces_leave(void);
/* NULL without memory. As many are kept as were in use at a time. */
anm_workspace *anm_workspace_take(size_t bytes);
void anm_workspace_give(anm_workspace *workspace); /* NULL is fine */

#endif
