/* SPDX-License-Identifier: MIT */
/*
 * Kinds of packages. Each is made in the same way: weights are streamed into its blob file, the
 * graph that refers to them is built, and both are committed with a description.
 */
#ifndef ANM_CONVERT_PART_H
#define ANM_CONVERT_PART_H

#include "src/convert/graph.h"
#include "src/convert/interface.h"
#include "src/convert/job.h"
#include "src/package/package.h"

struct anm_part {
    const char *component; /* "embeddings", "decoder", "lm_head", "monolithic" */
    const char *suffix;    /* of the file's name: PREFIX_SUFFIX[_lutN]CHUNK.mlpackage */
    anm_slot slot;         /* one of its weights, for which the recipe knows the palettization */
    const char *summary;
    /* Builds its functions; the default one first. */
    void (*build)(anm_mil_builder *b, const anm_graph_source *from);
    /* Adds its metadata. */
    anm_status (*note)(const anm_recipe *recipe, const anm_planned *planned, anm_arena *arena,
                       anm_description *d, anm_error *err);
};

extern const anm_part anm_part_embeddings, anm_part_decoder, anm_part_head, anm_part_monolith;

/* What is said of a head that gives winners; nothing otherwise. part_head.c */
ANM_MUST_CHECK anm_status anm_part_note_argmax(const anm_recipe *recipe, anm_arena *arena,
                                               anm_description *d, anm_error *err);
/* The functions of a decoder, and what is said of them. part_decoder.c */
void anm_part_build_decoder(anm_mil_builder *b, const anm_graph_source *from);
ANM_MUST_CHECK anm_status anm_part_note_decoder(const anm_recipe *recipe,
                                                const anm_planned *planned, anm_arena *arena,
                                                anm_description *d, anm_error *err);

/* Streams the weights of a package and fills in their offsets; partstore.c. */
ANM_MUST_CHECK anm_status anm_part_store(anm_job *job, const anm_contents *contents,
                                         anm_blob_writer *blobs, anm_stored *stored,
                                         anm_error *err);
/* Room for the places of a recipe's weights. */
ANM_MUST_CHECK anm_status anm_part_room(anm_arena *arena, const anm_recipe *recipe,
                                        anm_stored *stored, anm_error *err);
/*
 * Where a package's weights will lie, without any of them; gives the size of its weight.bin.
 * partlayout.c
 */
ANM_MUST_CHECK anm_status anm_part_layout(const anm_recipe *recipe, const anm_contents *contents,
                                          anm_stored *stored, uint64_t *bytes, anm_error *err);
/* Program and description, in the program's arena. */
ANM_MUST_CHECK anm_status anm_part_draft(const anm_planned *planned, const anm_recipe *recipe,
                                         const anm_stored *stored, anm_mil_program *program,
                                         anm_description *description, anm_error *err);
/* Makes the package in job->out_dir. It needs no other part. */
ANM_MUST_CHECK anm_status anm_part_make(anm_job *job, const anm_planned *planned, anm_error *err);

#endif
