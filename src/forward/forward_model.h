/* SPDX-License-Identifier: MIT */
/*
 * A decoder-only language model computed straight from its checkpoint in fp32: the second opinion
 * that packages are held against, and the source of activations for calibration. It shares the
 * reading of files with the converter and nothing else, so that one mistake cannot hide in both.
 *
 * Layer by layer: all tokens go through one layer before the next is touched, so each weight is
 * read from the mapping once per run (per group of some 1000 tokens), converted a few rows at a
 * time and let go. Memory is the residual stream of all tokens, the work space of one group of
 * sequences and no weight. Results do not depend on the number of threads nor on what runs with
 * what.
 *
 * Families: Llama, Qwen 2 and 2.5, Qwen 3, Gemma 3. Everything else is refused at open.
 */
#ifndef ANM_FORWARD_FORWARD_MODEL_H
#define ANM_FORWARD_FORWARD_MODEL_H

#include "src/hf/checkpoint.h"
#include "src/hf/config.h"

typedef struct anm_forward anm_forward;

/*
 * Reads config.json and the weights of `dir` and checks that every tensor of the model is there
 * with its shape. Immutable once open.
 *
 * ANM_ERROR_UNSUPPORTED for another family or a feature of the config that is not computed here;
 * ANM_ERROR_MISMATCH names the first tensor of another shape.
 */
ANM_MUST_CHECK anm_status anm_forward_open(const char *dir, anm_forward **out, anm_error *err);
void anm_forward_close(anm_forward *forward); /* NULL is fine */

const anm_hf_config *anm_forward_config(const anm_forward *forward);
const anm_checkpoint *anm_forward_checkpoint(const anm_forward *forward);
size_t anm_forward_vocab_size(const anm_forward *forward);

/* Tokens from position 0 on; logits are computed for positions `first` .. count - 1. */
typedef struct anm_forward_sequence {
    const int32_t *tokens;
    size_t count, first;
} anm_forward_sequence;

/*
 * What the caller wants to see; any member may be NULL. All are called on the caller's thread, and
 * stop the run by another status than ANM_OK. Matrices are [rows, columns], dense, one row a token
 * in the order of the sequences, and live until the hook returns. A name comes once per group of
 * sequences, so accumulate.
 */
typedef struct anm_forward_hooks {
    void *context;
    /*
     * The input of each linear layer, before it is computed; `weight` is the tensor's name. q, k
     * and v get the same x one after the other (q first), and so do gate and up. The head's input
     * has the rows that logits are computed for.
     */
    anm_status (*linear)(void *context, const char *weight, const float *x, int64_t rows,
                         int64_t columns, anm_error *err);
    /*
     * Every intermediate value under "embedding", "norm" or "model.layers.N." and: input_norm, q,
     * k, v, q_rotated, k_rotated, scores (the largest magnitude of q . k before scaling, a column
     * a head), attention (input of o), attention_out, residual_attention, mlp_norm, gate, up,
     * inner (input of down), mlp_out, residual_mlp.
     */
    anm_status (*value)(void *context, const char *name, const float *x, int64_t rows,
                        int64_t columns, anm_error *err);
    /* Sequence by sequence, position by position. */
    anm_status (*logits)(void *context, size_t sequence, size_t position, const float *logits,
                         size_t vocab, anm_error *err);
    /*
     * Values to compute with in the place of a linear weight, [outputs, inputs] in fp32, or NULL
     * for the checkpoint's own: what a quantised weight does to the model. They have to stay until
     * the next hook is called.
     */
    const float *(*weight)(void *context, const char *weight);
} anm_forward_hooks;

/*
 * Computes the sequences, each on its own. Without a logits hook the head is not computed. Threads:
 * 0 for one per processor. ANM_ERROR_ARGUMENT for a token outside the vocabulary.
 */
ANM_MUST_CHECK anm_status anm_forward_run(const anm_forward *forward,
                                          const anm_forward_sequence *sequences, size_t count,
                                          const anm_forward_hooks *hooks, int threads,
                                          anm_error *err);

#endif
