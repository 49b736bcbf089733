/* SPDX-License-Identifier: MIT */
/*
 * The program tier: any CoreML ML Program (.mlpackage or .mlmodelc), opened, described and run,
 * much as MLModel does it.
 *
 *     anm_program *program;
 *     if (anm_program_open("model.mlpackage", &program, &error)) ...
 *     const anm_function *f = anm_program_function(program, NULL);
 *     anm_state *state;                                   // only if it has states
 *     anm_state_create(f, ANM_PRECISION_FP16, &state, &error);
 *     anm_predict(f, inputs, 2, outputs, 1, state, NULL, &error);
 *
 * A program is immutable and may be used by several threads at once, each with its own state.
 */
#ifndef ANEMONE_PROGRAM_H
#define ANEMONE_PROGRAM_H

#include "anemone/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct anm_program anm_program;
typedef struct anm_function anm_function; /* belongs to its program */
typedef struct anm_state anm_state;

/*
 * How results are rounded. FP16: compute in fp32, round results to the type that the program
 * declares for them (the fast engine rounds states and outputs only). FP32: carry fp32 throughout,
 * whatever float type is declared; states are then fp32 as well.
 */
typedef enum anm_precision { ANM_PRECISION_FP16 = 0, ANM_PRECISION_FP32 = 1 } anm_precision;

typedef enum anm_feature_kind {
    ANM_FEATURE_TENSOR = 0,
    ANM_FEATURE_IMAGE = 1,      /* a tensor to the program; the interface says it is a picture */
    ANM_FEATURE_DICTIONARY = 2, /* a classifier's probabilities */
    ANM_FEATURE_STRING = 3,
    ANM_FEATURE_OTHER = 4
} anm_feature_kind;

typedef enum anm_shape_kind {
    ANM_SHAPE_FIXED = 0,
    ANM_SHAPE_RANGE = 1,     /* each dimension between lower[] and upper[] */
    ANM_SHAPE_ENUMERATED = 2 /* one of shape_count shapes */
} anm_shape_kind;

/* An input, output or state of a function. Belongs to the program. */
typedef struct anm_feature {
    const char *name;
    const char *description; /* "" if there is none */
    anm_feature_kind kind;
    anm_dtype dtype;
    int rank;
    int64_t shape[ANM_MAX_RANK]; /* default shape; -1: known only after a run */
    anm_shape_kind shape_kind;
    int64_t lower[ANM_MAX_RANK], upper[ANM_MAX_RANK]; /* ranged: -1 in upper is no bound */
    size_t shape_count;
    const int64_t (*shapes)[ANM_MAX_RANK]; /* enumerated */
    int optional;
} anm_feature;

/*
 * Opens a package or compiled model; its weights stay mapped. A program that is malformed, or
 * whose blobs lie outside their file, is refused here and not when it runs.
 */
ANM_API ANM_MUST_CHECK anm_status anm_program_open(const char *path, anm_program **out,
                                                   anm_error *err);
ANM_API void anm_program_close(anm_program *program); /* NULL is fine */

/* Told how many of how many bytes are done. Non-zero ends the work: ANM_ERROR_CANCELLED. */
typedef int (*anm_bytes_fn)(void *context, uint64_t done, uint64_t total);

/* Of the weight files, which are mapped. */
ANM_API uint64_t anm_program_weight_bytes(const anm_program *program);
/*
 * Brings the weights into memory, which the first run would do otherwise, page by page. They stay
 * mapped: what is short of memory may drop them again. `progress`, which may be NULL, is called
 * before the first and after every 32 MB. ANM_ERROR_IO for a file that can no longer be read.
 */
ANM_API ANM_MUST_CHECK anm_status anm_program_load_weights(const anm_program *program,
                                                           anm_bytes_fn progress, void *context,
                                                           anm_error *err);

ANM_API size_t anm_program_function_count(const anm_program *program);
ANM_API const anm_function *anm_program_function_at(const anm_program *program, size_t index);
/* By name; NULL for the default function. NULL if there is none. */
ANM_API const anm_function *anm_program_function(const anm_program *program, const char *name);
ANM_API const char *anm_function_name(const anm_function *function);

ANM_API size_t anm_function_input_count(const anm_function *function);
ANM_API const anm_feature *anm_function_input(const anm_function *function, size_t index);
ANM_API size_t anm_function_output_count(const anm_function *function);
ANM_API const anm_feature *anm_function_output(const anm_function *function, size_t index);
ANM_API size_t anm_function_state_count(const anm_function *function);
ANM_API const anm_feature *anm_function_state(const anm_function *function, size_t index);

/* A value of the package's metadata: "author", "version", "license", "description" or a
 * userDefined key such as "com.anemll.context_length"; NULL if absent. */
ANM_API const char *anm_program_metadata(const anm_program *program, const char *key);
/* All keys of userDefined, in order; NULL past the end. */
ANM_API const char *anm_program_metadata_key(const anm_program *program, size_t index);
/* CoreML specification version: 6 iOS 15, 7 iOS 16, 8 iOS 17, 9 iOS 18. */
ANM_API int anm_program_specification(const anm_program *program);

/*
 * Fresh zeroed states for a function. It fits every function whose states have the same names,
 * types and shapes, of this program or another (ANEMLL's chunks share one).
 */
ANM_API ANM_MUST_CHECK anm_status anm_state_create(const anm_function *function,
                                                   anm_precision precision, anm_state **out,
                                                   anm_error *err);
ANM_API void anm_state_destroy(anm_state *state);
ANM_API size_t anm_state_count(const anm_state *state);
/* Live view of a state's contents, to read or write between predictions; fp32 under
 * ANM_PRECISION_FP32. NULL past the end. */
ANM_API anm_tensor *anm_state_tensor(anm_state *state, size_t index);
ANM_API anm_tensor *anm_state_find(anm_state *state, const char *name);

/*
 * What runs a function. The reference is the interpreter: every op as specified, slowly. The fast
 * engine fuses ops and uses the instruction sets of the machine; floats stay in fp32 between ops,
 * so that under ANM_PRECISION_FP16 its results are nearer to exact arithmetic than the
 * reference's. AUTO is the fast engine where it can run the function and the precision is FP16.
 * The environment's ANEMONE_ENGINE (auto, fast, reference) decides for AUTO.
 */
typedef enum anm_engine_kind {
    ANM_ENGINE_AUTO = 0,
    ANM_ENGINE_REFERENCE = 1,
    ANM_ENGINE_FAST = 2
} anm_engine_kind;

typedef struct anm_predict_options {
    size_t struct_size;
    anm_precision precision;
    anm_engine_kind engine;
    int threads;     /* of the fast engine; 0: one a processor that the process may use */
    const char *cpu; /* highest level of instructions: "c", "avx2", "avxvnni", "avx512",
                      * "avx512vnni", "amx", "neon", "neondot", "neoni8mm"; NULL: the
                      * environment's ANEMONE_CPU, or the machine's */
    int plans;       /* most that a function keeps of the fast engine: one for each set of input
                      * shapes, precisions, cpu and threads; the least recently used goes; 0: 16 */
    /*
     * How exactly the fast engine multiplies many rows by constant matrices, as the rows of a
     * prompt: "high", in 16-bit integers, bf16 on AMX or floats; "medium", also in 8-bit integers
     * where the machine has an instruction for them, twice as fast; "auto" or NULL: what the
     * environment's ANEMONE_MATMUL_PRECISION says, or else medium for 32 and more rows by weights
     * of 512 and more columns palettized to up to 6 bits, whose own rounding is much coarser, and
     * high for others. One row, a token generated, is computed alike by all, except that on
     * AVX2 only "high" reads 6-bit tables of 512 and more columns as they are; others round them
     * about as bf16 does.
     */
    const char *matmul_precision;
} anm_predict_options;
ANM_API void anm_predict_options_init(anm_predict_options *options);

/*
 * Runs a function. Inputs are matched by name; their element type may be any numeric type and is
 * converted, their shape must fit the feature. Each entry of `outputs` names an output and
 * gives a buffer: `data` with `bytes` of room; `dtype` NONE takes the declared type, another
 * numeric type converts. On return dtype, rank, shape and bytes describe what was written. With
 * `data` NULL only dtype, rank, shape and bytes are reported. Outputs that are not asked for
 * are dropped. `state` may be NULL if the function has no states; its precision must be the
 * run's. After an error the state may have been partly updated.
 */
ANM_API ANM_MUST_CHECK anm_status anm_predict(const anm_function *function,
                                              const anm_tensor *inputs, size_t input_count,
                                              anm_tensor *outputs, size_t output_count,
                                              anm_state *state,
                                              const anm_predict_options *options, anm_error *err);

/*
 * The same with output buffers made here, for outputs whose size is not known before: `data` of
 * every output must be NULL and is to be released with anm_tensor_release(), also after an error.
 */
ANM_API ANM_MUST_CHECK anm_status anm_predict_alloc(const anm_function *function,
                                                    const anm_tensor *inputs, size_t input_count,
                                                    anm_tensor *outputs, size_t output_count,
                                                    anm_state *state,
                                                    const anm_predict_options *options,
                                                    anm_error *err);
ANM_API void anm_tensor_release(anm_tensor *tensor); /* frees `data` and sets it to NULL */

/*
 * Copies the elements of a tensor into the buffer of another of the same shape, converting between
 * numeric types (floats round to nearest even). ANM_ERROR_MISMATCH if the shapes differ,
 * ANM_ERROR_ARGUMENT if `to` has too little room.
 */
ANM_API ANM_MUST_CHECK anm_status anm_tensor_convert(const anm_tensor *from, anm_tensor *to,
                                                     anm_error *err);

#ifdef __cplusplus
}
#endif

#endif
