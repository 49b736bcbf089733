/* SPDX-License-Identifier: MIT */
/*
 * A counter that threads wait for, spinning first, then asleep. All zeros but `most` is a gate.
 *
 * How long to spin is learnt. While the thread waited for runs on another processor, spinning is
 * the faster by a hundred times. On a crowded machine it is not running, perhaps because it wants
 * the processor that spins: each wait that spinning did not end halves the time, each that it did
 * gives some back, and now and then the whole time is tried to see whether the crowd has left.
 */
#ifndef ANM_CPU_GATE_H
#define ANM_CPU_GATE_H

#include <stdatomic.h>
#include <stdbool.h>

typedef struct anm_gate {
    _Alignas(64) atomic_uint value;
    atomic_int sleepers;
    atomic_int impatience; /* nanoseconds less than `most` to spin */
    atomic_uint waits;     /* while impatient */
    int most;              /* nanoseconds; 0: more threads than processors, never spin */
} anm_gate;

/* Whether the value is no longer `seen`. */
static inline bool anm_gate_moved(const anm_gate *g, unsigned seen) {
    return atomic_load_explicit(&g->value, memory_order_acquire) != seen;
}
/* Until it is not. */
void anm_gate_wait(anm_gate *g, unsigned seen);
/* The next value; wakes all who sleep. */
void anm_gate_advance(anm_gate *g);

/* The system's: gate_futex.c or gate_condition.c. */
void anm_gate_sleep(anm_gate *g, unsigned seen); /* while the value is `seen` */
void anm_gate_wake(anm_gate *g);

#endif
