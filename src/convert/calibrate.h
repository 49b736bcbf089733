/* SPDX-License-Identifier: MIT */
/*
 * Calibration: the checkpoint's plain forward pass over a text, and what is seen of it. Input
 * channels that carry more count more when weights are palettized; the greatest magnitudes tell
 * what fp16 cannot hold.
 */
#ifndef ANM_CONVERT_CALIBRATE_H
#define ANM_CONVERT_CALIBRATE_H

#include "src/forward/forward_model.h"

typedef struct anm_calibration anm_calibration;

/* The greatest magnitude of an intermediate value (forward_model.h has the names). */
typedef struct anm_peak {
    const char *name;
    double value;
    double square; /* their mean square */
    int64_t count;
} anm_peak;

enum {
    ANM_CALIBRATION_TOKENS = 4096, /* if nothing else is asked for */
    ANM_CALIBRATION_WINDOW = 512
};

/*
 * Reads a text file and cuts it into windows; if it has more than `tokens` tokens (0: the default),
 * windows from all over it are taken. ANM_ERROR_ARGUMENT for a text without tokens.
 */
ANM_MUST_CHECK anm_status anm_calibration_open(const char *model_dir, const char *text_file,
                                               int64_t tokens, anm_calibration **out,
                                               anm_error *err);
void anm_calibration_close(anm_calibration *c); /* NULL is fine */

/* The forward pass over the windows, with hooks of one's own. Logits are not computed. */
ANM_MUST_CHECK anm_status anm_calibration_run(const anm_calibration *c,
                                              const anm_forward_hooks *hooks, anm_error *err);
/* The forward pass that finds the means and peaks below. */
ANM_MUST_CHECK anm_status anm_calibration_measure(anm_calibration *c, anm_error *err);

/* The mean square of each input of a linear layer; NULL for a tensor that is none. */
const double *anm_calibration_squares(const anm_calibration *c, const char *tensor,
                                      int64_t columns);
size_t anm_calibration_peak_count(const anm_calibration *c);
const anm_peak *anm_calibration_peak(const anm_calibration *c, size_t index);
/* The mean square of an intermediate value; 0 for an unknown one. */
double anm_calibration_mean_square(const anm_calibration *c, const char *value);
int64_t anm_calibration_tokens(const anm_calibration *c);

#endif
