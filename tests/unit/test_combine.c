/* SPDX-License-Identifier: MIT */
/* anm_combine and anm_split: what is shared, what is named how, and that results stay the same. */
#include "tests/unit/testing.h"

#include <string.h>
#include <sys/stat.h>

#include "anemone/combine.h"
#include "anemone/log.h"
#include "anemone/program.h"
#include "src/mil/builder.h"
#include "src/package/package.h"

static char root[64];
static char last_warning[512];
static int warnings;

static void count_warning(void *context, anm_log_level level, const char *message) {
    if (level < ANM_LOG_WARNING) return;
    warnings++;
    snprintf(last_warning, sizeof last_warning, "%s", message);
}

static int make_root(void **state) {
    strcpy(root, "anm-combine-XXXXXX");
    anm_log_set(count_warning, NULL);
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
    anm_log_set(NULL, NULL);
    return anm_path_remove(root, NULL) == ANM_OK ? 0 : -1;
}

static const char *in_root(const char *name) {
    static char paths[8][160];
    static int turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

/* Packages of our own: y = x * k + k2 + lut + own + memory; memory += k (where it fits). */

typedef struct small {
    const char *file;
    const char *functions[3]; /* names; all have the same body */
    float own;                /* a weight that differs between packages */
    int64_t memory;           /* elements of the state; 0: none */
    int spec_version;
    const char *opset, *author, *note;
} small;

enum { WIDTH = 16 };
static const int64_t width[1] = {WIDTH};

/* Offsets of the blobs in a package that is being made. */
typedef struct blobs {
    uint64_t k, k2, indices, lut, own;
} blobs;

/* k2 says what k says; the table's indices and bytes of `own` differ from all others. */
static anm_status write_blobs(anm_blob_writer *w, const small *s, blobs *out, anm_error *err) {
    uint16_t k[WIDTH], lut[16];
    float own[WIDTH];
    uint8_t indices[WIDTH / 2];
    for (int i = 0; i < WIDTH; i++) {
        k[i] = (uint16_t)(0x3c00 + i);
        lut[i] = (uint16_t)(0x3800 + 3 * i);
        own[i] = s->own + (float)i;
        indices[i / 2] = (uint8_t)(0x10 * (i / 2) + 7);
    }
    ANM_TRY(anm_blob_writer_add(w, ANM_DTYPE_FP16, WIDTH, k, &out->k, err));
    ANM_TRY(anm_blob_writer_add(w, ANM_DTYPE_FP16, WIDTH, k, &out->k2, err));
    ANM_TRY(anm_blob_writer_add(w, ANM_DTYPE_UINT4, WIDTH, indices, &out->indices, err));
    ANM_TRY(anm_blob_writer_add(w, ANM_DTYPE_FP16, 16, lut, &out->lut, err));
    return anm_blob_writer_add(w, ANM_DTYPE_FP32, WIDTH, own, &out->own, err);
}

static const anm_mil_literal *blob_literal(anm_arena *arena, anm_dtype dtype, int rank,
                                           const int64_t *shape, uint64_t offset) {
    anm_mil_literal *literal = ANM_ARENA_NEW(arena, anm_mil_literal);
    literal->type = anm_mil_type_tensor(arena, dtype, rank, shape);
    literal->blob_path = ANM_WEIGHT_PATH;
    literal->blob_offset = offset;
    return literal;
}

static anm_mil_value *blob(anm_mil_builder *b, const char *name, anm_dtype dtype, uint64_t at) {
    return anm_mil_builder_blob(b, name, dtype, 1, width, ANM_WEIGHT_PATH, at, NULL);
}

static void build_function(anm_mil_builder *b, const small *s, const char *name, const blobs *at) {
    static const int64_t table[3] = {1, 16, 1};
    anm_arena *arena = b->program->arena;
    anm_mil_builder_function(b, name, s->opset ? s->opset : "CoreML8");
    anm_mil_value *x = anm_mil_builder_input(b, "x", ANM_DTYPE_FP16, 1, width);
    anm_mil_value *memory =
        s->memory ? anm_mil_builder_state(b, "memory", ANM_DTYPE_FP16, 1, &s->memory) : NULL;
    anm_mil_value *k = blob(b, "k", ANM_DTYPE_FP16, at->k);
    anm_mil_value *y = anm_mil_emit(b, "mul", "scaled", {"x", x}, {"y", k});
    y = anm_mil_emit(b, "add", "y1", {"x", y}, {"y", blob(b, "k2", ANM_DTYPE_FP16, at->k2)});
    if (!s->opset) {
        anm_mil_value *palette = anm_mil_emit(
            b, "constexpr_lut_to_dense", "palette",
            {.arg = "indices",
             .literal = blob_literal(arena, ANM_DTYPE_UINT4, 1, width, at->indices)},
            {.arg = "lut", .literal = blob_literal(arena, ANM_DTYPE_FP16, 3, table, at->lut)});
        y = anm_mil_emit(b, "add", "y2", {"x", y}, {"y", palette});
    }
    anm_mil_value *own =
        anm_mil_emit(b, "cast", "own16", {"x", blob(b, "own", ANM_DTYPE_FP32, at->own)},
                     {"dtype", anm_mil_builder_string(b, "half", "fp16")});
    y = anm_mil_emit(b, "add", "y3", {"x", y}, {"y", own});
    if (memory) {
        anm_mil_value *old = anm_mil_emit(b, "read_state", "old", {"input", memory});
        anm_mil_value *sum =
            anm_mil_emit(b, "add", "sum", {"x", old}, {"y", s->memory == WIDTH ? k : old});
        anm_mil_builder_op_multi(b, "write_state", "write",
                                 (const anm_mil_binding[]){{"input", memory}, {"data", sum}}, 2,
                                 NULL, 0);
        y = anm_mil_emit(b, "add", "y4", {"x", y}, {"y", old});
    }
    anm_mil_builder_rename(b, y, "y");
    anm_mil_builder_outputs(b, &y, 1);
}

static anm_status write_small(const small *s, anm_error *err) {
    anm_feature in = {.name = "x", .dtype = ANM_DTYPE_FP16, .rank = 1, .shape = {WIDTH}};
    anm_feature out = {.name = "y", .dtype = ANM_DTYPE_FP16, .rank = 1, .shape = {WIDTH}};
    anm_feature state = {
        .name = "memory", .dtype = ANM_DTYPE_FP16, .rank = 1, .shape = {s->memory}};
    anm_interface faces[3];
    anm_metadata_entry user[2] = {{"test.common", "same"}, {"test.note", s->note}};
    anm_description d = {.functions = faces,
                         .author = s->author,
                         .user = user,
                         .user_count = s->note ? 2 : 1,
                         .default_function = s->functions[0]};
    anm_package_writer *w;
    anm_blob_writer *file;
    blobs at;
    anm_mil_builder b;
    anm_mil_program *program = anm_mil_program_create();
    program->version = 1;
    program->spec_version = s->spec_version ? s->spec_version : 9;
    ANM_TRY(anm_package_writer_open(in_root(s->file), &w, err));
    ANM_TRY(anm_package_writer_blobs(w, &file, err));
    ANM_TRY(write_blobs(file, s, &at, err));
    anm_mil_builder_init(&b, program);
    for (; d.function_count < 3 && s->functions[d.function_count]; d.function_count++) {
        const char *name = s->functions[d.function_count];
        build_function(&b, s, name, &at);
        faces[d.function_count] = (anm_interface){.name = name,
                                                  .inputs = &in,
                                                  .input_count = 1,
                                                  .outputs = &out,
                                                  .output_count = 1,
                                                  .states = &state,
                                                  .state_count = s->memory ? 1 : 0};
    }
    d.multi = d.function_count > 1;
    ANM_TRY(anm_mil_builder_finish(&b, err));
    anm_status status = anm_package_writer_commit(w, program, &d, err);
    anm_mil_program_destroy(program);
    return status;
}

static void make(small s) {
    anm_error err;
    assert_ok(write_small(&s, &err), &err);
}

static void make_two(void) {
    make((small){.file = "a.mlpackage", .functions = {"main"}, .own = 1, .memory = WIDTH});
    make((small){.file = "b.mlpackage", .functions = {"main"}, .own = 2, .memory = WIDTH});
}

static anm_status combine_two(const char *one, const char *two, const char *out, anm_error *err) {
    anm_combine_options options;
    anm_combine_options_init(&options);
    options.overwrite = 1;
    const anm_combine_source sources[2] = {{in_root(one), "infer", NULL},
                                           {in_root(two), "prefill", NULL}};
    return anm_combine(sources, 2, in_root(out), &options, err);
}

/* Blobs, and bytes, of a package's weight.bin. */
static uint32_t count_blobs(const char *package, size_t *bytes) {
    char file[1200];
    uint32_t count = 0;
    struct stat info;
    snprintf(file, sizeof file, "%s/Data/com.apple.CoreML/weights/weight.bin", package);
    FILE *in = fopen(file, "rb");
    assert_non_null(in);
    assert_int_equal(fread(&count, sizeof count, 1, in), 1);
    fclose(in);
    assert_int_equal(stat(file, &info), 0);
    if (bytes) *bytes = (size_t)info.st_size;
    return count;
}

/* Running two functions side by side on the same random inputs. */

static uint32_t seed;

static uint32_t next_random(void) {
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static anm_tensor random_input(const anm_feature *f) {
    anm_tensor t = {.name = f->name, .dtype = ANM_DTYPE_FP32, .rank = f->rank};
    size_t count = 1;
    for (int i = 0; i < f->rank; i++) count *= (size_t)(t.shape[i] = f->shape[i]);
    bool whole = f->dtype == ANM_DTYPE_INT32;
    t.bytes = count * 4;
    t.data = test_malloc(t.bytes);
    if (whole) t.dtype = ANM_DTYPE_INT32;
    for (size_t i = 0; i < count; i++) {
        if (whole) ((int32_t *)t.data)[i] = (int32_t)(next_random() % 8);
        else ((float *)t.data)[i] = (float)(next_random() % 4096) / 2048 - 1;
    }
    return t;
}

typedef struct run {
    anm_state *state;
    anm_tensor outputs[4];
} run;

static void predict(const anm_function *f, run *r, const anm_tensor *inputs) {
    anm_error err;
    size_t count = anm_function_output_count(f);
    assert_in_range(count, 1, 4);
    for (size_t i = 0; i < count; i++)
        r->outputs[i] = (anm_tensor){.name = anm_function_output(f, i)->name};
    assert_ok(anm_predict_alloc(f, inputs, anm_function_input_count(f), r->outputs, count, r->state,
                                NULL, &err),
              &err);
}

static void compare_tensors(const anm_tensor *a, const anm_tensor *b) {
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->dtype, b->dtype);
    assert_int_equal(a->bytes, b->bytes);
    assert_true(a->bytes > 0);
    assert_memory_equal(a->data, b->data, a->bytes);
}

static void compare_turn(const anm_function *const f[2], run r[2]) {
    anm_tensor inputs[8];
    size_t count = anm_function_input_count(f[0]);
    assert_int_equal(count, anm_function_input_count(f[1]));
    assert_in_range(count, 1, 8);
    for (size_t i = 0; i < count; i++) inputs[i] = random_input(anm_function_input(f[0], i));
    for (int k = 0; k < 2; k++) predict(f[k], &r[k], inputs);
    for (size_t i = 0; i < anm_function_output_count(f[0]); i++) {
        compare_tensors(&r[0].outputs[i], &r[1].outputs[i]);
        for (int k = 0; k < 2; k++) anm_tensor_release(&r[k].outputs[i]);
    }
    for (size_t i = 0; i < anm_state_count(r[0].state); i++)
        compare_tensors(anm_state_tensor(r[0].state, i), anm_state_tensor(r[1].state, i));
    for (size_t i = 0; i < count; i++) test_free(inputs[i].data);
}

/* Three calls in a row: the same outputs and the same states, bit for bit. */
static void assert_same(const char *path1, const char *name1, const char *path2,
                        const char *name2) {
    const char *const paths[2] = {path1, path2}, *const names[2] = {name1, name2};
    const anm_function *f[2];
    anm_program *programs[2];
    anm_error err;
    run r[2];
    for (int k = 0; k < 2; k++) {
        assert_ok(anm_program_open(paths[k], &programs[k], &err), &err);
        f[k] = anm_program_function(programs[k], names[k]);
        assert_non_null(f[k]);
        assert_ok(anm_state_create(f[k], ANM_PRECISION_FP16, &r[k].state, &err), &err);
    }
    for (int turn = 0; turn < 3; turn++) compare_turn(f, r);
    for (int k = 0; k < 2; k++) {
        anm_state_destroy(r[k].state);
        anm_program_close(programs[k]);
    }
}

/* Sharing. */

static void equal_blobs_are_stored_once(void **state) {
    anm_error err;
    size_t a, b, c;
    make_two();
    assert_ok(combine_two("a.mlpackage", "b.mlpackage", "c.mlpackage", &err), &err);
    /* Of 5 + 5: k (also as k2), indices, table, and an `own` each. */
    assert_int_equal(count_blobs(in_root("a.mlpackage"), &a), 5);
    assert_int_equal(count_blobs(in_root("b.mlpackage"), &b), 5);
    assert_int_equal(count_blobs(in_root("c.mlpackage"), &c), 5);
    assert_true(c < a + b);
    assert_same(in_root("a.mlpackage"), "main", in_root("c.mlpackage"), "infer");
    assert_same(in_root("b.mlpackage"), "main", in_root("c.mlpackage"), "prefill");
}

static void the_description_says_both(void **state) {
    anm_error err;
    anm_program *p;
    make_two();
    assert_ok(combine_two("a.mlpackage", "b.mlpackage", "c.mlpackage", &err), &err);
    assert_ok(anm_program_open(in_root("c.mlpackage"), &p, &err), &err);
    assert_int_equal(anm_program_function_count(p), 2);
    assert_string_equal(anm_function_name(anm_program_function(p, NULL)), "infer");
    assert_string_equal(anm_function_name(anm_program_function_at(p, 1)), "prefill");
    const anm_function *f = anm_program_function(p, "prefill");
    assert_string_equal(anm_function_input(f, 0)->name, "x");
    assert_string_equal(anm_function_output(f, 0)->name, "y");
    assert_string_equal(anm_function_state(f, 0)->name, "memory");
    anm_program_close(p);
}

typedef struct constant {
    anm_dtype dtype;
    int64_t elements;
    const void *data;
} constant;

/* A package of constants that nothing uses: what counts is how many blobs the copy has. */
static void copy_constants(const constant *k, size_t count, uint32_t blobs_expected) {
    anm_error err;
    anm_package_writer *w;
    anm_blob_writer *file;
    anm_mil_builder b;
    anm_mil_program *program = anm_mil_program_create();
    anm_feature x = {.name = "x", .dtype = ANM_DTYPE_FP16, .rank = 1, .shape = {WIDTH}};
    anm_interface face = {
        .name = "main", .inputs = &x, .input_count = 1, .outputs = &x, .output_count = 1};
    anm_description d = {.functions = &face, .function_count = 1};
    program->spec_version = 9;
    assert_ok(anm_package_writer_open(in_root("k.mlpackage"), &w, &err), &err);
    assert_ok(anm_package_writer_blobs(w, &file, &err), &err);
    anm_mil_builder_init(&b, program);
    anm_mil_builder_function(&b, "main", "CoreML8");
    anm_mil_value *y = anm_mil_builder_input(&b, "x", ANM_DTYPE_FP16, 1, width);
    for (size_t i = 0; i < count; i++) {
        uint64_t at;
        assert_ok(anm_blob_writer_add(file, k[i].dtype, k[i].elements, k[i].data, &at, &err), &err);
        anm_mil_builder_blob(&b, "k", k[i].dtype, 1, &k[i].elements, ANM_WEIGHT_PATH, at, NULL);
    }
    anm_mil_builder_outputs(&b, &y, 1);
    assert_ok(anm_mil_builder_finish(&b, &err), &err);
    assert_ok(anm_package_writer_commit(w, program, &d, &err), &err);
    anm_mil_program_destroy(program);
    const anm_combine_source source = {in_root("k.mlpackage"), NULL, NULL};
    const anm_combine_options options = {.struct_size = sizeof options, .overwrite = 1};
    assert_ok(anm_combine(&source, 1, in_root("k2.mlpackage"), &options, &err), &err);
    assert_int_equal(count_blobs(in_root("k.mlpackage"), NULL), count);
    assert_int_equal(count_blobs(in_root("k2.mlpackage"), NULL), blobs_expected);
}

/* The constants of the copy in their order, against what they were made of. */
static void check_constants(const constant *k, size_t count) {
    anm_error err;
    anm_package *p;
    assert_ok(anm_package_open(in_root("k2.mlpackage"), 0, &p, &err), &err);
    const anm_mil_op *op = p->program->functions[0]->body->first;
    for (size_t i = 0; i < count; i++, op = op->next) {
        const anm_mil_literal *literal = op->outputs[0]->constant;
        assert_memory_equal(literal->data, k[i].data, literal->bytes);
    }
    anm_package_close(p);
}

/* One element more in the same bytes, or another type: other blobs. */
static void equal_bytes_of_other_types_are_not(void **state) {
    static const uint8_t bytes[2] = {0x21, 0x03};
    static const constant k[] = {{ANM_DTYPE_UINT4, 3, bytes}, {ANM_DTYPE_UINT4, 4, bytes},
                                 {ANM_DTYPE_INT4, 4, bytes},  {ANM_DTYPE_UINT8, 2, bytes},
                                 {ANM_DTYPE_FP16, 1, bytes},  {ANM_DTYPE_UINT4, 3, bytes}};
    copy_constants(k, 6, 5);
    check_constants(k, 6);
}

/* Blobs of several pieces that differ in the first, in the last or in no byte. */
static void large_blobs_are_compared_whole(void **state) {
    enum { SIZE = (9 << 20) + 12345 };
    uint8_t *data[4];
    constant k[4];
    for (int i = 0; i < 4; i++) {
        data[i] = test_malloc(SIZE);
        for (size_t n = 0; n < SIZE; n++) data[i][n] = (uint8_t)(n * 2654435761u >> 24);
        k[i] = (constant){ANM_DTYPE_UINT8, SIZE, data[i]};
    }
    data[1][SIZE - 1] ^= 1;
    data[2][0] ^= 1;
    copy_constants(k, 4, 3);
    check_constants(k, 4);
    for (int i = 0; i < 4; i++) test_free(data[i]);
}

/* Names. */

typedef struct naming {
    const char *file, *function, *name;
    const char *expected; /* NULL: an error */
    anm_status status;
} naming;

static void functions_are_named_as_documented(void **state) {
    static const naming cases[] = {
        {"a.mlpackage", NULL, NULL, "main", ANM_OK},
        {"a.mlpackage", NULL, "n", "n", ANM_OK},
        {"a.mlpackage", "main", NULL, "main", ANM_OK},
        {"a.mlpackage", "main", "n", "n", ANM_OK},
        {"a.mlpackage", "f", NULL, "f", ANM_OK}, /* the one function gets the name */
        {"a.mlpackage", "f", "n", NULL, ANM_ERROR_NOT_FOUND},
        {"two.mlpackage", NULL, NULL, "first", ANM_OK}, /* the default one */
        {"two.mlpackage", "second", NULL, "second", ANM_OK},
        {"two.mlpackage", "second", "n", "n", ANM_OK},
        {"two.mlpackage", "third", NULL, NULL, ANM_ERROR_NOT_FOUND},
        {"two.mlpackage", "", NULL, NULL, ANM_ERROR_NOT_FOUND},
        {"a.mlpackage", "", NULL, NULL, ANM_ERROR_ARGUMENT},
        {"a.mlpackage", "main", "", NULL, ANM_ERROR_ARGUMENT},
        {"a.mlpackage", "main", "1st", NULL, ANM_ERROR_ARGUMENT},
        {"a.mlpackage", "main", "../up", NULL, ANM_ERROR_ARGUMENT},
        {"none.mlpackage", NULL, NULL, NULL, ANM_ERROR_NOT_FOUND},
    };
    make_two();
    make((small){.file = "two.mlpackage", .functions = {"first", "second"}});
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const naming *c = &cases[i];
        anm_error err;
        anm_program *p;
        const anm_combine_source source = {in_root(c->file), c->function, c->name};
        const anm_combine_options options = {.struct_size = sizeof options, .overwrite = 1};
        const char *out = in_root("named.mlpackage");
        assert_int_equal(anm_combine(&source, 1, out, &options, &err), c->status);
        if (c->status != ANM_OK) {
            assert_non_null(strstr(err.where, c->file));
            continue;
        }
        assert_ok(anm_program_open(out, &p, &err), &err);
        assert_string_equal(anm_function_name(anm_program_function(p, NULL)), c->expected);
        anm_program_close(p);
    }
}

static void expect(const anm_combine_source *sources, size_t count, const char *standard,
                   const char *out, anm_status status, const char *part) {
    anm_error err = {0};
    anm_combine_options options;
    anm_combine_options_init(&options);
    options.default_function = standard;
    assert_int_equal(anm_combine(sources, count, out, &options, &err), status);
    if (!strstr(err.message, part)) fail_msg("\"%s\" lacks \"%s\"", err.message, part);
}

/* Nothing of a failed call stays, hidden or not. */
static void assert_absent(const char *name) {
    char **names;
    size_t count;
    anm_error err;
    anm_arena *arena = anm_arena_create();
    assert_ok(anm_dir_list(arena, root, &names, &count, &err), &err);
    for (size_t i = 0; i < count; i++) assert_null(strstr(names[i], name));
    anm_arena_destroy(arena);
}

static void what_cannot_be_combined_is_refused(void **state) {
    make_two();
    make((small){.file = "wide.mlpackage", .functions = {"main"}, .memory = 1});
    const char *a = in_root("a.mlpackage"), *out = in_root("refused.mlpackage");
    const anm_combine_source twice[2] = {{a, NULL, NULL}, {in_root("b.mlpackage"), NULL, NULL}};
    const anm_combine_source states[2] = {{a, NULL, "one"},
                                          {in_root("wide.mlpackage"), NULL, "two"}};
    expect(twice, 2, NULL, out, ANM_ERROR_ARGUMENT, "a second function would be named \"main\"");
    expect(states, 2, NULL, out, ANM_ERROR_MISMATCH,
           "state \"memory\" is state<tensor<fp16, [1]>>, but state<tensor<fp16, [16]>>");
    expect(twice, 1, "other", out, ANM_ERROR_NOT_FOUND, "\"other\"");
    expect(twice, 0, NULL, out, ANM_ERROR_ARGUMENT, "nothing to combine");
    expect(twice, 1, NULL, in_root("refused"), ANM_ERROR_ARGUMENT, ".mlpackage");
    expect(twice, 1, NULL, a, ANM_ERROR_ARGUMENT, "exists already");
    assert_absent("refused");
    assert_absent("partial");
}

static void another_default_can_be_chosen(void **state) {
    anm_error err;
    anm_program *p;
    make_two();
    const anm_combine_source sources[2] = {{in_root("a.mlpackage"), "one", NULL},
                                           {in_root("b.mlpackage"), "two", NULL}};
    const anm_combine_options options = {sizeof options, "two", 1};
    assert_ok(anm_combine(sources, 2, in_root("d.mlpackage"), &options, &err), &err);
    assert_ok(anm_program_open(in_root("d.mlpackage"), &p, &err), &err);
    assert_string_equal(anm_function_name(anm_program_function(p, NULL)), "two");
    anm_program_close(p);
}

/* The output. */

static void a_source_may_be_overwritten(void **state) {
    anm_error err;
    make_two();
    make((small){.file = "e.mlpackage", .functions = {"main"}, .own = 1, .memory = WIDTH});
    assert_ok(combine_two("e.mlpackage", "b.mlpackage", "e.mlpackage", &err), &err);
    assert_same(in_root("a.mlpackage"), "main", in_root("e.mlpackage"), "infer");
    assert_same(in_root("b.mlpackage"), "main", in_root("e.mlpackage"), "prefill");
}

static void other_directories_are_not_overwritten(void **state) {
    anm_error err;
    make_two();
    assert_ok(anm_dir_create(in_root("mine.mlpackage/inner"), &err), &err);
    assert_int_equal(combine_two("a.mlpackage", "b.mlpackage", "mine.mlpackage", &err),
                     ANM_ERROR_ARGUMENT);
    assert_true(anm_path_is_dir(in_root("mine.mlpackage/inner")));
}

static void function_taken_twice(void **state) {
    anm_error err;
    make_two();
    assert_ok(combine_two("a.mlpackage", "a.mlpackage", "f.mlpackage", &err), &err);
    assert_int_equal(count_blobs(in_root("f.mlpackage"), NULL), 4);
    assert_same(in_root("a.mlpackage"), "main", in_root("f.mlpackage"), "infer");
    assert_same(in_root("a.mlpackage"), "main", in_root("f.mlpackage"), "prefill");
}

/* Versions and metadata. */

static void versions_are_kept_and_raised(void **state) {
    anm_error err;
    anm_package *p;
    make((small){
        .file = "old.mlpackage", .functions = {"main"}, .spec_version = 7, .opset = "CoreML6"});
    make((small){.file = "new.mlpackage", .functions = {"main"}, .spec_version = 10});
    assert_ok(combine_two("old.mlpackage", "old.mlpackage", "g.mlpackage", &err), &err);
    assert_ok(anm_package_open(in_root("g.mlpackage"), 0, &p, &err), &err);
    assert_int_equal(p->program->spec_version, 9); /* several functions need iOS 18 */
    assert_string_equal(p->program->functions[1]->opset, "CoreML6");
    anm_package_close(p);
    assert_ok(combine_two("old.mlpackage", "new.mlpackage", "g.mlpackage", &err), &err);
    assert_ok(anm_package_open(in_root("g.mlpackage"), 0, &p, &err), &err);
    assert_int_equal(p->program->spec_version, 10);
    assert_string_equal(anm_mil_program_find(p->program, "infer")->opset, "CoreML6");
    assert_string_equal(anm_mil_program_find(p->program, "prefill")->opset, "CoreML8");
    anm_package_close(p);
}

static void metadata_is_merged(void **state) {
    anm_error err;
    anm_program *p;
    make((small){.file = "m1.mlpackage", .functions = {"main"}, .author = "first"});
    make((small){.file = "m2.mlpackage", .functions = {"main"}, .author = "second", .note = "n"});
    warnings = 0;
    assert_ok(combine_two("m1.mlpackage", "m2.mlpackage", "m3.mlpackage", &err), &err);
    assert_int_equal(warnings, 1);
    assert_non_null(strstr(last_warning, "the author is \"second\"; keeping \"first\""));
    assert_ok(anm_program_open(in_root("m3.mlpackage"), &p, &err), &err);
    assert_string_equal(anm_program_metadata(p, "author"), "first");
    assert_string_equal(anm_program_metadata(p, "test.common"), "same");
    assert_string_equal(anm_program_metadata(p, "test.note"), "n");
    assert_null(anm_program_metadata_key(p, 2));
    anm_program_close(p);
    make((small){.file = "m1.mlpackage", .functions = {"main"}, .author = "first", .note = "o"});
    assert_ok(combine_two("m1.mlpackage", "m2.mlpackage", "m3.mlpackage", &err), &err);
    assert_int_equal(warnings, 3);
    assert_non_null(strstr(last_warning, "test.note is \"n\"; keeping \"o\""));
}

static void other_features_are_refused(void **state) {
    anm_error err;
    Pb__Model *model;
    make_two();
    assert_ok(anm_package_read_message(in_root("a.mlpackage"), &model, &err), &err);
    Pb__FeatureType *type = model->description->output[0]->type;
    Pb__ArrayFeatureType *array = type->multiarraytype;
    Pb__Empty text = PB__EMPTY__INIT;
    type->type_case = PB__FEATURE_TYPE__TYPE_STRING_TYPE;
    type->stringtype = &text;
    assert_ok(anm_package_rewrite(in_root("a.mlpackage"), in_root("text.mlpackage"), model, &err),
              &err);
    type->type_case = PB__FEATURE_TYPE__TYPE_MULTI_ARRAY_TYPE;
    type->multiarraytype = array;
    pb__model__free_unpacked(model, NULL);
    const anm_combine_source source = {in_root("text.mlpackage"), NULL, NULL};
    expect(&source, 1, NULL, in_root("refused.mlpackage"), ANM_ERROR_UNSUPPORTED, "\"y\"");
    assert_int_equal(anm_split(in_root("text.mlpackage"), in_root("refused"), NULL, &err),
                     ANM_ERROR_UNSUPPORTED);
    assert_absent("refused");
}

/* Splitting. */

static void splitting_undoes_it(void **state) {
    anm_error err;
    anm_package *p;
    make_two();
    assert_ok(combine_two("a.mlpackage", "b.mlpackage", "c.mlpackage", &err), &err);
    assert_ok(anm_split(in_root("c.mlpackage"), in_root("parts/of/c"), NULL, &err), &err);
    const char *infer = in_root("parts/of/c/infer.mlpackage");
    const char *prefill = in_root("parts/of/c/prefill.mlpackage");
    assert_int_equal(count_blobs(infer, NULL), 4);
    assert_int_equal(count_blobs(prefill, NULL), 4);
    assert_same(in_root("a.mlpackage"), "main", infer, "main");
    assert_same(in_root("b.mlpackage"), "main", prefill, "main");
    assert_ok(anm_package_open(prefill, 0, &p, &err), &err);
    assert_int_equal(p->description.multi, 0);
    assert_string_equal(p->program->functions[0]->name, "main");
    anm_package_close(p);
}

static void splitting_asks_before_it_overwrites(void **state) {
    anm_split_options options;
    anm_error err;
    anm_split_options_init(&options);
    make((small){.file = "two.mlpackage", .functions = {"first", "second"}, .own = 3});
    const char *two = in_root("two.mlpackage"), *out = in_root("s");
    assert_ok(anm_dir_create(in_root("s/kept"), &err), &err);
    assert_ok(anm_split(two, out, NULL, &err), &err);
    assert_int_equal(anm_split(two, out, &options, &err), ANM_ERROR_ARGUMENT);
    assert_non_null(strstr(err.where, "s/first.mlpackage"));
    make((small){.file = "two.mlpackage", .functions = {"first", "second"}, .own = 4});
    options.overwrite = 1;
    assert_ok(anm_split(two, out, &options, &err), &err);
    assert_same(two, "second", in_root("s/second.mlpackage"), "main");
    assert_true(anm_path_is_dir(in_root("s/kept")));
    assert_int_equal(anm_split(two, in_root("two.mlpackage/Manifest.json"), NULL, &err),
                     ANM_ERROR_ARGUMENT);
    assert_int_equal(anm_split(two, "", NULL, &err), ANM_ERROR_ARGUMENT);
    assert_int_equal(anm_split(in_root("none"), out, NULL, &err), ANM_ERROR_NOT_FOUND);
    char **names;
    size_t count;
    anm_arena *arena = anm_arena_create();
    assert_ok(anm_dir_list(arena, out, &names, &count, &err), &err);
    assert_int_equal(count, 3); /* first, kept, second: no staging directory is left */
    anm_arena_destroy(arena);
}

static void names_that_are_no_file_names(void **state) {
    static const char *const bad[][2] = {
        {"../up", NULL}, {".", NULL}, {"a/b", NULL}, {"first", "First"}};
    anm_error err;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        make((small){.file = "bad.mlpackage", .functions = {bad[i][0], bad[i][1]}});
        assert_int_equal(anm_split(in_root("bad.mlpackage"), in_root("bad-out"), NULL, &err),
                         ANM_ERROR_UNSUPPORTED);
    }
    assert_absent("bad-out");
}

/* A compiled model, without coremldata.bin, its weights in a file of another name. */
static void compiled_models_are_read(void **state) {
    static const char text[] =
        "program(1.3)\n[buildInfo = dict<string, string>({{\"a\", \"b\"}})]\n{\n"
        "    func main<ios18>(tensor<fp16, [2]> x) {\n"
        "        tensor<fp16, [2]> k = const()[name = string(\"k\"), val = tensor<fp16, [2]>("
        "BLOBFILE(path = string(\"@model_path/weights/0-weight.bin\"), offset = uint64(64)))];\n"
        "        tensor<fp16, [2]> y = mul(x = x, y = k)[name = string(\"y\")];\n"
        "    } -> (y);\n}\n";
    static const uint16_t k[2] = {0x4000, 0x4400};
    anm_blob_writer *w;
    anm_error err;
    uint64_t at;
    assert_ok(anm_dir_create(in_root("c.mlmodelc/weights"), &err), &err);
    assert_ok(anm_file_write(in_root("c.mlmodelc/model.mil"), text, sizeof text - 1, &err), &err);
    assert_ok(anm_blob_writer_open(in_root("c.mlmodelc/weights/0-weight.bin"), &w, &err), &err);
    assert_ok(anm_blob_writer_add(w, ANM_DTYPE_FP16, 2, k, &at, &err), &err);
    assert_ok(anm_blob_writer_commit(w, &err), &err);
    const anm_combine_source sources[2] = {{in_root("c.mlmodelc"), "one", NULL},
                                           {in_root("c.mlmodelc"), "main", "two"}};
    assert_ok(anm_combine(sources, 2, in_root("cc.mlpackage"), NULL, &err), &err);
    assert_int_equal(count_blobs(in_root("cc.mlpackage"), NULL), 1);
    assert_same(in_root("c.mlmodelc"), "main", in_root("cc.mlpackage"), "one");
    assert_same(in_root("c.mlmodelc"), "main", in_root("cc.mlpackage"), "two");
}

/* ANEMLL's own packages. */

/* A package of the fixtures, "FOLDER/NAME" below anemll/; skips if it is absent. */
static const char *anemll(const char *folder, const char *prefix, const char *part,
                          const char *chunk) {
    static char paths[8][1024];
    static int turn;
    char relative[300], *path = paths[turn++ % 8];
    snprintf(relative, sizeof relative, "anemll/%s/%s_%s_chunk_%s.mlpackage/Manifest.json", folder,
             prefix, part, chunk);
    snprintf(path, sizeof paths[0], "%s", fixture_path(relative));
    *strrchr(path, '/') = '\0';
    return path;
}

static void assert_not_larger(const char *ours, const char *theirs) {
    size_t our_bytes, their_bytes;
    assert_true(count_blobs(ours, &our_bytes) <= count_blobs(theirs, &their_bytes));
    assert_true(our_bytes <= their_bytes);
}

static void combine_again(const char *infer, const char *prefill, const char *out) {
    anm_error err;
    const anm_combine_source sources[2] = {{infer, "infer", NULL}, {prefill, "prefill", NULL}};
    const anm_combine_options options = {.struct_size = sizeof options, .overwrite = 1};
    assert_ok(anm_combine(sources, 2, out, &options, &err), &err);
}

static void as_anemll_combines(void **state) {
    static const char *const models[][3] = {{"qwen3-a/fp16", "qwen3-a/fp16/parts", "qwen"},
                                            {"qwen25-a/fp16", "qwen25-a/fp16/parts", "qwen25"},
                                            {"llama-tied/fp16", "llama-tied/fp16/parts", "llama"}};
    static const char *const chunks[] = {"01of02", "02of02"};
    for (size_t i = 0; i < 6; i++) {
        const char *const *m = models[i / 2], *chunk = chunks[i % 2];
        const char *infer = anemll(m[1], m[2], "FFN", chunk);
        const char *prefill = anemll(m[1], m[2], "prefill", chunk);
        const char *theirs = anemll(m[0], m[2], "FFN_PF", chunk);
        const char *ours = in_root("anemll.mlpackage");
        combine_again(infer, prefill, ours);
        assert_not_larger(ours, theirs);
        assert_same(theirs, "infer", ours, "infer");
        assert_same(theirs, "prefill", ours, "prefill");
        assert_same(infer, "main", ours, "infer");
        assert_same(prefill, "main", ours, "prefill");
    }
}

/* No parts of theirs have lookup tables: their combined packages are split for that. */
static void lookup_tables_are_shared(void **state) {
    static const char *const sets[][4] = {{"qwen3-a/lut4", "qwen", "FFN_PF_lut4", "01of02"},
                                          {"qwen3-a/lut6", "qwen", "FFN_PF_lut6", "02of02"},
                                          {"qwen3-a/lut6pt", "qwen", "FFN_PF_lut6", "01of02"},
                                          {"qwen25-a/lut8", "qwen25", "FFN_PF_lut8", "01of02"},
                                          {"llama-tied/lut4", "llama", "FFN_PF_lut4", "02of02"}};
    const anm_split_options again = {sizeof again, 1};
    anm_error err;
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        const char *theirs = anemll(sets[i][0], sets[i][1], sets[i][2], sets[i][3]);
        assert_ok(anm_split(theirs, in_root("lut"), &again, &err), &err);
        const char *infer = in_root("lut/infer.mlpackage");
        const char *prefill = in_root("lut/prefill.mlpackage"), *ours = in_root("lut.mlpackage");
        combine_again(infer, prefill, ours);
        assert_not_larger(ours, theirs);
        assert_same(theirs, "infer", ours, "infer");
        assert_same(theirs, "prefill", ours, "prefill");
        assert_same(theirs, "infer", infer, "main");
        assert_same(theirs, "prefill", prefill, "main");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_blobs_are_stored_once),
        cmocka_unit_test(the_description_says_both),
        cmocka_unit_test(equal_bytes_of_other_types_are_not),
        cmocka_unit_test(large_blobs_are_compared_whole),
        cmocka_unit_test(functions_are_named_as_documented),
        cmocka_unit_test(what_cannot_be_combined_is_refused),
        cmocka_unit_test(another_default_can_be_chosen),
        cmocka_unit_test(a_source_may_be_overwritten),
        cmocka_unit_test(other_directories_are_not_overwritten),
        cmocka_unit_test(function_taken_twice),
        cmocka_unit_test(versions_are_kept_and_raised),
        cmocka_unit_test(metadata_is_merged),
        cmocka_unit_test(other_features_are_refused),
        cmocka_unit_test(splitting_undoes_it),
        cmocka_unit_test(splitting_asks_before_it_overwrites),
        cmocka_unit_test(names_that_are_no_file_names),
        cmocka_unit_test(compiled_models_are_read),
        cmocka_unit_test(as_anemll_combines),
        cmocka_unit_test(lookup_tables_are_shared),
    };
    return cmocka_run_group_tests_name("combine", tests, make_root, remove_root);
}
