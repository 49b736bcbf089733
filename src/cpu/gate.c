/* SPDX-License-Identifier: MIT */
#include "src/cpu/gate.h"

#include <stdint.h>

#include "src/base/clock.h"

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif

enum {
    LOOKS = 32,       /* between two looks at the clock: some microseconds */
    LEAST = 2000,     /* nanoseconds of patience below which there is none */
    TRY_EACH = 32,    /* waits of the impatient: one of them gets the whole time */
    GIVEN_BACK = 1000 /* nanoseconds of patience, for a wait that was short enough */
};

/* Whether the value moved within the time. */
static bool spin(const anm_gate *g, unsigned seen, int nanoseconds) {
    uint64_t begin = 0;
    if (g->most == 0) return anm_gate_moved(g, seen);
    for (unsigned i = 0; !anm_gate_moved(g, seen); i++) {
        PAUSE();
        if (i % LOOKS != LOOKS - 1) continue;
        uint64_t now = anm_nanoseconds();
        if (begin == 0) begin = now;
        if (now - begin >= (uint64_t)nanoseconds) return false;
    }
    return true;
}

/* Of many who waited in vain for one event only the first changes what all have learnt. */
static void learn(anm_gate *g, int before, int now) {
    if (now > g->most - LEAST) now = g->most;
    if (now < 0) now = 0;
    if (now != before)
        atomic_compare_exchange_strong_explicit(&g->impatience, &before, now, memory_order_relaxed,
                                                memory_order_relaxed);
}

void anm_gate_wait(anm_gate *g, unsigned seen) {
    int impatience = atomic_load_explicit(&g->impatience, memory_order_relaxed);
    bool try_all = impatience > 0 && atomic_fetch_add_explicit(&g->waits, 1, memory_order_relaxed) %
                                             TRY_EACH == TRY_EACH - 1;
    int patience = g->most - impatience;
    if (spin(g, seen, try_all ? g->most : patience)) {
        if (impatience > 0)
            learn(g, impatience, try_all ? 0 : impatience - patience / 4 - GIVEN_BACK);
        return;
    }
    if (!try_all) learn(g, impatience, impatience + patience / 2);
    atomic_fetch_add(&g->sleepers, 1);
    while (!anm_gate_moved(g, seen)) anm_gate_sleep(g, seen);
    atomic_fetch_sub(&g->sleepers, 1);
}

/* Who sleeps has counted itself before it looked at the value, so that one of the two sees. */
void anm_gate_advance(anm_gate *g) {
    atomic_fetch_add(&g->value, 1);
    if (atomic_load(&g->sleepers) != 0) anm_gate_wake(g);
}
