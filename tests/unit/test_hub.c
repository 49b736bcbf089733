/* SPDX-License-Identifier: MIT */
/*
 * The parts of src/hub that need no hub: names, what of a repository is wanted, headers, files that
 * come in pieces, hashes. tests/hub/check_hub.py does the rest.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "anemone/hub.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/hub/fetchreply.h"
#include "src/hub/hubcheck.h"
#include "src/hub/hubconnect.h"
#include "src/hub/hubname.h"
#include "src/hub/hubplace.h"
#include "src/hub/hubselect.h"
#include "src/hub/partfile.h"
#include "tests/unit/testing.h"

static const char sha256_of_abc[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char git_of_abc[] = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f"; /* git hash-object */

static void names_are_taken_apart(void **state) {
    anm_hub_name n;
    assert_true(anm_hub_name_parse("Qwen/Qwen3-0.6B", &n));
    assert_string_equal(n.folder, "Qwen--Qwen3-0.6B");
    assert_string_equal(n.revision, "main");
    assert_string_equal(n.path, "");
    assert_true(anm_hub_name_parse("a/b@refs/pr/1:ios/x.mlpackage/", &n));
    assert_string_equal(n.repo, "a/b");
    assert_string_equal(n.revision, "refs/pr/1");
    assert_string_equal(n.path, "ios/x.mlpackage");
    assert_true(anm_hub_is_name("anemll/anemll-Qwen-Qwen3-0.6B-LUT888-ctx512_0.3.4"));
}

static void what_is_no_name(void **state) {
    static const char *const texts[] = {
        "",      "model",   "a/",    "/b",      "a/b/c",  "./b",      "../b",   "~/b",
        "a--b/c", "a/b..c", "a/b.",  "a/-b",    "a b/c",  "a/b@",     "a/b@-x", "a/b@x..y",
        "a/b:",  "a/b:../x", "a/b:/x", "a/b@x:", "a\\b/c", "\303\274/b", "a/b@/x", "a/b@x/",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (anm_hub_is_name(texts[i])) fail_msg("\"%s\" was taken for a name", texts[i]);
}

static void tame_paths(void **state) {
    assert_true(anm_hub_path_is_tame("a/b c/.hidden/x..y"));
    static const char *const wild[] = {"", "/a", "a/", "a//b", "..", "a/..", "./a", "a\\b", "a\nb"};
    for (size_t i = 0; i < sizeof wild / sizeof wild[0]; i++)
        if (anm_hub_path_is_tame(wild[i])) fail_msg("\"%s\" was taken for tame", wild[i]);
}

static void patterns_go_past_slashes(void **state) {
    assert_true(anm_hub_pattern_fits("*.json", "a/b.json"));
    assert_true(anm_hub_pattern_fits("x,model-?.bin,", "model-1.bin"));
    assert_false(anm_hub_pattern_fits("*.json", "a.jsonl"));
    assert_false(anm_hub_pattern_fits("", "a"));
}

/* ---- headers ---- */

static void hear(anm_fetch_heard *h, const char *line) {
    anm_fetch_hear(h, line, strlen(line));
}

static void headers_are_read(void **state) {
    anm_fetch_heard h = {0};
    hear(&h, "HTTP/1.1 206 Partial Content\r\n");
    hear(&h, "etag: W/\"abc\"\r\n");
    assert_string_equal(h.reply.etag, "abc");
    hear(&h, "X-LINKED-ETAG:  \"def\"  \r\n");
    hear(&h, "ETag: \"ghi\"\r\n");
    assert_string_equal(h.reply.etag, "def");
    hear(&h, "Content-Range: bytes 5-9/1000\r\n");
    assert_int_equal(h.reply.first, 5);
    assert_int_equal(h.reply.total, 1000);
    hear(&h, "Link: <https://h/a>; rel=\"prev\", <https://h/b?x=1>; rel=\"next\"\r\n");
    assert_string_equal(h.reply.next, "https://h/b?x=1");
    hear(&h, "HTTP/1.1 200 OK\r\n");
    assert_int_equal(h.reply.status, 200);
    assert_string_equal(h.reply.etag, "");
    assert_string_equal(h.reply.next, "");
}

static void odd_headers_do_no_harm(void **state) {
    anm_fetch_heard h = {0};
    static const char *const lines[] = {
        "HTTP/",    "HTTP/2",   "ETag:", "ETag: \"", "Content-Range: bytes */5", "Content-Range: x",
        "Link: <",  "Link: >;", ":",     ""};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) hear(&h, lines[i]);
    assert_string_equal(h.reply.next, "");
    anm_fetch_hear_body(&h, "\033[31mred\n\377", 9);
    assert_string_equal(h.error_text, " [31mred ");
}

static void origins(void **state) {
    char a[256], b[256];
    assert_true(anm_hub_origin("https://Hub.co/x?y", a, sizeof a));
    assert_string_equal(a, "https://hub.co:443");
    assert_true(anm_hub_origin("https://user@hub.co:8443/", b, sizeof b));
    assert_string_equal(b, "https://hub.co:8443");
    assert_false(anm_hub_origin("file:///etc/passwd", a, sizeof a));
    assert_false(anm_hub_origin("hub.co", a, sizeof a));
}

/* ---- what is wanted ---- */

static void select_from(const char *const *paths, const char *name, anm_status expected,
                        const char *wanted) {
    anm_hub_files all = {0}, out = {0};
    anm_hub_name parsed;
    anm_hub_options options;
    anm_error err;
    anm_strbuf text = {0};
    bool usual;
    anm_hub_options_init(&options);
    for (; *paths; paths++) {
        anm_hub_file f = {.path = *paths, .hash = git_of_abc};
        assert_true(anm_vec_push(&all, f));
    }
    anm_hub_files_sort(&all);
    assert_true(anm_hub_name_parse(name, &parsed));
    assert_int_equal(anm_hub_select(&all, &parsed, &options, &out, &usual, &err), expected);
    for (size_t i = 0; i < out.len && expected == ANM_OK; i++)
        anm_strbuf_printf(&text, "%s%s", i ? " " : "", out.data[i].path);
    assert_string_equal(anm_strbuf_cstr(&text), wanted);
    anm_strbuf_free(&text);
    anm_vec_free(&all);
    anm_vec_free(&out);
}

static void wanted_files(void **state) {
    static const char *const checkpoint[] = {
        "config.json", "model.safetensors", "pytorch_model.bin", "original/consolidated.00.pth",
        "onnx/model.onnx", "tokenizer.json", ".gitattributes", "flax_model.msgpack", NULL};
    select_from(checkpoint, "a/b", ANM_OK, "config.json model.safetensors tokenizer.json");
    static const char *const packages[] = {
        "a.mlmodelc.zip", "a.mlmodelc/weights/weight.bin", "b.mlmodelc.zip", "c.mlmodelc.zip",
        "c.mlpackage/Manifest.json", "c.mlmodelc/model.mil", "model.safetensors", "all_0.3.4.zip",
        "meta.yaml", NULL};
    select_from(packages, "a/b", ANM_OK,
                "a.mlmodelc/weights/weight.bin b.mlmodelc.zip c.mlpackage/Manifest.json meta.yaml");
    static const char *const gguf[] = {"m-Q4_K.gguf", "m-Q8_0.gguf", "README.md", NULL};
    select_from(gguf, "a/b", ANM_ERROR_ARGUMENT, "");
    select_from(gguf, "a/b:m-Q8_0.gguf", ANM_OK, "README.md m-Q8_0.gguf");
    static const char *const parts[] = {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf", NULL};
    select_from(parts, "a/b", ANM_OK, "m-00001-of-00002.gguf m-00002-of-00002.gguf");
    static const char *const nothing[] = {"x.onnx", NULL};
    select_from(nothing, "a/b", ANM_ERROR_NOT_FOUND, "");
}

/* ---- files in pieces ---- */

static char folder[] = "test_hub_XXXXXX";

static int make_folder(void **state) {
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    return anm_path_remove(folder, NULL) == ANM_OK ? 0 : -1;
}

static void a_part_is_gone_on_with(void **state) {
    anm_partfile p;
    anm_error err;
    char path[64];
    uint64_t first, last;
    const uint64_t mega = 1 << 20, size = 9 * mega;
    snprintf(path, sizeof path, "%s/p", folder);
    assert_ok(anm_partfile_open(path, size, sha256_of_abc, &p, &err), &err);
    assert_int_equal(p.segments, 3); /* of 4 MiB */
    assert_ok(anm_partfile_write(&p, 4 * mega, "12345", 5, &err), &err);
    assert_ok(anm_partfile_write(&p, 8 * mega, "1", 1, &err), &err);
    anm_partfile_close(&p);
    assert_ok(anm_partfile_open(path, size, sha256_of_abc, &p, &err), &err);
    assert_int_equal(anm_partfile_have(&p), 6);
    assert_true(anm_partfile_wanted(&p, 1, &first, &last));
    assert_int_equal(first, 4 * mega + 5);
    assert_int_equal(last, 8 * mega - 1);
    assert_int_equal(anm_partfile_write(&p, size - 1, "12", 2, &err), ANM_ERROR_FORMAT);
    anm_partfile_close(&p);
    /* Of another file, or another size, nothing is gone on with. */
    assert_ok(anm_partfile_open(path, size, git_of_abc, &p, &err), &err);
    assert_int_equal(anm_partfile_have(&p), 0);
    assert_ok(anm_partfile_write(&p, 0, "1", 1, &err), &err);
    anm_partfile_close(&p);
    assert_ok(anm_partfile_open(path, size + 1, git_of_abc, &p, &err), &err);
    assert_int_equal(anm_partfile_have(&p), 0);
    anm_partfile_close(&p);
}

static void a_write_runs_over_segments(void **state) {
    anm_partfile p;
    anm_error err;
    char path[64];
    const size_t size = 9 << 20;
    uint64_t first, last;
    char *data = calloc(1, size);
    assert_non_null(data);
    snprintf(path, sizeof path, "%s/q", folder);
    assert_ok(anm_partfile_open(path, size, sha256_of_abc, &p, &err), &err);
    assert_ok(anm_partfile_write(&p, 0, data, size - 3, &err), &err);
    assert_int_equal(anm_partfile_have(&p), size - 3);
    assert_false(anm_partfile_wanted(&p, 1, &first, &last));
    assert_ok(anm_partfile_forget(&p, &err), &err);
    assert_int_equal(anm_partfile_have(&p), 0);
    anm_partfile_close(&p);
    free(data);
}

static anm_status no_tick(void *context, uint64_t done, anm_error *err) {
    return ANM_OK;
}

static void hashes_as_the_hub_lists_them(void **state) {
    anm_error err;
    char path[64], found[65];
    bool equal;
    snprintf(path, sizeof path, "%s/abc", folder);
    assert_ok(anm_file_write(path, "abc", 3, &err), &err);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_ok(anm_hub_check(fd, path, 3, sha256_of_abc, no_tick, NULL, found, &equal, &err), &err);
    assert_true(equal);
    assert_ok(anm_hub_check(fd, path, 3, git_of_abc, no_tick, NULL, found, &equal, &err), &err);
    assert_true(equal);
    assert_ok(anm_hub_check(fd, path, 2, git_of_abc, no_tick, NULL, found, &equal, &err), &err);
    assert_false(equal);
    close(fd);
}

/* ---- the cache's place ---- */

static void where_the_cache_is(void **state) {
    anm_error err;
    char *dir;
    setenv("ANEMONE_CACHE", "/x/own", 1);
    setenv("XDG_CACHE_HOME", "/x/xdg", 1);
    assert_ok(anm_hub_cache_dir(NULL, &dir, &err), &err);
    assert_string_equal(dir, "/x/own");
    anm_hub_free(dir);
    unsetenv("ANEMONE_CACHE");
    assert_ok(anm_hub_cache_dir(NULL, &dir, &err), &err);
    assert_string_equal(dir, "/x/xdg/anemone");
    anm_hub_free(dir);
    setenv("XDG_CACHE_HOME", "relative", 1); /* to be ignored, says its specification */
    setenv("HOME", "/x/home", 1);
    assert_ok(anm_hub_cache_dir(NULL, &dir, &err), &err);
    assert_true(strncmp(dir, "/x/home/", 8) == 0);
    anm_hub_free(dir);
}

static void a_path_comes_before_the_hub(void **state) {
    anm_hub_options options;
    anm_error err;
    char *dir;
    anm_hub_options_init(&options);
    options.cache_dir = folder;
    options.offline = 1;
    assert_ok(anm_hub_resolve(folder, &options, &dir, &err), &err);
    assert_string_equal(dir, folder);
    anm_hub_free(dir);
    assert_int_equal(anm_hub_resolve("org/name", &options, &dir, &err), ANM_ERROR_NOT_FOUND);
    assert_null(dir);
    assert_non_null(strstr(err.message, "offline"));
    anm_hub_listing *list;
    assert_ok(anm_hub_list(&options, &list, &err), &err);
    assert_int_equal(anm_hub_listing_count(list), 0);
    anm_hub_listing_free(list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_taken_apart),
        cmocka_unit_test(what_is_no_name),
        cmocka_unit_test(tame_paths),
        cmocka_unit_test(patterns_go_past_slashes),
        cmocka_unit_test(headers_are_read),
        cmocka_unit_test(odd_headers_do_no_harm),
        cmocka_unit_test(origins),
        cmocka_unit_test(wanted_files),
        cmocka_unit_test(a_part_is_gone_on_with),
        cmocka_unit_test(a_write_runs_over_segments),
        cmocka_unit_test(hashes_as_the_hub_lists_them),
        cmocka_unit_test(where_the_cache_is),
        cmocka_unit_test(a_path_comes_before_the_hub),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
