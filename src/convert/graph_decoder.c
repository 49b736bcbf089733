/* SPDX-License-Identifier: MIT */
/*
 * The two functions of a chunk. Their interface is ANEMLL's: hidden_states [1, T, H], position_ids
 * [T], causal_mask [1, 1, T, C] and current_pos [1] in, output_hidden_states out, and as a state
 * the whole model's KV cache, in which each chunk has its own rows. The output is [1, T, H], but
 * [1, 1, H] in the last chunk, which alone applies the final norm.
 */
#include "src/convert/graph.h"

typedef struct decoder_inputs {
    anm_mil_value *hidden, *positions, *current;
} decoder_inputs;

static decoder_inputs declare(anm_graph *g) {
    const anm_recipe *r = g->r;
    const int64_t hidden[3] = {1, g->tokens, r->hidden}, positions[1] = {g->tokens};
    const int64_t mask[4] = {1, 1, g->tokens, r->context}, current[1] = {1};
    const int64_t cache[4] = {2 * r->layers, r->kv_heads, r->state, r->head_dim};
    decoder_inputs in;
    in.hidden = anm_mil_builder_input(g->b, "hidden_states", ANM_DTYPE_FP16, 3, hidden);
    in.positions = anm_mil_builder_input(g->b, "position_ids", ANM_DTYPE_INT32, 1, positions);
    g->mask = anm_mil_builder_input(g->b, "causal_mask", ANM_DTYPE_FP16, 4, mask);
    in.current = anm_mil_builder_input(g->b, "current_pos", ANM_DTYPE_INT32, 1, current);
    g->state = anm_mil_builder_state(g->b, ANM_STATE_NAME, ANM_DTYPE_FP16, 4, cache);
    return in;
}

static void prepare_cache(anm_graph *g, anm_mil_value *current) {
    g->begin = current;
    g->end = anm_mil_emit(g->b, "add", "end_pos", {"x", current},
                          {"y", anm_graph_int(g, (int32_t)g->tokens)});
    g->cache = anm_mil_emit(g->b, "read_state", "cache", {"input", g->state});
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

static void end(anm_graph *g, anm_mil_value *hidden) {
    if (!is_last(g)) anm_mil_builder_rename(g->b, hidden, "output_hidden_states");
    anm_graph_end(g, &hidden, 1);
}

/* current_pos says all; the compiler wants every input used, so position_ids feeds an identity. */
void anm_graph_infer(anm_mil_builder *b, const anm_graph_source *from) {
    anm_graph g;
    anm_graph_begin(&g, b, from, "infer", 1);
    decoder_inputs in = declare(&g);
    (void)anm_mil_emit(b, "identity", "position_ids_tmp", {"x", in.positions});
    anm_graph_rope_tables(&g, in.current);
    prepare_cache(&g, in.current);
    anm_mil_value *hidden = layers(&g, in.hidden);
    end(&g, is_last(&g) ? finish(&g, hidden) : hidden);
}

/* [1]: which token of the batch has the highest position. The first has current_pos. */
static anm_mil_value *last_index(anm_graph *g, const decoder_inputs *in) {
    static const int32_t axis[1] = {0};
    anm_mil_value *highest = anm_mil_emit(g->b, "reduce_max", "last_position", {"x", in->positions},
                                          {"axes", anm_graph_ints(g, 1, axis)},
                                          {"keep_dims", anm_graph_bool(g, true)});
    return anm_mil_emit(g->b, "sub", "last_index", {"x", highest}, {"y", in->current});
}

/* The last token's hidden state, [1, 1, H]. */
static anm_mil_value *last_token(anm_graph *g, anm_mil_value *hidden, const decoder_inputs *in) {
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
 * token goes through the last MLP. Chunks before the last give all tokens.
 */
void anm_graph_prefill(anm_mil_builder *b, const anm_graph_source *from) {
    anm_graph g;
    anm_graph_begin(&g, b, from, "prefill", from->recipe->batch);
    decoder_inputs in = declare(&g);
    anm_graph_rope_tables(&g, in.positions);
    prepare_cache(&g, in.current);
    anm_mil_value *hidden = layers(&g, in.hidden);
    end(&g, is_last(&g) ? finish(&g, last_token(&g, hidden, &in)) : hidden);
}
