/* SPDX-License-Identifier: MIT */
/* cond and while_loop: running nested blocks. */
#include <string.h>

#include "src/base/alloc.h"
#include "src/interp/plan.h"

/* A loop that has not ended by then is taken for one that never will. */
enum { MAX_ITERATIONS = 1 << 20 };

static bool truth(anm_kcall *k, const anm_rvalue *v) {
    const int32_t *data = v && !anm_rvalue_is_empty(v) && !v->list ? anm_k_int32s(k, v) : NULL;
    if (data && v->count == 1) return data[0] != 0;
    anm_k_fail(k, ANM_ERROR_MISMATCH, "the condition is not one bool");
    return false;
}

static bool run(anm_kcall *k, size_t index) {
    if (k->status == ANM_OK) k->status = anm_run_block(k->run, k->step->blocks[index]);
    return k->status == ANM_OK;
}

/* References to the block's outputs. */
static void collect(anm_kcall *k, const anm_mil_block *block, anm_rvalue *out) {
    for (size_t i = 0; i < block->output_count; i++)
        anm_rvalue_copy(&out[i], anm_run_value(k->run, block->outputs[i]));
}

static void release(anm_rvalue *values, size_t n) {
    for (size_t i = 0; i < n; i++) anm_rvalue_clear(&values[i]);
}

/* Empties the slots that a block left full: its inputs, and outputs of its own. */
static void leave_block(anm_kcall *k, const anm_mil_block *block) {
    for (size_t i = 0; i < block->input_count; i++)
        anm_rvalue_clear(&k->run->slots[block->inputs[i]->id]);
    for (const anm_mil_op *op = block->first; op; op = op->next)
        for (size_t i = 0; i < op->output_count; i++)
            anm_rvalue_clear(&k->run->slots[op->outputs[i]->id]);
}

static void cond(anm_kcall *k) {
    if (k->op->block_count != 2) {
        anm_k_fail(k, ANM_ERROR_FORMAT, "has %zu blocks instead of 2", k->op->block_count);
        return;
    }
    size_t taken = truth(k, anm_k_arg(k, "pred")) ? 0 : 1;
    const anm_mil_block *block = k->op->blocks[taken];
    if (block->output_count != k->op->output_count)
        anm_k_fail(k, ANM_ERROR_FORMAT, "a branch has %zu outputs", block->output_count);
    if (!run(k, taken)) return;
    collect(k, block, k->outputs);
    leave_block(k, block);
}

/* Enters a block with the loop's variables; `hand_over` gives the references away. */
static void enter(anm_kcall *k, const anm_mil_block *block, anm_rvalue *vars, bool hand_over) {
    for (size_t i = 0; i < block->input_count; i++) {
        anm_rvalue *slot = &k->run->slots[block->inputs[i]->id];
        anm_rvalue_clear(slot);
        anm_rvalue_copy(slot, &vars[i]);
        if (hand_over) anm_rvalue_clear(&vars[i]);
    }
}

static bool continues(anm_kcall *k, anm_rvalue *vars) {
    const anm_mil_block *block = k->op->blocks[0];
    enter(k, block, vars, false);
    if (!run(k, 0)) return false;
    bool go = truth(k, anm_run_value(k->run, block->outputs[0]));
    leave_block(k, block);
    return go && k->status == ANM_OK;
}

static void loop(anm_kcall *k, anm_rvalue *vars) {
    const anm_mil_block *body = k->op->blocks[1];
    for (int i = 0; continues(k, vars); i++) {
        if (i == MAX_ITERATIONS) {
            anm_k_fail(k, ANM_ERROR_LIMIT, "more than %d iterations", MAX_ITERATIONS);
            return;
        }
        enter(k, body, vars, true);
        if (!run(k, 1)) return;
        collect(k, body, vars);
        leave_block(k, body);
    }
}

static bool check_loop(anm_kcall *k, size_t n) {
    const anm_mil_op *op = k->op;
    if (op->block_count == 2 && op->output_count == n && op->blocks[0]->input_count == n &&
        op->blocks[0]->output_count == 1 && op->blocks[1]->input_count == n &&
        op->blocks[1]->output_count == n)
        return true;
    anm_k_fail(k, ANM_ERROR_FORMAT, "its blocks do not fit its %zu variables", n);
    return false;
}

static void while_loop(anm_kcall *k) {
    size_t n = anm_k_arg_count(k, "loop_vars");
    if (!check_loop(k, n)) return;
    anm_rvalue *vars = anm_calloc(n, sizeof *vars);
    if (!vars) {
        anm_k_fail(k, ANM_ERROR_MEMORY, "out of memory");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const anm_rvalue *v = anm_k_arg_at(k, "loop_vars", i);
        if (v) anm_rvalue_copy(&vars[i], v);
    }
    loop(k, vars);
    if (k->status == ANM_OK) memcpy(k->outputs, vars, n * sizeof *vars);
    else release(vars, n);
    anm_free(vars);
}

const anm_kernel anm_kernels_control[] = {
    {"cond", cond, 0, NULL},
    {"while_loop", while_loop, 0, NULL},
    {NULL, NULL, 0, NULL},
};
