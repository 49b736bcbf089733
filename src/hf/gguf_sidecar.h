/* SPDX-License-Identifier: MIT */
/* The small files of a Hugging Face directory, written from a GGUF model's metadata. */
#ifndef ANM_HF_GGUF_SIDECAR_H
#define ANM_HF_GGUF_SIDECAR_H

#include "src/hf/gguf_tokenizer.h"

/*
 * Whether the model's tokenizer can be written: made from the metadata, or, where that is not
 * supported, copied from the tokenizer.json of the original that lies beside the file.
 */
ANM_MUST_CHECK anm_status anm_gguf_check_tokenizer(const anm_gguf *gguf, anm_error *err);
/* Which of the two: the vocabulary, or *beside, the path of tokenizer.json, which is NULL else. */
ANM_MUST_CHECK anm_status anm_gguf_find_tokenizer(const anm_gguf *gguf, anm_arena *arena,
                                                  anm_gguf_vocab *vocab, bool *has,
                                                  const char **beside, anm_error *err);

/*
 * config.json and generation_config.json in `dir`, and tokenizer.json with what belongs to it
 * if there is a tokenizer, which *tokenizer tells.
 */
ANM_MUST_CHECK anm_status anm_gguf_write_sidecars(const anm_gguf *gguf, const char *dir,
                                                  bool *tokenizer, anm_error *err);

#endif
