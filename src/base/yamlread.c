/* SPDX-License-Identifier: MIT */
#include "src/base/yamlread.h"

#include <string.h>
#include <yaml.h>

#include "src/base/alloc.h"

struct anm_yaml {
    yaml_document_t doc;
};

static anm_status load(anm_yaml *y, const char *text, size_t size, const char *where,
                       anm_error *err) {
    yaml_parser_t parser;
    anm_status status = ANM_OK;
    if (!yaml_parser_initialize(&parser)) return anm_fail_memory(err);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    if (!yaml_parser_load(&parser, &y->doc))
        status = anm_fail_at(err, ANM_ERROR_FORMAT, where, parser.problem_offset,
                             "invalid YAML in line %zu: %s", parser.problem_mark.line + 1,
                             parser.problem ? parser.problem : "unreadable");
    yaml_parser_delete(&parser);
    return status;
}

anm_status anm_yaml_parse(const char *text, size_t size, const char *where, anm_yaml **out,
                          anm_error *err) {
    *out = NULL;
    anm_yaml *y = anm_calloc(1, sizeof *y);
    if (!y) return anm_fail_memory(err);
    anm_status status = load(y, text, size, where, err);
    if (status == ANM_OK) *out = y;
    else anm_free(y);
    return status;
}

void anm_yaml_free(anm_yaml *y) {
    if (!y) return;
    yaml_document_delete(&y->doc);
    anm_free(y);
}

static yaml_node_t *member(yaml_document_t *doc, const yaml_node_t *map, const char *key,
                           size_t length) {
    if (!map || map->type != YAML_MAPPING_NODE) return NULL;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        yaml_node_t *k = yaml_document_get_node(doc, p->key);
        if (k && k->type == YAML_SCALAR_NODE && k->data.scalar.length == length &&
            memcmp(k->data.scalar.value, key, length) == 0)
            return yaml_document_get_node(doc, p->value);
    }
    return NULL;
}

static const yaml_node_t *find(const anm_yaml *y, const char *path) {
    yaml_document_t *doc = (yaml_document_t *)&y->doc; /* libyaml's readers take no const */
    const yaml_node_t *node = yaml_document_get_root_node(doc);
    while (node && *path) {
        size_t length = strcspn(path, "/");
        node = member(doc, node, path, length);
        path += length + (path[length] == '/');
    }
    return node;
}

const char *anm_yaml_scalar(const anm_yaml *y, const char *path) {
    const yaml_node_t *node = find(y, path);
    return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

bool anm_yaml_has(const anm_yaml *y, const char *path) {
    return find(y, path) != NULL;
}
