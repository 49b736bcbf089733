/* SPDX-License-Identifier: MIT */
/*
 * The two binary files of a compiled model: coremldata.bin (the interface, see compiled.c for the
 * layout) and analytics/coremldata.bin (sections of key and value). All numbers little-endian.
 */
#include <openssl/evp.h>
#include <string.h>

#include "src/package/compile.h"

enum { TYPE_ML_PROGRAM = 502, DESCRIPTION_FIELD = 2, MOST_VARINT = 10, HASH_BYTES = 32 };

/* ---- the description's own bytes ---- */

typedef struct scan {
    const uint8_t *at, *end;
} scan;

static bool read_number(scan *s, uint64_t *out) {
    *out = 0;
    for (int i = 0; i < MOST_VARINT && s->at < s->end; i++) {
        uint8_t byte = *s->at++;
        *out |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) return true;
    }
    return false;
}

/* One field; *size is 0 for what is not length-prefixed. */
static bool read_field(scan *s, uint64_t *key, const uint8_t **data, uint64_t *size) {
    uint64_t number;
    *size = 0;
    if (!read_number(s, key)) return false;
    switch (*key & 7) {
    case 0: return read_number(s, &number);
    case 1: number = 8; break;
    case 2:
        if (!read_number(s, &number)) return false;
        *size = number;
        break;
    case 5: number = 4; break;
    default: return false;
    }
    if (number > (uint64_t)(s->end - s->at)) return false;
    *data = s->at;
    s->at += number;
    return true;
}

anm_status anm_compile_find_payload(const uint8_t *model, size_t size, const char *where,
                                    anm_model_payload *out, anm_error *err) {
    scan s = {model, model + size};
    const uint8_t *data = NULL;
    uint64_t key, length;
    *out = (anm_model_payload){0};
    while (s.at < s.end) {
        if (!read_field(&s, &key, &data, &length))
            return anm_fail_at(err, ANM_ERROR_FORMAT, where, (uint64_t)(s.at - model),
                               "not a CoreML model: its protobuf is damaged or cut off");
        if (key != (DESCRIPTION_FIELD << 3 | 2)) continue;
        if (out->data)
            return anm_fail_at(err, ANM_ERROR_UNSUPPORTED, where, (uint64_t)(data - model),
                               "the model has its description in two parts");
        *out = (anm_model_payload){data, (size_t)length};
    }
    if (!out->data) return anm_fail(err, ANM_ERROR_FORMAT, where, "the model has no description");
    return ANM_OK;
}

/* ---- coremldata.bin ---- */

static void put_number(anm_strbuf *out, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) anm_strbuf_putc(out, (char)(value >> (8 * i)));
}

static void put_string(anm_strbuf *out, const char *text, size_t length) {
    put_number(out, length, 8);
    anm_strbuf_append(out, text, length);
}

void anm_compile_archive(anm_strbuf *out, int spec_version, anm_model_payload payload,
                         const Pb__ModelDescription *description) {
    static const char empty_metadata[3] = {(char)0xa2, 0x06, 0x00}; /* field 100, no bytes */
    static const char zeros[31] = {0};
    size_t extra = description->metadata ? 0 : sizeof empty_metadata;
    size_t trailers = description->n_functions ? description->n_functions : 1;
    put_number(out, TYPE_ML_PROGRAM, 4);
    put_number(out, spec_version <= 7 ? 5 : (uint64_t)spec_version, 4);
    anm_strbuf_append(out, zeros, 20); /* versions of five parts */
    put_string(out, "generic", 7);
    put_number(out, (uint64_t)spec_version, 1);
    anm_strbuf_append(out, zeros, 31);
    put_number(out, payload.size + extra, 8);
    anm_strbuf_append(out, (const char *)payload.data, payload.size);
    anm_strbuf_append(out, empty_metadata, extra);
    for (size_t i = 0; i < trailers; i++) {
        put_number(out, TYPE_ML_PROGRAM, 4);
        put_number(out, 0, 4);
        put_number(out, 0, 8);
    }
}

/* ---- analytics ---- */

static void put_entry(anm_strbuf *out, const char *key, const char *value) {
    put_string(out, key, strlen(key));
    put_string(out, value, strlen(value));
}

static void put_section(anm_strbuf *out, const char *name, uint64_t entries) {
    put_string(out, name, strlen(name));
    put_number(out, entries, 8);
}

anm_status anm_compile_analytics(anm_strbuf *out, const uint8_t *model, size_t size,
                                 const char *name, anm_error *err) {
    unsigned char hash[EVP_MAX_MD_SIZE];
    char text[4 * ((HASH_BYTES + 2) / 3) + 1];
    unsigned length = 0;
    if (!EVP_Digest(model, size, hash, &length, EVP_sha256(), NULL) || length != HASH_BYTES)
        return anm_fail(err, ANM_ERROR_INTERNAL, NULL, "libcrypto cannot compute SHA-256");
    EVP_EncodeBlock((unsigned char *)text, hash, HASH_BYTES);
    put_section(out, "NeuralNetworkModelDetails", 2);
    put_entry(out, "containsCustomLayer", "0");
    put_entry(out, "modelDimension", "0");
    put_section(out, "SpecificationDetails", 2);
    put_entry(out, "modelHash", text);
    put_entry(out, "modelName", name);
    return ANM_OK;
}
