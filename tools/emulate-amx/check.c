/* SPDX-License-Identifier: MIT */
/*
 * Runs without a system in an emulator of a processor with AMX: the GEMM kernel of every width
 * over its tiles, against sums in double. Speaks through the first serial port.
 */
#include <stdint.h>
#include <string.h>

#include "src/cpu/kernels/gemm.h"

extern const anm_gemm_kernel anm_gemm_kernels_amx[];
void check(void);

enum { SERIAL = 0x3f8 };

/* Everything below 640 KB: the program, these, the stack. */
static _Alignas(64) char input[64 << 10], scratch[160 << 10];
static float x[40 * 300], y[40 * 70];
static uint16_t table[70 * 256];
static uint8_t data[70 * 300 * 2];
static uint64_t state = 88172645463325252u;

static void out(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void open_port(void) {
    out(SERIAL + 3, 0x80); /* 115200 baud: divisor 1 */
    out(SERIAL, 1);
    out(SERIAL + 1, 0);
    out(SERIAL + 3, 3); /* 8 bits */
}

static void put(const char *text) {
    for (; *text; text++) {
        uint8_t status = 0;
        while (!(status & 0x20))
            __asm__ volatile("inb %1, %0" : "=a"(status) : "Nd"((uint16_t)(SERIAL + 5)));
        out(SERIAL, (uint8_t)*text);
    }
}

static void put_number(int64_t n) {
    char digits[24], *at = digits + 23;
    *at = '\0';
    do *--at = (char)('0' + n % 10);
    while (n /= 10);
    put(at);
}

_Noreturn static void end(const char *how) {
    put("emulated: ");
    put(how);
    put("\n");
    for (;;) __asm__ volatile("hlt");
}

static uint32_t random_bits(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static uint16_t random_half(void) { return (uint16_t)(random_bits() & 0xb3ff); }

static void fill(void) {
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = (float)(int32_t)random_bits() * (i % 7 == 0 ? 0x1p-20f : 0x1p-31f);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) table[i] = random_half();
    for (size_t i = 0; i < sizeof data; i += 2) {
        uint16_t half = random_half();
        memcpy(data + i, &half, 2);
    }
}

/* Sums in double; bf16 is off by 2^-8 of a factor at most. */
static void compare_with_sums(const anm_matrix *w, int64_t tokens, const float *of) {
    static float row[300];
    int64_t near = 0;
    for (int64_t r = 0; r < w->rows; r++) {
        anm_matrix_row(w, r, 0, w->columns, row);
        for (int64_t t = 0; t < tokens; t++) {
            double sum = 0, norm = 0;
            for (int64_t k = 0; k < w->columns; k++) {
                double product = (double)row[k] * (double)x[t * w->columns + k];
                sum += product;
                norm += product < 0 ? -product : product;
            }
            double error = (double)of[t * w->rows + r] - sum;
            near += (error < 0 ? -error : error) <= norm * 0x1.02p-7;
        }
    }
    put("gemm_bf16_amx, bits ");
    put_number(w->bits);
    put(": ");
    put_number(near);
    put(" of ");
    put_number(w->rows * tokens);
    put(" within the bound\n");
    if (near != w->rows * tokens) end("failed");
}

static void check_gemm(anm_matrix_kind kind, int bits, int64_t tokens) {
    anm_matrix w = {.kind = kind, .rows = 70, .columns = 300, .bits = bits, .data = data,
                    .lut = table, .group_rows = 5, .group_columns = 300};
    const anm_gemm_kernel *kernel = anm_gemm_kernels_amx;
    if (kernel->input_bytes(300, tokens) > sizeof input ||
        kernel->scratch_bytes(&w, tokens) > sizeof scratch)
        end("failed, too little memory");
    kernel->prepare(x, 300, 300, tokens, input, 0, 1);
    kernel->run(&w, input, tokens, 0, 70, y, 70, scratch);
    compare_with_sums(&w, tokens, y);
}

void check(void) {
    static const int bits[] = {1, 2, 3, 4, 6, 8};
    open_port();
    put("64-bit mode, tiles on\n");
    fill();
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        check_gemm(ANM_MATRIX_LUT, bits[i], i % 2 == 0 ? 40 : 33);
    check_gemm(ANM_MATRIX_FP16, 16, 17);
    end("passed");
}
