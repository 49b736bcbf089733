/* SPDX-License-Identifier: MIT */
/* anemone list, du, rm, prune and path: the cache of models. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "anemone/hub.h"
#include "src/cli/cli.h"

static const char *kind_name(anm_hub_kind kind) {
    switch (kind) {
    case ANM_HUB_COREML: return "coreml";
    case ANM_HUB_CHECKPOINT: return "checkpoint";
    case ANM_HUB_GGUF: return "gguf";
    case ANM_HUB_OTHER: break;
    }
    return "other";
}

static double bytes_of(const anm_hub_entry *e) {
    return (double)e->bytes + (double)e->converted_bytes + (double)e->partial_bytes;
}

static void set_text(json_t *object, const char *key, const char *text) {
    json_object_set_new(object, key, text ? json_string(text) : json_null());
}

static json_t *entry_json(const anm_hub_entry *e) {
    json_t *o = json_object();
    set_text(o, "name", e->name);
    set_text(o, "revision", e->revision);
    set_text(o, "refs", e->refs);
    set_text(o, "kind", e->path ? kind_name(e->kind) : NULL);
    set_text(o, "path", e->path);
    set_text(o, "converted", e->converted);
    json_object_set_new(o, "files", json_integer((json_int_t)e->files));
    json_object_set_new(o, "bytes", json_integer((json_int_t)e->bytes));
    json_object_set_new(o, "converted_bytes", json_integer((json_int_t)e->converted_bytes));
    json_object_set_new(o, "partial_bytes", json_integer((json_int_t)e->partial_bytes));
    return o;
}

static int print_json(json_t *root) {
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
    return 0;
}

static json_t *listing_json(const anm_hub_listing *l) {
    json_t *root = json_array();
    const anm_hub_entry *e;
    for (size_t i = 0; (e = anm_hub_listing_entry(l, i)); i++)
        json_array_append_new(root, entry_json(e));
    return root;
}

/* "checkpoint, converted", "coreml", "unfinished" */
static const char *state_of(const anm_hub_entry *e, char *out, size_t size) {
    snprintf(out, size, "%s%s%s", e->path ? kind_name(e->kind) : "",
             e->converted ? ", converted" : "",
             !e->partial_bytes ? ""
             : e->path         ? ", unfinished"
                               : "unfinished");
    return out;
}

static void print_entry(const anm_hub_entry *e, bool narrow) {
    char size[32], state[64];
    const char *refs = *e->refs ? e->refs : "-";
    cli_size(bytes_of(e), size, sizeof size);
    state_of(e, state, sizeof state);
    if (narrow)
        printf("%s\n  %.8s %s %s\n  %s\n", e->name, e->revision, refs, size, state);
    else printf("%-40s  %.8s  %-10s %8s  %s\n", e->name, e->revision, refs, size, state);
}

static void print_list(const anm_hub_listing *l) {
    bool narrow = cli_columns(stdout) < 72;
    const anm_hub_entry *e;
    if (anm_hub_listing_count(l) && !narrow)
        printf("%-40s  %-8s  %-10s %8s  %s\n", "NAME", "REVISION", "REFS", "SIZE", "KIND");
    for (size_t i = 0; (e = anm_hub_listing_entry(l, i)); i++) print_entry(e, narrow);
}

/* A command whose only option is --json. */
static int parse_plain(const char *name, const char *operands, int most, const char *summary,
                       bool *json, int argc, char **argv, char ***given, int *count) {
    const cli_option table[] = {{"json", 0, CLI_FLAG, json, NULL, "print JSON"}};
    const cli_spec spec = {name, operands, 0, most, summary, NULL, table, 1};
    return cli_parse(&spec, argc, argv, given, count);
}

int cmd_list(int argc, char **argv) {
    bool json = false;
    char **operands;
    anm_hub_listing *l;
    anm_error err;
    int count, code = parse_plain("list", "", 0, "Lists the models in the cache.", &json, argc,
                                  argv, &operands, &count);
    if (code >= 0) return code;
    if (anm_hub_list(NULL, &l, &err) != ANM_OK) return cli_fail(&err);
    if (json) print_json(listing_json(l));
    else print_list(l);
    anm_hub_listing_free(l);
    return 0;
}

/* ---- du ---- */

static void print_usage(const anm_hub_listing *l, const char *dir) {
    const anm_hub_entry *e;
    char size[32], part[32];
    double total = 0;
    for (size_t i = 0; (e = anm_hub_listing_entry(l, i)); i++) {
        total += bytes_of(e);
        printf("%8s  %s@%.8s", cli_size(bytes_of(e), size, sizeof size), e->name, e->revision);
        if (e->converted_bytes)
            printf(" (packages %s)", cli_size((double)e->converted_bytes, part, sizeof part));
        if (e->partial_bytes)
            printf(" (unfinished %s)", cli_size((double)e->partial_bytes, part, sizeof part));
        putchar('\n');
    }
    printf("%8s  %s\n", cli_size(total, size, sizeof size), dir);
}

static json_t *usage_json(const anm_hub_listing *l, const char *dir) {
    const anm_hub_entry *e;
    double total = 0;
    for (size_t i = 0; (e = anm_hub_listing_entry(l, i)); i++) total += bytes_of(e);
    return json_pack("{s:s, s:I, s:o}", "cache", dir, "bytes", (json_int_t)total, "models",
                     listing_json(l));
}

int cmd_du(int argc, char **argv) {
    bool json = false;
    char **operands, *dir = NULL;
    anm_hub_listing *l = NULL;
    anm_error err;
    int count, code = parse_plain("du", "", 0, "Shows what the cache takes on the disk.", &json,
                                  argc, argv, &operands, &count);
    if (code >= 0) return code;
    anm_status status = anm_hub_cache_dir(NULL, &dir, &err);
    if (status == ANM_OK) status = anm_hub_list(NULL, &l, &err);
    if (status == ANM_OK && json) print_json(usage_json(l, dir));
    else if (status == ANM_OK) print_usage(l, dir);
    anm_hub_listing_free(l);
    anm_hub_free(dir);
    return status == ANM_OK ? 0 : cli_fail(&err);
}

/* ---- rm, prune ---- */

static void print_freed(const char *what, double freed) {
    char size[32];
    printf("%s: %s\n", what, cli_size(freed, size, sizeof size));
}

static int remove_one(const char *name, json_t *removed) {
    uint64_t freed;
    anm_error err;
    char what[300];
    if (anm_hub_remove(name, NULL, &freed, &err) != ANM_OK) return cli_fail(&err);
    if (removed) {
        json_array_append_new(removed,
                              json_pack("{s:s, s:I}", "name", name, "freed", (json_int_t)freed));
        return 0;
    }
    snprintf(what, sizeof what, "removed %s", name);
    print_freed(what, (double)freed);
    return 0;
}

int cmd_rm(int argc, char **argv) {
    bool json = false;
    const cli_option table[] = {{"json", 0, CLI_FLAG, &json, NULL, "print JSON"}};
    const cli_spec spec = {"rm", "ORG/NAME[@REVISION]...", 1, 1000,
                           "Removes models from the cache, or single revisions of them.", NULL,
                           table, 1};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code >= 0) return code;
    json_t *removed = json ? json_array() : NULL;
    code = 0;
    for (int i = 0; i < count && code == 0; i++) code = remove_one(operands[i], removed);
    if (removed) print_json(removed);
    return code;
}

int cmd_prune(int argc, char **argv) {
    bool dry = false, json = false;
    const cli_option table[] = {
        {"dry-run", 0, CLI_FLAG, &dry, NULL, "only tell how much it would be"},
        {"json", 0, CLI_FLAG, &json, NULL, "print JSON"},
    };
    const cli_spec spec = {"prune", "", 0, 0,
                           "Removes from the cache what no branch or tag stands at any more, and "
                           "what interrupted pulls left.", NULL, table, 2};
    char **operands;
    uint64_t freed;
    anm_error err;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code >= 0) return code;
    if (anm_hub_prune(NULL, dry, &freed, &err) != ANM_OK) return cli_fail(&err);
    if (json) return print_json(json_pack("{s:I, s:b}", "freed", (json_int_t)freed, "dry", dry));
    print_freed(dry ? "would be removed" : "removed", (double)freed);
    return 0;
}

/* ---- path ---- */

/* Of a checkpoint in the cache the packages, if it was converted. */
static const char *runnable_of(const anm_hub_listing *l, const char *source) {
    const anm_hub_entry *e;
    for (size_t i = 0; (e = anm_hub_listing_entry(l, i)); i++)
        if (e->path && e->converted && strcmp(e->path, source) == 0) return e->converted;
    return source;
}

static void show_path(const char *name, const char *path, bool json) {
    if (json) print_json(json_pack("{s:s?, s:s}", "name", name, "path", path));
    else puts(path);
}

static int print_path(const char *name, bool files, bool json) {
    anm_hub_options options;
    anm_hub_listing *l = NULL;
    anm_error err;
    char *source = NULL;
    anm_hub_options_init(&options);
    options.offline = 1;
    anm_status status = anm_hub_resolve_source(name, &options, &source, &err);
    if (status == ANM_OK) status = anm_hub_list(NULL, &l, &err);
    if (status == ANM_OK) show_path(name, files ? source : runnable_of(l, source), json);
    anm_hub_listing_free(l);
    anm_hub_free(source);
    /* The library speaks of being offline, which nobody asked for here. */
    if (status == ANM_ERROR_NOT_FOUND)
        snprintf(err.message, sizeof err.message,
                 "it is not in the cache, or not all of it; `anemone pull %.200s` brings it", name);
    return status == ANM_OK ? 0 : cli_fail(&err);
}

static int print_cache(bool json) {
    anm_error err;
    char *dir;
    if (anm_hub_cache_dir(NULL, &dir, &err) != ANM_OK) return cli_fail(&err);
    show_path(NULL, dir, json);
    anm_hub_free(dir);
    return 0;
}

int cmd_path(int argc, char **argv) {
    bool files = false, json = false;
    const cli_option table[] = {
        {"source", 0, CLI_FLAG, &files, NULL, "of a checkpoint: its files, not the packages"},
        {"json", 0, CLI_FLAG, &json, NULL, "print JSON"},
    };
    const cli_spec spec = {"path", "[ORG/NAME[@REVISION]]", 0, 1,
                           "Prints where a model is in the cache, or where the cache is.",
                           "Exits with 4 if the model is not there.", table, 2};
    char **operands;
    int count, code = cli_parse(&spec, argc, argv, &operands, &count);
    if (code >= 0) return code;
    return count ? print_path(operands[0], files, json) : print_cache(json);
}
