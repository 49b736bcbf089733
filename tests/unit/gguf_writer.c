/* SPDX-License-Identifier: MIT */
#include "tests/unit/gguf_writer.h"

#include "src/base/file.h"
#include "tests/unit/testing.h"

enum { ALIGNMENT = 32, UINT16 = 2, UINT32 = 4, INT32 = 5, FLOAT32 = 6, BOOL = 7, STRING = 8,
       ARRAY = 9 };

static void put(anm_strbuf *out, const void *data, size_t size) {
    anm_strbuf_append(out, data, size);
}

static void put32(anm_strbuf *out, uint32_t value) {
    put(out, &value, 4);
}

static void put64(anm_strbuf *out, uint64_t value) {
    put(out, &value, 8);
}

static void put_string(anm_strbuf *out, anm_sv text) {
    put64(out, text.len);
    put(out, text.data, text.len);
}

static void begin(gguf_writer *w, const char *key, uint32_t kind) {
    put_string(&w->values, anm_sv_from(key));
    put32(&w->values, kind);
    w->value_count++;
}

static void begin_array(gguf_writer *w, const char *key, uint32_t kind, size_t count) {
    begin(w, key, ARRAY);
    put32(&w->values, kind);
    put64(&w->values, count);
}

void gguf_put_text(gguf_writer *w, const char *key, const char *text) {
    begin(w, key, STRING);
    put_string(&w->values, anm_sv_from(text));
}

void gguf_put_u16(gguf_writer *w, const char *key, uint16_t value) {
    begin(w, key, UINT16);
    put(&w->values, &value, 2);
}

void gguf_put_u32(gguf_writer *w, const char *key, uint32_t value) {
    begin(w, key, UINT32);
    put32(&w->values, value);
}

void gguf_put_i32(gguf_writer *w, const char *key, int32_t value) {
    begin(w, key, INT32);
    put(&w->values, &value, 4);
}

void gguf_put_f32(gguf_writer *w, const char *key, float value) {
    begin(w, key, FLOAT32);
    put(&w->values, &value, 4);
}

void gguf_put_bool(gguf_writer *w, const char *key, bool value) {
    begin(w, key, BOOL);
    anm_strbuf_putc(&w->values, (char)value);
}

void gguf_put_texts(gguf_writer *w, const char *key, const anm_sv *texts, size_t count) {
    begin_array(w, key, STRING, count);
    for (size_t i = 0; i < count; i++) put_string(&w->values, texts[i]);
}

void gguf_put_ints(gguf_writer *w, const char *key, const int32_t *values, size_t count) {
    begin_array(w, key, INT32, count);
    put(&w->values, values, 4 * count);
}

void gguf_put_floats(gguf_writer *w, const char *key, const float *values, size_t count) {
    begin_array(w, key, FLOAT32, count);
    put(&w->values, values, 4 * count);
}

static void pad(anm_strbuf *out, size_t size) {
    for (; size % ALIGNMENT; size++) anm_strbuf_putc(out, '\0');
}

void gguf_put_tensor(gguf_writer *w, const char *name, uint32_t type, int rank,
                     const int64_t *shape, const void *data, size_t bytes) {
    put_string(&w->tensors, anm_sv_from(name));
    put32(&w->tensors, (uint32_t)rank);
    for (int i = rank; i-- > 0;) put64(&w->tensors, (uint64_t)shape[i]);
    put32(&w->tensors, type);
    put64(&w->tensors, w->data.len);
    put(&w->data, data, bytes);
    pad(&w->data, w->data.len);
    w->tensor_count++;
}

anm_strbuf gguf_bytes(const gguf_writer *w) {
    anm_strbuf out = {0};
    anm_strbuf_puts(&out, "GGUF");
    put32(&out, 3);
    put64(&out, w->tensor_count);
    put64(&out, w->value_count);
    put(&out, w->values.data, w->values.len);
    put(&out, w->tensors.data, w->tensors.len);
    pad(&out, out.len);
    put(&out, w->data.data, w->data.len);
    assert_false(out.failed);
    return out;
}

void gguf_write(gguf_writer *w, const char *path) {
    anm_error err;
    anm_strbuf bytes = gguf_bytes(w);
    assert_ok(anm_file_write(path, bytes.data, bytes.len, &err), &err);
    anm_strbuf_free(&bytes);
    gguf_free(w);
}

void gguf_free(gguf_writer *w) {
    anm_strbuf_free(&w->values);
    anm_strbuf_free(&w->tensors);
    anm_strbuf_free(&w->data);
    *w = (gguf_writer){0};
}
