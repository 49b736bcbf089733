/* SPDX-License-Identifier: MIT */
/* Widening reads and writes of states; the proof that rows are read after they are written. */
#include <string.h>

#include "src/pass/cachewindow.h"
#include "src/pass/widen_rules.h"

static bool add_access(widener *w, const wide_access *a) {
    if (anm_vec_push(&w->accesses, *a)) return true;
    w->out_of_memory = true;
    return false;
}

bool widen_reads(widener *w, wide_fact f, const int64_t *begin, const int64_t *end) {
    const anm_mil_type *type = f.state->type->items[0];
    wide_access a = {.state = f.state, .moment = f.moment};
    for (int i = 0; i < type->rank; i++) {
        a.begin[i] = begin ? begin[i] : 0;
        a.end[i] = begin ? end[i] : type->shape[i];
    }
    return add_access(w, &a);
}

static bool overlap(const wide_access *a, const wide_access *b) {
    for (int i = 0; i < a->state->type->items[0]->rank; i++)
        if (a->begin[i] >= b->end[i] || b->begin[i] >= a->end[i]) return false;
    return true;
}

/* Quadratic, but in the layers alone. */
bool widen_reads_follow_writes(widener *w) {
    for (size_t i = 0; i < w->accesses.len; i++)
        for (size_t k = 0; k < w->accesses.len; k++) {
            const wide_access *read = &w->accesses.data[i], *write = &w->accesses.data[k];
            if (!read->write && write->write && read->state == write->state &&
                write->moment > read->moment && overlap(read, write))
                return widen_refuse(w, "a state is read before all rows are written to it");
        }
    return true;
}

static bool read_state(widener *w, anm_mil_op *op, wide_fact *out) {
    *out = (wide_fact){.kind = ANM_WIDE_STATE, .raw = true, .state = anm_arg_value(op, "input"),
                       .moment = w->moment};
    return true;
}

static bool write_state(widener *w, anm_mil_op *op, wide_fact *out) {
    wide_fact data = widen_arg(w, op, "data");
    *out = (wide_fact){0};
    if (data.kind != ANM_WIDE_STATE || !data.raw || data.state != anm_arg_value(op, "input"))
        return widen_refuse(w, "writes something else than rows into the state");
    return true;
}

/* The end of the window: the position plus as many as there are rows. */
static anm_mil_value *wide_end(widener *w, const anm_mil_op *op, const anm_cache_window *window) {
    const anm_mil_op *concat = anm_arg_def(op, "end", "concat");
    const anm_mil_arg *parts = concat ? anm_mil_op_arg(concat, "values") : NULL;
    anm_mil_value *values[ANM_MAX_RANK];
    if (!parts || parts->count > ANM_MAX_RANK) return NULL;
    for (size_t i = 0; i < parts->count; i++) {
        values[i] = parts->operands[i].value;
        if (!values[i]) return NULL;
    }
    values[window->axis] =
        anm_flow_emit(w->g, "add", "end_position", {"x", window->position},
                      {"y", anm_flow_int(w->g, "rows", w->to)});
    return values[window->axis]
               ? anm_flow_emit(w->g, "concat", "end", {"values", NULL, values, parts->count},
                               {"axis", anm_flow_int(w->g, "axis", 0)},
                               {"interleave", anm_flow_bool(w->g, "interleave", false)})
               : NULL;
}

static bool written(widener *w, wide_fact state, const anm_mil_type *update,
                    const anm_cache_window *window) {
    const anm_mil_type *type = state.state->type->items[0];
    wide_access a = {.state = state.state, .moment = w->moment, .write = true};
    for (int i = 0; i < type->rank; i++) {
        bool moves = i == window->axis;
        a.begin[i] = window->begin[i];
        a.end[i] = moves ? type->shape[i] : window->begin[i] + update->shape[i];
    }
    return add_access(w, &a);
}

/* Rows go where the position says, one after the other. */
static bool slice_update(widener *w, anm_mil_op *op, wide_fact *out) {
    wide_fact x = widen_arg(w, op, "x"), rows = widen_arg(w, op, "update");
    const anm_mil_value *update = anm_arg_value(op, "update");
    anm_cache_window window = {.axis = -1};
    int64_t shape[ANM_MAX_RANK];
    if (x.kind != ANM_WIDE_STATE || !x.raw || rows.kind != ANM_WIDE_ROWS ||
        rows.columns != WIDE_PLAIN || !widen_is_simple(w, update, rows))
        return widen_refuse(w, "writes something else than rows into the state");
    memcpy(shape, update->type->shape, sizeof shape);
    shape[rows.axis] = w->from;
    if (!anm_cache_window_read(op, x.state->type->items[0], shape, &window) ||
        window.axis != rows.axis ||
        widen_fact(w, window.position).kind != ANM_WIDE_POSITION)
        return widen_refuse(w, "does not write at the position");
    if (w->to > x.state->type->items[0]->shape[rows.axis])
        return widen_refuse(w, "the state has too few rows");
    *out = x;
    out->moment = w->moment;
    anm_mil_value *end = wide_end(w, op, &window);
    if (!end) return widen_refuse(w, "does not write at the position");
    return widen_set_arg(w, op, "end", end) && written(w, x, update->type, &window);
}

const widen_rule_of widen_rules_of_states[] = {
    {"read_state", read_state},
    {"write_state", write_state},
    {"slice_update", slice_update},
    {NULL, NULL},
};
