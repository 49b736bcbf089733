/* SPDX-License-Identifier: MIT */
/*
 * meta.yaml, by which runners find the rest: the keys of ANEMLL 0.3.5. Names are those that the
 * packages have compiled: its Swift runner opens exactly these, its Python runner takes either
 * kind.
 */
#include "src/convert/sidecar.h"

#include <string.h>

#include "src/base/file.h"
#include "src/convert/part.h"

/* The version is that of the form, by which ANEMLL's runners choose their protocol. */
#define FORM_VERSION "0.3.5"

static bool is_plain(const char *text) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "._-+/@()";
    return text[strspn(text, plain)] == '\0';
}

/* A YAML scalar "anemll-NAME-ctxC"; quoted only if the name needs it. */
static void put_name(anm_strbuf *out, const anm_recipe *r) {
    bool quote = !is_plain(r->name);
    anm_strbuf_puts(out, quote ? "\"anemll-" : "anemll-");
    for (const char *p = r->name; *p; p++) {
        if (*p == '"' || *p == '\\') anm_strbuf_putc(out, '\\');
        anm_strbuf_putc(out, *p);
    }
    anm_strbuf_printf(out, "-ctx%lld%s%s", (long long)r->context,
                      r->monolithic ? "-monolithic" : "", quote ? "\"" : "");
}

static void put_description(anm_strbuf *out, const anm_recipe *r, int64_t chunks) {
    anm_strbuf_printf(out,
                      "  description: |\n"
                      "    %s, converted with anemone " ANM_VERSION "\n"
                      "    Context length: %lld\n"
                      "    Batch size: %lld\n",
                      r->name, (long long)r->context, (long long)r->batch);
    if (r->monolithic) anm_strbuf_puts(out, "    Type: monolithic\n");
    else anm_strbuf_printf(out, "    Chunks: %lld\n", (long long)chunks);
}

static void put_model(anm_strbuf *out, const anm_recipe *r, int64_t chunks) {
    anm_strbuf_puts(out, "model_info:\n  name: ");
    put_name(out, r);
    anm_strbuf_puts(out, "\n  version: " FORM_VERSION "\n");
    put_description(out, r, chunks);
    anm_strbuf_printf(out,
                      "  license: that of the original model\n"
                      "  author: anemone\n"
                      "  framework: Core ML\n"
                      "  language: C\n"
                      "  architecture: %s\n",
                      r->config.model_type);
    if (r->monolithic) anm_strbuf_puts(out, "  model_type: monolithic\n");
    anm_strbuf_printf(out,
                      "  parameters:\n"
                      "    context_length: %lld\n"
                      "    batch_size: %lld\n",
                      (long long)r->context, (long long)r->batch);
}

/* Bits, and the rows that share a table: 0 means all. `key`: "lut_ffn"; `group`: its other key. */
static void put_bits(anm_strbuf *out, const char *key, const char *group,
                     const anm_convert_lut *lut) {
    if (!lut->bits) {
        anm_strbuf_printf(out, "    %s: none\n", key);
        return;
    }
    long long rows = lut->group == ANM_CONVERT_PER_TENSOR ? 0 : (long long)lut->group;
    anm_strbuf_printf(out, "    %s: %d\n    %s: %lld\n", key, lut->bits, group, rows);
}

/* The package of a kind, by the name it has compiled; the first chunk, of several. */
static void put_file(anm_strbuf *out, const anm_plan *plan, const char *key,
                     const anm_part *kind) {
    for (size_t i = 0; i < plan->count; i++) {
        const anm_planned *p = &plan->parts[i];
        if (p->kind != kind) continue;
        int stem = (int)(strlen(p->file) - strlen(".mlpackage"));
        anm_strbuf_printf(out, "    %s: %.*s.mlmodelc\n", key, stem, p->file);
        return;
    }
}

static void put_parts(anm_strbuf *out, const anm_recipe *r, const anm_plan *plan) {
    put_bits(out, "lut_embeddings", "lut_embeddings_per_channel", &r->lut_embeddings);
    put_bits(out, "lut_ffn", "lut_ffn_per_channel", &r->lut_ffn);
    put_bits(out, "lut_lmhead", "lut_lmhead_per_channel", &r->lut_head);
    anm_strbuf_printf(out, "    num_chunks: %lld\n    model_prefix: %s\n",
                      (long long)plan->chunks, r->prefix);
    put_file(out, plan, "embeddings", &anm_part_embeddings);
    put_file(out, plan, "lm_head", &anm_part_head);
    put_file(out, plan, "ffn", &anm_part_decoder);
}

/* ANEMLL's monolithic packages are named for one number of bits: the decoder's. */
static void put_monolith(anm_strbuf *out, const anm_recipe *r, const anm_plan *plan) {
    put_bits(out, "lut_bits", "lut_per_channel", &r->lut_ffn);
    put_bits(out, "lut_embeddings", "lut_embeddings_per_channel", &r->lut_embeddings);
    put_bits(out, "lut_lmhead", "lut_lmhead_per_channel", &r->lut_head);
    anm_strbuf_printf(out, "    model_prefix: %s\n", r->prefix);
    put_file(out, plan, "monolithic_model", &anm_part_monolith);
}

static void put_head(anm_strbuf *out, const anm_recipe *r) {
    anm_strbuf_printf(out, "    split_lm_head: %lld\n", (long long)r->splits);
    if (r->argmax) anm_strbuf_puts(out, "    argmax_in_model: true\n");
    anm_strbuf_printf(out, "    vocab_size: %lld\n    lm_head_chunk_sizes: [",
                      (long long)r->vocab);
    for (int64_t i = 0, first; i < r->splits; i++)
        anm_strbuf_printf(out, "%s%lld", i ? ", " : "",
                          (long long)anm_recipe_split(r, i, &first));
    anm_strbuf_puts(out, "]\n");
}

/*
 * From the window on ANEMLL's runners call the functions *_rotate. Prefill writes its keys and
 * values where current_pos says: without that key they would not use it.
 */
static void put_functions(anm_strbuf *out, const anm_recipe *r) {
    bool rotates = anm_recipe_rotates(r);
    if (r->local_layers)
        anm_strbuf_printf(out, "    sliding_window: %lld\n", (long long)r->window);
    anm_strbuf_puts(out, "    prefill_dynamic_slice: true\n");
    if (!r->monolithic) return;
    anm_strbuf_printf(out, "    functions:\n      - infer\n%s      - prefill\n%s",
                      rotates ? "      - infer_rotate\n" : "",
                      rotates ? "      - prefill_rotate\n" : "");
}

anm_status anm_sidecar_meta(anm_job *job, anm_error *err) {
    anm_strbuf text = {0};
    const anm_recipe *r = &job->recipe;
    const char *path = anm_path_join(job->arena, job->out_dir, ANM_META_FILE);
    put_model(&text, r, job->plan.chunks);
    if (r->monolithic) put_monolith(&text, r, &job->plan);
    else put_parts(&text, r, &job->plan);
    put_head(&text, r);
    put_functions(&text, r);
    anm_status status = path && !text.failed ? anm_file_write(path, text.data, text.len, err)
                                             : anm_fail_memory(err);
    anm_strbuf_free(&text);
    return status;
}
