/* SPDX-License-Identifier: MIT */
/*
 * FP8 weights with scales: a value is the element times the scale of its block of rows and columns,
 * in fp32. One block may be the tensor, or a row; blocks at the edges may be cut off.
 */
#ifndef ANM_HF_FP8_H
#define ANM_HF_FP8_H

#include "src/base/arena.h"
#include "src/hf/checkpoint.h"

/*
 * Makes `weight`, of FP8 elements, readable with the scales of `scale`: one in all, one for each
 * row, or one for each block of `block` [rows, columns] (zero: none was named). Everything is put
 * into the arena. ANM_ERROR_FORMAT, with the offset in the scales' file, for another shape and for
 * a scale that is not finite.
 */
ANM_MUST_CHECK anm_status anm_fp8_attach(anm_arena *arena, anm_weight *weight,
                                         const anm_weight *scale, const int64_t block[2],
                                         anm_error *err);

#endif
