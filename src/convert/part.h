/* SPDX-License-Identifier: MIT */
/*
 * The three packages of a model. Each is made in the same way: weights are streamed into its blob
 * file, the graph that refers to them is built, and both are committed with a description.
 */
#ifndef ANM_CONVERT_PART_H
#define ANM_CONVERT_PART_H

#include "src/convert/graph.h"
#include "src/convert/interface.h"
#include "src/convert/job.h"
#include "src/package/package.h"

typedef struct anm_part {
    const char *component; /* "embeddings", "decoder", "lm_head" */
    const char *suffix;    /* of the file's name: PREFIX_SUFFIX[_lutN]CHUNK.mlpackage */
    const char *chunk;
    anm_slot slot;         /* one of its weights, for which the recipe knows the palettization */
    const char *summary;
    /* Streams the part's weights and fills in their offsets. */
    anm_status (*store)(anm_job *job, anm_blob_writer *blobs, anm_stored *stored, anm_error *err);
    /* Builds its functions; the default one first. */
    void (*build)(anm_mil_builder *b, const anm_recipe *recipe, const anm_stored *stored);
    /* Adds its metadata. */
    anm_status (*note)(const anm_recipe *recipe, anm_arena *arena, anm_description *d,
                       anm_error *err);
    /* Elements of its weights, for progress. */
    int64_t (*elements)(const anm_recipe *recipe);
} anm_part;

extern const anm_part anm_part_embeddings, anm_part_decoder, anm_part_head;

/* The package's name, in the arena; NULL when memory is out. */
char *anm_part_file(anm_arena *arena, const anm_recipe *recipe, const anm_part *part);
/* Makes the package in job->out_dir. */
ANM_MUST_CHECK anm_status anm_part_make(anm_job *job, const anm_part *part, anm_error *err);

#endif
