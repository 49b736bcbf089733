/* SPDX-License-Identifier: MIT */
/*
 * The blobs of a package being made from others: each content (element type, element count,
 * bytes) is written once, when it is first met.
 */
#ifndef ANM_PACKAGE_COMBINEBLOBS_H
#define ANM_PACKAGE_COMBINEBLOBS_H

#include "src/package/package.h"

typedef struct anm_blob_pool anm_blob_pool;

/* The writer outlives the pool. */
ANM_MUST_CHECK anm_status anm_blob_pool_create(anm_package_writer *writer, anm_blob_pool **out,
                                               anm_error *err);
void anm_blob_pool_destroy(anm_blob_pool *pool); /* NULL is fine */

/*
 * Writes those blobs of the function that the package does not have yet, and makes its literals
 * name them. `owner` is the package that the function is of; it outlives the pool.
 */
ANM_MUST_CHECK anm_status anm_blob_pool_add(anm_blob_pool *pool, const anm_package *owner,
                                            const anm_mil_function *function, anm_error *err);

#endif
