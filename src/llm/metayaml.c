/* SPDX-License-Identifier: MIT */
/*
 * meta.yaml as ANEMLL writes it. The model's name is taken from it, which packages are meant, and
 * how the LM head divides the vocabulary, which packages need not say: context and batch are read
 * off the packages, where they cannot be out of date.
 */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "src/base/file.h"
#include "src/base/str.h"
#include "src/llm/llm.h"

enum { META_LIMIT = 1 << 20 };

static yaml_node_t *member(yaml_document_t *doc, yaml_node_t *map, const char *key) {
    if (!map || map->type != YAML_MAPPING_NODE) return NULL;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        yaml_node_t *k = yaml_document_get_node(doc, p->key);
        if (k && k->type == YAML_SCALAR_NODE &&
            strcmp((const char *)k->data.scalar.value, key) == 0)
            return yaml_document_get_node(doc, p->value);
    }
    return NULL;
}

static anm_status take_name(anm_llm *llm, yaml_document_t *doc, anm_error *err) {
    yaml_node_t *info = member(doc, yaml_document_get_root_node(doc), "model_info");
    yaml_node_t *name = member(doc, info, "name");
    if (!name || name->type != YAML_SCALAR_NODE) return ANM_OK;
    llm->name = anm_arena_strdup(llm->arena, (const char *)name->data.scalar.value);
    return llm->name ? ANM_OK : anm_fail_memory(err);
}

/* A list of scalars as text: "1,2,3". */
static anm_status join(anm_llm *llm, yaml_document_t *doc, yaml_node_t *list, const char **out,
                       anm_error *err) {
    anm_strbuf text = {0};
    if (!list || list->type != YAML_SEQUENCE_NODE) return ANM_OK;
    for (yaml_node_item_t *i = list->data.sequence.items.start;
         i < list->data.sequence.items.top; i++) {
        yaml_node_t *item = yaml_document_get_node(doc, *i);
        bool scalar = item && item->type == YAML_SCALAR_NODE;
        anm_strbuf_printf(&text, "%s%s", text.len ? "," : "",
                          scalar ? (const char *)item->data.scalar.value : "?");
    }
    *out = text.failed ? NULL : anm_arena_strdup(llm->arena, anm_strbuf_cstr(&text));
    anm_strbuf_free(&text);
    return *out ? ANM_OK : anm_fail_memory(err);
}

static anm_status take_text(anm_llm *llm, yaml_document_t *doc, yaml_node_t *map, const char *key,
                            const char **out, anm_error *err) {
    yaml_node_t *node = member(doc, map, key);
    if (!node || node->type != YAML_SCALAR_NODE) return ANM_OK;
    *out = anm_arena_strdup(llm->arena, (const char *)node->data.scalar.value);
    return *out ? ANM_OK : anm_fail_memory(err);
}

static anm_status take_files(anm_llm *llm, yaml_document_t *doc, anm_error *err) {
    anm_llm_meta *meta = &llm->meta;
    yaml_node_t *info = member(doc, yaml_document_get_root_node(doc), "model_info");
    yaml_node_t *parameters = member(doc, info, "parameters");
    const char *chunks = NULL;
    ANM_TRY(take_text(llm, doc, parameters, "embeddings", &meta->embeddings, err));
    ANM_TRY(take_text(llm, doc, parameters, "lm_head", &meta->head, err));
    ANM_TRY(take_text(llm, doc, parameters, "ffn", &meta->ffn, err));
    ANM_TRY(take_text(llm, doc, parameters, "monolithic_model", &meta->whole, err));
    ANM_TRY(take_text(llm, doc, parameters, "num_chunks", &chunks, err));
    meta->chunks = chunks ? (size_t)strtoull(chunks, NULL, 10) : 0;
    return ANM_OK;
}

static anm_status take_head(anm_llm *llm, yaml_document_t *doc, anm_error *err) {
    yaml_node_t *info = member(doc, yaml_document_get_root_node(doc), "model_info");
    yaml_node_t *parameters = member(doc, info, "parameters");
    yaml_node_t *vocab = member(doc, parameters, "vocab_size");
    if (vocab && vocab->type == YAML_SCALAR_NODE)
        llm->meta.vocab_size = strtoll((const char *)vocab->data.scalar.value, NULL, 10);
    return join(llm, doc, member(doc, parameters, "lm_head_chunk_sizes"), &llm->meta.chunk_sizes,
                err);
}

static anm_status parse(anm_llm *llm, const char *path, const char *text, size_t size,
                        anm_error *err) {
    yaml_parser_t parser;
    yaml_document_t doc;
    if (!yaml_parser_initialize(&parser)) return anm_fail_memory(err);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    anm_status status;
    if (yaml_parser_load(&parser, &doc)) {
        status = take_name(llm, &doc, err);
        if (status == ANM_OK) status = take_files(llm, &doc, err);
        if (status == ANM_OK) status = take_head(llm, &doc, err);
        yaml_document_delete(&doc);
    } else {
        status = anm_fail_at(err, ANM_ERROR_FORMAT, path, parser.problem_offset,
                             "invalid YAML in line %zu: %s", parser.problem_mark.line + 1,
                             parser.problem ? parser.problem : "unreadable");
    }
    yaml_parser_delete(&parser);
    return status;
}

anm_status anm_llm_read_meta(anm_llm *llm, anm_error *err) {
    const char *path = anm_path_join(llm->arena, llm->dir, "meta.yaml");
    char *text;
    size_t size;
    llm->name = anm_path_base(llm->arena, llm->dir);
    if (!path || !llm->name) return anm_fail_memory(err);
    if (!anm_path_exists(path)) return ANM_OK;
    ANM_TRY(anm_file_read(llm->arena, path, META_LIMIT, &text, &size, err));
    return parse(llm, path, text, size, err);
}
