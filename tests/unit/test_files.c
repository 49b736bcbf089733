/* SPDX-License-Identifier: MIT */
/* Paths and writers of src/base: what lies where, and what failures leave behind. */
#include "tests/unit/testing.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "anemone/interrupt.h"
#include "src/base/file.h"

static char root[1024]; /* the test's own folder, whole */

static int find_root(void **state) {
    return getcwd(root, sizeof root) ? 0 : -1;
}

static void paths_lead_into_directories(void **state) {
    anm_error err;
    assert_ok(anm_dir_create("a/b/c", &err), &err);
    assert_ok(anm_dir_create("ab", &err), &err);
    assert_int_equal(symlink("a/b", "link"), 0);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_true(anm_path_within("a", "a"));
    assert_true(anm_path_within("a/", "./a//"));
    assert_true(anm_path_within("a/b/c/none/at/all", "a"));
    assert_true(anm_path_within("link/c", "a"));
    assert_true(anm_path_within("a/b/none", "link"));
    assert_true(anm_path_within("none", "."));
    assert_true(anm_path_within("/none", "/"));
    assert_true(anm_path_within("dangling", root));
    assert_false(anm_path_within("a", "a/b"));
    assert_false(anm_path_within("ab", "a"));
    assert_false(anm_path_within("a/b/../../ab", "a"));
    assert_false(anm_path_within("a", "none"));
    assert_false(anm_path_within("a", "dangling"));
}

/* ---- what is left behind ---- */

static size_t count_entries(const char *dir) {
    anm_arena *arena = anm_arena_create();
    char **names;
    size_t count;
    anm_error err;
    assert_ok(anm_dir_list(arena, dir, &names, &count, &err), &err);
    anm_arena_destroy(arena);
    return count;
}

/* A process that stages two directories and a file, says so, and ends when told to. */
typedef struct writer {
    pid_t pid;
    int say;
} writer;

static void stage_and_wait(int say, int hear) {
    anm_staged_dir *dir;
    anm_writer *file;
    char byte;
    bool ok = anm_staged_dir_open("w/x", &dir, NULL) == ANM_OK &&
              anm_staged_dir_open("w/x", &dir, NULL) == ANM_OK &&
              anm_writer_open("w/y", &file, NULL) == ANM_OK;
    if (!ok || write(say, "+", 1) != 1 || read(hear, &byte, 1) < 0) _exit(1);
    _exit(0);
}

static writer start_writer(void) {
    int up[2], down[2];
    char byte = '-';
    assert_int_equal(pipe(up) | pipe(down), 0);
    writer w = {fork(), down[1]};
    assert_true(w.pid >= 0);
    if (w.pid == 0) {
        close(down[1]);
        stage_and_wait(up[1], down[0]);
    }
    close(up[1]);
    close(down[0]);
    assert_int_equal(read(up[0], &byte, 1), 1);
    close(up[0]);
    return w;
}

static void end_writer(writer w) {
    int status;
    close(w.say);
    assert_int_equal(waitpid(w.pid, &status, 0), w.pid);
}

static void write_both(void) {
    anm_error err;
    anm_staged_dir *dir;
    assert_ok(anm_staged_dir_open("w/x", &dir, &err), &err);
    assert_ok(anm_staged_dir_commit(dir, &err), &err);
    assert_ok(anm_file_write("w/y", "y", 1, &err), &err);
}

static void leftovers_of_the_dead_are_removed(void **state) {
    anm_error err;
    assert_ok(anm_dir_create("w", &err), &err);
    writer w = start_writer();
    assert_int_equal(count_entries("w"), 3);
    write_both();
    assert_int_equal(count_entries("w"), 2 + 3); /* it lives: its work is not touched */
    end_writer(w);
    assert_ok(anm_file_write("w/z", "z", 1, &err), &err);
    assert_int_equal(count_entries("w"), 3 + 3); /* another name */
    write_both();
    assert_int_equal(count_entries("w"), 3);
    assert_ok(anm_path_remove("w", &err), &err);
}

/* A dead process's number tells nothing if the lock is held, or if it is another machine's. */
static void other_leftovers_stay(void **state) {
    static const char *const names[] = {
        "w/.x.00000000.%ld.0.partial", "w/.x.%ld.0.partial", "w/.x.y.%ld.0.partial",
        "w/.x.%ld.0.partial.more",
    };
    enum { NAMES = sizeof names / sizeof names[0] };
    anm_error err;
    char name[128];
    assert_ok(anm_dir_create("w", &err), &err);
    writer w = start_writer();
    end_writer(w);
    write_both();
    assert_int_equal(count_entries("w"), 2);
    for (size_t i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, names[i], (long)w.pid);
        assert_ok(anm_dir_create(name, &err), &err);
    }
    write_both();
    assert_int_equal(count_entries("w"), 2 + NAMES);
    assert_ok(anm_path_remove("w", &err), &err);
}

static void locked_leftovers_stay(void **state) {
    anm_error err;
    char *kept = NULL;
    int fd = -1;
    anm_arena *arena = anm_arena_create();
    char **names;
    size_t count;
    assert_ok(anm_dir_create("w", &err), &err);
    end_writer(start_writer());
    assert_ok(anm_dir_list(arena, "w", &names, &count, &err), &err);
    for (size_t i = 0; i < count && !kept; i++) {
        kept = anm_path_join(arena, "w", names[i]);
        fd = open(kept, O_RDONLY);
        assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    }
    write_both();
    assert_true(anm_path_exists(kept));
    assert_int_equal(count_entries("w"), 3);
    close(fd);
    write_both();
    assert_int_equal(count_entries("w"), 2);
    assert_ok(anm_path_remove("w", &err), &err);
    anm_arena_destroy(arena);
}

/* ---- stopping ---- */

static void cancelled_writers_leave_nothing(void **state) {
    static char data[4 << 20]; /* more than is buffered */
    anm_error err;
    anm_writer *w;
    anm_staged_dir *dir;
    assert_ok(anm_dir_create("c", &err), &err);
    assert_int_equal(anm_writing(), 0);
    assert_ok(anm_staged_dir_open("c/d", &dir, &err), &err);
    assert_ok(anm_writer_open("c/f", &w, &err), &err);
    assert_int_equal(anm_writing(), 2);
    anm_cancel_writing(1);
    assert_int_equal(anm_writer_write(w, data, sizeof data, &err), ANM_ERROR_CANCELLED);
    assert_int_equal(anm_writer_commit(w, &err), ANM_ERROR_CANCELLED);
    assert_int_equal(anm_staged_dir_commit(dir, &err), ANM_ERROR_CANCELLED);
    assert_int_equal(anm_file_write("c/g", "g", 1, &err), ANM_ERROR_CANCELLED);
    assert_string_equal(err.message, "interrupted");
    anm_cancel_writing(0);
    assert_int_equal(anm_writing(), 0);
    assert_int_equal(count_entries("c"), 0);
    assert_ok(anm_file_write("c/g", "g", 1, &err), &err);
    assert_ok(anm_path_remove("c", &err), &err);
}

static void replacing_removes_the_old(void **state) {
    anm_error err;
    assert_ok(anm_dir_create("r/old/deep", &err), &err);
    assert_ok(anm_dir_create("r/new/fresh", &err), &err);
    assert_ok(anm_path_replace("r/new", "r/old", &err), &err);
    assert_int_equal(count_entries("r"), 1);
    assert_true(anm_path_is_dir("r/old/fresh"));
    assert_ok(anm_file_write("r/file", "f", 1, &err), &err);
    assert_ok(anm_path_replace("r/file", "r/old", &err), &err); /* a file in a directory's place */
    assert_int_equal(count_entries("r"), 1);
    assert_false(anm_path_is_dir("r/old"));
    assert_ok(anm_path_replace("r/old", "r/free", &err), &err);
    assert_int_equal(anm_path_replace("r/none", "r/none2", &err), ANM_ERROR_IO);
    assert_ok(anm_path_remove("r", &err), &err);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_lead_into_directories),
        cmocka_unit_test(leftovers_of_the_dead_are_removed),
        cmocka_unit_test(other_leftovers_stay),
        cmocka_unit_test(locked_leftovers_stay),
        cmocka_unit_test(cancelled_writers_leave_nothing),
        cmocka_unit_test(replacing_removes_the_old),
    };
    return cmocka_run_group_tests_name("files", tests, find_root, NULL);
}
