/* SPDX-License-Identifier: MIT */
/*
 * RoPE scaling out of GGUF metadata. Llama 3's is not in the metadata but in a tensor of what each
 * frequency is divided by; it is recognised by its values and named again, so that the tables are
 * those of the original model and not of factors that were rounded to fp32.
 */
#include <math.h>

#include "src/base/alloc.h"
#include "src/hf/gguf_arch.h"

/* How far a factor computed in fp32 lies from its formula at most, with some margin. */
static const double tolerance = 1e-4;

typedef struct rope {
    const anm_gguf *gguf;
    const anm_gguf_arch *arch;
    int64_t head_dim;
    double theta;
    json_t *config;
    anm_error *err;
} rope;

static anm_status get_number(const rope *r, const char *key, double absent, double *out) {
    char full[ANM_GGUF_KEY];
    return anm_gguf_get_number(r->gguf, anm_gguf_arch_key(r->arch, key, full), absent, out, r->err);
}

static anm_status put_scaling(const rope *r, json_t *scaling) {
    if (scaling && json_object_set_new(r->config, "rope_scaling", scaling) == 0) return ANM_OK;
    return anm_fail_memory(r->err);
}

/* ---- by metadata ---- */

static anm_status put_linear(const rope *r, double factor) {
    if (factor == 1) return ANM_OK;
    return put_scaling(r, json_pack("{s:s, s:f}", "rope_type", "linear", "factor", factor));
}

static anm_status put_yarn(const rope *r, double factor) {
    double fast, slow, attention, positions;
    json_t *scaling = json_pack("{s:s, s:f}", "rope_type", "yarn", "factor", factor);
    ANM_TRY(put_scaling(r, scaling));
    ANM_TRY(get_number(r, "rope.scaling.yarn_beta_fast", 32, &fast));
    ANM_TRY(get_number(r, "rope.scaling.yarn_beta_slow", 1, &slow));
    ANM_TRY(get_number(r, "rope.scaling.attn_factor", 1, &attention));
    ANM_TRY(get_number(r, "rope.scaling.original_context_length", 0, &positions));
    json_object_set_new(scaling, "beta_fast", json_real(fast));
    json_object_set_new(scaling, "beta_slow", json_real(slow));
    /* llama.cpp multiplies its own 1 + 0.1 ln(factor), which is the default, by this. */
    if (attention != 1)
        json_object_set_new(scaling, "attention_factor",
                            json_real(attention * (1 + 0.1 * log(factor))));
    if (positions > 0)
        json_object_set_new(scaling, "original_max_position_embeddings",
                            json_integer((json_int_t)positions));
    return ANM_OK;
}

static anm_status put_typed(const rope *r) {
    char key[ANM_GGUF_KEY];
    anm_sv type;
    double factor;
    ANM_TRY(anm_gguf_get_text(r->gguf, anm_gguf_arch_key(r->arch, "rope.scaling.type", key), &type,
                              r->err));
    ANM_TRY(get_number(r, "rope.scale_linear", 1, &factor)); /* the key of old files */
    ANM_TRY(get_number(r, "rope.scaling.factor", factor, &factor));
    if (!type.data) return put_linear(r, factor);
    if (anm_sv_is(type, "none")) return ANM_OK;
    if (anm_sv_is(type, "linear")) return put_linear(r, factor);
    if (anm_sv_is(type, "yarn")) return put_yarn(r, factor);
    return anm_fail(r->err, ANM_ERROR_UNSUPPORTED, anm_gguf_path(r->gguf),
                    "RoPE scaling \"%.*s\" is not supported; none, linear, yarn and Llama 3's are",
                    (int)(type.len < 60 ? type.len : 60), type.data);
}

/* ---- by factors ---- */

/* What Llama 3.1's scaling divides a frequency by: low_freq_factor 1, high_freq_factor 4. */
static double llama3_factor(double frequency, double factor, double positions) {
    double held = positions * frequency / (2 * M_PI), kept = (held - 1) / 3;
    if (held < 1) return factor;
    if (held > 4) return 1;
    return 1 / ((1 - kept) / factor + kept);
}

static bool is_llama3(const rope *r, const float *factors, double factor, double positions) {
    for (int64_t i = 0; i < r->head_dim / 2; i++) {
        double frequency = pow(r->theta, -2.0 * (double)i / (double)r->head_dim);
        double want = llama3_factor(frequency, factor, positions);
        if (!(fabs((double)factors[i] - want) <= tolerance * want)) return false;
    }
    return true;
}

static anm_status put_factors(const rope *r, const float *factors) {
    double largest = 0, positions;
    for (int64_t i = 0; i < r->head_dim / 2; i++)
        if ((double)factors[i] > largest) largest = (double)factors[i];
    ANM_TRY(get_number(r, "rope.scaling.original_context_length", 8192, &positions));
    if (largest == 1 && is_llama3(r, factors, 1, positions)) return ANM_OK;
    if (largest > 1 && is_llama3(r, factors, largest, positions))
        return put_scaling(r, json_pack("{s:s, s:f, s:f, s:f, s:I}", "rope_type", "llama3",
                                        "factor", anm_gguf_decimal((float)largest),
                                        "low_freq_factor", 1.0, "high_freq_factor", 4.0,
                                        "original_max_position_embeddings",
                                        (json_int_t)positions));
    return anm_fail(r->err, ANM_ERROR_UNSUPPORTED, anm_gguf_path(r->gguf),
                    "tensor \"%s\" is not Llama 3's RoPE scaling, the only one known by its "
                    "factors", anm_gguf_rope_factors);
}

static anm_status read_factors(const rope *r, const anm_gguf_tensor *t) {
    size_t count = (size_t)(r->head_dim / 2);
    float *factors = anm_malloc(count * sizeof *factors);
    if (!factors) return anm_fail_memory(r->err);
    memcpy(factors, t->tensor.data, count * sizeof *factors);
    anm_status status = put_factors(r, factors);
    anm_free(factors);
    return status;
}

anm_status anm_gguf_config_rope(const anm_gguf *g, const anm_gguf_arch *arch, int64_t head_dim,
                                json_t *config, anm_error *err) {
    rope r = {.gguf = g, .arch = arch, .head_dim = head_dim, .config = config, .err = err};
    ANM_TRY(get_number(&r, "rope.freq_base", 10000, &r.theta));
    if (json_object_set_new(config, "rope_theta", json_real(r.theta)) != 0)
        return anm_fail_memory(err);
    const anm_gguf_tensor *t = anm_gguf_tensor_find(g, anm_gguf_rope_factors);
    if (!t) return put_typed(&r);
    if (t->tensor.dtype != ANM_DTYPE_FP32 || t->tensor.rank != 1 ||
        t->tensor.shape[0] != head_dim / 2)
        return anm_fail_at(err, ANM_ERROR_FORMAT, t->path, t->info,
                           "tensor \"%s\" is not of type F32 and shape [%d]",
                           anm_gguf_rope_factors, (int)(head_dim / 2));
    return read_factors(&r, t);
}
