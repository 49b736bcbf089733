/* SPDX-License-Identifier: MIT */
/* Attention over a cache where it lies, and writing the cache. */
#include <string.h>

#include "src/base/half.h"
#include "src/cpu/kernels/attention_divide.h"
#include "src/cpu/planner.h"

/* What a mask says of each row, found once a run and used by every layer. */
typedef struct span_step {
    anm_lie mask, spans; /* spans: int32 [rows, 2], then one flag: whether the mask is trivial */
    int64_t rows, columns;
} span_step;

static const float hidden_below = -1e4f; /* scores this low weigh nothing beside any other */

static void run_spans(const anm_step *s, anm_exec *x, int thread, int threads) {
    const span_step *m = s->data;
    if (thread != 0) return;
    int32_t *spans = anm_exec_at(x, &m->spans);
    spans[2 * m->rows] = anm_attention_spans(anm_exec_at(x, &m->mask), m->rows, m->columns,
                                             m->mask.view.stride[0], hidden_below, spans);
}

static const span_step *spans_of(anm_planner *p, anm_lie mask) {
    for (size_t i = 0; i < p->steps.len; i++) {
        const span_step *s = p->steps.data[i].data;
        if (p->steps.data[i].run == run_spans && s->mask.block == mask.block &&
            anm_view_equal(&s->mask.view, &mask.view))
            return s;
    }
    span_step *s = anm_plan_alloc(p, sizeof *s);
    if (!s) return NULL;
    *s = (span_step){.mask = mask, .rows = mask.view.shape[0], .columns = mask.view.shape[1]};
    s->spans = anm_lie_new(p, ANM_DTYPE_INT32, 1, (const int64_t[]){2 * s->rows + 1});
    if (s->spans.block < 0) return NULL;
    anm_step_add(p, run_spans, "mask", s, ANM_BLOCKS(mask.block), ANM_BLOCKS(s->spans.block));
    return s;
}

typedef struct attention_step {
    anm_attention a; /* pointers are filled in by the run */
    anm_lie q, k, v, out;
    anm_lie slots; /* of the parts' ranges of columns; block -1: heads are shared evenly */
    int parts;     /* the threads that the plan is for, though others may have the pool */
    const span_step *spans; /* NULL: no mask */
    const anm_attention_kernel *kernel;
} attention_step;

/* Columns from the first to the last that any row sees. */
static int64_t seen_columns(const anm_attention *a) {
    if (!a->span) return a->columns;
    int64_t begin = a->columns, end = 0;
    for (int64_t r = 0; r < a->rows; r++) {
        if (a->span[2 * r] < begin) begin = a->span[2 * r];
        if (a->span[2 * r + 1] > end) end = a->span[2 * r + 1];
    }
    return end > begin ? end - begin : 0;
}

static uint64_t cache_bytes(const anm_attention *a) {
    int64_t size = a->kv_dtype == ANM_DTYPE_FP16 ? 2 : 4;
    return (uint64_t)(a->kv_heads * seen_columns(a) * (a->dim + a->value_dim) * size);
}

static anm_attention attention_at(const attention_step *t, const anm_exec *x) {
    anm_attention a = t->a;
    a.q = anm_exec_at(x, &t->q);
    a.k = anm_exec_at(x, &t->k);
    a.v = anm_exec_at(x, &t->v);
    a.out = anm_exec_at(x, &t->out);
    if (t->spans) {
        a.mask = anm_exec_at(x, &t->spans->mask);
        a.span = anm_exec_at(x, &t->spans->spans);
        a.mask_trivial = a.span[2 * a.rows] != 0;
    }
    return a;
}

static void run_attention(const anm_step *s, anm_exec *x, int thread, int threads) {
    const attention_step *t = s->data;
    anm_attention a = attention_at(t, x);
    void *scratch = anm_exec_scratch(x, thread);
    int64_t from, to;
    if (x->cache_bytes && thread == 0) x->cache_bytes[s - x->plan->steps] += cache_bytes(&a);
    if (t->slots.block >= 0) {
        float *slots = anm_exec_at(x, &t->slots);
        for (int part = thread; part < t->parts; part += threads)
            anm_attention_run_part(t->kernel, &a, slots, part, t->parts, scratch);
        return;
    }
    anm_share(t->kernel->units(&a), 1, thread, threads, &from, &to);
    if (from < to) t->kernel->run(&a, from, to, scratch);
}

static void run_merge(const anm_step *s, anm_exec *x, int thread, int threads) {
    const attention_step *t = s->data;
    anm_attention a = attention_at(t, x);
    anm_attention_merge(t->kernel, &a, anm_exec_at(x, &t->slots), t->parts, thread, threads);
}

/* Keys and values as [heads, columns, dim] with contiguous dim, in the type they have. */
static anm_lie cache_rows(anm_planner *p, anm_lie lie) {
    if (lie.block < 0) return lie;
    return lie.view.stride[3] == 1 || lie.view.shape[3] == 1 ? lie : anm_lie_dense(p, lie);
}

static bool read_operands(anm_planner *p, const anm_mil_op *op, attention_step *t) {
    t->q = anm_lie_rows(p, anm_arg_lie(p, op, "query"));
    t->k = cache_rows(p, anm_arg_lie(p, op, "key"));
    t->v = cache_rows(p, anm_arg_lie(p, op, "value"));
    if (t->q.block < 0 || t->k.block < 0 || t->v.block < 0) return false;
    if (t->k.dtype != t->v.dtype) {
        t->k = anm_lie_plain(p, t->k);
        t->v = anm_lie_plain(p, t->v);
    }
    anm_lie mask = anm_lie_rows(p, anm_arg_lie(p, op, "mask"));
    if (mask.block >= 0) t->spans = spans_of(p, mask);
    return p->status == ANM_OK;
}

static void describe(attention_step *t, double scale) {
    const anm_view *q = &t->q.view, *k = &t->k.view, *v = &t->v.view;
    t->a = (anm_attention){.heads = q->shape[1],
                           .kv_heads = k->shape[1],
                           .rows = q->shape[2],
                           .columns = k->shape[2],
                           .dim = q->shape[3],
                           .value_dim = v->shape[3],
                           .scale = (float)scale,
                           .q_head = q->stride[1],
                           .q_row = q->stride[2],
                           .kv_dtype = t->k.dtype,
                           .k_head = k->stride[1],
                           .k_column = k->stride[2],
                           .v_head = v->stride[1],
                           .v_column = v->stride[2],
                           .out_head = t->out.view.stride[1],
                           .out_row = t->out.view.stride[2]};
    if (t->spans) t->a.mask_row = t->spans->mask.view.stride[0];
}

/* [1, heads, rows, dim] that lies as [rows, heads, dim]: what follows joins the heads. */
static anm_lie new_output(anm_planner *p, const anm_mil_op *op) {
    const int64_t *s = op->outputs[0]->type->shape;
    anm_lie lie = anm_lie_new(p, ANM_DTYPE_FP32, 4, (const int64_t[]){1, s[2], s[1], s[3]});
    anm_view_transpose(&lie.view, (const int64_t[]){0, 2, 1, 3});
    return lie;
}

/* None where threads get whole heads, equally many: no column is shared then. */
static anm_lie new_slots(anm_planner *p, const attention_step *t) {
    if (anm_attention_is_even(&t->a, t->parts)) return (anm_lie){.block = -1};
    int64_t floats = anm_attention_slot_floats(t->kernel, &t->a, t->parts);
    return anm_lie_new(p, ANM_DTYPE_FP32, 1, &floats);
}

/* The spans are read again, to find the same ranges. */
static void add_merge(anm_planner *p, const attention_step *t) {
    int reads[] = {t->slots.block, -1, -1, -1};
    if (t->spans) {
        reads[1] = t->spans->mask.block;
        reads[2] = t->spans->spans.block;
    }
    anm_step_add(p, run_merge, "attention merge", t, reads, ANM_BLOCKS(t->out.block));
}

bool anm_build_attention(anm_planner *p, const anm_mil_op *op) {
    double scale;
    if (!anm_is_op(op, "anm_attention") || !anm_mil_op_get_float(op, "scale", &scale)) return false;
    attention_step *t = anm_plan_alloc(p, sizeof *t);
    if (!t || !read_operands(p, op, t)) return p->status != ANM_OK;
    t->out = new_output(p, op);
    if (t->out.block < 0) return true;
    describe(t, scale);
    t->kernel = anm_attention_find(&t->a, p->plan->isa);
    anm_step_scratch(p, t->kernel->scratch_bytes(&t->a));
    t->parts = p->plan->threads;
    t->slots = new_slots(p, t);
    if (p->status != ANM_OK) return true;
    int reads[] = {t->q.block, t->k.block, t->v.block, -1, -1, -1};
    if (t->spans) {
        reads[3] = t->spans->mask.block;
        reads[4] = t->spans->spans.block;
    }
    anm_step_add(p, run_attention, op->type, t, reads, ANM_BLOCKS(t->out.block, t->slots.block));
    if (t->slots.block >= 0) add_merge(p, t);
    anm_lie_set(p, op->outputs[0], t->out);
    return true;
}

typedef struct cache_step {
    anm_lie state, update, position;
    int64_t begin[ANM_MAX_RANK];
    int axis, rank;
    int64_t rows; /* of the update: all dimensions but the last */
} cache_step;

static void store_row(const cache_step *c, anm_exec *x, const float *in, int64_t at) {
    int64_t n = c->update.view.shape[c->rank - 1];
    if (c->state.dtype == ANM_DTYPE_FP16)
        x->plan->rows->float_to_half(in, n, (uint16_t *)anm_exec_at(x, &c->state) + at);
    else memcpy((float *)anm_exec_at(x, &c->state) + at, in, (size_t)n * sizeof *in);
}

static void run_cache(const anm_step *s, anm_exec *x, int thread, int threads) {
    const cache_step *c = s->data;
    const float *in = anm_exec_at(x, &c->update);
    int32_t position = *(const int32_t *)anm_exec_at(x, &c->position);
    int64_t from, to, first = c->begin[c->axis] + position;
    if (first < 0 || first + c->update.view.shape[c->axis] > c->state.view.shape[c->axis]) {
        if (thread == 0)
            anm_exec_fail(x, s, ANM_ERROR_ARGUMENT, "position %d is outside the state's %lld rows",
                          (int)position, (long long)c->state.view.shape[c->axis]);
        return;
    }
    anm_share(c->rows, 1, thread, threads, &from, &to);
    for (int64_t row = from; row < to; row++) {
        int64_t rest = row, source = 0, target = c->begin[c->rank - 1];
        for (int i = c->rank - 2; i >= 0; i--) {
            int64_t index = rest % c->update.view.shape[i];
            rest /= c->update.view.shape[i];
            source += index * c->update.view.stride[i];
            target += (index + (i == c->axis ? first : c->begin[i])) * c->state.view.stride[i];
        }
        store_row(c, x, in + source, target);
    }
}

/* Whether they write different parts of the state, wherever the positions are. */
static bool writes_apart(const cache_step *a, const cache_step *b) {
    if (a->axis != b->axis) return false;
    for (int i = 0; i < a->rank; i++)
        if (i != a->axis && (a->begin[i] + a->update.view.shape[i] <= b->begin[i] ||
                             b->begin[i] + b->update.view.shape[i] <= a->begin[i]))
            return true;
    return false;
}

/* Apart from all others of the state's last phase of writing. */
static bool is_apart(const anm_planner *p, const cache_step *c) {
    int phase = p->blocks.data[c->state.block].written;
    if (p->blocks.data[c->state.block].writer != run_cache) return false;
    for (size_t i = 0; i < p->steps.len; i++) {
        const cache_step *other = p->steps.data[i].data;
        if (p->steps.data[i].phase != phase) continue;
        if (p->steps.data[i].run == run_cache && other->state.block == c->state.block &&
            !writes_apart(c, other))
            return false;
    }
    return true;
}

/* The position moves rows, not elements of a row. */
bool anm_build_cache(anm_planner *p, const anm_mil_op *op) {
    int64_t axis;
    if (!anm_is_op(op, "anm_cache_update") || !anm_mil_op_get_int(op, "axis", &axis)) return false;
    cache_step *c = anm_plan_alloc(p, sizeof *c);
    if (!c) return true;
    c->state = anm_lie_of(p, anm_arg_value(op, "input"));
    c->update = anm_lie_rows(p, anm_arg_lie(p, op, "update"));
    c->position = anm_lie_dense(p, anm_arg_lie(p, op, "position"));
    if (c->state.block < 0 || c->update.block < 0 || c->position.block < 0)
        return p->status != ANM_OK;
    c->rank = c->state.view.rank;
    c->axis = (int)axis;
    int n = c->rank;
    if (c->rank < 2 || axis == c->rank - 1 || c->update.dtype != ANM_DTYPE_FP32 ||
        c->position.dtype != ANM_DTYPE_INT32 ||
        !anm_mil_op_get_ints(op, "begin", c->begin, ANM_MAX_RANK, &n))
        return false;
    c->rows = anm_view_elements(&c->update.view) / c->update.view.shape[c->rank - 1];
    anm_step_add_rows(p, run_cache, op->type, c, ANM_BLOCKS(c->update.block, c->position.block),
                      ANM_BLOCKS(c->state.block), anm_step_rows(p, c->rows, &c->update, &c->update),
                      is_apart(p, c));
    return true;
}
