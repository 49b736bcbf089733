/* SPDX-License-Identifier: MIT */
/*
 * Unpacking model files with protobuf-c. It recurses once per nesting level without a limit, so a
 * crafted file could overflow the stack: the nesting is measured first.
 */
#include "src/package/protoread.h"

enum { MOST_NESTED = 128, WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

typedef struct cursor {
    const uint8_t *at, *end;
} cursor;

static bool read_varint(cursor *c, uint64_t *out) {
    *out = 0;
    for (int shift = 0; shift < 64 && c->at < c->end; shift += 7) {
        uint8_t byte = *c->at++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

static bool skip(cursor *c, uint64_t size) {
    if (size > (uint64_t)(c->end - c->at)) return false;
    c->at += size;
    return true;
}

static const ProtobufCMessageDescriptor *submessage(const ProtobufCMessageDescriptor *type,
                                                    uint64_t field) {
    if (field > UINT32_MAX) return NULL;
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field(type, (unsigned)field);
    return f && f->type == PROTOBUF_C_TYPE_MESSAGE ? f->descriptor : NULL;
}

/* False when the bytes are no message or nest deeper than MOST_NESTED. */
static bool nesting_ok(const ProtobufCMessageDescriptor *type, cursor c, int depth) {
    if (depth > MOST_NESTED) return false;
    while (c.at < c.end) {
        uint64_t key, size = 0;
        if (!read_varint(&c, &key)) return false;
        switch (key & 7) {
        case WIRE_VARINT:
            if (!read_varint(&c, &size)) return false;
            continue;
        case WIRE_64: size = 8; break;
        case WIRE_32: size = 4; break;
        case WIRE_BYTES:
            if (!read_varint(&c, &size)) return false;
            break;
        default: return false;
        }
        const uint8_t *start = c.at;
        if (!skip(&c, size)) return false;
        const ProtobufCMessageDescriptor *inner =
            (key & 7) == WIRE_BYTES ? submessage(type, key >> 3) : NULL;
        if (inner && !nesting_ok(inner, (cursor){start, c.at}, depth + 1)) return false;
    }
    return true;
}

static anm_status unpack(const ProtobufCMessageDescriptor *type, const void *data, size_t size,
                         const char *where, const char *what, ProtobufCMessage **out,
                         anm_error *err) {
    cursor c = {data, (const uint8_t *)data + size};
    *out = nesting_ok(type, c, 0) ? protobuf_c_message_unpack(type, NULL, size, data) : NULL;
    if (*out) return ANM_OK;
    return anm_fail(err, ANM_ERROR_FORMAT, where,
                    "not a CoreML %s: its protobuf is damaged or cut off", what);
}

anm_status anm_proto_parse_model(const void *data, size_t size, const char *where, Pb__Model **out,
                                 anm_error *err) {
    return unpack(&pb__model__descriptor, data, size, where, "model", (ProtobufCMessage **)out,
                  err);
}

anm_status anm_proto_parse_description(const void *data, size_t size, const char *where,
                                       Pb__ModelDescription **out, anm_error *err) {
    return unpack(&pb__model_description__descriptor, data, size, where, "model description",
                  (ProtobufCMessage **)out, err);
}
