/* SPDX-License-Identifier: MIT */
/*
 * The description of a model's packages that candle-coreml calls ModelConfig: a JSON file with
 * components, their files, functions, inputs and outputs. It is made from the packages themselves,
 * read, checked against them, and a model may be opened by it: see docs/model-config.md.
 */
#ifndef ANEMONE_MODEL_CONFIG_H
#define ANEMONE_MODEL_CONFIG_H

#include "anemone/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* By this name anm_llm_open() finds it in a directory. */
#define ANM_MODEL_CONFIG_FILE "model_config.json"

typedef struct anm_model_config anm_model_config; /* immutable */

/* From the packages of a directory, by their interfaces; weights need not be there. */
ANM_API ANM_MUST_CHECK anm_status anm_model_config_generate(const char *dir,
                                                            anm_model_config **out,
                                                            anm_error *err);
/*
 * From a JSON file, or the one in a directory. What its form demands is checked here, what it says
 * of the packages is not. Unknown keys are kept.
 */
ANM_API ANM_MUST_CHECK anm_status anm_model_config_read(const char *path, anm_model_config **out,
                                                        anm_error *err);
ANM_API void anm_model_config_close(anm_model_config *config); /* NULL is fine */
ANM_API ANM_MUST_CHECK anm_status anm_model_config_write(const anm_model_config *config,
                                                         const char *path, anm_error *err);
/* As JSON text; release with anm_model_config_text_free(). NULL when memory is out. */
ANM_API char *anm_model_config_text(const anm_model_config *config);
ANM_API void anm_model_config_text_free(char *text);

/* Strings belong to the configuration, and are NULL where the JSON has none. */
typedef struct anm_model_config_info {
    const char *model_id, *path, *model_type, *discovered_at, *ffn_execution;
    int64_t batch_size, context_length, hidden_size, vocab_size;
    const char *directory; /* where tokenizer and templates are looked for */
} anm_model_config_info;
ANM_API const anm_model_config_info *anm_model_config_get_info(const anm_model_config *config);

typedef struct anm_config_tensor {
    const char *name;
    const char *data_type; /* "INT32", "FLOAT16", "FLOAT32", ... */
    int rank;
    int64_t shape[ANM_MAX_RANK];
} anm_config_tensor;

typedef struct anm_config_component {
    const char *name; /* "embeddings", "ffn_prefill", "ffn_infer", "lm_head", "monolithic" */
    /* Packages: one, or the chunks that a pattern stands for; none if nothing was found. */
    const char *const *files;
    size_t file_count;
    const char *given; /* the path or pattern as the JSON has it; NULL: none */
    const anm_config_tensor *inputs, *outputs;
    size_t input_count, output_count;
    const char *const *functions; /* none: the package's only one, or all */
    size_t function_count;
} anm_config_component;
/* NULL past the end. */
ANM_API const anm_config_component *anm_model_config_component(const anm_model_config *config,
                                                               size_t index);

/* Something that does not fit. Strings live until the callback returns; those not of use are "". */
typedef struct anm_config_problem {
    const char *file, *component, *tensor;
    const char *expected, *found; /* shapes and types, as text */
    const char *message;          /* a sentence */
} anm_config_problem;
typedef void (*anm_config_problem_fn)(void *context, const anm_config_problem *problem);

/*
 * Holds the configuration against its packages, and the components against each other: every input
 * is given by the component before, in shape and type, or is one that a runner provides. Goes on
 * after a problem; `count` gets their number. The status is about the check itself.
 */
ANM_API ANM_MUST_CHECK anm_status anm_model_config_check(const anm_model_config *config,
                                                         anm_config_problem_fn on_problem,
                                                         void *context, size_t *count,
                                                         anm_error *err);

#ifdef __cplusplus
}
#endif

#endif
