/* SPDX-License-Identifier: MIT */
/*
 * The plan of a function: where each value lies, and the steps that compute them. Built once for
 * the shapes at hand; running it allocates nothing (steps left to the interpreter apart).
 *
 * Floats are fp32 in the workspace, integers and bools int32, whatever is declared. States and
 * big constants stay in the type they have.
 */
#ifndef ANM_CPU_PLANNER_H
#define ANM_CPU_PLANNER_H

#include <stdatomic.h>

#include "src/base/vec.h"
#include "src/cpu/isa.h"
#include "src/cpu/kernels/ahead.h"
#include "src/cpu/kernels/rows.h"
#include "src/cpu/matmul.h"
#include "src/cpu/pool.h"
#include "src/interp/interp.h"
#include "src/pass/flow.h"
#include "src/pass/view.h"

typedef enum anm_place { ANM_PLACE_WORK, ANM_PLACE_CONST, ANM_PLACE_STATE } anm_place;

typedef struct anm_step anm_step;
typedef struct anm_exec anm_exec;

/* A thread's share of a step. */
typedef void (*anm_step_fn)(const anm_step *s, anm_exec *x, int thread, int threads);

typedef struct anm_block_memory {
    anm_place place;
    size_t bytes;
    size_t offset;     /* in the workspace */
    const void *data;  /* of a constant */
    size_t state;      /* which of the states */
    int first, last;   /* phases in which it is needed; last -1: never */
    int written;       /* phase of the last write; -1: before the run */
    int read;          /* phase of the last read */
    anm_step_fn writer; /* of the steps of the last write; NULL: of different ones */
    int64_t rows;      /* of the step that wrote it last, if that went row by row; else 0 */
} anm_block_memory;

/* How a value lies in a block of memory. */
typedef struct anm_lie {
    int block; /* -1: nowhere (a constexpr weight, a string) */
    anm_dtype dtype;
    anm_view view;
} anm_lie;

/* The part-th range that a thread's share streams from memory, in its order; false: no more. */
typedef bool (*anm_streams_fn)(const anm_step *s, int part, int thread, int threads,
                               anm_ahead_range *out);

/* The part-th range that a thread's share streams from memory, in its order; false: no more. */
typedef bool (*anm_streams_fn)(const anm_step *s, int part, int thread, int threads,
                               anm_ahead_range *out);

struct anm_step {
    anm_step_fn run;
    anm_streams_fn streams; /* NULL: nothing that it would ask for ahead */
    const char *kind;      /* for the profile: the op's type */
    const char *kernel;    /* of a product's first matrix; NULL for other steps */
    const anm_mil_op *op;
    const void *data;      /* what the step's own file made */
    int phase;             /* a barrier separates phases */
    uint64_t bytes, flops; /* of weights read; multiplied and added */
    bool interpreted;      /* by the interpreter */
};

/* One run. */
struct anm_exec {
    const struct anm_plan *plan;
    char **base; /* by block */
    char *scratch;
    anm_tensor *states;
    size_t state_count;
    _Atomic(anm_team *) team; /* for steps with barriers of their own; set by every thread */
    int failed; /* anm_status of the first failure; set by one thread */
    anm_error *err;
    uint64_t *ticks; /* by step, nanoseconds on thread 0; NULL: no profile */
    uint64_t *cache_bytes; /* by step, of keys and values read; NULL: no profile */
};

typedef struct anm_plan {
    anm_arena *arena;
    anm_flow flow;
    anm_isa isa;
    anm_matmul matmul;
    const anm_row_kernels *rows;
    int threads;
    anm_block_memory *blocks;
    size_t block_count;
    anm_step *steps;
    size_t step_count;
    anm_lie *inputs, *outputs; /* of the function; states have block of their own */
    const char *const *output_names;
    anm_dtype *output_dtypes; /* as declared */
    size_t workspace;     /* bytes, scratch of all threads included */
    size_t scratch_begin, scratch_each; /* of a thread: its walk, then what its steps use */
    anm_interp **interps; /* of those steps that the interpreter runs */
    size_t fallbacks;     /* steps that the interpreter runs */
    const anm_mil_op *refused; /* that no step could be made for; NULL: none, or not known */
} anm_plan;

typedef struct anm_planner {
    anm_plan *plan;
    anm_lie *lies;          /* by value id */
    uint32_t *last_use;     /* by value id: number of the last op that sees it through views */
    const anm_mil_op *at;   /* the op at hand, and its number */
    uint32_t number;
    anm_dtype state_dtype;  /* of float states; NONE: as declared */
    ANM_VEC(anm_block_memory) blocks;
    ANM_VEC(anm_step) steps;
    anm_step no_step; /* given after a failure: what is written to it does not matter */
    ANM_VEC(anm_interp *) interps;
    int phase;
    size_t scratch; /* most that a thread needs */
    anm_status status;
    anm_error *err;
} anm_planner;

/* Where values lie. The functions give a lie whose block is -1 after a failure (p->status). */
anm_lie anm_lie_of(anm_planner *p, const anm_mil_value *value);
/* A new block in the workspace, dense, or with the dimensions ordered as `like` has them. */
anm_lie anm_lie_new(anm_planner *p, anm_dtype dtype, int rank, const int64_t *shape);
anm_lie anm_lie_new_like(anm_planner *p, anm_dtype dtype, const anm_view *like);
/* The argument as fp32 (or int32) however it lies; dense; or with its last dimension contiguous. */
anm_lie anm_lie_plain(anm_planner *p, anm_lie lie);
anm_lie anm_lie_dense(anm_planner *p, anm_lie lie);
anm_lie anm_lie_rows(anm_planner *p, anm_lie lie);
anm_lie anm_operand_lie(anm_planner *p, anm_mil_operand operand);
anm_lie anm_arg_lie(anm_planner *p, const anm_mil_op *op, const char *name);
/* A constant, compressed or not, as fp32 in memory of the plan, or where it is mapped. */
anm_lie anm_lie_constant_floats(anm_planner *p, anm_mil_operand operand);
void anm_lie_set(anm_planner *p, const anm_mil_value *value, anm_lie lie);
/* Whether only the op at hand wants what lies there: no step has read it, no other op will. */
bool anm_lie_is_spare(const anm_planner *p, const anm_lie *lie);

/* Memory of the plan, zeroed; NULL after a failure. */
void *anm_plan_alloc(anm_planner *p, size_t size);
/*
 * Adds a step that reads and writes these blocks (ended by -1); it gets a phase after those that it
 * depends on, before the last phase if it can.
 */
anm_step *anm_step_add(anm_planner *p, anm_step_fn run, const char *kind, const void *data,
                       const int *reads, const int *writes);
/*
 * The same for a step that goes through `rows` rows, of which a thread has anm_share(rows, 1), and
 * for each row reads and writes only its part of the first blocks: that many equal parts one behind
 * the other. So it may follow a step of as many rows in the same phase. `apart`: no other step of
 * a phase writes what it writes. rows 0: like anm_step_add().
 */
anm_step *anm_step_add_rows(anm_planner *p, anm_step_fn run, const char *kind, const void *data,
                            const int *reads, const int *writes, int64_t rows, bool apart);
/* `rows` if the lies fill their blocks row after row, or there is but one row; else 0. */
int64_t anm_step_rows(const anm_planner *p, int64_t rows, const anm_lie *a, const anm_lie *b);
#define ANM_BLOCKS(...) ((const int[]){__VA_ARGS__, -1})
/* The step added last, to do more, reading these blocks, too; NULL: they come too late for it. */
anm_step *anm_step_extend(anm_planner *p, const int *reads);
void anm_step_scratch(anm_planner *p, size_t bytes);

/* Running. */
static inline void *anm_exec_at(const anm_exec *x, const anm_lie *lie) {
    size_t size = lie->dtype == ANM_DTYPE_FP16 ? 2 : 4;
    return x->base[lie->block] + lie->view.offset * (int64_t)size;
}
enum { ANM_WALK_BYTES = 128 }; /* whole cache lines */
/* The first bytes of a thread's scratch: its walk over what it reads (stream_walk.h). */
typedef struct anm_stream_walk anm_stream_walk;
static inline anm_stream_walk *anm_exec_walk(const anm_exec *x, int thread) {
    return (void *)(x->scratch + (size_t)thread * x->plan->scratch_each);
}
static inline void *anm_exec_scratch(const anm_exec *x, int thread) {
    return x->scratch + (size_t)thread * x->plan->scratch_each + ANM_WALK_BYTES;
}
/* Items [*from, *to) of `count` for a thread, in multiples of `step`. */
static inline void anm_share(int64_t count, int64_t step, int thread, int threads, int64_t *from,
                             int64_t *to) {
    int64_t pieces = (count + step - 1) / step;
    *from = pieces * thread / threads * step;
    *to = pieces * (thread + 1) / threads * step;
    if (*from > count) *from = count;
    if (*to > count) *to = count;
}
/* Whether the thread has one of so few rows. */
static inline bool anm_has_share(int64_t count, int thread, int threads) {
    int64_t from, to;
    anm_share(count, 1, thread, threads, &from, &to);
    return from < to;
}
void anm_exec_fail(anm_exec *x, const anm_step *s, anm_status status, const char *fmt, ...)
    ANM_PRINTF(4, 5);

/*
 * Builders of steps: true when they planned the op (or failed, p->status), false when they leave
 * it to others.
 */
typedef bool (*anm_step_builder)(anm_planner *p, const anm_mil_op *op);
bool anm_build_view(anm_planner *p, const anm_mil_op *op);
bool anm_build_linear(anm_planner *p, const anm_mil_op *op);
bool anm_build_linear_topk(anm_planner *p, const anm_mil_op *op);
bool anm_build_gated(anm_planner *p, const anm_mil_op *op);
bool anm_build_norm(anm_planner *p, const anm_mil_op *op);
bool anm_build_rope(anm_planner *p, const anm_mil_op *op);
bool anm_build_cache(anm_planner *p, const anm_mil_op *op);
bool anm_build_softmax(anm_planner *p, const anm_mil_op *op);
bool anm_build_attention(anm_planner *p, const anm_mil_op *op);
bool anm_build_gather(anm_planner *p, const anm_mil_op *op);
bool anm_build_binary(anm_planner *p, const anm_mil_op *op);
bool anm_build_cast(anm_planner *p, const anm_mil_op *op);
bool anm_build_unary(anm_planner *p, const anm_mil_op *op);
bool anm_build_layer_norm(anm_planner *p, const anm_mil_op *op);
bool anm_build_reduce(anm_planner *p, const anm_mil_op *op);
bool anm_build_matmul(anm_planner *p, const anm_mil_op *op);
bool anm_build_conv(anm_planner *p, const anm_mil_op *op);
bool anm_build_pool(anm_planner *p, const anm_mil_op *op);
bool anm_build_join(anm_planner *p, const anm_mil_op *op);
bool anm_build_deconv(anm_planner *p, const anm_mil_op *op);
bool anm_build_order(anm_planner *p, const anm_mil_op *op);
bool anm_build_pickby(anm_planner *p, const anm_mil_op *op);
bool anm_build_scatter(anm_planner *p, const anm_mil_op *op);
bool anm_build_channel(anm_planner *p, const anm_mil_op *op);
bool anm_build_scalar(anm_planner *p, const anm_mil_op *op);
bool anm_build_quantize(anm_planner *p, const anm_mil_op *op);
bool anm_build_recurrent(anm_planner *p, const anm_mil_op *op);
bool anm_build_generate(anm_planner *p, const anm_mil_op *op);
bool anm_build_random(anm_planner *p, const anm_mil_op *op);
bool anm_build_batchspace(anm_planner *p, const anm_mil_op *op);
bool anm_build_neighbours(anm_planner *p, const anm_mil_op *op);
bool anm_build_sample(anm_planner *p, const anm_mil_op *op);
bool anm_build_rearrange(anm_planner *p, const anm_mil_op *op);
bool anm_build_resize(anm_planner *p, const anm_mil_op *op);
bool anm_build_interp(anm_planner *p, const anm_mil_op *op); /* takes every op */

#endif
