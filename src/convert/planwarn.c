/* SPDX-License-Identifier: MIT */
/* Sizes beyond what the model was trained for, the Neural Engine takes, or the OS loads. */
#include "src/convert/planwarn.h"

static anm_status warn_context(const anm_recipe *r, anm_convert_report *report, anm_error *err) {
    int64_t trained = r->config.max_position_embeddings;
    if (trained && r->context > trained)
        ANM_TRY(anm_report_warn(report, err,
                                "context length %lld is beyond the model's %lld positions",
                                (long long)r->context, (long long)trained));
    if (r->context <= ANM_NEURAL_ENGINE_WIDTH) return ANM_OK;
    return anm_report_warn(report, err,
                           "context length %lld is beyond the %d that the Neural Engine takes; "
                           "CoreML will use the GPU or CPU",
                           (long long)r->context, ANM_NEURAL_ENGINE_WIDTH);
}

static anm_status warn_head(const anm_recipe *r, anm_convert_report *report, anm_error *err) {
    int64_t first, rows = anm_recipe_split(r, 0, &first);
    int64_t enough = (r->vocab + ANM_NEURAL_ENGINE_WIDTH - 1) / ANM_NEURAL_ENGINE_WIDTH;
    if (rows <= ANM_NEURAL_ENGINE_WIDTH) return ANM_OK;
    return anm_report_warn(report, err,
                           "an output of the LM head has %lld logits, beyond the %d that the "
                           "Neural Engine takes; %lld outputs are enough",
                           (long long)rows, ANM_NEURAL_ENGINE_WIDTH, (long long)enough);
}

static anm_status warn_size(const anm_recipe *r, const anm_planned *p, anm_convert_report *report,
                            anm_error *err) {
    if (p->size.bytes <= (uint64_t)r->max_chunk_bytes) return ANM_OK;
    return anm_report_warn(report, err,
                           "%s has %.2f GB of weights, more than the limit of %.2f GB: the device "
                           "may refuse it%s", p->file, (double)p->size.bytes * 1e-9,
                           (double)r->max_chunk_bytes * 1e-9,
                           p->chunks == 1 ? "; chunks would help" : "");
}

anm_status anm_plan_warn(const anm_recipe *recipe, const anm_plan *plan,
                         anm_convert_report *report, anm_error *err) {
    ANM_TRY(warn_context(recipe, report, err));
    ANM_TRY(warn_head(recipe, report, err));
    for (size_t i = 0; i < plan->count; i++)
        ANM_TRY(warn_size(recipe, &plan->parts[i], report, err));
    return ANM_OK;
}
