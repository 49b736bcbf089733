/* SPDX-License-Identifier: MIT */
/*
 * What a part is made from, as hashes. Two conversions that agree in them write the same bytes, so
 * that a part made by one need not be made again by the other.
 *
 * Whoever adds an option: as long as identity.c does not name it, it counts for every part, and
 * changing it makes all of them stale. A pointer must be named, and what it points to hashed.
 */
#ifndef ANM_CONVERT_IDENTITY_H
#define ANM_CONVERT_IDENTITY_H

#include "src/convert/inputs.h"
#include "src/convert/job.h"

/* A hash of the sources that decide what a conversion writes; tools/source_hash.py. */
extern const char anm_convert_revision[];

typedef struct anm_identity {
    char recipe[ANM_SHA256_HEX];   /* converter, config.json, options, the part's contents */
    char inputs[ANM_SHA256_HEX];   /* its tensors, by file and samples */
    char contents[ANM_SHA256_HEX]; /* its files, by all their bytes; "" unless asked for */
} anm_identity;

ANM_MUST_CHECK anm_status anm_identity_make(const anm_job *job, const anm_planned *planned,
                                            const anm_inputs *inputs, anm_identity *out,
                                            anm_error *err);

#endif
