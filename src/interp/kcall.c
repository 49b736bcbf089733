/* SPDX-License-Identifier: MIT */
/* What kernels call: arguments, outputs, scratch memory, failures. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/interp/constexpr.h"
#include "src/interp/kcall.h"
#include "src/mil/ops.h"

struct anm_scratch {
    anm_scratch *next;
    size_t bytes;
    _Alignas(64) char data[];
};

void anm_k_fail(anm_kcall *k, anm_status status, const char *fmt, ...) {
    if (k->status != ANM_OK) return;
    char message[400], where[240];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    snprintf(where, sizeof where, "function %s, op %s (%s)", k->run->interp->function->name,
             anm_mil_op_label(k->op), k->op->type);
    k->status = anm_fail(k->err, status, where, "%s", message);
}

void anm_kcall_end(anm_kcall *k) {
    while (k->scratch) {
        anm_scratch *next = k->scratch->next;
        k->run->account.live -= k->scratch->bytes;
        anm_free(k->scratch);
        k->scratch = next;
    }
}

void *anm_k_scratch(anm_kcall *k, int64_t count, size_t size) {
    size_t bytes;
    if (count < 0 || !anm_size_mul((size_t)count, size, &bytes) ||
        bytes > ANM_RUN_MAX_BYTES - k->run->account.live) {
        anm_k_fail(k, ANM_ERROR_LIMIT, "needs more working memory than a run may have");
        return NULL;
    }
    anm_scratch *scratch = anm_malloc_aligned(sizeof *scratch + bytes);
    if (!scratch) {
        anm_k_fail(k, ANM_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    scratch->next = k->scratch;
    scratch->bytes = bytes;
    k->scratch = scratch;
    k->run->account.live += bytes;
    if (k->run->account.live > k->run->account.peak) k->run->account.peak = k->run->account.live;
    return scratch->data;
}

/* Arguments. */

bool anm_k_has(const anm_kcall *k, const char *name) {
    return anm_mil_operand_present(anm_mil_op_operand(k->op, name));
}

static const anm_rvalue *wrap_literal(anm_kcall *k, const anm_mil_literal *literal) {
    anm_tensor tensor;
    anm_rvalue *v = anm_k_scratch(k, 1, sizeof *v);
    if (!v) return NULL;
    anm_status status = anm_constant_literal(literal, anm_mil_op_label(k->op), &tensor, k->err);
    if (status != ANM_OK) {
        k->status = status;
        return NULL;
    }
    anm_rvalue_wrap(v, &tensor);
    return v;
}

static const anm_rvalue *operand_value(anm_kcall *k, anm_mil_operand operand, const char *name) {
    if (operand.literal) return wrap_literal(k, operand.literal);
    const anm_rvalue *v = anm_run_value(k->run, operand.value);
    if (!anm_rvalue_is_empty(v)) return v;
    anm_k_fail(k, ANM_ERROR_UNSUPPORTED, "argument \"%s\" (%s) holds no tensor", name,
               operand.value->name);
    return NULL;
}

const anm_rvalue *anm_k_opt(anm_kcall *k, const char *name) {
    anm_mil_operand operand = anm_mil_op_operand(k->op, name);
    return anm_mil_operand_present(operand) ? operand_value(k, operand, name) : NULL;
}

const anm_rvalue *anm_k_arg(anm_kcall *k, const char *name) {
    if (!anm_k_has(k, name)) anm_k_fail(k, ANM_ERROR_FORMAT, "argument \"%s\" is missing", name);
    return anm_k_opt(k, name);
}

size_t anm_k_arg_count(const anm_kcall *k, const char *name) {
    const anm_mil_arg *arg = anm_mil_op_arg(k->op, name);
    return arg ? arg->count : 0;
}

const anm_rvalue *anm_k_arg_at(anm_kcall *k, const char *name, size_t index) {
    const anm_mil_arg *arg = anm_mil_op_arg(k->op, name);
    return operand_value(k, arg->operands[index], name);
}

/* The only use of the value by this op, and its last one at all. */
static bool dies_here(const anm_kcall *k, const anm_mil_value *value) {
    size_t uses = 0;
    for (size_t i = 0; i < k->op->arg_count; i++)
        for (size_t n = 0; n < k->op->args[i].count; n++)
            uses += k->op->args[i].operands[n].value == value;
    if (uses != 1) return false;
    for (size_t i = 0; i < k->step->released_count; i++)
        if (k->step->released[i] == value->id) return true;
    return false;
}

static bool is_private(const anm_rvalue *v) {
    return v->list ? v->list->refs == 1 : v->buffer && v->buffer->refs == 1;
}

static bool clone_value(anm_kcall *k, const anm_rvalue *v, anm_rvalue *out) {
    *out = *v;
    out->buffer = NULL;
    if (v->list) {
        out->list = anm_rlist_clone(v->list);
        if (!out->list) anm_k_fail(k, ANM_ERROR_MEMORY, "out of memory");
        return out->list != NULL;
    }
    out->buffer = anm_buffer_create(&k->run->account, v->count);
    if (!out->buffer) {
        anm_k_fail(k, ANM_ERROR_MEMORY, "no memory for a copy of %lld elements",
                   (long long)v->count);
        return false;
    }
    void *data = anm_buffer_data(out->buffer);
    anm_rvalue_read_words(v, 0, v->count, data);
    out->raw = NULL;
    out->f = anm_k_is_float(v) ? data : NULL;
    out->i = out->f ? NULL : data;
    if (v->buffer) out->buffer->rounded = v->buffer->rounded;
    return true;
}

bool anm_k_take(anm_kcall *k, const char *name, anm_rvalue *out) {
    *out = (anm_rvalue){0};
    const anm_rvalue *v = anm_k_arg(k, name);
    if (!v) return false;
    anm_mil_operand operand = anm_mil_op_operand(k->op, name);
    if (operand.value && dies_here(k, operand.value) && is_private(v)) {
        anm_rvalue *slot = &k->run->slots[operand.value->id];
        *out = *slot;
        *slot = (anm_rvalue){0};
        return true;
    }
    if (clone_value(k, v, out)) return true;
    *out = (anm_rvalue){0};
    return false;
}

/* Scalars. */

static const anm_mil_arg_spec *default_of(anm_kcall *k, const char *name) {
    const anm_mil_arg_spec *spec = anm_mil_op_spec_arg(k->op->spec, name);
    if (spec && spec->default_kind != ANM_DEFAULT_NONE) return spec;
    anm_k_fail(k, ANM_ERROR_FORMAT, "argument \"%s\" is missing", name);
    return NULL;
}

int64_t anm_k_int(anm_kcall *k, const char *name) {
    int64_t out = 0;
    return anm_k_ints(k, name, &out, 1) ? out : 0;
}

double anm_k_float(anm_kcall *k, const char *name) {
    if (!anm_k_has(k, name)) {
        const anm_mil_arg_spec *spec = default_of(k, name);
        return spec ? spec->default_number : 0;
    }
    const anm_rvalue *v = anm_k_opt(k, name);
    if (v && v->i && v->count == 1) return v->i[0];
    const float *data = v ? anm_k_floats(k, v) : NULL;
    if (data && v->count == 1) return data[0];
    anm_k_fail(k, ANM_ERROR_MISMATCH, "argument \"%s\" must be one number", name);
    return 0;
}

bool anm_k_bool(anm_kcall *k, const char *name) {
    return anm_k_int(k, name) != 0;
}

const char *anm_k_string(anm_kcall *k, const char *name) {
    const char *text = NULL;
    if (anm_mil_op_get_string(k->op, name, &text) && text) return text;
    anm_k_fail(k, ANM_ERROR_FORMAT, "argument \"%s\" must be a constant string", name);
    return "";
}

bool anm_k_ints(anm_kcall *k, const char *name, int64_t *out, int n) {
    if (!anm_k_has(k, name)) {
        const anm_mil_arg_spec *spec = default_of(k, name);
        for (int i = 0; spec && i < n; i++) out[i] = (int64_t)spec->default_number;
        return spec != NULL;
    }
    int count = anm_k_int_list(k, name, out, n);
    if (count >= 0 && count != n)
        anm_k_fail(k, ANM_ERROR_MISMATCH, "argument \"%s\" has %d elements instead of %d", name,
                   count, n);
    return count == n;
}

int anm_k_int_list(anm_kcall *k, const char *name, int64_t *out, int capacity) {
    const anm_rvalue *v = anm_k_arg(k, name);
    const int32_t *data = v ? anm_k_int32s(k, v) : NULL;
    if (!data) return -1;
    if (v->count > capacity) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "argument \"%s\" has %lld elements, at most %d fit", name,
                   (long long)v->count, capacity);
        return -1;
    }
    for (int64_t i = 0; i < v->count; i++) out[i] = data[i];
    return (int)v->count;
}

int anm_k_axis(anm_kcall *k, int64_t axis, int rank) {
    int64_t positive = axis < 0 ? axis + rank : axis;
    if (positive >= 0 && positive < rank) return (int)positive;
    anm_k_fail(k, ANM_ERROR_MISMATCH, "axis %lld is outside a tensor of rank %d", (long long)axis,
               rank);
    return 0;
}

bool anm_k_axes(anm_kcall *k, const char *name, int rank, bool *marked) {
    int64_t axes[ANM_MAX_RANK];
    bool all = !anm_k_has(k, name);
    for (int i = 0; i < rank; i++) marked[i] = all;
    int count = all ? 0 : anm_k_int_list(k, name, axes, ANM_MAX_RANK);
    for (int i = 0; i < count && k->status == ANM_OK; i++) {
        int axis = anm_k_axis(k, axes[i], rank);
        if (k->status == ANM_OK) marked[axis] = true;
    }
    return k->status == ANM_OK;
}

/* Elements. */

bool anm_k_is_float(const anm_rvalue *v) {
    return v->f || (!v->i && anm_dtype_is_float(v->dtype));
}

const float *anm_k_floats(anm_kcall *k, const anm_rvalue *v) {
    if (v->f) return v->f;
    if (v->list) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "a list was given where a tensor is needed");
        return NULL;
    }
    float *data = anm_k_scratch(k, v->count, sizeof *data);
    return data ? anm_rvalue_row(v, 0, v->count, data) : NULL;
}

const int32_t *anm_k_int32s(anm_kcall *k, const anm_rvalue *v) {
    if (v->i) return v->i;
    if (v->list || anm_k_is_float(v)) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "%s was given where integers are needed",
                   v->list ? "a list" : anm_dtype_name(v->dtype));
        return NULL;
    }
    int32_t *data = anm_k_scratch(k, v->count, sizeof *data);
    if (data) anm_unpack_ints(v->dtype, v->raw, 0, v->count, data);
    return data;
}

const anm_word *anm_k_words(anm_kcall *k, const anm_rvalue *v) {
    if (v->i) return (const anm_word *)v->i;
    if (v->list || anm_k_is_float(v)) return (const anm_word *)anm_k_floats(k, v);
    return (const anm_word *)anm_k_int32s(k, v);
}

/* Outputs. */

static void *out_memory(anm_kcall *k, size_t index, bool is_float, int rank, const int64_t *shape) {
    if (k->status != ANM_OK) return NULL;
    int64_t count = anm_value_count(rank, shape);
    if (index >= k->op->output_count || count < 0) {
        char text[ANM_SHAPE_TEXT] = "too many dimensions";
        if (rank <= ANM_MAX_RANK) anm_shape_format(shape, rank, text, sizeof text);
        anm_k_fail(k, ANM_ERROR_LIMIT, "output %zu would have the impossible shape %s", index,
                   text);
        return NULL;
    }
    anm_rvalue *v = &k->outputs[index];
    *v = (anm_rvalue){
        .dtype = is_float ? ANM_DTYPE_FP32 : ANM_DTYPE_INT32, .rank = rank, .count = count};
    for (int i = 0; i < rank; i++) v->shape[i] = shape[i];
    v->buffer = anm_buffer_create(&k->run->account, count);
    if (!v->buffer) {
        anm_k_fail(k, ANM_ERROR_MEMORY, "no memory for an output of %lld elements",
                   (long long)count);
        return NULL;
    }
    void *data = anm_buffer_data(v->buffer);
    if (is_float) v->f = data;
    else v->i = data;
    return data;
}

float *anm_k_out_floats(anm_kcall *k, size_t index, int rank, const int64_t *shape) {
    return out_memory(k, index, true, rank, shape);
}

int32_t *anm_k_out_ints(anm_kcall *k, size_t index, int rank, const int64_t *shape) {
    return out_memory(k, index, false, rank, shape);
}

anm_word *anm_k_out_words(anm_kcall *k, size_t index, const anm_rvalue *like, int rank,
                          const int64_t *shape) {
    return out_memory(k, index, anm_k_is_float(like), rank, shape);
}

void anm_k_share(anm_kcall *k, size_t index, const anm_rvalue *v, int rank, const int64_t *shape) {
    if (k->status != ANM_OK) return;
    if (index >= k->op->output_count || anm_value_count(rank, shape) != v->count) {
        anm_k_fail(k, ANM_ERROR_MISMATCH, "%lld elements do not fit the shape asked for",
                   (long long)v->count);
        return;
    }
    anm_rvalue_copy(&k->outputs[index], v);
    k->outputs[index].rank = rank;
    for (int i = 0; i < rank; i++) k->outputs[index].shape[i] = shape[i];
}

void anm_k_give(anm_kcall *k, size_t index, anm_rvalue *v) {
    if (k->status != ANM_OK || index >= k->op->output_count) {
        anm_rvalue_clear(v);
        return;
    }
    k->outputs[index] = *v;
    *v = (anm_rvalue){0};
}

int64_t anm_shape_product(const int64_t *shape, int from, int to) {
    int64_t n = 1;
    for (int i = from; i < to; i++) n *= shape[i];
    return n;
}

bool anm_k_broadcast(anm_kcall *k, const anm_rvalue *a, const anm_rvalue *b, int *rank,
                     int64_t *shape) {
    *rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 0; i < *rank; i++) {
        int ia = i - (*rank - a->rank), ib = i - (*rank - b->rank);
        int64_t da = ia < 0 ? 1 : a->shape[ia], db = ib < 0 ? 1 : b->shape[ib];
        if (da != db && da != 1 && db != 1) {
            char ta[ANM_SHAPE_TEXT], tb[ANM_SHAPE_TEXT];
            anm_k_fail(k, ANM_ERROR_MISMATCH, "shapes %s and %s do not broadcast",
                       anm_shape_format(a->shape, a->rank, ta, sizeof ta),
                       anm_shape_format(b->shape, b->rank, tb, sizeof tb));
            return false;
        }
        shape[i] = da == 1 ? db : da;
    }
    return true;
}
