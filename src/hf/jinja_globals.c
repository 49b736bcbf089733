/* SPDX-License-Identifier: MIT */
/* Functions every template has: Jinja2's globals and those transformers adds. */
#include "src/hf/jinja_strings.h"

static bool range_size(jinja_run *run, int64_t start, int64_t stop, int64_t step, size_t *count) {
    if (step == 0) return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "range: the step is zero");
    uint64_t low = (uint64_t)(step > 0 ? start : stop), high = (uint64_t)(step > 0 ? stop : start);
    uint64_t stride = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
    bool empty = step > 0 ? start >= stop : stop >= start;
    uint64_t n = empty ? 0 : (high - low - 1) / stride + 1;
    if (n > JINJA_MAX_RANGE)
        return anm_jinja_raise(run, ANM_ERROR_LIMIT, "range: more than %d elements",
                               JINJA_MAX_RANGE);
    *count = (size_t)n;
    return true;
}

static bool global_range(jinja_run *run, const jinja_call *call, jinja_value *out) {
    int64_t start, stop, step;
    size_t count;
    bool one = call->arg[1].kind == JINJA_ABSENT;
    if (!anm_jinja_int_arg(run, one ? jinja_int(0) : call->arg[0], 0, &start) ||
        !anm_jinja_int_arg(run, one ? call->arg[0] : call->arg[1], 0, &stop) ||
        !anm_jinja_int_arg(run, call->arg[2], 1, &step) ||
        !range_size(run, start, stop, step, &count) ||
        !anm_jinja_list_new(run, JINJA_LIST, count, out))
        return false;
    for (size_t i = 0; i < count; i++)
        out->list->items[i] = jinja_int((int64_t)((uint64_t)start + i * (uint64_t)step));
    out->list->len = count;
    return anm_jinja_charge(run, count / 16);
}

static bool global_namespace(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return anm_jinja_dict_new(run, JINJA_NAMESPACE, out) &&
           anm_jinja_dict_update(run, out->dict, call->all);
}

static bool global_dict(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return anm_jinja_dict_new(run, JINJA_DICT, out) &&
           anm_jinja_dict_update(run, out->dict, call->all);
}

static bool new_cycler(jinja_run *run, const jinja_value *items, size_t count, bool joiner,
                       jinja_value *out) {
    jinja_value list;
    jinja_cycler *cycler = anm_jinja_alloc(run, 1, sizeof *cycler);
    if (!cycler || !anm_jinja_list_new(run, JINJA_LIST, count, &list)) return false;
    memcpy(list.list->items, items, count * sizeof *items);
    list.list->len = count;
    *cycler = (jinja_cycler){list.list, 0, joiner};
    *out = (jinja_value){.kind = JINJA_CYCLER, .cycler = cycler};
    return true;
}

static bool global_cycler(jinja_run *run, const jinja_call *call, jinja_value *out) {
    if (!call->all->len || call->all->keyword_count)
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "cycler needs values to cycle through");
    return new_cycler(run, call->all->items, call->all->len, false, out);
}

/* Gives nothing when first called, then the separator. */
static bool global_joiner(jinja_run *run, const jinja_call *call, jinja_value *out) {
    bool given = call->arg[0].kind != JINJA_ABSENT;
    jinja_value items[2] = {jinja_string(anm_sv_from("")),
                            given ? call->arg[0] : jinja_string(anm_sv_from(", "))};
    return new_cycler(run, items, 2, true, out);
}

static bool global_strftime_now(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv format, text;
    return anm_jinja_text_arg(run, call->arg[0], &format) &&
           anm_jinja_strftime(run, format, &text) && jinja_return_text(out, text);
}

/* The template refuses its input: the message is its own, without a place before it. */
static bool global_raise_exception(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv message;
    const jinja_source *source = &run->tmpl->source;
    if (!anm_jinja_text(run, call->arg[0], &message)) return false;
    run->status = anm_fail_at(run->err, ANM_ERROR_ARGUMENT, source->name,
                              source->exact ? run->at : ANM_NO_OFFSET, "%.*s",
                              message.len > 500 ? 500 : (int)message.len, message.data);
    return false;
}

const jinja_builtin anm_jinja_globals[] = {
    {"range", "start stop step", 1, global_range},
    {"namespace", "*", 0, global_namespace},
    {"dict", "*", 0, global_dict},
    {"cycler", "*", 0, global_cycler},
    {"joiner", "sep", 0, global_joiner},
    {"strftime_now", "format", 1, global_strftime_now},
    {"raise_exception", "message", 1, global_raise_exception},
    {NULL, NULL, 0, NULL},
};
