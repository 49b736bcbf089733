/* SPDX-License-Identifier: MIT */
/*
 * Sessions in files: tokens and the filled rows of the states. The layout is in docs/generation.md.
 * Everything is checked before the session is touched.
 */
#include <string.h>

#include "src/base/file.h"
#include "src/base/sha256.h"
#include "src/llm/sessionrows.h"
#include "src/program/fingerprint.h"

enum { VERSION = 1, DIGEST = ANM_SHA256_HEX - 1 };
static const char magic[8] = {'A', 'N', 'M', 'S', 'E', 'S', 'S', '\n'};

typedef struct header {
    char magic[8];
    uint32_t version, precision;
    char model[DIGEST];
    uint64_t tokens, held, states;
} header;
_Static_assert(sizeof(header) == 104, "the file's header has no padding");

/* Before each state's name and rows. */
typedef struct state_header {
    uint32_t name_length, dtype;
    uint64_t parts, filled, row_bytes;
} state_header;
_Static_assert(sizeof(state_header) == 32, "the file's state header has no padding");

static anm_status model_digest(const anm_llm *llm, char hex[ANM_SHA256_HEX], anm_error *err) {
    anm_sha256 hash;
    anm_sha256_begin(&hash);
    for (size_t i = 0; i < llm->program_count; i++)
        anm_program_fingerprint(llm->programs[i], &hash);
    return anm_sha256_end(&hash, hex, err);
}

/* --- saving --------------------------------------------------------------------------------- */

typedef struct sink {
    anm_writer *writer;
    anm_sha256 hash;
} sink;

static anm_status put(sink *out, const void *data, size_t size, anm_error *err) {
    anm_sha256_add(&out->hash, data, size);
    return anm_writer_write(out->writer, data, size, err);
}

static anm_status put_state(sink *out, const anm_session *s, size_t index, anm_error *err) {
    const anm_tensor *t = anm_state_tensor(s->state, index);
    anm_state_rows r = anm_session_rows(s, index, s->held);
    state_header h = {(uint32_t)strlen(t->name), (uint32_t)t->dtype, r.parts, r.filled,
                      r.row_bytes};
    ANM_TRY(put(out, &h, sizeof h, err));
    ANM_TRY(put(out, t->name, h.name_length, err));
    for (size_t i = 0; i < r.parts; i++)
        ANM_TRY(put(out, r.data + i * r.rows * r.row_bytes, r.filled * r.row_bytes, err));
    return ANM_OK;
}

static anm_status put_session(sink *out, const anm_session *s, anm_error *err) {
    char hex[ANM_SHA256_HEX];
    header h = {.version = VERSION,
                .precision = (uint32_t)s->llm->precision,
                .tokens = s->count,
                .held = s->held,
                .states = anm_state_count(s->state)};
    memcpy(h.magic, magic, sizeof magic);
    ANM_TRY(model_digest(s->llm, hex, err));
    memcpy(h.model, hex, DIGEST);
    ANM_TRY(put(out, &h, sizeof h, err));
    ANM_TRY(put(out, s->tokens, s->count * sizeof *s->tokens, err));
    for (size_t i = 0; i < h.states; i++) ANM_TRY(put_state(out, s, i, err));
    return ANM_OK;
}

anm_status anm_session_save(const anm_session *s, const char *path, anm_error *err) {
    sink out;
    char hex[ANM_SHA256_HEX];
    ANM_TRY(anm_writer_open(path, &out.writer, err));
    anm_sha256_begin(&out.hash);
    anm_status status = put_session(&out, s, err);
    anm_error ignored;
    anm_status hashed = anm_sha256_end(&out.hash, hex, status == ANM_OK ? err : &ignored);
    if (status == ANM_OK) status = hashed;
    if (status == ANM_OK) status = anm_writer_write(out.writer, hex, DIGEST, err);
    if (status == ANM_OK) return anm_writer_commit(out.writer, err);
    anm_writer_abort(out.writer);
    return status;
}

/* --- restoring ------------------------------------------------------------------------------ */

typedef struct source {
    const char *path;
    const uint8_t *data;
    size_t size, at; /* without the digest at the end */
    anm_error *err;
} source;

static anm_status refuse(const source *in, const char *what) {
    return anm_fail_at(in->err, ANM_ERROR_FORMAT, in->path, in->at, "%s", what);
}

static anm_status take(source *in, size_t size, const void **out) {
    *out = in->data;
    if (size > in->size - in->at) return refuse(in, "the session file ends too early");
    *out = in->data + in->at;
    in->at += size;
    return ANM_OK;
}

static anm_status check_digest(source *in, size_t whole) {
    char hex[ANM_SHA256_HEX];
    anm_sha256 hash;
    if (whole < sizeof(header) + DIGEST || memcmp(in->data, magic, sizeof magic) != 0)
        return refuse(in, "this is no session file");
    in->size = whole - DIGEST;
    anm_sha256_begin(&hash);
    anm_sha256_add(&hash, in->data, in->size);
    ANM_TRY(anm_sha256_end(&hash, hex, in->err));
    if (memcmp(hex, in->data + in->size, DIGEST) == 0) return ANM_OK;
    return refuse(in, "the session file is damaged: its checksum is another; delete it");
}

static anm_status check_header(source *in, const anm_session *s, const header *h) {
    char hex[ANM_SHA256_HEX];
    const anm_llm *llm = s->llm;
    if (h->version != VERSION)
        return anm_fail(in->err, ANM_ERROR_UNSUPPORTED, in->path,
                        "session file version %u; this library reads %d", h->version, VERSION);
    ANM_TRY(model_digest(llm, hex, in->err));
    if (memcmp(hex, h->model, DIGEST) != 0)
        return anm_fail(in->err, ANM_ERROR_MISMATCH, in->path,
                        "the session is of another model than %s", llm->name);
    if (h->precision != (uint32_t)llm->precision)
        return anm_fail(in->err, ANM_ERROR_MISMATCH, in->path,
                        "the session was computed in %s, the model is open in %s",
                        h->precision ? "fp32" : "fp16", llm->precision ? "fp32" : "fp16");
    if (h->tokens > llm->context || h->held > h->tokens ||
        h->states != anm_state_count(s->state))
        return refuse(in, "the session file contradicts the model");
    return ANM_OK;
}

static anm_status check_tokens(source *in, const anm_llm *llm, const int32_t *tokens, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int32_t id;
        memcpy(&id, tokens + i, sizeof id);
        if (id < 0 || (size_t)id >= llm->vocab)
            return refuse(in, "the session file has a token outside the vocabulary");
    }
    return ANM_OK;
}

/* Checks a state, and with `fill` takes its rows. */
static anm_status read_state(source *in, anm_session *s, size_t index, size_t held, bool fill) {
    const anm_tensor *t = anm_state_tensor(s->state, index);
    anm_state_rows r = anm_session_rows(s, index, held);
    state_header h;
    const void *at;
    ANM_TRY(take(in, sizeof h, &at));
    memcpy(&h, at, sizeof h);
    ANM_TRY(take(in, h.name_length, &at));
    if (h.name_length != strlen(t->name) || memcmp(at, t->name, h.name_length) != 0 ||
        h.dtype != (uint32_t)t->dtype || h.parts != r.parts || h.filled != r.filled ||
        h.row_bytes != r.row_bytes)
        return refuse(in, "the session file's state is not the model's");
    for (size_t i = 0; i < r.parts; i++) {
        ANM_TRY(take(in, r.filled * r.row_bytes, &at));
        if (fill) memcpy(r.data + i * r.rows * r.row_bytes, at, r.filled * r.row_bytes);
    }
    return ANM_OK;
}

static anm_status read_states(source *in, anm_session *s, const header *h, bool fill) {
    size_t begin = in->at;
    for (size_t i = 0; i < h->states; i++) ANM_TRY(read_state(in, s, i, (size_t)h->held, fill));
    if (in->at != in->size) return refuse(in, "the session file goes on after its last state");
    in->at = begin;
    return ANM_OK;
}

static anm_status read_session(source *in, anm_session *s) {
    header h;
    const void *at, *tokens;
    ANM_TRY(take(in, sizeof h, &at));
    memcpy(&h, at, sizeof h);
    ANM_TRY(check_header(in, s, &h));
    ANM_TRY(take(in, (size_t)h.tokens * sizeof *s->tokens, &tokens));
    ANM_TRY(check_tokens(in, s->llm, tokens, (size_t)h.tokens));
    ANM_TRY(read_states(in, s, &h, false));
    ANM_TRY(read_states(in, s, &h, true));
    memcpy(s->tokens, tokens, (size_t)h.tokens * sizeof *s->tokens);
    s->count = (size_t)h.tokens;
    s->held = (size_t)h.held;
    s->has_logits = s->has_winner = false;
    return ANM_OK;
}

anm_status anm_session_restore(anm_session *s, const char *path, anm_error *err) {
    anm_mapping file;
    ANM_TRY(anm_mapping_open(path, &file, err));
    source in = {.path = path, .data = file.data, .err = err};
    anm_status status = check_digest(&in, file.size);
    if (status == ANM_OK) status = read_session(&in, s);
    anm_mapping_close(&file);
    return status;
}
