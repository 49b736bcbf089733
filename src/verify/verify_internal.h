/* SPDX-License-Identifier: MIT */
/* What the files of src/verify share: the verifier, its parts, and how a check is noted. */
#ifndef ANM_VERIFY_VERIFY_INTERNAL_H
#define ANM_VERIFY_VERIFY_INTERNAL_H

#include "anemone/model_config.h"
#include "anemone/verify.h"
#include "src/base/arena.h"
#include "src/base/str.h"
#include "src/base/vec.h"
#include "src/program/program.h"

/* A package or compiled model of the directory. */
typedef struct anm_verify_part {
    const char *file, *path;
    anm_program *program; /* NULL: it could not be opened, which is noted */
} anm_verify_part;

struct anm_verify_report {
    anm_arena *arena;
    ANM_VEC(const anm_verify_check *) checks;
    size_t failed;
    anm_verify_comparison comparison;
    bool compared;
};

typedef struct anm_verifier {
    const char *dir;          /* where the packages and what belongs to them are */
    const char *model;        /* as given: a directory, or a ModelConfig */
    anm_model_config *config; /* NULL: all of `dir` is the model */
    anm_status noted;         /* of notes made in a callback */
    const anm_verify_options *options;
    anm_verify_report *report;
    anm_arena *arena; /* the report's */
    anm_verify_part *parts;
    size_t part_count;
    anm_llm *llm; /* NULL: the parts do not fit, which is noted */
    anm_error *err;
} anm_verifier;

/* Notes a check and tells the caller. The message is one sentence. */
ANM_MUST_CHECK anm_status anm_verify_note(anm_verifier *v, anm_verify_result result,
                                          const char *name, const char *subject, const char *fmt,
                                          ...) ANM_PRINTF(5, 6);
/*
 * A step that failed with `error`: bad input is noted as a failed check, with `advice` behind it
 * (may be NULL), and gives ANM_OK; memory, cancellation and bugs of ours are passed on.
 */
ANM_MUST_CHECK anm_status anm_verify_note_error(anm_verifier *v, const char *name,
                                                const char *subject, const anm_error *error,
                                                const char *advice);

/* Calls visit for every blob that the function names, as often as it does. False stops. */
typedef bool (*anm_verify_blob_fn)(void *context, const anm_mil_literal *literal);
bool anm_verify_each_blob(const anm_mil_function *function, anm_verify_blob_fn visit,
                          void *context);

/* One part: each notes one check. */
ANM_MUST_CHECK anm_status anm_verify_weights(anm_verifier *v, const anm_verify_part *part);
ANM_MUST_CHECK anm_status anm_verify_sharing(anm_verifier *v, const anm_verify_part *part);
ANM_MUST_CHECK anm_status anm_verify_compiled(anm_verifier *v, const anm_verify_part *part);

/* verifyconfig.c: whether a ModelConfig describes the model; its parts; whether it is true. */
ANM_MUST_CHECK anm_status anm_verify_read_description(anm_verifier *v);
ANM_MUST_CHECK anm_status anm_verify_list_described(anm_verifier *v);
ANM_MUST_CHECK anm_status anm_verify_description(anm_verifier *v);

/* All parts together. */
ANM_MUST_CHECK anm_status anm_verify_fit(anm_verifier *v); /* opens v->llm */
ANM_MUST_CHECK anm_status anm_verify_record(anm_verifier *v);
ANM_MUST_CHECK anm_status anm_verify_states(anm_verifier *v);
ANM_MUST_CHECK anm_status anm_verify_meta(anm_verifier *v);
ANM_MUST_CHECK anm_status anm_verify_config(anm_verifier *v, const char *dir);

/* Bits of a palettized weight, of the coarsest part; 16 without tables. */
int anm_verify_bits(const anm_verifier *v);
ANM_MUST_CHECK anm_status anm_verify_against(anm_verifier *v);
extern const char anm_verify_text[]; /* to compare on */

#endif
