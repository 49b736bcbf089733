/* SPDX-License-Identifier: MIT */
/* Reading compiled models: ML Program .mlmodelc directories. */
#ifndef ANM_PACKAGE_COMPILED_H
#define ANM_PACKAGE_COMPILED_H

#include "src/package/package.h"

/*
 * Fills program, description and model_path from the directory p->path. A bundle without
 * coremldata.bin gets a description made from the program's signatures.
 */
ANM_MUST_CHECK anm_status anm_compiled_load(anm_package *p, anm_error *err);

#endif
