/* SPDX-License-Identifier: MIT */
/*
 * anemone bench: speed of prefill and decode, beside what the machine can do, measured in the same
 * run: the rounds of all measurements take turns, so that a slow moment does not fall on one.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "anemone/limits.h"
#include "src/cli/benchpackage.h"
#include "src/cli/benchprofile.h"
#include "src/cli/benchstats.h"
#include "src/cli/cli.h"
#include "src/cli/modelarg.h"

enum { MOST_CASES = 16 };

typedef struct bench_case {
    bool decode;
    size_t tokens, depth; /* evaluated; there before */
    double seconds[BENCH_MOST_REPEATS];
    double cache; /* bytes of keys and values read for a token */
} bench_case;

typedef struct bench {
    anm_llm *llm;
    anm_session *session;
    int32_t *tokens; /* as many as the context holds */
    size_t context;
    bench_case cases[MOST_CASES];
    size_t count, repeats;
    anm_limits limits[BENCH_MOST_REPEATS];
    double load, first; /* seconds: opening; first token after it */
    bench_profile profile;
    anm_error err;
} bench;

static void add_case(bench *b, bool decode, size_t tokens, size_t depth) {
    if (b->count == MOST_CASES || tokens == 0 || depth + tokens > b->context) return;
    for (size_t i = 0; i < b->count; i++)
        if (b->cases[i].decode == decode && b->cases[i].tokens == tokens &&
            b->cases[i].depth == depth)
            return;
    b->cases[b->count++] = (bench_case){.decode = decode, .tokens = tokens, .depth = depth};
}

/* The tokens before those that count. The last row of a prefill's logits is always computed. */
static anm_status go_to_depth(bench *b, const bench_case *c) {
    size_t have;
    anm_session_tokens(b->session, &have);
    if (have > c->depth) anm_session_rewind(b->session, c->depth);
    return c->depth ? anm_session_sync(b->session, b->tokens, c->depth, &b->err) : ANM_OK;
}

static anm_status run_tokens(bench *b, const bench_case *c) {
    anm_status status = ANM_OK;
    if (!c->decode) return anm_session_sync(b->session, b->tokens, c->tokens, &b->err);
    for (size_t i = 0; i < c->tokens && status == ANM_OK; i++)
        status = anm_session_append(b->session, b->tokens[c->depth + i], &b->err);
    return status;
}

static anm_status run_case(bench *b, bench_case *c, size_t repeat) {
    anm_status status = go_to_depth(b, c);
    if (status != ANM_OK) return status;
    if (b->profile.on) bench_profile_start(&b->profile, b->llm, c->decode);
    double begin = cli_seconds();
    status = run_tokens(b, c);
    c->seconds[repeat] = cli_seconds() - begin;
    if (b->profile.on) bench_profile_stop(&b->profile, b->llm, c->decode, c->tokens);
    c->cache = bench_profile_cache(&b->profile);
    return status;
}

/* Plans are made, and pages mapped, before anything counts. */
static anm_status warm_up(bench *b) {
    double begin = cli_seconds();
    anm_status status = anm_session_append(b->session, b->tokens[0], &b->err);
    b->first = cli_seconds() - begin;
    for (size_t i = 0; i < b->count && status == ANM_OK; i++)
        status = run_case(b, &b->cases[i], 0);
    return status;
}

static anm_status measure(bench *b, int threads, const char *cpu) {
    anm_status status = warm_up(b);
    b->profile.on = true;
    for (size_t r = 0; r < b->repeats && status == ANM_OK; r++) {
        status = anm_limits_measure(threads, cpu, &b->limits[r], &b->err);
        for (size_t i = 0; i < b->count && status == ANM_OK; i++) {
            if (cli_interrupted()) return ANM_ERROR_CANCELLED;
            status = run_case(b, &b->cases[i], r);
        }
    }
    return status;
}

static double median_bandwidth(const bench *b) {
    double values[BENCH_MOST_REPEATS];
    for (size_t i = 0; i < b->repeats; i++) values[i] = b->limits[i].bandwidth;
    return bench_median(values, b->repeats);
}

/* Memory that is the process's own: what the mapped weights take is not in it. */
static double own_memory(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[200];
    long kilobytes = 0;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "RssAnon: %ld", &kilobytes) == 1) break;
    if (file) fclose(file);
    return 1024.0 * (double)kilobytes;
}

static double weight_bytes(const bench *b, const bench_case *c) {
    return c->decode ? bench_profile_weights(&b->profile, true) : 0;
}

static double cache_bytes(const bench_case *c) {
    return c->decode ? c->cache : 0;
}

static void print_case(const bench *b, const bench_case *c) {
    double time = bench_median(c->seconds, b->repeats), rate = (double)c->tokens / time;
    char name[40];
    snprintf(name, sizeof name, c->decode ? "decode %zu at %zu" : "prefill %zu", c->tokens,
             c->depth);
    printf("%-20s %10.1f tokens/s  +-%4.1f %%", name, rate, bench_spread(c->seconds, b->repeats));
    if (c->decode) {
        double bytes = weight_bytes(b, c) + cache_bytes(c), limit = bytes / median_bandwidth(b);
        printf("  %6.1f GB/s of weights and cache, time / limit %.2f", 1e-9 * bytes * rate,
               time / (double)c->tokens / limit);
    } else {
        double flops = bench_profile_flops(&b->profile, false) * rate;
        const anm_limits *l = &b->limits[0];
        double peak = l->matrix_flops > 0 ? l->matrix_flops : l->flops;
        printf("  %6.2f TFLOP/s, %.0f %% of the %s peak", 1e-12 * flops, 100 * flops / peak,
               l->matrix_flops > 0 ? "bf16 tile" : "fp32 vector");
    }
    putchar('\n');
}

static void print_table(const bench *b) {
    const anm_limits *l = &b->limits[0];
    char own[32];
    printf("%s, context %zu, batch %zu\n", anm_llm_name(b->llm), b->context,
           anm_llm_batch_size(b->llm));
    printf("%d threads, %s: memory %.1f GB/s, fp32 %.0f GFLOP/s", l->threads, l->cpu,
           1e-9 * median_bandwidth(b), 1e-9 * l->flops);
    if (l->matrix_flops > 0) printf(", bf16 tiles %.2f TFLOP/s", 1e-12 * l->matrix_flops);
    printf("\nload %.3f s, first token %.3f s after it; memory of its own %s\n\n", b->load,
           b->first,
           cli_size(own_memory(), own, sizeof own));
    for (size_t i = 0; i < b->count; i++) print_case(b, &b->cases[i]);
}

static json_t *case_json(const bench *b, const bench_case *c) {
    json_t *samples = json_array();
    for (size_t i = 0; i < b->repeats; i++)
        json_array_append_new(samples, json_real(c->seconds[i]));
    double time = bench_median(c->seconds, b->repeats);
    return json_pack("{s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:o}", "kind",
                     c->decode ? "decode" : "prefill", "tokens", (json_int_t)c->tokens, "depth",
                     (json_int_t)c->depth, "tokens_per_second", (double)c->tokens / time,
                     "spread_percent", bench_spread(c->seconds, b->repeats),
                     "weight_bytes_per_token", weight_bytes(b, c), "cache_bytes_per_token",
                     cache_bytes(c),
                     "flops_per_token", bench_profile_flops(&b->profile, c->decode), "seconds",
                     samples);
}

static void print_json(const bench *b, bool profile, bool components) {
    json_t *cases = json_array();
    const anm_limits *l = &b->limits[0];
    for (size_t i = 0; i < b->count; i++)
        json_array_append_new(cases, case_json(b, &b->cases[i]));
    json_t *root = json_pack(
        "{s:s, s:i, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:o}", "model", anm_llm_name(b->llm),
        "threads", l->threads, "cpu", l->cpu, "bandwidth", median_bandwidth(b), "fp32_flops",
        l->flops, "tile_flops", l->matrix_flops, "load_seconds", b->load, "first_token_seconds",
        b->first, "own_memory", own_memory(), "cases", cases);
    if (profile) json_object_set_new(root, "profile", bench_profile_json(&b->profile, false));
    if (components) json_object_set_new(root, "components", bench_profile_json(&b->profile, true));
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

/* "64,512": sizes. */
static bool parse_sizes(const char *text, size_t *out, size_t *count) {
    for (*count = 0; *text;) {
        char *end;
        unsigned long long value = strtoull(text, &end, 10);
        if (end == text || (*end && *end != ',') || *count == 8) return false;
        out[(*count)++] = (size_t)value;
        text = *end ? end + 1 : end;
    }
    return *count > 0;
}

typedef struct bench_settings {
    const char *prefill, *depths, *cpu, *matmul, *engine, *function;
    cli_list shapes;
    int64_t decode, threads, repeats, rows;
    bool json, profile, components;
} bench_settings;

static void add_cases(bench *b, const bench_settings *s, const size_t *prefill, size_t prefills,
                      const size_t *depths, size_t depth_count) {
    size_t n = (size_t)s->decode;
    for (size_t i = 0; i < prefills; i++) add_case(b, false, prefill[i], 0);
    if (!s->prefill) add_case(b, false, b->context, 0);
    for (size_t i = 0; i < depth_count; i++) add_case(b, true, n, depths[i]);
    if (s->depths || n > b->context) return;
    add_case(b, true, n, b->context / 2);
    add_case(b, true, n, b->context - n);
}

static bool engine_kind(const char *name, anm_engine_kind *out) {
    *out = ANM_ENGINE_AUTO;
    if (!name || strcmp(name, "auto") == 0) return true;
    *out = strcmp(name, "fast") == 0 ? ANM_ENGINE_FAST : ANM_ENGINE_REFERENCE;
    return *out == ANM_ENGINE_FAST || strcmp(name, "reference") == 0;
}

static anm_status open_bench(bench *b, const char *dir, const bench_settings *s) {
    anm_llm_options options;
    anm_llm_options_init(&options);
    options.threads = (int)s->threads;
    options.cpu = s->cpu;
    options.matmul_precision = s->matmul;
    options.prefill_rows = s->rows;
    engine_kind(s->engine, &options.engine);
    double begin = cli_seconds();
    anm_status status = anm_llm_open(dir, &options, &b->llm, &b->err);
    if (status == ANM_OK) status = anm_session_create(b->llm, &b->session, &b->err);
    b->load = cli_seconds() - begin;
    if (status != ANM_OK) return status;
    b->context = anm_llm_context_length(b->llm);
    b->tokens = calloc(b->context + 1, sizeof *b->tokens);
    if (!b->tokens) return ANM_ERROR_MEMORY;
    for (size_t i = 0; i < b->context; i++)
        b->tokens[i] = (int32_t)((i * 7919 + 13) % anm_llm_vocab_size(b->llm));
    return ANM_OK;
}

static void close_bench(bench *b) {
    anm_session_destroy(b->session);
    anm_llm_close(b->llm);
    free(b->tokens);
    free(b);
}

static int run_bench(const char *dir, const bench_settings *s, const size_t *prefill,
                     size_t prefills, const size_t *depths, size_t depth_count) {
    bench *b = calloc(1, sizeof *b);
    if (!b) return ANM_ERROR_MEMORY;
    cli_catch_interrupt();
    b->repeats = (size_t)s->repeats;
    anm_status status = open_bench(b, dir, s);
    if (status == ANM_OK) add_cases(b, s, prefill, prefills, depths, depth_count);
    if (status == ANM_OK) status = measure(b, (int)s->threads, s->cpu);
    cli_release_interrupt();
    int code = 0;
    if (status == ANM_ERROR_CANCELLED) code = CLI_INTERRUPTED;
    else if (status != ANM_OK) code = cli_fail(&b->err);
    else if (s->json) print_json(b, s->profile, s->components);
    else {
        print_table(b);
        if (s->components) bench_profile_print(&b->profile, true);
        if (s->profile) bench_profile_print(&b->profile, false);
    }
    close_bench(b);
    return code;
}

static int run_package(const cli_spec *spec, const char *path, const bench_settings *s,
                       anm_engine_kind engine) {
    shape_args shapes;
    if (!cli_shapes(&s->shapes, &shapes))
        return cli_usage(spec, "--shape is INPUT=N,N,.. with numbers above 0");
    const package_bench b = {.path = path, .function = s->function, .cpu = s->cpu,
                             .matmul = s->matmul, .shapes = &shapes, .engine = engine,
                             .threads = (int)s->threads, .repeats = (size_t)s->repeats,
                             .profile = s->profile, .json = s->json};
    return bench_package(&b);
}

int cmd_bench(int argc, char **argv) {
    bench_settings s = {.decode = 32, .repeats = 5};
    size_t prefill[8] = {64, 512}, depths[8] = {0}, prefills = 2, depth_count = 1;
    anm_engine_kind kind;
    const cli_option table[] = {
        {"prefill", 'p', CLI_STRING, &s.prefill, "N,..", "tokens (default 64,512, full context)"},
        {"decode", 'n', CLI_INT, &s.decode, "N", "tokens generated one by one (default 32)"},
        {"depth", 'd', CLI_STRING, &s.depths, "N,..", "tokens before (default 0, half, full)"},
        {"prefill-rows", 0, CLI_INT, &s.rows, "N",
         "most rows of a prompt at a time (default: what pays; 1: as the packages have it)"},
        {"threads", 't', CLI_INT, &s.threads, "N", "default: one a processor"},
        {"repeats", 'r', CLI_INT, &s.repeats, "N", "of which the median is shown (default 5)"},
        {"cpu", 0, CLI_STRING, &s.cpu, "LEVEL", "highest level of instructions (default: all)"},
        {"matmul-precision", 0, CLI_STRING, &s.matmul, "auto|high|medium",
         "of many rows: medium has 8 bits (default auto)"},
        {"engine", 0, CLI_STRING, &s.engine, "NAME", "auto, fast or reference"},
        {"profile", 0, CLI_FLAG, &s.profile, NULL, "time of each kind of step"},
        {"components", 0, CLI_FLAG, &s.components, NULL, "time of each part of the model"},
        {"function", 'f', CLI_STRING, &s.function, "NAME",
         "of a package; the default one if absent"},
        {"shape", 0, CLI_LIST, &s.shapes, "INPUT=N,..", "of a package's input (default: its own)"},
        {"json", 0, CLI_FLAG, &s.json, NULL, "print JSON"},
    };
    const cli_spec spec = {"bench",
                           "MODEL_DIR",
                           1,
                           1,
                           "Measures the speed of a converted model beside the machine's limits, "
                           "or of predictions\nof one package (X.mlpackage or X.mlmodelc).",
                           "Times are medians; other work on the machine makes all of them worse.",
                           table,
                           sizeof table / sizeof table[0]};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code >= 0) return code;
    if (s.prefill && !parse_sizes(s.prefill, prefill, &prefills))
        return cli_usage(&spec, "--prefill takes up to 8 numbers, as in 64,512");
    if (s.depths && !parse_sizes(s.depths, depths, &depth_count))
        return cli_usage(&spec, "--depth takes up to 8 numbers, as in 0,512");
    if (s.repeats < 1 || s.repeats > BENCH_MOST_REPEATS)
        return cli_usage(&spec, "--repeats is from 1 to %d", BENCH_MOST_REPEATS);
    if (!engine_kind(s.engine, &kind))
        return cli_usage(&spec, "--engine is auto, fast or reference");
    const char *dir;
    if (bench_is_package(operands[0])) return run_package(&spec, operands[0], &s, kind);
    code = cli_model(operands[0], &dir);
    if (code >= 0) return code;
    return run_bench(dir, &s, prefill, prefills, depths, depth_count);
}
