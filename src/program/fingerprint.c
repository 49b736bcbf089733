/* SPDX-License-Identifier: MIT */
#include "src/program/fingerprint.h"

#include "src/program/program.h"

enum { STRETCH = 64 };

static void add_type(anm_sha256 *hash, const anm_mil_type *type) {
    anm_sha256_line(hash, "type %d %d %d %zu", (int)type->kind, (int)type->dtype, type->rank,
                    type->count);
    if (type->rank > 0) anm_sha256_add(hash, type->shape, (size_t)type->rank * sizeof *type->shape);
    for (size_t i = 0; type->items && i < type->count; i++)
        if (type->items[i]) add_type(hash, type->items[i]);
}

static void add_data(anm_sha256 *hash, const anm_mil_literal *l) {
    const char *data = l->data;
    anm_sha256_line(hash, "data %zu", l->bytes);
    if (!l->blob_path || l->bytes <= 3 * STRETCH) {
        anm_sha256_add(hash, data, l->bytes);
        return;
    }
    anm_sha256_add(hash, data, STRETCH);
    anm_sha256_add(hash, data + l->bytes / 2, STRETCH);
    anm_sha256_add(hash, data + l->bytes - STRETCH, STRETCH);
}

static void add_literal(anm_sha256 *hash, const anm_mil_literal *l) {
    add_type(hash, l->type);
    if (l->data) add_data(hash, l);
    for (size_t i = 0; l->strings && i < l->count; i++)
        anm_sha256_line(hash, "text %.*s", ANM_SV(l->strings[i]));
    for (size_t i = 0; l->items && i < l->count; i++) add_literal(hash, l->items[i]);
}

static void add_operand(anm_sha256 *hash, const anm_mil_operand *operand) {
    if (operand->literal) add_literal(hash, operand->literal);
    else if (operand->value) anm_sha256_line(hash, "value %u", (unsigned)operand->value->id);
}

static void add_block(anm_sha256 *hash, const anm_mil_block *block);

static void add_op(anm_sha256 *hash, const anm_mil_op *op) {
    anm_sha256_line(hash, "op %s", op->type);
    for (size_t i = 0; i < op->arg_count; i++) {
        anm_sha256_line(hash, "%s", op->args[i].name);
        for (size_t k = 0; k < op->args[i].count; k++)
            add_operand(hash, &op->args[i].operands[k]);
    }
    for (size_t i = 0; i < op->attr_count; i++) {
        anm_sha256_line(hash, "%s", op->attrs[i].name);
        add_literal(hash, op->attrs[i].literal);
    }
    for (size_t i = 0; i < op->output_count; i++) add_type(hash, op->outputs[i]->type);
    for (size_t i = 0; i < op->block_count; i++) add_block(hash, op->blocks[i]);
}

static void add_block(anm_sha256 *hash, const anm_mil_block *block) {
    for (const anm_mil_op *op = block->first; op; op = op->next) add_op(hash, op);
}

void anm_program_fingerprint(const anm_program *program, anm_sha256 *hash) {
    for (size_t i = 0; i < program->function_count; i++) {
        const anm_mil_function *f = program->functions[i].mil;
        anm_sha256_line(hash, "function %s", f->name);
        for (size_t k = 0; k < f->input_count; k++) {
            anm_sha256_line(hash, "input %s", f->inputs[k]->name);
            add_type(hash, f->inputs[k]->type);
        }
        add_block(hash, f->body);
    }
}
