/* SPDX-License-Identifier: MIT */
/* Copies of small files, and meta.yaml. */
#include "src/convert/sidecar.h"

#include <string.h>

#include "src/base/file.h"
#include "src/convert/part.h"
#include "src/hf/gguf_sidecar.h"

const char *const anm_sidecar_files[] = {
    "config.json",       "generation_config.json", "tokenizer.json",
    "tokenizer.model",   "tokenizer_config.json",  "special_tokens_map.json",
    "added_tokens.json", "chat_template.jinja",    "vocab.json",
    "merges.txt",        NULL,
};

anm_status anm_sidecar_copy(anm_job *job, anm_error *err) {
    const anm_gguf *gguf = anm_checkpoint_gguf(job->checkpoint);
    bool tokenizer = false;
    if (gguf) ANM_TRY(anm_gguf_write_sidecars(gguf, job->out_dir, &tokenizer, err));
    for (const char *const *name = anm_sidecar_files; !gguf && *name; name++) {
        const char *from = anm_path_join(job->arena, job->model_dir, *name);
        const char *to = anm_path_join(job->arena, job->out_dir, *name);
        if (!from || !to) return anm_fail_memory(err);
        if (!anm_path_exists(from)) continue;
        ANM_TRY(anm_file_copy(from, to, err));
        tokenizer |= anm_str_starts(*name, "tokenizer.");
    }
    if (tokenizer) return ANM_OK;
    return anm_report_warn(job->report, err, "%s has no %s", job->model_dir,
                           gguf ? "tokenizer" : "tokenizer.json and no tokenizer.model");
}

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
    anm_strbuf_printf(out, "-ctx%lld%s", (long long)r->context, quote ? "\"" : "");
}

static void put_model(anm_strbuf *out, const anm_recipe *r, int64_t chunks) {
    anm_strbuf_puts(out, "model_info:\n  name: ");
    put_name(out, r);
    /* The version is that of the form, by which ANEMLL's runners choose their protocol. */
    anm_strbuf_printf(out,
                      "\n"
                      "  version: 0.3.4\n"
                      "  description: |\n"
                      "    %s, converted with anemone " ANM_VERSION "\n"
                      "    Context length: %lld\n"
                      "    Batch size: %lld\n"
                      "    Chunks: %lld\n"
                      "  license: that of the original model\n"
                      "  author: anemone\n"
                      "  framework: Core ML\n"
                      "  language: C\n"
                      "  architecture: %s\n",
                      r->name, (long long)r->context, (long long)r->batch, (long long)chunks,
                      r->config.model_type);
}

static void put_bits(anm_strbuf *out, const char *key, const anm_convert_lut *lut) {
    if (lut->bits) anm_strbuf_printf(out, "    %s: %d\n", key, lut->bits);
    else anm_strbuf_printf(out, "    %s: none\n", key);
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

/* Compiled names, as ANEMLL writes them: its Swift runner opens exactly these, its Python runner
 * derives names from the prefix and takes either kind. */
static void put_parameters(anm_strbuf *out, const anm_recipe *r, const anm_plan *plan) {
    anm_strbuf_printf(out,
                      "  parameters:\n"
                      "    context_length: %lld\n"
                      "    batch_size: %lld\n",
                      (long long)r->context, (long long)r->batch);
    put_bits(out, "lut_embeddings", &r->lut_embeddings);
    put_bits(out, "lut_ffn", &r->lut_ffn);
    put_bits(out, "lut_lmhead", &r->lut_head);
    anm_strbuf_printf(out, "    num_chunks: %lld\n    model_prefix: %s\n",
                      (long long)plan->chunks, r->prefix);
    put_file(out, plan, "embeddings", &anm_part_embeddings);
    put_file(out, plan, "lm_head", &anm_part_head);
    put_file(out, plan, "ffn", &anm_part_decoder);
    anm_strbuf_printf(out, "    split_lm_head: %lld\n", (long long)r->splits);
    /* From this position on ANEMLL's runners call the functions *_rotate; prefill writes where
     * current_pos says. */
    if (r->local_layers)
        anm_strbuf_printf(out, "    sliding_window: %lld\n    prefill_dynamic_slice: true\n",
                          (long long)r->window);
}

anm_status anm_sidecar_meta(anm_job *job, anm_error *err) {
    anm_strbuf text = {0};
    const char *path = anm_path_join(job->arena, job->out_dir, ANM_META_FILE);
    put_model(&text, &job->recipe, job->plan.chunks);
    put_parameters(&text, &job->recipe, &job->plan);
    anm_status status = path && !text.failed ? anm_file_write(path, text.data, text.len, err)
                                             : anm_fail_memory(err);
    anm_strbuf_free(&text);
    return status;
}
