/* SPDX-License-Identifier: MIT */
/* Type rules of states. */
#include "src/mil/rules.h"

bool anm_mil_rule_read_state(const anm_mil_op *op, anm_mil_infer *infer) {
    infer->outputs[0] = anm_mil_type_of(op, "input")->items[0];
    return true;
}

bool anm_mil_rule_write_state(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *state = anm_mil_type_of(op, "input")->items[0];
    if (!anm_mil_type_compatible(state, anm_mil_type_of(op, "data")))
        return anm_mil_refuse(infer, "data does not have the type of the state");
    return true;
}

bool anm_mil_rule_update_state(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *state = anm_mil_type_of(op, "state")->items[0];
    infer->outputs[0] = anm_mil_type_of(op, "value");
    return anm_mil_type_compatible(state, infer->outputs[0]) ||
           anm_mil_refuse(infer, "value does not have the type of the state");
}
