/* SPDX-License-Identifier: MIT */
/*
 * Divides an answer as it comes into the thought, between <think> and </think> at its beginning,
 * and what follows. The marks, and the line breaks beside them, belong to neither.
 */
#ifndef ANM_SERVE_THINK_H
#define ANM_SERVE_THINK_H

#include "src/base/str.h"

typedef enum anm_think_state {
    ANM_THINK_START, /* nothing but white space so far */
    ANM_THINK_INSIDE,
    ANM_THINK_AFTER, /* line breaks behind the thought */
    ANM_THINK_OUTSIDE
} anm_think_state;

typedef struct anm_think {
    anm_think_state state;
    anm_strbuf held; /* what may be part of a mark */
} anm_think;

/* `inside`: the prompt ended with <think>. */
void anm_think_init(anm_think *think, bool inside);
void anm_think_free(anm_think *think);
/* Adds a piece; what is certain is appended to these two. False when memory is out. */
bool anm_think_push(anm_think *think, anm_sv piece, anm_strbuf *thought, anm_strbuf *text);
/* No more comes: what was held back. */
bool anm_think_finish(anm_think *think, anm_strbuf *thought, anm_strbuf *text);

#endif
