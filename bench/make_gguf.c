/* SPDX-License-Identifier: MIT */
/*
 * Writes a Qwen checkpoint (such as make_checkpoint's) as a GGUF file without a tokenizer, matrices
 * in Q8_0, Q4_0, Q4_K or Q6_K by plain rounding, in BF16 or F16: for timing, not for use. Streams,
 * row by row.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/half.h"
#include "src/base/str.h"
#include "src/hf/checkpoint.h"
#include "src/hf/config.h"
#include "src/hf/gguf_types.h"

enum { ALIGNMENT = 32, F32 = 0, SUPER = 256, U32 = 4, FLOAT = 6, TEXT = 8 };

/* ---- blocks ---- */

static void put_half(uint8_t *out, float value) {
    uint16_t h = anm_half_from_float(value);
    memcpy(out, &h, 2);
}

static float greatest(const float *x, int n) {
    float most = 0;
    for (int i = 0; i < n; i++) most = fmaxf(most, fabsf(x[i]));
    return most;
}

static int nearest(float value, int least, int most) {
    int rounded = (int)lrintf(value);
    return rounded < least ? least : rounded > most ? most : rounded;
}

static void code_q8_0(const float *x, uint8_t *out) {
    float scale = greatest(x, 32) / 127, inverse = scale > 0 ? 1 / scale : 0;
    put_half(out, scale);
    for (int i = 0; i < 32; i++) out[2 + i] = (uint8_t)nearest(x[i] * inverse, -127, 127);
}

static void code_q4_0(const float *x, uint8_t *out) {
    float scale = greatest(x, 32) / 7, inverse = scale > 0 ? 1 / scale : 0;
    put_half(out, scale);
    for (int i = 0; i < 16; i++)
        out[2 + i] = (uint8_t)(nearest(x[i] * inverse + 8, 0, 15) |
                               nearest(x[i + 16] * inverse + 8, 0, 15) << 4);
}

/* Minima are at most 0: the format takes them away. */
static void find_ranges(const float *x, float scale[8], float least[8]) {
    for (int s = 0; s < 8; s++) {
        float low = 0, high = 0;
        for (int i = 0; i < 32; i++) {
            low = fminf(low, x[32 * s + i]);
            high = fmaxf(high, x[32 * s + i]);
        }
        scale[s] = (high - low) / 15;
        least[s] = -low;
    }
}

static void code_q4_k(const float *x, uint8_t *out) {
    float scale[8], least[8];
    int q[8], m[8];
    memset(out, 0, 144);
    find_ranges(x, scale, least);
    float unit = greatest(scale, 8) / 63, least_unit = greatest(least, 8) / 63;
    put_half(out, unit);
    put_half(out + 2, least_unit);
    for (int s = 0; s < 8; s++) {
        q[s] = unit > 0 ? nearest(scale[s] / unit, 1, 63) : 0;
        m[s] = least_unit > 0 ? nearest(least[s] / least_unit, 0, 63) : 0;
        for (int i = 0; i < 32; i++) {
            float step = unit * (float)q[s], above = x[32 * s + i] + least_unit * (float)m[s];
            int code = step > 0 ? nearest(above / step, 0, 15) : 0;
            out[16 + 32 * (s / 2) + i] |= (uint8_t)(code << 4 * (s % 2));
        }
    }
    for (int s = 0; s < 4; s++) {
        out[4 + s] = (uint8_t)(q[s] | q[s + 4] >> 4 << 6);
        out[8 + s] = (uint8_t)(m[s] | m[s + 4] >> 4 << 6);
        out[12 + s] = (uint8_t)((q[s + 4] & 15) | (m[s + 4] & 15) << 4);
    }
}

static void code_q6_k(const float *x, uint8_t *out) {
    float scale[16];
    memset(out, 0, 210);
    for (int s = 0; s < 16; s++) scale[s] = greatest(x + 16 * s, 16) / 31;
    float unit = greatest(scale, 16) / 127;
    put_half(out + 208, unit);
    for (int i = 0; i < SUPER; i++) {
        int s = i / 16, q = unit > 0 ? nearest(scale[s] / unit, 1, 127) : 1;
        int half = i / 128, quarter = i % 128 / 32, k = i % 32;
        int code = unit > 0 ? nearest(x[i] / (unit * (float)q), -32, 31) + 32 : 32;
        out[192 + s] = (uint8_t)q;
        out[64 * half + 32 * (quarter % 2) + k] |= (uint8_t)((code & 15) << 4 * (quarter / 2));
        out[128 + 32 * half + k] |= (uint8_t)(code >> 4 << 2 * quarter);
    }
}

static void code_bf16(const float *x, uint8_t *out) {
    uint16_t b = anm_bf16_from_float(*x);
    memcpy(out, &b, 2);
}

static void code_f16(const float *x, uint8_t *out) { put_half(out, *x); }

static const struct {
    const char *name;
    uint32_t type;
    void (*code)(const float *x, uint8_t *out);
} codes[] = {{"q8_0", 8, code_q8_0}, {"q4_0", 2, code_q4_0}, {"q4_k", 12, code_q4_k},
             {"q6_k", 14, code_q6_k}, {"bf16", 30, code_bf16}, {"f16", 1, code_f16}};

/* ---- the file ---- */

typedef struct maker {
    const anm_checkpoint *checkpoint;
    int code;
    anm_strbuf head;
    uint64_t values, offset;
    anm_writer *out;
    anm_error *err;
} maker;

static void put(maker *k, const void *data, size_t size) {
    anm_strbuf_append(&k->head, data, size);
}

static void put_text(maker *k, const char *text) {
    uint64_t length = strlen(text);
    put(k, &length, 8);
    put(k, text, length);
}

static void put_pair(maker *k, const char *key, uint32_t kind, const void *value) {
    put_text(k, key);
    put(k, &kind, 4);
    if (kind == TEXT) put_text(k, value);
    else put(k, value, 4);
    k->values++;
}

static void put_int(maker *k, const char *arch, const char *key, int64_t value) {
    char full[100];
    uint32_t number = (uint32_t)value;
    snprintf(full, sizeof full, "%s.%s", arch, key);
    put_pair(k, full, U32, &number);
}

static void put_real(maker *k, const char *arch, const char *key, double value) {
    char full[100];
    float number = (float)value;
    snprintf(full, sizeof full, "%s.%s", arch, key);
    put_pair(k, full, FLOAT, &number);
}

static void put_config(maker *k, const anm_hf_config *c) {
    const char *arch = c->model_type;
    put_pair(k, "general.architecture", TEXT, arch);
    put_int(k, arch, "block_count", c->num_hidden_layers);
    put_int(k, arch, "embedding_length", c->hidden_size);
    put_int(k, arch, "feed_forward_length", c->intermediate_size);
    put_int(k, arch, "attention.head_count", c->num_attention_heads);
    put_int(k, arch, "attention.head_count_kv", c->num_key_value_heads);
    put_int(k, arch, "attention.key_length", c->head_dim);
    put_int(k, arch, "attention.value_length", c->head_dim);
    put_int(k, arch, "context_length", c->max_position_embeddings);
    put_int(k, arch, "vocab_size", c->vocab_size);
    put_pair(k, "tokenizer.ggml.model", TEXT, "none");
    put_real(k, arch, "attention.layer_norm_rms_epsilon", c->rms_norm_eps);
    put_real(k, arch, "rope.freq_base", c->rope.theta);
}

static const char *const names[][2] = {
    {"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"},
    {"input_layernorm", "attn_norm"},     {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},       {"self_attn.v_proj", "attn_v"},
    {"self_attn.q_norm", "attn_q_norm"},  {"self_attn.k_norm", "attn_k_norm"},
    {"self_attn.o_proj", "attn_output"},  {"post_attention_layernorm", "ffn_norm"},
    {"mlp.gate_proj", "ffn_gate"},        {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
};

/* "model.layers.3.mlp.up_proj.weight" is "blk.3.ffn_up.weight". */
static void put_name(maker *k, const char *hf) {
    char text[200] = "", rest[200];
    int layer = 0, length = 0;
    if (sscanf(hf, "model.layers.%d.%n", &layer, &length) == 1 && length)
        snprintf(text, sizeof text, "blk.%d.", layer);
    snprintf(rest, sizeof rest, "%s", hf + length);
    char *ending = strrchr(rest, '.');
    if (ending) *ending = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i][0], rest) == 0) strncat(text, names[i][1], 50);
    strncat(text, ending ? hf + length + (ending - rest) : "", 50);
    put_text(k, text);
}

/* Rows that blocks do not divide stay fp32, as vectors do. */
static bool is_coded(const maker *k, const anm_tensor *t) {
    const anm_gguf_type *type = anm_gguf_type_get(codes[k->code].type);
    return t->rank == 2 && t->shape[1] % (int64_t)type->block == 0;
}

static size_t row_bytes(const maker *k, const anm_tensor *t) {
    const anm_gguf_type *type = anm_gguf_type_get(is_coded(k, t) ? codes[k->code].type : F32);
    return (size_t)t->shape[t->rank - 1] / type->block * type->bytes;
}

static void put_tensor(maker *k, const anm_tensor *t) {
    uint32_t rank = (uint32_t)t->rank, type = is_coded(k, t) ? codes[k->code].type : F32;
    put_name(k, t->name);
    put(k, &rank, 4);
    for (int i = t->rank; i-- > 0;) put(k, &t->shape[i], 8);
    put(k, &type, 4);
    put(k, &k->offset, 8);
    size_t bytes = row_bytes(k, t) * (size_t)(t->rank == 2 ? t->shape[0] : 1);
    k->offset += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static anm_status pad(maker *k) {
    static const uint8_t zeros[ALIGNMENT];
    size_t over = (size_t)(anm_writer_offset(k->out) % ALIGNMENT);
    return anm_writer_write(k->out, zeros, over ? ALIGNMENT - over : 0, k->err);
}

static anm_status write_rows(maker *k, const anm_weight *w, float *values, uint8_t *coded) {
    const anm_tensor *t = w->tensor;
    size_t columns = (size_t)t->shape[t->rank - 1], bytes = row_bytes(k, t);
    const anm_gguf_type *type = anm_gguf_type_get(codes[k->code].type);
    for (size_t row = 0; row < (t->rank == 2 ? (size_t)t->shape[0] : 1); row++) {
        anm_weight_floats(w, row * columns, columns, values);
        for (size_t i = 0; is_coded(k, t) && i < columns / type->block; i++)
            codes[k->code].code(values + i * type->block, coded + i * type->bytes);
        const void *data = is_coded(k, t) ? (const void *)coded : values;
        ANM_TRY(anm_writer_write(k->out, data, bytes, k->err));
        anm_weight_drop(w, row * columns, columns);
    }
    return pad(k);
}

static anm_status write_tensor(maker *k, const anm_weight *w) {
    size_t columns = (size_t)w->tensor->shape[w->tensor->rank - 1];
    float *values = anm_malloc(columns * sizeof *values);
    uint8_t *coded = anm_malloc(columns * sizeof *values);
    anm_status status = values && coded ? write_rows(k, w, values, coded) : anm_fail_memory(k->err);
    anm_free(values);
    anm_free(coded);
    return status;
}

static anm_status write_all(maker *k, const anm_hf_config *config) {
    uint64_t tensors = anm_checkpoint_count(k->checkpoint);
    uint32_t version = 3;
    put_config(k, config);
    for (size_t i = 0; i < tensors; i++)
        put_tensor(k, anm_checkpoint_get(k->checkpoint, i)->tensor);
    if (k->head.failed) return anm_fail_memory(k->err);
    ANM_TRY(anm_writer_write(k->out, "GGUF", 4, k->err));
    ANM_TRY(anm_writer_write(k->out, &version, 4, k->err));
    ANM_TRY(anm_writer_write(k->out, &tensors, 8, k->err));
    ANM_TRY(anm_writer_write(k->out, &k->values, 8, k->err));
    ANM_TRY(anm_writer_write(k->out, k->head.data, k->head.len, k->err));
    ANM_TRY(pad(k));
    for (size_t i = 0; i < tensors; i++)
        ANM_TRY(write_tensor(k, anm_checkpoint_get(k->checkpoint, i)));
    return ANM_OK;
}

static anm_status make(const char *dir, const char *path, int code, anm_error *err) {
    anm_hf_config config;
    anm_checkpoint *checkpoint;
    maker k = {.code = code, .err = err};
    ANM_TRY(anm_hf_config_read(dir, &config, err));
    if (strncmp(config.model_type, "qwen", 4) != 0)
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, dir, "not a Qwen model");
    ANM_TRY(anm_checkpoint_open(dir, &checkpoint, err));
    k.checkpoint = checkpoint;
    anm_status status = anm_writer_open(path, &k.out, err);
    if (status == ANM_OK) {
        status = write_all(&k, &config);
        if (status == ANM_OK) status = anm_writer_commit(k.out, err);
        else anm_writer_abort(k.out);
    }
    anm_strbuf_free(&k.head);
    anm_checkpoint_close(checkpoint);
    return status;
}

int main(int argc, char **argv) {
    char text[900];
    anm_error err;
    for (int i = 0; argc == 4 && i < (int)(sizeof codes / sizeof codes[0]); i++) {
        if (strcmp(codes[i].name, argv[3]) != 0) continue;
        if (make(argv[1], argv[2], i, &err) == ANM_OK) return 0;
        anm_error_format(&err, text, sizeof text);
        fprintf(stderr, "make_gguf: %s\n", text);
        return 1;
    }
    fprintf(stderr, "usage: make_gguf QWEN_DIR OUT.gguf q8_0|q4_0|q4_k|q6_k|bf16|f16\n");
    return 2;
}
