/* SPDX-License-Identifier: MIT */
#include "src/base/sha256.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>

#include "src/base/str.h"

void anm_sha256_begin(anm_sha256 *hash) {
    hash->context = EVP_MD_CTX_new();
    hash->failed = !hash->context || !EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL);
}

void anm_sha256_add(anm_sha256 *hash, const void *data, size_t size) {
    if (!hash->failed && size) hash->failed = !EVP_DigestUpdate(hash->context, data, size);
}

void anm_sha256_line(anm_sha256 *hash, const char *fmt, ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    int size = vsnprintf(text, sizeof text - 1, fmt, args);
    va_end(args);
    if (size < 0 || (size_t)size >= sizeof text - 1) hash->failed = true;
    if (hash->failed) return;
    text[size] = '\n';
    anm_sha256_add(hash, text, (size_t)size + 1);
}

anm_status anm_sha256_end(anm_sha256 *hash, char hex[ANM_SHA256_HEX], anm_error *err) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    bool ok = !hash->failed && EVP_DigestFinal_ex(hash->context, digest, &size) &&
              size == ANM_SHA256_BYTES;
    EVP_MD_CTX_free(hash->context);
    hash->context = NULL;
    if (!ok) return anm_fail(err, ANM_ERROR_INTERNAL, NULL, "SHA-256 failed");
    for (unsigned int i = 0; i < size; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return ANM_OK;
}
