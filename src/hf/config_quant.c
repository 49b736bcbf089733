/* SPDX-License-Identifier: MIT */
/*
 * quantization_config: which scheme, and what of it is needed to undo it. FP8 in three spellings is
 * read; of every other scheme the name is kept for the refusal.
 *
 *   fp8               weight_block_size [rows, columns] (DeepSeek, Qwen), or one scale per tensor
 *   fbgemm_fp8        one scale per row
 *   compressed-tensors, format float-quantized or naive-quantized: strategy tensor, channel, block
 */
#include <string.h>

#include "src/base/json.h"
#include "src/hf/config_internal.h"

/* [rows, columns], or null for none. */
static anm_status read_block(const anm_config_source *s, const char *key, anm_hf_quant *q) {
    const json_t *pair = json_object_get(s->object, key);
    if (!pair || json_is_null(pair)) return ANM_OK;
    for (size_t i = 0; i < 2; i++) {
        q->block[i] = json_integer_value(json_array_get(pair, i));
        if (json_array_size(pair) != 2 || q->block[i] < 1 || q->block[i] > 1 << 20)
            return anm_fail(s->err, ANM_ERROR_FORMAT, s->path,
                            "key \"%s\" is not two sizes, of rows and columns", key);
    }
    return ANM_OK;
}

static anm_status read_fp8(const anm_config_source *s, anm_hf_quant *q) {
    ANM_TRY(anm_config_name(s, "fmt", "", q->format));
    bool known = !*q->format || strcmp(q->format, "e4m3") == 0 || strcmp(q->format, "e5m2") == 0 ||
                 strcmp(q->format, "float8_e4m3fn") == 0;
    q->fp8 = known;
    return read_block(s, "weight_block_size", q);
}

/* The weights of one of config_groups: 8 bits of floating point. */
static anm_status read_group(const anm_config_source *s, anm_hf_quant *q) {
    const json_t *weights = json_object_get(s->object, "weights");
    anm_config_source inner = {weights, s->path, s->err};
    char type[ANM_HF_NAME];
    int64_t bits;
    if (!json_is_object(weights)) return ANM_OK;
    ANM_TRY(anm_config_name(&inner, "type", "", type));
    ANM_TRY(anm_json_get_int(weights, "num_bits", 0, &bits, s->path, s->err));
    if (bits != 8 || strcmp(type, "float") != 0) q->fp8 = false;
    return read_block(&inner, "block_structure", q);
}

static anm_status read_compressed(const anm_config_source *s, anm_hf_quant *q) {
    json_t *groups = json_object_get(s->object, "config_groups"), *group;
    const char *name;
    ANM_TRY(anm_config_name(s, "format", "", q->format));
    q->fp8 = strcmp(q->format, "float-quantized") == 0 ||
             strcmp(q->format, "naive-quantized") == 0;
    if (!json_is_object(groups)) q->fp8 = false;
    json_object_foreach(groups, name, group) {
        anm_config_source inner = {group, s->path, s->err};
        ANM_TRY(read_group(&inner, q));
    }
    return ANM_OK;
}

anm_status anm_config_read_quant(const anm_config_source *s, anm_hf_quant *q) {
    const json_t *value = json_object_get(s->object, "quantization_config");
    *q = (anm_hf_quant){0};
    if (!value || json_is_null(value)) return ANM_OK;
    if (!json_is_object(value))
        return anm_fail(s->err, ANM_ERROR_FORMAT, s->path,
                        "key \"quantization_config\" is no object");
    anm_config_source inner = {value, s->path, s->err};
    ANM_TRY(anm_config_name(&inner, "quant_method", "unnamed", q->method));
    q->fp8 = strcmp(q->method, "fbgemm_fp8") == 0;
    if (strcmp(q->method, "fp8") == 0) return read_fp8(&inner, q);
    if (strcmp(q->method, "compressed-tensors") == 0) return read_compressed(&inner, q);
    return anm_config_name(&inner, "format", "", q->format);
}
