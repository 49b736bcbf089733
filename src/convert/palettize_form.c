/* SPDX-License-Identifier: MIT */
/* From what was asked for a component to what is done with one of its matrices. */
#include "src/convert/palettize_form.h"

/*
 * A table for fewer rows than wanted is better but costs more; where tables would take up more than
 * a quarter of what fp16 weights do, one for the tensor is the better bargain.
 */
static int64_t group_for(const anm_convert_lut *lut, int64_t rows, int64_t columns) {
    if (lut->group == ANM_CONVERT_PER_TENSOR || lut->group >= rows) return rows;
    int64_t group = lut->group;
    while (rows % group) group--;
    bool dear = ((int64_t)4 << lut->bits) > group * columns;
    return group < lut->group && dear ? rows : group;
}

anm_palette_form anm_palette_form_of(const anm_recipe *r, anm_slot slot, int64_t rows,
                                     int64_t columns) {
    const anm_convert_lut *lut = anm_recipe_lut_of(r, slot);
    if (lut->bits == 0 || columns <= 1 || rows <= ANM_PALETTE_ABOVE / columns)
        return (anm_palette_form){0};
    return (anm_palette_form){.bits = lut->bits, .group = group_for(lut, rows, columns),
                              .rows = rows, .columns = columns};
}

int64_t anm_palette_form_groups(const anm_palette_form *form) {
    return (form->axis == 0 ? form->rows : form->columns) / form->group;
}
