/* SPDX-License-Identifier: MIT */
/* The pre-tokenizer from JSON. */
#include "src/hf/tok_component.h"
#include "src/hf/tok_pretok.h"

static const char supported[] =
    "ByteLevel, Split, Metaspace, Digits, Punctuation, Whitespace, WhitespaceSplit, "
    "BertPreTokenizer, CharDelimiterSplit and Sequence";

/* How GPT-2 cuts a text: contractions, words, numbers, other signs, white space. */
static const char gpt2_pattern[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

typedef struct loader {
    anm_arena *arena;
    const char *where;
    anm_pretok *out;
    int depth;
} loader;

/* Owns the step's pattern from here on, whatever happens. */
static anm_status push(loader *l, anm_pretok_step step, anm_error *err) {
    anm_status status = ANM_OK;
    if (l->out->steps.len == ANM_COMPONENT_PARTS) {
        status = anm_fail(err, ANM_ERROR_LIMIT, l->where, "more than %d pre-tokenizers",
                          ANM_COMPONENT_PARTS);
    } else if (!anm_vec_push(&l->out->steps, step)) {
        status = anm_fail_memory(err);
    }
    if (status != ANM_OK) anm_pattern_free(&step.pattern);
    return status;
}

static anm_status push_kind(loader *l, anm_pretok_kind kind, anm_error *err) {
    return push(l, (anm_pretok_step){.kind = kind}, err);
}

static anm_status load_split(loader *l, const json_t *value, anm_error *err) {
    anm_pretok_step step = {.kind = ANM_PRETOK_SPLIT};
    ANM_TRY(anm_json_get_bool(value, "invert", false, &step.invert, l->where, err));
    ANM_TRY(anm_split_behavior_load(json_object_get(value, "behavior"), ANM_SPLIT_ISOLATED,
                                    l->where, &step.behavior, err));
    ANM_TRY(anm_pattern_load(json_object_get(value, "pattern"), l->arena, l->where, &step.pattern,
                             err));
    return push(l, step, err);
}

static anm_status load_delimiter(loader *l, const json_t *value, anm_error *err) {
    anm_pretok_step step = {.kind = ANM_PRETOK_SPLIT, .behavior = ANM_SPLIT_REMOVED};
    ANM_TRY(anm_component_char(value, "delimiter", NULL, l->arena, l->where,
                               &step.pattern.literal, err));
    return push(l, step, err);
}

static anm_status load_byte_level(loader *l, const json_t *value, anm_error *err) {
    anm_pretok_step step = {.kind = ANM_PRETOK_BYTE_LEVEL};
    bool use_regex;
    ANM_TRY(anm_json_get_bool(value, "add_prefix_space", true, &step.prefix_space, l->where, err));
    ANM_TRY(anm_json_get_bool(value, "use_regex", true, &use_regex, l->where, err));
    if (use_regex)
        ANM_TRY(anm_regex_compile(anm_sv_from(gpt2_pattern), l->where, &step.pattern.regex, err));
    return push(l, step, err);
}

static anm_status load_scheme(loader *l, const json_t *value, anm_prepend_scheme *out,
                              anm_error *err) {
    static const char *const names[] = {"always", "first", "never"};
    const char *name;
    bool prefix;
    ANM_TRY(anm_json_get_bool(value, "add_prefix_space", true, &prefix, l->where, err));
    ANM_TRY(anm_json_get_string(value, "prepend_scheme", prefix ? "always" : "never", &name,
                                l->where, err));
    for (int i = 0; i < 3; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *out = (anm_prepend_scheme)i;
        if (prefix || *out == ANM_PREPEND_NEVER) return ANM_OK;
        return anm_fail(err, ANM_ERROR_FORMAT, l->where,
                        "Metaspace: \"add_prefix_space\" is false but \"prepend_scheme\" is \"%s\"",
                        name);
    }
    return anm_fail(err, ANM_ERROR_FORMAT, l->where,
                    "Metaspace: \"prepend_scheme\" must be always, first or never");
}

static anm_status load_metaspace(loader *l, const json_t *value, anm_error *err) {
    anm_pretok_step step = {.kind = ANM_PRETOK_METASPACE};
    ANM_TRY(anm_component_char(value, "replacement", "\xE2\x96\x81", l->arena, l->where,
                               &step.replacement, err));
    ANM_TRY(load_scheme(l, value, &step.prepend, err));
    ANM_TRY(anm_json_get_bool(value, "split", true, &step.split, l->where, err));
    return push(l, step, err);
}

static anm_status load_digits(loader *l, const json_t *value, anm_error *err) {
    bool individual;
    ANM_TRY(anm_json_get_bool(value, "individual_digits", false, &individual, l->where, err));
    return push(l,
                (anm_pretok_step){.kind = ANM_PRETOK_DIGITS,
                                  .behavior = individual ? ANM_SPLIT_ISOLATED
                                                         : ANM_SPLIT_CONTIGUOUS},
                err);
}

static anm_status load_punctuation(loader *l, const json_t *value, anm_error *err) {
    anm_pretok_step step = {.kind = ANM_PRETOK_PUNCTUATION};
    ANM_TRY(anm_split_behavior_load(json_object_get(value, "behavior"), ANM_SPLIT_ISOLATED,
                                    l->where, &step.behavior, err));
    return push(l, step, err);
}

/* White space is dropped, each punctuation sign stands alone. */
static anm_status load_bert(loader *l, anm_error *err) {
    ANM_TRY(push_kind(l, ANM_PRETOK_SPACES, err));
    return push(l,
                (anm_pretok_step){.kind = ANM_PRETOK_PUNCTUATION, .behavior = ANM_SPLIT_ISOLATED},
                err);
}

static anm_status load_one(loader *l, const json_t *value, anm_error *err);

static anm_status load_sequence(loader *l, const json_t *value, anm_error *err) {
    const json_t *parts, *part;
    size_t i;
    if (++l->depth > ANM_COMPONENT_DEPTH)
        return anm_fail(err, ANM_ERROR_LIMIT, l->where, "sequences nested too deeply");
    ANM_TRY(anm_component_array(value, "pretokenizers", l->where, &parts, err));
    json_array_foreach(parts, i, part) ANM_TRY(load_one(l, part, err));
    l->depth--;
    return ANM_OK;
}

static anm_status load_one(loader *l, const json_t *value, anm_error *err) {
    const char *type;
    ANM_TRY(anm_component_type(value, l->where, &type, err));
    if (!strcmp(type, "ByteLevel")) return load_byte_level(l, value, err);
    if (!strcmp(type, "Split")) return load_split(l, value, err);
    if (!strcmp(type, "Metaspace")) return load_metaspace(l, value, err);
    if (!strcmp(type, "Digits")) return load_digits(l, value, err);
    if (!strcmp(type, "Punctuation")) return load_punctuation(l, value, err);
    if (!strcmp(type, "Whitespace")) return push_kind(l, ANM_PRETOK_WORDS, err);
    if (!strcmp(type, "WhitespaceSplit")) return push_kind(l, ANM_PRETOK_SPACES, err);
    if (!strcmp(type, "BertPreTokenizer")) return load_bert(l, err);
    if (!strcmp(type, "CharDelimiterSplit")) return load_delimiter(l, value, err);
    if (!strcmp(type, "Sequence")) return load_sequence(l, value, err);
    return anm_component_unsupported("pre-tokenizer", type, supported, l->where, err);
}

/*
 * When the byte alphabet is the last thing to happen, writing it and reading it back in the model
 * would be for nothing: the pieces stay bytes. (Twice in a row it must happen once for real.)
 */
static void keep_last_bytes_raw(anm_pretok *p) {
    anm_pretok_step *last = p->steps.len ? &p->steps.data[p->steps.len - 1] : NULL;
    p->raw_bytes = last && last->kind == ANM_PRETOK_BYTE_LEVEL;
    if (p->raw_bytes) last->raw = true;
}

void anm_pretok_write_alphabet(anm_pretok *p) {
    if (p->raw_bytes) p->steps.data[p->steps.len - 1].raw = false;
    p->raw_bytes = false;
}

anm_status anm_pretok_load(const json_t *value, anm_arena *arena, const char *where,
                           anm_pretok *out, anm_error *err) {
    loader l = {arena, where, out, 0};
    *out = (anm_pretok){0};
    if (value && !json_is_null(value)) ANM_TRY(load_one(&l, value, err));
    keep_last_bytes_raw(out);
    return ANM_OK;
}
