/* SPDX-License-Identifier: MIT */
#include "src/cpu/parts.h"

#include <string.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/cpu/part_plans.h"

/* Making. */

/* By value id: shapes that are known before a run. */
typedef struct knowledge {
    anm_part_shape *shapes;
    bool *known;
} knowledge;

static void know(knowledge *k, const anm_mil_value *value, int rank, const int64_t *dims) {
    k->known[value->id] = true;
    k->shapes[value->id].rank = rank;
    memcpy(k->shapes[value->id].dims, dims, (size_t)rank * sizeof *dims);
}

static bool known_shape(const knowledge *k, const anm_mil_value *value, anm_part_shape *out) {
    const anm_mil_type *type = value->type;
    if (k->known[value->id]) *out = k->shapes[value->id];
    else if (type->rank >= 0) {
        out->rank = type->rank;
        memcpy(out->dims, type->shape, sizeof type->shape);
    } else return false;
    for (int i = 0; i < out->rank; i++)
        if (out->dims[i] < 1) return false;
    return true;
}

/* False: the shapes of what is read are not known yet. */
static bool known_shapes(const knowledge *k, const anm_cut *cut, anm_part_shape *shapes) {
    for (size_t i = 0; i < cut->read_count; i++)
        if (!known_shape(k, cut->reads[i], &shapes[i])) return false;
    return true;
}

static anm_status prepare_at(anm_parts *parts, anm_part_block *b, size_t at, knowledge *k,
                             size_t *next, anm_error *err) {
    anm_part *part = NULL;
    anm_cut *cut = anm_part_cut(parts, b, at);
    anm_part_shape *shapes = cut ? anm_calloc(cut->read_count + 1, sizeof *shapes) : NULL;
    anm_status status = shapes ? ANM_OK : anm_fail_memory(err);
    *next = b->end[at];
    if (status == ANM_OK && known_shapes(k, cut, shapes))
        status = anm_part_plan(parts, b, at, shapes, &part, err);
    anm_free(shapes);
    if (!part) return status;
    *next = part->to;
    for (size_t i = 0; i < part->output_count; i++) {
        const anm_view *view = anm_engine_output_view(part->engine, i);
        know(k, part->outputs[i], view->rank, view->shape);
    }
    return ANM_OK;
}

static anm_status prepare(anm_parts *parts, knowledge *k, anm_error *err) {
    for (uint32_t n = 0; n < parts->interp->block_count; n++) {
        anm_part_block *b = &parts->blocks[n];
        for (size_t i = 0, next; i < b->block->count; i = next) {
            next = i + 1;
            if (b->end[i] > i) ANM_TRY(prepare_at(parts, b, i, k, &next, err));
        }
    }
    return ANM_OK;
}

static anm_status prepare_known(anm_parts *parts, const anm_tensor *inputs, size_t count,
                                anm_error *err) {
    const anm_mil_function *f = parts->function;
    knowledge k = {anm_calloc(f->value_count + 1, sizeof *k.shapes),
                   anm_calloc(f->value_count + 1, sizeof *k.known)};
    anm_status status = k.shapes && k.known ? ANM_OK : anm_fail_memory(err);
    for (size_t i = 0; i < f->input_count && status == ANM_OK; i++)
        for (size_t n = 0; n < count; n++)
            if (inputs[n].name && strcmp(inputs[n].name, f->inputs[i]->name) == 0)
                know(&k, f->inputs[i], inputs[n].rank, inputs[n].shape);
    if (status == ANM_OK) status = prepare(parts, &k, err);
    anm_free(k.shapes);
    anm_free(k.known);
    return status;
}

static anm_status fill(anm_parts *parts, const anm_tensor *inputs, size_t count, anm_error *err) {
    const anm_mil_function *f = parts->function;
    parts->arena = anm_arena_create();
    parts->constants = anm_constants_create(f->value_count);
    if (!parts->arena || !parts->constants) return anm_fail_memory(err);
    parts->options.constants = parts->constants;
    ANM_TRY(anm_interp_create(f, ANM_PRECISION_FP32, &parts->interp, err));
    parts->blocks =
        ANM_ARENA_ARRAY(parts->arena, anm_part_block, parts->interp->block_count);
    if (!parts->blocks) return anm_fail_memory(err);
    ANM_TRY(anm_parts_mark(parts, parts->interp->body, err));
    return prepare_known(parts, inputs, count, err);
}

anm_status anm_parts_create(const anm_mil_function *function, const anm_tensor *inputs,
                            size_t input_count, const anm_engine_options *options,
                            anm_parts **out, anm_error *err) {
    *out = NULL;
    anm_parts *parts = anm_calloc(1, sizeof *parts);
    if (!parts) return anm_fail_memory(err);
    parts->function = function;
    parts->options = *options;
    parts->options.parts = false;
    parts->options.part = true;
    if (pthread_mutex_init(&parts->lock, NULL) != 0) {
        anm_free(parts);
        return anm_fail_memory(err);
    }
    anm_status status = fill(parts, inputs, input_count, err);
    if (status == ANM_OK) *out = parts;
    else anm_parts_destroy(parts);
    return status;
}

static void destroy_cut(anm_cut *cut) {
    for (anm_part *p = cut ? cut->first : NULL, *next; p; p = next) {
        next = p->next;
        anm_part_destroy(p);
    }
}

void anm_parts_destroy(anm_parts *parts) {
    if (!parts) return;
    for (uint32_t n = 0; parts->blocks && n < parts->interp->block_count; n++) {
        anm_part_block *b = &parts->blocks[n];
        for (size_t i = 0; b->cuts && i < b->block->count; i++) destroy_cut(b->cuts[i]);
        anm_free(b->ticks);
    }
    anm_interp_destroy(parts->interp);
    anm_constants_destroy(parts->constants);
    anm_arena_destroy(parts->arena);
    pthread_mutex_destroy(&parts->lock);
    anm_free(parts);
}

/* Running. */

typedef struct call {
    anm_parts *parts;
    anm_pool *pool;
    size_t left; /* steps that the interpreter is to run, although they are a part */
} call;

/* There are plans enough, and none that fits. */
static bool is_full(anm_cut *cut) {
    return cut->count >= ANM_PART_PLANS_MOST && ++cut->missed % ANM_PART_PLANS_RENEW;
}

static bool fits(const anm_part *part, const anm_cut *cut, const anm_run *run) {
    for (size_t i = 0; i < cut->read_count; i++) {
        const anm_rvalue *v = anm_run_value(run, cut->reads[i]);
        const anm_part_shape *s = &part->shapes[i];
        if (v->rank != s->rank ||
            memcmp(v->shape, s->dims, (size_t)v->rank * sizeof *v->shape) != 0)
            return false;
    }
    return true;
}

/* The part for the shapes at hand, which is the first of the cut's from now on. */
static anm_part *take_front(anm_cut *cut, const anm_run *run) {
    for (anm_part **at = &cut->first; *at; at = &(*at)->next) {
        anm_part *part = *at;
        if (!fits(part, cut, run)) continue;
        *at = part->next;
        part->next = cut->first;
        return cut->first = part;
    }
    return NULL;
}

/* Kernels count on at least one element; what the steps read must have been given. */
static bool is_readable(const anm_cut *cut, const anm_run *run) {
    for (size_t i = 0; i < cut->read_count; i++) {
        const anm_rvalue *v = anm_run_value(run, cut->reads[i]);
        if (anm_rvalue_is_empty(v) || v->list || v->count < 1) return false;
    }
    return true;
}

static anm_status make_for(anm_parts *parts, anm_part_block *b, size_t at, const anm_run *run,
                           anm_part **out, anm_error *err) {
    const anm_cut *cut = b->cuts[at];
    anm_part_shape *shapes = anm_calloc(cut->read_count + 1, sizeof *shapes);
    if (!shapes) return anm_fail_memory(err);
    for (size_t i = 0; i < cut->read_count; i++) {
        const anm_rvalue *v = anm_run_value(run, cut->reads[i]);
        shapes[i].rank = v->rank;
        memcpy(shapes[i].dims, v->shape, sizeof v->shape);
    }
    anm_status status = anm_part_plan(parts, b, at, shapes, out, err);
    anm_free(shapes);
    return status;
}

/* `*out` is NULL where the interpreter is to run the step. */
static anm_status use(call *c, anm_part_block *b, size_t at, const anm_run *run, anm_part **out,
                      anm_error *err) {
    anm_parts *parts = c->parts;
    anm_cut *cut = anm_part_cut(parts, b, at);
    *out = NULL;
    if (!cut) return anm_fail_memory(err);
    if (!is_readable(cut, run)) return ANM_OK;
    *out = take_front(cut, run);
    if (!*out && is_full(cut)) {
        c->left = b->end[at] - at - 1;
        return ANM_OK;
    }
    if (!*out) ANM_TRY(make_for(parts, b, at, run, out, err));
    if ((*out)->engine) (*out)->users++;
    else *out = NULL;
    return ANM_OK;
}

static anm_tensor as_tensor(const anm_run *run, const anm_mil_value *value) {
    const anm_rvalue *v = anm_run_value(run, value);
    anm_tensor t = {.name = value->name, .dtype = v->dtype, .rank = v->rank};
    memcpy(t.shape, v->shape, sizeof t.shape);
    if (v->f) t.dtype = ANM_DTYPE_FP32;
    else if (v->i) t.dtype = ANM_DTYPE_INT32;
    const void *data = v->f ? (const void *)v->f : v->i ? (const void *)v->i : v->raw;
    memcpy(&t.data, &data, sizeof data);
    if (!anm_dtype_bytes(t.dtype, v->count, &t.bytes)) t.bytes = 0;
    return t;
}

static anm_status store(anm_run *run, const anm_mil_value *value, const anm_tensor *t) {
    anm_rvalue v = {.dtype = value->type->dtype, .rank = t->rank};
    memcpy(v.shape, t->shape, sizeof v.shape);
    v.count = anm_value_count(t->rank, t->shape);
    v.buffer = anm_buffer_create(&run->account, v.count);
    if (!v.buffer) return anm_fail(run->err, ANM_ERROR_MEMORY, value->name, "out of memory");
    memcpy(anm_buffer_data(v.buffer), t->data, t->bytes);
    v.buffer->rounded = t->dtype == ANM_DTYPE_FP32 ? ANM_DTYPE_FP32 : v.dtype;
    if (t->dtype == ANM_DTYPE_FP32) v.f = anm_buffer_data(v.buffer);
    else v.i = anm_buffer_data(v.buffer);
    anm_rvalue_clear(&run->slots[value->id]);
    run->slots[value->id] = v;
    return ANM_OK;
}

static anm_status run_engine(const call *c, anm_run *run, const anm_part *part,
                             const anm_tensor *inputs) {
    anm_engine_result *result;
    size_t count;
    anm_status status = ANM_OK;
    ANM_TRY(anm_engine_run(part->engine, c->pool, inputs, part->input_count, run->states,
                           run->state_count, &result, run->err));
    const anm_tensor *tensors = anm_engine_result_tensors(result, &count, NULL);
    for (size_t i = 0; i < count && status == ANM_OK; i++)
        status = store(run, part->outputs[i], &tensors[i]);
    anm_engine_result_release(result);
    return status;
}

static anm_status run_part(const call *c, anm_run *run, const anm_part *part) {
    enum { FEW = 16 };
    anm_tensor few[FEW], *inputs = few;
    if (part->input_count > FEW) inputs = anm_calloc(part->input_count, sizeof *inputs);
    if (!inputs) return anm_fail_memory(run->err);
    if (part->has_state) anm_run_states_out(run);
    for (size_t i = 0; i < part->input_count; i++) inputs[i] = as_tensor(run, part->inputs[i]);
    anm_status status = run_engine(c, run, part, inputs);
    if (inputs != few) anm_free(inputs);
    return status;
}

/* The interpreter's hook. */
static anm_status run_steps(void *context, anm_run *run, const anm_plan_block *block, size_t at,
                            size_t *done) {
    call *c = context;
    anm_parts *parts = c->parts;
    anm_part_block *b = &parts->blocks[block->number];
    anm_part *part;
    *done = 0;
    if (b->end[at] == at) return ANM_OK;
    if (c->left) {
        c->left--;
        return ANM_OK;
    }
    pthread_mutex_lock(&parts->lock);
    anm_status status = use(c, b, at, run, &part, run->err);
    pthread_mutex_unlock(&parts->lock);
    if (status != ANM_OK || !part) return status;
    status = run_part(c, run, part);
    *done = part->to - at;
    for (size_t i = at; i < part->to && status == ANM_OK; i++)
        anm_run_release(run, &block->steps[i]);
    pthread_mutex_lock(&parts->lock);
    part->users--;
    pthread_mutex_unlock(&parts->lock);
    return status;
}

static void count_time(void *context, const anm_plan_block *block, size_t at,
                       uint64_t nanoseconds) {
    const call *c = context;
    c->parts->blocks[block->number].ticks[at] += nanoseconds;
}

anm_status anm_parts_run(anm_parts *parts, anm_pool *pool, const anm_tensor *inputs,
                         size_t input_count, anm_tensor *states, size_t state_count,
                         anm_interp_result **out, anm_error *err) {
    call c = {.parts = parts, .pool = pool};
    anm_interp_hook hook = {&c, run_steps, parts->profiling ? count_time : NULL};
    return anm_interp_run_hooked(parts->interp, &hook, inputs, input_count, states, state_count,
                                 out, err);
}
