/* SPDX-License-Identifier: MIT */
/* What the loaders of normalizers, pre-tokenizers, post-processors and decoders share. */
#ifndef ANM_HF_TOK_COMPONENT_H
#define ANM_HF_TOK_COMPONENT_H

#include "src/base/arena.h"
#include "src/base/json.h"
#include "src/base/str.h"

/* A Sequence may hold sequences; this many levels, and this many parts in all. */
enum { ANM_COMPONENT_DEPTH = 8, ANM_COMPONENT_PARTS = 64 };

/* The "type" of a component object. */
ANM_MUST_CHECK anm_status anm_component_type(const json_t *value, const char *where,
                                             const char **type, anm_error *err);
/* A required array inside a Sequence. */
ANM_MUST_CHECK anm_status anm_component_array(const json_t *value, const char *key,
                                              const char *where, const json_t **out,
                                              anm_error *err);
/* ANM_ERROR_UNSUPPORTED naming the type and what is supported. */
anm_status anm_component_unsupported(const char *role, const char *type, const char *supported,
                                     const char *where, anm_error *err);
/* A text into the arena; `absent` (may be NULL: required) when the key is missing. */
ANM_MUST_CHECK anm_status anm_component_text(const json_t *value, const char *key,
                                             const char *absent, anm_arena *arena,
                                             const char *where, anm_sv *out, anm_error *err);
/* A text that must be a single character. */
ANM_MUST_CHECK anm_status anm_component_char(const json_t *value, const char *key,
                                             const char *absent, anm_arena *arena,
                                             const char *where, anm_sv *out, anm_error *err);

#endif
