/* SPDX-License-Identifier: MIT */
/* The fixtures' config.json of real models, one after the other. */
#ifndef ANM_TESTS_EACH_CONFIG_H
#define ANM_TESTS_EACH_CONFIG_H

/*
 * Calls `check` with a directory that holds nothing but the configuration, and the name of the
 * file it came from ("Qwen3-0.6B.json"). Skips the running test without the fixtures.
 */
void each_config(void (*check)(const char *dir, const char *file));

#endif
