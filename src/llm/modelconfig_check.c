/* SPDX-License-Identifier: MIT */
/*
 * A ModelConfig against its packages: what it says of each tensor, then whether the components fit
 * together as a runner would call them, then the runner's own opinion.
 */
#include <stdio.h>
#include <string.h>

#include "anemone/inspect.h"
#include "src/base/dtype.h"
#include "src/base/file.h"
#include "src/llm/modelconfig.h"

typedef struct opened {
    const char *path, *file;
    anm_program *program;
} opened;

typedef struct checker {
    const anm_model_config *config;
    anm_arena *arena;
    opened *packages;
    size_t package_count;
    anm_config_problem_fn on_problem;
    void *context;
    size_t problems;
    const char *file, *component; /* at hand */
} checker;

enum { TENSOR_TEXT = ANM_SHAPE_TEXT + 32 };

static void tell(checker *c, const char *tensor, const char *expected, const char *found,
                 const char *message) {
    anm_config_problem problem = {.file = c->file ? c->file : "",
                                  .component = c->component ? c->component : "",
                                  .tensor = tensor,
                                  .expected = expected,
                                  .found = found,
                                  .message = message};
    c->problems++;
    if (c->on_problem) c->on_problem(c->context, &problem);
}

static const char *tensor_text(const char *type, const int64_t *shape, int rank, char *text) {
    char sizes[ANM_SHAPE_TEXT];
    anm_shape_format(shape, rank, sizes, sizeof sizes);
    snprintf(text, TENSOR_TEXT, "%s %s", type, sizes);
    return text;
}

static const char *feature_text(const anm_feature *f, char *text) {
    return tensor_text(anm_config_type_name(f->dtype), f->shape, f->rank, text);
}

static bool same_shape(const int64_t *a, const int64_t *b, int rank) {
    for (int i = 0; i < rank; i++)
        if (a[i] != b[i] && a[i] >= 0 && b[i] >= 0) return false;
    return true;
}

/* One of the shapes that the interface allows; what it leaves open fits anything. */
static bool accepts(const anm_feature *f, const int64_t *shape, int rank) {
    if (f->rank != rank) return false;
    if (same_shape(f->shape, shape, rank)) return true;
    for (size_t i = 0; f->shape_kind == ANM_SHAPE_ENUMERATED && i < f->shape_count; i++)
        if (same_shape(f->shapes[i], shape, rank)) return true;
    bool within = f->shape_kind == ANM_SHAPE_RANGE;
    for (int i = 0; i < rank && within; i++)
        within = shape[i] >= f->lower[i] && (f->upper[i] < 0 || shape[i] <= f->upper[i]);
    return within;
}

/* ---- what the JSON says of each component ---- */

static bool is_flexible(const anm_function *f) {
    for (size_t i = 0; i < anm_function_input_count(f); i++)
        if (anm_function_input(f, i)->shape_kind != ANM_SHAPE_FIXED) return true;
    return false;
}

/* An output's default shape is that of the default input: another input gives another one. */
static bool fits(const anm_function *f, const anm_feature *feature, const anm_config_tensor *t,
                 bool output) {
    if (strcmp(anm_config_type_name(feature->dtype), t->data_type) != 0) return false;
    if (output && is_flexible(f)) return feature->rank == t->rank || feature->rank == 0;
    return accepts(feature, t->shape, t->rank);
}

static const anm_feature *find(const anm_function *f, const char *name, bool output) {
    if (!output) return anm_llm_find_input(f, name);
    for (size_t i = 0; i < anm_function_output_count(f); i++)
        if (strcmp(anm_function_output(f, i)->name, name) == 0) return anm_function_output(f, i);
    return NULL;
}

static void check_stated(checker *c, const anm_function *f, const anm_config_tensor *t,
                         bool output) {
    char expected[TENSOR_TEXT], found[TENSOR_TEXT];
    const anm_feature *feature = find(f, t->name, output);
    tensor_text(t->data_type, t->shape, t->rank, expected);
    if (!feature) tell(c, t->name, expected, "", output ? "the package has no such output"
                                                        : "the package has no such input");
    else if (!fits(f, feature, t, output))
        tell(c, t->name, expected, feature_text(feature, found),
             "shape or type are not the package's");
}

static void check_unstated(checker *c, const anm_feature *feature, const anm_config_tensor *list,
                           size_t count) {
    char found[TENSOR_TEXT];
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, feature->name) == 0) return;
    tell(c, feature->name, "", feature_text(feature, found),
         "the package has it, the configuration does not name it");
}

static void check_tensors(checker *c, const anm_config_component *component,
                          const anm_function *f) {
    for (size_t i = 0; i < component->input_count; i++)
        check_stated(c, f, &component->inputs[i], false);
    for (size_t i = 0; i < component->output_count; i++)
        check_stated(c, f, &component->outputs[i], true);
    for (size_t i = 0; i < anm_function_input_count(f); i++)
        check_unstated(c, anm_function_input(f, i), component->inputs, component->input_count);
    for (size_t i = 0; i < anm_function_output_count(f); i++)
        check_unstated(c, anm_function_output(f, i), component->outputs, component->output_count);
}

static anm_program *open_package(checker *c, const char *path) {
    anm_error error;
    anm_program *program;
    for (size_t i = 0; i < c->package_count; i++)
        if (strcmp(c->packages[i].path, path) == 0) return c->packages[i].program;
    if (anm_program_open_to_inspect(path, &program, &error) != ANM_OK) {
        char text[sizeof error.where + sizeof error.message + 64];
        anm_error_format(&error, text, sizeof text);
        tell(c, "", "", "", text);
        program = NULL;
    }
    const char *file = anm_path_base(c->arena, path);
    c->packages[c->package_count++] = (opened){path, file ? file : path, program};
    return program;
}

/* A component that names no function means its step's, of a package that has several. */
static const anm_function *main_function(const anm_program *program, const char *file,
                                         const anm_config_component *component) {
    anm_llm_step step = anm_config_role_of(component->name).step;
    if (component->function_count) return anm_program_function(program, component->functions[0]);
    for (size_t i = 0; i < anm_program_function_count(program) && step; i++) {
        const anm_function *f = anm_program_function_at(program, i);
        if (anm_llm_is_prefill(f, file) == (step == ANM_LLM_STEP_PREFILL)) return f;
    }
    return anm_program_function(program, NULL);
}

static void check_functions(checker *c, const anm_program *program,
                            const anm_config_component *component) {
    for (size_t i = 0; i < component->function_count; i++) {
        if (anm_program_function(program, component->functions[i])) continue;
        tell(c, "", component->functions[i], "", "the package has no such function");
    }
}

static void check_component(checker *c, const anm_config_component *component) {
    c->component = component->name;
    c->file = component->given;
    if (!component->given) tell(c, "", "", "", "it has no file_path");
    else if (!component->file_count)
        tell(c, "", component->given, "", "the file is not here, nor in model_info.path");
    for (size_t i = 0; i < component->file_count; i++) {
        c->file = anm_path_base(c->arena, component->files[i]);
        const anm_program *program = open_package(c, component->files[i]);
        if (!program) continue;
        check_functions(c, program, component);
        const anm_function *f = main_function(program, c->file, component);
        if (f) check_tensors(c, component, f);
    }
}

/* ---- whether the components fit together ---- */

/* What a function gives to the one after it. */
typedef struct flow {
    const anm_feature *given;
    const char *by;
} flow;

static bool is_known(const char *name) {
    static const char *const known[] = {"input_ids",   "position_ids", "causal_mask",
                                        "current_pos", "update_mask"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(name, known[i]) == 0) return true;
    return false;
}

static void check_fed(checker *c, const anm_feature *input, const flow *before) {
    char expected[TENSOR_TEXT], found[TENSOR_TEXT], message[300];
    if (!before->given) return;
    snprintf(message, sizeof message, "%s, which feeds it, gives \"%s\" in another shape or type",
             before->by, before->given->name);
    if (before->given->dtype != input->dtype ||
        !accepts(input, before->given->shape, before->given->rank))
        tell(c, input->name, feature_text(input, expected), feature_text(before->given, found),
             message);
}

/* The runner's inputs have as many elements as tokens, the context, or both ask for. */
static void check_driven(checker *c, const anm_feature *input, int64_t tokens) {
    const int64_t context = c->config->info.context_length;
    const struct {
        const char *name;
        int rank;
        int64_t shape[4];
    } wanted[] = {{"position_ids", 1, {tokens}},
                  {"causal_mask", 4, {1, 1, tokens, context}},
                  {"current_pos", 1, {1}},
                  {"update_mask", 4, {1, 1, context, 1}}};
    char expected[TENSOR_TEXT], found[TENSOR_TEXT];
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (strcmp(wanted[i].name, input->name) != 0) continue;
        if (anm_shape_elements(input->shape, input->rank) ==
            anm_shape_elements(wanted[i].shape, wanted[i].rank))
            continue;
        tell(c, input->name,
             tensor_text(anm_config_type_name(input->dtype), wanted[i].shape, wanted[i].rank,
                         expected),
             feature_text(input, found),
             "it does not fit the context_length and the tokens of a step");
    }
}

static void check_inputs(checker *c, const anm_function *f, const flow *before) {
    char found[TENSOR_TEXT];
    for (size_t i = 0; i < anm_function_input_count(f); i++) {
        const anm_feature *input = anm_function_input(f, i);
        if (strcmp(input->name, "hidden_states") == 0) check_fed(c, input, before);
        else if (is_known(input->name)) check_driven(c, input, anm_llm_tokens_of(f));
        else
            tell(c, input->name, "", feature_text(input, found),
                 "neither a component before it nor a runner gives this input");
    }
}

/* The states of all functions are one cache. */
static void check_states(checker *c, const anm_function *f, const anm_function *first) {
    char expected[TENSOR_TEXT], found[TENSOR_TEXT];
    for (size_t i = 0; i < anm_function_state_count(f); i++) {
        const anm_feature *s = anm_function_state(f, i);
        const anm_feature *known = anm_llm_find_state(first, s->name);
        if (!known) tell(c, s->name, "", feature_text(s, found), "no chunk before has this state");
        else if (known->dtype != s->dtype || !accepts(known, s->shape, s->rank))
            tell(c, s->name, feature_text(known, expected), feature_text(s, found),
                 "the state is another one than in the chunks before");
    }
}

static const anm_function *enter(checker *c, const anm_config_component *component) {
    if (!component || component->file_count != 1) return NULL;
    c->component = component->name;
    c->file = anm_path_base(c->arena, component->files[0]);
    const anm_program *program = open_package(c, component->files[0]);
    return program ? main_function(program, c->file, component) : NULL;
}

static const anm_config_component *by_name(const anm_model_config *config, const char *name) {
    for (size_t i = 0; i < config->component_count; i++)
        if (strcmp(config->components[i].name, name) == 0) return &config->components[i];
    return NULL;
}

static void check_ends(checker *c, const anm_function *f) {
    const anm_feature *hidden = anm_llm_find_input(f, "hidden_states");
    const int64_t want[3] = {1, anm_llm_tokens_of(f), c->config->info.hidden_size};
    char expected[TENSOR_TEXT], found[TENSOR_TEXT];
    if (hidden && !accepts(hidden, want, 3))
        tell(c, "hidden_states",
             tensor_text(anm_config_type_name(hidden->dtype), want, 3, expected),
             feature_text(hidden, found), "it is not the configuration's hidden_size");
}

static bool is_rank(const anm_feature *f, int rank) {
    return f && f->rank == rank;
}

/* Embeddings give any length that is asked for. */
static flow embeddings_flow(checker *c, const anm_function *f, int64_t tokens,
                            anm_feature *scratch) {
    flow out = {.by = "embeddings"};
    if (!f || !anm_function_output_count(f) || !is_rank(anm_function_output(f, 0), 3)) return out;
    *scratch = *anm_function_output(f, 0);
    scratch->shape[0] = 1;
    scratch->shape[1] = tokens;
    out.given = scratch;
    const anm_feature *ids = anm_llm_find_input(f, "input_ids");
    const int64_t shape[2] = {1, tokens};
    char expected[TENSOR_TEXT], found[TENSOR_TEXT];
    if (ids && !accepts(ids, shape, 2))
        tell(c, "input_ids", tensor_text("INT32", shape, 2, expected), feature_text(ids, found),
             "the embeddings do not take as many tokens as the chunk after them");
    return out;
}

/* Embeddings, chunks and, after single steps, the head. */
static void check_chain(checker *c, anm_llm_step step) {
    anm_feature scratch;
    flow before = {0};
    const anm_function *first = NULL;
    size_t chunks = anm_config_chunks(c->config);
    for (size_t i = 1; i <= chunks; i++) {
        const anm_config_component *component = anm_config_find(c->config, step, i);
        const anm_function *f = enter(c, component);
        if (!f) return;
        if (!first) {
            int64_t tokens = anm_llm_tokens_of(f);
            const anm_function *e = enter(c, by_name(c->config, "embeddings"));
            before = embeddings_flow(c, e, tokens, &scratch);
            enter(c, component);
            first = f;
        }
        check_inputs(c, f, &before);
        check_ends(c, f);
        check_states(c, f, first);
        if (!anm_function_output_count(f)) tell(c, "", "", "", "it has no output");
        before = (flow){anm_function_output_count(f) ? anm_function_output(f, 0) : NULL,
                        component->name};
    }
    const anm_function *head = enter(c, by_name(c->config, "lm_head"));
    if (head && step == ANM_LLM_STEP_INFER) check_inputs(c, head, &before);
}

static void require(checker *c, const char *name) {
    c->file = c->config->where;
    c->component = name;
    tell(c, "", "", "", "the component is missing");
}

static void check_present(checker *c) {
    size_t chunks = anm_config_chunks(c->config);
    if (by_name(c->config, "monolithic")) return;
    if (!by_name(c->config, "embeddings")) require(c, "embeddings");
    if (!by_name(c->config, "lm_head")) require(c, "lm_head");
    if (!chunks) require(c, "ffn_infer");
    for (size_t i = 1; i <= chunks; i++)
        if (!anm_config_find(c->config, ANM_LLM_STEP_INFER, i) &&
            !anm_config_find(c->config, ANM_LLM_STEP_PREFILL, i))
            require(c, "a chunk of the FFN");
}

static void check_vocab(checker *c) {
    int64_t sum = 0;
    const anm_function *f = enter(c, by_name(c->config, "lm_head"));
    if (!f || anm_llm_gives_winners(f)) return;
    for (size_t i = 0; i < anm_function_output_count(f); i++) {
        const anm_feature *part = anm_function_output(f, i);
        sum += part->rank ? part->shape[part->rank - 1] : 0;
    }
    char expected[32], found[32];
    snprintf(expected, sizeof expected, "%lld", (long long)c->config->info.vocab_size);
    snprintf(found, sizeof found, "%lld", (long long)sum);
    if (sum != c->config->info.vocab_size)
        tell(c, "logits", expected, found, "the logits are not the configuration's vocab_size");
}

/* What is wrong and was not seen above. */
static void ask_runner(checker *c) {
    anm_error error;
    anm_llm *llm;
    c->component = "";
    c->file = c->config->where;
    if (anm_llm_open(c->config->where, NULL, &llm, &error) == ANM_OK) {
        anm_llm_close(llm);
        return;
    }
    char text[sizeof error.where + sizeof error.message + 64];
    anm_error_format(&error, text, sizeof text);
    tell(c, "", "", "", text);
}

static void check_all(checker *c) {
    for (size_t i = 0; i < c->config->component_count; i++)
        check_component(c, &c->config->components[i]);
    check_present(c);
    check_chain(c, ANM_LLM_STEP_PREFILL);
    check_chain(c, ANM_LLM_STEP_INFER);
    check_vocab(c);
    if (!c->problems) ask_runner(c);
}

anm_status anm_model_config_check(const anm_model_config *config, anm_config_problem_fn on_problem,
                                  void *context, size_t *count, anm_error *err) {
    checker c = {.config = config, .on_problem = on_problem, .context = context};
    size_t files = 1;
    *count = 0;
    for (size_t i = 0; i < config->component_count; i++) files += config->components[i].file_count;
    c.arena = anm_arena_create();
    c.packages = c.arena ? ANM_ARENA_ARRAY(c.arena, opened, files) : NULL;
    anm_status status = c.packages ? ANM_OK : anm_fail_memory(err);
    if (status == ANM_OK) check_all(&c);
    for (size_t i = 0; i < c.package_count; i++) anm_program_close(c.packages[i].program);
    anm_arena_destroy(c.arena);
    *count = c.problems;
    return status;
}
