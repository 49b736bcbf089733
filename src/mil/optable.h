/* SPDX-License-Identifier: MIT */
/*
 * How the rows of the op table are written. Each optable_*.c holds the rows of one subject;
 * optable.c makes one sorted table of them. Only these files include this.
 */
#ifndef ANM_MIL_OPTABLE_H
#define ANM_MIL_OPTABLE_H

#include "src/mil/rules.h"

/* A list of arguments; several rows may share one. */
#define ARGS(name) static const anm_mil_arg_spec name##_args[]
#define REQ(name, accepts) {name, (accepts), ANM_DEFAULT_NONE, 0, NULL}
#define OPT(name, accepts) {name, (accepts) | ANM_ARG_OPTIONAL, ANM_DEFAULT_NONE, 0, NULL}
#define OPT_INT(name, accepts, value)                                                              \
    {name, (accepts) | ANM_ARG_OPTIONAL, ANM_DEFAULT_INT, (value), NULL}
#define OPT_FLOAT(name, accepts, value)                                                            \
    {name, (accepts) | ANM_ARG_OPTIONAL, ANM_DEFAULT_FLOAT, (value), NULL}
#define OPT_BOOL(name, value)                                                                      \
    {name, CONST_BOOL | ANM_ARG_OPTIONAL, ANM_DEFAULT_BOOL, (value), NULL}
#define OPT_STRING(name, value)                                                                    \
    {name, CONST_STRING | ANM_ARG_OPTIONAL, ANM_DEFAULT_STRING, 0, (value)}

#define CONST_INTS (ANM_ARG_INT | ANM_ARG_CONST | ANM_ARG_VECTOR)
#define CONST_INT (ANM_ARG_INT | ANM_ARG_CONST | ANM_ARG_SCALAR)
#define CONST_BOOL (ANM_ARG_BOOL | ANM_ARG_CONST | ANM_ARG_SCALAR)
#define CONST_BOOLS (ANM_ARG_BOOL | ANM_ARG_CONST | ANM_ARG_VECTOR)
#define CONST_FLOAT (ANM_ARG_FLOAT | ANM_ARG_CONST | ANM_ARG_SCALAR)
#define CONST_NUMBER (ANM_ARG_NUMBER | ANM_ARG_CONST | ANM_ARG_SCALAR)
#define CONST_STRING (ANM_ARG_STRING | ANM_ARG_CONST | ANM_ARG_SCALAR)
#define WEIGHT (ANM_ARG_FLOAT | ANM_ARG_CONST)
#define TENSOR (ANM_ARG_NUMBER | ANM_ARG_BOOL)

/* Name, first opset, outputs, flags, argument list, anm_mil_rule_..., what it gives. */
#define ROW(name, opset, outputs, flags, list, rule, doc)                                          \
    {name,  opset,      outputs,                                                                   \
     flags, list##_args, sizeof list##_args / sizeof list##_args[0], anm_mil_rule_##rule, doc}
#define ROW_WITHOUT_ARGS(name, opset, outputs, flags, rule, doc)                                   \
    {name, opset, outputs, flags, NULL, 0, anm_mil_rule_##rule, doc}
#define END {NULL, 0, 0, 0, NULL, 0, NULL, NULL}

extern const anm_mil_op_spec anm_mil_ops_elementwise[], anm_mil_ops_activation[],
    anm_mil_ops_shape[], anm_mil_ops_index[], anm_mil_ops_nn[], anm_mil_ops_reduce[],
    anm_mil_ops_image[], anm_mil_ops_control[], anm_mil_ops_compressed[], anm_mil_ops_fused[];

#endif
