/* SPDX-License-Identifier: MIT */
/* Reading and looking up the vocabulary. */
#include "src/hf/tok_vocab.h"

#include "src/base/alloc.h"
#include "src/base/map.h"
#include "src/base/vec.h"

typedef struct entry {
    anm_sv text;
    int32_t id;
} entry;
typedef ANM_VEC(entry) entry_list;

static anm_status read_id(anm_scan *scan, int32_t *out, anm_error *err) {
    int64_t id;
    anm_scan_peek(scan);
    size_t at = scan->at;
    ANM_TRY(anm_scan_int(scan, &id, err));
    if (id < 0 || id >= ANM_VOCAB_MAX_ID)
        return anm_fail_at(err, ANM_ERROR_FORMAT, scan->where, at,
                           "token id %lld is not between 0 and %d", (long long)id,
                           ANM_VOCAB_MAX_ID - 1);
    *out = (int32_t)id;
    return ANM_OK;
}

/*
 * Texts go into one block: an entry of the file has at least quotes and a colon around its text,
 * so that text and final zero always fit where the entry stood.
 */
static anm_status read_entries(entry_list *list, anm_arena *arena, anm_scan *scan,
                               anm_error *err) {
    anm_sv key;
    bool more;
    char *block = anm_arena_alloc(arena, scan->size - scan->at + 1);
    if (!block) return anm_fail_memory(err);
    ANM_TRY(anm_scan_expect(scan, '{', err));
    for (bool first = true;; first = false) {
        entry e;
        ANM_TRY(anm_scan_more(scan, '}', first, &more, err));
        if (!more) return ANM_OK;
        ANM_TRY(anm_scan_key(scan, &key, err));
        memcpy(block, key.data, key.len);
        block[key.len] = '\0';
        e.text = (anm_sv){block, key.len};
        block += key.len + 1;
        ANM_TRY(read_id(scan, &e.id, err));
        if (!anm_vec_push(list, e)) return anm_fail_memory(err);
    }
}

static bool allocate(anm_vocab *v, const entry_list *list) {
    size_t slots = 16;
    for (size_t i = 0; i < list->len; i++) {
        if ((size_t)list->data[i].id >= v->id_limit) v->id_limit = (size_t)list->data[i].id + 1;
        if (list->data[i].text.len > v->longest) v->longest = list->data[i].text.len;
    }
    while (slots / 2 < list->len) slots *= 2;
    v->mask = slots - 1;
    v->texts = anm_calloc(v->id_limit, sizeof *v->texts);
    v->slots = anm_realloc_array(NULL, slots, sizeof *v->slots);
    if (!v->texts || !v->slots) return false;
    memset(v->slots, 0xFF, slots * sizeof *v->slots);
    return true;
}

/* The slot that holds the text, or the free one where it belongs. */
static anm_vocab_slot *find_slot(const anm_vocab *v, anm_sv text, uint32_t *tag) {
    uint64_t hash = anm_hash_bytes(text.data, text.len);
    *tag = (uint32_t)(hash >> 32);
    for (size_t i = (size_t)hash & v->mask;; i = (i + 1) & v->mask) {
        anm_vocab_slot *slot = &v->slots[i];
        if (slot->id < 0) return slot;
        if (slot->tag == *tag && anm_sv_equal(v->texts[slot->id], text)) return slot;
    }
}

static anm_status insert(anm_vocab *v, const entry *e, const char *where, anm_error *err) {
    uint32_t tag;
    if (v->texts[e->id].data)
        return anm_fail(err, ANM_ERROR_FORMAT, where,
                        "vocabulary: id %d is given to \"%.60s\" and to \"%.60s\"", e->id,
                        v->texts[e->id].data, e->text.data);
    anm_vocab_slot *slot = find_slot(v, e->text, &tag);
    if (slot->id >= 0)
        return anm_fail(err, ANM_ERROR_FORMAT, where,
                        "vocabulary: token \"%.60s\" stands twice, with ids %d and %d",
                        e->text.data, slot->id, e->id);
    *slot = (anm_vocab_slot){tag, e->id};
    v->texts[e->id] = e->text;
    v->count++;
    return ANM_OK;
}

anm_status anm_vocab_read(anm_vocab *v, anm_arena *arena, anm_scan *scan, anm_error *err) {
    entry_list list = {0};
    anm_status status;
    *v = (anm_vocab){0};
    ANM_CHECK(read_entries(&list, arena, scan, err));
    if (!allocate(v, &list)) {
        status = anm_fail_memory(err);
        goto fail;
    }
    for (size_t i = 0; i < list.len; i++) ANM_CHECK(insert(v, &list.data[i], scan->where, err));
fail:
    anm_vec_free(&list);
    return status;
}

void anm_vocab_free(anm_vocab *v) {
    anm_free(v->texts);
    anm_free(v->slots);
    *v = (anm_vocab){0};
}

int32_t anm_vocab_find(const anm_vocab *v, anm_sv text) {
    uint32_t tag;
    return v->slots ? find_slot(v, text, &tag)->id : -1;
}
