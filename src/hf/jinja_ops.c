/* SPDX-License-Identifier: MIT */
/* Arithmetic, membership, and the parts of values: attributes, items, slices. */
#include <math.h>

#include "src/hf/jinja_run.h"
#include "src/hf/jinja_utf8.h"

/* --- arithmetic --- */

static bool too_big(jinja_run *run) {
    return anm_jinja_raise(run, ANM_ERROR_LIMIT, "the number does not fit in 64 bits");
}

static bool raise_types(jinja_run *run, const char *op, jinja_value a, jinja_value b) {
    if (JINJA_IS(a, JINJA_UNDEFINED)) return anm_jinja_raise_undefined(run, a);
    if (JINJA_IS(b, JINJA_UNDEFINED)) return anm_jinja_raise_undefined(run, b);
    return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "%s does not work on a %s and a %s", op,
                           anm_jinja_type_name(a), anm_jinja_type_name(b));
}

static int64_t as_integer(jinja_value v) {
    return JINJA_IS(v, JINJA_BOOL) ? v.truth : v.integer;
}

/* Python rounds quotients down, C towards zero. */
static bool integer_divide(jinja_run *run, int64_t x, int64_t y, bool want_rest, int64_t *out) {
    if (y == 0) return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "division by zero");
    if (y == -1) {
        *out = 0;
        return want_rest || !__builtin_sub_overflow((int64_t)0, x, out) || too_big(run);
    }
    int64_t quotient = x / y, rest = x % y;
    bool adjust = rest != 0 && (rest < 0) != (y < 0);
    *out = want_rest ? rest + (adjust ? y : 0) : quotient - adjust;
    return true;
}

static bool integer_power(jinja_run *run, int64_t base, int64_t exponent, int64_t *out) {
    int64_t result = 1;
    for (; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) return too_big(run);
        if (exponent > 1 && __builtin_mul_overflow(base, base, &base)) return too_big(run);
    }
    *out = result;
    return true;
}

static bool integer_op(jinja_run *run, jinja_op op, int64_t x, int64_t y, jinja_value *out) {
    int64_t result = 0;
    bool ok = true, overflow = false;
    switch (op) {
    case JINJA_OP_ADD: overflow = __builtin_add_overflow(x, y, &result); break;
    case JINJA_OP_SUB: overflow = __builtin_sub_overflow(x, y, &result); break;
    case JINJA_OP_MUL: overflow = __builtin_mul_overflow(x, y, &result); break;
    case JINJA_OP_POW: ok = integer_power(run, x, y, &result); break;
    default: ok = integer_divide(run, x, y, op == JINJA_OP_MOD, &result);
    }
    if (overflow) return too_big(run);
    *out = jinja_int(result);
    return ok;
}

static double float_rest(double x, double y) {
    double rest = fmod(x, y);
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

static bool float_op(jinja_run *run, jinja_op op, double x, double y, jinja_value *out) {
    bool divides = op == JINJA_OP_DIV || op == JINJA_OP_FLOOR_DIV || op == JINJA_OP_MOD;
    if (divides && y == 0) return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "division by zero");
    switch (op) {
    case JINJA_OP_ADD: *out = jinja_float(x + y); break;
    case JINJA_OP_SUB: *out = jinja_float(x - y); break;
    case JINJA_OP_MUL: *out = jinja_float(x * y); break;
    case JINJA_OP_DIV: *out = jinja_float(x / y); break;
    case JINJA_OP_FLOOR_DIV: *out = jinja_float(floor(x / y)); break;
    case JINJA_OP_MOD: *out = jinja_float(float_rest(x, y)); break;
    default: *out = jinja_float(pow(x, y)); break;
    }
    return true;
}

static bool number_op(jinja_run *run, jinja_op op, jinja_value a, jinja_value b,
                      jinja_value *out) {
    bool integers = a.kind != JINJA_FLOAT && b.kind != JINJA_FLOAT && op != JINJA_OP_DIV &&
                    !(op == JINJA_OP_POW && as_integer(b) < 0);
    if (integers) return integer_op(run, op, as_integer(a), as_integer(b), out);
    return float_op(run, op, anm_jinja_number(a), anm_jinja_number(b), out);
}

static bool join_texts(jinja_run *run, jinja_value a, jinja_value b, jinja_value *out) {
    anm_sv parts[2], text;
    if (!anm_jinja_text(run, a, &parts[0]) || !anm_jinja_text(run, b, &parts[1]) ||
        !anm_jinja_join(run, parts, 2, &text))
        return false;
    *out = jinja_string(text);
    return true;
}

static bool join_lists(jinja_run *run, jinja_value a, jinja_value b, jinja_value *out) {
    size_t total = a.list->len + b.list->len;
    if (!anm_jinja_list_new(run, (jinja_kind)a.kind, total, out)) return false;
    jinja_value *items = out->list->items;
    if (a.list->len) memcpy(items, a.list->items, a.list->len * sizeof *items);
    if (b.list->len) memcpy(items + a.list->len, b.list->items, b.list->len * sizeof *items);
    out->list->len = total;
    return anm_jinja_charge(run, total / 16);
}

static bool repeat_text(jinja_run *run, anm_sv text, size_t times, jinja_value *out) {
    size_t total;
    if (__builtin_mul_overflow(text.len, times, &total)) total = SIZE_MAX;
    char *data = anm_jinja_alloc(run, total, 1);
    if (!data) return false;
    for (size_t i = 0; text.len && i < times; i++) memcpy(data + i * text.len, text.data, text.len);
    *out = jinja_string((anm_sv){data, total});
    return anm_jinja_charge_bytes(run, total);
}

static bool repeat_list(jinja_run *run, jinja_value v, size_t times, jinja_value *out) {
    size_t total;
    if (__builtin_mul_overflow(v.list->len, times, &total)) total = SIZE_MAX;
    if (!anm_jinja_list_new(run, (jinja_kind)v.kind, total, out)) return false;
    for (size_t i = 0; i < total; i++) out->list->items[i] = v.list->items[i % v.list->len];
    out->list->len = total;
    return anm_jinja_charge(run, total / 16);
}

/* "ab" * 3 and [1] * 3, either way round. */
static bool repeat(jinja_run *run, jinja_value a, jinja_value b, jinja_value *out) {
    jinja_value what = jinja_is_number(a) ? b : a, times = jinja_is_number(a) ? a : b;
    bool whole = JINJA_IS(times, JINJA_INT) || JINJA_IS(times, JINJA_BOOL);
    if (!whole || !(JINJA_IS(what, JINJA_STRING) || jinja_is_sequence(what)))
        return raise_types(run, "*", a, b);
    size_t count = as_integer(times) > 0 ? (size_t)as_integer(times) : 0;
    if (JINJA_IS(what, JINJA_STRING)) return repeat_text(run, what.text, count, out);
    return repeat_list(run, what, count, out);
}

/* "%s of %d" % (a, b) */
static bool percent(jinja_run *run, jinja_value a, jinja_value b, jinja_value *out) {
    jinja_args args = {.items = &b, .len = 1};
    if (JINJA_IS(b, JINJA_TUPLE)) args = (jinja_args){.items = b.list->items, .len = b.list->len};
    anm_sv text;
    if (!anm_jinja_percent_format(run, a.text, &args, &text)) return false;
    *out = jinja_string(text);
    return true;
}

/* A string and a number are joined, which Python refuses: huggingface.js' templates do it. */
static bool add(jinja_run *run, jinja_value a, jinja_value b, jinja_value *out) {
    bool text_a = JINJA_IS(a, JINJA_STRING), text_b = JINJA_IS(b, JINJA_STRING);
    if ((text_a || text_b) && (text_a || jinja_is_number(a)) && (text_b || jinja_is_number(b)))
        return join_texts(run, a, b, out);
    if (jinja_is_sequence(a) && a.kind == b.kind) return join_lists(run, a, b, out);
    return raise_types(run, "+", a, b);
}

bool anm_jinja_binary(jinja_run *run, jinja_op op, jinja_value a, jinja_value b,
                      jinja_value *out) {
    static const char *const names[] = {"+", "-", "*", "/", "//", "%", "**"};
    if (jinja_is_number(a) && jinja_is_number(b)) return number_op(run, op, a, b, out);
    if (op == JINJA_OP_ADD) return add(run, a, b, out);
    if (op == JINJA_OP_MUL && (jinja_is_number(a) || jinja_is_number(b)))
        return repeat(run, a, b, out);
    if (op == JINJA_OP_MOD && JINJA_IS(a, JINJA_STRING)) return percent(run, a, b, out);
    return raise_types(run, names[op], a, b);
}

/* --- membership --- */

static bool in_list(jinja_run *run, jinja_value item, const jinja_list *list, bool *found) {
    for (size_t i = 0; i < list->len; i++) {
        jinja_value other = list->items[i];
        bool mixed = JINJA_IS(item, JINJA_BOOL) != JINJA_IS(other, JINJA_BOOL);
        if (mixed && !run->options->python) continue;
        if (!anm_jinja_equal(run, item, other, found)) return false;
        if (*found) return true;
    }
    return true;
}

bool anm_jinja_contains(jinja_run *run, jinja_value item, jinja_value in, bool *found) {
    jinja_entry *entry;
    *found = false;
    switch (in.kind) {
    case JINJA_UNDEFINED: return true;
    case JINJA_LIST:
    case JINJA_TUPLE: return in_list(run, item, in.list, found);
    case JINJA_DICT:
        if (!anm_jinja_dict_find(run, in.dict, item, &entry)) return false;
        *found = entry != NULL;
        return true;
    case JINJA_STRING:
        if (!JINJA_IS(item, JINJA_STRING)) return raise_types(run, "in", item, in);
        *found = item.text.len == 0 ||
                 memmem(in.text.data, in.text.len, item.text.data, item.text.len) != NULL;
        return anm_jinja_charge_bytes(run, in.text.len);
    default:
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "a %s cannot be searched with \"in\"",
                               anm_jinja_type_name(in));
    }
}

/* --- attributes and items --- */

static jinja_value loop_item(const jinja_loop *loop, size_t index, const char *name) {
    if (index < loop->count) return loop->items[index];
    return jinja_undefined(anm_sv_from(name), JINJA_LOOP);
}

static bool loop_attribute(const jinja_loop *loop, anm_sv name, jinja_value *out) {
    const int64_t index = (int64_t)loop->index, count = (int64_t)loop->count;
    const struct {
        const char *name;
        jinja_value value;
    } attributes[] = {
        {"index", jinja_int(index + 1)},
        {"index0", jinja_int(index)},
        {"revindex", jinja_int(count - index)},
        {"revindex0", jinja_int(count - index - 1)},
        {"first", jinja_bool(index == 0)},
        {"last", jinja_bool(index == count - 1)},
        {"length", jinja_int(count)},
        {"depth", jinja_int(loop->level + 1)},
        {"depth0", jinja_int(loop->level)},
        {"previtem", loop_item(loop, loop->index - 1, "previtem")},
        {"nextitem", loop_item(loop, loop->index + 1, "nextitem")},
    };
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        if (!anm_sv_is(name, attributes[i].name)) continue;
        *out = attributes[i].value;
        return true;
    }
    return false;
}

static bool bind_method(jinja_run *run, const jinja_builtin *method, jinja_value self,
                        jinja_value *out) {
    jinja_function *function = anm_jinja_alloc(run, 1, sizeof *function);
    if (!function) return false;
    *function = (jinja_function){method, self};
    *out = (jinja_value){.kind = JINJA_FUNCTION, .function = function};
    return true;
}

static const jinja_entry *member(jinja_value object, anm_sv name) {
    bool has_members = JINJA_IS(object, JINJA_DICT) || JINJA_IS(object, JINJA_NAMESPACE);
    return has_members ? anm_jinja_dict_get(object.dict, name) : NULL;
}

/* As in Python, a dict's method comes before its key: d.items is the method, d['items'] the key. */
bool anm_jinja_attribute(jinja_run *run, jinja_value object, anm_sv name, jinja_value *out) {
    if (JINJA_IS(object, JINJA_UNDEFINED)) return anm_jinja_raise_undefined(run, object);
    if (JINJA_IS(object, JINJA_LOOP) && loop_attribute(object.loop, name, out)) return true;
    const jinja_builtin *method = anm_jinja_find_method(object, name);
    if (method) return bind_method(run, method, object, out);
    const jinja_entry *entry = member(object, name);
    if (entry) {
        *out = entry->value;
    } else if (JINJA_IS(object, JINJA_MACRO) && anm_sv_is(name, "name")) {
        *out = jinja_string(object.macro->node->name);
    } else if (JINJA_IS(object, JINJA_CYCLER) && anm_sv_is(name, "current")) {
        *out = object.cycler->items->items[object.cycler->at];
    } else if (JINJA_IS(object, JINJA_TUPLE) && object.owner && anm_sv_is(name, "grouper")) {
        *out = object.list->items[0];
    } else if (JINJA_IS(object, JINJA_TUPLE) && object.owner && anm_sv_is(name, "list")) {
        *out = object.list->items[1];
    } else {
        *out = jinja_undefined(name, (jinja_kind)object.kind);
    }
    return true;
}

/* -1 when the index is outside. */
static int64_t from_end(int64_t index, size_t len) {
    if (index < 0) index += (int64_t)len;
    return index >= 0 && index < (int64_t)len ? index : -1;
}

static bool string_item(jinja_run *run, anm_sv text, int64_t index, jinja_value *out) {
    if (!anm_jinja_charge_bytes(run, text.len)) return false;
    int64_t at = from_end(index, anm_jinja_utf8_length(text));
    *out = jinja_undefined(anm_sv_from("index"), JINJA_STRING);
    if (at < 0) return true;
    size_t offset = anm_jinja_utf8_offset(text, (size_t)at);
    *out = jinja_string((anm_sv){text.data + offset, anm_jinja_utf8_size(text.data + offset)});
    return true;
}

bool anm_jinja_item(jinja_run *run, jinja_value object, jinja_value key, jinja_value *out) {
    jinja_entry *entry;
    if (JINJA_IS(object, JINJA_UNDEFINED)) return anm_jinja_raise_undefined(run, object);
    if (JINJA_IS(object, JINJA_DICT)) {
        if (!anm_jinja_dict_find(run, object.dict, key, &entry)) return false;
        if (entry) return *out = entry->value, true;
    } else if (JINJA_IS(key, JINJA_INT) || JINJA_IS(key, JINJA_BOOL)) {
        if (JINJA_IS(object, JINJA_STRING))
            return string_item(run, object.text, as_integer(key), out);
        if (jinja_is_sequence(object)) {
            int64_t at = from_end(as_integer(key), object.list->len);
            *out = at < 0 ? jinja_undefined(anm_sv_from("index"), (jinja_kind)object.kind)
                          : object.list->items[at];
            return true;
        }
    }
    if (JINJA_IS(key, JINJA_STRING)) return anm_jinja_attribute(run, object, key.text, out);
    anm_sv name;
    if (!anm_jinja_text(run, key, &name)) return false;
    *out = jinja_undefined(name, (jinja_kind)object.kind);
    return true;
}

static bool path_key(anm_sv part, jinja_value *key) {
    bool digits = part.len > 0 && part.len < 10;
    int64_t number = 0;
    for (size_t i = 0; i < part.len && digits; i++) {
        digits = part.data[i] >= '0' && part.data[i] <= '9';
        number = number * 10 + (part.data[i] - '0');
    }
    *key = digits ? jinja_int(number) : jinja_string(part);
    return true;
}

bool anm_jinja_path(jinja_run *run, jinja_value object, jinja_value path, jinja_value *out) {
    *out = object;
    if (!anm_jinja_charge(run, 1)) return false;
    if (!JINJA_IS(path, JINJA_STRING)) return anm_jinja_item(run, object, path, out);
    anm_sv rest = path.text;
    for (;;) {
        const char *dot = rest.len ? memchr(rest.data, '.', rest.len) : NULL;
        size_t n = dot ? (size_t)(dot - rest.data) : rest.len;
        jinja_value key;
        path_key((anm_sv){rest.data, n}, &key);
        if (!anm_jinja_item(run, *out, key, out)) return false;
        if (!dot) return true;
        rest = (anm_sv){dot + 1, rest.len - n - 1};
    }
}

/* --- slices --- */

typedef struct range {
    int64_t start, step;
    size_t count;
} range;

static bool slice_number(jinja_run *run, jinja_value v, int64_t absent, int64_t *out) {
    *out = absent;
    if (JINJA_IS(v, JINJA_NONE)) return true;
    if (JINJA_IS(v, JINJA_UNDEFINED)) return anm_jinja_raise_undefined(run, v);
    if (!JINJA_IS(v, JINJA_INT) && !JINJA_IS(v, JINJA_BOOL))
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "a slice needs integers, not a %s",
                               anm_jinja_type_name(v));
    *out = as_integer(v);
    return true;
}

static int64_t clamp(int64_t at, int64_t len, int64_t low, int64_t high) {
    if (at < 0) at += len;
    return at < low ? low : at > high ? high : at;
}

/* Which elements part[0]:part[1]:part[2] picks out of `len`. */
static bool slice_range(jinja_run *run, const jinja_value part[3], size_t size, range *r) {
    int64_t len = (int64_t)size, start, stop;
    if (!slice_number(run, part[2], 1, &r->step)) return false;
    if (r->step == 0) return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "a slice's step is zero");
    if (r->step == INT64_MIN) r->step++;
    bool back = r->step < 0;
    if (!slice_number(run, part[0], back ? INT64_MAX : 0, &start)) return false;
    start = clamp(start, len, back ? -1 : 0, back ? len - 1 : len);
    if (!slice_number(run, part[1], back ? INT64_MIN : INT64_MAX, &stop)) return false;
    /* An absent stop going backwards is before the first element, not len from the end. */
    stop = stop == INT64_MIN ? -1 : clamp(stop, len, back ? -1 : 0, back ? len - 1 : len);
    int64_t distance = back ? start - stop : stop - start, stride = back ? -r->step : r->step;
    r->start = start;
    r->count = distance > 0 ? (size_t)((distance - 1) / stride + 1) : 0;
    return true;
}

static bool slice_string(jinja_run *run, anm_sv text, const jinja_value part[3],
                         jinja_value *out) {
    range r;
    if (!anm_jinja_charge_bytes(run, text.len) ||
        !slice_range(run, part, anm_jinja_utf8_length(text), &r))
        return false;
    if (r.step == 1) {
        size_t from = anm_jinja_utf8_offset(text, (size_t)r.start);
        anm_sv rest = {text.data + from, text.len - from};
        *out = jinja_string((anm_sv){rest.data, anm_jinja_utf8_offset(rest, r.count)});
        return true;
    }
    jinja_value *characters;
    size_t count;
    if (!anm_jinja_iterate(run, jinja_string(text), &characters, &count)) return false;
    char *data = anm_jinja_alloc(run, r.count * 4, 1);
    if (!data) return false;
    size_t used = 0;
    for (size_t i = 0; i < r.count; i++) {
        anm_sv c = characters[r.start + (int64_t)i * r.step].text;
        memcpy(data + used, c.data, c.len);
        used += c.len;
    }
    *out = jinja_string((anm_sv){data, used});
    return true;
}

bool anm_jinja_slice(jinja_run *run, jinja_value object, const jinja_value part[3],
                     jinja_value *out) {
    range r;
    if (JINJA_IS(object, JINJA_UNDEFINED)) return anm_jinja_raise_undefined(run, object);
    if (JINJA_IS(object, JINJA_STRING)) return slice_string(run, object.text, part, out);
    if (!jinja_is_sequence(object))
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "a %s cannot be sliced",
                               anm_jinja_type_name(object));
    if (!slice_range(run, part, object.list->len, &r) ||
        !anm_jinja_list_new(run, (jinja_kind)object.kind, r.count, out))
        return false;
    for (size_t i = 0; i < r.count; i++)
        out->list->items[i] = object.list->items[r.start + (int64_t)i * r.step];
    out->list->len = r.count;
    return anm_jinja_charge(run, r.count / 16);
}
