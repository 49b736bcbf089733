/* SPDX-License-Identifier: MIT */
/*
 * Models by name: fetched from the Hugging Face Hub, or from a server that speaks its HTTP API,
 * checked, and kept in a cache.
 *
 *     anm_hub_options options;
 *     anm_hub_options_init(&options);
 *     char *dir;
 *     if (anm_hub_resolve("Qwen/Qwen3-0.6B", &options, &dir, &error) != ANM_OK) ...
 *     anm_llm_open(dir, NULL, &llm, &error);
 *     anm_hub_free(dir);
 *
 * A name is ORG/NAME, with a branch, tag or commit as ORG/NAME@REVISION, and with a folder or file
 * of the repository as ORG/NAME:PATH.
 */
#ifndef ANEMONE_HUB_H
#define ANEMONE_HUB_H

#include <stddef.h>
#include <stdint.h>

#include "anemone/convert.h"
#include "anemone/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum anm_hub_phase {
    ANM_HUB_WAITING = 0,     /* another process pulls the same model */
    ANM_HUB_LISTING = 1,     /* asking what there is */
    ANM_HUB_DOWNLOADING = 2,
    ANM_HUB_CHECKING = 3,    /* comparing what came with the hub's hashes */
    ANM_HUB_UNPACKING = 4,   /* zipped models */
    ANM_HUB_CONVERTING = 5   /* a checkpoint into packages */
} anm_hub_phase;

/* How far it is. The strings live until the callback returns. */
typedef struct anm_hub_progress {
    anm_hub_phase phase;
    const char *name;     /* "org/name" */
    const char *file;     /* that something was last heard of; "" */
    size_t files_done, files;
    uint64_t done, total; /* bytes; total 0: not known yet */
    double rate;          /* bytes a second over the last seconds; 0: not known yet */
    double seconds_left;  /* at this rate; negative: not known yet */
    size_t retries;       /* requests that had to be repeated so far */
} anm_hub_progress;

/* Called about ten times a second on the caller's thread. Non-zero cancels. */
typedef int (*anm_hub_progress_fn)(void *context, const anm_hub_progress *progress);

typedef struct anm_hub_options {
    size_t struct_size;
    /*
     * NULL: $ANEMONE_CACHE, or "anemone" in $XDG_CACHE_HOME, ~/Library/Caches (macOS), ~/.cache.
     */
    const char *cache_dir;
    const char *endpoint;  /* NULL: $HF_ENDPOINT, or https://huggingface.co */
    /*
     * Sent to the endpoint and nowhere else. NULL: $HF_TOKEN, or what `huggingface-cli login` left
     * in $HF_TOKEN_PATH, $HF_HOME/token or ~/.cache/huggingface/token; "": none.
     */
    const char *token;
    int offline;           /* use the cache only; $HF_HUB_OFFLINE=1 does the same */
    /*
     * Which files: patterns with * and ?, separated by commas; * goes past slashes. NULL: what it
     * takes to run or convert the model.
     */
    const char *include;
    const char *exclude;   /* of these, which not; NULL: none */
    int connections;       /* at once; 0: 8 */
    int retries;           /* of a request that brings nothing new; -1 (default): 5 */
    double timeout;        /* seconds without a byte before a request is repeated; 0: 30 */
    anm_hub_progress_fn progress; /* may be NULL */
    void *progress_context;
    /*
     * For a plain checkpoint: how to convert it. NULL: a conversion that is in the cache, else
     * anm_convert's defaults. `overwrite` and `progress` are set here.
     */
    const anm_convert_options *convert;
} anm_hub_options;
ANM_API void anm_hub_options_init(anm_hub_options *options);

/* Whether a text has the form of a name. A path may have it too: see anm_hub_resolve(). */
ANM_API int anm_hub_is_name(const char *text);

/*
 * Brings a model into the cache, or up to date with the hub: what is there is not fetched again,
 * and what an interrupted pull left is gone on with. Files appear in the cache when all of them are
 * whole and have the hashes that the hub lists; zipped models are unpacked. With options.convert
 * a checkpoint is converted too. *dir becomes the folder of the files (of the packages, if
 * converted), to be released with anm_hub_free(); `dir` may be NULL.
 *
 * ANM_ERROR_ARGUMENT for a name that is none; ANM_ERROR_NOT_FOUND for a repository, revision or
 * file that the hub has not, or may not show without a token, and for what is not in the cache when
 * offline; ANM_ERROR_IO for what the network, the hub or the disk did, after all retries;
 * ANM_ERROR_FORMAT for answers that are not the Hub's, and for zips that are damaged or hostile;
 * ANM_ERROR_MISMATCH for files whose hash is not the one listed; ANM_ERROR_LIMIT without room on
 * the disk; ANM_ERROR_CANCELLED.
 */
ANM_API ANM_MUST_CHECK anm_status anm_hub_pull(const char *name, const anm_hub_options *options,
                                               char **dir, anm_error *err);

/*
 * The directory that a model can be run from: `name` itself if there is a file or directory of that
 * name; else the cache's; else it is pulled, and converted if it is a plain checkpoint. A model in
 * the cache is used without asking the hub whether there is a newer one. Errors as above, and those
 * of anm_convert().
 */
ANM_API ANM_MUST_CHECK anm_status anm_hub_resolve(const char *name, const anm_hub_options *options,
                                                  char **dir, anm_error *err);
/* The same without converting: the files as the hub has them; of a GGUF repository, the file. */
ANM_API ANM_MUST_CHECK anm_status anm_hub_resolve_source(const char *name,
                                                         const anm_hub_options *options,
                                                         char **path, anm_error *err);
ANM_API void anm_hub_free(char *text); /* NULL is fine */

/* The cache's directory, which need not exist. Of the options, only cache_dir matters. */
ANM_API ANM_MUST_CHECK anm_status anm_hub_cache_dir(const anm_hub_options *options, char **dir,
                                                    anm_error *err);

typedef enum anm_hub_kind {
    ANM_HUB_COREML = 0,     /* packages or compiled models */
    ANM_HUB_CHECKPOINT = 1, /* config.json and safetensors */
    ANM_HUB_GGUF = 2,
    ANM_HUB_OTHER = 3
} anm_hub_kind;

/* A revision in the cache. */
typedef struct anm_hub_entry {
    const char *name;         /* "org/name" */
    const char *revision;     /* the commit */
    const char *refs;         /* branches and tags that stood at it: "main, v2"; a commit that was
                               * pulled by itself is "pinned"; "" */
    const char *path;         /* its folder; NULL if nothing is whole yet */
    const char *converted;    /* the folder of its packages; NULL: not converted */
    anm_hub_kind kind;
    size_t files;
    uint64_t bytes;           /* on disk, of the files that are whole */
    uint64_t converted_bytes;
    uint64_t partial_bytes;   /* of a pull that was interrupted, or is going on */
} anm_hub_entry;

typedef struct anm_hub_listing anm_hub_listing;
/* By name, then revision. An absent cache gives an empty list. */
ANM_API ANM_MUST_CHECK anm_status anm_hub_list(const anm_hub_options *options,
                                               anm_hub_listing **out, anm_error *err);
ANM_API size_t anm_hub_listing_count(const anm_hub_listing *listing);
/* NULL past the end; lives until the listing is freed. */
ANM_API const anm_hub_entry *anm_hub_listing_entry(const anm_hub_listing *listing, size_t index);
ANM_API void anm_hub_listing_free(anm_hub_listing *listing); /* NULL is fine */

/*
 * Removes ORG/NAME, or the one revision that is given, from the cache. *freed becomes the bytes;
 * it may be NULL. ANM_ERROR_NOT_FOUND if it is not there; ANM_ERROR_IO while it is being pulled.
 */
ANM_API ANM_MUST_CHECK anm_status anm_hub_remove(const char *name, const anm_hub_options *options,
                                                 uint64_t *freed, anm_error *err);
/*
 * Removes what no branch or tag stands at any more and is not pinned, and what interrupted pulls
 * left. With `dry`
 * nothing is removed, only counted. Models that are being pulled are passed over.
 */
ANM_API ANM_MUST_CHECK anm_status anm_hub_prune(const anm_hub_options *options, int dry,
                                                uint64_t *freed, anm_error *err);

#ifdef __cplusplus
}
#endif

#endif
