/* SPDX-License-Identifier: MIT */
#include "src/cli/convertargs.h"

#include <stdlib.h>
#include <string.h>

/* "BITS" or "BITS,GROUP", absent: fp16. */
static bool parse_lut(const char *text, int64_t group, anm_convert_lut *out) {
    char *end;
    *out = (anm_convert_lut){0, group};
    if (!text) return true;
    long bits = strtol(text, &end, 10);
    if (end == text || bits < 1 || bits > 8) return false;
    out->bits = (int)bits;
    if (*end != ',') return *end == '\0';
    const char *second = end + 1;
    out->group = strtol(second, &end, 10);
    return end != second && *end == '\0' && out->group > 0;
}

static bool take_luts(const lut_options *given, anm_convert_options *out) {
    int64_t group = given->per_tensor ? ANM_CONVERT_PER_TENSOR : given->group;
    out->lut_axis = given->axis == 0 ? 0 : given->axis == 1 ? 1 : -1;
    out->lut_channel_scale = given->scale;
    return given->group >= 0 && !(given->per_tensor && given->group) &&
           parse_lut(given->parts[0], group, &out->lut_embeddings) &&
           parse_lut(given->parts[1], group, &out->lut_ffn) &&
           parse_lut(given->parts[2], group, &out->lut_head);
}

void convert_args_init(convert_args *args) {
    *args = (convert_args){.rescale = "auto"};
}

void convert_args_table(convert_args *a, cli_option *options) {
    const cli_option table[CONVERT_ARGS] = {
        {"context", 'c', CLI_INT, &a->context, "N", "context length in tokens (default 512)"},
        {"batch", 'b', CLI_INT, &a->batch, "N", "tokens per prefill call (default 64)"},
        {"chunk", 0, CLI_STRING, &a->form.chunks, "N|auto", "packages of the decoder (default 1)"},
        {"max-chunk-size", 0, CLI_STRING, &a->form.max_size, "SIZE",
         "of a chunk's weights, for auto"},
        {"target-os", 0, CLI_STRING, &a->form.os, "OS", "macos (2 GB a chunk) or ios (1 GB)"},
        {"lm-head-split", 0, CLI_INT, &a->form.splits, "N", "outputs of the LM head (8 or 16)"},
        {"argmax", 0, CLI_FLAG, &a->form.argmax, NULL,
         "the LM head gives winners instead of logits"},
        {"monolithic", 0, CLI_FLAG, &a->form.monolithic, NULL, "everything in one package"},
        {"iso-anemll", 0, CLI_FLAG, &a->form.iso, NULL, "ANEMLL's graph op for op, not ours"},
        {"prefill-all", 0, CLI_FLAG, &a->form.prefill_all, NULL,
         "prefill gives every token's state, for run --draft"},
        {"only", 0, CLI_STRING, &a->form.only, "PART",
         "embeddings, ffn, ffn:N, lm_head, monolithic"},
        {"state-length", 0, CLI_INT, &a->form.state, "N",
         "rows of the KV cache (default: context)"},
        {"prefix", 0, CLI_STRING, &a->prefix, "NAME", "of file names (default: the family's)"},
        {"name", 0, CLI_STRING, &a->name, "NAME", "model name in meta.yaml"},
        {"lut1", 0, CLI_STRING, &a->lut.parts[0], "BITS[,GROUP]", "palettize the embeddings"},
        {"lut2", 0, CLI_STRING, &a->lut.parts[1], "BITS[,GROUP]", "palettize the decoder (FFN)"},
        {"lut3", 0, CLI_STRING, &a->lut.parts[2], "BITS[,GROUP]", "palettize the LM head"},
        {"group-size", 0, CLI_INT, &a->lut.group, "N", "channels that share a table (default 8)"},
        {"per-tensor", 0, CLI_FLAG, &a->lut.per_tensor, NULL, "one table for each weight"},
        {"lut-axis", 0, CLI_INT, &a->lut.axis, "0|1", "share tables by rows (0) or columns (1)"},
        {"calibrate", 0, CLI_STRING, &a->calibrate, "TEXT", "weigh weights by their use in a text"},
        {"calibrate-tokens", 0, CLI_INT, &a->tokens, "N", "of that text (default 4096)"},
        {"gptq", 0, CLI_FLAG, &a->gptq, NULL, "round with error feedback (needs --calibrate)"},
        {"rescale", 0, CLI_STRING, &a->rescale, "auto|off", "powers of two against overflow"},
        {"target-size", 0, CLI_STRING, &a->target, "BYTES",
         "choose bits so that weights take this at most, as 400MB (needs --calibrate)"},
        {"per-channel-scale", 0, CLI_FLAG, &a->lut.scale, NULL, "a scale for each row of weights"},
        {"overwrite", 0, CLI_FLAG, &a->overwrite, NULL, "replace packages that are not up to date"},
        {"force", 0, CLI_FLAG, &a->force, NULL, "make all packages, up to date or not"},
        {"verify-inputs", 0, CLI_FLAG, &a->verify, NULL, "compare the checkpoint by all its bytes"},
        {"allow-overflow", 0, CLI_FLAG, &a->overflow, NULL,
         "let values beyond fp16 become infinite"},
    };
    memcpy(options, table, sizeof table);
}

int convert_args_take(const convert_args *a, const cli_spec *spec, anm_convert_options *out) {
    anm_convert_options_init(out);
    if (a->target && !cli_bytes(a->target, &out->target_bytes))
        return cli_usage(spec, "--target-size takes bytes: 400MB, 1.5GB, 300000000");
    if (!take_luts(&a->lut, out))
        return cli_usage(spec, "--lut1, --lut2 and --lut3 take BITS or BITS,GROUP (1 to 8 bits); "
                               "--group-size N or --per-tensor");
    const char *wrong = convert_form_take(&a->form, out);
    if (wrong) return cli_usage(spec, "%s", wrong);
    if (strcmp(a->rescale, "off") == 0) out->rescale = ANM_CONVERT_RESCALE_OFF;
    else if (strcmp(a->rescale, "auto") != 0)
        return cli_usage(spec, "--rescale is auto or off");
    out->context_length = a->context;
    out->batch_size = a->batch;
    out->prefix = a->prefix;
    out->name = a->name;
    out->calibrate = a->calibrate;
    out->calibrate_tokens = a->tokens;
    out->lut_feedback = a->gptq;
    out->overwrite = a->overwrite;
    out->force = a->force;
    out->verify_inputs = a->verify;
    out->allow_overflow = a->overflow;
    return -1;
}

int convert_args_parse(char *text, convert_args *args, anm_convert_options *out) {
    enum { MOST_WORDS = 64 };
    cli_option table[CONVERT_ARGS];
    char name[] = "convert", *words[MOST_WORDS + 2] = {name}, **operands, *rest = NULL;
    int count = 1;
    for (char *w = strtok_r(text, " ", &rest); w && count <= MOST_WORDS;
         w = strtok_r(NULL, " ", &rest))
        words[count++] = w;
    convert_args_init(args);
    convert_args_table(args, table);
    const cli_spec spec = {"convert", "MODEL -o DIR", 0, 0, "", NULL, table, CONVERT_ARGS};
    int code = cli_parse(&spec, count, words, &operands, &count);
    return code >= 0 ? code : convert_args_take(args, &spec, out);
}
