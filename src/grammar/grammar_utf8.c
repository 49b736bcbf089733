/* SPDX-License-Identifier: MIT */
/* Ranges of characters as graphs over the bytes of their UTF-8. */
#include "src/grammar/grammar_graph.h"

/* The bytes of one width: `heads` are the first bytes, `low` the smallest and largest character. */
typedef struct width_span {
    uint32_t low, high;
    int tail; /* continuation bytes */
    unsigned lead;
} width_span;

static const width_span spans[] = {
    {0, 0x7F, 0, 0},
    {0x80, 0x7FF, 1, 0xC0},
    {0x800, 0xFFFF, 2, 0xE0},
    {0x10000, 0x10FFFF, 3, 0xF0}};

static uint32_t one_of(anm_grammar *graph, unsigned first, unsigned last, uint32_t next) {
    anm_byte_set set = {{0}};
    for (unsigned b = first; b <= last; b++) set.bits[b >> 6] |= (uint64_t)1 << (b & 63);
    return anm_graph_bytes(graph, &set, next);
}

/* Any `tail` continuation bytes. */
static uint32_t any_tail(anm_grammar *graph, int tail, uint32_t next) {
    for (int i = 0; i < tail; i++) next = one_of(graph, 0x80, 0xBF, next);
    return next;
}

/*
 * Numbers from first to last written as one byte `lead | high bits` and `tail` bytes of six bits.
 * The range falls into a part of the first byte's first value, a middle of whole values, and a
 * part of its last value.
 */
static uint32_t between(anm_grammar *graph, uint32_t first, uint32_t last, unsigned lead, int tail,
                        uint32_t next) {
    if (tail == 0) return one_of(graph, lead | first, lead | last, next);
    int shift = 6 * tail;
    uint32_t mask = (1u << shift) - 1, low = first >> shift, high = last >> shift;
    if (low == high) {
        uint32_t rest = between(graph, first & mask, last & mask, 0x80, tail - 1, next);
        return one_of(graph, lead | low, lead | low, rest);
    }
    uint32_t node = ANM_AT_DEAD;
    if (first & mask) {
        uint32_t rest = between(graph, first & mask, mask, 0x80, tail - 1, next);
        node = one_of(graph, lead | low, lead | low, rest);
        low++;
    }
    if ((last & mask) != mask) {
        uint32_t rest = between(graph, 0, last & mask, 0x80, tail - 1, next);
        node = anm_graph_either(graph, one_of(graph, lead | high, lead | high, rest), node);
        high--;
    }
    if (low > high || high == UINT32_MAX) return node;
    uint32_t whole = one_of(graph, lead | low, lead | high, any_tail(graph, tail, next));
    return anm_graph_either(graph, whole, node);
}

/* All ASCII characters of the ranges go into one set. */
static uint32_t ascii_part(anm_grammar *graph, const anm_char_range *ranges, size_t count,
                           uint32_t next) {
    anm_byte_set set = {{0}};
    for (size_t i = 0; i < count && ranges[i].first < 0x80; i++)
        for (uint32_t c = ranges[i].first; c <= ranges[i].last && c < 0x80; c++)
            set.bits[c >> 6] |= (uint64_t)1 << (c & 63);
    if (!(set.bits[0] | set.bits[1])) return ANM_AT_DEAD;
    return anm_graph_bytes(graph, &set, next);
}

uint32_t anm_graph_utf8(anm_grammar *graph, const anm_char_range *ranges, size_t count,
                        uint32_t next) {
    uint32_t node = ascii_part(graph, ranges, count, next);
    for (size_t i = 0; i < count; i++)
        for (size_t w = 1; w < sizeof spans / sizeof spans[0]; w++) {
            uint32_t first = ranges[i].first, last = ranges[i].last;
            if (first < spans[w].low) first = spans[w].low;
            if (last > spans[w].high) last = spans[w].high;
            if (first > last) continue;
            uint32_t part = between(graph, first, last, spans[w].lead, spans[w].tail, next);
            node = anm_graph_either(graph, part, node);
        }
    return node;
}
