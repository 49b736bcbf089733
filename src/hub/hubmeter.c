/* SPDX-License-Identifier: MIT */
#include "src/base/clock.h"
#include "src/hub/hubmeter.h"


#include "src/base/temporary.h"

static const double every = 0.1, window = 5;

void anm_hub_meter_begin(anm_hub_meter *meter, const anm_hub_options *options, const char *name) {
    *meter = (anm_hub_meter){.callback = options->progress, .context = options->progress_context};
    meter->now.name = name;
    meter->now.file = "";
    meter->now.seconds_left = -1;
}

/* Bytes over the marks of the last seconds. */
static void measure(anm_hub_meter *m, double t) {
    size_t last = m->marks % ANM_HUB_METER_MARKS, from = 0;
    m->at[last] = t;
    m->bytes[last] = m->now.done;
    m->marks++;
    if (m->marks > ANM_HUB_METER_MARKS) from = m->marks - ANM_HUB_METER_MARKS;
    while (from + 1 < m->marks && t - m->at[from % ANM_HUB_METER_MARKS] > window) from++;
    double span = t - m->at[from % ANM_HUB_METER_MARKS];
    uint64_t then = m->bytes[from % ANM_HUB_METER_MARKS];
    m->now.rate = span > 0.3 && m->now.done > then ? (double)(m->now.done - then) / span : 0;
    m->now.seconds_left = m->now.rate > 0 && m->now.total >= m->now.done
                              ? (double)(m->now.total - m->now.done) / m->now.rate
                              : -1;
}

static anm_status tell(anm_hub_meter *m, anm_error *err) {
    ANM_TRY(anm_temporary_check(err));
    if (m->callback && m->callback(m->context, &m->now) != 0)
        return anm_fail(err, ANM_ERROR_CANCELLED, m->now.name,
                        "stopped; what has come is kept for the next time");
    return ANM_OK;
}

anm_status anm_hub_meter_phase(anm_hub_meter *meter, anm_hub_phase phase, uint64_t total,
                               anm_error *err) {
    meter->now.phase = phase;
    meter->now.done = 0;
    meter->now.total = total;
    meter->now.rate = 0;
    meter->now.seconds_left = -1;
    meter->marks = 0;
    meter->told = anm_seconds();
    return tell(meter, err);
}

anm_status anm_hub_meter_at(anm_hub_meter *meter, uint64_t done, anm_error *err) {
    double t = anm_seconds();
    meter->now.done = done;
    ANM_TRY(anm_temporary_check(err));
    if (t - meter->told < every) return ANM_OK;
    meter->told = t;
    measure(meter, t);
    return tell(meter, err);
}
