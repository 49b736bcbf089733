/* SPDX-License-Identifier: MIT */
/* Writing safetensors: the header, in the reference implementation's order, and whole files. */
#include <jansson.h>
#include <stdlib.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/base/map.h"
#include "src/hf/safetensors_internal.h"

static anm_status check_tensor(const anm_tensor *t, const char *where, anm_error *err) {
    if (!t->name || strcmp(t->name, "__metadata__") == 0)
        return anm_fail(err, ANM_ERROR_ARGUMENT, where, "a tensor to write has %s",
                        t->name ? "the reserved name __metadata__" : "no name");
    if (!anm_safetensors_dtype_name(t->dtype))
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                        "tensor \"%s\": safetensors has no element type for %s", t->name,
                        anm_dtype_name(t->dtype));
    size_t bytes;
    if (t->rank < 0 || t->rank > ANM_MAX_RANK ||
        !anm_dtype_bytes(t->dtype, anm_shape_elements(t->shape, t->rank), &bytes) ||
        bytes != t->bytes)
        return anm_fail(err, ANM_ERROR_ARGUMENT, where,
                        "tensor \"%s\" has %zu bytes, which does not fit its shape", t->name,
                        t->bytes);
    return ANM_OK;
}

static anm_status check_names(const anm_tensor *tensors, size_t count, const char *where,
                              anm_error *err) {
    anm_map seen = {0};
    anm_status status = ANM_OK;
    for (size_t i = 0; i < count && status == ANM_OK; i++) {
        anm_sv name = anm_sv_from(tensors[i].name);
        if (anm_map_get(&seen, name, NULL))
            status = anm_fail(err, ANM_ERROR_ARGUMENT, where, "two tensors have the name \"%s\"",
                              tensors[i].name);
        else if (!anm_map_put(&seen, name, i)) status = anm_fail_memory(err);
    }
    anm_map_free(&seen);
    return status;
}

/* Wide types first, so that every tensor ends up aligned to its element. */
static int compare_tensors(const void *left, const void *right, void *context) {
    const anm_tensor *tensors = context;
    const anm_tensor *a = &tensors[*(const size_t *)left], *b = &tensors[*(const size_t *)right];
    int rank_a = anm_safetensors_dtype_rank(a->dtype),
        rank_b = anm_safetensors_dtype_rank(b->dtype);
    return rank_a != rank_b ? rank_b - rank_a : strcmp(a->name, b->name);
}

static json_t *metadata_object(const char *const *pairs) {
    json_t *object = json_object();
    for (; object && pairs[0]; pairs += 2) {
        if (pairs[1] && json_object_set_new(object, pairs[0], json_string(pairs[1])) == 0) continue;
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *tensor_object(const anm_tensor *t, uint64_t offset) {
    json_t *shape = json_array();
    for (int i = 0; shape && i < t->rank; i++) {
        if (json_array_append_new(shape, json_integer(t->shape[i])) == 0) continue;
        json_decref(shape);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", anm_safetensors_dtype_name(t->dtype), "shape",
                     shape, "data_offsets", (json_int_t)offset, (json_int_t)(offset + t->bytes));
}

static anm_status fill_root(json_t *root, const char *where, const anm_tensor *tensors,
                            size_t count, const char *const *metadata, const size_t *order,
                            anm_error *err) {
    uint64_t offset = 0;
    if (metadata && json_object_set_new(root, "__metadata__", metadata_object(metadata)) != 0)
        return anm_fail(err, ANM_ERROR_ARGUMENT, where,
                        "the metadata is not a list of pairs of UTF-8 text");
    for (size_t i = 0; i < count; i++) {
        const anm_tensor *t = &tensors[order[i]];
        if (t->bytes > (uint64_t)INT64_MAX - offset)
            return anm_fail(err, ANM_ERROR_LIMIT, where, "the tensors exceed 2^63 bytes");
        if (json_object_set_new(root, t->name, tensor_object(t, offset)) != 0)
            return anm_fail(err, ANM_ERROR_ARGUMENT, where, "tensor name \"%s\" is not UTF-8",
                            t->name);
        offset += t->bytes;
    }
    return ANM_OK;
}

/* The length field and spaces bring the data to a multiple of 8. */
static anm_status append_header(const json_t *root, const char *where, anm_strbuf *out,
                                anm_error *err) {
    char *text = json_dumps(root, JSON_COMPACT);
    if (!text) return anm_fail_memory(err);
    size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    char prefix[8];
    for (int i = 0; i < 8; i++) prefix[i] = (char)(padded >> 8 * i & 255);
    anm_strbuf_append(out, prefix, 8);
    anm_strbuf_append(out, text, length);
    anm_strbuf_append(out, "        ", padded - length);
    free(text);
    if (padded > ANM_SAFETENSORS_MAX_HEADER)
        return anm_fail(err, ANM_ERROR_LIMIT, where,
                        "a header of %zu bytes is above the format's limit", padded);
    return out->failed ? anm_fail_memory(err) : ANM_OK;
}

anm_status anm_safetensors_build_header(const char *where, const anm_tensor *tensors, size_t count,
                                        const char *const *metadata, size_t *order, anm_strbuf *out,
                                        anm_error *err) {
    for (size_t i = 0; i < count; i++) {
        ANM_TRY(check_tensor(&tensors[i], where, err));
        order[i] = i;
    }
    ANM_TRY(check_names(tensors, count, where, err));
    if (count) qsort_r(order, count, sizeof *order, compare_tensors, (void *)(uintptr_t)tensors);
    json_t *root = json_object();
    if (!root) return anm_fail_memory(err);
    anm_status status = fill_root(root, where, tensors, count, metadata, order, err);
    if (status == ANM_OK) status = append_header(root, where, out, err);
    json_decref(root);
    return status;
}

static anm_status write_all(const char *path, const anm_strbuf *header, const anm_tensor *tensors,
                            const size_t *order, size_t count, anm_error *err) {
    anm_writer *w;
    anm_status status;
    ANM_TRY(anm_writer_open(path, &w, err));
    ANM_CHECK(anm_writer_write(w, header->data, header->len, err));
    for (size_t i = 0; i < count; i++) {
        const anm_tensor *t = &tensors[order[i]];
        ANM_CHECK(anm_writer_write(w, t->data, t->bytes, err));
    }
    return anm_writer_commit(w, err);
fail:
    anm_writer_abort(w);
    return status;
}

anm_status anm_safetensors_write(const char *path, const anm_tensor *tensors, size_t count,
                                 const char *const *metadata, anm_error *err) {
    anm_strbuf header = {0};
    for (size_t i = 0; i < count; i++)
        if (tensors[i].bytes && !tensors[i].data)
            return anm_fail(err, ANM_ERROR_ARGUMENT, path, "tensor %zu to write has no data", i);
    size_t *order = anm_calloc(count, sizeof *order);
    if (!order) return anm_fail_memory(err);
    anm_status status =
        anm_safetensors_build_header(path, tensors, count, metadata, order, &header, err);
    if (status == ANM_OK) status = write_all(path, &header, tensors, order, count, err);
    anm_strbuf_free(&header);
    anm_free(order);
    return status;
}
