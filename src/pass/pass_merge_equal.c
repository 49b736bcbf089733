/* SPDX-License-Identifier: MIT */
/* Common subexpressions: of two ops with equal arguments the second is replaced by the first. */
#include <string.h>

#include "src/pass/pass.h"

enum { MOST_CONTENT = 256 }; /* bytes of a literal compared by content; larger ones by address */

static void put(anm_strbuf *key, const void *data, size_t size) {
    anm_strbuf_append(key, data, size);
}

static void put_literal(anm_strbuf *key, const anm_mil_literal *literal) {
    char type[160];
    anm_strbuf_puts(key, anm_mil_type_format(literal->type, type, sizeof type));
    bool small = literal->data && literal->bytes <= MOST_CONTENT;
    if (small) put(key, literal->data, literal->bytes);
    else if (literal->data) put(key, &literal->data, sizeof literal->data);
    else put(key, &literal, sizeof literal);
    for (size_t i = 0; literal->strings && i < literal->count; i++)
        put(key, literal->strings[i].data, literal->strings[i].len);
}

static void put_op(anm_strbuf *key, const anm_mil_op *op) {
    char type[160];
    anm_strbuf_puts(key, op->type);
    if (op->output_count)
        anm_strbuf_puts(key, anm_mil_type_format(op->outputs[0]->type, type, sizeof type));
    for (size_t i = 0; i < op->arg_count; i++) {
        anm_strbuf_printf(key, "|%s=", op->args[i].name);
        for (size_t n = 0; n < op->args[i].count; n++) {
            const anm_mil_operand *o = &op->args[i].operands[n];
            if (o->value) anm_strbuf_printf(key, "%%%u,", (unsigned)o->value->id);
            else if (o->literal) put_literal(key, o->literal);
        }
    }
    for (size_t i = 0; i < op->attr_count; i++) {
        if (strcmp(op->attrs[i].name, "name") == 0) continue;
        anm_strbuf_printf(key, "|%s=", op->attrs[i].name);
        put_literal(key, op->attrs[i].literal);
    }
}

static bool is_pure(const anm_mil_op *op) {
    return op->output_count == 1 && !(op->spec->flags & ANM_OP_STATEFUL) &&
           strncmp(op->type, "random_", 7) != 0;
}

typedef struct merger {
    anm_map seen; /* an op as text: its output */
    anm_arena *arena;
    anm_strbuf key;
    bool failed;
} merger;

static bool visit(anm_flow *g, anm_mil_op *op) {
    merger *m = g->context;
    uint64_t first;
    if (!is_pure(op)) return true;
    anm_strbuf_clear(&m->key);
    put_op(&m->key, op);
    anm_sv text = {anm_arena_copy(m->arena, m->key.data, m->key.len), m->key.len};
    m->failed = !text.data || m->key.failed;
    if (m->failed) return false;
    if (anm_map_get(&m->seen, text, &first))
        anm_flow_replace_op(g, op, (anm_mil_value *)(uintptr_t)first);
    else m->failed = !anm_map_put(&m->seen, text, (uint64_t)(uintptr_t)op->outputs[0]);
    return !m->failed;
}

anm_status anm_pass_merge_equal(anm_flow *g, anm_error *err) {
    merger m = {.arena = anm_arena_create()};
    if (!m.arena) return anm_fail_memory(err);
    g->context = &m;
    anm_status status = anm_flow_walk(g, visit, err);
    g->context = NULL;
    anm_strbuf_free(&m.key);
    anm_map_free(&m.seen);
    anm_arena_destroy(m.arena);
    return m.failed ? anm_fail_memory(err) : status;
}
