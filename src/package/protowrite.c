/* SPDX-License-Identifier: MIT */
#include "src/package/protowrite.h"

#include "src/package/protonew.h"
#include "src/package/protovalue.h"

static bool make_attrs(anm_arena *arena, const anm_mil_attr *attrs, size_t count,
                       Pb__Attribute ***out, size_t *out_count) {
    *out = ANM_ARENA_ARRAY(arena, Pb__Attribute *, count);
    if (!*out) return false;
    for (size_t i = 0; i < count; i++) {
        Pb__Attribute *a = (*out)[i] = ANM_PROTO_NEW(arena, Pb__Attribute, pb__attribute);
        if (!a || !(a->value = anm_proto_make_value(arena, attrs[i].literal))) return false;
        a->key = (char *)attrs[i].name;
    }
    *out_count = count;
    return true;
}

static bool make_named(anm_arena *arena, anm_mil_value *const *values, size_t count,
                       Pb__NamedValueType ***out, size_t *out_count) {
    *out = ANM_ARENA_ARRAY(arena, Pb__NamedValueType *, count);
    if (!*out) return false;
    for (size_t i = 0; i < count; i++) {
        Pb__NamedValueType *n = (*out)[i] =
            ANM_PROTO_NEW(arena, Pb__NamedValueType, pb__named_value_type);
        if (!n || !(n->type = anm_proto_make_type(arena, values[i]->type))) return false;
        n->name = (char *)values[i]->name;
    }
    *out_count = count;
    return true;
}

static Pb__Argument__Binding *make_binding(anm_arena *arena, anm_mil_operand operand) {
    Pb__Argument__Binding *b = ANM_PROTO_NEW(arena, Pb__Argument__Binding, pb__argument__binding);
    if (!b) return NULL;
    if (operand.value) {
        b->binding_case = PB__ARGUMENT__BINDING__BINDING_NAME;
        b->name = (char *)operand.value->name;
        return b;
    }
    b->binding_case = PB__ARGUMENT__BINDING__BINDING_VALUE;
    b->value = anm_proto_make_value(arena, operand.literal);
    return b->value ? b : NULL;
}

static Pb__Operation__InputEntry *make_arg(anm_arena *arena, const anm_mil_arg *arg) {
    Pb__Operation__InputEntry *e =
        ANM_PROTO_NEW(arena, Pb__Operation__InputEntry, pb__operation__input_entry);
    Pb__Argument *a = ANM_PROTO_NEW(arena, Pb__Argument, pb__argument);
    if (!e || !a) return NULL;
    e->key = (char *)arg->name;
    e->value = a;
    a->n_arguments = arg->count;
    a->arguments = ANM_ARENA_ARRAY(arena, Pb__Argument__Binding *, arg->count);
    if (!a->arguments) return NULL;
    for (size_t i = 0; i < arg->count; i++)
        if (!(a->arguments[i] = make_binding(arena, arg->operands[i]))) return NULL;
    return e;
}

static Pb__Block *make_block(anm_arena *arena, const anm_mil_block *block);

static bool make_args_and_blocks(anm_arena *arena, const anm_mil_op *op, Pb__Operation *m) {
    m->n_inputs = op->arg_count;
    m->inputs = ANM_ARENA_ARRAY(arena, Pb__Operation__InputEntry *, op->arg_count);
    m->n_blocks = op->block_count;
    m->blocks = ANM_ARENA_ARRAY(arena, Pb__Block *, op->block_count);
    if (!m->inputs || !m->blocks) return false;
    for (size_t i = 0; i < op->arg_count; i++)
        if (!(m->inputs[i] = make_arg(arena, &op->args[i]))) return false;
    for (size_t i = 0; i < op->block_count; i++)
        if (!(m->blocks[i] = make_block(arena, op->blocks[i]))) return false;
    return true;
}

static Pb__Operation *make_op(anm_arena *arena, const anm_mil_op *op) {
    Pb__Operation *m = ANM_PROTO_NEW(arena, Pb__Operation, pb__operation);
    if (!m) return NULL;
    m->type = (char *)op->type;
    bool ok = make_args_and_blocks(arena, op, m) &&
              make_named(arena, op->outputs, op->output_count, &m->outputs, &m->n_outputs) &&
              make_attrs(arena, op->attrs, op->attr_count, &m->attributes, &m->n_attributes);
    return ok ? m : NULL;
}

static Pb__Block *make_block(anm_arena *arena, const anm_mil_block *block) {
    Pb__Block *m = ANM_PROTO_NEW(arena, Pb__Block, pb__block);
    size_t ops = 0;
    for (const anm_mil_op *op = block->first; op; op = op->next) ops++;
    if (!m) return NULL;
    m->operations = ANM_ARENA_ARRAY(arena, Pb__Operation *, ops);
    m->outputs = ANM_ARENA_ARRAY(arena, char *, block->output_count);
    m->n_outputs = block->output_count;
    if (!m->operations || !m->outputs) return NULL;
    for (const anm_mil_op *op = block->first; op; op = op->next)
        if (!(m->operations[m->n_operations++] = make_op(arena, op))) return NULL;
    for (size_t i = 0; i < block->output_count; i++)
        m->outputs[i] = (char *)block->outputs[i]->name;
    bool ok = make_named(arena, block->inputs, block->input_count, &m->inputs, &m->n_inputs) &&
              make_attrs(arena, block->attrs, block->attr_count, &m->attributes, &m->n_attributes);
    return ok ? m : NULL;
}

static Pb__Program__FunctionEntry *make_function(anm_arena *arena, const anm_mil_function *f) {
    Pb__Program__FunctionEntry *e =
        ANM_PROTO_NEW(arena, Pb__Program__FunctionEntry, pb__program__function_entry);
    Pb__Function *m = ANM_PROTO_NEW(arena, Pb__Function, pb__function);
    Pb__Function__BlockEntry *b =
        ANM_PROTO_NEW(arena, Pb__Function__BlockEntry, pb__function__block_entry);
    if (!e || !m || !b) return NULL;
    e->key = (char *)f->name;
    e->value = m;
    m->opset = b->key = (char *)f->opset;
    m->n_block_specializations = 1;
    m->block_specializations = anm_arena_copy(arena, &b, sizeof b);
    b->value = make_block(arena, f->body);
    bool ok = m->block_specializations && b->value &&
              make_named(arena, f->inputs, f->input_count, &m->inputs, &m->n_inputs) &&
              make_attrs(arena, f->attrs, f->attr_count, &m->attributes, &m->n_attributes);
    return ok ? e : NULL;
}

Pb__Program *anm_proto_write_program(anm_arena *arena, const anm_mil_program *program) {
    Pb__Program *m = ANM_PROTO_NEW(arena, Pb__Program, pb__program);
    if (!m) return NULL;
    m->version = program->version;
    m->n_functions = program->function_count;
    m->functions = ANM_ARENA_ARRAY(arena, Pb__Program__FunctionEntry *, program->function_count);
    if (!m->functions) return NULL;
    for (size_t i = 0; i < program->function_count; i++)
        if (!(m->functions[i] = make_function(arena, program->functions[i]))) return NULL;
    return make_attrs(arena, program->attrs, program->attr_count, &m->attributes, &m->n_attributes)
               ? m
               : NULL;
}

typedef struct file_buffer {
    ProtobufCBuffer base;
    anm_writer *file;
    anm_status status;
    anm_error *err;
} file_buffer;

static void append(ProtobufCBuffer *buffer, size_t size, const uint8_t *data) {
    file_buffer *b = (file_buffer *)buffer;
    if (b->status == ANM_OK) b->status = anm_writer_write(b->file, data, size, b->err);
}

anm_status anm_proto_pack(const ProtobufCMessage *message, anm_writer *file, anm_error *err) {
    file_buffer buffer = {.base = {.append = append}, .file = file, .err = err};
    protobuf_c_message_pack_to_buffer(message, &buffer.base);
    return buffer.status;
}
