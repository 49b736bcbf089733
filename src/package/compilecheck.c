/* SPDX-License-Identifier: MIT */
/*
 * What cannot be compiled: constructs whose compiled form nobody has seen, and programs that do not
 * fit the interface beside them.
 */
#include <string.h>

#include "src/package/compile.h"

typedef struct checker {
    const anm_package *package;
    const char *function;
    anm_status status;
    anm_error *err;
} checker;

static bool is_identifier(const char *name) {
    if (!*name || (*name >= '0' && *name <= '9')) return false;
    for (const char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              *c == '_'))
            return false;
    return true;
}

static bool is_plain(anm_sv text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 32 || c == 127 || c == '"' || c == '\\') return false;
    }
    return true;
}

/* Every string plain, every blob within the model. NULL, or what is wrong. */
static const char *literal_problem(const anm_mil_literal *literal) {
    const char *problem = NULL;
    if (!literal) return NULL;
    if (literal->blob_path && !is_plain(anm_sv_from(literal->blob_path)))
        return "its weight file has a quote, backslash or control character in its name";
    if (literal->blob_path && strstr(literal->blob_path, "/../"))
        return "its weight file lies outside the model";
    for (size_t i = 0; i < literal->count && literal->strings; i++)
        if (!is_plain(literal->strings[i]))
            return "a string has a quote, backslash or control character; how such a string is "
                   "written in model.mil is not known";
    for (size_t i = 0; i < literal->count && literal->items && !problem; i++)
        problem = literal_problem(literal->items[i]);
    return problem;
}

static bool has_unknown_rank(const anm_mil_type *type) {
    bool unknown = type->kind == ANM_MIL_TENSOR && type->rank < 0;
    for (size_t i = 0; i < type->count && !unknown; i++) unknown = has_unknown_rank(type->items[i]);
    return unknown;
}

/* Of what the op defines and how it calls its parts. */
static const char *names_problem(const anm_mil_op *op) {
    static const char wrong[] = "a name is no identifier (letters, digits and _)";
    if (!is_identifier(op->type)) return wrong;
    for (size_t i = 0; i < op->output_count; i++) {
        if (!is_identifier(op->outputs[i]->name)) return wrong;
        if (has_unknown_rank(op->outputs[i]->type)) return "a result has no known rank";
    }
    for (size_t i = 0; i < op->arg_count; i++)
        if (!is_identifier(op->args[i].name)) return wrong;
    for (size_t i = 0; i < op->attr_count; i++)
        if (!is_identifier(op->attrs[i].name)) return wrong;
    return NULL;
}

static const char *op_problem(const anm_mil_op *op) {
    if (op->block_count)
        return "nested blocks (cond, while_loop) cannot be compiled: their text form is not known";
    if (strcmp(op->type, "classify") == 0)
        return "classifiers cannot be compiled: their compiled form is not known well enough";
    const char *problem = names_problem(op);
    for (size_t i = 0; i < op->attr_count && !problem; i++)
        problem = literal_problem(op->attrs[i].literal);
    for (size_t i = 0; i < op->arg_count && !problem; i++)
        for (size_t k = 0; k < op->args[i].count && !problem; k++)
            problem = literal_problem(op->args[i].operands[k].literal);
    return problem;
}

static bool check_op(void *context, anm_mil_op *op) {
    checker *c = context;
    const char *problem = op_problem(op);
    if (!problem) return true;
    c->status =
        anm_fail(c->err, ANM_ERROR_UNSUPPORTED, c->package->path, "function %s, op %s (%s): %s",
                 c->function, anm_mil_op_label(op), op->type, problem);
    return false;
}

static const anm_feature *find_feature(const anm_feature *features, size_t count,
                                       const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(features[i].name, name) == 0) return &features[i];
    return NULL;
}

static bool has_unknown_dim(const anm_mil_type *type) {
    for (int i = 0; i < type->rank; i++)
        if (type->shape[i] < 0) return true;
    return false;
}

static anm_status check_input(checker *c, const anm_interface *face, const anm_mil_value *input,
                              anm_compile_report *report) {
    static const char *const words[] = {"state", "tensor", "func", "block",
                                        "tuple", "list",   "dict", "program"};
    const anm_feature *f = find_feature(face->inputs, face->input_count, input->name);
    if (!f) f = find_feature(face->states, face->state_count, input->name);
    if (!is_identifier(input->name))
        return anm_fail(c->err, ANM_ERROR_UNSUPPORTED, c->package->path,
                        "function %s: input \"%s\" is no identifier", c->function, input->name);
    if (!f)
        return anm_fail(c->err, ANM_ERROR_MISMATCH, c->package->path,
                        "function %s: the interface does not have the program's input \"%s\"",
                        c->function, input->name);
    if (has_unknown_dim(input->type) && f->shape_kind == ANM_SHAPE_FIXED)
        return anm_fail(c->err, ANM_ERROR_UNSUPPORTED, c->package->path,
                        "function %s: input \"%s\" has dimensions that the interface gives neither "
                        "a range nor a list of shapes for",
                        c->function, input->name);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i], input->name) == 0)
            return anm_compile_warn(
                report, c->err, "function %s: an input called \"%s\" is refused by some loaders",
                c->function, input->name);
    return ANM_OK;
}

static bool has_value(anm_mil_value *const *values, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(values[i]->name, name) == 0) return true;
    return false;
}

/* Every feature of the interface is a value of the program by that name. */
static anm_status check_features(checker *c, const anm_feature *features, size_t count,
                                 anm_mil_value *const *values, size_t value_count) {
    for (size_t i = 0; i < count; i++)
        if (!has_value(values, value_count, features[i].name))
            return anm_fail(c->err, ANM_ERROR_MISMATCH, c->package->path,
                            "function %s: the program does not have \"%s\" of the interface",
                            c->function, features[i].name);
    return ANM_OK;
}

static anm_status check_signature(checker *c, const anm_interface *face,
                                  const anm_mil_function *f) {
    const anm_mil_block *body = f->body;
    int opset = anm_mil_opset_number(f->opset);
    if (opset < 15 || opset > 18)
        return anm_fail(c->err, ANM_ERROR_UNSUPPORTED, c->package->path,
                        "function %s: opset \"%s\"; the compiled form is known for CoreML5 to "
                        "CoreML8",
                        face->name, f->opset);
    ANM_TRY(check_features(c, face->inputs, face->input_count, f->inputs, f->input_count));
    ANM_TRY(check_features(c, face->states, face->state_count, f->inputs, f->input_count));
    return check_features(c, face->outputs, face->output_count, body->outputs, body->output_count);
}

static anm_status check_function(checker *c, const anm_interface *face,
                                 anm_compile_report *report) {
    const anm_mil_function *f = anm_mil_program_find(c->package->program, face->name);
    c->function = face->name;
    if (!f)
        return anm_fail(c->err, ANM_ERROR_MISMATCH, c->package->path,
                        "the interface describes function %s, which the program does not have",
                        face->name);
    if (*face->predicted_feature)
        return anm_fail(c->err, ANM_ERROR_UNSUPPORTED, c->package->path,
                        "function %s: classifiers cannot be compiled: their compiled form is not "
                        "known well enough",
                        face->name);
    for (size_t i = 0; i < f->input_count; i++) ANM_TRY(check_input(c, face, f->inputs[i], report));
    anm_mil_block_walk(f->body, check_op, c);
    ANM_TRY(c->status);
    return check_signature(c, face, f);
}

static anm_status check_program(checker *c) {
    const anm_mil_program *p = c->package->program;
    const char *problem = NULL;
    if (p->spec_version < 6 || p->spec_version > 9)
        return anm_fail(c->err, ANM_ERROR_UNSUPPORTED, c->package->path,
                        "specification version %d; the compiled form is known for 6 to 9 (iOS 15 "
                        "to 18)",
                        p->spec_version);
    for (size_t i = 0; i < p->attr_count && !problem; i++)
        problem = literal_problem(p->attrs[i].literal);
    for (size_t i = 0; i < p->function_count && !problem; i++) {
        const anm_mil_function *f = p->functions[i];
        if (!is_identifier(f->name)) problem = "a function's name is no identifier";
        for (size_t k = 0; k < f->attr_count && !problem; k++)
            problem = literal_problem(f->attrs[k].literal);
    }
    if (problem)
        return anm_fail(c->err, ANM_ERROR_UNSUPPORTED, c->package->path, "the program: %s",
                        problem);
    return ANM_OK;
}

anm_status anm_compile_check(const anm_package *package, anm_compile_report *report,
                             anm_error *err) {
    checker c = {.package = package, .err = err};
    const anm_description *d = &package->description;
    ANM_TRY(check_program(&c));
    for (size_t i = 0; i < d->function_count; i++)
        ANM_TRY(check_function(&c, &d->functions[i], report));
    if (d->function_count != package->program->function_count)
        return anm_fail(err, ANM_ERROR_MISMATCH, package->path,
                        "the program has %zu functions, its interface describes %zu",
                        package->program->function_count, d->function_count);
    return ANM_OK;
}
