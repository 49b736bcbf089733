/* SPDX-License-Identifier: MIT */
/* Telling programs apart without reading all of their weights. */
#ifndef ANM_PROGRAM_FINGERPRINT_H
#define ANM_PROGRAM_FINGERPRINT_H

#include "anemone/program.h"
#include "src/base/sha256.h"

/*
 * Adds what the program says: functions, ops, the types of values, constants. Of a weight in a blob
 * file three stretches of 64 bytes stand for the whole: another checkpoint, another quantisation
 * or another training differ in them.
 */
void anm_program_fingerprint(const anm_program *program, anm_sha256 *hash);

#endif
