/* SPDX-License-Identifier: MIT */
/* Copies of small files. */
#include "src/convert/sidecar.h"

#include "src/base/file.h"
#include "src/hf/gguf_sidecar.h"

const char *const anm_sidecar_files[] = {
    "config.json",       "generation_config.json", "tokenizer.json",
    "tokenizer.model",   "tokenizer_config.json",  "special_tokens_map.json",
    "added_tokens.json", "chat_template.jinja",    "vocab.json",
    "merges.txt",        NULL,
};

anm_status anm_sidecar_copy(anm_job *job, anm_error *err) {
    const anm_gguf *gguf = anm_checkpoint_gguf(job->checkpoint);
    bool tokenizer = false;
    if (gguf) ANM_TRY(anm_gguf_write_sidecars(gguf, job->out_dir, &tokenizer, err));
    for (const char *const *name = anm_sidecar_files; !gguf && *name; name++) {
        const char *from = anm_path_join(job->arena, job->model_dir, *name);
        const char *to = anm_path_join(job->arena, job->out_dir, *name);
        if (!from || !to) return anm_fail_memory(err);
        if (!anm_path_exists(from)) continue;
        ANM_TRY(anm_file_copy(from, to, err));
        tokenizer |= anm_str_starts(*name, "tokenizer.");
    }
    if (tokenizer) return ANM_OK;
    return anm_report_warn(job->report, err, "%s has no %s", job->model_dir,
                           gguf ? "tokenizer" : "tokenizer.json and no tokenizer.model");
}
