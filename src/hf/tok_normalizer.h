/* SPDX-License-Identifier: MIT */
/* The "normalizer" of a tokenizer.json: a list of steps, each of which rewrites the text. */
#ifndef ANM_HF_TOK_NORMALIZER_H
#define ANM_HF_TOK_NORMALIZER_H

#include "src/hf/tok_forms.h"
#include "src/hf/tok_pattern.h"

typedef enum anm_norm_kind {
    ANM_NORM_FORM,
    ANM_NORM_LOWERCASE,
    ANM_NORM_STRIP,
    ANM_NORM_STRIP_ACCENTS,
    ANM_NORM_REPLACE,
    ANM_NORM_PREPEND,
    ANM_NORM_BERT_CLEAN,
    ANM_NORM_BERT_CHINESE,
    ANM_NORM_BERT_ACCENTS,
    ANM_NORM_BYTE_LEVEL
} anm_norm_kind;

typedef struct anm_norm_step {
    anm_norm_kind kind;
    anm_unicode_form form; /* FORM */
    bool left, right;      /* STRIP */
    anm_pattern pattern;   /* REPLACE */
    anm_sv content;        /* REPLACE, PREPEND */
} anm_norm_step;

typedef struct anm_normalizer {
    ANM_VEC(anm_norm_step) steps;
} anm_normalizer;

/* `value` may be NULL or null: no step. Sequences are flattened, BertNormalizer is three steps. */
ANM_MUST_CHECK anm_status anm_normalizer_load(const json_t *value, anm_arena *arena,
                                              const char *where, anm_normalizer *out,
                                              anm_error *err);
void anm_normalizer_free(anm_normalizer *normalizer);

typedef struct anm_norm_scratch {
    anm_strbuf text[2];
    anm_code_points points;
} anm_norm_scratch;
void anm_norm_scratch_free(anm_norm_scratch *scratch);

/* *out points at `text` itself when nothing changed, else into the scratch. */
ANM_MUST_CHECK anm_status anm_normalizer_run(const anm_normalizer *normalizer,
                                             anm_norm_scratch *scratch, anm_regex_scratch *regex,
                                             anm_sv text, anm_sv *out, anm_error *err);

#endif
