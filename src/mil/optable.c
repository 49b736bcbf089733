/* SPDX-License-Identifier: MIT */
/* The op table: one row per op, sorted by name. Arguments first, then the rows. */
#include <string.h>

#include "src/mil/rules.h"

#define ARGS(name) static const anm_mil_arg_spec name##_args[]
#define REQ(name, accepts) {name, (accepts), ANM_DEFAULT_NONE, 0, NULL}
#define OPT(name, accepts) {name, (accepts) | ANM_ARG_OPTIONAL, ANM_DEFAULT_NONE, 0, NULL}
#define OPT_INT(name, accepts, value)                                                              \
    {name, (accepts) | ANM_ARG_OPTIONAL, ANM_DEFAULT_INT, (value), NULL}
#define OPT_FLOAT(name, accepts, value)                                                            \
    {name, (accepts) | ANM_ARG_OPTIONAL, ANM_DEFAULT_FLOAT, (value), NULL}
#define OPT_BOOL(name, value)                                                                      \
    {name, ANM_ARG_BOOL | ANM_ARG_CONST | ANM_ARG_OPTIONAL, ANM_DEFAULT_BOOL, (value), NULL}
#define OPT_STRING(name, value)                                                                    \
    {name, ANM_ARG_STRING | ANM_ARG_CONST | ANM_ARG_OPTIONAL, ANM_DEFAULT_STRING, 0, (value)}

ARGS(binary) = {REQ("x", ANM_ARG_NUMBER), REQ("y", ANM_ARG_NUMBER)};

#define ROW(name, opset, outputs, flags, arg_list, rule, doc)                                      \
    {name, opset, outputs, flags, arg_list##_args, sizeof arg_list##_args / sizeof(anm_mil_arg_spec),  \
     rule, doc}
#define ROW0(name, opset, outputs, flags, rule, doc)                                               \
    {name, opset, outputs, flags, NULL, 0, rule, doc}

static const anm_mil_op_spec table[] = {
    ROW("add", 15, 1, 0, binary, anm_mil_rule_binary, "x + y, broadcast"),
    ROW0("const", 15, 1, ANM_OP_CONSTEXPR, anm_mil_rule_const, "the attribute val"),
    ROW("mul", 15, 1, 0, binary, anm_mil_rule_binary, "x * y, broadcast"),
};
enum { COUNT = sizeof table / sizeof table[0] };

const anm_mil_op_spec *anm_mil_op_spec_at(size_t index) {
    return index < COUNT ? &table[index] : NULL;
}

const anm_mil_op_spec *anm_mil_op_spec_find(const char *name) {
    size_t low = 0, high = COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, table[middle].name);
        if (order == 0) return &table[middle];
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return NULL;
}
