/* SPDX-License-Identifier: MIT */
/* Models that tests convert and open. */
#ifndef ANM_TESTS_OPEN_MODEL_H
#define ANM_TESTS_OPEN_MODEL_H

#include "anemone/anemone.h"

/* Fails the running test if it cannot. */
anm_llm *open_llm(const char *dir, anm_precision precision);

/*
 * Converts `source` to ROOT/NAME and opens that with one thread: for a group's setup, where
 * nothing may be asserted. Non-zero after a message.
 */
int convert_and_open(anm_llm **out, const char *source, const char *root, const char *name,
                     const anm_convert_options *options);

#endif
