/* SPDX-License-Identifier: MIT */
/* --shape NAME=1,3,224: shapes of inputs, from the command line. */
#ifndef ANM_CLI_SHAPEARG_H
#define ANM_CLI_SHAPEARG_H

#include "anemone/tensor.h"
#include "src/cli/cli.h"

enum { SHAPES_MOST = 16 };

/* Tensors without data, named and shaped. */
typedef struct shape_args {
    anm_tensor tensors[SHAPES_MOST];
    char names[SHAPES_MOST][128];
    size_t count;
} shape_args;

/* False: not of the form, or too many. */
bool cli_shapes(const cli_list *list, shape_args *out);

#endif
