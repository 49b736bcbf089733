/* SPDX-License-Identifier: MIT */
/* Opening to look: op counts, weights, problems, the text form. */
#include <stdlib.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/map.h"
#include "src/base/vec.h"
#include "src/mil/text.h"
#include "src/program/program.h"

/* Op counts. */

typedef struct op_counter {
    anm_map index; /* op name to its place in counts */
    ANM_VEC(anm_op_count) counts;
    bool failed;
} op_counter;

static bool count_op(void *context, anm_mil_op *op) {
    op_counter *c = context;
    uint64_t at = c->counts.len;
    if (!anm_map_get(&c->index, anm_sv_from(op->type), &at)) {
        anm_op_count fresh = {op->type, 0};
        c->failed =
            !anm_map_put(&c->index, anm_sv_from(op->type), at) || !anm_vec_push(&c->counts, fresh);
    }
    if (!c->failed) c->counts.data[at].count++;
    return !c->failed;
}

static int compare_ops(const void *a, const void *b) {
    const anm_op_count *x = a, *y = b;
    bool cx = strcmp(x->op, "const") == 0, cy = strcmp(y->op, "const") == 0;
    if (cx != cy) return cx - cy;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return strcmp(x->op, y->op);
}

static anm_status count_ops(anm_program *program, anm_function *f, anm_error *err) {
    op_counter c = {0};
    anm_mil_block_walk(f->mil->body, count_op, &c);
    if (c.counts.len) qsort(c.counts.data, c.counts.len, sizeof *c.counts.data, compare_ops);
    f->ops = anm_arena_copy(program->arena, c.counts.data, c.counts.len * sizeof *c.counts.data);
    f->op_count = c.counts.len;
    bool ok = !c.failed && f->ops;
    anm_map_free(&c.index);
    anm_vec_free(&c.counts);
    return ok ? ANM_OK : anm_fail_memory(err);
}

/* Weights. */

typedef struct weight_counter {
    anm_program *program;
    anm_map seen; /* "path:offset" of every blob */
    anm_weight_count counts[32];
    size_t count;
    bool failed;
} weight_counter;

static anm_weight_count *weight_slot(weight_counter *c, anm_dtype dtype) {
    for (size_t i = 0; i < c->count; i++)
        if (c->counts[i].dtype == dtype) return &c->counts[i];
    if (c->count == sizeof c->counts / sizeof c->counts[0]) return &c->counts[c->count - 1];
    c->counts[c->count].dtype = dtype;
    return &c->counts[c->count++];
}

static void count_weight(weight_counter *c, const anm_mil_literal *literal) {
    if (!literal || !literal->blob_path || c->failed) return;
    anm_weight_count *slot = weight_slot(c, literal->type->dtype);
    const char *key = anm_arena_printf(c->program->arena, "%s:%llu", literal->blob_path,
                                       (unsigned long long)literal->blob_offset);
    slot->uses++;
    if (key && anm_map_get(&c->seen, anm_sv_from(key), NULL)) return;
    c->failed = !key || !anm_map_put(&c->seen, anm_sv_from(key), 1);
    int64_t elements = anm_mil_literal_elements(literal);
    slot->blobs++;
    slot->elements += elements > 0 ? (uint64_t)elements : 0;
    slot->bytes += ((uint64_t)elements * (uint64_t)anm_dtype_bits(slot->dtype) + 7) / 8;
}

static bool count_op_weights(void *context, anm_mil_op *op) {
    weight_counter *c = context;
    for (size_t i = 0; i < op->attr_count; i++) count_weight(c, op->attrs[i].literal);
    for (size_t i = 0; i < op->arg_count; i++)
        for (size_t k = 0; k < op->args[i].count; k++)
            count_weight(c, op->args[i].operands[k].literal);
    return !c->failed;
}

static int compare_weights(const void *a, const void *b) {
    const anm_weight_count *x = a, *y = b;
    return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

static anm_status count_weights(anm_program *program, anm_error *err) {
    weight_counter c = {.program = program};
    const anm_mil_program *mil = program->package->program;
    for (size_t i = 0; i < mil->function_count; i++)
        anm_mil_block_walk(mil->functions[i]->body, count_op_weights, &c);
    anm_map_free(&c.seen);
    qsort(c.counts, c.count, sizeof c.counts[0], compare_weights);
    program->weights = anm_arena_copy(program->arena, c.counts, c.count * sizeof c.counts[0]);
    program->weight_count = c.count;
    return c.failed || !program->weights ? anm_fail_memory(err) : ANM_OK;
}

/* Problems. */

static const char *problem_text(anm_arena *arena, const anm_mil_problem *p) {
    if (!p->function) return p->message;
    if (!p->op) return anm_arena_printf(arena, "function %s: %s", p->function->name, p->message);
    return anm_arena_printf(arena, "function %s, op %s (%s): %s", p->function->name,
                            anm_mil_op_label(p->op), p->op->type, p->message);
}

static anm_status find_problems(anm_program *program, anm_error *err) {
    anm_arena *arena = program->arena;
    const char *missing = program->package->missing_weights;
    anm_status status = anm_mil_validate(program->package->program, arena, &program->report, NULL);
    if (status == ANM_ERROR_MEMORY) return anm_fail_memory(err);
    program->problems = ANM_ARENA_ARRAY(arena, const char *, program->report.count + 1);
    if (!program->problems) return anm_fail_memory(err);
    if (missing)
        program->problems[program->problem_count++] =
            anm_arena_printf(arena, "weight file %s is not there", missing);
    for (size_t i = 0; i < program->report.count; i++)
        program->problems[program->problem_count++] =
            problem_text(arena, &program->report.problems[i]);
    for (size_t i = 0; i < program->problem_count; i++)
        if (!program->problems[i]) return anm_fail_memory(err);
    program->broken = program->problem_count > 0;
    return ANM_OK;
}

static anm_status open_all(anm_program *program, const char *path, anm_error *err) {
    if (!program->arena) return anm_fail_memory(err);
    ANM_TRY(anm_package_open(path, ANM_PACKAGE_NO_WEIGHTS, &program->package, err));
    ANM_TRY(find_problems(program, err));
    ANM_TRY(anm_program_bind(program, err));
    for (size_t i = 0; i < program->function_count; i++)
        ANM_TRY(count_ops(program, &program->functions[i], err));
    return count_weights(program, err);
}

anm_status anm_program_open_to_inspect(const char *path, anm_program **out, anm_error *err) {
    *out = NULL;
    anm_program *program = anm_calloc(1, sizeof *program);
    if (!program) return anm_fail_memory(err);
    pthread_mutex_init(&program->lock, NULL);
    program->arena = anm_arena_create();
    anm_status status = open_all(program, path, err);
    if (status == ANM_OK) *out = program;
    else anm_program_close(program);
    return status;
}

const char *anm_program_problem(const anm_program *program, size_t index) {
    return index < program->problem_count ? program->problems[index] : NULL;
}

const anm_op_count *anm_function_op(const anm_function *function, size_t index) {
    return index < function->op_count ? &function->ops[index] : NULL;
}

const anm_weight_count *anm_program_weights(const anm_program *program, size_t index) {
    return index < program->weight_count ? &program->weights[index] : NULL;
}

/* The text form, with problems as comments. */

static void note_problems(void *context, const anm_mil_function *function, const anm_mil_op *op,
                          anm_strbuf *note) {
    const anm_mil_report *report = context;
    for (size_t i = 0; i < report->count; i++) {
        const anm_mil_problem *p = &report->problems[i];
        if (p->function == function && p->op == op)
            anm_strbuf_printf(note, "%serror: %s", note->len ? "\n" : "", p->message);
    }
}

anm_status anm_program_print_mil(const anm_program *program, size_t elide, anm_text_fn write,
                                 void *context, anm_error *err) {
    anm_strbuf text = {0};
    anm_mil_text_options options = {.elide_above = elide};
    if (program->report.count) {
        options.note = note_problems;
        options.note_context = (void *)&program->report;
    }
    anm_mil_text_print(program->package->program, &options, &text);
    anm_status status = ANM_OK;
    if (text.failed) status = anm_fail_memory(err);
    else if (write(context, text.data, text.len) != 0 || write(context, "\n", 1) != 0)
        status = anm_fail(err, ANM_ERROR_CANCELLED, NULL, "stopped");
    anm_strbuf_free(&text);
    return status;
}
