/* SPDX-License-Identifier: MIT */
/* Sleeping on Linux: no lock that those who wake at once would queue for. */
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/cpu/gate.h"

void anm_gate_sleep(anm_gate *g, unsigned seen) {
    syscall(SYS_futex, &g->value, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

void anm_gate_wake(anm_gate *g) {
    syscall(SYS_futex, &g->value, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
