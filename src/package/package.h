/* SPDX-License-Identifier: MIT */
/*
 * A CoreML model on disk: `.mlpackage` (Manifest.json, protobuf, weights) or ML Program
 * `.mlmodelc` (model.mil, coremldata.bin, weights), read into a program, its description and its
 * mapped weight files.
 */
#ifndef ANM_PACKAGE_H
#define ANM_PACKAGE_H

#include "src/mil/ir.h"
#include "src/package/blobfile.h"
#include "src/package/description.h"

typedef struct anm_package {
    anm_arena *arena;
    const char *path;       /* as given */
    const char *model_path; /* what "@model_path" stands for */
    bool compiled;          /* .mlmodelc */
    bool described;         /* false: no interface description was there; it is from the program */
    anm_mil_program *program;
    anm_description description;
    anm_blob_file *blobs; /* those that the program names */
    size_t blob_count;
    const char *missing_weights; /* first weight file not found, with ANM_PACKAGE_NO_WEIGHTS */
} anm_package;

enum { ANM_PACKAGE_NO_WEIGHTS = 1 /* absent weight files are fine: their literals have no data */ };

/*
 * Reads everything, checks every blob against its file, resolves literals to mapped data. The
 * program is not validated yet: see anm_mil_validate().
 */
ANM_MUST_CHECK anm_status anm_package_open(const char *path, unsigned flags, anm_package **out,
                                           anm_error *err);
void anm_package_close(anm_package *package); /* NULL is fine */

/* Writing a package: stream the weights, then commit with the program that names them. */
typedef struct anm_package_writer anm_package_writer;
ANM_MUST_CHECK anm_status anm_package_writer_open(const char *path, anm_package_writer **out,
                                                  anm_error *err);
/* The package's weight file, created at the first call. */
ANM_MUST_CHECK anm_status anm_package_writer_blobs(anm_package_writer *w, anm_blob_writer **out,
                                                   anm_error *err);
#define ANM_WEIGHT_PATH "@model_path/weights/weight.bin"
/* Writes model and manifest and puts the package in place; releases `w` in every case. */
ANM_MUST_CHECK anm_status anm_package_writer_commit(anm_package_writer *w,
                                                    const anm_mil_program *program,
                                                    const anm_description *description,
                                                    anm_error *err);
/* Bytes of the files that commit() writes: model and manifest. */
ANM_MUST_CHECK anm_status anm_package_measure(const anm_mil_program *program,
                                              const anm_description *description, bool weights,
                                              uint64_t *out, anm_error *err);
void anm_package_writer_abort(anm_package_writer *w);

/* The model file of a package as a message, and back: fields we do not know are kept. */
ANM_MUST_CHECK anm_status anm_package_read_message(const char *path, Pb__Model **out,
                                                   anm_error *err);
/* Copies the package at `from` to `to` with this message as its model. */
ANM_MUST_CHECK anm_status anm_package_rewrite(const char *from, const char *to,
                                              const Pb__Model *model, anm_error *err);

#endif
