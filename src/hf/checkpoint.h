/* SPDX-License-Identifier: MIT */
/*
 * A Hugging Face model directory's weights: model.safetensors, or the shards that
 * model.safetensors.index.json lists. Everything stays mapped; names are looked up over all shards.
 * Immutable once open, so threads may share it.
 */
#ifndef ANM_HF_CHECKPOINT_H
#define ANM_HF_CHECKPOINT_H

#include "anemone/tensor.h"
#include "src/base/file.h"

typedef struct anm_checkpoint anm_checkpoint;

/* A tensor and where it lies. All pointers live until the checkpoint is closed. */
typedef struct anm_weight {
    const anm_tensor *tensor; /* data: read-only, maybe unaligned; see anemone/safetensors.h */
    const char *path;         /* the file that holds it, for error messages */
    const anm_mapping *mapping;
} anm_weight;

/*
 * Opens every weight file of `dir` and checks their headers and the index. Tensors in a shard that
 * the index does not list are kept, with one warning per shard.
 *
 * ANM_ERROR_NOT_FOUND when there are no weights that can be read (the message names other formats
 * found), or a shard is absent; ANM_ERROR_FORMAT for a bad index, a tensor that is not in its shard
 * or in two of them, and Git LFS pointers; else as anm_safetensors_open().
 */
ANM_MUST_CHECK anm_status anm_checkpoint_open(const char *dir, anm_checkpoint **out,
                                              anm_error *err);
void anm_checkpoint_close(anm_checkpoint *checkpoint); /* NULL is fine */

const char *anm_checkpoint_dir(const anm_checkpoint *checkpoint);
size_t anm_checkpoint_count(const anm_checkpoint *checkpoint);
/* By position: file after file, each in the order of its data. NULL past the end. */
const anm_weight *anm_checkpoint_get(const anm_checkpoint *checkpoint, size_t index);
/* NULL when absent. */
const anm_weight *anm_checkpoint_find(const anm_checkpoint *checkpoint, const char *name);
/* As find, but an absent tensor is ANM_ERROR_NOT_FOUND, naming the directory. */
ANM_MUST_CHECK anm_status anm_checkpoint_require(const anm_checkpoint *checkpoint, const char *name,
                                                 const anm_weight **out, anm_error *err);

/* Lets go of the weight's pages, so that converting a model does not keep all of it resident. */
void anm_weight_drop(const anm_weight *weight);

#endif
