/* SPDX-License-Identifier: MIT */
/*
 * A linear op of whose result only the largest are wanted, and where they are, becomes
 * anm_linear_topk: reduce_argmax and reduce_max, the value gathered from where reduce_argmax found
 * it, topk of a few. Any number of these may share the result; nothing else may see it.
 */
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/pass/pass.h"
#include "src/pass/view.h"

enum { MOST = 64 }; /* kept in order as the results come */

/* Of a linear op's result. */
typedef struct result {
    int64_t k;   /* so many are wanted; 0: none yet */
    bool spoilt; /* others want all of it */
    anm_mil_value *values, *indices;
} result;

typedef struct finder {
    result *results;             /* by id of a linear op's output */
    const anm_mil_value **picks; /* by id of an op's first output: what it picks from */
    size_t count;
} finder;

static bool moves(const anm_mil_op *op) {
    return anm_is_op(op, "transpose") || anm_op_keeps_order(op);
}

/* The linear op's result that the value is, in another shape or order; NULL: it is none. */
static anm_mil_value *source_of(anm_mil_value *value) {
    while (value && value->def && moves(value->def)) value = anm_arg_value(value->def, "x");
    const anm_mil_op *op = anm_value_def(value, "anm_linear");
    return op && !anm_mil_op_arg(op, "residual") ? value : NULL;
}

static bool see(const anm_mil_value *value, const anm_mil_value *source, anm_view *v) {
    if (value == source) *v = anm_view_of_type(source->type);
    else if (!see(anm_arg_value(value->def, "x"), source, v)) return false;
    return value == source || anm_view_apply(v, value->def);
}

/* Whether the marked axes are the last dimension of the source, the others its rows in order. */
static bool takes_rows(const anm_mil_value *x, const anm_mil_value *source, unsigned marked) {
    const anm_mil_type *type = source->type;
    int64_t perm[ANM_MAX_RANK], length = 1;
    anm_view v;
    int n = 0;
    if (!see(x, source, &v)) return false;
    for (int i = 0; i < v.rank; i++)
        if (!(marked >> i & 1)) perm[n++] = i;
    for (int i = 0; i < v.rank; i++)
        if (marked >> i & 1) length *= v.shape[perm[n++] = i];
    anm_view_transpose(&v, perm);
    return length == type->shape[type->rank - 1] && anm_view_is_dense(&v);
}

static bool read_axis(const anm_mil_op *op, int rank, unsigned *marked) {
    int64_t axis;
    if (!anm_mil_op_get_int(op, "axis", &axis)) return false;
    if (axis < 0) axis += rank;
    if (axis < 0 || axis >= rank) return false;
    *marked = 1u << axis;
    return true;
}

/* Absent: all of them. */
static bool read_axes(const anm_mil_op *op, int rank, unsigned *marked) {
    int64_t axes[ANM_MAX_RANK];
    int count = -1;
    *marked = (1u << rank) - 1;
    if (!anm_mil_operand_present(anm_mil_op_operand(op, "axes"))) return true;
    if (!anm_mil_op_get_ints(op, "axes", axes, ANM_MAX_RANK, &count)) return false;
    *marked = 0;
    for (int i = 0; i < count; i++) *marked |= 1u << (axes[i] < 0 ? axes[i] + rank : axes[i]);
    return true;
}

static int64_t length_of(const anm_mil_value *source) {
    return source->type->shape[source->type->rank - 1];
}

static bool holds_places(const anm_mil_value *value, const anm_mil_value *source) {
    return anm_holds_places(value->type->dtype, length_of(source));
}

static bool is_argmax(const anm_mil_op *op, const anm_mil_value *source) {
    anm_mil_value *x = anm_arg_value(op, "x");
    unsigned marked;
    return anm_is_op(op, "reduce_argmax") && read_axis(op, x->type->rank, &marked) &&
           takes_rows(x, source, marked) && holds_places(op->outputs[0], source);
}

/* Whether these are the places that a reduce_argmax of the source gave, row by row. */
static bool are_places(const anm_mil_value *value, const anm_mil_value *source) {
    for (; value && value->def && holds_places(value, source);
         value = anm_arg_value(value->def, "x"))
        if (!anm_op_keeps_order(value->def) && !anm_is_op(value->def, "cast"))
            return source_of(anm_arg_value(value->def, "x")) == source &&
                   is_argmax(value->def, source);
    return false;
}

/* The element of each row, or of the only one, where an arg-max found it. */
static bool is_gathered(const anm_mil_op *op, const anm_mil_value *source) {
    anm_mil_value *x = anm_arg_value(op, "x"), *at = anm_arg_value(op, "indices");
    unsigned marked;
    int64_t n = length_of(source), all = anm_type_elements(source->type);
    bool fits = anm_is_op(op, "gather_along_axis") || (anm_is_op(op, "gather") && all == n);
    return fits && at && read_axis(op, x->type->rank, &marked) && takes_rows(x, source, marked) &&
           are_places(at, source) && anm_type_elements(at->type) * n == all;
}

/* The largest first; dimensions behind the axis would stand between those of a row. */
static int64_t topk_of(const anm_mil_op *op, const anm_mil_value *source) {
    anm_mil_value *x = anm_arg_value(op, "x");
    const anm_mil_type *type = op->outputs[0]->type;
    unsigned marked;
    bool ascending = true;
    if (!anm_is_op(op, "topk") || !anm_mil_op_get_bool(op, "ascending", &ascending) || ascending ||
        !read_axis(op, type->rank, &marked) || !takes_rows(x, source, marked))
        return 0;
    if (op->output_count > 1 && !holds_places(op->outputs[1], source)) return 0;
    int axis = 0;
    while (!(marked >> axis & 1)) axis++;
    int64_t k = type->shape[axis];
    for (int i = axis + 1; i < type->rank; i++)
        if (type->shape[i] != 1) return 0;
    return k <= MOST ? k : 0;
}

/* How many of each row of the source the op wants; 0: it is none that picks. */
static int64_t count_wanted(const anm_mil_op *op, const anm_mil_value *source) {
    const anm_mil_value *x = anm_arg_value(op, "x");
    unsigned marked;
    if (anm_is_op(op, "reduce_argmax")) return is_argmax(op, source);
    if (anm_is_op(op, "reduce_max"))
        return read_axes(op, x->type->rank, &marked) && takes_rows(x, source, marked);
    if (anm_is_op(op, "topk")) return topk_of(op, source);
    return is_gathered(op, source);
}

static void note_use(finder *f, const anm_mil_op *op, const char *argument,
                     anm_mil_value *source) {
    result *r = &f->results[source->id];
    bool as_x = strcmp(argument, "x") == 0;
    if (as_x && moves(op)) return; /* who sees what it gives decides */
    int64_t k = as_x ? count_wanted(op, source) : 0;
    if (!k || (r->k && r->k != k)) r->spoilt = true;
    r->k = k;
    if (k) f->picks[op->outputs[0]->id] = source;
}

static void find_picks(const anm_flow *g, finder *f) {
    const anm_mil_block *body = g->function->body;
    for (const anm_mil_op *op = body->first; op; op = op->next)
        for (size_t i = 0; i < op->arg_count; i++)
            for (size_t n = 0; n < op->args[i].count; n++) {
                anm_mil_value *source = source_of(op->args[i].operands[n].value);
                if (source) note_use(f, op, op->args[i].name, source);
            }
    for (size_t i = 0; i < body->output_count; i++) {
        anm_mil_value *source = source_of(body->outputs[i]);
        if (source) f->results[source->id].spoilt = true;
    }
}

static bool make(anm_flow *g, const anm_mil_value *source, result *r) {
    const anm_mil_op *linear = source->def;
    anm_mil_value *outputs[2];
    if (r->values) return true;
    const anm_mil_binding bindings[] = {{"x", anm_arg_value(linear, "x")},
                                        {"weight", anm_arg_value(linear, "weight")},
                                        {"bias", anm_arg_value(linear, "bias")},
                                        {"k", anm_flow_int(g, "k", r->k)}};
    if (!anm_flow_insert_multi(g, "anm_linear_topk", source->name, bindings, 4, outputs, 2))
        return false;
    r->values = outputs[0];
    r->indices = outputs[1];
    return true;
}

/* In the shape and type of what it takes the place of. */
static void give(anm_flow *g, anm_mil_value *old, anm_mil_value *by) {
    const anm_mil_type *type = old->type;
    if (by && by->type->dtype != type->dtype)
        by = anm_flow_emit(g, "cast", old->name, {"x", by},
                           {"dtype", anm_flow_string(g, "dtype", anm_dtype_name(type->dtype))});
    anm_flow_replace(g, old, anm_flow_reshape(g, by, type->rank, type->shape));
}

static bool visit(anm_flow *g, anm_mil_op *op) {
    finder *f = g->context;
    size_t id = op->output_count ? op->outputs[0]->id : f->count;
    const anm_mil_value *source = id < f->count ? f->picks[id] : NULL;
    result *r = source ? &f->results[source->id] : NULL;
    if (!r || r->spoilt) return true;
    if (make(g, source, r)) {
        give(g, op->outputs[0], anm_is_op(op, "reduce_argmax") ? r->indices : r->values);
        if (op->output_count > 1) give(g, op->outputs[1], r->indices);
    }
    return g->builder.status == ANM_OK;
}

anm_status anm_pass_linear_topk(anm_flow *g, anm_error *err) {
    size_t count = g->function->value_count;
    finder f = {anm_calloc(count + 1, sizeof *f.results), anm_calloc(count + 1, sizeof *f.picks),
                count};
    anm_status status = f.results && f.picks ? ANM_OK : anm_fail_memory(err);
    if (status == ANM_OK) {
        find_picks(g, &f);
        g->context = &f;
        status = anm_flow_walk(g, visit, err);
        g->context = NULL;
    }
    anm_free(f.results);
    anm_free(f.picks);
    return status;
}
