/* SPDX-License-Identifier: MIT */
/*
 * The functions of a chunk. Their interface is ANEMLL's: hidden_states [1, T, H], position_ids
 * [T], causal_mask [1, 1, T, C] and current_pos [1] in, output_hidden_states out, and as a state
 * the whole model's KV cache, in which each chunk has its own rows; two states where some layers
 * see a window only. Those models have each function twice: while the window is filling, and from
 * then on. The output is [1, T, H], but [1, 1, H] in the last chunk, which alone applies the final
 * norm. With the embeddings in the package a function begins with input_ids [1, T]; with the LM
 * head it ends with its outputs.
 */
#include "src/convert/graph_iso.h"

typedef struct decoder_inputs {
    anm_mil_value *ids, *hidden; /* one of them */
    anm_mil_value *positions, *mask, *current;
    anm_mil_value *last; /* [1]: see last_index() */
} decoder_inputs;

static decoder_inputs declare(anm_graph *g) {
    const anm_recipe *r = g->r;
    const int64_t hidden[3] = {1, g->tokens, r->hidden}, positions[1] = {g->tokens};
    const int64_t mask[4] = {1, 1, g->tokens, r->context}, current[1] = {1};
    const int64_t ids[2] = {1, g->tokens};
    decoder_inputs in = {0};
    if (g->contents->embeddings)
        in.ids = anm_mil_builder_input(g->b, "input_ids", ANM_DTYPE_INT32, 2, ids);
    else in.hidden = anm_mil_builder_input(g->b, "hidden_states", ANM_DTYPE_FP16, 3, hidden);
    in.positions = anm_mil_builder_input(g->b, "position_ids", ANM_DTYPE_INT32, 1, positions);
    in.mask = anm_mil_builder_input(g->b, "causal_mask", ANM_DTYPE_FP16, 4, mask);
    in.current = anm_mil_builder_input(g->b, "current_pos", ANM_DTYPE_INT32, 1, current);
    anm_graph_cache_declare(g);
    return in;
}

static void prepare_masks(anm_graph *g, const decoder_inputs *in) {
    anm_graph_side *global = &g->sides[ANM_SIDE_GLOBAL];
    global->mask = in->mask;
    global->columns = g->r->context;
    anm_graph_window_mask(g, in->mask);
}

static void prepare_cache(anm_graph *g, anm_mil_value *current) {
    g->begin = current;
    if (!g->r->iso) anm_graph_cache_open(g);
}

/* The chunk's layers; of the model's last one the attention only. */
static anm_mil_value *layers(anm_graph *g, anm_mil_value *hidden) {
    for (g->layer = g->contents->first_layer; g->layer < g->contents->end_layer; g->layer++) {
        hidden = anm_graph_attention(g, hidden);
        if (g->layer + 1 < g->r->layers) hidden = anm_graph_mlp(g, hidden);
    }
    g->layer = -1;
    return hidden;
}

/* The rest: the last MLP and the final norm, of one token. */
static anm_mil_value *finish(anm_graph *g, anm_mil_value *hidden) {
    g->layer = g->r->layers - 1;
    hidden = anm_graph_mlp(g, hidden);
    g->layer = -1;
    return anm_graph_norm(g, "output_hidden_states", hidden, ANM_SLOT_FINAL_NORM, g->r->hidden);
}

static bool is_last(const anm_graph *g) {
    return anm_contents_end(g->r, g->contents);
}

static anm_mil_value *begin(anm_graph *g, const decoder_inputs *in) {
    return in->ids ? anm_graph_embed(g, in->ids) : in->hidden;
}

static void end(anm_graph *g, anm_mil_value *hidden, bool argmax) {
    anm_mil_value *outputs[ANM_MAX_SPLITS] = {hidden};
    size_t count = 1;
    if (!is_last(g)) anm_mil_builder_rename(g->b, hidden, "output_hidden_states");
    if (g->contents->head) count = anm_graph_predict(g, hidden, argmax, outputs);
    anm_graph_end(g, outputs, count);
}

/* The compiler wants every input used. */
static void use_positions(anm_graph *g, const decoder_inputs *in) {
    (void)anm_mil_emit(g->b, "identity", "position_ids_tmp", {"x", in->positions});
}

static void tables(anm_graph *g, anm_mil_value *positions, bool infer) {
    if (g->r->iso) anm_graph_iso_tables(g, positions, infer);
    else anm_graph_rope_tables(g, positions);
}

/* current_pos says all; position_ids feeds an identity. */
void anm_graph_infer(anm_mil_builder *b, const anm_graph_source *from, bool rotate) {
    static const int32_t one[1] = {1};
    anm_graph g;
    anm_graph_begin(&g, b, from, rotate ? "infer_rotate" : "infer", 1);
    g.rotate = rotate;
    decoder_inputs in = declare(&g);
    if (!g.r->iso) use_positions(&g, &in);
    tables(&g, in.current, true);
    prepare_cache(&g, in.current);
    prepare_masks(&g, &in);
    if (rotate) g.real = anm_graph_ints(&g, 1, one);
    anm_mil_value *hidden = layers(&g, begin(&g, &in));
    if (is_last(&g)) hidden = finish(&g, hidden);
    if (g.r->iso) use_positions(&g, &in);
    end(&g, hidden, from->recipe->argmax);
}

/* [1]: which token of the batch has the highest position. The first has current_pos. */
static anm_mil_value *last_index(anm_graph *g, decoder_inputs *in) {
    static const int32_t axis[1] = {0};
    if (in->last) return in->last;
    anm_mil_value *highest = anm_mil_emit(g->b, "reduce_max", "last_position", {"x", in->positions},
                                          {"axes", anm_graph_ints(g, 1, axis)},
                                          {"keep_dims", anm_graph_bool(g, true)});
    in->last = anm_mil_emit(g->b, "sub", "last_index", {"x", highest}, {"y", in->current});
    return in->last;
}

static void count_real(anm_graph *g, decoder_inputs *in) {
    g->real = anm_mil_emit(g->b, "add", "real_tokens", {"x", last_index(g, in)},
                           {"y", anm_graph_int(g, 1)});
}

/* The last token's hidden state, [1, 1, H]. */
static anm_mil_value *last_token(anm_graph *g, anm_mil_value *hidden, decoder_inputs *in) {
    g->tokens = 1;
    return anm_mil_emit(g->b, "gather", "last_hidden", {"x", hidden},
                        {"indices", last_index(g, in)}, {"axis", anm_graph_int(g, 1)},
                        {"batch_dims", anm_graph_int(g, 0)},
                        {"validate_indices", anm_graph_bool(g, false)});
}

/*
 * The output is the last token's, the one with the highest position: real tokens have the positions
 * from current_pos on, and a caller that pads a batch repeats the last of them. So it gets the last
 * real token's hidden state, ready for the LM head; ANEMLL's runners do not look at it. Only that
 * token goes through the last MLP. Chunks before the last give all tokens. Monolithic packages
 * give its logits, even where infer gives winners only, as ANEMLL's do.
 */
void anm_graph_prefill(anm_mil_builder *b, const anm_graph_source *from, bool rotate) {
    anm_graph g;
    anm_graph_begin(&g, b, from, rotate ? "prefill_rotate" : "prefill", from->recipe->batch);
    g.rotate = rotate;
    decoder_inputs in = declare(&g);
    tables(&g, in.positions, false);
    prepare_cache(&g, in.current);
    prepare_masks(&g, &in);
    if (rotate) count_real(&g, &in);
    anm_mil_value *hidden = layers(&g, begin(&g, &in));
    if (is_last(&g) && !g.r->prefill_all && !g.r->iso) hidden = last_token(&g, hidden, &in);
    if (is_last(&g))
        hidden = g.r->iso ? anm_graph_iso_prefilled(&g, hidden) : finish(&g, hidden);
    end(&g, hidden, false);
}
