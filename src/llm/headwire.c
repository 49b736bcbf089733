/* SPDX-License-Identifier: MIT */
/*
 * What an LM head gives. Logits: "logits1" .. "logitsK", which joined are the vocabulary, or one
 * output of any name with "logits" in it. Winners: "argmax_idx" and "argmax_val", for each of K
 * splits of the vocabulary where its greatest logit is, counted from the split's first, and how
 * great. How large the splits are is not in the interface then, but in metadata or meta.yaml.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/dtype.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/llm/llm.h"

static const anm_feature *find_output(const anm_function *f, const char *name) {
    for (size_t i = 0; i < anm_function_output_count(f); i++)
        if (strcmp(anm_function_output(f, i)->name, name) == 0) return anm_function_output(f, i);
    return NULL;
}

bool anm_llm_gives_winners(const anm_function *f) {
    return find_output(f, ANM_WINNERS_INDEX) && find_output(f, ANM_WINNERS_VALUE);
}

static anm_status reserve(anm_llm *llm, size_t count, const char *file, anm_error *err) {
    if (count < 1 || count > ANM_LLM_MOST_LOGITS)
        return anm_fail(err, ANM_ERROR_MISMATCH, file, "an LM head of %zu parts; at most %d can be",
                        count, ANM_LLM_MOST_LOGITS);
    if (!llm->logits) llm->logits = ANM_ARENA_ARRAY(llm->arena, anm_llm_logits, count);
    else if (llm->logits_count != count)
        return anm_fail(err, ANM_ERROR_MISMATCH, file,
                        "the functions' logits are divided into %zu and %zu parts",
                        llm->logits_count, count);
    llm->logits_count = count;
    return llm->logits ? ANM_OK : anm_fail_memory(err);
}

/* Sizes of the same split agree, wherever they come from. */
static anm_status set_size(anm_llm *llm, size_t index, int64_t size, const char *file,
                           anm_error *err) {
    anm_llm_logits *part = &llm->logits[index];
    if (size <= 0)
        return anm_fail(err, ANM_ERROR_MISMATCH, file,
                        "an output of the LM head has no known size");
    if (part->count && part->count != (size_t)size)
        return anm_fail(err, ANM_ERROR_MISMATCH, file,
                        "part %zu of the LM head has %lld logits here and %zu elsewhere",
                        index + 1, (long long)size, part->count);
    if (part->count) return ANM_OK;
    if (size > INT32_MAX - (int64_t)llm->vocab)
        return anm_fail(err, ANM_ERROR_MISMATCH, file,
                        "the LM head has more outputs than token ids can count");
    part->count = (size_t)size;
    llm->vocab += part->count;
    return ANM_OK;
}

anm_status anm_llm_take_logits(anm_llm *llm, const anm_function *f, const char *file,
                               anm_error *err) {
    size_t count = anm_function_output_count(f);
    ANM_TRY(reserve(llm, count, file, err));
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "logits%zu", i + 1);
        const anm_feature *part = count > 1 ? find_output(f, name) : anm_function_output(f, 0);
        if (!part)
            return anm_fail(err, ANM_ERROR_MISMATCH, file, "the LM head has no output \"%s\"",
                            name);
        int64_t size = part->rank ? part->shape[part->rank - 1] : 0;
        ANM_TRY(set_size(llm, i, size, file, err));
        llm->logits[i].name = part->name;
    }
    return ANM_OK;
}

/* "16032,16032, ..." */
static anm_status take_sizes(anm_llm *llm, const char *text, const char *file, anm_error *err) {
    size_t count = 0;
    for (const char *p = text; *p; count++) {
        char *end;
        errno = 0;
        long long size = strtoll(p, &end, 10);
        if (end == p || errno || count == llm->logits_count || (*end && *end != ','))
            return anm_fail(err, ANM_ERROR_FORMAT, file,
                            "lm_head_chunk_sizes \"%s\" are not %zu numbers", text,
                            llm->logits_count);
        ANM_TRY(set_size(llm, count, size, file, err));
        p = *end ? end + 1 : end;
    }
    if (count == llm->logits_count) return ANM_OK;
    return anm_fail(err, ANM_ERROR_MISMATCH, file, "lm_head_chunk_sizes are %zu, the LM head has "
                    "%zu parts", count, llm->logits_count);
}

anm_status anm_llm_take_winners(anm_llm *llm, const anm_program *program, const anm_function *f,
                                const char *file, anm_error *err) {
    const anm_feature *places = find_output(f, ANM_WINNERS_INDEX);
    const anm_feature *values = find_output(f, ANM_WINNERS_VALUE);
    int64_t count = anm_shape_elements(places->shape, places->rank);
    if (count < 1 || count != anm_shape_elements(values->shape, values->rank))
        return anm_fail(err, ANM_ERROR_MISMATCH, file,
                        ANM_WINNERS_INDEX " and " ANM_WINNERS_VALUE " are of different sizes");
    ANM_TRY(reserve(llm, (size_t)count, file, err));
    const char *sizes = anm_program_metadata(program, "com.anemll.lm_head_chunk_sizes");
    return sizes ? take_sizes(llm, sizes, file, err) : ANM_OK;
}

/* ANEMLL's rule: as even as can be, longer splits first. */
static anm_status spread(anm_llm *llm, int64_t vocab, const char *file, anm_error *err) {
    int64_t count = (int64_t)llm->logits_count;
    for (int64_t i = 0; i < count; i++)
        ANM_TRY(set_size(llm, (size_t)i, vocab / count + (i < vocab % count), file, err));
    return ANM_OK;
}

static anm_status read_vocab(anm_llm *llm, int64_t *out, anm_error *err) {
    json_t *root;
    const char *path = anm_path_join(llm->arena, llm->dir, "config.json");
    *out = 0;
    if (!path) return anm_fail_memory(err);
    if (!anm_path_exists(path)) return ANM_OK;
    ANM_TRY(anm_json_load(path, &root, err));
    json_t *size = json_object_get(root, "vocab_size");
    if (!size) size = json_object_get(json_object_get(root, "text_config"), "vocab_size");
    *out = json_integer_value(size);
    json_decref(root);
    return ANM_OK;
}

anm_status anm_llm_settle_head(anm_llm *llm, anm_error *err) {
    int64_t vocab = llm->meta.vocab_size;
    if (!llm->logits_count || llm->logits[0].count) return ANM_OK;
    if (llm->meta.chunk_sizes)
        return take_sizes(llm, llm->meta.chunk_sizes, "meta.yaml", err);
    if (!vocab) ANM_TRY(read_vocab(llm, &vocab, err));
    if (vocab > 0) return spread(llm, vocab, llm->dir, err);
    return anm_fail(err, ANM_ERROR_MISMATCH, llm->dir,
                    "the LM head gives the greatest logit of each part of the vocabulary; how "
                    "large the parts are must be in meta.yaml (lm_head_chunk_sizes) or "
                    "config.json (vocab_size)");
}
