/* SPDX-License-Identifier: MIT */
/*
 * The recipe: what is to be built from a checkpoint, decided before anything is written. A config
 * that we could not convert faithfully is refused here, so that later stages need not look.
 */
#ifndef ANM_CONVERT_RECIPE_H
#define ANM_CONVERT_RECIPE_H

#include "anemone/convert.h"
#include "src/base/arena.h"
#include "src/convert/family.h"

typedef enum anm_activation {
    ANM_ACTIVATION_SILU,
    ANM_ACTIVATION_GELU_TANH /* gelu by its approximation with tanh */
} anm_activation;

typedef struct anm_recipe {
    const anm_family *family;
    anm_hf_config config;
    const char *prefix, *name; /* of files; of the model, for people */
    int64_t layers, hidden, heads, kv_heads, head_dim, inner, vocab;
    int64_t groups;  /* query heads per key head */
    int64_t context; /* C: width of the mask */
    int64_t batch;   /* B: tokens of a prefill call */
    int64_t state;   /* S: rows of the KV cache, at least C */
    int64_t splits;  /* of the LM head */
    int64_t chunks;  /* of the decoder; ANM_CONVERT_CHUNKS_AUTO */
    int64_t max_chunk_bytes;
    bool argmax;     /* the head gives winners, not logits */
    bool monolithic; /* one package */
    bool prefill_all; /* prefill gives every token's state */
    anm_iso iso;     /* whose graph is to be followed op for op; NONE: ours */
    bool has[ANM_SLOT_COUNT];
    bool tied; /* the LM head is the embedding */
    anm_activation activation;
    /*
     * Layers are global, or local: they see the last W tokens only, and keep no more. cache_row:
     * a layer's place among those of its kind. Without local layers, W is 0.
     */
    int64_t window; /* W, at most C */
    const bool *local;        /* [layers] */
    const int64_t *cache_row; /* [layers] */
    int64_t local_layers, global_layers;
    double query_scale;               /* of scores */
    double score_cap, logit_cap;      /* x becomes cap * tanh(x / cap); 0: not */
    double residual_scale;            /* see residual.h; a power of two, 1 until it is chosen */
    anm_convert_lut lut_embeddings, lut_ffn, lut_head; /* group: not 0 */
    int lut_axis;    /* 0: rows share a table, 1: columns do */
    bool lut_scaled; /* a scale for each row */
    uint8_t *lut_bits; /* [layers + 1][ANM_SLOT_COUNT], 0 or 16: fp16; NULL: the components' */
    int8_t *up_shift, *v_shift; /* [layers], see fp16range.h; NULL: none */
    double mean_bits[3]; /* of embeddings, FFN and head where lut_bits says; 0: given */
} anm_recipe;

enum {
    ANM_MAX_CONTEXT = 1 << 20,
    /* Above this a dimension keeps a tensor off the Neural Engine. */
    ANM_NEURAL_ENGINE_WIDTH = 16384,
    /* Matrices up to this size stay fp16, as with coremltools. */
    ANM_PALETTE_ABOVE = 2048,
    ANM_PALETTE_GROUP = 8,
    ANM_MAX_CHUNKS = 99 /* two digits in a file's name */
};

/*
 * Reads the config and decides. Strings are in the arena. ANM_ERROR_UNSUPPORTED names the key at
 * fault; ANM_ERROR_ARGUMENT the option.
 */
ANM_MUST_CHECK anm_status anm_recipe_make(anm_arena *arena, const char *model_dir,
                                          const anm_convert_options *options, anm_recipe *out,
                                          anm_error *err);

/* Whether local layers outlive their window, so that their cache must move on. */
static inline bool anm_recipe_rotates(const anm_recipe *recipe) {
    return recipe->window > 0 && recipe->window < recipe->context;
}

/* recipe_layers.c: the kinds of layers; ANM_ERROR_UNSUPPORTED as above. */
ANM_MUST_CHECK anm_status anm_recipe_set_layers(anm_arena *arena, const char *where, anm_recipe *r,
                                                anm_error *err);

/* Columns of the RoPE tables: half a head's, or a head's, both halves being the same. */
int64_t anm_recipe_rope_width(const anm_recipe *recipe);
/* Shape of a slot's tensor in the checkpoint; gives the rank. */
int anm_recipe_shape(const anm_recipe *recipe, anm_slot slot, int64_t shape[2]);
/* What was asked for the component that has weights of this slot. */
const anm_convert_lut *anm_recipe_lut_of(const anm_recipe *recipe, anm_slot slot);
/* Of the component, where its matrices have bits of their own; 0: they have not. */
double anm_recipe_mean_bits(const anm_recipe *recipe, anm_slot slot);
/* "_lut4" for its file's name, or "" for fp16; returns `buffer`. */
const char *anm_recipe_lut_suffix(const anm_recipe *recipe, anm_slot slot, char *buffer,
                                  size_t size);
/* Rows of the embedding that go to logits output `split`: those before it, and its own. */
int64_t anm_recipe_split(const anm_recipe *recipe, int64_t split, int64_t *first);

#endif
