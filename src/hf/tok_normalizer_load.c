/* SPDX-License-Identifier: MIT */
/* The normalizer from JSON. */
#include "src/hf/tok_component.h"
#include "src/hf/tok_normalizer.h"

static const char supported[] =
    "NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace, Prepend, BertNormalizer, "
    "ByteLevel and Sequence";

typedef struct loader {
    anm_arena *arena;
    const char *where;
    anm_normalizer *out;
    int depth;
} loader;

/* The step is released with the normalizer once it was pushed. */
static anm_status push(loader *l, anm_norm_step step, anm_error *err) {
    if (l->out->steps.len == ANM_COMPONENT_PARTS)
        return anm_fail(err, ANM_ERROR_LIMIT, l->where, "more than %d normalizers",
                        ANM_COMPONENT_PARTS);
    return anm_vec_push(&l->out->steps, step) ? ANM_OK : anm_fail_memory(err);
}

static anm_status push_kind(loader *l, anm_norm_kind kind, anm_error *err) {
    return push(l, (anm_norm_step){.kind = kind}, err);
}

static anm_status load_strip(loader *l, const json_t *value, anm_error *err) {
    anm_norm_step step = {.kind = ANM_NORM_STRIP};
    ANM_TRY(anm_json_get_bool(value, "strip_left", true, &step.left, l->where, err));
    ANM_TRY(anm_json_get_bool(value, "strip_right", true, &step.right, l->where, err));
    return push(l, step, err);
}

static anm_status load_replace(loader *l, const json_t *value, anm_error *err) {
    anm_norm_step step = {.kind = ANM_NORM_REPLACE};
    ANM_TRY(anm_component_text(value, "content", NULL, l->arena, l->where, &step.content, err));
    ANM_TRY(anm_pattern_load(json_object_get(value, "pattern"), l->arena, l->where, &step.pattern,
                             err));
    anm_status status = push(l, step, err);
    if (status != ANM_OK) anm_pattern_free(&step.pattern);
    return status;
}

static anm_status load_prepend(loader *l, const json_t *value, anm_error *err) {
    anm_norm_step step = {.kind = ANM_NORM_PREPEND};
    ANM_TRY(anm_component_text(value, "prepend", NULL, l->arena, l->where, &step.content, err));
    return push(l, step, err);
}

/* Accents are stripped along with lowercasing unless the file says otherwise. */
static anm_status load_bert(loader *l, const json_t *value, anm_error *err) {
    bool clean, chinese, lower, accents;
    ANM_TRY(anm_json_get_bool(value, "clean_text", true, &clean, l->where, err));
    ANM_TRY(anm_json_get_bool(value, "handle_chinese_chars", true, &chinese, l->where, err));
    ANM_TRY(anm_json_get_bool(value, "lowercase", true, &lower, l->where, err));
    ANM_TRY(anm_json_get_bool(value, "strip_accents", lower, &accents, l->where, err));
    if (clean) ANM_TRY(push_kind(l, ANM_NORM_BERT_CLEAN, err));
    if (chinese) ANM_TRY(push_kind(l, ANM_NORM_BERT_CHINESE, err));
    if (accents) ANM_TRY(push_kind(l, ANM_NORM_BERT_ACCENTS, err));
    return lower ? push_kind(l, ANM_NORM_LOWERCASE, err) : ANM_OK;
}

static anm_status load_one(loader *l, const json_t *value, anm_error *err);

static anm_status load_sequence(loader *l, const json_t *value, anm_error *err) {
    const json_t *parts, *part;
    size_t i;
    if (++l->depth > ANM_COMPONENT_DEPTH)
        return anm_fail(err, ANM_ERROR_LIMIT, l->where, "sequences nested too deeply");
    ANM_TRY(anm_component_array(value, "normalizers", l->where, &parts, err));
    json_array_foreach(parts, i, part) ANM_TRY(load_one(l, part, err));
    l->depth--;
    return ANM_OK;
}

static anm_status load_one(loader *l, const json_t *value, anm_error *err) {
    static const char *const forms[] = {"NFC", "NFD", "NFKC", "NFKD"};
    const char *type;
    ANM_TRY(anm_component_type(value, l->where, &type, err));
    for (int i = 0; i < 4; i++)
        if (!strcmp(type, forms[i]))
            return push(l, (anm_norm_step){.kind = ANM_NORM_FORM, .form = (anm_unicode_form)i},
                        err);
    if (!strcmp(type, "Lowercase")) return push_kind(l, ANM_NORM_LOWERCASE, err);
    if (!strcmp(type, "Strip")) return load_strip(l, value, err);
    if (!strcmp(type, "StripAccents")) return push_kind(l, ANM_NORM_STRIP_ACCENTS, err);
    if (!strcmp(type, "Replace")) return load_replace(l, value, err);
    if (!strcmp(type, "Prepend")) return load_prepend(l, value, err);
    if (!strcmp(type, "BertNormalizer")) return load_bert(l, value, err);
    if (!strcmp(type, "ByteLevel")) return push_kind(l, ANM_NORM_BYTE_LEVEL, err);
    if (!strcmp(type, "Sequence")) return load_sequence(l, value, err);
    return anm_component_unsupported("normalizer", type, supported, l->where, err);
}

anm_status anm_normalizer_load(const json_t *value, anm_arena *arena, const char *where,
                               anm_normalizer *out, anm_error *err) {
    loader l = {arena, where, out, 0};
    *out = (anm_normalizer){0};
    return !value || json_is_null(value) ? ANM_OK : load_one(&l, value, err);
}
