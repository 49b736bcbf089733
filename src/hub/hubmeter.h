/* SPDX-License-Identifier: MIT */
/* How far and how fast; whether to stop. */
#ifndef ANM_HUB_HUBMETER_H
#define ANM_HUB_HUBMETER_H

#include "anemone/hub.h"

enum { ANM_HUB_METER_MARKS = 64 };

typedef struct anm_hub_meter {
    anm_hub_progress now;
    anm_hub_progress_fn callback;
    void *context;
    /* The last seconds: when, and how many bytes there were. */
    double at[ANM_HUB_METER_MARKS];
    uint64_t bytes[ANM_HUB_METER_MARKS];
    size_t marks;
    double told; /* when the callback was called last */
} anm_hub_meter;

void anm_hub_meter_begin(anm_hub_meter *meter, const anm_hub_options *options, const char *name);
/* A new phase, told at once. */
ANM_MUST_CHECK anm_status anm_hub_meter_phase(anm_hub_meter *meter, anm_hub_phase phase,
                                              uint64_t total, anm_error *err);
/* Now so many bytes. ANM_ERROR_CANCELLED after the callback or anm_cancel_writing() said so. */
ANM_MUST_CHECK anm_status anm_hub_meter_at(anm_hub_meter *meter, uint64_t done, anm_error *err);

#endif
