/* SPDX-License-Identifier: MIT */
#include "src/cli/modelarg.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "anemone/hub.h"
#include "src/cli/cli.h"
#include "src/cli/pullline.h"

typedef anm_status (*resolve_fn)(const char *name, const anm_hub_options *options, char **out,
                                 anm_error *err);

/* ---- paths that live until the end ---- */

enum { MOST_PATHS = 64 };
static char *kept[MOST_PATHS];
static int kept_count;

static void free_kept(void) {
    while (kept_count) anm_hub_free(kept[--kept_count]);
}

static int keep(char *path, const char **out) {
    if (!kept_count) atexit(free_kept);
    if (kept_count == MOST_PATHS) {
        anm_hub_free(path);
        fprintf(stderr, "anemone: more than %d models\n", MOST_PATHS);
        return CLI_USAGE;
    }
    kept[kept_count++] = path;
    *out = path;
    return -1;
}

/* ---- names ---- */

static int resolve(const char *name, resolve_fn how, const char **out) {
    anm_hub_options options;
    anm_error err;
    pull_line line;
    char *path;
    pull_line_init(&line, false);
    anm_hub_options_init(&options);
    options.progress = pull_line_show;
    options.progress_context = &line;
    anm_status status = how(name, &options, &path, &err);
    pull_line_end(&line);
    return status == ANM_OK ? keep(path, out) : cli_fail(&err);
}

int cli_model(const char *name, const char **out) {
    return resolve(name, anm_hub_resolve, out);
}

int cli_model_source(const char *name, const char **out) {
    return resolve(name, anm_hub_resolve_source, out);
}

/* ---- packages ---- */

static bool is_package(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (strcmp(dot, ".mlpackage") == 0 || strcmp(dot, ".mlmodelc") == 0);
}

/* How many there are; their names, and the path of the last. */
static size_t find_packages(const char *dir, char *names, size_t size, char **path) {
    DIR *d = opendir(dir);
    size_t count = 0, used = 0;
    *path = NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (!is_package(e->d_name)) continue;
        size_t length = strlen(dir) + strlen(e->d_name) + 2;
        free(*path);
        *path = malloc(length);
        if (*path) snprintf(*path, length, "%s/%s", dir, e->d_name);
        if (used < size)
            used += (size_t)snprintf(names + used, size - used, "%s%s", count ? ", " : "",
                                     e->d_name);
        count++;
    }
    if (d) closedir(d);
    return count;
}

int cli_model_package(const char *name, const char **out) {
    char names[512] = "", *path;
    struct stat info;
    bool local = stat(name, &info) == 0 || !anm_hub_is_name(name);
    int code = cli_model(name, out);
    if (code >= 0 || local || is_package(*out)) return code;
    size_t count = find_packages(*out, names, sizeof names, &path);
    if (count == 1 && path) {
        code = cli_model(path, out);
    } else {
        fprintf(stderr, "anemone: %s has %zu packages in %s: %s; choose one\n", name, count, *out,
                names);
        code = ANM_ERROR_ARGUMENT;
    }
    free(path);
    return code;
}
