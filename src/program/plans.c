/* SPDX-License-Identifier: MIT */
#include "src/program/plans.h"

#include <string.h>

#include "src/base/alloc.h"
#include "src/cpu/poolshare.h"
#include "src/program/program.h"

static const anm_tensor *find_input(const anm_plan_key *key, const char *name) {
    for (size_t i = 0; i < key->input_count; i++)
        if (strcmp(key->inputs[i].name, name) == 0) return &key->inputs[i];
    return NULL;
}

static bool fits(const anm_kept_plan *p, const anm_function *f, const anm_plan_key *key) {
    if (p->precision != key->precision || p->matmul != key->matmul) return false;
    if (p->isa != key->isa || p->threads != key->threads) return false;
    for (size_t i = 0; i < f->input_count; i++) {
        const anm_tensor *t = find_input(key, f->inputs[i].name);
        const anm_shape_key *s = &p->shapes[i];
        if (!t || t->rank != s->rank ||
            memcmp(t->shape, s->shape, (size_t)t->rank * sizeof *t->shape) != 0)
            return false;
    }
    return true;
}

/* The plan for the key, and it is the first of the list from now on. */
static anm_kept_plan *take_front(anm_function *f, const anm_plan_key *key) {
    for (anm_kept_plan **at = &f->plans.first; *at; at = &(*at)->next) {
        anm_kept_plan *p = *at;
        if (!fits(p, f, key)) continue;
        *at = p->next;
        p->next = f->plans.first;
        return f->plans.first = p;
    }
    return NULL;
}

static void destroy(anm_kept_plan *p) {
    anm_engine_destroy(p->engine);
    anm_pool_unshare(p->pool);
    anm_free(p);
}

static void drop_oldest(anm_plans *plans) {
    anm_kept_plan **at = &plans->first;
    while ((*at)->next) at = &(*at)->next;
    anm_kept_plan *p = *at;
    *at = NULL;
    plans->count--;
    plans->dropped++;
    p->dropped = true;
    if (!p->users) destroy(p);
}

static anm_status make_engine(anm_kept_plan *p, anm_function *f, const anm_plan_key *key,
                              anm_error *err) {
    anm_engine_options options = {
        .isa = p->isa,
        .matmul = p->matmul,
        .state_dtype = p->precision == ANM_PRECISION_FP32 ? ANM_DTYPE_FP32 : ANM_DTYPE_NONE,
        .threads = p->threads,
        .constants = f->plans.constants,
        .parts = true};
    ANM_TRY(anm_pool_share(p->threads, &p->pool, err));
    anm_status status = anm_engine_create(f->mil, key->inputs, key->input_count, &options,
                                          &p->engine, &p->reason);
    if (status == ANM_OK || status == ANM_ERROR_UNSUPPORTED) return ANM_OK;
    if (err) *err = p->reason;
    return status;
}

static anm_status make(anm_function *f, const anm_plan_key *key, anm_kept_plan **out,
                       anm_error *err) {
    anm_kept_plan *p = *out =
        anm_calloc(1, sizeof *p + f->input_count * sizeof *p->shapes);
    if (!p) return anm_fail_memory(err);
    p->precision = key->precision;
    p->isa = key->isa;
    p->matmul = key->matmul;
    p->threads = key->threads;
    for (size_t i = 0; i < f->input_count; i++) {
        const anm_tensor *t = find_input(key, f->inputs[i].name);
        if (!t) continue;
        p->shapes[i].rank = t->rank;
        memcpy(p->shapes[i].shape, t->shape, sizeof t->shape);
    }
    anm_status status = make_engine(p, f, key, err);
    if (status == ANM_OK) return ANM_OK;
    destroy(p);
    *out = NULL;
    return status;
}

anm_status anm_plans_use(anm_function *f, const anm_plan_key *key, size_t most,
                         anm_kept_plan **out, anm_error *err) {
    anm_plans *plans = &f->plans;
    *out = take_front(f, key);
    if (!*out) {
        if (!plans->constants) plans->constants = anm_constants_create(f->mil->value_count);
        if (!plans->constants) return anm_fail_memory(err);
        ANM_TRY(make(f, key, out, err));
        (*out)->next = plans->first;
        plans->first = *out;
        plans->count++;
        plans->made++;
    }
    (*out)->users++;
    while (plans->count > most && plans->count > 1) drop_oldest(plans);
    return ANM_OK;
}

void anm_plans_unuse(anm_kept_plan *p) {
    if (--p->users == 0 && p->dropped) destroy(p);
}

anm_kept_plan *anm_plans_latest(const anm_function *f) {
    anm_kept_plan *p = f->plans.first;
    while (p && !p->engine) p = p->next;
    return p;
}

void anm_plans_release(anm_function *f) {
    for (anm_kept_plan *p = f->plans.first, *next; p; p = next) {
        next = p->next;
        destroy(p);
    }
    anm_constants_destroy(f->plans.constants);
    f->plans = (anm_plans){0};
}
