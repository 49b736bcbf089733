/* SPDX-License-Identifier: MIT */
/* The small files of a Hugging Face directory, written from a GGUF model's metadata. */
#ifndef ANM_HF_GGUF_SIDECAR_H
#define ANM_HF_GGUF_SIDECAR_H

#include "src/hf/gguf.h"

/*
 * config.json and generation_config.json in `dir`, and tokenizer.json and tokenizer_config.json if
 * the file has a tokenizer, which *tokenizer tells.
 */
ANM_MUST_CHECK anm_status anm_gguf_write_sidecars(const anm_gguf *gguf, const char *dir,
                                                  bool *tokenizer, anm_error *err);

#endif
