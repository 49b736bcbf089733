/* SPDX-License-Identifier: MIT */
/* Rows of the op table: control flow, lists, states. */
#include "src/mil/optable.h"

#define INDEX (ANM_ARG_INT | ANM_ARG_SCALAR)

ARGS(classify) = {REQ("probabilities", ANM_ARG_FLOAT),
                  REQ("classes", ANM_ARG_LIST | ANM_ARG_STRING | ANM_ARG_INT | ANM_ARG_WIDE |
                                     ANM_ARG_CONST)};
ARGS(cond) = {REQ("pred", ANM_ARG_BOOL | ANM_ARG_SCALAR)};
ARGS(coreml_update_state) = {REQ("state", ANM_ARG_STATE), REQ("value", TENSOR)};
ARGS(list_gather) = {REQ("ls", ANM_ARG_LIST), REQ("indices", ANM_ARG_INT)};
ARGS(list_length) = {REQ("ls", ANM_ARG_LIST)};
ARGS(list_read) = {REQ("ls", ANM_ARG_LIST), REQ("index", INDEX)};
ARGS(list_scatter) = {REQ("ls", ANM_ARG_LIST), REQ("indices", ANM_ARG_INT), REQ("value", TENSOR)};
ARGS(list_write) = {REQ("ls", ANM_ARG_LIST), REQ("index", INDEX), REQ("value", TENSOR)};
ARGS(make_list) = {OPT_INT("init_length", INDEX, 1), OPT_BOOL("dynamic_length", 1),
                   OPT("elem_shape", ANM_ARG_INT | ANM_ARG_STRING | ANM_ARG_CONST |
                                         ANM_ARG_SCALAR | ANM_ARG_VARIADIC),
                   OPT_STRING("dtype", "fp32")};
ARGS(read_state) = {REQ("input", ANM_ARG_STATE)};
ARGS(while_loop) = {REQ("loop_vars", (ANM_ARG_ANY & ~ANM_ARG_STATE) | ANM_ARG_VARIADIC)};
ARGS(write_state) = {REQ("input", ANM_ARG_STATE), REQ("data", TENSOR)};

const anm_mil_op_spec anm_mil_ops_control[] = {
    ROW("classify", 15, 2, 0, classify, classify, "the likeliest class, and all probabilities"),
    ROW("cond", 15, -1, ANM_OP_BLOCKS, cond, cond, "the outputs of one of two blocks"),
    ROW("coreml_update_state", 18, 1, ANM_OP_STATEFUL, coreml_update_state, update_state,
        "stores into a state and gives what was stored"),
    ROW("list_gather", 15, 1, 0, list_gather, list_gather, "elements of a list, stacked"),
    ROW("list_length", 15, 1, 0, list_length, list_length, "how many elements a list has"),
    ROW("list_read", 15, 1, 0, list_read, list_read, "an element of a list"),
    ROW("list_scatter", 15, 1, 0, list_scatter, list_scatter, "a list with elements replaced"),
    ROW("list_write", 15, 1, 0, list_write, list_write, "a list with an element replaced"),
    ROW("make_list", 15, 1, 0, make_list, make_list, "a list without values yet"),
    ROW("read_state", 18, 1, ANM_OP_STATEFUL, read_state, read_state, "the content of a state"),
    ROW("while_loop", 15, -1, ANM_OP_BLOCKS, while_loop, while_loop,
        "the second block again and again while the first one gives true"),
    ROW("write_state", 18, 0, ANM_OP_STATEFUL, write_state, write_state, "stores into a state"),
    END,
};
