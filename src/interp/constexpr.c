/* SPDX-License-Identifier: MIT */
/*
 * Decoding compressed weights. The forms are those of coremltools' constexpr ops: iOS 16 with
 * attributes and flat packed bytes, iOS 18 with arguments and real sub-byte types.
 *
 * Shift and scale: the difference is rounded to the scale's type, then the product is (both
 * computed in fp32). For integer data the difference is exact, so that is one rounding.
 */
#include "src/interp/constexpr.h"

#include <stdio.h>
#include <string.h>

#include "src/base/dtype.h"
#include "src/base/half.h"
#include "src/interp/value.h"

/* Constexpr ops feeding constexpr ops. */
enum { MAX_DEPTH = 8 };

typedef struct decode {
    const anm_mil_op *op;
    const anm_const_table *known;
    anm_arena *arena;
    anm_tensor *outputs;
    anm_error *err;
    int depth;
} decode;

static anm_status eval(const anm_mil_op *op, const anm_const_table *known, anm_arena *arena,
                       int depth, anm_tensor *outputs, anm_error *err);

#define FAIL(d, status, ...) anm_fail((d)->err, (status), anm_mil_op_label((d)->op), __VA_ARGS__)

anm_status anm_constant_literal(const anm_mil_literal *literal, const char *where, anm_tensor *out,
                                anm_error *err) {
    const anm_mil_type *type = literal->type;
    size_t bytes;
    *out = (anm_tensor){.name = where};
    if (type->kind != ANM_MIL_TENSOR || anm_dtype_bits(type->dtype) == 0)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, where, "is not a tensor of numbers");
    if (!literal->data && anm_mil_literal_elements(literal) != 0)
        return anm_fail(err, ANM_ERROR_NOT_FOUND, where,
                        "its data (blob %s) is not there: the bundle has no weights",
                        literal->blob_path ? literal->blob_path : "?");
    if (type->rank < 0 || type->rank > ANM_MAX_RANK || anm_mil_literal_elements(literal) < 0)
        return anm_fail(err, ANM_ERROR_FORMAT, where, "a constant's shape must be known");
    if (!anm_dtype_bytes(type->dtype, anm_mil_literal_elements(literal), &bytes) ||
        bytes > literal->bytes)
        return anm_fail(err, ANM_ERROR_FORMAT, where, "has %zu bytes of data, its type needs more",
                        literal->bytes);
    out->dtype = type->dtype;
    out->rank = type->rank;
    memcpy(out->shape, type->shape, sizeof out->shape);
    /* Views are read only; anm_tensor has no const. */
    memcpy(&out->data, &literal->data, sizeof out->data);
    out->bytes = bytes;
    return ANM_OK;
}

bool anm_is_constexpr(const anm_mil_op *op) {
    return anm_str_starts(op->type, "constexpr_");
}

static anm_status defined_constant(decode *d, const anm_mil_value *value, anm_tensor *out) {
    if (d->known && value->id < d->known->count && d->known->tensors[value->id].dtype) {
        *out = d->known->tensors[value->id];
        return ANM_OK;
    }
    if (value->constant) return anm_constant_literal(value->constant, value->name, out, d->err);
    if (!value->def || !anm_is_constexpr(value->def))
        return anm_fail(d->err, ANM_ERROR_UNSUPPORTED, value->name,
                        "is not a constant, but %s (%s) needs one", anm_mil_op_label(d->op),
                        d->op->type);
    anm_tensor *all = ANM_ARENA_ARRAY(d->arena, anm_tensor, value->def->output_count);
    if (!all) return anm_fail_memory(d->err);
    ANM_TRY(eval(value->def, d->known, d->arena, d->depth + 1, all, d->err));
    for (size_t i = 0; i < value->def->output_count; i++)
        if (value->def->outputs[i] == value) *out = all[i];
    return ANM_OK;
}

/* An absent optional argument leaves dtype NONE. */
static anm_status argument(decode *d, const char *name, bool optional, anm_tensor *out) {
    anm_mil_operand operand = anm_mil_op_operand(d->op, name);
    *out = (anm_tensor){0};
    if (operand.value) return defined_constant(d, operand.value, out);
    if (operand.literal)
        return anm_constant_literal(operand.literal, anm_mil_op_label(d->op), out, d->err);
    return optional
               ? ANM_OK
               : FAIL(d, ANM_ERROR_FORMAT, "%s: argument \"%s\" is missing", d->op->type, name);
}

static anm_status make_output(decode *d, size_t index, anm_dtype dtype, int rank,
                              const int64_t *shape, anm_tensor **out) {
    size_t bytes;
    if (index >= d->op->output_count)
        return FAIL(d, ANM_ERROR_FORMAT, "%s has too few outputs", d->op->type);
    *out = &d->outputs[index];
    **out = (anm_tensor){.name = d->op->outputs[index]->name, .dtype = dtype, .rank = rank};
    for (int i = 0; i < rank && rank <= ANM_MAX_RANK; i++) (*out)->shape[i] = shape[i];
    int64_t count = anm_value_count(rank, shape);
    if (count < 0 || !anm_dtype_bytes(dtype, count, &bytes))
        return FAIL(d, ANM_ERROR_LIMIT, "would decode to too many elements");
    (*out)->bytes = bytes;
    (*out)->data = anm_arena_alloc(d->arena, bytes ? bytes : 1);
    return (*out)->data ? ANM_OK : anm_fail_memory(d->err);
}

static int64_t elements(const anm_tensor *t) {
    return anm_shape_elements(t->shape, t->rank);
}

/* `n` fields of `bits` bits from the little-endian bit stream, starting at field `first`. */
static void unpack_bits(const uint8_t *data, int64_t first, int64_t n, int bits, uint8_t *out) {
    for (int64_t k = 0; k < n; k++) {
        int64_t bit = (first + k) * bits;
        unsigned word = data[bit >> 3];
        int low = (int)(bit & 7);
        if (low + bits > 8) word |= (unsigned)data[(bit >> 3) + 1] << 8;
        out[k] = (uint8_t)(word >> low & ((1u << bits) - 1));
    }
}

static inline void copy_element(char *to, const char *from, size_t size) {
    switch (size) {
    case 1: *to = *from; break;
    case 2: memcpy(to, from, 2); break;
    default: memcpy(to, from, 4); break;
    }
}

/* Lookup tables. */

typedef struct palette {
    const char *lut;
    size_t size;     /* of an element */
    int64_t entries; /* a power of two */
    int64_t vector;  /* elements of an entry */
    int rank;
    int64_t indices[ANM_MAX_RANK]; /* shape of the indices */
    int64_t block[ANM_MAX_RANK];   /* indices per table along each axis */
    int64_t table[ANM_MAX_RANK];   /* tables to skip for the next one along each axis */
    int axis;                      /* where the elements of an entry lie */
    int64_t out_stride[ANM_MAX_RANK];
} palette;

static int log2_exact(int64_t n) {
    for (int bits = 0; bits <= 8; bits++)
        if (n == (int64_t)1 << bits) return bits;
    return -1;
}

/* One row of indices along the last axis; `index` holds the outer position. */
static bool decode_row(const palette *p, const int64_t *index, const uint8_t *entry, char *out) {
    int last = p->rank - 1;
    int64_t table = 0, to = 0;
    for (int i = 0; i < last; i++) {
        table += index[i] / p->block[i] * p->table[i];
        to += index[i] * p->out_stride[i] * (i == p->axis ? p->vector : 1);
    }
    int64_t step = p->out_stride[last] * (last == p->axis ? p->vector : 1);
    for (int64_t k = 0; k < p->indices[last]; k++) {
        int64_t at = table + k / p->block[last] * p->table[last];
        if (entry[k] >= p->entries) return false;
        const char *from = p->lut + (size_t)((at * p->entries + entry[k]) * p->vector) * p->size;
        for (int64_t v = 0; v < p->vector; v++)
            copy_element(out + (size_t)(to + k * step + v * p->out_stride[p->axis]) * p->size,
                         from + (size_t)v * p->size, p->size);
    }
    return true;
}

static bool next_index(int64_t *index, const int64_t *shape, int rank) {
    for (int i = rank - 1; i >= 0; i--) {
        if (++index[i] < shape[i]) return true;
        index[i] = 0;
    }
    return false;
}

static anm_status decode_palette(decode *d, const palette *p, const void *packed, int bits,
                                 char *out) {
    int64_t index[ANM_MAX_RANK] = {0}, length = p->indices[p->rank - 1], row = 0;
    if (anm_shape_elements(p->indices, p->rank) == 0) return ANM_OK;
    anm_arena_mark mark = anm_arena_get_mark(d->arena);
    uint8_t *entry = anm_arena_alloc(d->arena, (size_t)length);
    if (!entry) return anm_fail_memory(d->err);
    bool good = true;
    do {
        unpack_bits(packed, row++ * length, length, bits, entry);
        good = decode_row(p, index, entry, out);
    } while (good && next_index(index, p->indices, p->rank - 1));
    anm_arena_release(d->arena, mark);
    return good ? ANM_OK
                : FAIL(d, ANM_ERROR_FORMAT, "an index is beyond the lookup table's %lld entries",
                       (long long)p->entries);
}

/* iOS 16: one table for the tensor, indices as flat bytes, the shape apart. */
static anm_status lut_flat(decode *d, const anm_tensor *indices, const anm_tensor *lut,
                           const anm_tensor *shape) {
    palette p = {.lut = lut->data,
                 .size = (size_t)anm_dtype_bits(lut->dtype) / 8,
                 .vector = 1,
                 .entries = elements(lut),
                 .rank = (int)elements(shape)};
    anm_tensor *out;
    int bits = log2_exact(p.entries);
    if (p.rank < 1 || p.rank > ANM_MAX_RANK || shape->rank != 1)
        return FAIL(d, ANM_ERROR_FORMAT, "shape has %d elements", p.rank);
    for (int i = 0; i < p.rank; i++) {
        p.indices[i] = anm_element_get_int(shape->dtype, shape->data, i);
        p.block[i] = p.indices[i] > 0 ? p.indices[i] : 1;
    }
    ANM_TRY(make_output(d, 0, lut->dtype, p.rank, p.indices, &out));
    size_t needed = 0;
    if (bits >= 1) anm_dtype_bytes(ANM_DTYPE_UINT1, elements(out) * bits, &needed);
    if (bits < 1 || indices->dtype != ANM_DTYPE_UINT8 || indices->bytes < needed || p.size == 0)
        return FAIL(d, ANM_ERROR_FORMAT,
                    "%zu bytes of indices do not fit %lld elements with a table of %lld",
                    indices->bytes, (long long)elements(out), (long long)p.entries);
    int64_t stride = 1;
    for (int i = p.rank - 1; i >= 0; i--) p.out_stride[i] = stride, stride *= p.indices[i];
    return decode_palette(d, &p, indices->data, bits, out->data);
}

static anm_status palette_groups(decode *d, palette *p, const anm_tensor *lut) {
    int64_t tables = 1;
    for (int i = p->rank - 1; i >= 0; i--) {
        int64_t groups = lut->shape[i];
        if (groups < 1 || p->indices[i] % groups != 0)
            return FAIL(d, ANM_ERROR_FORMAT,
                        "%lld indices on axis %d do not divide into %lld groups",
                        (long long)p->indices[i], i, (long long)groups);
        p->block[i] = p->indices[i] ? p->indices[i] / groups : 1;
        p->table[i] = tables;
        tables *= groups;
    }
    return ANM_OK;
}

static anm_status palette_axis(decode *d, palette *p) {
    anm_tensor axis;
    ANM_TRY(argument(d, "vector_axis", true, &axis));
    p->axis = p->rank - 1;
    if (axis.dtype) {
        int64_t value = anm_element_get_int(axis.dtype, axis.data, 0);
        if (value < -p->rank || value >= p->rank)
            return FAIL(d, ANM_ERROR_FORMAT, "vector_axis %lld is outside rank %d",
                        (long long)value, p->rank);
        p->axis = (int)(value < 0 ? value + p->rank : value);
    } else if (p->vector > 1) return FAIL(d, ANM_ERROR_FORMAT, "vector_axis is missing");
    return ANM_OK;
}

/* iOS 18: lut has the indices' rank plus (entries, vector). */
static anm_status lut_grouped(decode *d, const anm_tensor *indices, const anm_tensor *lut,
                              size_t output, anm_tensor **out) {
    palette p = {
        .lut = lut->data, .size = (size_t)anm_dtype_bits(lut->dtype) / 8, .rank = indices->rank};
    int64_t shape[ANM_MAX_RANK];
    int bits = anm_dtype_bits(indices->dtype);
    if (p.rank < 1 || lut->rank != p.rank + 2 || bits > 8 || p.size == 0 || p.size > 4 ||
        anm_dtype_is_signed(indices->dtype))
        return FAIL(d, ANM_ERROR_FORMAT, "indices of rank %d do not fit a lut of rank %d", p.rank,
                    lut->rank);
    p.entries = lut->shape[p.rank];
    p.vector = lut->shape[p.rank + 1];
    if (log2_exact(p.entries) != bits || p.vector < 1)
        return FAIL(d, ANM_ERROR_FORMAT, "a lut of %lld entries does not fit %d-bit indices",
                    (long long)p.entries, bits);
    memcpy(p.indices, indices->shape, sizeof p.indices);
    ANM_TRY(palette_groups(d, &p, lut));
    ANM_TRY(palette_axis(d, &p));
    memcpy(shape, p.indices, sizeof shape);
    if (p.vector > ANM_VALUE_MAX_ELEMENTS || shape[p.axis] > ANM_VALUE_MAX_ELEMENTS / p.vector)
        return FAIL(d, ANM_ERROR_LIMIT, "would decode to too many elements");
    shape[p.axis] *= p.vector;
    ANM_TRY(make_output(d, output, lut->dtype, p.rank, shape, out));
    int64_t stride = 1;
    for (int i = p.rank - 1; i >= 0; i--) p.out_stride[i] = stride, stride *= shape[i];
    return decode_palette(d, &p, indices->data, bits, (*out)->data);
}

static anm_status lut_to_dense(decode *d) {
    anm_tensor indices, lut, shape, *out;
    ANM_TRY(argument(d, "indices", false, &indices));
    ANM_TRY(argument(d, "lut", false, &lut));
    ANM_TRY(argument(d, "shape", true, &shape));
    return shape.dtype ? lut_flat(d, &indices, &lut, &shape)
                       : lut_grouped(d, &indices, &lut, 0, &out);
}

/* Shift and scale. */

static float rounded(anm_dtype dtype, float value) {
    return dtype == ANM_DTYPE_FP16 ? anm_half_to_float(anm_half_from_float(value)) : value;
}

static float shift_scale(anm_dtype dtype, double data, double offset, double scale) {
    return rounded(dtype, (float)scale * rounded(dtype, (float)data - (float)offset));
}

/* Which element of a scale or zero point belongs to an element of the data. */
static int64_t block_position(const anm_tensor *data, const anm_tensor *scale,
                              const int64_t *index) {
    int64_t at = 0;
    for (int i = 0; i < data->rank; i++)
        at = at * scale->shape[i] + index[i] / (data->shape[i] / scale->shape[i]);
    return at;
}

static anm_status check_blocks(decode *d, const anm_tensor *data, const anm_tensor *scale,
                               const anm_tensor *offset) {
    if (data->rank < 1 || scale->rank != data->rank ||
        (offset->dtype && offset->rank != data->rank))
        return FAIL(d, ANM_ERROR_FORMAT, "data of rank %d with a scale of rank %d", data->rank,
                    scale->rank);
    for (int i = 0; i < data->rank; i++) {
        if (scale->shape[i] < 1 || data->shape[i] % scale->shape[i] != 0)
            return FAIL(d, ANM_ERROR_FORMAT,
                        "%lld elements on axis %d do not divide into %lld "
                        "blocks",
                        (long long)data->shape[i], i, (long long)scale->shape[i]);
        if (offset->dtype && offset->shape[i] != scale->shape[i])
            return FAIL(d, ANM_ERROR_FORMAT, "scale and offset differ in shape");
    }
    return ANM_OK;
}

/* One row along the last axis, whose first element is number `first`. */
static void apply_block_row(const anm_tensor *data, const anm_tensor *scale,
                            const anm_tensor *offset, int64_t at, int64_t first, anm_tensor *out) {
    int last = data->rank - 1;
    int64_t block = data->shape[last] / scale->shape[last];
    for (int64_t b = 0; b < scale->shape[last]; b++) {
        double s = anm_element_get(scale->dtype, scale->data, at + b);
        double zero = offset->dtype ? anm_element_get(offset->dtype, offset->data, at + b) : 0;
        for (int64_t k = first + b * block; k < first + (b + 1) * block; k++)
            anm_element_set(
                out->dtype, out->data, k,
                shift_scale(out->dtype, anm_element_get(data->dtype, data->data, k), zero, s));
    }
}

static void apply_blocks(const anm_tensor *data, const anm_tensor *scale, const anm_tensor *offset,
                         anm_tensor *out) {
    int64_t index[ANM_MAX_RANK] = {0}, length = data->shape[data->rank - 1], first = 0;
    if (elements(data) == 0) return;
    do {
        apply_block_row(data, scale, offset, block_position(data, scale, index), first, out);
        first += length;
    } while (next_index(index, data->shape, data->rank - 1));
}

static anm_status blockwise(decode *d) {
    anm_tensor data, scale, offset, *out;
    ANM_TRY(argument(d, "data", false, &data));
    ANM_TRY(argument(d, "scale", false, &scale));
    ANM_TRY(argument(d, "offset", true, &offset));
    ANM_TRY(check_blocks(d, &data, &scale, &offset));
    ANM_TRY(make_output(d, 0, scale.dtype, data.rank, data.shape, &out));
    apply_blocks(&data, &scale, &offset, out);
    return ANM_OK;
}

/* A scalar or one value per position of the axis, as a tensor of the data's rank. */
static anm_status spread(decode *d, anm_tensor *t, const anm_tensor *data, int64_t axis) {
    int64_t count = elements(t);
    if (axis < -data->rank || axis >= data->rank)
        return FAIL(d, ANM_ERROR_FORMAT, "axis %lld is outside rank %d", (long long)axis,
                    data->rank);
    int at = (int)(axis < 0 ? axis + data->rank : axis);
    if (t->rank > 1 || (count != 1 && count != data->shape[at]))
        return FAIL(d, ANM_ERROR_FORMAT, "%lld scales or zero points for %lld positions",
                    (long long)count, (long long)data->shape[at]);
    for (int i = 0; i < data->rank; i++) t->shape[i] = 1;
    t->shape[at] = count;
    t->rank = data->rank;
    return ANM_OK;
}

/* Scale and zero point may differ in length: one may be a scalar. */
static void apply_affine(const anm_tensor *data, const anm_tensor *scale, const anm_tensor *zero,
                         anm_tensor *out) {
    int64_t index[ANM_MAX_RANK] = {0}, n = elements(data);
    for (int64_t k = 0; k < n; k++) {
        double z = anm_element_get(zero->dtype, zero->data, block_position(data, zero, index));
        double s = anm_element_get(scale->dtype, scale->data, block_position(data, scale, index));
        float value = (float)s * ((float)anm_element_get(data->dtype, data->data, k) - (float)z);
        anm_element_set(out->dtype, out->data, k, value);
        next_index(index, data->shape, data->rank);
    }
}

static anm_status affine(decode *d) {
    anm_tensor data, scale, zero, axis, *out;
    ANM_TRY(argument(d, "quantized_data", false, &data));
    ANM_TRY(argument(d, "scale", false, &scale));
    ANM_TRY(argument(d, "zero_point", false, &zero));
    ANM_TRY(argument(d, "axis", false, &axis));
    int64_t at = elements(&axis) == 1 ? anm_element_get_int(axis.dtype, axis.data, 0) : INT64_MAX;
    ANM_TRY(spread(d, &scale, &data, at));
    ANM_TRY(spread(d, &zero, &data, at));
    ANM_TRY(make_output(d, 0, scale.dtype, data.rank, data.shape, &out));
    apply_affine(&data, &scale, &zero, out);
    return ANM_OK;
}

static anm_status cast(decode *d) {
    anm_tensor source, *out;
    ANM_TRY(argument(d, "source_val", false, &source));
    anm_dtype dtype = d->op->outputs[0]->type->dtype;
    if (!anm_dtype_is_float(dtype))
        return FAIL(d, ANM_ERROR_UNSUPPORTED, "constexpr_cast to %s", anm_dtype_name(dtype));
    ANM_TRY(make_output(d, 0, dtype, source.rank, source.shape, &out));
    for (int64_t k = 0; k < elements(&source); k++)
        anm_element_set(dtype, out->data, k, anm_element_get(source.dtype, source.data, k));
    return ANM_OK;
}

/* Sparse forms: one bit per element says whether a value is stored for it. */

static bool mask_bit(const anm_tensor *mask, int64_t k) {
    return ((const uint8_t *)mask->data)[k / 8] >> (k % 8) & 1;
}

static anm_status check_mask(decode *d, const anm_tensor *mask, int64_t count,
                             const anm_tensor *nonzero) {
    int64_t set = 0;
    if ((int64_t)mask->bytes < (count + 7) / 8)
        return FAIL(d, ANM_ERROR_FORMAT, "mask has %zu bytes for %lld elements", mask->bytes,
                    (long long)count);
    for (int64_t k = 0; k < count; k++) set += mask_bit(mask, k);
    return set == elements(nonzero)
               ? ANM_OK
               : FAIL(d, ANM_ERROR_FORMAT, "mask has %lld bits set for %lld stored values",
                      (long long)set, (long long)elements(nonzero));
}

/* Copies element by element through the exact integer or float form. */
static void copy_value(anm_dtype dtype, const void *from, int64_t i, void *to, int64_t k) {
    if (anm_dtype_is_float(dtype)) anm_element_set(dtype, to, k, anm_element_get(dtype, from, i));
    else anm_element_set_int(dtype, to, k, anm_element_get_int(dtype, from, i));
}

static void expand_sparse(const anm_tensor *mask, const anm_tensor *nonzero, anm_tensor *out) {
    int64_t stored = 0;
    for (int64_t k = 0; k < elements(out); k++)
        if (mask_bit(mask, k)) copy_value(out->dtype, nonzero->data, stored++, out->data, k);
}

static anm_status sparse_to_dense(decode *d) {
    anm_tensor nonzero, mask, shape, *out;
    int64_t dims[ANM_MAX_RANK];
    ANM_TRY(argument(d, "nonzero_data", false, &nonzero));
    ANM_TRY(argument(d, "mask", false, &mask));
    ANM_TRY(argument(d, "shape", true, &shape));
    int rank = shape.dtype ? (int)elements(&shape) : mask.rank;
    if (rank > ANM_MAX_RANK) return FAIL(d, ANM_ERROR_FORMAT, "shape has %d elements", rank);
    for (int i = 0; i < rank; i++)
        dims[i] = shape.dtype ? anm_element_get_int(shape.dtype, shape.data, i) : mask.shape[i];
    ANM_TRY(make_output(d, 0, nonzero.dtype, rank, dims, &out));
    ANM_TRY(check_mask(d, &mask, elements(out), &nonzero));
    expand_sparse(&mask, &nonzero, out);
    return ANM_OK;
}

/* The values of `dense` where the mask is set, as output 1; the mask itself is output 0. */
static anm_status gather_sparse(decode *d, const anm_tensor *mask, const anm_tensor *dense) {
    anm_tensor *out;
    int64_t count = 0, stored = 0;
    for (int64_t k = 0; k < elements(dense); k++) count += mask_bit(mask, k);
    ANM_TRY(make_output(d, 1, dense->dtype, 1, &count, &out));
    for (int64_t k = 0; k < elements(dense); k++)
        if (mask_bit(mask, k)) copy_value(dense->dtype, dense->data, k, out->data, stored++);
    d->outputs[0] = *mask;
    return ANM_OK;
}

static anm_status sparse_blockwise(decode *d) {
    anm_tensor mask, nonzero, scale, offset, data, *out;
    ANM_TRY(argument(d, "data_mask", false, &mask));
    ANM_TRY(argument(d, "nonzero_data", false, &nonzero));
    ANM_TRY(argument(d, "scale", false, &scale));
    ANM_TRY(argument(d, "offset", true, &offset));
    ANM_TRY(check_mask(d, &mask, elements(&mask), &nonzero));
    ANM_TRY(make_output(d, 0, nonzero.dtype, mask.rank, mask.shape, &out));
    expand_sparse(&mask, &nonzero, out);
    data = *out;
    ANM_TRY(check_blocks(d, &data, &scale, &offset));
    ANM_TRY(make_output(d, 0, scale.dtype, data.rank, data.shape, &out));
    apply_blocks(&data, &scale, &offset, out);
    data = *out;
    return gather_sparse(d, &mask, &data);
}

/* Each index stands for `vector` elements along the vector axis; so does its mask bit. */
static anm_status widen_mask(decode *d, const anm_tensor *mask, const anm_tensor *dense,
                             anm_tensor *wide) {
    int64_t index[ANM_MAX_RANK] = {0};
    size_t bytes;
    *wide = *dense;
    wide->dtype = ANM_DTYPE_UINT1;
    wide->name = mask->name;
    if (!anm_dtype_bytes(ANM_DTYPE_UINT1, elements(dense), &bytes)) return anm_fail_memory(d->err);
    wide->bytes = bytes;
    wide->data = anm_arena_alloc(d->arena, bytes ? bytes : 1);
    if (!wide->data) return anm_fail_memory(d->err);
    for (int64_t k = 0; k < elements(dense); k++) {
        if (mask_bit(mask, block_position(dense, mask, index)))
            ((uint8_t *)wide->data)[k / 8] |= (uint8_t)(1 << (k % 8));
        next_index(index, dense->shape, dense->rank);
    }
    return ANM_OK;
}

static anm_status lut_to_sparse(decode *d) {
    anm_tensor mask, nonzero, lut, indices, wide, *out, *dense;
    ANM_TRY(argument(d, "indices_mask", false, &mask));
    ANM_TRY(argument(d, "indices_nonzero_data", false, &nonzero));
    ANM_TRY(argument(d, "lut", false, &lut));
    ANM_TRY(check_mask(d, &mask, elements(&mask), &nonzero));
    ANM_TRY(make_output(d, 0, nonzero.dtype, mask.rank, mask.shape, &out));
    expand_sparse(&mask, &nonzero, out);
    indices = *out;
    ANM_TRY(lut_grouped(d, &indices, &lut, 1, &dense));
    anm_tensor decoded = *dense;
    ANM_TRY(widen_mask(d, &mask, &decoded, &wide));
    return gather_sparse(d, &wide, &decoded);
}

static const struct {
    const char *name;
    anm_status (*run)(decode *d);
} decoders[] = {
    {"constexpr_affine_dequantize", affine},
    {"constexpr_blockwise_shift_scale", blockwise},
    {"constexpr_cast", cast},
    {"constexpr_lut_to_dense", lut_to_dense},
    {"constexpr_lut_to_sparse", lut_to_sparse},
    {"constexpr_sparse_blockwise_shift_scale", sparse_blockwise},
    {"constexpr_sparse_to_dense", sparse_to_dense},
};

static anm_status eval(const anm_mil_op *op, const anm_const_table *known, anm_arena *arena,
                       int depth, anm_tensor *outputs, anm_error *err) {
    decode d = {op, known, arena, outputs, err, depth};
    if (depth > MAX_DEPTH)
        return FAIL(&d, ANM_ERROR_LIMIT, "more than %d constexpr ops feed each other", MAX_DEPTH);
    for (size_t i = 0; i < sizeof decoders / sizeof decoders[0]; i++)
        if (strcmp(op->type, decoders[i].name) == 0) return decoders[i].run(&d);
    return FAIL(&d, ANM_ERROR_UNSUPPORTED, "op %s is not supported", op->type);
}

anm_status anm_constexpr_eval(const anm_mil_op *op, const anm_const_table *known, anm_arena *arena,
                              anm_tensor *outputs, anm_error *err) {
    ANM_TRY(eval(op, known, arena, 0, outputs, err));
    for (size_t i = 0; i < op->output_count; i++) {
        const anm_mil_type *type = op->outputs[i]->type;
        bool same = type->kind == ANM_MIL_TENSOR && type->dtype == outputs[i].dtype &&
                    type->rank == outputs[i].rank;
        for (int k = 0; same && k < type->rank; k++)
            same = type->shape[k] < 0 || type->shape[k] == outputs[i].shape[k];
        char declared[160], got[ANM_SHAPE_TEXT];
        if (!same)
            return anm_fail(err, ANM_ERROR_MISMATCH, anm_mil_op_label(op),
                            "decodes to %s %s, but %s is declared",
                            anm_dtype_name(outputs[i].dtype),
                            anm_shape_format(outputs[i].shape, outputs[i].rank, got, sizeof got),
                            anm_mil_type_format(type, declared, sizeof declared));
    }
    return ANM_OK;
}
