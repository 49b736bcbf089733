/* SPDX-License-Identifier: MIT */
/*
 * The model card: README.md with the front matter of the hub. It states what was read off the
 * files or measured, and nothing else; the licence is passed on from the source.
 */
#include <stdio.h>

#include "src/base/file.h"
#include "src/publish/publish_internal.h"

enum { TEXT_LIMIT = 4 << 20 };

static const char *meta(const anm_publish_job *job, const char *key) {
    char path[64];
    snprintf(path, sizeof path, "model_info/%s", key);
    const char *text = anm_yaml_scalar(job->meta, path);
    return text ? text : "";
}

/* A file of the converted model or of its source; *text is NULL if there is none. */
static anm_status read_either(anm_publish_job *job, const char *name, char **text, size_t *size) {
    const char *const dirs[] = {job->options->source, job->dir};
    *text = NULL;
    for (int i = 0; i < 2 && !*text; i++) {
        const char *path = dirs[i] ? anm_path_join(job->arena, dirs[i], name) : "";
        if (!path) return anm_fail_memory(job->err);
        if (*path && anm_path_exists(path))
            ANM_TRY(anm_file_read(job->arena, path, TEXT_LIMIT, text, size, job->err));
    }
    return ANM_OK;
}

/* ---- licence ---- */

typedef struct licence {
    char id[96], name[96], link[256]; /* "" if not told */
    bool file;                        /* LICENSE goes along */
} licence;

static void take(const anm_yaml *y, const char *key, char *out, size_t size) {
    const char *text = anm_yaml_scalar(y, key);
    if (text && strlen(text) < size && !strpbrk(text, "\n\"")) snprintf(out, size, "%s", text);
}

/* Front matter that is no YAML tells nothing: it is somebody else's text. */
static void read_front_matter(const char *text, licence *out) {
    const char *end = anm_str_starts(text, "---\n") ? strstr(text + 4, "\n---") : NULL;
    anm_yaml *y;
    if (!end || anm_yaml_parse(text + 4, (size_t)(end - text - 4), "README.md", &y, NULL) != ANM_OK)
        return;
    take(y, "license", out->id, sizeof out->id);
    take(y, "license_name", out->name, sizeof out->name);
    take(y, "license_link", out->link, sizeof out->link);
    anm_yaml_free(y);
}

static anm_status find_licence(anm_publish_job *job, licence *out) {
    static const char *const files[] = {"LICENSE", "LICENSE.txt", "LICENSE.md"};
    char *text;
    size_t size;
    ANM_TRY(read_either(job, "README.md", &text, &size));
    if (text) read_front_matter(text, out);
    for (int i = 0; i < 3 && !out->file; i++) {
        const char *to = anm_path_join(job->arena, job->out, files[i]);
        if (!to) return anm_fail_memory(job->err);
        ANM_TRY(read_either(job, files[i], &text, &size));
        out->file = text != NULL;
        if (text) ANM_TRY(anm_file_write(to, text, size, job->err));
    }
    return ANM_OK;
}

/* ---- the text ---- */

static void put_front_matter(anm_strbuf *out, const anm_publish_job *job, const licence *l) {
    anm_strbuf_puts(out, "---\n");
    if (*l->id) anm_strbuf_printf(out, "license: \"%s\"\n", l->id);
    else if (l->file) anm_strbuf_puts(out, "license: other\nlicense_link: LICENSE\n");
    if (*l->name) anm_strbuf_printf(out, "license_name: \"%s\"\n", l->name);
    if (*l->link) anm_strbuf_printf(out, "license_link: \"%s\"\n", l->link);
    if (job->options->base_model)
        anm_strbuf_printf(out, "base_model: %s\n", job->options->base_model);
    anm_strbuf_puts(out, "library_name: coreml\npipeline_tag: text-generation\n"
                         "tags:\n- coreml\n- anemll\n- apple-neural-engine\n---\n\n");
}

static void put_size(anm_strbuf *out, uint64_t bytes) {
    if (bytes < 1000000) anm_strbuf_printf(out, "%.0f kB", (double)bytes / 1e3);
    else if (bytes < 1000000000) anm_strbuf_printf(out, "%.1f MB", (double)bytes / 1e6);
    else anm_strbuf_printf(out, "%.2f GB", (double)bytes / 1e9);
}

static void put_bits(anm_strbuf *out, const anm_publish_job *job, const char *what,
                     const char *key) {
    const char *bits = meta(job, key);
    if (!*bits) return;
    if (strcmp(bits, "none") == 0) anm_strbuf_printf(out, "| %s | fp16 |\n", what);
    else anm_strbuf_printf(out, "| %s | %s bits a weight, palettized |\n", what, bits);
}

static void put_fact(anm_strbuf *out, const anm_publish_job *job, const char *what,
                     const char *key) {
    const char *text = meta(job, key);
    if (*text) anm_strbuf_printf(out, "| %s | %s |\n", what, text);
}

static void put_facts(anm_strbuf *out, const anm_publish_job *job) {
    anm_strbuf_puts(out, "| | |\n| --- | --- |\n");
    if (job->options->base_model)
        anm_strbuf_printf(out, "| converted from | [%s](https://huggingface.co/%s) |\n",
                          job->options->base_model, job->options->base_model);
    put_fact(out, job, "architecture", "architecture");
    put_fact(out, job, "context length", "parameters/context_length");
    put_fact(out, job, "prefill batch", "parameters/batch_size");
    put_fact(out, job, "chunks", "parameters/num_chunks");
    put_bits(out, job, "embeddings", "parameters/lut_embeddings");
    put_bits(out, job, "decoder", "parameters/lut_ffn");
    put_bits(out, job, "LM head", "parameters/lut_lmhead");
    anm_strbuf_puts(out, "| needs | iOS 18, macOS 15; or any CPU with anemone |\n\n");
}

static void put_parts(anm_strbuf *out, const anm_publish_job *job) {
    uint64_t bytes = 0, zipped = 0;
    bool zips = job->options->target == ANM_PUBLISH_HF;
    anm_strbuf_printf(out, "## Files\n\n| file | size |%s\n| --- | ---: |%s\n",
                      zips ? " unpacked |" : "", zips ? " ---: |" : "");
    for (size_t i = 0; i <= job->part_count; i++) {
        bool total = i == job->part_count;
        const anm_publish_part all = {NULL, bytes, zipped}, *p = total ? &all : &job->parts[i];
        if (total) anm_strbuf_puts(out, "| all | ");
        else anm_strbuf_printf(out, "| `%s.mlmodelc%s` | ", p->stem, zips ? ".zip" : "");
        if (zips) put_size(out, p->zipped);
        if (zips) anm_strbuf_puts(out, " | ");
        put_size(out, p->bytes);
        anm_strbuf_puts(out, " |\n");
        bytes += p->bytes;
        zipped += p->zipped;
    }
    anm_strbuf_puts(out, "\n");
}

static void put_verified(anm_strbuf *out, const anm_publish_job *job) {
    json_t *c = json_object_get(job->verified, "comparison"), *kl = json_object_get(c, "kl");
    json_t *p = json_object_get(c, "perplexity");
    const char *text = json_string_value(json_object_get(c, "text"));
    if (!c) return;
    anm_strbuf_printf(out,
                      "## Verified\n\n"
                      "`anemone verify --against` the original checkpoint, computed in fp32, over "
                      "%lld tokens of %s:\n\n| | |\n| --- | --- |\n"
                      "| KL divergence, mean | %.3g nats |\n"
                      "| KL divergence, 99 %% below | %.3g |\n"
                      "| same most likely token | %.1f %% |\n"
                      "| perplexity | %.4g, of the original %.4g |\n"
                      "| checks failed | %lld |\n\n",
                      (long long)json_integer_value(json_object_get(c, "tokens")),
                      text ? text : "text",
                      json_number_value(json_object_get(kl, "mean")),
                      json_number_value(json_object_get(kl, "p99")),
                      100 * json_number_value(json_object_get(c, "top1_agreement")),
                      json_number_value(json_object_get(p, "packages")),
                      json_number_value(json_object_get(p, "checkpoint")),
                      (long long)json_integer_value(json_object_get(job->verified, "failed")));
}

static void put_running(anm_strbuf *out, const anm_publish_job *job) {
    anm_strbuf_puts(out, "## Run\n\n");
    if (job->options->target == ANM_PUBLISH_HF)
        anm_strbuf_puts(out, "Download all files and unpack the zips where they are:\n\n"
                             "    for z in *.mlmodelc.zip; do unzip -q \"$z\"; done\n\n");
    anm_strbuf_puts(out,
                    "On any computer, with anemone:\n\n"
                    "    anemone chat .\n\n"
                    "On Apple's Neural Engine, with [ANEMLL](https://github.com/Anemll/Anemll):\n\n"
                    "    python chat.py --meta meta.yaml\n\n"
                    "or in its chat application, by this repository's name.\n");
}

static void put_licence(anm_strbuf *out, const licence *l) {
    anm_strbuf_puts(out, "\n## Licence\n\n");
    if (*l->id || l->file)
        anm_strbuf_printf(out, "That of the original model: %s%s%s.\n", *l->id ? l->id : "",
                          *l->id && l->file ? ", see " : "", l->file ? "the file LICENSE" : "");
    else anm_strbuf_puts(out, "That of the original model.\n");
}

anm_status anm_publish_card(anm_publish_job *job) {
    licence l = {0};
    anm_strbuf out = {0};
    const char *path = anm_path_join(job->arena, job->out, "README.md");
    if (!path) return anm_fail_memory(job->err);
    ANM_TRY(find_licence(job, &l));
    put_front_matter(&out, job, &l);
    anm_strbuf_printf(&out, "# %s\n\nA language model as Core ML programs in ANEMLL's form, "
                            "made by anemone " ANM_VERSION ".\n\n",
                      *meta(job, "name") ? meta(job, "name") : "Model");
    put_facts(&out, job);
    put_parts(&out, job);
    put_verified(&out, job);
    put_running(&out, job);
    put_licence(&out, &l);
    anm_status status = out.failed ? anm_fail_memory(job->err)
                                   : anm_file_write(path, out.data, out.len, job->err);
    anm_strbuf_free(&out);
    return status;
}
