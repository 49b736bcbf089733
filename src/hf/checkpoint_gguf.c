/* SPDX-License-Identifier: MIT */
/* A GGUF model's tensors as weights: under their Hugging Face names, with their codings. */
#include "src/hf/checkpoint_internal.h"
#include "src/hf/gguf_arch.h"
#include "src/hf/gguf_sidecar.h"

/* Which heads a tensor's rows belong to, if it is one that the architecture keeps in pairs. */
static anm_status find_pairs(const anm_gguf *g, const anm_gguf_arch *arch, const anm_gguf_tensor *t,
                             int64_t *heads, anm_error *err) {
    char key[ANM_GGUF_KEY];
    const char *what = strchr(t->tensor.name, 'a');
    *heads = 0;
    if (!arch->paired || !anm_str_starts(t->tensor.name, "blk.") || !what) return ANM_OK;
    bool query = anm_str_starts(what, "attn_q."), keys = anm_str_starts(what, "attn_k.");
    if (!query && !keys) return ANM_OK;
    ANM_TRY(anm_gguf_get_int(g, anm_gguf_arch_key(arch, "attention.head_count", key), 0, heads,
                             err));
    if (keys)
        ANM_TRY(anm_gguf_get_int(g, anm_gguf_arch_key(arch, "attention.head_count_kv", key), *heads,
                                 heads, err));
    if (*heads > 0 && t->tensor.shape[0] % (2 * *heads) == 0) return ANM_OK;
    return anm_fail_at(err, ANM_ERROR_FORMAT, t->path, t->info,
                       "tensor \"%s\" has %lld rows, which are not %lld heads of an even size",
                       t->tensor.name, (long long)t->tensor.shape[0], (long long)*heads);
}

static anm_status add_weight(anm_checkpoint *c, const anm_gguf_arch *arch, const anm_gguf_tensor *t,
                             anm_error *err) {
    anm_tensor *copy = anm_arena_copy(c->arena, &t->tensor, sizeof t->tensor);
    if (!copy) return anm_fail_memory(err);
    copy->name = anm_gguf_arch_tensor(arch, c->arena, t->tensor.name);
    if (!copy->name) return anm_fail_memory(err);
    anm_weight w = {.tensor = copy, .path = t->path, .mapping = t->mapping,
                    .coding = t->type->coding};
    if (arch->norms_plus_one && anm_str_ends(t->tensor.name, "norm.weight")) w.added = 1;
    ANM_TRY(find_pairs(c->gguf, arch, t, &w.paired_heads, err));
    return anm_checkpoint_add_weight(c, &w, err);
}

anm_status anm_checkpoint_load_gguf(anm_checkpoint *c, const char *path, anm_error *err) {
    const anm_gguf_arch *arch;
    ANM_TRY(anm_gguf_open(path, &c->gguf, err));
    ANM_TRY(anm_gguf_arch_of(c->gguf, &arch, err));
    ANM_TRY(anm_gguf_check_tokenizer(c->gguf, err)); /* not after hours of work */
    for (size_t i = 0; i < anm_gguf_tensor_count(c->gguf); i++) {
        const anm_gguf_tensor *t = anm_gguf_tensor_at(c->gguf, i);
        if (strcmp(t->tensor.name, anm_gguf_rope_factors) == 0) continue;
        ANM_TRY(add_weight(c, arch, t, err));
    }
    return ANM_OK;
}
