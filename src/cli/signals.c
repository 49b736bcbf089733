/* SPDX-License-Identifier: MIT */
/* Ending in good order: nothing half-written stays behind when the program is told to stop. */
#include <signal.h>
#include <stddef.h>

#include "anemone/interrupt.h"
#include "src/cli/cli.h"

static volatile sig_atomic_t interrupted, stopped;

static void set_handler(int signal, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

/* With nothing to take back, or asked again, the signal does what it always does. */
static void on_stop(int signal) {
    if (!stopped && anm_writing()) {
        stopped = signal;
        anm_cancel_writing(1);
        return;
    }
    set_handler(signal, SIG_DFL, 0);
    raise(signal);
}

void cli_handle_signals(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction now;
        /* Under nohup, or in the background of a script, a signal may be one to ignore. */
        if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            set_handler(signals[i], on_stop, SA_RESTART);
    }
    set_handler(SIGXFSZ, SIG_IGN, 0); /* beyond a limit on file size, writing fails and says so */
}

int cli_stopped(void) {
    return stopped;
}

static void on_interrupt(int signal) {
    (void)signal;
    interrupted = 1;
}

void cli_catch_interrupt(void) {
    interrupted = 0;
    set_handler(SIGINT, on_interrupt, 0);
}

void cli_release_interrupt(void) {
    set_handler(SIGINT, on_stop, SA_RESTART);
}

bool cli_interrupted(void) {
    bool was = interrupted != 0;
    interrupted = 0;
    return was;
}
