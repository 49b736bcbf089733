/* SPDX-License-Identifier: MIT */
/*
 * A model's weights: model.safetensors of a Hugging Face directory, or the shards that its
 * model.safetensors.index.json lists, or a GGUF file under Hugging Face names. Everything
 * stays mapped; names are looked up over all files. Immutable once open, so threads may share it.
 */
#ifndef ANM_HF_CHECKPOINT_H
#define ANM_HF_CHECKPOINT_H

#include <stdbool.h>

#include "anemone/tensor.h"
#include "src/base/file.h"

typedef struct anm_checkpoint anm_checkpoint;
struct anm_gguf;

struct anm_weight;

/* How values are coded in a file, where they are more than elements of a type. */
typedef struct anm_coding {
    const char *name;             /* "Q4_K" */
    size_t block, bytes_per_block; /* values in a block; 1: each stands alone */
    /* Values [first, first + count) in the file's order. */
    void (*read)(const struct anm_weight *weight, size_t first, size_t count, float *out);
} anm_coding;

/*
 * A tensor and where it lies. Name, rank and shape are those of the Hugging Face model whatever the
 * file's format; the values are read with anm_weight_floats() and anm_weight_halves(). All pointers
 * live until the checkpoint is closed.
 */
typedef struct anm_weight {
    const anm_tensor *tensor; /* data: as in the file, read-only, maybe unaligned */
    const char *path;         /* the file that holds it, for error messages */
    const anm_mapping *mapping;
    const anm_coding *coding; /* NULL: elements of tensor->dtype */
    const void *scales;       /* for the coding's use */
    /*
     * 0, or the number of heads of a query or key projection whose rows the file keeps in pairs
     * that rotate together: 0, half, 1, half + 1, ... of each head.
     */
    int64_t paired_heads;
    double added; /* to each value by the file's writer; the readers take it off again */
    /*
     * What the reader makes of a value x: (x + offset) * factor in double precision; factor 0: x.
     * A checkpoint's own weights have neither; a copy may be given them.
     */
    double offset, factor;
} anm_weight;

/*
 * Opens every weight file of `dir`, or the GGUF model that it names (see anm_gguf_locate()). The
 * language model inside a larger model has the names that it has alone:
 * "language_model.model.norm.weight" and "model.language_model.norm.weight" are
 * found as "model.norm.weight". Headers and the index are checked; tensors in a shard that the
 * index does not list are kept, with one warning per shard.
 *
 * ANM_ERROR_NOT_FOUND when there are no weights that can be read (the message names other formats
 * found), or a shard is absent; ANM_ERROR_FORMAT for a bad index, a tensor that is not in its shard
 * or in two of them, and Git LFS pointers; else as anm_safetensors_open().
 */
ANM_MUST_CHECK anm_status anm_checkpoint_open(const char *dir, anm_checkpoint **out,
                                              anm_error *err);
void anm_checkpoint_close(anm_checkpoint *checkpoint); /* NULL is fine */

const char *anm_checkpoint_dir(const anm_checkpoint *checkpoint);
/* The GGUF model that the weights come from; NULL if they are safetensors. */
const struct anm_gguf *anm_checkpoint_gguf(const anm_checkpoint *checkpoint);
size_t anm_checkpoint_count(const anm_checkpoint *checkpoint);
/* By position: file after file, each in the order of its data. NULL past the end. */
const anm_weight *anm_checkpoint_get(const anm_checkpoint *checkpoint, size_t index);
/* NULL when absent. */
const anm_weight *anm_checkpoint_find(const anm_checkpoint *checkpoint, const char *name);
/* As find, but an absent tensor is ANM_ERROR_NOT_FOUND, naming the directory. */
ANM_MUST_CHECK anm_status anm_checkpoint_require(const anm_checkpoint *checkpoint, const char *name,
                                                 const anm_weight **out, anm_error *err);

/* Whether the values can be read: coded ones, and elements of fp16, bf16 and fp32. */
bool anm_weight_is_readable(const anm_weight *weight);
/* The coding's or the element type's name, for messages. */
const char *anm_weight_form(const anm_weight *weight);
/*
 * Values [first, first + count), row after row, dequantised in fp32 arithmetic; as fp16 they are
 * rounded once more (fp16 elements are taken as they are). The weight is readable.
 */
void anm_weight_floats(const anm_weight *weight, size_t first, size_t count, float *out);
void anm_weight_halves(const anm_weight *weight, size_t first, size_t count, uint16_t *out);
/* Lets go of these values' pages, so that converting a model does not keep all of it resident. */
void anm_weight_drop(const anm_weight *weight, size_t first, size_t count);

#endif
