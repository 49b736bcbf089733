/* SPDX-License-Identifier: MIT */
/*
 * Post-processors. Templates for pairs of texts and offsets are not our business: what remains of
 * every kind is a list of ids before the text and one after it. In a Sequence each processor
 * puts its ids around those of the one before.
 */
#include "src/hf/tok_post.h"

#include "src/hf/tok_component.h"

static const char supported[] =
    "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel and Sequence";

void anm_post_free(anm_post *p) {
    anm_vec_free(&p->before);
    anm_vec_free(&p->after);
}

typedef struct loader {
    const char *where;
    anm_post *out;
    int depth, parts;
} loader;

static anm_status read_id(const json_t *value, const char *where, int32_t *out, anm_error *err) {
    int64_t id = json_is_integer(value) ? json_integer_value(value) : -1;
    *out = (int32_t)id;
    if (id >= 0 && id < ANM_VOCAB_MAX_ID) return ANM_OK;
    return anm_fail(err, ANM_ERROR_FORMAT, where, "post-processor: a token id is missing or bad");
}

static anm_status push(anm_id_vec *list, int32_t id, anm_error *err) {
    return anm_vec_push(list, id) ? ANM_OK : anm_fail_memory(err);
}

/* inner = outer_before + inner; for the ids before the text. */
static anm_status put_in_front(anm_id_vec *inner, const anm_id_vec *outer, anm_error *err) {
    if (!outer->len) return ANM_OK;
    if (!anm_vec_reserve(inner, inner->len + outer->len)) return anm_fail_memory(err);
    if (inner->len)
        memmove(inner->data + outer->len, inner->data, inner->len * sizeof *inner->data);
    memcpy(inner->data, outer->data, outer->len * sizeof *inner->data);
    inner->len += outer->len;
    return ANM_OK;
}

/* The ids of a special token that the template names. */
static anm_status special_ids(const json_t *specials, const char *name, const char *where,
                              anm_id_vec *out, anm_error *err) {
    const json_t *ids = json_object_get(json_object_get(specials, name), "ids"), *item;
    size_t i;
    if (!json_is_array(ids))
        return anm_fail(err, ANM_ERROR_FORMAT, where,
                        "TemplateProcessing: special token \"%.60s\" has no ids", name);
    json_array_foreach(ids, i, item) {
        int32_t id;
        ANM_TRY(read_id(item, where, &id, err));
        ANM_TRY(push(out, id, err));
    }
    return ANM_OK;
}

static anm_status template_piece(loader *l, const json_t *piece, const json_t *specials,
                                 anm_post *around, int *texts, anm_error *err) {
    const char *id;
    const json_t *special = json_object_get(piece, "SpecialToken");
    const json_t *sequence = json_object_get(piece, "Sequence");
    if (special) {
        ANM_TRY(anm_json_get_string(special, "id", "", &id, l->where, err));
        return special_ids(specials, id, l->where, *texts ? &around->after : &around->before,
                           err);
    }
    ANM_TRY(anm_json_get_string(sequence, "id", "", &id, l->where, err));
    if (strcmp(id, "A") != 0)
        return anm_fail(err, ANM_ERROR_FORMAT, l->where,
                        "TemplateProcessing: \"single\" holds something other than special tokens "
                        "and sequence A");
    ++*texts;
    return ANM_OK;
}

static anm_status load_template(loader *l, const json_t *value, anm_post *around,
                                anm_error *err) {
    const json_t *single, *piece, *specials = json_object_get(value, "special_tokens");
    size_t i;
    int texts = 0;
    ANM_TRY(anm_component_array(value, "single", l->where, &single, err));
    json_array_foreach(single, i, piece)
        ANM_TRY(template_piece(l, piece, specials, around, &texts, err));
    if (texts == 1) return ANM_OK;
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, l->where,
                    "TemplateProcessing: \"single\" must hold the text exactly once, not %d times",
                    texts);
}

/* ["[SEP]", 102] */
static anm_status pair_id(loader *l, const json_t *value, const char *key, anm_id_vec *out,
                          anm_error *err) {
    int32_t id;
    ANM_TRY(read_id(json_array_get(json_object_get(value, key), 1), l->where, &id, err));
    return push(out, id, err);
}

static anm_status load_one(loader *l, const json_t *value, anm_error *err);

static anm_status load_sequence(loader *l, const json_t *value, anm_error *err) {
    const json_t *parts, *part;
    size_t i;
    if (++l->depth > ANM_COMPONENT_DEPTH)
        return anm_fail(err, ANM_ERROR_LIMIT, l->where, "sequences nested too deeply");
    ANM_TRY(anm_component_array(value, "processors", l->where, &parts, err));
    json_array_foreach(parts, i, part) ANM_TRY(load_one(l, part, err));
    l->depth--;
    return ANM_OK;
}

static anm_status load_around(loader *l, const char *type, const json_t *value, anm_post *around,
                              anm_error *err) {
    if (!strcmp(type, "TemplateProcessing")) return load_template(l, value, around, err);
    if (!strcmp(type, "ByteLevel")) return ANM_OK; /* moves offsets only */
    if (strcmp(type, "BertProcessing") != 0 && strcmp(type, "RobertaProcessing") != 0)
        return anm_component_unsupported("post-processor", type, supported, l->where, err);
    ANM_TRY(pair_id(l, value, "cls", &around->before, err));
    return pair_id(l, value, "sep", &around->after, err);
}

static anm_status load_one(loader *l, const json_t *value, anm_error *err) {
    const char *type;
    anm_post around = {0};
    anm_status status;
    if (++l->parts > ANM_COMPONENT_PARTS)
        return anm_fail(err, ANM_ERROR_LIMIT, l->where, "more than %d post-processors",
                        ANM_COMPONENT_PARTS);
    ANM_CHECK(anm_component_type(value, l->where, &type, err));
    if (!strcmp(type, "Sequence")) return load_sequence(l, value, err);
    ANM_CHECK(load_around(l, type, value, &around, err));
    ANM_CHECK(put_in_front(&l->out->before, &around.before, err));
    for (size_t i = 0; i < around.after.len; i++)
        ANM_CHECK(push(&l->out->after, around.after.data[i], err));
fail:
    anm_post_free(&around);
    return status;
}

anm_status anm_post_load(const json_t *value, const char *where, anm_post *out, anm_error *err) {
    loader l = {where, out, 0, 0};
    *out = (anm_post){0};
    return !value || json_is_null(value) ? ANM_OK : load_one(&l, value, err);
}
