/* SPDX-License-Identifier: MIT */
#include "src/base/cpuquota.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PATH = 1024, MOST_LINE = 1024 };

/* A group's limit, or 0. */
typedef double (*limit_fn)(const char *group);

static bool read_line(const char *dir, const char *name, char *line, int size) {
    char path[MOST_PATH + 64];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "re");
    if (!file) return false;
    bool read = fgets(line, size, file) != NULL;
    fclose(file);
    return read;
}

static double ratio(const char *quota, const char *period) {
    double of = strtod(quota, NULL), in = strtod(period, NULL);
    return of > 0 && in > 0 ? of / in : 0;
}

/* "150000 100000" microseconds, or "max 100000". */
static double limit_v2(const char *group) {
    char line[80];
    if (!read_line(group, "cpu.max", line, sizeof line)) return 0;
    const char *space = strchr(line, ' ');
    return space ? ratio(line, space + 1) : 0;
}

static double limit_v1(const char *group) {
    char quota[80], period[80];
    if (!read_line(group, "cpu.cfs_quota_us", quota, sizeof quota) ||
        !read_line(group, "cpu.cfs_period_us", period, sizeof period))
        return 0;
    return ratio(quota, period);
}

static double lesser(double a, double b) {
    if (a == 0 || b == 0) return a + b;
    return a < b ? a : b;
}

/*
 * Of a group and those above it. Within a container the mount may be the group itself, while the
 * path is the one seen from outside: then what is tried first is not there.
 */
static double limit_upwards(const char *root, const char *mount, const char *path, limit_fn limit) {
    char group[MOST_PATH];
    double least = 0;
    int base = snprintf(group, sizeof group, "%s/sys/fs/cgroup%s", root, mount);
    int length = snprintf(group, sizeof group, "%s/sys/fs/cgroup%s%s", root, mount, path);
    if (length >= (int)sizeof group) return 0;
    for (;;) {
        least = lesser(least, limit(group));
        char *slash = strrchr(group + base, '/');
        if (!slash) return least;
        *slash = 0;
    }
}

static bool lists_cpu(const char *controllers) {
    for (const char *at = controllers; at; at = strchr(at, ',')) {
        if (*at == ',') at++;
        size_t n = strcspn(at, ",");
        if (n == 3 && strncmp(at, "cpu", 3) == 0) return true;
    }
    return false;
}

/* A line of /proc/self/cgroup: number:controllers:path; version 2 has no controllers. */
static double limit_of_line(const char *root, char *line) {
    char mount[MOST_LINE + 1];
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path) return 0;
    *path++ = 0;
    controllers++;
    path[strcspn(path, "\n")] = 0;
    if (!*controllers)
        return lesser(limit_upwards(root, "", path, limit_v2),
                      limit_upwards(root, "/unified", path, limit_v2));
    if (!lists_cpu(controllers)) return 0;
    snprintf(mount, sizeof mount, "/%s", controllers);
    return lesser(limit_upwards(root, "/cpu", path, limit_v1),
                  limit_upwards(root, mount, path, limit_v1));
}

double anm_cpu_quota(const char *root) {
    char path[MOST_PATH], line[MOST_LINE];
    double least = 0;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    if (!file) return 0;
    while (fgets(line, sizeof line, file)) least = lesser(least, limit_of_line(root, line));
    fclose(file);
    return least;
}

int anm_cpu_count_within(int processors, double quota) {
    if (quota <= 0 || quota >= processors) return processors;
    int whole = (int)(quota + 0.5);
    return whole > 1 ? whole : 1;
}
