/* SPDX-License-Identifier: MIT */
/*
 * Converting a Hugging Face checkpoint into CoreML packages in ANEMLL's form: embeddings, decoder
 * (functions infer and prefill) and LM head, with meta.yaml and the tokenizer files.
 *
 *     anm_convert_options options;
 *     anm_convert_options_init(&options);
 *     options.context_length = 1024;
 *     anm_convert_report *report;
 *     if (anm_convert("Qwen3-0.6B", "qwen3", &options, &report, &error)) ...
 *     anm_convert_report_free(report);
 *
 * Weights are streamed: memory in use does not grow with the model.
 */
#ifndef ANEMONE_CONVERT_H
#define ANEMONE_CONVERT_H

#include <stddef.h>
#include <stdint.h>

#include "anemone/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How far a conversion is. The strings live until the callback returns. */
typedef struct anm_convert_progress {
    const char *component;      /* "embeddings", "decoder", "lm_head" */
    const char *file;           /* the package being written, without its directory */
    size_t index, count;        /* of the component: 0 .. count - 1 */
    uint64_t done, total;       /* bytes of weights written, of all components together */
} anm_convert_progress;

/* Called every few megabytes, on the caller's thread. Non-zero cancels the conversion. */
typedef int (*anm_convert_progress_fn)(void *context, const anm_convert_progress *progress);

/* Palettization of a component: tables of 2^bits fp16 values, and an index for each weight. */
typedef struct anm_convert_lut {
    int bits;      /* per weight: 1, 2, 3, 4, 6 or 8; 0: fp16 */
    int64_t group; /* rows (output channels) that share a table; 0: 8; ANM_CONVERT_PER_TENSOR */
} anm_convert_lut;
#define ANM_CONVERT_PER_TENSOR (-1)

/* Where packages will run. Weight files above 1 GB may fail to load on iOS, 2 GB on macOS. */
typedef enum anm_convert_os { ANM_CONVERT_MACOS = 0, ANM_CONVERT_IOS = 1 } anm_convert_os;

/*
 * What to do about values beyond fp16's range: scale by powers of two where that changes nothing
 * else (with `calibrate` by what the text shows; Gemma 3 always, by a bound), or leave them.
 */
typedef enum anm_convert_rescale {
    ANM_CONVERT_RESCALE_AUTO = 0,
    ANM_CONVERT_RESCALE_OFF = 1
} anm_convert_rescale;

typedef struct anm_convert_options {
    size_t struct_size;
    /* Tokens of context; 0: 512, or max_position_embeddings where that is less. */
    int64_t context_length;
    /* Tokens per prefill call; it divides the context. 0: the largest such number up to 64. */
    int64_t batch_size;
    const char *prefix; /* of file names; NULL: the family's, "qwen" or "llama" */
    const char *name;   /* of the model in meta.yaml; NULL: from the directory's name */
    int overwrite;      /* replace what has the same name in an existing directory and differs */
    /*
     * Values beyond fp16's range become infinite (palettized ones +-65504) and are reported,
     * instead of an error.
     */
    int allow_overflow;
    anm_convert_progress_fn progress; /* may be NULL */
    void *progress_context;
    /*
     * Which components to palettize: ANEMLL's lut1, lut2 and lut3. Matrices of more than 2048
     * weights are; norms, biases and RoPE tables stay fp16. Where a group does not divide the
     * rows of a matrix, the largest smaller one that does is taken if it is at least half as
     * large; otherwise rows of padding are stored, which the graph cuts off. A warning tells it.
     * Values beyond fp16's range count as its greatest.
     */
    anm_convert_lut lut_embeddings, lut_ffn, lut_head;
    /*
     * What shares a table: rows (0, output channels) or columns (1, input channels; rows where the
     * group does not divide the columns).
     */
    int lut_axis;
    /* Divide each row by its greatest magnitude first: constexpr_blockwise_shift_scale. */
    int lut_channel_scale;
    /*
     * Packages that the decoder's layers are divided over, evenly by the bytes that they store.
     * 0: one; ANM_CONVERT_CHUNKS_AUTO: as few as keep each weight file within max_chunk_bytes.
     */
    int64_t chunks;
    int64_t max_chunk_bytes; /* 0: what target_os takes */
    anm_convert_os target_os;
    /*
     * A text to calibrate on, or NULL: the model computes it once, and weights that are multiplied
     * with more count more when tables are made.
     */
    const char *calibrate;
    int64_t calibrate_tokens; /* how much of it; 0: 4096 tokens */
    /*
     * Round weights one after the other, each making up for the errors of those before it as far
     * as the text's activations allow (GPTQ). Needs `calibrate`.
     */
    int lut_feedback;
    /* Outputs of the LM head, as even as can be; 0: the family's, 8 or 16; at most 64. */
    int64_t head_splits;
    /* Rows of the KV cache, at least the context; 0: config.json's state_length or the context. */
    int64_t state_length;
    /*
     * The head gives the place and the value of the greatest logit of each split, argmax_idx and
     * argmax_val, instead of the logits: enough for greedy decoding, and nothing else.
     */
    int argmax;
    /* One package with everything, functions infer and prefill from token ids to logits. */
    int monolithic;
    /*
     * Make these packages only: "embeddings", "ffn" (all chunks), "ffn:2" (one), "lm_head" or
     * "monolithic"; NULL: all. They are put in place at once; meta.yaml and the small files come
     * when the last missing package has been made.
     */
    const char *only;
    /*
     * Bytes that the weight files of all packages may take together: bits are chosen matrix by
     * matrix, by what they spoil, for components whose lut_* has none. 0: no budget. Needs
     * `calibrate`. ANM_ERROR_LIMIT if it cannot be.
     */
    int64_t target_bytes;
    /* Make every part, also those that are up to date; implies overwrite. */
    int force;
    /*
     * Tell whether the checkpoint is the same by all of its bytes. Otherwise by the files' names,
     * sizes, times of change and headers, and by samples of the tensors.
     */
    int verify_inputs;
    anm_convert_rescale rescale;
    /*
     * Follow ANEMLL's graph op for op where ours is leaner; docs/conversion.md says what differs
     * still. For Qwen 2, 2.5, 3 and Llama, in packages of parts; ANM_ERROR_UNSUPPORTED for others.
     */
    int iso_anemll;
    /*
     * Prefill gives the state of every token of its batch, and not of the last one only: a little
     * slower for prompts, and what speculative decoding needs. Not with `monolithic` or `iso`.
     */
    int prefill_all;
} anm_convert_options;
#define ANM_CONVERT_CHUNKS_AUTO (-1)

ANM_API void anm_convert_options_init(anm_convert_options *options);

typedef struct anm_convert_report anm_convert_report;

/*
 * Converts the checkpoint in model_dir, or the GGUF file of that name, into out_dir, which is
 * created. Outputs appear under their names when all of them are whole, meta.yaml last. A
 * conversion that fails, is cancelled or killed changes nothing of what stood there; parts that it
 * had finished are kept in out_dir/.anemone-convert, and the next conversion makes only what is
 * missing or would come out differently. `options` and `report` may be NULL.
 *
 * ANM_ERROR_NOT_FOUND without a checkpoint; ANM_ERROR_UNSUPPORTED for an architecture, a RoPE
 * scaling, a quantized checkpoint and so on, saying what is supported; ANM_ERROR_MISMATCH for
 * tensors that are missing, superfluous or of another shape or type than config.json implies,
 * naming them; ANM_ERROR_LIMIT for weights beyond fp16's range; ANM_ERROR_ARGUMENT for options
 * that do not fit and outputs that exist and differ; ANM_ERROR_IO, also when another conversion
 * into out_dir is running; ANM_ERROR_CANCELLED.
 */
ANM_API ANM_MUST_CHECK anm_status anm_convert(const char *model_dir, const char *out_dir,
                                              const anm_convert_options *options,
                                              anm_convert_report **report, anm_error *err);

/* What can be converted, one family a line: "Qwen 3 (model_type qwen3; Qwen3ForCausalLM)". */
ANM_API const char *anm_convert_supported(void);

/* A file or package that was written. */
typedef struct anm_convert_part {
    const char *file; /* relative to the output directory */
    uint64_t bytes;   /* of a package: all of its files */
    int kept;         /* it was up to date and not made again */
} anm_convert_part;

/* A tensor with finite values beyond fp16's range (65504), or values that are not finite. */
typedef struct anm_convert_overflow {
    const char *tensor;
    uint64_t count;  /* values that are infinite or NaN in the package */
    double largest;  /* largest finite magnitude in the checkpoint; 0 if none overflowed */
} anm_convert_overflow;

/* Accessors give NULL past the end. Everything lives until the report is freed. */
ANM_API size_t anm_convert_report_part_count(const anm_convert_report *report);
ANM_API const anm_convert_part *anm_convert_report_part(const anm_convert_report *report,
                                                        size_t index);
ANM_API size_t anm_convert_report_overflow_count(const anm_convert_report *report);
ANM_API const anm_convert_overflow *anm_convert_report_overflow(const anm_convert_report *report,
                                                                size_t index);
ANM_API size_t anm_convert_report_warning_count(const anm_convert_report *report);
ANM_API const char *anm_convert_report_warning(const anm_convert_report *report, size_t index);
/* Weights of the checkpoint that were used; a tied embedding counts once. */
ANM_API uint64_t anm_convert_report_parameters(const anm_convert_report *report);
ANM_API double anm_convert_report_seconds(const anm_convert_report *report);
ANM_API void anm_convert_report_free(anm_convert_report *report); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif
