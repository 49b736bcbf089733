/* SPDX-License-Identifier: MIT */
/*
 * Checking a converted model: that its packages are whole and fit together, and, against the
 * checkpoint that it was made of, that it still is that model.
 *
 *     anm_verify_report *report;
 *     if (anm_verify("out", NULL, &report, &error) == ANM_OK)
 *         printf("%zu checks failed\n", anm_verify_report_failed(report));
 *     anm_verify_report_free(report);
 *
 * docs/verify.md lists the checks and what each can and cannot find.
 */
#ifndef ANEMONE_VERIFY_H
#define ANEMONE_VERIFY_H

#include "anemone/eval.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum anm_verify_result {
    ANM_VERIFY_OK = 0,
    ANM_VERIFY_FAILED = 1,
    ANM_VERIFY_SKIPPED = 2 /* there is nothing to check against; the message says what is missing */
} anm_verify_result;

typedef struct anm_verify_check {
    anm_verify_result result;
    const char *name;    /* "weights"; see docs/verify.md */
    const char *subject; /* the file or directory */
    const char *message; /* what was found; if it failed, also what to do */
} anm_verify_check;
/* Called as soon as a check is done. Everything lives as long as the report. */
typedef void (*anm_verify_check_fn)(void *context, const anm_verify_check *check);

typedef struct anm_verify_options {
    size_t struct_size;
    const char *against; /* the checkpoint's directory; NULL: the packages alone */
    const char *text;    /* file to compare on; NULL: a text of our own */
    double max_kl;       /* mean KL divergence allowed; 0: by the bits of the weights */
    uint64_t max_tokens; /* to compare on; 0: 256 */
    anm_verify_check_fn on_check;  /* may be NULL */
    anm_eval_progress_fn progress; /* of the comparison; may be NULL */
    void *callback_context;
} anm_verify_options;
ANM_API void anm_verify_options_init(anm_verify_options *options);

typedef struct anm_verify_report anm_verify_report;

/*
 * Checks the converted model in `dir`. ANM_OK means that the checks could be made, not that they
 * passed: anm_verify_report_failed() tells. `options` may be NULL.
 *
 * ANM_ERROR_NOT_FOUND if there are no packages, no checkpoint or no text; ANM_ERROR_UNSUPPORTED for
 * a checkpoint whose family has no plain forward pass; ANM_ERROR_CANCELLED.
 */
ANM_API ANM_MUST_CHECK anm_status anm_verify(const char *dir, const anm_verify_options *options,
                                             anm_verify_report **report, anm_error *err);

ANM_API size_t anm_verify_report_failed(const anm_verify_report *report);
/* In the order in which they were made; NULL past the end. */
ANM_API const anm_verify_check *anm_verify_report_check(const anm_verify_report *report,
                                                        size_t index);

/* The comparison with the checkpoint. */
typedef struct anm_verify_comparison {
    anm_eval_comparison figures; /* reference: the checkpoint; other: the packages */
    double max_kl;               /* what figures.kl was held against */
    int bits;                    /* a weight, of the coarsest part; 16: not palettized */
    size_t worst_document, worst_index; /* the token with the largest KL divergence */
    const char *text;            /* what was read: a path, "built-in text" or "token ids" */
} anm_verify_comparison;
/* NULL if none was made. */
ANM_API const anm_verify_comparison *
anm_verify_report_comparison(const anm_verify_report *report);
ANM_API void anm_verify_report_free(anm_verify_report *report); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif
