/* SPDX-License-Identifier: MIT */
/* Shared by the files checkpoint*.c only. */
#ifndef ANM_HF_CHECKPOINT_INTERNAL_H
#define ANM_HF_CHECKPOINT_INTERNAL_H

#include "src/base/arena.h"
#include "src/base/map.h"
#include "src/base/vec.h"
#include "src/hf/checkpoint.h"
#include "src/hf/gguf.h"
#include "src/hf/safetensors_internal.h"

struct anm_checkpoint {
    anm_arena *arena;
    char *dir;
    ANM_VEC(anm_safetensors *) files;
    anm_gguf *gguf; /* instead of files; or NULL */
    ANM_VEC(anm_weight) weights;
    anm_map by_name; /* index into weights */
};

/* Opens one more weight file. */
ANM_MUST_CHECK anm_status anm_checkpoint_add_file(anm_checkpoint *c, const char *path,
                                                  anm_error *err);
/* Opens the shards that the index names, and checks it against them. */
ANM_MUST_CHECK anm_status anm_checkpoint_load_shards(anm_checkpoint *c, const char *index_path,
                                                     anm_error *err);
/* Adds a weight under its tensor's name, which lives as long as the checkpoint; once only. */
ANM_MUST_CHECK anm_status anm_checkpoint_add_weight(anm_checkpoint *c, const anm_weight *weight,
                                                    anm_error *err);
/* Gives FP8 weights their scales, which are then no weights any more. */
ANM_MUST_CHECK anm_status anm_checkpoint_attach_scales(anm_checkpoint *c, anm_error *err);
/* Opens a GGUF model. */
ANM_MUST_CHECK anm_status anm_checkpoint_load_gguf(anm_checkpoint *c, const char *path,
                                                   anm_error *err);

#endif
