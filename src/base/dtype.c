/* SPDX-License-Identifier: MIT */
#include "src/base/dtype.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "src/base/half.h"

enum { FLOAT = 1, SIGNED = 2, UNSIGNED = 4 };

static const struct {
    anm_dtype dtype;
    const char *name;
    unsigned char bits, kind;
} table[] = {
    {ANM_DTYPE_BOOL, "bool", 8, 0},
    {ANM_DTYPE_STRING, "string", 0, 0},
    {ANM_DTYPE_FP16, "fp16", 16, FLOAT},
    {ANM_DTYPE_FP32, "fp32", 32, FLOAT},
    {ANM_DTYPE_FP64, "fp64", 64, FLOAT},
    {ANM_DTYPE_BF16, "bf16", 16, FLOAT},
    {ANM_DTYPE_INT8, "int8", 8, SIGNED},
    {ANM_DTYPE_INT16, "int16", 16, SIGNED},
    {ANM_DTYPE_INT32, "int32", 32, SIGNED},
    {ANM_DTYPE_INT64, "int64", 64, SIGNED},
    {ANM_DTYPE_INT4, "int4", 4, SIGNED},
    {ANM_DTYPE_UINT8, "uint8", 8, UNSIGNED},
    {ANM_DTYPE_UINT16, "uint16", 16, UNSIGNED},
    {ANM_DTYPE_UINT32, "uint32", 32, UNSIGNED},
    {ANM_DTYPE_UINT64, "uint64", 64, UNSIGNED},
    {ANM_DTYPE_UINT4, "uint4", 4, UNSIGNED},
    {ANM_DTYPE_UINT2, "uint2", 2, UNSIGNED},
    {ANM_DTYPE_UINT1, "uint1", 1, UNSIGNED},
    {ANM_DTYPE_UINT6, "uint6", 6, UNSIGNED},
    {ANM_DTYPE_UINT3, "uint3", 3, UNSIGNED},
    {ANM_DTYPE_FP8E4M3FN, "fp8e4m3fn", 8, FLOAT},
    {ANM_DTYPE_FP8E5M2, "fp8e5m2", 8, FLOAT},
};
enum { COUNT = sizeof table / sizeof table[0] };

static int find(anm_dtype dtype) {
    for (int i = 0; i < COUNT; i++)
        if (table[i].dtype == dtype) return i;
    return -1;
}

const char *anm_dtype_name(anm_dtype dtype) {
    int i = find(dtype);
    return i < 0 ? "none" : table[i].name;
}

int anm_dtype_bits(anm_dtype dtype) {
    int i = find(dtype);
    return i < 0 ? 0 : table[i].bits;
}

static int kind_of(anm_dtype dtype) {
    int i = find(dtype);
    return i < 0 ? 0 : table[i].kind;
}

bool anm_dtype_is_float(anm_dtype dtype) {
    return kind_of(dtype) == FLOAT;
}
bool anm_dtype_is_int(anm_dtype dtype) {
    return (kind_of(dtype) & (SIGNED | UNSIGNED)) != 0;
}
bool anm_dtype_is_signed(anm_dtype dtype) {
    return (kind_of(dtype) & (SIGNED | FLOAT)) != 0;
}
bool anm_dtype_is_subbyte(anm_dtype dtype) {
    int bits = anm_dtype_bits(dtype);
    return bits > 0 && bits < 8;
}

anm_dtype anm_dtype_from_name(anm_sv name) {
    for (int i = 0; i < COUNT; i++)
        if (anm_sv_is(name, table[i].name)) return table[i].dtype;
    return ANM_DTYPE_NONE;
}

int64_t anm_shape_elements(const int64_t *shape, int rank) {
    int64_t n = 1;
    for (int i = 0; i < rank; i++)
        if (shape[i] < 0 || __builtin_mul_overflow(n, shape[i], &n)) return -1;
    return n;
}

bool anm_dtype_bytes(anm_dtype dtype, int64_t elements, size_t *bytes) {
    int bits = anm_dtype_bits(dtype);
    int64_t total;
    if (!bits || elements < 0 || __builtin_mul_overflow(elements, (int64_t)bits, &total))
        return false;
    *bytes = (size_t)(total / 8 + (total % 8 != 0));
    return true;
}

/* Element i holds bits [i*n, i*n+n) of a little-endian stream: 3 and 6 bits straddle bytes. */
static unsigned get_bits(const unsigned char *data, int64_t index, int bits) {
    int64_t at = index * bits;
    unsigned low = data[at / 8], shift = (unsigned)(at % 8);
    if (shift + (unsigned)bits > 8) low |= (unsigned)data[at / 8 + 1] << 8;
    return low >> shift & ((1u << bits) - 1);
}

static void set_bits(unsigned char *data, int64_t index, int bits, unsigned value) {
    for (int b = 0; b < bits; b++) {
        int64_t at = index * bits + b;
        unsigned char mask = (unsigned char)(1u << (at % 8));
        data[at / 8] = (unsigned char)(value >> b & 1 ? data[at / 8] | mask : data[at / 8] & ~mask);
    }
}

/* E4M3FN has no infinity: its largest exponent holds numbers up to 448, and one NaN. */
static double fp8_to_double(unsigned char u, int exponent_bits) {
    int mantissa_bits = 7 - exponent_bits, bias = (1 << (exponent_bits - 1)) - 1;
    int exponent = u >> mantissa_bits & ((1 << exponent_bits) - 1);
    int mantissa = u & ((1 << mantissa_bits) - 1);
    double sign = u & 0x80 ? -1 : 1;
    if (exponent_bits == 4 && (u & 0x7f) == 0x7f) return NAN;
    if (exponent_bits == 5 && exponent == 31) return mantissa ? NAN : sign * INFINITY;
    if (exponent == 0) return sign * ldexp(mantissa, 1 - bias - mantissa_bits);
    return sign * ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
}

/* Nearest of the 256 codes, ties to even; beyond the largest: infinity, or NaN without one. */
static unsigned char fp8_from_double(double value, int exponent_bits) {
    unsigned char sign = signbit(value) ? 0x80 : 0;
    unsigned char last = exponent_bits == 4 ? 0x7e : 0x7b, best = 0; /* largest finite code */
    double magnitude = fabs(value), largest = fp8_to_double(last, exponent_bits);
    double half_step = (largest - fp8_to_double((unsigned char)(last - 1), exponent_bits)) / 2;
    if (isnan(value)) return 0x7f;
    /* E4M3FN's last code is even: a tie stays finite. E5M2's is odd: a tie becomes infinite. */
    if (magnitude > largest + half_step || (last % 2 && magnitude == largest + half_step))
        return (unsigned char)(sign | (last + 1));
    for (int code = 1; code <= last; code++) {
        double distance = fabs(fp8_to_double((unsigned char)code, exponent_bits) - magnitude);
        double least = fabs(fp8_to_double(best, exponent_bits) - magnitude);
        if (distance < least || (distance == least && code % 2 == 0)) best = (unsigned char)code;
    }
    return (unsigned char)(sign | best);
}

#define LOAD(type)                                                                                 \
    type v;                                                                                        \
    memcpy(&v, (const char *)data + (size_t)index * sizeof v, sizeof v)

int64_t anm_element_get_int(anm_dtype dtype, const void *data, int64_t index) {
    switch (dtype) {
    case ANM_DTYPE_BOOL: return ((const unsigned char *)data)[index] != 0;
    case ANM_DTYPE_UINT8: return ((const unsigned char *)data)[index];
    case ANM_DTYPE_INT8: return ((const signed char *)data)[index];
    case ANM_DTYPE_INT16: {
        LOAD(int16_t);
        return v;
    }
    case ANM_DTYPE_UINT16: {
        LOAD(uint16_t);
        return v;
    }
    case ANM_DTYPE_INT32: {
        LOAD(int32_t);
        return v;
    }
    case ANM_DTYPE_UINT32: {
        LOAD(uint32_t);
        return v;
    }
    case ANM_DTYPE_INT64: {
        LOAD(int64_t);
        return v;
    }
    case ANM_DTYPE_UINT64: {
        LOAD(uint64_t);
        return (int64_t)v;
    }
    case ANM_DTYPE_INT4: {
        int v = (int)get_bits(data, index, 4);
        return v >= 8 ? v - 16 : v;
    }
    case ANM_DTYPE_UINT1: return get_bits(data, index, 1);
    case ANM_DTYPE_UINT2: return get_bits(data, index, 2);
    case ANM_DTYPE_UINT3: return get_bits(data, index, 3);
    case ANM_DTYPE_UINT4: return get_bits(data, index, 4);
    case ANM_DTYPE_UINT6: return get_bits(data, index, 6);
    default: return (int64_t)anm_element_get(dtype, data, index);
    }
}

double anm_element_get(anm_dtype dtype, const void *data, int64_t index) {
    switch (dtype) {
    case ANM_DTYPE_FP16: {
        LOAD(uint16_t);
        return anm_half_to_float(v);
    }
    case ANM_DTYPE_BF16: {
        LOAD(uint16_t);
        return anm_bf16_to_float(v);
    }
    case ANM_DTYPE_FP32: {
        LOAD(float);
        return v;
    }
    case ANM_DTYPE_FP64: {
        LOAD(double);
        return v;
    }
    case ANM_DTYPE_FP8E4M3FN: return fp8_to_double(((const unsigned char *)data)[index], 4);
    case ANM_DTYPE_FP8E5M2: return fp8_to_double(((const unsigned char *)data)[index], 5);
    case ANM_DTYPE_UINT64: {
        LOAD(uint64_t);
        return (double)v;
    }
    case ANM_DTYPE_NONE:
    case ANM_DTYPE_STRING: return 0;
    default: return (double)anm_element_get_int(dtype, data, index);
    }
}

#define STORE(type, number)                                                                        \
    do {                                                                                           \
        type v = (type)(number);                                                                   \
        memcpy((char *)data + (size_t)index * sizeof v, &v, sizeof v);                             \
    } while (0)

void anm_element_set_int(anm_dtype dtype, void *data, int64_t index, int64_t value) {
    switch (dtype) {
    case ANM_DTYPE_BOOL: ((unsigned char *)data)[index] = value != 0; break;
    case ANM_DTYPE_INT8:
    case ANM_DTYPE_UINT8: ((unsigned char *)data)[index] = (unsigned char)value; break;
    case ANM_DTYPE_INT16:
    case ANM_DTYPE_UINT16: STORE(uint16_t, value); break;
    case ANM_DTYPE_INT32:
    case ANM_DTYPE_UINT32: STORE(uint32_t, value); break;
    case ANM_DTYPE_INT64:
    case ANM_DTYPE_UINT64: STORE(int64_t, value); break;
    case ANM_DTYPE_INT4:
    case ANM_DTYPE_UINT4: set_bits(data, index, 4, (unsigned)value); break;
    case ANM_DTYPE_UINT1: set_bits(data, index, 1, (unsigned)value); break;
    case ANM_DTYPE_UINT2: set_bits(data, index, 2, (unsigned)value); break;
    case ANM_DTYPE_UINT3: set_bits(data, index, 3, (unsigned)value); break;
    case ANM_DTYPE_UINT6: set_bits(data, index, 6, (unsigned)value); break;
    default: anm_element_set(dtype, data, index, (double)value); break;
    }
}

/* A double outside int64 must not reach the C conversion, which is undefined there. */
static int64_t clamp_to_int64(double value) {
    if (isnan(value)) return 0;
    if (value >= 0x1p63) return INT64_MAX;
    if (value <= -0x1p63) return INT64_MIN;
    return (int64_t)value;
}

void anm_element_set(anm_dtype dtype, void *data, int64_t index, double value) {
    switch (dtype) {
    case ANM_DTYPE_FP16: STORE(uint16_t, anm_half_from_double(value)); break;
    case ANM_DTYPE_BF16: STORE(uint16_t, anm_bf16_from_float((float)value)); break;
    case ANM_DTYPE_FP32: STORE(float, value); break;
    case ANM_DTYPE_FP64: STORE(double, value); break;
    case ANM_DTYPE_FP8E4M3FN: ((unsigned char *)data)[index] = fp8_from_double(value, 4); break;
    case ANM_DTYPE_FP8E5M2: ((unsigned char *)data)[index] = fp8_from_double(value, 5); break;
    case ANM_DTYPE_NONE:
    case ANM_DTYPE_STRING: break;
    case ANM_DTYPE_BOOL: ((unsigned char *)data)[index] = value != 0; break;
    default: anm_element_set_int(dtype, data, index, clamp_to_int64(value)); break;
    }
}

static bool aligned(const void *a, const void *b) {
    return ((uintptr_t)a | (uintptr_t)b) % sizeof(float) == 0;
}

void anm_elements_convert(anm_dtype to, void *out, anm_dtype from, const void *in, int64_t count) {
    size_t bytes, n = (size_t)count;
    if (to == from && anm_dtype_bytes(to, count, &bytes)) {
        if (bytes) memcpy(out, in, bytes);
    } else if (to == ANM_DTYPE_FP32 && from == ANM_DTYPE_FP16 && aligned(out, in)) {
        anm_half_to_float_n(out, in, n);
    } else if (to == ANM_DTYPE_FP16 && from == ANM_DTYPE_FP32 && aligned(out, in)) {
        anm_half_from_float_n(out, in, n);
    } else if (anm_dtype_is_float(to) || anm_dtype_is_float(from)) {
        for (int64_t i = 0; i < count; i++)
            anm_element_set(to, out, i, anm_element_get(from, in, i));
    } else {
        for (int64_t i = 0; i < count; i++)
            anm_element_set_int(to, out, i, anm_element_get_int(from, in, i));
    }
}

const char *anm_shape_format(const int64_t *shape, int rank, char *buffer, size_t size) {
    size_t used = (size_t)snprintf(buffer, size, "[");
    for (int i = 0; i < rank && used < size; i++) {
        const char *comma = i ? ", " : "";
        int n = shape[i] < 0
                    ? snprintf(buffer + used, size - used, "%s?", comma)
                    : snprintf(buffer + used, size - used, "%s%lld", comma, (long long)shape[i]);
        used += (size_t)n;
    }
    if (used < size) snprintf(buffer + used, size - used, "]");
    return buffer;
}
