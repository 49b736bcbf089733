/* SPDX-License-Identifier: MIT */
/* A second session that goes on from the first: the filled rows are copied, the rest stays zero. */
#include "src/llm/sessionrows.h"

#include <string.h>

/* Rows are positions, the cache is [layers, heads, rows, head_dim]: as long as the context or the
 * window, or longer. */
static bool is_cache(const anm_session *s, const anm_tensor *t) {
    if (t->rank != 4 || !strstr(t->name, "kv_cache")) return false;
    return t->shape[2] >= (int64_t)s->llm->context || t->shape[2] == (int64_t)s->llm->window;
}

anm_state_rows anm_session_rows(const anm_session *s, size_t state, size_t held) {
    const anm_tensor *t = anm_state_tensor(s->state, state);
    anm_state_rows r = {t->data, 1, 1, held > 0, t->bytes};
    if (!is_cache(s, t)) return r;
    r.parts = (size_t)(t->shape[0] * t->shape[1]);
    r.rows = (size_t)t->shape[2];
    r.filled = held < r.rows ? held : r.rows;
    r.row_bytes = t->bytes / r.parts / r.rows;
    return r;
}

static void copy_rows(anm_session *to, const anm_session *from, size_t state) {
    anm_state_rows a = anm_session_rows(from, state, from->held);
    anm_state_rows b = anm_session_rows(to, state, from->held);
    for (size_t i = 0; i < a.parts; i++) {
        size_t at = i * a.rows * a.row_bytes;
        memcpy(b.data + at, a.data + at, a.filled * a.row_bytes);
    }
}

anm_status anm_session_fork(const anm_session *session, anm_session **out, anm_error *err) {
    ANM_TRY(anm_session_create(session->llm, out, err));
    anm_session *s = *out;
    memcpy(s->tokens, session->tokens, session->count * sizeof *s->tokens);
    for (size_t i = 0; i < anm_state_count(s->state); i++) copy_rows(s, session, i);
    s->count = session->count;
    s->held = session->held;
    s->has_logits = session->has_logits;
    s->has_winner = session->has_winner;
    s->winner = session->winner;
    if (s->has_logits) memcpy(s->logits, session->logits, s->llm->vocab * sizeof *s->logits);
    return ANM_OK;
}
