/* SPDX-License-Identifier: MIT */
/*
 * non_maximum_suppression. Boxes are (x, y, width, height) with (x, y) the centre. iOS 15: boxes
 * [n, B, 4], scores [n, B, K], with a score threshold and a fourth output. iOS 17: box number
 * last, no threshold. Beyond the boxes chosen, coordinates and scores are 0 and indices -1.
 */
#include <math.h>

#include "src/interp/kernels.h"

typedef struct nms {
    const float *boxes, *scores; /* of one image */
    int64_t count, classes;
    bool last; /* the box number is the last axis */
    bool per_class;
    float iou, threshold;
} nms;

static float coordinate(const nms *s, int64_t box, int64_t i) {
    return s->last ? s->boxes[i * s->count + box] : s->boxes[box * 4 + i];
}

static float score(const nms *s, int64_t box, int64_t c) {
    return s->last ? s->scores[c * s->count + box] : s->scores[box * s->classes + c];
}

static int64_t best_class(const nms *s, int64_t box) {
    int64_t best = 0;
    for (int64_t c = 1; c < s->classes; c++)
        if (score(s, box, c) > score(s, box, best)) best = c;
    return best;
}

static double overlap(double a, double wide_a, double b, double wide_b) {
    double low = fmax(a - wide_a / 2, b - wide_b / 2), high = fmin(a + wide_a / 2, b + wide_b / 2);
    return high > low ? high - low : 0;
}

static bool overlaps(const nms *s, int64_t a, int64_t b) {
    double wa = coordinate(s, a, 2), ha = coordinate(s, a, 3);
    double wb = coordinate(s, b, 2), hb = coordinate(s, b, 3);
    double common = overlap(coordinate(s, a, 0), wa, coordinate(s, b, 0), wb) *
                    overlap(coordinate(s, a, 1), ha, coordinate(s, b, 1), hb);
    double all = wa * ha + wb * hb - common;
    return all > 0 && common / all > s->iou;
}

/* Takes the best box left until there is none; alive[] says which are left. */
static int64_t choose(const nms *s, bool *alive, int64_t *chosen, int64_t most) {
    int64_t n = 0;
    for (int64_t b = 0; b < s->count; b++) alive[b] = score(s, b, best_class(s, b)) >= s->threshold;
    while (n < most) {
        int64_t best = -1;
        for (int64_t b = 0; b < s->count; b++)
            if (alive[b] &&
                (best < 0 || score(s, b, best_class(s, b)) > score(s, best, best_class(s, best))))
                best = b;
        if (best < 0) break;
        chosen[n++] = best;
        alive[best] = false;
        for (int64_t b = 0; b < s->count; b++)
            if (alive[b] && (!s->per_class || best_class(s, b) == best_class(s, best)) &&
                overlaps(s, best, b))
                alive[b] = false;
    }
    return n;
}

typedef struct nms_output {
    float *boxes, *scores;
    int32_t *indices, *counts;
    int64_t most;
} nms_output;

static void store(const nms *s, const int64_t *chosen, int64_t n, int64_t image,
                  const nms_output *o) {
    for (int64_t i = 0; i < o->most; i++) {
        for (int64_t c = 0; c < 4; c++)
            o->boxes[image * o->most * 4 + (s->last ? c * o->most + i : i * 4 + c)] =
                i < n ? coordinate(s, chosen[i], c) : 0;
        for (int64_t c = 0; c < s->classes; c++)
            o->scores[image * o->most * s->classes +
                      (s->last ? c * o->most + i : i * s->classes + c)] =
                i < n ? score(s, chosen[i], c) : 0;
        o->indices[image * o->most + i] = i < n ? (int32_t)chosen[i] : -1;
    }
    if (o->counts) o->counts[image] = (int32_t)n;
}

static bool open_outputs(anm_kcall *k, const nms *s, int64_t images, nms_output *o) {
    int64_t boxes[3] = {images, o->most, 4}, scores[3] = {images, o->most, s->classes};
    if (s->last) {
        boxes[1] = 4, boxes[2] = o->most;
        scores[1] = s->classes, scores[2] = o->most;
    }
    o->boxes = anm_k_out_floats(k, 0, 3, boxes);
    o->scores = anm_k_out_floats(k, 1, 3, scores);
    o->indices = anm_k_out_ints(k, 2, 2, (const int64_t[]){images, o->most});
    o->counts = k->op->output_count > 3 ? anm_k_out_ints(k, 3, 1, &images) : NULL;
    return k->status == ANM_OK;
}

static void suppress(anm_kcall *k) {
    const anm_rvalue *boxes = anm_k_arg(k, "boxes"), *scores = anm_k_arg(k, "scores");
    if (!boxes || !scores) return;
    nms s = {.last = k->op->output_count == 3,
             .iou = (float)anm_k_float(k, "iou_threshold"),
             .per_class = anm_k_bool(k, "per_class_suppression"),
             .threshold = -INFINITY};
    nms_output o = {.most = anm_k_int(k, "max_boxes")};
    if (anm_k_has(k, "score_threshold")) s.threshold = (float)anm_k_float(k, "score_threshold");
    int box = s.last ? 2 : 1, other = s.last ? 1 : 2;
    bool fits = boxes->rank == 3 && scores->rank == 3 && boxes->shape[other] == 4 &&
                boxes->shape[0] == scores->shape[0] && boxes->shape[box] == scores->shape[box] &&
                scores->shape[other] > 0;
    if (!fits) anm_k_fail(k, ANM_ERROR_MISMATCH, "boxes and scores do not fit each other");
    if (k->status != ANM_OK) return;
    s.count = boxes->shape[box];
    s.classes = scores->shape[other];
    const float *all_boxes = anm_k_floats(k, boxes), *all_scores = anm_k_floats(k, scores);
    bool *alive = anm_k_scratch(k, s.count, sizeof *alive);
    int64_t *chosen = anm_k_scratch(k, o.most, sizeof *chosen);
    if (k->status != ANM_OK || !open_outputs(k, &s, boxes->shape[0], &o)) return;
    for (int64_t image = 0; image < boxes->shape[0]; image++) {
        s.boxes = all_boxes + image * s.count * 4;
        s.scores = all_scores + image * s.count * s.classes;
        store(&s, chosen, choose(&s, alive, chosen, o.most), image, &o);
    }
}

const anm_kernel anm_kernels_nms[] = {
    {"non_maximum_suppression", suppress, 0, NULL},
    {NULL, NULL, 0, NULL},
};
