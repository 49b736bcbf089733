/* SPDX-License-Identifier: MIT */
/*
 * The record of finished parts, a JSON file: of each what it was made from, its files with their
 * sizes, and what was found to report. Parts stand in one of two lists: "staged", waiting for the
 * others, and "placed", at their final name.
 */
#ifndef ANM_CONVERT_RECORD_H
#define ANM_CONVERT_RECORD_H

#include "src/base/json.h"
#include "src/convert/identity.h"

typedef struct anm_record {
    json_t *root;
    const char *path;
} anm_record;

typedef enum anm_record_list { ANM_RECORD_STAGED, ANM_RECORD_PLACED } anm_record_list;

/* An absent file is an empty record; so is one that cannot be read as a record, with a warning. */
ANM_MUST_CHECK anm_status anm_record_load(const char *path, anm_record *out, anm_error *err);
ANM_MUST_CHECK anm_status anm_record_save(const anm_record *record, anm_error *err);
void anm_record_close(anm_record *record);

json_t *anm_record_parts(const anm_record *record, anm_record_list list); /* name -> entry */
json_t *anm_record_find(const anm_record *record, anm_record_list list, const char *file);
/* Moves an entry, replacing one of that name. */
ANM_MUST_CHECK anm_status anm_record_move(anm_record *record, const char *file,
                                          anm_record_list from, anm_record_list to,
                                          anm_error *err);

/* A new entry for the package at `path`; the caller's reference. */
ANM_MUST_CHECK anm_status anm_entry_make(anm_arena *arena, const char *path,
                                         const anm_identity *identity, json_t **out,
                                         anm_error *err);
/* Whether it was made from the same, and whether `path` holds the files it names. */
bool anm_entry_fits(const json_t *entry, const anm_identity *identity);
bool anm_entry_whole(anm_arena *arena, const json_t *entry, const char *path);

/* How much a report held at some moment. */
typedef struct anm_report_mark {
    size_t overflows, warnings;
} anm_report_mark;
anm_report_mark anm_report_here(const anm_convert_report *report);
/* Keeps in the entry what was reported since; tells a report what an entry keeps. */
ANM_MUST_CHECK anm_status anm_entry_note(json_t *entry, const anm_convert_report *report,
                                         anm_report_mark since, anm_error *err);
ANM_MUST_CHECK anm_status anm_entry_tell(const json_t *entry, anm_convert_report *report,
                                         anm_error *err);
bool anm_entry_overflows(const json_t *entry);

#endif
