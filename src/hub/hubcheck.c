/* SPDX-License-Identifier: MIT */
#include "src/hub/hubcheck.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/alloc.h"

enum { PIECE = 1 << 20 };

/* git hashes "blob SIZE", a zero byte and the content. */
static bool begin(EVP_MD_CTX *context, bool git, uint64_t size) {
    char head[64];
    int n = snprintf(head, sizeof head, "blob %llu", (unsigned long long)size);
    if (!git) return EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    return EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1 &&
           EVP_DigestUpdate(context, head, (size_t)n + 1) == 1;
}

static anm_status add_all(EVP_MD_CTX *digest, int fd, const char *path, uint64_t size,
                          unsigned char *piece,
                          anm_status (*tick)(void *context, uint64_t done, anm_error *err),
                          void *context, anm_error *err) {
    for (uint64_t at = 0; at < size;) {
        size_t want = size - at < PIECE ? (size_t)(size - at) : PIECE;
        ssize_t n = pread(fd, piece, want, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return anm_fail(err, ANM_ERROR_IO, path, "cannot read: %s", strerror(errno));
        if (n == 0) return anm_fail(err, ANM_ERROR_IO, path, "the file was cut while it was read");
        if (EVP_DigestUpdate(digest, piece, (size_t)n) != 1)
            return anm_fail(err, ANM_ERROR_INTERNAL, path, "hashing failed");
        at += (uint64_t)n;
        ANM_TRY(tick(context, at, err));
    }
    return ANM_OK;
}

anm_status anm_hub_check(int fd, const char *path, uint64_t size, const char *hash,
                         anm_status (*tick)(void *context, uint64_t done, anm_error *err),
                         void *context, char found[65], bool *equal, anm_error *err) {
    unsigned char value[EVP_MAX_MD_SIZE], *piece = anm_malloc(PIECE);
    unsigned int length = 0;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    anm_status status = ANM_OK;
    if (!piece || !digest) status = anm_fail_memory(err);
    else if (!begin(digest, strlen(hash) == 40, size))
        status = anm_fail(err, ANM_ERROR_INTERNAL, path, "libcrypto has no SHA-1 or SHA-256");
    if (status == ANM_OK) status = add_all(digest, fd, path, size, piece, tick, context, err);
    if (status == ANM_OK && (EVP_DigestFinal_ex(digest, value, &length) != 1 || length > 32))
        status = anm_fail(err, ANM_ERROR_INTERNAL, path, "hashing failed");
    for (unsigned int i = 0; status == ANM_OK && i < length; i++)
        snprintf(found + 2 * i, 3, "%02x", value[i]);
    *equal = status == ANM_OK && strcmp(found, hash) == 0;
    EVP_MD_CTX_free(digest);
    anm_free(piece);
    return status;
}
