/* SPDX-License-Identifier: MIT */
/*
 * The graph that ANEMLL's converters make, op for op, where ours is leaner: `iso_anemll`.
 * docs/conversion.md says what still differs.
 */
#ifndef ANM_CONVERT_GRAPH_ISO_H
#define ANM_CONVERT_GRAPH_ISO_H

#include "src/convert/graph.h"

/*
 * Whether the component that has this slot is palettized. coremltools takes such a program through
 * its passes a second time, and what they do to it then is done here too.
 */
bool anm_graph_iso_again(const anm_graph *g, anm_slot slot);
/* graph_iso_rope.c: indices of a table of so many rows, negative ones from its end. */
anm_mil_value *anm_graph_iso_indices(anm_graph *g, anm_mil_value *x, int64_t rows, anm_slot slot);
/* Fetches the RoPE tables' rows. */
void anm_graph_iso_tables(anm_graph *g, anm_mil_value *positions, bool sine_first);
/* Rotates heads; if they are not `normal` yet, they are brought into shape on the way. */
anm_mil_value *anm_graph_iso_rotate(anm_graph *g, const char *what, anm_mil_value *x, bool normal);

/* graph_iso.c: [1, heads, D, T] to [1, heads, T, D]; of one token it has that shape already. */
anm_mil_value *anm_graph_iso_head(anm_graph *g, const char *what, anm_mil_value *x);
/* A layer's attention without its norm and residual: from [1, H, 1, T] to [1, T, H]. */
anm_mil_value *anm_graph_iso_attend(anm_graph *g, anm_mil_value *x);
/* What prefill's last chunk gives: the first token, before the final norm. Nobody reads it. */
anm_mil_value *anm_graph_iso_prefilled(anm_graph *g, anm_mil_value *hidden);

#endif
