/* SPDX-License-Identifier: MIT */
/* Unpacking the zip of a package or compiled model that somebody else made. */
#ifndef ANM_HUB_UNPACK_H
#define ANM_HUB_UNPACK_H

#include "src/base/arena.h"

/*
 * Unpacks `zip` into the directory `to`, which is empty. Only plain files and folders below it are
 * made: an entry that is anything else, or whose name leads elsewhere, is ANM_ERROR_FORMAT, as is a
 * damaged zip. ANM_ERROR_LIMIT beyond 100,000 entries, or what no zip of its size should hold.
 * Resource forks and the like of macOS are passed over. `tick` is called now and then.
 */
ANM_MUST_CHECK anm_status anm_hub_unpack(anm_arena *arena, const char *zip, const char *to,
                                         anm_status (*tick)(void *context, anm_error *err),
                                         void *context, anm_error *err);
/*
 * The folder in `dir` that an archive of "X.mlmodelc" left: X.mlmodelc in it, the only folder of
 * that kind, or `dir` itself where the contents lie there. ANM_ERROR_FORMAT if there is no model.
 */
ANM_MUST_CHECK anm_status anm_hub_unpacked_root(anm_arena *arena, const char *dir,
                                                const char *name, const char *zip,
                                                const char **out, anm_error *err);

#endif
