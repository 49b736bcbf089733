/* SPDX-License-Identifier: MIT */
/* What the files of src/publish share. */
#ifndef ANM_PUBLISH_PUBLISH_INTERNAL_H
#define ANM_PUBLISH_PUBLISH_INTERNAL_H

#include <jansson.h>

#include "anemone/publish.h"
#include "src/base/arena.h"
#include "src/base/str.h"
#include "src/base/yamlread.h"

/* A compiled model in the layout. */
typedef struct anm_publish_part {
    const char *stem;       /* "qwen_lm_head" */
    uint64_t bytes, zipped; /* of its files; of its zip, 0 without one */
} anm_publish_part;

typedef struct anm_publish_job {
    const char *dir;
    const anm_publish_options *options;
    anm_arena *arena;
    const char *out; /* the staged directory */
    anm_yaml *meta;
    anm_publish_part *parts;
    size_t part_count;
    json_t *verified; /* of options->verify_json, or NULL */
    anm_error *err;
} anm_publish_job;

/* Relative paths of all files below a directory, sorted by their bytes. */
ANM_MUST_CHECK anm_status anm_tree_list(anm_arena *arena, const char *dir, char ***paths,
                                        size_t *count, anm_error *err);
ANM_MUST_CHECK anm_status anm_tree_copy(anm_arena *arena, const char *from, const char *to,
                                        anm_error *err);
ANM_MUST_CHECK anm_status anm_tree_bytes(anm_arena *arena, const char *dir, uint64_t *out,
                                         anm_error *err);

/*
 * Writes the directory `dir` into a zip as "NAME/...": entries sorted, without times and owners.
 * Weights are stored, as deflating gains little and takes long; the rest is deflated.
 */
ANM_MUST_CHECK anm_status anm_zip_directory(anm_arena *arena, const char *dir, const char *name,
                                            const char *zip, anm_error *err);

/* README.md, and LICENSE if the source has one. */
ANM_MUST_CHECK anm_status anm_publish_card(anm_publish_job *job);

#endif
