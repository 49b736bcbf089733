/* SPDX-License-Identifier: MIT */
/* Opening a model directory. */
#include "anemone/hub.h"
#include "src/base/options.h"
#include "src/llm/modelconfig.h"

#include "src/base/file.h"
#include "src/base/str.h"
#include "src/base/threads.h"

void anm_llm_options_init(anm_llm_options *options) {
    *options = (anm_llm_options){.struct_size = sizeof *options, .precision = ANM_PRECISION_FP16};
}

/* Packages without a tokenizer can still be driven by token ids. */
static anm_status open_tokenizer(anm_llm *llm, anm_error *err) {
    anm_strbuf path = {0};
    anm_strbuf_printf(&path, "%s/tokenizer.json", llm->dir);
    bool failed = path.failed, exists = !failed && anm_path_exists(anm_strbuf_cstr(&path));
    anm_strbuf_free(&path);
    if (failed) return anm_fail_memory(err);
    return exists ? anm_tokenizer_open(llm->dir, &llm->tokenizer, err) : ANM_OK;
}

static anm_status open_template(anm_llm *llm, anm_error *err) {
    anm_error problem;
    anm_status status = anm_chat_template_open(llm->dir, NULL, &llm->chat_template, &problem);
    if (status == ANM_OK || status == ANM_ERROR_NOT_FOUND) return ANM_OK;
    if (err) *err = problem;
    return status;
}

/* A ModelConfig, given or in the directory, says where everything is. */
static anm_status read_config(anm_llm *llm, anm_error *err) {
    bool given = !anm_path_is_dir(llm->dir) && anm_str_ends(llm->dir, ".json");
    const char *file =
        given ? llm->dir : anm_path_join(llm->arena, llm->dir, ANM_MODEL_CONFIG_FILE);
    if (!file) return anm_fail_memory(err);
    if (!anm_path_exists(file)) return ANM_OK;
    ANM_TRY(anm_model_config_read(file, &llm->config, err));
    const char *directory = anm_model_config_get_info(llm->config)->directory;
    llm->dir = anm_arena_strdup(llm->arena, directory);
    return llm->dir ? ANM_OK : anm_fail_memory(err);
}

/* Packages, and what makes tokens of text. The latter must not use the model's arena. */
typedef struct halves {
    anm_llm *llm;
    anm_status status[2];
    anm_error errors[2];
} halves;

static void open_half(void *context, size_t i) {
    halves *h = context;
    if (i == 0) {
        h->status[i] = anm_llm_wire(h->llm, &h->errors[i]);
        return;
    }
    h->status[i] = open_tokenizer(h->llm, &h->errors[i]);
    if (h->status[i] == ANM_OK) h->status[i] = open_template(h->llm, &h->errors[i]);
}

/* Either half takes as long: 60 ms each for 0.6 billion parameters and 150,000 words. */
static anm_status open_halves(anm_llm *llm, anm_error *err) {
    halves h = {.llm = llm};
    anm_parallel_for(llm->threads, 2, open_half, &h);
    for (int i = 0; i < 2; i++) {
        if (h.status[i] == ANM_OK) continue;
        if (err) *err = h.errors[i];
        return h.status[i];
    }
    return ANM_OK;
}

static anm_status open_all(anm_llm *llm, int64_t rows, anm_error *err) {
    ANM_TRY(read_config(llm, err));
    if (!anm_path_is_dir(llm->dir))
        return anm_fail(err, ANM_ERROR_NOT_FOUND, llm->dir, "there is no such directory");
    ANM_TRY(anm_llm_read_meta(llm, err));
    if (llm->config && llm->config->info.model_id) llm->name = llm->config->info.model_id;
    ANM_TRY(open_halves(llm, err));
    ANM_TRY(anm_llm_widen(llm, rows, err));
    return anm_llm_read_stop_ids(llm, err);
}

/* A name on the Hub becomes the directory that holds the model; a path stays what it is. */
static anm_status take_path(anm_llm *llm, const char *name, anm_error *err) {
    char *path;
    ANM_TRY(anm_hub_resolve(name, NULL, &path, err));
    llm->dir = anm_arena_strdup(llm->arena, path);
    anm_hub_free(path);
    return llm->dir ? ANM_OK : anm_fail_memory(err);
}

anm_status anm_llm_open(const char *dir, const anm_llm_options *options, anm_llm **out,
                        anm_error *err) {
    *out = NULL;
    anm_arena *arena = anm_arena_create();
    anm_llm *llm = arena ? ANM_ARENA_NEW(arena, anm_llm) : NULL;
    if (!llm) {
        anm_arena_destroy(arena);
        return anm_fail_memory(err);
    }
    llm->arena = arena;
    pthread_mutex_init(&llm->lock, NULL);
    anm_llm_options all;
    anm_llm_options_init(&all);
    anm_status status = anm_options_take(&all, sizeof all, options, err);
    llm->precision = all.precision;
    llm->engine = all.engine;
    llm->threads = all.threads;
    if (status == ANM_OK) status = take_path(llm, dir, err);
    llm->cpu = all.cpu ? anm_arena_strdup(arena, all.cpu) : NULL;
    llm->matmul_precision =
        all.matmul_precision ? anm_arena_strdup(arena, all.matmul_precision) : NULL;
    if (status == ANM_OK) status = open_all(llm, all.prefill_rows, err);
    if (status == ANM_OK) *out = llm;
    else anm_llm_close(llm);
    return status;
}

void anm_llm_close(anm_llm *llm) {
    if (!llm) return;
    for (size_t i = 0; i < llm->program_count; i++) anm_program_close(llm->programs[i]);
    anm_model_config_close(llm->config);
    anm_tokenizer_close(llm->tokenizer);
    anm_chat_template_close(llm->chat_template);
    pthread_mutex_destroy(&llm->lock);
    anm_arena_destroy(llm->arena);
}

const char *anm_llm_name(const anm_llm *llm) {
    return llm->name;
}

size_t anm_llm_context_length(const anm_llm *llm) {
    return llm->context;
}

size_t anm_llm_batch_size(const anm_llm *llm) {
    return llm->batch;
}

size_t anm_llm_vocab_size(const anm_llm *llm) {
    return llm->vocab;
}

int anm_llm_gives_logits(const anm_llm *llm) {
    return !llm->winners;
}

anm_status anm_llm_require_logits(const anm_llm *llm, anm_error *err) {
    if (!llm->winners) return ANM_OK;
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, llm->name,
                    "the LM head gives only the most likely token; convert without --argmax");
}

const anm_tokenizer *anm_llm_tokenizer(const anm_llm *llm) {
    return llm->tokenizer;
}

const anm_chat_template *anm_llm_chat_template(const anm_llm *llm) {
    return llm->chat_template;
}

const int32_t *anm_llm_stop_ids(const anm_llm *llm, size_t *count) {
    *count = llm->stop_count;
    return llm->stop_ids;
}

static bool is_prefill(int role) {
    return role == ANM_LLM_PREFILL || role == ANM_LLM_PREFILL_ROTATE;
}

/* A chunk's functions, those for more rows last; *index counts down. */
static bool chunk_part(const anm_llm *llm, size_t chunk, size_t *index, anm_llm_part *part) {
    const anm_function *const *functions = llm->chunks[chunk].functions;
    for (int role = 0; role < ANM_LLM_ROLES; role++) {
        if (!functions[role] || (*index)-- > 0) continue;
        *part = (anm_llm_part){"FFN", chunk + 1, functions[role],
                               is_prefill(role) ? llm->batch : 1};
        return true;
    }
    for (size_t i = 0; i < llm->width_count; i++) {
        const anm_llm_width *w = anm_llm_width_made(llm, i);
        if (!w || (*index)-- > 0) continue;
        *part = (anm_llm_part){"FFN", chunk + 1, w->functions[chunk], w->rows};
        return true;
    }
    return false;
}

/* Functions in the order of a pass: embeddings, chunks, head. */
int anm_llm_part_at(const anm_llm *llm, size_t index, anm_llm_part *part) {
    *part = (anm_llm_part){0};
    if (llm->embeddings && index-- == 0) {
        *part = (anm_llm_part){"embeddings", 0, llm->embeddings, 0};
        return 1;
    }
    for (size_t i = 0; i < llm->chunk_count; i++)
        if (chunk_part(llm, i, &index, part)) return 1;
    if (llm->head && index == 0) *part = (anm_llm_part){"LM head", 0, llm->head, 1};
    return part->function != NULL;
}
