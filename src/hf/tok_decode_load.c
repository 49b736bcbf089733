/* SPDX-License-Identifier: MIT */
/* The decoder from JSON. */
#include "src/hf/tok_component.h"
#include "src/hf/tok_decode.h"

static const char supported[] =
    "ByteLevel, Metaspace, WordPiece, BPEDecoder, ByteFallback, Fuse, Strip, Replace and Sequence";

typedef struct loader {
    anm_arena *arena;
    const char *where;
    anm_decode_chain *out;
    int depth;
} loader;

/* Owns the pattern from here on, whatever happens. */
static anm_status push(loader *l, anm_decode_spec spec, anm_error *err) {
    anm_status status = ANM_OK;
    if (l->out->specs.len == ANM_COMPONENT_PARTS) {
        status = anm_fail(err, ANM_ERROR_LIMIT, l->where, "more than %d decoders",
                          ANM_COMPONENT_PARTS);
    } else if (!anm_vec_push(&l->out->specs, spec)) {
        status = anm_fail_memory(err);
    }
    if (status != ANM_OK) anm_pattern_free(&spec.pattern);
    return status;
}

static anm_status push_kind(loader *l, anm_decode_kind kind, anm_error *err) {
    return push(l, (anm_decode_spec){.kind = kind}, err);
}

static anm_status load_metaspace(loader *l, const json_t *value, anm_error *err) {
    anm_decode_spec spec = {.kind = ANM_DECODE_METASPACE};
    const char *scheme;
    bool prefix;
    ANM_TRY(anm_component_char(value, "replacement", "\xE2\x96\x81", l->arena, l->where,
                               &spec.text, err));
    ANM_TRY(anm_json_get_bool(value, "add_prefix_space", true, &prefix, l->where, err));
    ANM_TRY(anm_json_get_string(value, "prepend_scheme", prefix ? "always" : "never", &scheme,
                                l->where, err));
    spec.drop_first = strcmp(scheme, "never") != 0;
    return push(l, spec, err);
}

static anm_status load_wordpiece(loader *l, const json_t *value, anm_error *err) {
    anm_decode_spec spec = {.kind = ANM_DECODE_WORDPIECE};
    ANM_TRY(anm_component_text(value, "prefix", "##", l->arena, l->where, &spec.text, err));
    ANM_TRY(anm_json_get_bool(value, "cleanup", true, &spec.cleanup, l->where, err));
    return push(l, spec, err);
}

static anm_status load_bpe(loader *l, const json_t *value, anm_error *err) {
    anm_decode_spec spec = {.kind = ANM_DECODE_BPE};
    ANM_TRY(anm_component_text(value, "suffix", "</w>", l->arena, l->where, &spec.text, err));
    return push(l, spec, err);
}

static anm_status load_strip(loader *l, const json_t *value, anm_error *err) {
    anm_decode_spec spec = {.kind = ANM_DECODE_STRIP};
    int64_t start, stop;
    ANM_TRY(anm_component_char(value, "content", NULL, l->arena, l->where, &spec.text, err));
    ANM_TRY(anm_json_get_int(value, "start", 0, &start, l->where, err));
    ANM_TRY(anm_json_get_int(value, "stop", 0, &stop, l->where, err));
    if (start < 0 || stop < 0 || start > INT32_MAX || stop > INT32_MAX)
        return anm_fail(err, ANM_ERROR_FORMAT, l->where, "Strip: \"start\" or \"stop\" is bad");
    spec.start = (size_t)start;
    spec.stop = (size_t)stop;
    return push(l, spec, err);
}

static anm_status load_replace(loader *l, const json_t *value, anm_error *err) {
    anm_decode_spec spec = {.kind = ANM_DECODE_REPLACE};
    ANM_TRY(anm_component_text(value, "content", NULL, l->arena, l->where, &spec.text, err));
    ANM_TRY(anm_pattern_load(json_object_get(value, "pattern"), l->arena, l->where, &spec.pattern,
                             err));
    return push(l, spec, err);
}

static anm_status load_one(loader *l, const json_t *value, anm_error *err);

static anm_status load_sequence(loader *l, const json_t *value, anm_error *err) {
    const json_t *parts, *part;
    size_t i;
    if (++l->depth > ANM_COMPONENT_DEPTH)
        return anm_fail(err, ANM_ERROR_LIMIT, l->where, "sequences nested too deeply");
    ANM_TRY(anm_component_array(value, "decoders", l->where, &parts, err));
    json_array_foreach(parts, i, part) ANM_TRY(load_one(l, part, err));
    l->depth--;
    return ANM_OK;
}

static anm_status load_one(loader *l, const json_t *value, anm_error *err) {
    const char *type;
    ANM_TRY(anm_component_type(value, l->where, &type, err));
    if (!strcmp(type, "ByteLevel")) return push_kind(l, ANM_DECODE_BYTE_LEVEL, err);
    if (!strcmp(type, "Metaspace")) return load_metaspace(l, value, err);
    if (!strcmp(type, "WordPiece")) return load_wordpiece(l, value, err);
    if (!strcmp(type, "BPEDecoder")) return load_bpe(l, value, err);
    if (!strcmp(type, "ByteFallback")) return push_kind(l, ANM_DECODE_BYTE_FALLBACK, err);
    if (!strcmp(type, "Fuse")) return push_kind(l, ANM_DECODE_FUSE, err);
    if (!strcmp(type, "Strip")) return load_strip(l, value, err);
    if (!strcmp(type, "Replace")) return load_replace(l, value, err);
    if (!strcmp(type, "Sequence")) return load_sequence(l, value, err);
    return anm_component_unsupported("decoder", type, supported, l->where, err);
}

anm_status anm_decode_load(const json_t *value, anm_arena *arena, const char *where,
                           anm_decode_chain *out, anm_error *err) {
    loader l = {arena, where, out, 0};
    *out = (anm_decode_chain){0};
    if (!value || json_is_null(value)) return push_kind(&l, ANM_DECODE_JOIN, err);
    return load_one(&l, value, err);
}
