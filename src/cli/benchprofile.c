/* SPDX-License-Identifier: MIT */
#include "src/cli/benchprofile.h"

#include <stdio.h>
#include <string.h>

#include "anemone/profile.h"

/* Embeddings and head run in both; chunks by the names of their functions. */
static bool belongs(const anm_llm_part *part, bool decode) {
    const char *name = anm_function_name(part->function);
    if (part->chunk == 0) return true;
    return (strncmp(name, "infer", 5) == 0) == decode;
}

static void each_part(const anm_llm *llm, bool decode, int on) {
    anm_llm_part part;
    for (size_t i = 0; anm_llm_part_at(llm, i, &part); i++)
        if (belongs(&part, decode)) anm_function_profile(part.function, on);
}

void bench_profile_start(bench_profile *p, const anm_llm *llm, bool decode) {
    (void)p;
    each_part(llm, decode, 1);
}

static void add(bench_row *rows, size_t *count, bool decode, const char *name,
                const anm_step_timing *t) {
    size_t i = 0;
    while (i < *count && !(rows[i].decode == decode && strcmp(rows[i].name, name) == 0)) i++;
    if (i == BENCH_ROWS) return;
    if (i == *count) {
        rows[(*count)++] = (bench_row){.decode = decode};
        snprintf(rows[i].name, sizeof rows[i].name, "%s", name);
    }
    rows[i].seconds += 1e-9 * (double)t->nanoseconds;
    rows[i].bytes += (double)t->bytes;
    rows[i].flops += (double)t->flops;
    rows[i].steps++;
}

static void part_name(const anm_llm_part *part, char *name, size_t size) {
    if (part->chunk && part->rows > 1)
        snprintf(name, size, "%s %zu %s, %zu rows", part->component, part->chunk,
                 anm_function_name(part->function), part->rows);
    else if (part->chunk)
        snprintf(name, size, "%s %zu %s", part->component, part->chunk,
                 anm_function_name(part->function));
    else snprintf(name, size, "%s", part->component);
}

/* A prompt runs the head once, decoding once a token: only the latter says what a token costs. */
static void add_part(bench_profile *p, const anm_llm_part *part, bool decode) {
    char name[64];
    part_name(part, name, sizeof name);
    size_t count = anm_function_step_count(part->function);
    for (size_t i = 0; i < count; i++) {
        anm_step_timing t = anm_function_step(part->function, i);
        add(p->kinds, &p->kind_count, decode, t.kind, &t);
        add(p->parts, &p->part_count, decode, name, &t);
        p->cache += (double)t.cache_bytes;
    }
}

/*
 * What one call reads and computes, for each of its rows; of a chunk's functions for different
 * numbers of rows the one that was made last counts.
 */
static void add_work(bench_profile *p, const anm_llm_part *part, bool decode, size_t *last_chunk,
                     double *weights, double *flops) {
    size_t count = anm_function_step_count(part->function);
    if (!count || !(decode || part->chunk)) return;
    if (part->chunk != *last_chunk || !part->chunk) {
        p->weights[decode] += *weights;
        p->flops[decode] += *flops;
    }
    *last_chunk = part->chunk;
    *weights = *flops = 0;
    for (size_t i = 0; i < count; i++) {
        anm_step_timing t = anm_function_step(part->function, i);
        *weights += (double)t.bytes;
        *flops += (double)t.flops / (double)(part->rows ? part->rows : 1);
    }
}

void bench_profile_stop(bench_profile *p, const anm_llm *llm, bool decode, size_t tokens) {
    anm_llm_part part;
    size_t last_chunk = 0;
    double weights = 0, flops = 0;
    p->tokens[decode] += tokens;
    p->weights[decode] = p->flops[decode] = p->cache = 0;
    for (size_t i = 0; anm_llm_part_at(llm, i, &part); i++) {
        if (!belongs(&part, decode)) continue;
        add_part(p, &part, decode);
        add_work(p, &part, decode, &last_chunk, &weights, &flops);
    }
    p->weights[decode] += weights;
    p->flops[decode] += flops;
    p->cache /= (double)tokens;
    each_part(llm, decode, 0);
}

double bench_profile_weights(const bench_profile *p, bool decode) {
    return p->weights[decode];
}

double bench_profile_cache(const bench_profile *p) {
    return p->cache;
}

double bench_profile_flops(const bench_profile *p, bool decode) {
    return p->flops[decode];
}

static double total(const bench_row *rows, size_t count, bool decode) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        if (rows[i].decode == decode) sum += rows[i].seconds;
    return sum;
}

void bench_profile_print(const bench_profile *p, bool parts) {
    const bench_row *rows = parts ? p->parts : p->kinds;
    size_t count = parts ? p->part_count : p->kind_count;
    for (int decode = 0; decode < 2; decode++) {
        double all = total(rows, count, decode);
        if (all <= 0) continue;
        printf("\n%-28s %12s %8s\n", decode ? "decode" : "prefill", "us / token", "share");
        for (size_t i = 0; i < count; i++)
            if (rows[i].decode == (bool)decode)
                printf("%-28s %12.1f %6.1f %%\n", rows[i].name,
                       1e6 * rows[i].seconds / (double)p->tokens[decode],
                       100 * rows[i].seconds / all);
    }
}

json_t *bench_profile_json(const bench_profile *p, bool parts) {
    const bench_row *rows = parts ? p->parts : p->kinds;
    size_t count = parts ? p->part_count : p->kind_count;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:f}", "phase", rows[i].decode ? "decode" : "prefill",
                            "name", rows[i].name, "microseconds_per_token",
                            1e6 * rows[i].seconds / (double)p->tokens[rows[i].decode]));
    return list;
}
