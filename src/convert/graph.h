/* SPDX-License-Identifier: MIT */
/*
 * The MIL graph of a decoder-only model, for every family: the recipe says what differs.
 *
 * Shapes follow ANEMLL, since that is what its runners and the Neural Engine expect: hidden states
 * [1, T, H], projections as 1x1 convolutions over [1, channels, 1, T], heads [1, heads, T, D].
 * T is the number of tokens of a call. Nothing has more than four dimensions.
 *
 * Failure is sticky in the builder: helpers return NULL then and need no checks.
 */
#ifndef ANM_CONVERT_GRAPH_H
#define ANM_CONVERT_GRAPH_H

#include "src/convert/partplan.h"
#include "src/convert/weights.h"
#include "src/mil/builder.h"

/* The two kinds of layers. */
typedef enum anm_side { ANM_SIDE_GLOBAL, ANM_SIDE_LOCAL } anm_side;

/* What the attention of a kind of layers reads and writes. */
typedef struct anm_graph_side {
    anm_mil_value *cos, *sin; /* [1, 1, T, D/2] */
    anm_mil_value *mask;      /* [1, 1, T, columns]; NULL: every column is seen */
    int64_t columns;          /* keys that a query meets */
    anm_mil_value *state;     /* the KV cache; NULL: there are no such layers */
    anm_mil_value *cache;     /* its newest contents */
    int64_t layers, rows;     /* of the cache */
} anm_graph_side;

/* Where the weights lie in the package's blob file. */
typedef struct anm_stored {
    anm_place model[ANM_SLOT_LAYER_FIRST];
    anm_place (*layers)[ANM_SLOT_COUNT]; /* [recipe->layers] */
    uint64_t cos[2], sin[2]; /* by anm_side: fp16 [1, state, anm_recipe_rope_width()] */
    uint64_t band;           /* fp16 [1, 1, batch, window + batch]: see graph_window.c */
    anm_place *head;                    /* [recipe->splits] rows of the LM head */
} anm_stored;

typedef struct anm_graph {
    anm_mil_builder *b;
    const anm_recipe *r;
    const anm_contents *contents; /* the part of the model that is in this package */
    const anm_stored *stored;
    anm_map constants; /* of the function, by content */
    int64_t layer;     /* being built, for names; -1: none */
    int64_t tokens;    /* T */
    anm_graph_side sides[2];   /* by anm_side */
    anm_graph_side *side;      /* of the layer that is being built */
    anm_mil_value *begin, *end; /* int32 [1]: positions [begin, end) are written */
    bool rotate;               /* a local cache is full: it moves on */
    anm_mil_value *real;       /* int32 [1], if it does: how many of the tokens are real */
} anm_graph;

/* What the functions of a package are built from. */
typedef struct anm_graph_source {
    const anm_recipe *recipe;
    const anm_contents *contents;
    const anm_stored *stored;
} anm_graph_source;

/* Starts a function; ends it again and releases what the graph holds (not the builder). */
void anm_graph_begin(anm_graph *g, anm_mil_builder *b, const anm_graph_source *from,
                     const char *function, int64_t tokens);
void anm_graph_end(anm_graph *g, anm_mil_value *const *outputs, size_t count);

/* graph_base.c: constants, each value once per function, and ops in the shape that we need. */
anm_mil_value *anm_graph_int(anm_graph *g, int32_t value);
anm_mil_value *anm_graph_ints(anm_graph *g, int count, const int32_t *values);
anm_mil_value *anm_graph_bool(anm_graph *g, bool value);
anm_mil_value *anm_graph_bools(anm_graph *g, int count, const bool *values);
anm_mil_value *anm_graph_half(anm_graph *g, double value);
anm_mil_value *anm_graph_string(anm_graph *g, const char *text);
/* A name for the current layer's value: "layer_3_query". Lives in the program's arena. */
const char *anm_graph_name(anm_graph *g, const char *what);
/*
 * A stored weight: a constant, or what its tables decode to; then maybe with rows of padding at the
 * end.
 */
anm_mil_value *anm_graph_stored(anm_graph *g, const char *name, int rank, const int64_t *shape,
                                anm_place place);
/* The current layer's (or the model's) weight; `rank` 4 makes a matrix a 1x1 convolution's. */
anm_mil_value *anm_graph_weight(anm_graph *g, anm_slot slot, int rank);
anm_mil_value *anm_graph_reshape(anm_graph *g, const char *what, anm_mil_value *x, int rank,
                                 const int64_t *shape);
anm_mil_value *anm_graph_transpose(anm_graph *g, const char *what, anm_mil_value *x, int rank,
                                   const int32_t *perm);
/* x[..., from:to] of the last axis. */
anm_mil_value *anm_graph_columns(anm_graph *g, const char *what, anm_mil_value *x, int64_t from,
                                 int64_t to);
anm_mil_value *anm_graph_concat(anm_graph *g, const char *what, anm_mil_value *const *values,
                                size_t count, int32_t axis);
/* [1, T, H] to [1, H, 1, T] and back, as projections want it. */
anm_mil_value *anm_graph_to_channels(anm_graph *g, const char *what, anm_mil_value *x);
anm_mil_value *anm_graph_from_channels(anm_graph *g, const char *what, anm_mil_value *x);
/*
 * A 1x1 convolution over [1, channels, 1, T]; `bias` may be NULL. Channels of the weight beyond
 * `channels` are padding, and cut off.
 */
anm_mil_value *anm_graph_conv(anm_graph *g, const char *what, anm_mil_value *x,
                              anm_mil_value *weight, anm_mil_value *bias, int64_t channels);
/* The same with the weights of slots; no bias if the recipe has none. */
anm_mil_value *anm_graph_project(anm_graph *g, const char *what, anm_mil_value *x, anm_slot weight,
                                 anm_slot bias);

/* cap * tanh(x / cap): never beyond the cap, nearly x far below it; x if cap is 0. */
anm_mil_value *anm_graph_cap(anm_graph *g, anm_mil_value *x, double cap);

/* graph_norm.c: RMSNorm over the last axis, `size` wide. */
anm_mil_value *anm_graph_norm(anm_graph *g, const char *what, anm_mil_value *x, anm_slot slot,
                              int64_t size);
/* graph_rope.c: fetches the tables' rows; rotates [1, heads, T, D]. */
void anm_graph_rope_tables(anm_graph *g, anm_mil_value *positions);
anm_mil_value *anm_graph_rotate(anm_graph *g, const char *what, anm_mil_value *x);
/*
 * graph_cache.c: declares the states; says where this call's rows end and reads what the states
 * hold, before the first layer (ANEMLL: in it).
 */
void anm_graph_cache_declare(anm_graph *g);
void anm_graph_cache_open(anm_graph *g);
/* Puts the layer's keys or values, [1, KV, T, D], into its row of the state. */
typedef enum anm_cached { ANM_CACHED_KEYS, ANM_CACHED_VALUES } anm_cached;
void anm_graph_cache_write(anm_graph *g, const char *what, anm_mil_value *x, anm_cached which);
/* The layer's keys or values, [1, KV, columns, D]. */
anm_mil_value *anm_graph_cache_read(anm_graph *g, const char *what, anm_cached which);
/* The two halves of that: which part of the cache it is, and writing there. */
void anm_graph_cache_range(anm_graph *g, anm_cached which, anm_mil_value *begin, anm_mil_value *end,
                           anm_mil_value **from, anm_mil_value **to);
void anm_graph_cache_put(anm_graph *g, const char *what, anm_mil_value *x, anm_mil_value *from,
                         anm_mil_value *to);
/* Writes x over all of the cache's rows but those outside of [begin, end). */
void anm_graph_cache_update(anm_graph *g, const char *what, anm_mil_value *x, anm_cached which,
                            anm_mil_value *begin, anm_mil_value *end);
/* The same row as it lies there, [1, KV, rows, D]. */
anm_mil_value *anm_graph_cache_row(anm_graph *g, const char *what, anm_cached which,
                                   int64_t rows);
/* graph_window.c: the mask of local layers, and what they meet when their cache moves on. */
void anm_graph_window_mask(anm_graph *g, anm_mil_value *mask);
anm_mil_value *anm_graph_window_shift(anm_graph *g, const char *what, anm_mil_value *x,
                                      anm_cached which);
/* graph_attention.c, graph_mlp.c: a layer's halves, residual included: [1, T, H] to the same. */
anm_mil_value *anm_graph_attention(anm_graph *g, anm_mil_value *hidden);
anm_mil_value *anm_graph_mlp(anm_graph *g, anm_mil_value *hidden);

/*
 * The functions. graph_decoder.c: "infer" for T = 1, "prefill" for T = batch; `rotate`:
 * "infer_rotate" and "prefill_rotate", for positions from the window on.
 */
void anm_graph_infer(anm_mil_builder *b, const anm_graph_source *from, bool rotate);
void anm_graph_prefill(anm_mil_builder *b, const anm_graph_source *from, bool rotate);
/* graph_ends.c: rows of the embedding; the LM head's outputs, how many; */
anm_mil_value *anm_graph_embed(anm_graph *g, anm_mil_value *ids);
size_t anm_graph_predict(anm_graph *g, anm_mil_value *hidden, bool argmax,
                         anm_mil_value *outputs[ANM_MAX_SPLITS]);
/* "main" of the embeddings and of the LM head. */
void anm_graph_embeddings(anm_mil_builder *b, const anm_graph_source *from);
void anm_graph_head(anm_mil_builder *b, const anm_graph_source *from);

#define ANM_STATE_NAME "model_model_kv_cache_0"
#define ANM_STATE_LOCAL "model_model_kv_cache_local"
#define ANM_STATE_GLOBAL "model_model_kv_cache_global"
#define ANM_OPSET "CoreML8"

#endif
