/* SPDX-License-Identifier: MIT */
/*
 * What `anemone convert` recorded of the parts that it finished: their files and sizes. A file that
 * was cut short on the way here shows, as does a conversion that did not come to its end.
 */
#include <sys/stat.h>

#include "src/base/file.h"
#include "src/base/json.h"
#include "src/verify/verify_internal.h"

#define RECORD ".anemone-convert/parts.json"

typedef struct tally {
    size_t parts, files, wrong;
} tally;

static anm_status note_wrong(anm_verifier *v, tally *t, const char *part, const char *file,
                             const char *what) {
    t->wrong++;
    return anm_verify_note(v, ANM_VERIFY_FAILED, "record", part,
                           "%s %s: convert again, which makes this part only, or remove "
                           ".anemone-convert if the part was changed on purpose", file, what);
}

static anm_status check_file(anm_verifier *v, tally *t, const char *part, const char *file,
                             const json_t *size) {
    struct stat s;
    const char *path = anm_arena_printf(v->arena, "%s/%s/%s", v->dir, part, file);
    if (!path) return anm_fail_memory(v->err);
    t->files++;
    if (stat(path, &s) != 0) return note_wrong(v, t, part, file, "is missing");
    if (s.st_size != json_integer_value(size))
        return note_wrong(v, t, part, file, "has another size than when it was made");
    return ANM_OK;
}

static anm_status check_placed(anm_verifier *v, tally *t, json_t *placed) {
    const char *part, *file;
    json_t *entry, *size;
    json_object_foreach(placed, part, entry) {
        const char *path = anm_path_join(v->arena, v->dir, part);
        if (!path) return anm_fail_memory(v->err);
        t->parts++;
        if (!anm_path_exists(path)) {
            ANM_TRY(note_wrong(v, t, part, "the part", "is missing"));
            continue;
        }
        json_object_foreach(json_object_get(entry, "files"), file, size)
            ANM_TRY(check_file(v, t, part, file, size));
    }
    return ANM_OK;
}

static anm_status check_record(anm_verifier *v, const json_t *root) {
    tally t = {0};
    size_t staged = json_object_size(json_object_get(root, "staged"));
    ANM_TRY(check_placed(v, &t, json_object_get(root, "placed")));
    if (staged)
        return anm_verify_note(v, ANM_VERIFY_FAILED, "record", v->dir,
                               "%zu parts of a conversion that did not end are waiting: run it "
                               "again", staged);
    if (t.wrong) return ANM_OK;
    return anm_verify_note(v, ANM_VERIFY_OK, "record", v->dir,
                           "%zu parts, %zu files, of the sizes they were made with", t.parts,
                           t.files);
}

anm_status anm_verify_record(anm_verifier *v) {
    const char *path = anm_path_join(v->arena, v->dir, RECORD);
    json_t *root;
    anm_error error;
    if (!path) return anm_fail_memory(v->err);
    if (!anm_path_exists(path))
        return anm_verify_note(v, ANM_VERIFY_SKIPPED, "record", v->dir,
                               "the converter left no record of the parts' files here");
    if (anm_json_load(path, &root, &error) != ANM_OK)
        return anm_verify_note_error(v, "record", RECORD, &error, "convert again");
    anm_status status = check_record(v, root);
    json_decref(root);
    return status;
}
