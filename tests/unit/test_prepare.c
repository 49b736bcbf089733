/* SPDX-License-Identifier: MIT */
/* Preparing a model: progress in bytes, cancelling, plans in place, weights that are gone. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "anemone/convert.h"
#include "anemone/llm.h"
#include "anemone/profile.h"
#include "tests/unit/testing.h"
#include "tests/unit/tiny_model.h"

#define MODEL "test_prepare.hf"
#define OUT "test_prepare.out"
#define WEIGHTS "/Data/com.apple.CoreML/weights/weight.bin"

static const tiny_model model = {"qwen3", "Qwen3ForCausalLM", 64, 2, 4, 2, 16, 96, 72,
                                 .tied = true, .qk_norm = true, .dtype = ANM_DTYPE_BF16};

static int make(void **state) {
    (void)state;
    anm_convert_options options;
    anm_error err;
    anm_convert_options_init(&options);
    options.context_length = 32;
    options.batch_size = 8;
    options.chunks = 2;
    options.prefix = "tiny";
    tiny_model_write(&model, MODEL);
    options.overwrite = 1;
    return anm_convert(MODEL, OUT, &options, NULL, &err) != ANM_OK;
}

static anm_llm *open_model(void) {
    anm_llm *llm;
    anm_error err;
    anm_llm_options options;
    anm_llm_options_init(&options);
    options.threads = 1;
    assert_ok(anm_llm_open(OUT, &options, &llm, &err), &err);
    return llm;
}

typedef struct seen {
    uint64_t first, last, total, stop_at;
    int calls, went_back;
} seen;

static int note(void *context, uint64_t done, uint64_t total) {
    seen *s = context;
    if (!s->calls++) s->first = done;
    s->went_back += done < s->last || (s->calls > 1 && total != s->total);
    s->last = done;
    s->total = total;
    return s->stop_at && done >= s->stop_at;
}

static uint64_t size_of(const char *path) {
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return (uint64_t)info.st_size;
}

static void tells_the_bytes_of_what_is_read_whole(void **state) {
    (void)state;
    anm_llm *llm = open_model();
    anm_error err;
    seen s = {0};
    assert_ok(anm_llm_prepare(llm, note, &s, &err), &err);
    uint64_t wanted = size_of(OUT "/tiny_FFN_PF_chunk_01of02.mlpackage" WEIGHTS) +
                      size_of(OUT "/tiny_FFN_PF_chunk_02of02.mlpackage" WEIGHTS) +
                      size_of(OUT "/tiny_lm_head.mlpackage" WEIGHTS);
    assert_true(s.first == 0 && s.last == s.total && s.total == wanted);
    assert_int_equal(s.went_back, 0);
    assert_true(s.calls >= 4);
    assert_ok(anm_llm_prepare(llm, NULL, NULL, &err), &err);
    anm_llm_close(llm);
}

static void plans_what_every_prompt_needs(void **state) {
    (void)state;
    anm_llm *llm = open_model();
    anm_llm_part part;
    anm_plan_facts facts;
    anm_error err;
    size_t planned = 0;
    for (size_t i = 0; anm_llm_part_at(llm, i, &part); i++)
        assert_false(anm_function_plan(part.function, &facts));
    assert_ok(anm_llm_prepare(llm, NULL, NULL, &err), &err);
    for (size_t i = 0; anm_llm_part_at(llm, i, &part); i++)
        planned += anm_function_plan(part.function, &facts) != 0;
    assert_int_equal(planned, 4); /* embeddings, infer of two chunks, head */
    anm_llm_close(llm);
}

static void stops_when_asked(void **state) {
    (void)state;
    anm_llm *llm = open_model();
    anm_error err;
    seen s = {.stop_at = 1};
    assert_int_equal(anm_llm_prepare(llm, note, &s, &err), ANM_ERROR_CANCELLED);
    assert_true(s.last > 0 && s.last < s.total);
    anm_llm_close(llm);
}

/* Whether the system tells of pages that cannot be read; old kernels and emulators do not. */
static bool system_tells(void) {
#ifdef MADV_POPULATE_READ
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), (off_t)size), 0);
    void *page = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fileno(file), 0);
    assert_true(page != MAP_FAILED);
    assert_int_equal(ftruncate(fileno(file), 0), 0);
    bool tells = madvise(page, size, MADV_POPULATE_READ) != 0 && errno == EFAULT;
    munmap(page, size);
    fclose(file);
    return tells;
#else
    return false;
#endif
}

static void weights_that_were_cut_are_an_error(void **state) {
    (void)state;
    anm_llm *llm = open_model();
    anm_error err;
    if (!system_tells()) skip();
    assert_int_equal(truncate(OUT "/tiny_lm_head.mlpackage" WEIGHTS, 100), 0);
    assert_int_equal(anm_llm_prepare(llm, NULL, NULL, &err), ANM_ERROR_IO);
    assert_non_null(strstr(err.where, "tiny_lm_head.mlpackage"));
    assert_non_null(strstr(err.message, "cut"));
    anm_llm_close(llm);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_bytes_of_what_is_read_whole),
        cmocka_unit_test(plans_what_every_prompt_needs),
        cmocka_unit_test(stops_when_asked),
        cmocka_unit_test(weights_that_were_cut_are_an_error),
    };
    return cmocka_run_group_tests(tests, make, NULL);
}
