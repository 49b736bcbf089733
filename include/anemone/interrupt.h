/* SPDX-License-Identifier: MIT */
/*
 * For a program that is told to end (SIGTERM, Ctrl-C) while the library writes: let it take back
 * what is half done instead of leaving temporary files. Both functions may be called in a signal
 * handler and on any thread.
 *
 *     static void on_signal(int signal) {
 *         if (anm_writing()) anm_cancel_writing(1);   // the call returns ANM_ERROR_CANCELLED
 *         else _exit(128 + signal);
 *     }
 */
#ifndef ANEMONE_INTERRUPT_H
#define ANEMONE_INTERRUPT_H

#include "anemone/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How many files and directories lie under temporary names of this process at the moment. */
ANM_API int anm_writing(void);
/* Process-wide. While set, everything that writes fails with ANM_ERROR_CANCELLED, soon. */
ANM_API void anm_cancel_writing(int cancel);

#ifdef __cplusplus
}
#endif

#endif
