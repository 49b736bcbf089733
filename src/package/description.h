/* SPDX-License-Identifier: MIT */
/*
 * A model's interface: what the ModelDescription message says of functions, their features and
 * the metadata. The program tier shows it; the converter writes it.
 */
#ifndef ANM_PACKAGE_DESCRIPTION_H
#define ANM_PACKAGE_DESCRIPTION_H

#include "anemone/program.h"
#include "src/base/arena.h"
#include "src/proto/model.pb-c.h"

typedef struct anm_interface {
    const char *name; /* of the program function it describes; "main" for one-function models */
    anm_feature *inputs, *outputs, *states;
    size_t input_count, output_count, state_count;
    const char *predicted_feature; /* of a classifier; "" otherwise */
} anm_interface;

typedef struct anm_metadata_entry {
    const char *key, *value;
} anm_metadata_entry;

typedef struct anm_description {
    anm_interface *functions;
    size_t function_count;
    int multi;                                        /* written as functions[], with a default */
    const char *default_function;                     /* never NULL */
    const char *summary, *version, *author, *license; /* "" if absent */
    anm_metadata_entry *user;                         /* userDefined */
    size_t user_count;
} anm_description;

/* Everything is copied into the arena. `where` names the file in errors. */
ANM_MUST_CHECK anm_status anm_description_read(anm_arena *arena,
                                               const Pb__ModelDescription *message,
                                               const char *where, anm_description *out,
                                               anm_error *err);
/* The message in the arena, sharing strings with `d`; NULL when memory is out. */
Pb__ModelDescription *anm_description_write(anm_arena *arena, const anm_description *d);

const anm_interface *anm_description_find(const anm_description *d, const char *name);

#endif
