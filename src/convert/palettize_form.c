/* SPDX-License-Identifier: MIT */
/*
 * From what was asked for a component to what is done with one of its matrices. CoreML wants all
 * groups of a weight to be equal, so where the wanted group does not divide, something gives way.
 */
#include "src/convert/palettize_form.h"

#include "src/convert/palettize.h"

/*
 * The largest smaller group that divides costs no work when the model runs, and its tables are the
 * better ones; but below half of what was asked for, tables become dear: then rows are added.
 */
static void divide_rows(anm_palette_form *form, int64_t wanted) {
    int64_t group = wanted;
    while (form->rows % group) group--;
    form->group = 2 * group >= wanted ? group : wanted;
    form->rows += (form->group - form->rows % form->group) % form->group;
}

static int bits_of(const anm_recipe *r, anm_slot slot, int64_t layer) {
    int bits = anm_recipe_lut_of(r, slot)->bits;
    if (r->lut_bits) bits = r->lut_bits[layer * ANM_SLOT_COUNT + slot];
    return bits > ANM_PALETTE_MAX_BITS ? 0 : bits;
}

anm_palette_form anm_palette_form_of(const anm_recipe *r, anm_slot slot, int64_t layer,
                                     int64_t rows, int64_t columns) {
    const anm_convert_lut *lut = anm_recipe_lut_of(r, slot);
    int bits = bits_of(r, slot, layer);
    if (bits == 0 || columns <= 1 || rows <= ANM_PALETTE_ABOVE / columns)
        return (anm_palette_form){0};
    anm_palette_form form = {.bits = bits, .axis = r->lut_axis, .scaled = r->lut_scaled,
                             .group = lut->group, .rows = rows, .columns = columns};
    int64_t extent = form.axis == 0 ? rows : columns;
    if (form.group == ANM_CONVERT_PER_TENSOR || form.group >= extent) {
        form.axis = 0;
        form.group = rows;
    } else if (form.axis == 0 || columns % form.group) {
        form.axis = 0;
        divide_rows(&form, form.group < rows ? form.group : rows);
    }
    return form;
}

int64_t anm_palette_form_groups(const anm_palette_form *form) {
    return (form->axis == 0 ? form->rows : form->columns) / form->group;
}
