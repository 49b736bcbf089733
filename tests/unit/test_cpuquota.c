/* SPDX-License-Identifier: MIT */
/* Quotas of processor time, read from folders made up as systems and containers have them. */
#include "tests/unit/testing.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

#include "src/base/cpuquota.h"
#include "src/base/file.h"
#include "src/base/threads.h"

static char root[64];

static int make_root(void **state) {
    strcpy(root, "anm-quota-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
    return anm_path_remove(root, NULL) == ANM_OK ? 0 : -1;
}

/* root/dir/name, with its folders. */
static void put(const char *dir, const char *name, const char *text) {
    char path[512];
    anm_error err;
    snprintf(path, sizeof path, "%s/%s", root, dir);
    assert_ok(anm_dir_create(path, &err), &err);
    snprintf(path, sizeof path, "%s/%s/%s", root, dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void put_groups(const char *text) {
    put("proc/self", "cgroup", text);
}

static double quota(void) {
    return anm_cpu_quota(root);
}

static void nothing_limits_nothing(void **state) {
    assert_float_equal(quota(), 0, 0);
    put_groups("0::/\n");
    assert_float_equal(quota(), 0, 0);
    put("sys/fs/cgroup", "cpu.max", "max 100000\n");
    assert_float_equal(quota(), 0, 0);
}

static void version_2_in_a_container(void **state) {
    put_groups("0::/\n");
    put("sys/fs/cgroup", "cpu.max", "150000 100000\n");
    assert_float_equal(quota(), 1.5, 1e-12);
}

/* The group's own limit is none; its parent's counts, and the least of all. */
static void version_2_takes_the_least_upwards(void **state) {
    put_groups("0::/system.slice/one.service\n");
    put("sys/fs/cgroup/system.slice/one.service", "cpu.max", "max 100000\n");
    put("sys/fs/cgroup/system.slice", "cpu.max", "300000 100000\n");
    assert_float_equal(quota(), 3, 1e-12);
    put("sys/fs/cgroup/system.slice/one.service", "cpu.max", "50000 25000\n");
    assert_float_equal(quota(), 2, 1e-12);
}

static void version_1_by_its_mounts(void **state) {
    put_groups("12:pids:/docker/ab\n4:cpuacct,cpu:/docker/ab\n3:cpuset:/\n0::/\n");
    put("sys/fs/cgroup/cpuacct,cpu/docker/ab", "cpu.cfs_quota_us", "-1\n");
    put("sys/fs/cgroup/cpuacct,cpu/docker/ab", "cpu.cfs_period_us", "100000\n");
    assert_float_equal(quota(), 0, 0);
    put("sys/fs/cgroup/cpuacct,cpu/docker/ab", "cpu.cfs_quota_us", "400000\n");
    assert_float_equal(quota(), 4, 1e-12);
}

/* The path is the host's, the mount is the container's own group. */
static void version_1_in_a_container(void **state) {
    put_groups("4:cpu,cpuacct:/docker/ab\n");
    put("sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "250000\n");
    put("sys/fs/cgroup/cpu", "cpu.cfs_period_us", "100000\n");
    assert_float_equal(quota(), 2.5, 1e-12);
}

/* cpuacct and cpuset are not cpu. */
static void other_controllers_do_not_count(void **state) {
    put_groups("4:cpuacct,cpuset:/\n");
    put("sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "100000\n");
    put("sys/fs/cgroup/cpu", "cpu.cfs_period_us", "100000\n");
    assert_float_equal(quota(), 0, 0);
}

static void nonsense_limits_nothing(void **state) {
    static const char *const lines[] = {"", "\n", "100000\n", "0 0\n", "-5 100000\n", "100000 0\n",
                                        "a b\n"};
    put_groups("0::/\nnonsense\n:\n::\n");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        put("sys/fs/cgroup", "cpu.max", lines[i]);
        assert_float_equal(quota(), 0, 0);
    }
    char line[1100] = "0::/";
    memset(line + 4, 'a', sizeof line - 5);
    line[sizeof line - 1] = 0;
    put_groups(line);
    assert_float_equal(quota(), 0, 0);
}

static void threads_are_the_nearest_number(void **state) {
    assert_int_equal(anm_cpu_count_within(8, 0), 8);
    assert_int_equal(anm_cpu_count_within(8, 16), 8);
    assert_int_equal(anm_cpu_count_within(8, 0.2), 1);
    assert_int_equal(anm_cpu_count_within(8, 1.2), 1);
    assert_int_equal(anm_cpu_count_within(8, 1.5), 2);
    assert_int_equal(anm_cpu_count_within(8, 3.4), 3);
    assert_int_equal(anm_cpu_count_within(1, 3), 1);
}

static void affinity_counts(void **state) {
#ifdef __linux__
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all)) CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(anm_cpu_count(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_in_range(anm_cpu_count(), 1, CPU_COUNT(&all));
#endif
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(nothing_limits_nothing),
        CASE(version_2_in_a_container),
        CASE(version_2_takes_the_least_upwards),
        CASE(version_1_by_its_mounts),
        CASE(version_1_in_a_container),
        CASE(other_controllers_do_not_count),
        CASE(nonsense_limits_nothing),
        CASE(threads_are_the_nearest_number),
        cmocka_unit_test(affinity_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
