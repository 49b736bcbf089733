/* SPDX-License-Identifier: MIT */
/* Which files of a repository it takes to run or convert the model, and where in it that is. */
#ifndef ANM_HUB_HUBSELECT_H
#define ANM_HUB_HUBSELECT_H

#include "src/hub/hublist.h"

anm_hub_kind anm_hub_kind_of(const anm_hub_files *files);
/*
 * Moves the wanted files of `all` to `out`. ANM_ERROR_NOT_FOUND if nothing is; ANM_ERROR_ARGUMENT
 * where the user has to choose. *usual tells that it is all that is usually wanted.
 */
ANM_MUST_CHECK anm_status anm_hub_select(const anm_hub_files *all, const anm_hub_name *name,
                                         const anm_hub_options *options, anm_hub_files *out,
                                         bool *usual, anm_error *err);
/*
 * The folder of the model within the repository: "" or "ios". Where several folders hold models and
 * the name chooses none, ANM_ERROR_ARGUMENT tells them.
 */
ANM_MUST_CHECK anm_status anm_hub_model_folder(anm_arena *arena, const anm_hub_files *files,
                                               const anm_hub_name *name, const char **out,
                                               anm_error *err);
/* Whether a path ends in ".mlpackage" or ".mlmodelc". */
bool anm_hub_is_component(const char *path);
/* Whether a path is a zipped package or model, and the length without ".zip". */
bool anm_hub_is_zip(const char *path, size_t *stem);

#endif
