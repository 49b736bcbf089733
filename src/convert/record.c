/* SPDX-License-Identifier: MIT */
#include "src/convert/record.h"

#include <string.h>
#include <sys/stat.h>

#include "src/base/log.h"

enum { RECORD_VERSION = 1, MOST_FOLDERS = 16 };

/* ---- the file ---- */

static const char *list_name(anm_record_list list) {
    return list == ANM_RECORD_STAGED ? "staged" : "placed";
}

static bool is_record(const json_t *root) {
    return json_integer_value(json_object_get(root, "version")) == RECORD_VERSION &&
           json_is_object(json_object_get(root, "staged")) &&
           json_is_object(json_object_get(root, "placed"));
}

anm_status anm_record_load(const char *path, anm_record *out, anm_error *err) {
    anm_error ignored;
    *out = (anm_record){.path = path};
    if (anm_path_exists(path)) {
        anm_status status = anm_json_load(path, &out->root, &ignored);
        if (status == ANM_ERROR_MEMORY) return anm_fail_memory(err);
        if (status == ANM_OK && is_record(out->root)) return ANM_OK;
        anm_log_write(ANM_LOG_WARNING, "%s: not a record of finished parts; all are made anew",
                      path);
        json_decref(out->root);
    }
    out->root = json_pack("{s:i, s:{}, s:{}}", "version", RECORD_VERSION, "staged", "placed");
    return out->root ? ANM_OK : anm_fail_memory(err);
}

anm_status anm_record_save(const anm_record *record, anm_error *err) {
    char *text = json_dumps(record->root, JSON_INDENT(1) | JSON_SORT_KEYS);
    if (!text) return anm_fail_memory(err);
    anm_status status = anm_file_write(record->path, text, strlen(text), err);
    free(text);
    return status;
}

void anm_record_close(anm_record *record) {
    json_decref(record->root);
    *record = (anm_record){0};
}

json_t *anm_record_parts(const anm_record *record, anm_record_list list) {
    return json_object_get(record->root, list_name(list));
}

json_t *anm_record_find(const anm_record *record, anm_record_list list, const char *file) {
    return json_object_get(anm_record_parts(record, list), file);
}

anm_status anm_record_move(anm_record *record, const char *file, anm_record_list from,
                           anm_record_list to, anm_error *err) {
    json_t *entry = anm_record_find(record, from, file);
    if (json_object_set(anm_record_parts(record, to), file, entry) != 0)
        return anm_fail_memory(err);
    json_object_del(anm_record_parts(record, from), file);
    return ANM_OK;
}

/* ---- a part's files ---- */

static anm_status list_files(anm_arena *arena, const char *dir, const char *prefix, int depth,
                             json_t *sizes, anm_error *err) {
    char **names;
    size_t count;
    if (depth > MOST_FOLDERS)
        return anm_fail(err, ANM_ERROR_LIMIT, dir, "folders nested too deeply");
    ANM_TRY(anm_dir_list(arena, dir, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct stat info;
        const char *path = anm_path_join(arena, dir, names[i]);
        const char *name = anm_arena_printf(arena, "%s%s", prefix, names[i]);
        const char *inner = name ? anm_arena_printf(arena, "%s/", name) : NULL;
        if (!path || !inner) return anm_fail_memory(err);
        if (lstat(path, &info) != 0) return anm_fail(err, ANM_ERROR_IO, path, "is gone");
        if (S_ISDIR(info.st_mode))
            ANM_TRY(list_files(arena, path, inner, depth + 1, sizes, err));
        else if (json_object_set_new(sizes, name, json_integer(info.st_size)) != 0)
            return anm_fail_memory(err);
    }
    return ANM_OK;
}

anm_status anm_entry_make(anm_arena *arena, const char *path, const anm_identity *identity,
                          json_t **out, anm_error *err) {
    json_t *sizes = json_object();
    *out = NULL;
    if (!sizes) return anm_fail_memory(err);
    anm_status status = list_files(arena, path, "", 0, sizes, err);
    if (status != ANM_OK) {
        json_decref(sizes);
        return status;
    }
    *out = json_pack("{s:s, s:s, s:o}", "recipe", identity->recipe, "inputs", identity->inputs,
                     "files", sizes);
    if (*out && *identity->contents &&
        json_object_set_new(*out, "contents", json_string(identity->contents)) != 0) {
        json_decref(*out);
        *out = NULL;
    }
    return *out ? ANM_OK : anm_fail_memory(err);
}

static bool says(const json_t *entry, const char *key, const char *value) {
    const char *text = json_string_value(json_object_get(entry, key));
    return text && strcmp(text, value) == 0;
}

bool anm_entry_fits(const json_t *entry, const anm_identity *identity) {
    if (!says(entry, "recipe", identity->recipe)) return false;
    if (*identity->contents) return says(entry, "contents", identity->contents);
    return says(entry, "inputs", identity->inputs);
}

bool anm_entry_whole(anm_arena *arena, const json_t *entry, const char *path) {
    anm_error ignored;
    json_t *sizes = anm_path_is_dir(path) ? json_object() : NULL;
    bool whole = sizes && list_files(arena, path, "", 0, sizes, &ignored) == ANM_OK &&
                 json_equal(sizes, json_object_get(entry, "files"));
    json_decref(sizes);
    return whole;
}

/* ---- what was reported ---- */

anm_report_mark anm_report_here(const anm_convert_report *report) {
    return (anm_report_mark){report->overflows.len, report->warnings.len};
}

anm_status anm_entry_note(json_t *entry, const anm_convert_report *report, anm_report_mark since,
                          anm_error *err) {
    json_t *overflows = json_array(), *warnings = json_array();
    for (size_t i = since.overflows; i < report->overflows.len; i++) {
        const anm_convert_overflow *o = &report->overflows.data[i];
        json_array_append_new(overflows, json_pack("{s:s, s:I, s:f}", "tensor", o->tensor, "count",
                                                   (json_int_t)o->count, "largest", o->largest));
    }
    for (size_t i = since.warnings; i < report->warnings.len; i++)
        json_array_append_new(warnings, json_string(report->warnings.data[i]));
    bool ok = json_array_size(overflows) == report->overflows.len - since.overflows &&
              json_array_size(warnings) == report->warnings.len - since.warnings;
    ok = json_object_set_new(entry, "overflows", overflows) == 0 && ok;
    ok = json_object_set_new(entry, "warnings", warnings) == 0 && ok;
    return ok ? ANM_OK : anm_fail_memory(err);
}

static bool was_said(const anm_convert_report *report, const char *text) {
    for (size_t i = 0; i < report->warnings.len; i++)
        if (strcmp(report->warnings.data[i], text) == 0) return true;
    return false;
}

anm_status anm_entry_tell(const json_t *entry, anm_convert_report *report, anm_error *err) {
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(entry, "overflows"), i, item) {
        const char *tensor = json_string_value(json_object_get(item, "tensor"));
        json_int_t count = json_integer_value(json_object_get(item, "count"));
        double largest = json_number_value(json_object_get(item, "largest"));
        if (tensor)
            ANM_TRY(anm_report_overflow(report, tensor, (uint64_t)count, largest, err));
    }
    json_array_foreach(json_object_get(entry, "warnings"), i, item) {
        const char *text = json_string_value(item);
        if (text && !was_said(report, text)) ANM_TRY(anm_report_warn(report, err, "%s", text));
    }
    return ANM_OK;
}

bool anm_entry_overflows(const json_t *entry) {
    return json_array_size(json_object_get(entry, "overflows")) > 0;
}
