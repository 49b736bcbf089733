/* SPDX-License-Identifier: MIT */
#include "src/cpu/matmul.h"

#include <stdlib.h>
#include <string.h>

static anm_status find(const char *name, const char *where, anm_matmul *out, anm_error *err) {
    static const char *const names[ANM_MATMUL_COUNT] = {"auto", "high", "medium"};
    *out = ANM_MATMUL_AUTO;
    if (!name || !*name) return ANM_OK;
    for (int i = 0; i < ANM_MATMUL_COUNT; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *out = (anm_matmul)i;
        return ANM_OK;
    }
    return anm_fail(err, ANM_ERROR_ARGUMENT, where, "\"%s\" is none of auto, high and medium",
                    name);
}

anm_status anm_matmul_choose(const char *name, anm_matmul *out, anm_error *err) {
    ANM_TRY(find(name, "--matmul-precision", out, err));
    if (*out != ANM_MATMUL_AUTO) return ANM_OK;
    return find(getenv("ANEMONE_MATMUL_PRECISION"), "ANEMONE_MATMUL_PRECISION", out, err);
}

/*
 * What AUTO wants of a matrix. A table of up to 64 entries is off from the weights it stands for by
 * several times what rounding it to 8 bits adds; and below these sizes finding a table's best units
 * takes longer than the products save.
 */
enum { TABLE_BITS = 6, COLUMNS = 512, ROWS = 32 };

bool anm_matmul_int8(anm_matmul matmul, const anm_matrix *w, int64_t rows) {
    if (matmul != ANM_MATMUL_AUTO) return matmul == ANM_MATMUL_MEDIUM;
    return w->kind == ANM_MATRIX_LUT && w->bits <= TABLE_BITS && w->columns >= COLUMNS &&
           rows >= ROWS;
}

const anm_gemv_kernel *anm_matmul_gemv(anm_matmul matmul, const anm_matrix *w, anm_isa isa) {
    return matmul == ANM_MATMUL_HIGH ? anm_gemv_find_exact(w, isa) : anm_gemv_find(w, isa);
}
