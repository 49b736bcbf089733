/* SPDX-License-Identifier: MIT */
/* A stable merge sort of values by their keys, whose comparison may fail. */
#include "src/hf/jinja_run.h"

typedef struct sorter {
    jinja_run *run;
    jinja_value *keys, *items;             /* what is sorted */
    jinja_value *spare_keys, *spare_items; /* room for merging */
    bool reverse;
} sorter;

/* Equal values need no order: Python sorts [none, none], too. */
static bool comes_first(sorter *s, jinja_value right, jinja_value left, bool *first) {
    bool equal;
    int order = 0;
    if (!anm_jinja_equal(s->run, left, right, &equal)) return false;
    if (!equal && !anm_jinja_compare(s->run, right, left, &order)) return false;
    *first = s->reverse ? order > 0 : order < 0;
    return true;
}

static bool merge(sorter *s, size_t start, size_t middle, size_t end) {
    size_t left = start, right = middle;
    for (size_t out = start; out < end; out++) {
        bool take_right = left == middle;
        if (left < middle && right < end &&
            !comes_first(s, s->keys[right], s->keys[left], &take_right))
            return false;
        size_t from = take_right ? right++ : left++;
        s->spare_keys[out] = s->keys[from];
        s->spare_items[out] = s->items[from];
    }
    memcpy(s->keys + start, s->spare_keys + start, (end - start) * sizeof *s->keys);
    memcpy(s->items + start, s->spare_items + start, (end - start) * sizeof *s->items);
    return true;
}

bool anm_jinja_sort(jinja_run *run, jinja_value *keys, jinja_value *items, size_t count,
                    bool reverse) {
    sorter s = {.run = run, .keys = keys, .items = items, .reverse = reverse};
    s.spare_keys = anm_jinja_alloc(run, count, sizeof *keys);
    s.spare_items = anm_jinja_alloc(run, count, sizeof *items);
    if (!s.spare_keys || !s.spare_items) return false;
    for (size_t width = 1; width < count; width *= 2)
        for (size_t start = 0; start + width < count; start += 2 * width) {
            size_t end = start + 2 * width < count ? start + 2 * width : count;
            if (!merge(&s, start, start + width, end)) return false;
        }
    return true;
}
