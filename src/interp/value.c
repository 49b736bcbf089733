/* SPDX-License-Identifier: MIT */
/* Buffers, values and lists of a run; conversion between packed types and run-time forms. */
#include "src/interp/value.h"

#include <math.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/base/half.h"

int64_t anm_value_count(int rank, const int64_t *shape) {
    int64_t volume = 1, count = 1;
    if (rank < 0 || rank > ANM_MAX_RANK) return -1;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 0 || shape[i] > ANM_VALUE_MAX_ELEMENTS) return -1;
        volume *= shape[i] ? shape[i] : 1;
        count *= shape[i];
        if (volume > ANM_VALUE_MAX_ELEMENTS) return -1;
    }
    return count;
}

/* Data follows the header at the alignment of anm_malloc_aligned(). */
enum { HEADER = 64 };
_Static_assert(sizeof(anm_buffer) <= HEADER, "buffer header");

anm_buffer *anm_buffer_create(anm_account *account, int64_t count) {
    size_t bytes;
    if (count < 0 || count > ANM_VALUE_MAX_ELEMENTS || !anm_size_mul((size_t)count, 4, &bytes) ||
        bytes > ANM_RUN_MAX_BYTES - account->live)
        return NULL;
    anm_buffer *buffer = anm_malloc_aligned(HEADER + bytes);
    if (!buffer) return NULL;
    *buffer = (anm_buffer){.refs = 1, .bytes = bytes, .account = account};
    account->live += bytes;
    if (account->live > account->peak) account->peak = account->live;
    return buffer;
}

void *anm_buffer_data(anm_buffer *buffer) {
    return (char *)buffer + HEADER;
}

static void buffer_release(anm_buffer *buffer) {
    if (--buffer->refs > 0) return;
    buffer->account->live -= buffer->bytes;
    anm_free(buffer);
}

static void list_release(anm_rlist *list) {
    if (--list->refs > 0) return;
    for (int64_t i = 0; i < list->length; i++) anm_rvalue_clear(&list->items[i]);
    anm_free(list->items);
    anm_free(list);
}

void anm_rvalue_copy(anm_rvalue *to, const anm_rvalue *from) {
    *to = *from;
    if (to->buffer) to->buffer->refs++;
    if (to->list) to->list->refs++;
}

void anm_rvalue_clear(anm_rvalue *v) {
    if (v->buffer) buffer_release(v->buffer);
    if (v->list) list_release(v->list);
    *v = (anm_rvalue){0};
}

anm_rlist *anm_rlist_create(int64_t length) {
    anm_rlist *list = anm_calloc(1, sizeof *list);
    if (!list) return NULL;
    list->refs = 1;
    list->items = anm_calloc((size_t)length, sizeof *list->items);
    list->length = length;
    if (list->items) return list;
    anm_free(list);
    return NULL;
}

anm_rlist *anm_rlist_clone(const anm_rlist *list) {
    anm_rlist *clone = anm_rlist_create(list->length);
    for (int64_t i = 0; clone && i < list->length; i++)
        anm_rvalue_copy(&clone->items[i], &list->items[i]);
    return clone;
}

bool anm_rlist_grow(anm_rlist *list, int64_t length) {
    if (length <= list->length) return true;
    anm_rvalue *items = anm_realloc_array(list->items, (size_t)length, sizeof *items);
    if (!items) return false;
    memset(items + list->length, 0, (size_t)(length - list->length) * sizeof *items);
    list->items = items;
    list->length = length;
    return true;
}

static bool is_aligned(const void *p) {
    return (uintptr_t)p % 4 == 0;
}

void anm_rvalue_wrap(anm_rvalue *v, const anm_tensor *tensor) {
    *v = (anm_rvalue){.dtype = tensor->dtype, .rank = tensor->rank, .raw = tensor->data};
    memcpy(v->shape, tensor->shape, sizeof v->shape);
    v->count = anm_shape_elements(tensor->shape, tensor->rank);
    if (!is_aligned(tensor->data)) return;
    if (tensor->dtype == ANM_DTYPE_FP32) v->f = tensor->data, v->raw = NULL;
    if (tensor->dtype == ANM_DTYPE_INT32) v->i = tensor->data, v->raw = NULL;
}

const float *anm_rvalue_row(const anm_rvalue *v, int64_t offset, int64_t n, float *scratch) {
    if (v->f) return v->f + offset;
    if (v->raw) {
        anm_unpack_floats(v->dtype, v->raw, offset, n, scratch);
        return scratch;
    }
    for (int64_t k = 0; k < n; k++) scratch[k] = (float)v->i[offset + k];
    return scratch;
}

void anm_rvalue_read_floats(const anm_rvalue *v, int64_t offset, int64_t n, float *out) {
    const float *data = anm_rvalue_row(v, offset, n, out);
    if (data != out) memcpy(out, data, (size_t)n * sizeof *out);
}

void anm_rvalue_read_words(const anm_rvalue *v, int64_t offset, int64_t n, anm_word *out) {
    if (v->f) memcpy(out, v->f + offset, (size_t)n * 4);
    else if (v->i) memcpy(out, v->i + offset, (size_t)n * 4);
    else if (anm_dtype_is_float(v->dtype))
        anm_unpack_floats(v->dtype, v->raw, offset, n, (float *)out);
    else anm_unpack_ints(v->dtype, v->raw, offset, n, (int32_t *)out);
}

/* Halves may lie at odd addresses in a protobuf. */
static void unpack_halves(const void *data, int64_t offset, int64_t n, float *out) {
    const char *from = (const char *)data + 2 * offset;
    uint16_t block[512];
    while (n > 0) {
        int64_t step = n < 512 ? n : 512;
        memcpy(block, from, (size_t)step * 2);
        anm_half_to_float_n(out, block, (size_t)step);
        from += 2 * step, out += step, n -= step;
    }
}

void anm_unpack_floats(anm_dtype dtype, const void *data, int64_t offset, int64_t n, float *out) {
    if (dtype == ANM_DTYPE_FP16 && (uintptr_t)data % 2 == 0)
        anm_half_to_float_n(out, (const uint16_t *)data + offset, (size_t)n);
    else if (dtype == ANM_DTYPE_FP16) unpack_halves(data, offset, n, out);
    else if (dtype == ANM_DTYPE_FP32) memcpy(out, (const char *)data + 4 * offset, (size_t)n * 4);
    else
        for (int64_t k = 0; k < n; k++) out[k] = (float)anm_element_get(dtype, data, offset + k);
}

static int32_t saturate(int64_t value) {
    return value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : (int32_t)value;
}

void anm_unpack_ints(anm_dtype dtype, const void *data, int64_t offset, int64_t n, int32_t *out) {
    if (dtype == ANM_DTYPE_INT32) memcpy(out, (const char *)data + 4 * offset, (size_t)n * 4);
    else if (dtype == ANM_DTYPE_UINT64)
        for (int64_t k = 0; k < n; k++) {
            int64_t value = anm_element_get_int(dtype, data, offset + k);
            out[k] = value < 0 ? INT32_MAX : saturate(value); /* negative: above INT64_MAX */
        }
    else
        for (int64_t k = 0; k < n; k++)
            out[k] = saturate(anm_element_get_int(dtype, data, offset + k));
}

void anm_pack_floats(anm_dtype dtype, const float *in, int64_t n, void *data) {
    if (dtype == ANM_DTYPE_FP16 && (uintptr_t)data % 2 == 0)
        anm_half_from_float_n(data, in, (size_t)n);
    else if (dtype == ANM_DTYPE_FP32) memcpy(data, in, (size_t)n * 4);
    else
        for (int64_t k = 0; k < n; k++) anm_element_set(dtype, data, k, in[k]);
}

void anm_pack_ints(anm_dtype dtype, const int32_t *in, int64_t n, void *data) {
    if (dtype == ANM_DTYPE_INT32) memcpy(data, in, (size_t)n * 4);
    else
        for (int64_t k = 0; k < n; k++) anm_element_set_int(dtype, data, k, in[k]);
}

void anm_round_floats(anm_dtype dtype, float *data, int64_t n) {
    enum { STEP = 1024 };
    uint16_t half[STEP];
    if (dtype == ANM_DTYPE_FP32 || dtype == ANM_DTYPE_FP64) return;
    if (dtype == ANM_DTYPE_FP16) {
        for (int64_t k = 0; k < n; k += STEP) {
            size_t step = (size_t)(n - k < STEP ? n - k : STEP);
            anm_half_from_float_n(half, data + k, step);
            anm_half_to_float_n(data + k, half, step);
        }
        return;
    }
    for (int64_t k = 0; k < n; k++) {
        uint64_t element = 0;
        anm_element_set(dtype, &element, 0, data[k]);
        data[k] = (float)anm_element_get(dtype, &element, 0);
    }
}

void anm_round_ints(anm_dtype dtype, int32_t *data, int64_t n) {
    switch (dtype) {
    case ANM_DTYPE_BOOL:
        for (int64_t k = 0; k < n; k++) data[k] = data[k] != 0;
        break;
    case ANM_DTYPE_INT8:
        for (int64_t k = 0; k < n; k++) data[k] = (int8_t)data[k];
        break;
    case ANM_DTYPE_UINT8:
        for (int64_t k = 0; k < n; k++) data[k] = (uint8_t)data[k];
        break;
    case ANM_DTYPE_INT16:
        for (int64_t k = 0; k < n; k++) data[k] = (int16_t)data[k];
        break;
    case ANM_DTYPE_UINT16:
        for (int64_t k = 0; k < n; k++) data[k] = (uint16_t)data[k];
        break;
    default: break; /* 32 bits and more are held as int32 */
    }
}
